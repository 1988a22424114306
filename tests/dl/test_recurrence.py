"""Recurrences by large operations equal those step by step, in double precision."""

import numpy as np
import pytest

pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_lmu.dl import recurrence  # noqa: E402
from nengo_lmu.legendre import discretize, state_space  # noqa: E402

D, UNITS = 4, 5

# of the order of rounding, after some tens of sums of values of about 1
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def matrices(rng, n_w, n_v):
    """Those of a memory, and of what comes in."""
    A, _ = discretize(*state_space(0.05, D), 0.001)
    return A, rng.standard_normal((D, n_w)), rng.standard_normal((D, n_v))


def steps(A, B_w, B_v, tensors):
    """The equations of the cell, one after another."""
    t = tensors
    p, r = t["p"], t["r"]
    hs, vs, ms = [], [], []
    for w, x in zip(tf.unstack(t["w"]), tf.unstack(t["x"])):
        m = p + w @ B_w.T
        h = tf.tanh(r + x @ tf.transpose(t["W_x"]) + m @ tf.transpose(t["W_m"]))
        v = h @ tf.transpose(t["E_h"]) + m @ tf.transpose(t["E_m"])
        p, r = m @ A.T + v @ B_v.T, h @ tf.transpose(t["W_h"])
        hs.append(h)
        vs.append(v)
        ms.append(m)
    return tf.stack(hs), tf.stack(vs), tf.stack(ms)


def cell(n_steps, rows, n_w=1, n_x=1, n_v=1, last=False):
    """Values and gradients of the cell, as it is and step by step."""
    rng = np.random.default_rng(0)
    A, B_w, B_v = matrices(rng, n_w, n_v)
    powers = recurrence.lookahead(A, recurrence.CELL_CHUNK)
    constants = [tf.constant(x) for x in (powers, powers @ B_w, powers @ B_v)]
    shapes = {
        "p": (rows, D),
        "r": (rows, UNITS),
        "w": (n_steps, rows, n_w),
        "x": (n_steps, rows, n_x),
        "W_x": (UNITS, n_x),
        "W_h": (UNITS, UNITS),
        "W_m": (UNITS, D),
        "E_h": (n_v, UNITS),
        "E_m": (n_v, D),
    }
    tensors = {
        name: tf.constant(0.3 * rng.standard_normal(shape))
        for name, shape in shapes.items()
    }

    def plain(t):
        h, v, _ = steps(A, B_w, B_v, t)
        return h[-1:] if last else h, v

    def ours(t):
        weights = {name: t[name] for name in ("W_x", "W_h", "W_m", "E_h", "E_m")}
        state = t["p"], t["r"], t["w"], t["x"]

        def gradient(h, dh):
            return dh * (1 - h**2)

        return recurrence.cell(tf.tanh, gradient, *state, weights, constants, last)

    found = []
    for function in (plain, ours):

        @tf.function(autograph=False)
        def run(function=function):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                h, v = function(tensors)
                # all of h and of v count, each otherwise
                number = tf.reshape(tf.range(tf.size(h), dtype=h.dtype), tf.shape(h))
                loss = tf.reduce_sum(h * tf.cos(number)) + tf.reduce_sum(tf.sin(v))
            return h, v, tape.gradient(loss, tensors)

        found.append(run())
    return found


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("n_steps", "rows", "sizes"),
    [
        (12, 3, {}),  # whole chunks
        (14, 3, {}),  # and a rest
        (3, 3, {}),  # a rest only
        (1, 1, {}),
        (9, 3, {"n_w": 2, "n_x": 3, "n_v": 2}),
        (9, 3, {"n_x": 0}),
        (9, 3, {"n_v": 0}),
    ],
)
def test_a_cell_has_the_values_and_gradients_of_its_steps(n_steps, rows, sizes, last):
    """The same values, and the same gradients of everything."""
    (h, v, gradients), (our_h, our_v, ours) = cell(n_steps, rows, **sizes, last=last)
    np.testing.assert_allclose(our_h, h, **CLOSE)
    np.testing.assert_allclose(our_v, v, **CLOSE)
    for name, gradient in gradients.items():
        if gradient is None:  # of W_h, where there is but one step
            assert not np.any(ours[name])
        elif gradient.shape.num_elements():
            np.testing.assert_allclose(ours[name], gradient, **CLOSE, err_msg=name)


@pytest.mark.parametrize("last", [False, True])
def test_a_cell_in_parts_is_the_same(last, monkeypatch):
    """Each core has its rows."""
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "3")
    monkeypatch.setattr(recurrence, "LEAST_ROWS", 3)
    assert recurrence.equal_parts(9) == 3
    (h, v, gradients), (our_h, our_v, ours) = cell(6, 9, last=last)
    np.testing.assert_allclose(our_h, h, **CLOSE)
    np.testing.assert_allclose(our_v, v, **CLOSE)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(ours[name], gradient, **CLOSE, err_msg=name)


def test_parts_are_as_many_as_there_are_cores(monkeypatch):
    """As many as there are cores, if they are of the same size and not too small."""
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    monkeypatch.setattr(recurrence.joblib, "cpu_count", lambda: 4)
    assert [recurrence.equal_parts(rows) for rows in (1, 100, 127, 129, 128, 600)] == [
        1,
        2,
        1,
        3,
        4,
        4,
    ]
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "1")  # as a sweep tells its workers
    assert recurrence.equal_parts(600) == 1


@pytest.mark.parametrize("n_steps", [1, 2, 5, 16, 40])
def test_states_are_those_of_the_recursion(n_steps):
    """All states, and the last one, of a memory that nothing feeds back into."""
    rng = np.random.default_rng(0)
    A, B, _ = matrices(rng, 2, 0)
    p, u = rng.standard_normal((3, D)), rng.standard_normal((n_steps, 3, 2))
    m = [p + u[0] @ B.T]
    for now in u[1:]:
        m.append(m[-1] @ A.T + now @ B.T)
    powers = recurrence.lookahead(A, recurrence.STATE_CHUNK)
    p, u = tf.constant(p), tf.constant(u)
    W = rng.standard_normal((3, D))
    found = recurrence.all_states(p, u, powers, powers @ B, tf.constant(W))
    np.testing.assert_allclose(found, np.array(m) @ W.T, **CLOSE)
    power, states = map(tf.constant, recurrence.response(A, B, n_steps))
    found = recurrence.last_state(p, u, power, states)
    np.testing.assert_allclose(found, m[-1], **CLOSE)


@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_decayed_sums_are_a_synapse(n_steps):
    """A synapse."""
    x = np.random.default_rng(0).standard_normal((n_steps, 2, 3))
    y = [x[0]]
    for now in x[1:]:
        y.append(0.7 * y[-1] + now)
    found = recurrence.decayed(tf.constant(x), 0.7)
    np.testing.assert_allclose(found, y, **CLOSE)
