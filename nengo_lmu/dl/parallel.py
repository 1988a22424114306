"""States of memories that nothing feeds back into, for whole arrays of inputs at once.

The memory is a fixed linear map then: what it holds at the end is one matrix times all
inputs, and what it holds at any time follows from what it held at the start of a chunk
of steps and from the inputs since.
"""

import nengo
import numpy as np
import tensorflow as tf

from nengo_lmu.legendre import discretize, impulse_response, state_space


def last_step(n_inputs, theta, d, dt=0.001, steps=1, delay=0, method="zoh"):
    """Return the matrix from a sequence to the state of the memory at its end.

    Parameters
    ----------
    n_inputs : int
        Length of the sequence.
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).
    steps : int
        How long each input is held (time steps).
    delay : int
        Time steps before the end at which to take the state.
    method : {"zoh", "euler"}
        The discretization.

    Returns
    -------
    matrix : (n_inputs, d) ndarray
        ``m = u @ matrix`` for ``u`` of shape ``(n, n_inputs)``.
    """
    response = impulse_response(n_inputs * steps, theta, d, dt=dt, method=method)
    response = np.roll(response, delay, axis=0)
    response[:delay] = 0  # not seen yet
    return response[::-1].reshape(n_inputs, steps, d).sum(axis=1)


class AllSteps:
    """What a matrix reads from the memory's state at all steps of a sequence.

    The sequence is cut into chunks. Reading ``W`` from the state ``k`` steps into a
    chunk is reading ``W A_bar^k`` from that at its start, plus what came in since. So
    the states themselves are needed at the starts only, and all the rest is a few large
    products.

    Parameters
    ----------
    n_steps : int
        Length of the sequences (time steps).
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).
    last : int, optional
        How many of the last steps are wanted; by default all.
    chunk : int
        Time steps of a chunk. ``last`` is a multiple of it.
    method : {"zoh", "euler"}
        The discretization.
    """

    def __init__(self, n_steps, theta, d, dt=0.001, last=None, chunk=28, method="zoh"):
        last = n_steps if last is None else last
        if last % chunk or not 0 < last <= n_steps:
            raise nengo.exceptions.ValidationError(
                f"must be a multiple of chunk={chunk} from {chunk} to {n_steps}, but "
                f"{last} was given",
                attr="last",
            )
        self.last, self.chunk = last, chunk
        self._first = n_steps - last
        A_bar, B_bar = discretize(*state_space(theta, d), dt, method=method)
        response = impulse_response(n_steps, theta, d, dt=dt, method=method)
        # from the sequence to the states before each chunk
        starts = self._first + np.arange(0, last, chunk)
        before = np.zeros((n_steps, len(starts), d))
        for i, start in enumerate(starts):
            before[:start, i] = response[:start][::-1]
        self._before = tf.constant(before.reshape(n_steps, -1), tf.float32)
        # A_bar^k^T for the steps of a chunk
        powers = [A_bar.T]
        for _ in range(chunk - 1):
            powers.append(powers[-1] @ A_bar.T)
        self._powers = tf.constant(np.concatenate(powers), tf.float32)
        self._response = tf.constant(response[:chunk], tf.float32)
        self._d = d

    def __call__(self, u, W):
        """Read the memory.

        Parameters
        ----------
        u : (n, n_steps) tensor of float32
        W : (units, d) tensor of float32

        Returns
        -------
        v : (last, n, units) tensor
            ``W m[t]`` for the last steps.
        """
        chunk, d = self.chunk, self._d
        n_chunks = self.last // chunk
        units = W.shape[0]
        starts = tf.reshape(u @ self._before, (-1, d))
        through = tf.matmul(self._powers, W, transpose_b=True)  # (chunk * d, units)
        through = tf.reshape(
            tf.transpose(tf.reshape(through, (chunk, d, units)), (1, 0, 2)),
            (d, chunk * units),
        )
        kernel = tf.matmul(self._response, W, transpose_b=True)  # (chunk, units)
        # row j, column k: what the input j steps into the chunk adds k steps into it
        ages = np.arange(chunk) - np.arange(chunk)[:, np.newaxis]
        toeplitz = tf.gather(kernel, np.maximum(ages, 0)) * tf.constant(
            (ages >= 0)[..., np.newaxis], tf.float32
        )
        toeplitz = tf.reshape(toeplitz, (chunk, chunk * units))
        v = starts @ through + tf.reshape(u[:, self._first :], (-1, chunk)) @ toeplitz
        v = tf.reshape(v, (-1, n_chunks, chunk, units))
        return tf.reshape(tf.transpose(v, (1, 2, 0, 3)), (self.last, -1, units))


@tf.custom_gradient
def last_hidden(v, W_h):
    """Return the hidden state at the end of a sequence, ``h = tanh(v[t] + W_h h)``.

    The gradient has a scan of its own, backwards, which leaves the sum over all steps
    for ``W_h`` to one product.

    Parameters
    ----------
    v : (n_steps, n, units) tensor
        What hidden units receive from elsewhere.
    W_h : (units, units) tensor

    Returns
    -------
    h : (n, units) tensor
    """
    rest = tf.zeros_like(v[0])
    h = tf.scan(
        lambda h, now: tf.tanh(now + tf.matmul(h, W_h, transpose_b=True)), v, rest
    )

    def gradient(last):
        slope = 1 - h**2
        end = last * slope[-1]
        # from the step before the last to the first
        earlier = tf.scan(
            lambda g, s: tf.matmul(g, W_h) * s, slope[:-1], end, reverse=True
        )
        g = tf.concat([earlier, end[tf.newaxis]], axis=0)
        units = tf.shape(W_h)[0]
        before = tf.concat([rest[tf.newaxis], h[:-1]], axis=0)
        return g, tf.matmul(
            tf.reshape(g, (-1, units)),
            tf.reshape(before, (-1, units)),
            transpose_a=True,
        )

    return h[-1], gradient
