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

# Steps of a chunk. More save little: products with A are a third of a cell's to begin
# with, and the matrices for the chunk have to stay in the cache.
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
    # twice as many at a time
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
    known = tf.reshape(tf.concat([starts, u], axis=2), (-1, d + width))
    y = [
        tf.reshape(known @ matrix, (-1, B, W.shape[0]))
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

    # twice as far back at a time
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
    powers, of_w, of_v = constants
    chunk = powers.shape[0] - 1
    n_steps = tf.shape(w)[0]
    # what hidden units and v read of a state
    W = tf.concat([weights["W_m"], weights["E_m"]], axis=0)
    # p and all w of a chunk are read at its steps, and v from the second one on
    known = _read(powers, of_w, W)
    since = [
        tf.matmul(_arriving(of_v[:k]), W, transpose_b=True) for k in range(1, chunk)
    ]
    leaves = powers[chunk], _arriving(of_w[1:]), _arriving(of_v[:chunk])
    outside = [weights[name] for name in ("W_h", "W_x", "E_h")]

    # steps that do not fill a chunk are filled up, with what comes too late to matter
    w, x = [tf.pad(a, [[0, -n_steps % chunk], [0, 0], [0, 0]]) for a in (w, x)]
    w = _by_chunk(w, chunk)
    n = _parts(p.shape[0])
    parts = zip(*[tf.split(a, n, axis=len(a.shape) - 2) for a in (p, r, w, x)])
    # traced once
    run = tf.function(
        functools.partial(_chunks, function, gradient, chunk, last), autograph=False
    )
    results = [run(n_steps, *part, *leaves, *outside, *known, *since) for part in parts]
    h, v = [tf.concat(parts, axis=1) for parts in zip(*results)]
    return h if last else h[:n_steps], _by_step(v, chunk)[:n_steps]


def _parts(rows):
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


def _chunks(function, gradient_of, chunk, last, n_steps, *tensors):
    """Go through a sequence of whole chunks, and backwards for the gradient.

    TensorFlow's own gradient of a loop multiplies for each weight in each step, and
    adds that up. Here there is one product for each weight, or for each chunk.
    """
    others = len(tensors) - 2 * chunk + 1
    p, r, w, x, *_ = tensors
    dtype, rows, d, n_x = p.dtype, *p.shape, x.shape[2]
    units, n_v, n_q = r.shape[1], tensors[others - 1].shape[0], d + w.shape[2]
    n_chunks, end = tf.shape(w)[0], n_steps - 1

    def array(size, width):
        return tf.TensorArray(
            dtype, size, element_shape=(rows, width), clear_after_read=False
        )

    @tf.custom_gradient
    def run(*tensors):
        p, r, w, x, power, w_leaves, v_leaves, W_h, W_x, E_h = tensors[:others]
        known, since = tensors[others : others + chunk], tensors[others + chunk :]
        x = tf.reshape(x, (n_chunks, chunk, rows, n_x))
        # from what is known at the start of the chunk, x[k], h[k-1], and v[0] to v[k-1]
        # to what hidden units and v receive
        from_x, from_h = [
            tf.pad(tf.transpose(W), [[0, 0], [0, n_v]]) for W in (W_x, W_h)
        ]
        matrices = [tf.concat([known[0], from_x], axis=0)] + [
            tf.concat([known[k], from_x, from_h, since[k - 1]], axis=0)
            for k in range(1, chunk)
        ]

        def forwards(i, p, r, hs, vs, qs):
            q, xs = tf.concat([p, w[i]], axis=1), tf.unstack(x[i])
            h, v = None, []
            for k in range(chunk):
                now = [q, xs[k]] if k == 0 else [q, xs[k], h, *v]
                z = tf.concat(now, axis=1) @ matrices[k]
                J, direct = tf.split(z, [units, n_v], axis=1)
                h = function(J + r if k == 0 else J)
                if n_v:
                    v.append(direct + tf.matmul(h, E_h, transpose_b=True))
                hs = hs.write(i * chunk + k, h)
            p = tf.matmul(p, power, transpose_b=True) + w[i] @ w_leaves
            if n_v:
                v = tf.concat(v, axis=1)
                p += v @ v_leaves
                vs = vs.write(i, v)
            r = tf.matmul(h, W_h, transpose_b=True)
            return i + 1, p, r, hs, vs, qs.write(i, q)

        hs, vs = array(n_chunks * chunk, units), array(n_chunks, chunk * n_v)
        *_, hs, vs, qs = tf.while_loop(
            lambda i, *_: i < n_chunks,
            forwards,
            (tf.constant(0), p, r, hs, vs, array(n_chunks, n_q)),
            parallel_iterations=1,
        )

        def backwards(of_h, of_v, i, dp, dh, dW_h, dW_x, dE_h, dzs, dws, dxs):
            # dh is that of the chunk's last h, from what comes later
            before = hs.read(tf.maximum(i * chunk - 1, 0)) * tf.cast(i > 0, dtype)
            h = [hs.read(i * chunk + k) for k in range(chunk)]
            if last:
                given = tf.one_hot(end - i * chunk, chunk, dtype=dtype)
                given = given[:, tf.newaxis, tf.newaxis] * of_h
            else:
                given = tf.reshape(of_h, (n_chunks, chunk, rows, units))[i]
            given = tf.unstack(given)
            dv = [None] * chunk
            if n_v:
                dv = tf.matmul(dp, v_leaves, transpose_b=True) + of_v[i]
                dv = tf.split(dv, chunk, axis=1)
            dq = [tf.concat([dp @ power, tf.matmul(dp, w_leaves, transpose_b=True)], 1)]
            dJ, dx = [None] * chunk, [None] * chunk
            for k in reversed(range(chunk)):
                dh += given[k]
                if n_v:
                    dh += dv[k] @ E_h
                dz = dJ[k] = gradient_of(h[k], dh)
                if n_v:
                    dz = tf.concat([dz, dv[k]], axis=1)
                dzs = dzs.write(k * n_chunks + i, dz)
                dnow = tf.matmul(dz, matrices[k], transpose_b=True)
                if k == 0:
                    dq_now, dx[k] = tf.split(dnow, [n_q, n_x], axis=1)
                else:
                    sizes = [n_q, n_x, units, k * n_v]
                    dq_now, dx[k], dh, earlier = tf.split(dnow, sizes, axis=1)
                    if n_v:
                        earlier += tf.concat(dv[:k], axis=1)
                        dv[:k] = tf.split(earlier, k, axis=1)
                dq.append(dq_now)
            all_dJ, dx = tf.concat(dJ, axis=0), tf.concat(dx, axis=0)
            dW_h += tf.matmul(all_dJ, tf.concat([before, *h[:-1]], 0), transpose_a=True)
            xs = tf.reshape(x[i], (chunk * rows, n_x))
            dW_x += tf.matmul(all_dJ, xs, transpose_a=True)
            if n_v:
                all_dv, h = tf.concat(dv, axis=0), tf.concat(h, axis=0)
                dE_h += tf.matmul(all_dv, h, transpose_a=True)
            dp, dw = tf.split(tf.add_n(dq), [d, w.shape[2]], axis=1)
            # of r for the first chunk, and for others of the h that r was made of
            dh = tf.cond(i > 0, lambda: dJ[0] @ W_h, lambda: dJ[0])
            weights = dW_h, dW_x, dE_h
            return i - 1, dp, dh, *weights, dzs, dws.write(i, dw), dxs.write(i, dx)

        def gradient(dh_out, dv_out):
            start = (
                n_chunks - 1,
                tf.zeros_like(p),
                tf.zeros_like(r),
                *map(tf.zeros_like, (W_h, W_x, E_h)),
                array(n_chunks * chunk, units + n_v),
                array(n_chunks, w.shape[2]),
                tf.TensorArray(dtype, n_chunks, element_shape=(chunk * rows, n_x)),
            )
            _, dp, dr, dW_h, dW_x, dE_h, dzs, dws, dxs = tf.while_loop(
                lambda i, *_: i >= 0,
                functools.partial(backwards, dh_out, dv_out),
                start,
                parallel_iterations=1,
            )
            n = n_chunks * rows
            dz = tf.reshape(dzs.stack(), (chunk, n, units + n_v))
            q = tf.reshape(qs.stack(), (n, n_q))
            dknown = [tf.matmul(q, dz[k], transpose_a=True) for k in range(chunk)]
            v = tf.reshape(vs.stack(), (n, chunk * n_v))
            dsince = [
                tf.matmul(v[:, : k * n_v], dz[k], transpose_a=True)
                for k in range(1, chunk)
            ]
            dx = tf.reshape(dxs.stack(), (n_chunks * chunk, rows, n_x))
            # nothing trains power, w_leaves and v_leaves
            states = dp, dr, dws.stack(), dx, None, None, None
            return *states, dW_h, dW_x, dE_h, *dknown, *dsince

        h_out = hs.read(end)[tf.newaxis] if last else hs.stack()
        return (h_out, vs.stack()), gradient

    return run(*tensors)
