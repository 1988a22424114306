"""An LSTM beside LMUs: whole sequences in one operation, and step by step in Nengo.

Both are the cell of `tf.keras.layers.LSTM` with its default arguments ([1]_, with a
forget gate): ``i, f, o = sigmoid(W x + U h + b)``, ``g = tanh(W x + U h + b)``,
``c <- f c + i g``, ``h = o tanh(c)``.

References
----------
.. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long short-term memory. Neural
   Computation, 9(8), 1735-1780.
"""

import nengo
import numpy as np
import tensorflow as tf
from scipy.special import expit


class UnrolledLSTM(tf.keras.layers.LSTM):
    """`tf.keras.layers.LSTM` of whole sequences, several times faster on a CPU.

    It has the same weights and outputs, but its loop over time is within a single
    operation, that TensorFlow has brought along since its first versions.

    Parameters
    ----------
    node : nengo.Node
        Whose output is an `LSTMProcess`, to `store` the weights in.

    Examples
    --------
    >>> process = LSTMProcess.random(1, 4, np.random.RandomState(0))
    >>> with net:
    ...     node = nengo.Node(process)
    >>> x = np.ones((1, 3, 1), np.float32)
    >>> np.allclose(UnrolledLSTM(node)(x), process.apply(x[0]), atol=1e-6)
    True
    """

    def __init__(self, node):
        super().__init__(node.size_out, return_sequences=True)
        self.node = node

    def build(self, shape):
        """Make the weights, of the values that the process has."""
        super().build(shape)
        self.set_weights(self.node.output.weights)

    def call(self, inputs):
        """Apply the cell to ``(n, n_steps, size)`` sequences, from rest."""
        n_steps = inputs.shape[1]
        none = tf.zeros((tf.shape(inputs)[0], self.units))
        no_peephole = tf.zeros(self.units)
        kernel, recurrent, bias = self.weights
        result = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.constant(n_steps, tf.int64),
            x=tf.transpose(inputs, [1, 0, 2]),
            cs_prev=none,
            h_prev=none,
            w=_reordered(tf.concat([kernel, recurrent], axis=0)),
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=_reordered(bias),
            forget_bias=0.0,
            cell_clip=0.0,
            use_peephole=False,
        )
        return tf.transpose(result.h, [1, 0, 2])

    def compute_output_shape(self, shape):
        """Return the shape of ``h``."""
        return (*shape[:-1], self.units)

    def store(self):
        """Put the weights into the process."""
        self.node.output = LSTMProcess(*self.get_weights())


def _reordered(weights):
    """Keras has the gates in the order i f g o; the operation has i g f o."""
    i, f, g, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, g, f, o], axis=-1)


class LSTMProcess(nengo.Process):
    """The cell, step by step.

    Parameters
    ----------
    kernel : (size_in, 4 * units) array_like
    recurrent : (units, 4 * units) array_like
    bias : (4 * units,) array_like
        As `tf.keras.layers.LSTM` has them.

    Examples
    --------
    >>> process = LSTMProcess.random(1, 4, np.random.RandomState(0))
    >>> process.apply(np.ones((3, 1))).shape
    (3, 4)
    """

    def __init__(self, kernel, recurrent, bias):
        self.weights = [np.asarray(w) for w in (kernel, recurrent, bias)]
        super().__init__(
            default_size_in=len(self.weights[0]), default_size_out=len(self.weights[1])
        )

    @classmethod
    def random(cls, size_in, units, rng):
        """Return a cell as Keras makes them: Glorot-uniform, orthogonal, forgetting."""
        limit = np.sqrt(6 / (size_in + 4 * units))
        kernel = rng.uniform(-limit, limit, size=(size_in, 4 * units))
        q, r = np.linalg.qr(rng.standard_normal((4 * units, units)))
        bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
        return cls(kernel, (q * np.sign(np.diag(r))).T, bias)

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        """Return the state at rest."""
        return {"h": np.zeros(shape_out), "c": np.zeros(shape_out)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the step function."""
        kernel, recurrent, bias = self.weights
        h, c = state["h"], state["c"]

        def step_lstm(t, x):
            i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
            c[...] = expit(f) * c + expit(i) * np.tanh(g)
            h[...] = expit(o) * np.tanh(c)
            return h.copy()

        return step_lstm
