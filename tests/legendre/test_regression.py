"""Readouts for known noise: closed forms against brute force."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    discretize,
    simulate,
    state_space,
)
from nengo_lmu.legendre.regression import SeenStates, examples, fit_with_noise


def problem(n=60, k=5, seed=0):
    rng = np.random.RandomState(seed)
    F = rng.standard_normal((n, k)) * [1, 10, 0.1, 1, 3] + 2
    Y = F @ rng.standard_normal((k, 2)) + rng.standard_normal((n, 2)) + [5, -3]
    root = rng.standard_normal((k, k))
    return F, Y, root @ root.T


def test_weights_solve_the_normal_equations_with_the_noise():
    F, Y, S = problem()
    fit = fit_with_noise(F, Y, S)
    X, y = F - F.mean(axis=0), Y - Y.mean(axis=0)
    W = np.linalg.solve(X.T @ X + len(F) * S, X.T @ y)
    assert np.allclose(fit.weights, W.T)
    assert np.allclose(fit.bias, Y.mean(axis=0) - F.mean(axis=0) @ W)
    assert np.allclose(fit.noise, np.sqrt(np.diag(W.T @ S @ W)))


def test_no_other_weights_have_less_error_with_the_noise():
    # The expected squared error over the noise, in closed form, is convex: a change of
    # the weights in any direction makes it larger.
    F, Y, S = problem()
    fit = fit_with_noise(F, Y, S)

    def expected(weights, bias):
        missed = F @ weights.T + bias - Y
        return np.mean(missed**2) * 2 + np.trace(weights @ S @ weights.T)

    least = expected(fit.weights, fit.bias)
    rng = np.random.RandomState(1)
    for _ in range(20):
        change = 0.01 * rng.standard_normal(fit.weights.shape)
        assert expected(fit.weights + change, fit.bias) > least
        assert expected(fit.weights, fit.bias + change[:, 0]) > least


def test_error_is_that_of_leaving_each_sample_out():
    # The formula keeps the penalty n Sigma of all samples while one is left out.
    F, Y, S = problem(n=12)
    fit = fit_with_noise(F, Y, S)
    missed = []
    for i in range(len(F)):
        kept = np.arange(len(F)) != i
        X = F[kept] - F[kept].mean(axis=0)
        y = Y[kept] - Y[kept].mean(axis=0)
        W = np.linalg.solve(X.T @ X + len(F) * S, X.T @ y)
        bias = Y[kept].mean(axis=0) - F[kept].mean(axis=0) @ W
        missed.append(F[i] @ W + bias - Y[i])
    expected = np.sqrt(np.mean(np.square(missed), axis=0) + fit.noise**2)
    assert np.allclose(fit.error, expected)


def test_too_few_samples_tell_no_error():
    rng = np.random.RandomState(0)
    F, Y = rng.standard_normal((4, 6)), rng.standard_normal((4, 1))
    fit = fit_with_noise(F, Y, np.zeros((6, 6)))
    assert np.allclose(F @ fit.weights.T + fit.bias, Y)
    assert np.all(np.isinf(fit.error))


@pytest.mark.parametrize("late", [0, 1, 2])
@pytest.mark.parametrize("tau", [None, 0.0, 0.02])
@pytest.mark.parametrize("steps", [1, 7])
def test_seen_states_are_those_of_every_step(late, tau, steps):
    theta, d, dt = 0.1, 4, 0.001
    u = np.random.RandomState(0).standard_normal((30, 2))
    m = simulate(np.repeat(u, steps, axis=0), theta, d, dt)
    m = np.concatenate([np.zeros((late, 2, d)), m])[: len(m)]
    decay = None
    if tau is not None:
        decay = np.exp(-dt / tau) if tau else 0.0
        z = np.zeros((len(m) + 1, 2, d))
        for t in range(len(m)):
            z[t + 1] = decay * z[t] + (1 - decay) * m[t]
        m = z[:-1]
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    seen = SeenStates(A_bar, B_bar, steps, late, decay)
    assert np.allclose(seen.of(u[np.newaxis])[0], m[steps - 1 :: steps], atol=1e-12)


def test_input_noise_is_that_of_its_responses():
    A_bar, B_bar = discretize(*state_space(0.1, 3), 0.001)
    seen = SeenStates(A_bar, B_bar, steps=5, late=1, decay=0.9)
    impulse = np.zeros((1, 2000, 1))
    impulse[0, 0] = 1.0
    response = seen.of(impulse)[0, :, 0]
    assert np.allclose(seen.input_noise(), response.T @ response, atol=1e-14)


# --- what may be given


def test_forms_of_one_sequence_are_the_same():
    u, y = np.arange(6.0), np.arange(6.0) * 2
    given = [
        examples(u, y, 1),
        examples(u[:, np.newaxis], y[:, np.newaxis], 1),
        examples([u], [y], 1),
        examples(u.reshape(1, 6, 1), y.reshape(1, 6, 1), 1),
    ]
    for one in given:
        assert one.u.shape == (1, 6, 1)
        assert np.array_equal(one.target, y[:, np.newaxis])
        assert one.chosen.all()


def test_sequences_of_different_lengths_end_where_they_end():
    u = [np.ones(3), np.ones(5)]
    last = examples(u, np.array([1.0, 2.0]), 1)
    assert np.argwhere(last.chosen).tolist() == [[0, 2], [1, 4]]
    rows = examples(u, [np.arange(3.0), np.arange(5.0)], 1, washout=1)
    assert rows.target[:, 0].tolist() == [1, 2, 1, 2, 3, 4]
    padded = np.ones((2, 5, 1))
    mask = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    masked = examples(padded, np.array([1.0, 2.0]), 1, mask=np.array(mask) == 1)
    assert np.array_equal(masked.chosen, last.chosen)


def test_rows_are_picked_in_the_order_of_the_targets():
    u = [np.arange(3.0), np.arange(10.0, 15.0)]
    given = examples(u, [np.arange(3.0), np.arange(10.0, 15.0)], 1, washout=1)
    picked = given.pick(given.u[:, j] for j in range(5))
    assert np.array_equal(picked, given.target)


@pytest.mark.parametrize(
    "u, target, options, name, told",
    [
        (np.ones((4, 3)), np.ones(4), {}, "u", "1 columns"),
        (np.ones((2, 4, 3)), np.ones(2), {}, "u", r"\(2, 4, 3\)"),
        ([], np.ones(2), {}, "u", "sequences"),
        (np.full(4, np.nan), np.ones(4), {}, "u", "NaN"),
        (np.ones(4), np.ones(5), {}, "target", r"\(5, 1\)"),
        (np.ones((3, 4, 1)), np.ones((3, 4)), {}, "target", r"\(n, n_rows, 1\)"),
        (np.ones((3, 4, 1)), np.ones(4), {}, "target", "3 sequences"),
        ([np.ones(3), np.ones(4)], [np.ones(3), np.ones(3)], {}, "target", "as many"),
        ([np.ones(3)] * 2, [np.ones((3, 1)), np.ones((3, 2))], {}, "target", "as many"),
        ([np.ones(3)] * 2, [np.ones(3)], {}, "target", "as many"),
        (np.ones(4), np.ones(4), {"washout": 3}, "washout", "leaves 1 rows"),
        (np.ones(4), np.ones(4), {"mask": [1, 1, 1]}, "mask", r"\(1, 4\)"),
        (np.ones((2, 2, 1)), np.ones(2), {"mask": [[1, 1], [0, 0]]}, "mask", "1"),
    ],
)
def test_what_does_not_fit_together_is_named(u, target, options, name, told):
    with pytest.raises(ArgumentError, match=told) as error:
        examples(u, target, 1, **options)
    assert error.value.name == name
