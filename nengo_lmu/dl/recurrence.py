"""Linear and nonlinear recurrences over whole sequences, as few large operations.

A state ``m[t] = A m[t-1] + B u[t]`` that nothing trains is looked ahead: ``k`` steps
into a chunk it is ``A^k`` times what it was at the start, plus what came in since. What
is read from it follows without the states between, by products with matrices that are
made once for all chunks. So only what is nonlinear is done step by step.

``p`` stands for what of the state is known before the first input: ``A m[-1]`` and the
feedback of the step before. Rows are the sequences of a minibatch: ``B`` of them.
"""

import functools
import os

import joblib
import numpy as np
import tensorflow as tf

# A chunk has so many steps. More save little: products with A are a third of a cell's
# to begin with, and the matrices for the chunk have to stay in the cache.
CELL_CHUNK = 4
STATE_CHUNK = 16

# Small products do not use more than one core, so parts of a minibatch take one each.
# Below so many rows a product is less efficient than what that gains.
LEAST_ROWS = 32


# --- what is known beforehand


def lookahead(A, n):
    """Return ``A^0`` to ``A^n``.

    Parameters
    ----------
    A : (d, d) ndarray
    n : int

    Returns
    -------
    powers : (n + 1, d, d) ndarray
    """
    powers = [np.eye(len(A))]
    for _ in range(n):
        powers.append(A @ powers[-1])
    return np.array(powers)


def response(A, B, n_steps):
    """Return what an input leaves in the state, for each of its ages.

    Parameters
    ----------
    A : (d, d) ndarray
    B : (d, n) ndarray
    n_steps : int

    Returns
    -------
    power : (d, d) ndarray
        ``A^(n_steps - 1)``.
    states : (n_steps, d, n) ndarray
        ``A^t B`` for ages ``t`` from 0.
    """
    # Their number doubles each time.
    states, power = B[np.newaxis], A
    while 2 * len(states) <= n_steps:
        states = np.concatenate([states, power @ states])
        power = power @ power
    rest = n_steps - len(states)
    states = np.concatenate([states, power @ states[:rest]])
    return np.linalg.matrix_power(A, n_steps - 1), states


# --- the state alone


def last_state(p, u, power, states):
    """Return the state at the end of a sequence.

    Parameters
    ----------
    p : (B, d) tensor
    u : (n_steps, B, n) tensor
    power : (d, d) tensor
        ``A^(n_steps - 1)``.
    states : (n_steps, d, n) tensor
        From `response`.

    Returns
    -------
    m : (B, d) tensor
    """
    d, n = states.shape[1:]
    B = p.shape[0]
    by_sequence = tf.reshape(tf.transpose(u, (1, 0, 2)), (B, -1))
    backwards = tf.transpose(tf.reverse(states, [0]), (0, 2, 1))
    m = by_sequence @ tf.reshape(backwards, (-1, d))
    return m + tf.matmul(p, power, transpose_b=True)


def all_states(p, u, powers, inputs, W):
    """Return what a matrix reads from the states at all steps of a sequence.

    Parameters
    ----------
    p : (B, d) tensor
    u : (n_steps, B, n) tensor
    powers : (chunk + 1, d, d) tensor
        From `lookahead`.
    inputs : (chunk + 1, d, n) tensor
        ``powers @ B``.
    W : (n_out, d) tensor

    Returns
    -------
    y : (n_steps, B, n_out) tensor
        ``W m``.
    """
    chunk = powers.shape[0] - 1
    B, d = p.shape
    n_steps = tf.shape(u)[0]
    u = _by_chunk(tf.pad(u, [[0, -n_steps % chunk], [0, 0], [0, 0]]), chunk)
    width = u.shape[-1]
    arrive = tf.reshape(tf.reshape(u, (-1, width)) @ _arriving(inputs[1:]), (-1, B, d))
    A_chunk = tf.transpose(powers[chunk])
    starts = tf.scan(lambda p, now: p @ A_chunk + now, arrive, p)
    starts = tf.concat([p[tf.newaxis], starts[:-1]], axis=0)
    rows = tf.reshape(tf.concat([starts, u], axis=2), (-1, d + width))
    y = [
        tf.reshape(rows @ matrix, (-1, B, W.shape[0]))
        for matrix in _read(powers, inputs, W)
    ]
    return tf.reshape(tf.stack(y, axis=1), (-1, B, W.shape[0]))[:n_steps]


def _read(powers, inputs, W):
    """Return, for the steps of a chunk, how its start and its inputs are read there."""
    chunk = powers.shape[0] - 1
    return [
        tf.matmul(
            tf.concat([tf.transpose(powers[k]), _arrived(inputs, k, chunk)], axis=0),
            W,
            transpose_b=True,
        )
        for k in range(chunk)
    ]


def decayed(x, decay):
    """Return ``y[t] = decay y[t-1] + x[t]``, from rest.

    Parameters
    ----------
    x : (n_steps, B, n) tensor
    decay : float

    Returns
    -------
    y : (n_steps, B, n) tensor
    """
    n_steps = tf.shape(x)[0]

    # Sums reach twice as far back each time.
    def further(back, decay, y):
        late = tf.pad(y, [[back, 0], [0, 0], [0, 0]])[:n_steps]
        return 2 * back, decay**2, y + decay * late

    start = tf.constant(1), tf.constant(decay, x.dtype), x
    *_, y = tf.while_loop(
        lambda back, *_: back < n_steps,
        further,
        start,
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([]), x.shape),
    )
    return y


def _by_chunk(u, chunk):
    """Return ``(n_chunks, B, chunk * n)`` for ``(n_steps, B, n)``."""
    B, n = u.shape[1:]
    n_chunks = tf.shape(u)[0] // chunk
    u = tf.transpose(tf.reshape(u, (n_chunks, chunk, B, n)), (0, 2, 1, 3))
    return tf.reshape(u, (n_chunks, B, chunk * n))


def _by_step(u, chunk):
    """Return ``(n_steps, B, n)`` for ``(n_chunks, B, chunk * n)``."""
    B, width = u.shape[1:]
    n_chunks, n = tf.shape(u)[0], width // chunk
    u = tf.transpose(tf.reshape(u, (n_chunks, B, chunk, n)), (0, 2, 1, 3))
    return tf.reshape(u, (n_chunks * chunk, B, n))


def _arriving(inputs):
    """Return the matrix from the inputs of a chunk to what they leave behind it.

    Parameters
    ----------
    inputs : (chunk, d, n) tensor
        What an input leaves, the last of the chunk first.
    """
    backwards = tf.transpose(tf.reverse(inputs, [0]), (0, 2, 1))
    return tf.reshape(backwards, (-1, inputs.shape[1]))


def _arrived(inputs, k, chunk):
    """Return that from all inputs of a chunk to their part in the state at step k."""
    n = inputs.shape[-1]
    return tf.pad(_arriving(inputs[: k + 1]), [[0, (chunk - 1 - k) * n], [0, 0]])


# --- the cell around it


def cell(function, gradient, p, r, w, x, weights, constants, last):
    """Return the hidden states of a sequence.

    ``h[t] = f(W_x x[t] + W_h h[t-1] + W_m m[t])``, ``m[t] = A m[t-1] + B_w w[t] + B_v
    v[t-1]``, ``v[t] = E_h h[t] + E_m m[t]``.

    Parameters
    ----------
    function, gradient : callable
        ``f``, and the gradient of its input for its value and the gradient of that.
    p : (B, d) tensor
    r : (B, units) tensor
        ``W_h h[-1]``.
    w : (n_steps, B, n_w) tensor
    x : (n_steps, B, n_x) tensor
    weights : dict of str to tensor
        ``W_x``, ``W_h``, ``W_m``, ``E_h`` and ``E_m``.
    constants : tuple of tensor
        ``powers``, from `lookahead`, and those times ``B_w`` and ``B_v``.
    last : bool
        Return ``h`` of the last step only.

    Returns
    -------
    h : (n_steps or 1, B, units) tensor
    v : (n_steps, B, n_v) tensor
    """
    chunk = constants[0].shape[0] - 1
    n_steps = tf.shape(w)[0]
    # Zeros fill up the last chunk, and come too late to matter.
    w, x = [tf.pad(a, [[0, -n_steps % chunk], [0, 0], [0, 0]]) for a in (w, x)]
    u = tf.concat([_by_chunk(w, chunk), _by_chunk(x, chunk)], axis=2)
    n = equal_parts(p.shape[0])
    parts = zip(*[tf.split(a, n, axis=len(a.shape) - 2) for a in (p, r, u)])
    # All parts share a function, which is traced once.
    run = tf.function(
        lambda n_steps, *tensors: _Chunks(function, gradient, chunk, last, n_steps)(
            *tensors
        ),
        autograph=False,
    )
    matrices = _matrices(weights, constants)
    results = [run(n_steps, *part, *matrices) for part in parts]
    h, v, h_end, c_end = [tf.concat(parts, axis=-2) for parts in zip(*results)]
    v_end = tf.matmul(h_end, weights["E_h"], transpose_b=True) + c_end
    v = tf.concat([_by_step(v, chunk)[1:], v_end[tf.newaxis]], axis=0)
    return h if last else h[:n_steps], v[:n_steps]


def _matrices(weights, constants):
    """Return the matrices of a chunk of steps.

    In its step ``k``, everything is one product: ``J``, which hidden units receive, and
    ``c = E_m m`` are linear in ``q``, ``h`` and ``c`` of the step before, and what has
    entered the memory until then. ``q`` is known at the start of the chunk: ``p``, and
    all ``w`` and ``x`` of the chunk. What enters now, ``v = E_h h + c`` of the step
    before, comes out of the same product, for the next ones.

    Returns
    -------
    onward : (n_q + chunk * n_v, d) tensor
        From ``q`` and all ``v`` to the next ``p``.
    before : (units + n_v, units + 2 n_v) tensor
        From ``h`` and ``c`` of the step before to ``J``, ``c`` and ``v``.
    *from_q : (n_q, units + 2 n_v) tensors
        For each step, from ``q``.
    *since : (k * n_v, units + 2 n_v) tensors
        For each but the first, from ``v`` of the steps before it.
    """
    powers, of_w, of_v = constants
    chunk = powers.shape[0] - 1
    W_x, W_h, E_h = [tf.transpose(weights[name]) for name in ("W_x", "W_h", "E_h")]
    n_x, n_v = W_x.shape[0], E_h.shape[1]
    W = tf.concat([weights["W_m"], weights["E_m"]], axis=0)
    eye = tf.eye(n_v, dtype=W.dtype)

    from_x = tf.zeros((chunk * n_x, powers.shape[1]), W.dtype)
    onward = [tf.transpose(powers[chunk]), _arriving(of_w[1:]), from_x]
    onward = tf.concat([*onward, _arriving(of_v[1:])], axis=0)
    entering = tf.concat(
        [tf.matmul(of_v[0], W, transpose_a=True, transpose_b=True), eye], 1
    )
    before = tf.concat([E_h, eye], axis=0) @ entering
    before += tf.pad(W_h, [[0, n_v], [0, 2 * n_v]])
    from_q = [
        tf.concat(
            [
                tf.pad(read, [[0, 0], [0, n_v]]),
                tf.pad(W_x, [[k * n_x, (chunk - 1 - k) * n_x], [0, 2 * n_v]]),
            ],
            axis=0,
        )
        for k, read in enumerate(_read(powers, of_w, W))
    ]
    since = [
        tf.pad(
            tf.matmul(_arriving(of_v[1 : k + 1]), W, transpose_b=True),
            [[0, 0], [0, n_v]],
        )
        for k in range(1, chunk)
    ]
    return onward, before, *from_q, *since


def equal_parts(rows):
    """Return into how many equal parts to split rows, for a core each."""
    most = max(1, min(_operations_at_a_time(), rows // LEAST_ROWS))
    return next(n for n in range(most, 0, -1) if rows % n == 0)


def _operations_at_a_time():
    """Return how many operations TensorFlow does at the same time."""
    return (
        tf.config.threading.get_inter_op_parallelism_threads()
        or int(os.environ.get("TF_NUM_INTEROP_THREADS", 0))
        or joblib.cpu_count()
    )


class _Chunks:
    """A sequence of whole chunks, forwards, and backwards for the gradient.

    TensorFlow's own gradient of a loop multiplies for each weight in each step, and
    adds that up. Here there is one product for each weight, or for each chunk.
    docs/explanation/inside_dl.rst has a table of the symbols.

    Parameters
    ----------
    function, gradient, last
        As for `cell`.
    chunk : int
    n_steps : tensor of int
        Without what fills the last chunk.
    """

    def __init__(self, function, gradient, chunk, last, n_steps):
        self.function, self.gradient_of = function, gradient
        self.chunk, self.last, self.n_steps = chunk, last, n_steps

    def __call__(self, p, r, u, onward, before, *rest):
        """Return what comes out of the sequence, with a gradient.

        Parameters
        ----------
        p, r, u : tensor
            For `cell`, all ``w`` and ``x`` by chunk.
        onward, before, *rest : tensor
            What `_matrices` returns.

        Returns
        -------
        h : (n_chunks * chunk or 1, B, units) tensor
        v : (n_chunks, B, chunk * n_v) tensor
            Of the step before each.
        h_end : (B, units) tensor
        c_end : (B, n_v) tensor
        """
        self.dtype, self.rows, self.units = p.dtype, p.shape[0], r.shape[1]
        self.n_u = u.shape[2]
        self.n_q, self.n_v = p.shape[1] + self.n_u, before.shape[0] - self.units
        self.n_chunks = tf.shape(u)[0]
        return tf.custom_gradient(self._run)(p, r, u, onward, before, *rest)

    def _run(self, p, r, u, onward, before, *rest):
        from_q, since = rest[: self.chunk], [before[:0], *rest[self.chunk :]]
        matrices = [tf.concat([a, before, b], axis=0) for a, b in zip(from_q, since)]
        h_end, c_end, hs, qs = self._forwards(p, r, u, onward, matrices)

        def gradient(*of_outputs):
            ways = self._backwards(p, r, hs, onward, matrices, *of_outputs)
            dp, dr, du, dbefore, dzs = ways
            # nothing trains what is needed to get to the next p
            return dp, dr, du, None, *self._of_weights(qs, dzs, before, dbefore)

        h = hs.read(self.n_steps)[tf.newaxis] if self.last else hs.stack()[1:]
        return (h, qs[..., self.n_q :], h_end, c_end), gradient

    # --- forwards

    def _forwards(self, p, r, u, onward, matrices):
        """Go through all chunks; ``hs`` begins with what there is before the first."""
        h = tf.zeros((self.rows, self.units), self.dtype)
        c = tf.zeros((self.rows, self.n_v), self.dtype)
        start = (
            *(tf.constant(0), p, r, h, c),
            self._array(self.n_chunks * self.chunk + 1, self.units).write(0, h),
            self._array(self.n_chunks, self.n_q + self.chunk * self.n_v),
        )
        *_, h_end, c_end, hs, qs = tf.while_loop(
            lambda i, *_: i < self.n_chunks,
            functools.partial(self._chunk, u, onward, matrices),
            start,
            parallel_iterations=1,
        )
        return h_end, c_end, hs, qs.stack()

    def _chunk(self, u, onward, matrices, i, p, r, h, c, hs, qs):
        """Go through the steps of a chunk, each of which is one product."""
        q, v = tf.concat([p, u[i]], axis=1), []
        for k in range(self.chunk):
            now = [q, h, c, *v] if self.n_v else [q, h]
            J = tf.concat(now, axis=1) @ matrices[k]
            if self.n_v:
                J, c, entered = tf.split(J, [self.units, self.n_v, self.n_v], axis=1)
                v.append(entered)
            h = self.function(J + r if k == 0 else J)
            hs = hs.write(i * self.chunk + k + 1, h)
        q = tf.concat([q, *v], axis=1)
        return i + 1, q @ onward, tf.zeros_like(r), h, c, hs, qs.write(i, q)

    # --- backwards

    def _backwards(self, p, r, hs, onward, matrices, of_h, of_v, of_h_end, of_c_end):
        """Go back through all chunks.

        Returns
        -------
        dp, dr, du, dbefore : tensor
            Gradients of what they are named for; that of ``before`` without what
            multiplies ``c``.
        dzs : (chunk, n_chunks * B, units + 2 n_v) tensor
            Those of what all products of steps give.
        """
        width = self.units + 2 * self.n_v
        # Products with transposed matrices are slower, so this is done once.
        transposed = [tf.transpose(matrix) for matrix in (onward, *matrices)]
        start = (
            *(self.n_chunks - 1, tf.zeros_like(p), of_h_end, of_c_end),
            *(tf.zeros_like(r), tf.zeros((self.units, width), self.dtype)),
            self._array(self.n_chunks * self.chunk, width),
            self._array(self.n_chunks, self.n_u),
        )
        _, dp, _, _, dr, dbefore, dzs, dus = tf.while_loop(
            lambda i, *_: i >= 0,
            functools.partial(self._chunk_back, hs, of_h, of_v, transposed),
            start,
            parallel_iterations=1,
        )
        shape = self.chunk, self.n_chunks * self.rows, width
        return dp, dr, dus.stack(), dbefore, tf.reshape(dzs.stack(), shape)

    def _chunk_back(
        self, hs, of_h, of_v, transposed, i, dp, dh, dc, _, dbefore, dzs, dus
    ):
        """Go back through the steps of a chunk."""
        to_q, *to_now = transposed
        n_q, n_v, units = self.n_q, self.n_v, self.units
        h = [hs.read(i * self.chunk + k) for k in range(self.chunk + 1)]
        gradients = self._of_chunk(of_h, i)
        dq = dp @ to_q
        if n_v:
            dq, dv = tf.split(dq, [n_q, self.chunk * n_v], axis=1)
            dv = tf.split(dv + of_v[i], self.chunk, axis=1)
        dq, dz = [dq], [None] * self.chunk
        for k in reversed(range(self.chunk)):
            dJ = dz[k] = self.gradient_of(h[k + 1], dh + gradients[k])
            if n_v:
                dz[k] = tf.concat([dJ, dc, dv[k]], axis=1)
            dzs = dzs.write(k * self.n_chunks + i, dz[k])
            dnow = dz[k] @ to_now[k]
            if n_v:
                sizes = [n_q, units, n_v] + [n_v] * k
                dq_now, dh, dc, *earlier = tf.split(dnow, sizes, axis=1)
                dv[:k] = [a + b for a, b in zip(dv, earlier)]
            else:
                dq_now, dh = tf.split(dnow, [n_q, units], axis=1)
            dq.append(dq_now)
        dbefore += tf.matmul(tf.concat(h[:-1], 0), tf.concat(dz, 0), transpose_a=True)
        dp, du = tf.split(tf.add_n(dq), [n_q - self.n_u, self.n_u], axis=1)
        return i - 1, dp, dh, dc, dJ, dbefore, dzs, dus.write(i, du)

    def _of_chunk(self, of_h, i):
        """Return the gradients of the hidden states of a chunk, as they were asked."""
        if not self.last:
            shape = self.n_chunks, self.chunk, self.rows, self.units
            return tf.unstack(tf.reshape(of_h, shape)[i])
        there = tf.one_hot(
            self.n_steps - 1 - i * self.chunk, self.chunk, dtype=of_h.dtype
        )
        return tf.cond(
            i < self.n_chunks - 1,
            lambda: [tf.zeros_like(of_h[0])] * self.chunk,
            lambda: [there[k] * of_h[0] for k in range(self.chunk)],
        )

    # --- weights

    def _of_weights(self, qs, dzs, before, dbefore):
        """Return the gradients of ``before`` and of what is known and came in since."""
        n_q, n_v, units = self.n_q, self.n_v, self.units
        q = tf.reshape(qs, (self.n_chunks * self.rows, n_q + self.chunk * n_v))
        both = [tf.matmul(q, dzs[k], transpose_a=True) for k in range(self.chunk)]
        dknown = [product[:n_q] for product in both]
        ends = [n_q + k * n_v for k in range(self.chunk + 1)]
        dsince = [both[k][n_q : ends[k]] for k in range(1, self.chunk)]
        # Since c = v - E_h h, the products for v are in what has just been multiplied.
        E_h = before[:units, units + n_v :]
        of_v = tf.add_n([both[k][ends[k] : ends[k + 1]] for k in range(self.chunk)])
        of_c = of_v - tf.matmul(E_h, dbefore, transpose_a=True)
        return tf.concat([dbefore, of_c], axis=0), *dknown, *dsince

    def _array(self, size, width):
        shape = self.rows, width
        return tf.TensorArray(
            self.dtype, size, element_shape=shape, clear_after_read=False
        )
