"""Training without time, for memories that nothing feeds back into.

Where neither ``h`` nor ``m`` reaches the input of the memory, nor ``h`` itself, the
state is a fixed linear map of the input, and ``h`` a function of the state at the same
moment. So the trainable part may be trained on states that were computed beforehand, in
a network of one time step, and its weights are those of the network in time.

A single step has hardly any spikes. So hidden units are simulated by their rates there,
and what their spikes will add behind the readout's synapse is added as noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nengo
import nengo_dl
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam

from nengo_lmu.dl import fast
from nengo_lmu.dl.noise import FilteredSpikes, StateNoise
from nengo_lmu.dl.training import fit
from nengo_lmu.legendre.checks import finite_array
from nengo_lmu.networks.arguments import nengos_defaults, validated
from nengo_lmu.networks.objects import BiasConnection

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import ArrayLike
    from nengo_lmu.networks.lmu import LMU


class FeedForwardTwin:
    """A network of one time step with the trainable part of a feed-forward LMU.

    Parameters
    ----------
    lmu : nengo_lmu.LMU
        With hidden units and ``coupling="feed-forward"``, or with ``input_kernel``,
        ``hidden_kernel``, ``hidden_encoders`` and ``memory_encoders`` left out (None).
    readout : nengo.Connection
        From ``lmu.output``, to be trained too.
    bias : nengo.Connection, optional
        From a node with a constant output to where the readout leads, to be trained
        too.
    layer : tf.keras.layers.Layer, optional
        What hidden activity passes through in the twin only, such as dropout or noise
        in training.
    noise_covariance : (d, d) array_like, optional
        Of noise that states get in training and evaluation, such as
        ``lmu.memory.noise_covariance``. By default none: for an ideal memory, or for
        states that have it.

    Attributes
    ----------
    network : nengo.Network
        For `nengo_dl.Simulator`: compile, fit and ``freeze_params(twin.network)`` as
        ever, then `transfer`. There is nothing else to configure.
    input : nengo.Node
        Takes states of the memory, of ``lmu.memory.size_state`` dimensions.
    output : nengo.Probe
        The value of the readout.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the LMU is not feed-forward, has no hidden units, the readout does not come
        from it, or the bias does not lead to where the readout does.

    Notes
    -----
    ``fit`` trains the rates of hidden units. ``evaluate``, ``predict`` and validation
    say what the network in time will: its rates, with the noise that the spikes will
    have behind the readout's synapse (`nengo_lmu.networks.spikes`), for states that do
    not change much in the synapse's time constant.

    Examples
    --------
    >>> with nengo.Network():
    ...     lmu = LMU(0.1, d=4, units=8, n_neurons=0, coupling="feed-forward")
    ...     scores = nengo.Node(size_in=2)
    ...     readout = nengo.Connection(lmu.output, scores, transform=np.ones((2, 8)))
    >>> twin = FeedForwardTwin(lmu, readout)
    >>> twin.input.size_out, twin.output.size_in
    (4, 2)
    """

    def __init__(
        self,
        lmu: LMU,
        readout: Any,
        bias: Any = None,
        layer: Any = None,
        *,
        noise_covariance: ArrayLike | None = None,
    ) -> None:
        _check(lmu, readout, bias)
        self.network = nengo.Network(seed=0, label="feed-forward twin")
        with self.network, nengos_defaults():
            nengo_dl.configure_settings(
                planner=fast.rates, stateful=False, use_loop=False, keep_history=False
            )
            for cls in (nengo.Ensemble, nengo.Connection):
                self.network.config[cls].set_param(
                    "trainable", BoolParam("trainable", default=False)
                )
            states = self.input = nengo.Node(np.zeros(lmu.memory.size_state))
            if noise_covariance is not None:
                covariance = self._checked_covariance(lmu, noise_covariance)
                states = _passed(states, StateNoise(covariance, lmu.memory.size_in))
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
                activity = _passed(activity, layer)
            if hidden.neuron_type.spiking:
                spikes = FilteredSpikes(
                    hidden.neuron_type, lmu.unit, readout.synapse, lmu.memory.dt
                )
                activity = _passed(activity, spikes)
            target = nengo.Node(size_in=readout.size_out)
            self.output = nengo.Probe(target)
            self._pairs = [
                (lmu.memory_kernel, self._copy(lmu.memory_kernel, states, hidden)),
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

    @staticmethod
    def _checked_covariance(lmu, covariance):
        d = lmu.memory.d
        with validated(lmu):
            covariance = finite_array("noise_covariance", covariance)
        if covariance.shape != (d, d):
            raise ValidationError(
                f"must have shape {(d, d)}, that of one input dimension's state, but "
                f"{covariance.shape} was given; give lmu.memory.noise_covariance",
                attr="noise_covariance",
                obj=lmu,
            )
        return covariance

    def transfer(self) -> None:
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
    noise_covariance=None,
    minibatch_size=100,
    steps_per_execution=1,
    settings=None,
    **kwargs,
):
    """Train a feed-forward LMU on states of its memory, without time.

    Makes the twin and a simulator of it, trains, and stores the best epoch's weights in
    the LMU, its readout and the bias.

    Parameters
    ----------
    lmu, readout, bias, layer, noise_covariance
        As for `FeedForwardTwin`.
    inputs : (n, d) array_like or callable
        States of the memory; or what makes states and targets for each epoch, as for
        `nengo_lmu.dl.training.fit`: a function of a `numpy.random.RandomState`.
    targets : (n,) or (n, k) array_like, optional
        Labels, or what the readout is to say.
    validation : tuple of ndarray or None
        States and targets by which the epoch is chosen, by what the network in time
        would say.
    optimizer, loss, metrics
        As for ``nengo_dl.Simulator.compile``.
    epochs, seed : int
        As for `nengo_lmu.dl.training.fit`; the simulator's seed, too.
    minibatch_size : int
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
    twin = FeedForwardTwin(lmu, readout, bias, layer, noise_covariance=noise_covariance)
    with twin.network:
        nengo_dl.configure_settings(**(settings or {}))

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
        dt=lmu.memory.dt,
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


def _passed(node, layer):
    """Return a node with what a layer makes of another's values, of the same size."""
    shape = (node.size_out,)
    passed = nengo_dl.TensorNode(
        layer, shape_in=shape, shape_out=shape, pass_time=False
    )
    nengo.Connection(node, passed, synapse=None)
    return passed


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
                f"is not feed-forward: it has {name}; make it with {name}=None, or all "
                'with coupling="feed-forward", or train it in time with '
                "nengo_dl.Simulator.fit",
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
