"""Training without time, for memories that nothing feeds back into.

Where neither ``h`` nor ``m`` reaches the input of the memory, nor ``h`` itself, the
state is a fixed linear map of the input, and ``h`` a function of the state at the same
moment. So the trainable part may be trained on states that were computed beforehand, in
a network of one time step, and its weights are those of the network in time.
"""

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.params import BoolParam

from nengo_lmu.dl import fast
from nengo_lmu.dl.training import fit
from nengo_lmu.networks.arguments import nengos_defaults
from nengo_lmu.networks.objects import BiasConnection


class FeedForwardTwin:
    """A network of one time step with the trainable part of a feed-forward LMU.

    Parameters
    ----------
    lmu : nengo_lmu.LMU
        With hidden units, and with ``input_kernel``, ``hidden_kernel``,
        ``hidden_encoders`` and ``memory_encoders`` left out (None).
    readout : nengo.Connection
        From ``lmu.output``, to be trained too.
    bias : nengo.Connection, optional
        From a node with a constant output to where the readout leads, to be trained
        too.
    layer : tf.keras.layers.Layer, optional
        What hidden activity passes through in the twin only, such as dropout or noise.

    Attributes
    ----------
    network : nengo.Network
        For `nengo_dl.Simulator`: compile, fit and ``freeze_params(twin.network)`` as
        ever, then `transfer`.
    input : nengo.Node
        Takes states of the memory, of ``lmu.memory.size_state`` dimensions.
    output : nengo.Probe
        The value of the readout.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the LMU is not feed-forward, has no hidden units, the readout does not come
        from it, or the bias does not lead to where the readout does.

    Examples
    --------
    >>> feedback = ("input_kernel", "hidden_kernel", "hidden_encoders")
    >>> without = dict.fromkeys([*feedback, "memory_encoders"])
    >>> with nengo.Network():
    ...     lmu = LMU(theta=0.1, d=4, units=8, n_neurons=0, **without)
    ...     scores = nengo.Node(size_in=2)
    ...     readout = nengo.Connection(lmu.output, scores, transform=np.ones((2, 8)))
    >>> twin = FeedForwardTwin(lmu, readout)
    >>> twin.input.size_out, twin.output.size_in
    (4, 2)
    """

    def __init__(self, lmu, readout, bias=None, layer=None):
        _check(lmu, readout, bias)
        self.network = nengo.Network(seed=0, label="feed-forward twin")
        with self.network, nengos_defaults():
            nengo_dl.configure_settings(planner=fast.planner)
            for cls in (nengo.Ensemble, nengo.Connection):
                self.network.config[cls].set_param(
                    "trainable", BoolParam("trainable", default=False)
                )
            self.input = nengo.Node(np.zeros(lmu.memory.size_state))
            hidden = nengo.Ensemble(
                lmu.units,
                1,
                neuron_type=lmu.hidden.neuron_type,
                encoders=lmu.hidden.encoders,
                normalize_encoders=False,
                gain=lmu.hidden.gain,
                bias=lmu.hidden.bias,
            )
            activity = nengo.Node(size_in=lmu.units)
            nengo.Connection(
                hidden.neurons, activity, transform=1 / lmu.unit, synapse=None
            )
            if layer is not None:
                passed = nengo_dl.TensorNode(
                    layer,
                    shape_in=(lmu.units,),
                    shape_out=(lmu.units,),
                    pass_time=False,
                )
                nengo.Connection(activity, passed, synapse=None)
                activity = passed
            target = nengo.Node(size_in=readout.size_out)
            self.output = nengo.Probe(target)
            self._pairs = [
                (lmu.memory_kernel, self._copy(lmu.memory_kernel, self.input, hidden)),
                (readout, self._copy(readout, activity, target)),
            ]
            if lmu.hidden_bias is not None:
                unity = nengo.Node([1.0])
                self._pairs.append(
                    (lmu.hidden_bias, self._copy(lmu.hidden_bias, unity, hidden))
                )
            if bias is not None:
                constant = nengo.Node(bias.pre_obj.output)
                self._pairs.append((bias, self._copy(bias, constant, target)))

    def _copy(self, conn, pre, post):
        post = post.neurons if isinstance(post, nengo.Ensemble) else post
        copy = nengo.Connection(pre, post, transform=conn.transform, synapse=None)
        self.network.config[copy].trainable = True
        return copy

    def transfer(self):
        """Store the frozen parameters of the twin in the LMU and its readout."""
        for original, copy in self._pairs:
            original.transform = copy.transform


def train(
    lmu,
    readout,
    inputs,
    targets=None,
    *,
    validation,
    optimizer,
    loss,
    epochs,
    seed,
    metrics=None,
    bias=None,
    layer=None,
    noisy=True,
    minibatch_size=100,
    dt=0.001,
    steps_per_execution=1,
    settings=None,
    **kwargs,
):
    """Train a feed-forward LMU on states of its memory, without time.

    Makes the twin and a simulator of it, trains, and stores the best epoch's weights in
    the LMU, its readout and the bias.

    Parameters
    ----------
    lmu, readout, bias, layer
        As for `FeedForwardTwin`.
    inputs : (n, d) array_like or callable
        States of the memory; or what makes states and targets for each epoch, as for
        `nengo_lmu.dl.training.fit`: a function of a `numpy.random.RandomState`.
    targets : (n,) or (n, k) array_like, optional
        Labels, or what the readout is to say.
    validation : tuple of ndarray or None
        States and targets by which the epoch is chosen.
    optimizer, loss, metrics
        As for ``nengo_dl.Simulator.compile``.
    epochs, seed : int
        As for `nengo_lmu.dl.training.fit`; the simulator's seed, too.
    noisy : bool
        Validate as in training: through rates, since a single step has hardly any
        spikes, and with the layer's noise.
    minibatch_size : int
    dt : float
        Time step (seconds).
    steps_per_execution : int
        As for Keras: minibatches between which nothing else is done.
    settings : dict, optional
        More for ``nengo_dl.configure_settings``.
    **kwargs
        More for `nengo_lmu.dl.training.fit`: ``checkpoint``, ``monitor`` and others.

    Returns
    -------
    history : dict from str to list of float
        As `nengo_lmu.dl.training.fit` returns it.
    """
    twin = FeedForwardTwin(lmu, readout, bias, layer)
    with twin.network:
        nengo_dl.configure_settings(
            stateful=False,
            use_loop=False,
            keep_history=False,
            learning_phase=True if noisy else None,
            **(settings or {}),
        )

    def in_time(m, y):
        m, y = np.asarray(m), np.asarray(y)
        y = y[:, np.newaxis] if y.ndim == 1 else y
        return {twin.input: m[:, np.newaxis]}, {twin.output: y[:, np.newaxis]}

    if callable(inputs):
        data = (lambda rng: in_time(*inputs(rng)),)
    else:
        data = in_time(inputs, targets)
    with nengo_dl.Simulator(
        twin.network,
        dt=dt,
        minibatch_size=minibatch_size,
        progress_bar=False,
        seed=seed,
    ) as sim:
        sim.compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            steps_per_execution=steps_per_execution,
        )
        history = fit(
            sim,
            *data,
            validation=None if validation is None else in_time(*validation),
            epochs=epochs,
            seed=seed,
            **kwargs,
        )
        sim.freeze_params(twin.network)
    twin.transfer()
    return history


class SpikeNoise(tf.keras.layers.Layer):
    """Noise of Poisson spikes behind a low-pass synapse, in training.

    Parameters
    ----------
    rate : float
        Of neurons that stands for an activity of 1 (hertz).
    tau : float
        Time constant of the synapse (seconds).

    Examples
    --------
    >>> noise = SpikeNoise(rate=200.0, tau=0.05)
    >>> noise.variance  # of the noise of an activity of 1
    0.05
    >>> noise(tf.ones(2), training=False).numpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate, tau):
        super().__init__()
        # filtered spikes of rate r have the variance r / (2 tau)
        self.variance = 1 / (2 * tau * rate)

    def call(self, x, training=None):
        """Add noise to activities; NengoDL says whether it is training."""
        if not training:
            return x
        # through the noise's size there is no gradient: it is infinite at 0
        size = tf.sqrt(self.variance * tf.maximum(tf.stop_gradient(x), 0))
        return x + size * tf.random.normal(tf.shape(x))


class Dropout(tf.keras.layers.Layer):
    """Leave out some units in each step of training, and let the others count more.

    Parameters
    ----------
    rate : float
        The fraction that is left out.

    Examples
    --------
    >>> Dropout(0.5)(tf.ones(2), training=False).numpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def call(self, x, training=None):
        """Drop units; NengoDL says whether it is training."""
        return tf.nn.dropout(x, self.rate) if training else x


def _check(lmu, readout, bias):
    if lmu.hidden is None or lmu.memory_kernel is None:
        raise ValidationError(
            "has no hidden units that read its memory; make it with units > 0 and a "
            "memory_kernel",
            attr="lmu",
            obj=lmu,
        )
    for name in ("input_kernel", "hidden_kernel", "hidden_encoders", "memory_encoders"):
        if getattr(lmu, name) is not None:
            raise ValidationError(
                f"is not feed-forward: it has {name}; make it with {name}=None, or "
                "train it in time with nengo_dl.Simulator.fit",
                attr="lmu",
                obj=lmu,
            )
    if readout.pre_obj is not lmu.output or isinstance(readout, BiasConnection):
        raise ValidationError(
            f"must be a connection from lmu.output, but {readout} is not",
            attr="readout",
            obj=lmu,
        )
    if bias is not None and bias.post_obj is not readout.post_obj:
        raise ValidationError(
            f"must be a connection to where the readout leads, but {bias} is not",
            attr="bias",
            obj=lmu,
        )
