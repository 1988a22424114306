"""Layers of feed-forward LMUs in parallel over time, with gradients through all.

Where nothing feeds back into a memory but its own state, the memory is a linear filter
with a known impulse response, and so a convolution over time; hidden units that read
nothing of the step before are a function of each moment. So a stack of such LMUs can
take whole sequences in a single step of NengoDL, with time laid out along an axis of
its tensors: no loop over time, forwards or backwards. The weights are those of the
network in time. Layers that do feed back, an LSTM, may stand between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_lmu.legendre import impulse_response
from nengo_lmu.networks.arguments import nengos_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


# The response of a memory is cut off where no more of it than this is left, relative to
# its largest value.
TOLERANCE = 1e-6


class UnrolledLMU(tf.keras.layers.Layer):
    """A feed-forward LMU as a layer of sequences, with its weights.

    Parameters
    ----------
    lmu : nengo_lmu.LMU
        With an ideal memory (``n_neurons=0``), hidden units of `nengo.Tanh`,
        ``input_encoders``, ``memory_kernel`` and ``hidden_bias``, and without
        ``hidden_kernel``, ``hidden_encoders`` and ``memory_encoders`` (None).
    input_kernel : nengo.Connection, optional
        To the hidden units from what the LMU has as its input, where that is not
        ``lmu.input_kernel``.
    averaged : bool
        Whether the memory's input is the mean of this and the last step: there are
        then two connections to ``lmu.input``, with a transform of 0.5 each, one of
        which takes a step (``synapse=0``).

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is another one.

    Notes
    -----
    Takes ``(n, n_steps, size_in)`` tensors, and gives ``(n, n_steps, units)``. The
    memory is at rest before the first step. `store` puts the weights into the LMU.

    Examples
    --------
    >>> feedback = ("hidden_kernel", "hidden_encoders", "memory_encoders")
    >>> forwards = {"hidden_bias": 0.0, **dict.fromkeys(feedback)}
    >>> with nengo.Network():
    ...     lmu = LMU(0.02, 4, units=8, n_neurons=0, **forwards)
    >>> UnrolledLMU(lmu)(tf.ones((1, 3, 1))).shape
    TensorShape([1, 3, 8])
    """

    def __init__(self, lmu, input_kernel=None, averaged=False):
        input_kernel = lmu.input_kernel if input_kernel is None else input_kernel
        _check(lmu, input_kernel)
        super().__init__()
        self.lmu = lmu
        self.averaged = averaged
        memory = lmu.memory
        self.connections = {
            "encoders": lmu.input_encoders,
            "input_kernel": input_kernel,
            "memory_kernel": lmu.memory_kernel,
            "bias": lmu.hidden_bias,
        }
        self.response = cut_response(memory.theta, memory.d, memory.dt)

    def build(self, shape):
        """Make the weights, of the values that the LMU has."""
        _make_weights(self)
        super().build(shape)

    def call(self, x):
        """Apply the LMU to sequences."""
        u = tf.matmul(x, self.encoders, transpose_b=True)
        if self.averaged:
            before = tf.pad(u, [[0, 0], [1, 0], [0, 0]])[:, :-1]
            u = (u + before) / 2
        m = filtered(u, self.response)
        drive = tf.matmul(x, self.input_kernel, transpose_b=True)
        drive += tf.matmul(m, self.memory_kernel, transpose_b=True)
        return tf.tanh(drive + self.bias[:, 0])

    def compute_output_shape(self, shape):
        """Return the shape of the hidden units' activities."""
        return (*shape[:-1], self.lmu.units)

    def store(self):
        """Put the weights into the LMU's connections."""
        _store_weights(self)


class UnrolledReadout(tf.keras.layers.Layer):
    """A linear readout as a layer of sequences.

    Parameters
    ----------
    readout, bias : nengo.Connection
        Their transforms are the weights; `store` puts them back.

    Examples
    --------
    >>> with nengo.Network():
    ...     h, y = nengo.Node(size_in=8), nengo.Node(size_in=1)
    ...     readout = nengo.Connection(h, y, transform=np.ones((1, 8)))
    ...     bias = nengo.Connection(nengo.Node([1.0]), y, transform=[[2.0]])
    >>> UnrolledReadout(readout, bias)(tf.ones((1, 1, 8))).numpy()
    array([[[10.]]], dtype=float32)
    """

    def __init__(self, readout, bias):
        super().__init__()
        self.connections = {"readout": readout, "bias": bias}

    def build(self, shape):
        """Make the weights, of the values that the connections have."""
        _make_weights(self)
        super().build(shape)

    def call(self, x):
        """Apply the readout to sequences."""
        return tf.matmul(x, self.readout, transpose_b=True) + self.bias[:, 0]

    def compute_output_shape(self, shape):
        """Return the shape of what is read out."""
        return (*shape[:-1], self.connections["readout"].size_out)

    def store(self):
        """Put the weights into the connections."""
        _store_weights(self)


def _make_weights(layer):
    for name, conn in layer.connections.items():
        value = np.asarray(conn.transform.init, dtype=np.float32)
        weight = layer.add_weight(
            name, value.shape, initializer=tf.constant_initializer(value)
        )
        setattr(layer, name, weight)


def _store_weights(layer):
    for name, conn in layer.connections.items():
        conn.transform = getattr(layer, name).numpy()


def cut_response(theta, d, dt):
    """Return the impulse response of a memory up to where hardly any is left.

    Parameters
    ----------
    theta, d, dt
        Of the memory.

    Returns
    -------
    response : (n_taps, d) ndarray
    """
    n_taps = int(np.ceil(theta / dt))
    while True:
        n_taps *= 2
        response = impulse_response(n_taps, theta, d, dt=dt)
        size = np.abs(response).max(axis=1)
        (large,) = np.nonzero(size > TOLERANCE * size.max())
        # the last quarter being small says that what follows is smaller still
        if large[-1] < 0.75 * n_taps:
            return response[: large[-1] + 1].astype(np.float32)


def filtered(u, response):
    """Filter each signal with each response, causally, from rest.

    Parameters
    ----------
    u : (n, n_steps, size) tf.Tensor
    response : (n_taps, d) ndarray

    Returns
    -------
    m : (n, n_steps, size * d) tf.Tensor
        As a memory has it: row-major from ``(size, d)``.
    """
    n_taps, d = response.shape
    n, n_steps, size = tf.unstack(tf.shape(u))
    signals = tf.reshape(tf.transpose(u, [0, 2, 1]), [-1, n_steps, 1])
    signals = tf.pad(signals, [[0, 0], [n_taps - 1, 0], [0, 0]])
    m = tf.nn.conv1d(signals, response[::-1, np.newaxis], stride=1, padding="VALID")
    m = tf.transpose(tf.reshape(m, [n, size, n_steps, d]), [0, 2, 1, 3])
    return tf.reshape(m, [n, n_steps, u.shape[-1] * d])


def unroll(
    layers: Sequence[Any], n_steps: int, size_in: int
) -> tuple[nengo.Network, nengo.Node, nengo.Probe]:
    """Make a NengoDL network in which layers follow one another on whole sequences.

    Parameters
    ----------
    layers : list of tf.keras.layers.Layer
        Each takes and gives ``(n, n_steps, size)`` tensors.
    n_steps : int
        Length of the sequences.
    size_in : int
        Of the first layer.

    Returns
    -------
    network : nengo.Network
        To be simulated for a single step.
    input : nengo.Node
        Takes the sequences, as ``n_steps * size_in`` values.
    output : nengo.Probe
        What the last layer gives, of as many values.

    Examples
    --------
    >>> layers = [tf.keras.layers.Dense(8), tf.keras.layers.Dense(2)]
    >>> network, stimulus, output = unroll(layers, n_steps=5, size_in=1)
    >>> stimulus.size_out, int(output.size_in)
    (5, 10)
    """
    with nengo.Network(seed=0, label="unrolled") as network, nengos_defaults():
        nengo_dl.configure_settings(
            stateful=False, use_loop=False, keep_history=False, trainable=None
        )
        node = source = nengo.Node(np.zeros(n_steps * size_in))
        shape = (n_steps, size_in)
        for layer in layers:
            size_out = layer.compute_output_shape((None, *shape))[-1]
            node = nengo_dl.Layer(layer)(
                node, shape_in=shape, shape_out=(n_steps, size_out)
            )
            shape = (n_steps, size_out)
        output = nengo.Probe(node)
    return network, source, output


def _check(lmu, input_kernel):
    problems = [
        (f"it has {name}", f"{name}=None")
        for name in ("hidden_kernel", "hidden_encoders", "memory_encoders")
        if getattr(lmu, name) is not None
    ]
    parts = {
        "input_encoders": lmu.input_encoders,
        "input_kernel": input_kernel,
        "memory_kernel": lmu.memory_kernel,
        "hidden_bias": lmu.hidden_bias,
    }
    problems += [
        (f"it has no {name}", name) for name, conn in parts.items() if conn is None
    ]
    if lmu.memory.ensembles:
        problems.append(("its memory has neurons", "n_neurons=0"))
    if lmu.hidden is not None and type(lmu.hidden.neuron_type) is not nengo.Tanh:
        problems.append(("its hidden units are not Tanh", "nengo.Tanh()"))
    if lmu.memory.speed is not None:
        problems.append(("its memory has a speed", "largest_speed=None"))
    if lmu.memory.reset is not None:
        problems.append(("its memory has a reset", "reset=False"))
    for problem, remedy in problems:
        raise ValidationError(
            f"cannot be unrolled in time: {problem}; make it with {remedy}, or train "
            "it in time with nengo_dl.Simulator.fit",
            attr="lmu",
            obj=lmu,
        )
