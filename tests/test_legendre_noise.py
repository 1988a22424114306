"""The noise theory: against direct covariances and simulated Poisson spikes."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    PoissonPopulations,
    basis,
    discretize,
    neurons_for_error,
    predicted_error,
    principle3,
    readout,
    simulate,
    split_neurons,
    state_space,
    white_noise_statistics,
)
from nengo_lmu.legendre.noise import WINDOW_POINTS, quietest, typical_statistics


def populations(theta=1.0, d=4, tau=0.1, max_rate=110.0, kind="legendre", **kwargs):
    statistics = typical_statistics(theta, d)
    made = basis(statistics, kind)
    return PoissonPopulations(theta, d, made, tau, max_rate, **kwargs)


def covariance_by_sum(p, q):
    """``sum_k A_bar^k N A_bar^kT`` in true units, doubling the number of terms."""
    A, B = state_space(p.theta, p.d)
    A_bar, _ = discretize(A, B, p.dt)
    A_h, _ = principle3(A, B, p.tau, p.dt)
    injected = (1 - np.exp(-p.dt / p.tau)) * A_h @ p.realization.T
    P = injected @ np.diag(q) @ injected.T
    for _ in range(20):  # a million steps
        P = P + A_bar @ P @ A_bar.T
        A_bar = A_bar @ A_bar
    return P


@pytest.mark.parametrize("kind", ["legendre", "principal"])
@pytest.mark.parametrize("theta, d, tau", [(1.0, 4, 0.1), (0.2, 9, 0.05)])
def test_gains_are_those_of_the_covariance(kind, theta, d, tau):
    """The adjoint equation against the covariance itself."""
    p = populations(theta, d, tau, kind=kind)
    q = np.random.RandomState(0).uniform(0.5, 2, size=d)
    P = covariance_by_sum(p, q)
    for points in (WINDOW_POINTS, [0.0, 0.3], 1.0):
        C = readout(d, points)
        expected = np.mean(np.diag(C @ P @ C.T))
        assert p.gains(points) @ q == pytest.approx(expected, rel=1e-8)


def test_noise():
    """``E|x| 2 / (n r dt)``: 0.1 * 2 / (50 * 100 * 0.001) = 0.04."""
    p = populations(d=2, max_rate=100.0)
    assert np.allclose(p.noise([50, 100], np.array([0.1, 0.1])), [0.04, 0.02])


def test_noise_of_simulated_spikes():
    """On/off Poisson populations at a fixed x have the variance |x| 2 / (n r dt).

    The variance of 40000 samples is known to sqrt(2 / 40000) = 0.7 % (one sigma), a
    little worse since there are few spikes; 4 % is far outside.
    """
    rng = np.random.RandomState(0)
    n, r, dt, x = 60, 110.0, 0.001, 0.3
    spikes = rng.poisson(n / 2 * r * x * dt, size=40000)
    decoded = spikes / (n / 2 * r * dt)
    noise = populations(d=1, max_rate=r).noise([n], np.array([x]))
    assert decoded.mean() == pytest.approx(x, rel=0.02)
    assert decoded.var() == pytest.approx(noise[0], rel=0.04)


def test_error_with_the_noise_that_noise_makes():
    """`error` is that of its own fixed point, which is above the noise-free start."""
    p = populations(d=6)
    counts = np.full(6, 40)
    mean_abs = p.noisy_mean_abs(counts, iterations=60)
    # the state is Gaussian here, so 2 / pi times its variance is the square of E|x|
    T_inverse = np.linalg.inv(p.realization.T)
    P = T_inverse @ covariance_by_sum(p, p.noise(counts, mean_abs)) @ T_inverse.T
    clean = p.realization.mean_abs
    assert np.allclose(mean_abs**2, clean**2 + 2 / np.pi * np.diag(P), rtol=1e-6)
    assert np.all(mean_abs > clean)
    # eight iterations, the default, are enough
    assert np.allclose(p.noisy_mean_abs(counts), mean_abs, rtol=0.01)
    expected = np.sqrt(p.gains(WINDOW_POINTS) @ p.noise(counts, mean_abs)) / 0.3
    assert p.error(counts, 0.3).window == pytest.approx(expected, rel=0.01)
    delay = np.sqrt(p.gains(1.0) @ p.noise(counts, mean_abs)) / 0.3
    assert p.error(counts, 0.3).delay == pytest.approx(delay, rel=0.01)


def white_noise(rng, n_runs, n_steps, dt, bandwidth, rms):
    """Sums of random waves at all frequencies of the grid up to the bandwidth."""
    frequency = np.fft.rfftfreq(n_steps, dt)
    band = (frequency > 0) & (frequency <= bandwidth)
    spectrum = rng.standard_normal((2, n_runs, len(frequency))) * band
    u = np.fft.irfft(spectrum[0] + 1j * spectrum[1], n=n_steps)
    return u * rms / np.sqrt(np.mean(u**2))


@pytest.mark.parametrize("d, n_neurons", [(3, 300), (6, 600)])
def test_predicted_error_of_simulated_spikes(d, n_neurons):
    """Within 15 % of the recurrence with Poisson spikes.

    16 runs of 8 windows hold about 128 independent errors of the window, each of
    several modes: the mean square is known to 10 % at worst, its root to 5 %.
    """
    theta, dt, tau, r = 1.0, 0.001, 0.1, 110.0
    statistics = typical_statistics(theta, d)
    p, counts = quietest(theta, d, n_neurons, tau, r, dt, statistics)
    rng = np.random.RandomState(d)
    u = white_noise(rng, 16, 9000, dt, d / (6 * theta), 0.3)

    A_h, B_h = principle3(*state_space(theta, d), tau, dt)
    T = p.realization.T
    A_h, B_h = np.linalg.solve(T, A_h @ T), np.linalg.solve(T, B_h)
    a = np.exp(-dt / tau)
    per_spike = 2 / (counts * r * dt)
    x = np.zeros((16, d))
    states = np.zeros((u.shape[1], 16, d))
    for t in range(u.shape[1]):
        on = rng.poisson(np.maximum(x, 0) / per_spike)
        off = rng.poisson(np.maximum(-x, 0) / per_spike)
        decoded = (on - off) * per_spike
        x = a * x + (1 - a) * (decoded @ A_h.T + u[:, t, None] * B_h[:, 0])
        states[t] = x
    difference = (states @ T.T - simulate(u.T, theta, d, dt=dt))[1000:]

    predicted = predicted_error(theta, d, n_neurons, tau, r, dt)
    window = difference @ readout(d, WINDOW_POINTS).T
    measured = np.sqrt(np.mean(window**2)) / 0.3
    assert predicted.window == pytest.approx(measured, rel=0.15)
    delay = np.sqrt(np.mean((difference @ readout(d, 1.0).T) ** 2)) / 0.3
    assert predicted.delay == pytest.approx(delay, rel=0.15)


def test_predicted_error_falls_as_the_square_root():
    """Where it is small, so that noise makes little noise itself."""
    one, four = (predicted_error(1.0, 6, n).window for n in (20000, 80000))
    assert one / four == pytest.approx(2, rel=0.03)


def test_predicted_error_falls_with_tau_and_rate():
    def window(**kwargs):
        return predicted_error(1.0, 6, 600, **kwargs).window

    assert window(tau=0.2) < window(tau=0.1) < window(tau=0.05)
    assert window(max_rate=220.0) < window(max_rate=110.0)


def test_the_quieter_realization_is_chosen():
    for d in (3, 24):
        kinds = ("legendre", "principal")
        errors = [predicted_error(1.0, d, 4800, realization=k).window for k in kinds]
        assert predicted_error(1.0, d, 4800).window == pytest.approx(min(errors))
    # at higher orders it matters: principal components save half the neurons
    assert errors[1] < 0.75 * errors[0]


def test_predicted_error_with_statistics_of_ones_own():
    """A slower input has a quieter memory, and the rms is what it is relative to."""
    slow = white_noise_statistics(1.0, 6, 0.3, 0.2)
    fast = white_noise_statistics(1.0, 6, 0.3, 1.0)
    small = white_noise_statistics(1.0, 6, 0.003, 1.0)

    def window(statistics):
        return predicted_error(1.0, 6, 1200, statistics=statistics).window

    assert window(slow) < window(fast)
    assert window(small) == pytest.approx(window(fast))


# --- splitting neurons


@pytest.mark.parametrize("n_neurons", [12, 13, 14, 100, 601, 9999])
@pytest.mark.parametrize("weights", ["equal", "steep", "one"])
def test_split_neurons(n_neurons, weights):
    weights = {
        "equal": np.ones(6),
        "steep": 10.0 ** np.arange(6),
        "one": np.eye(6)[2],
    }[weights]
    counts = split_neurons(n_neurons, weights)
    assert counts.sum() == n_neurons
    assert counts.min() >= 2
    assert np.sum(counts % 2) == n_neurons % 2
    # a heavier population is never smaller, but for a pair that is over, and one
    assert np.all(np.diff(counts[np.argsort(weights, kind="stable")]) >= -3)


def test_split_neurons_in_proportion():
    assert list(split_neurons(600, [1, 2, 3])) == [100, 200, 300]
    assert list(split_neurons(12, [1, 1, 1])) == [4, 4, 4]


def test_split_is_better_than_any_neighbour():
    """Moving a tenth of one dimension's neurons to another makes the error larger."""
    p = populations(d=5)
    counts = p.split(5000)
    best = p.error(counts, 0.3).window
    assert p.error(np.full(5, 1000), 0.3).window > best
    for i in range(5):
        moved = counts.copy()
        moved[i] -= counts[i] // 10
        moved[(i + 1) % 5] += counts[i] // 10
        assert p.error(moved, 0.3).window > best


# --- the planner


@pytest.mark.parametrize("error", [0.5, 0.2, 0.1])
def test_neurons_for_error_inverts_predicted_error(error):
    n_neurons = neurons_for_error(error, 1.0, 3)
    assert n_neurons % 2 == 0
    assert predicted_error(1.0, 3, n_neurons).window <= error
    for fewer in range(max(6, n_neurons - 20), n_neurons, 2):
        assert predicted_error(1.0, 3, fewer).window > error


def test_neurons_for_a_large_error():
    """At least an on and an off neuron for each dimension."""
    assert neurons_for_error(1e6, 1.0, 5) == 10


def test_neurons_for_error_passes_options_on():
    plain = neurons_for_error(0.1, 1.0, 3)
    quiet = neurons_for_error(0.1, 1.0, 3, tau=0.2, max_rate=220.0)
    # the variance is inverse to the number and to the rate, and falls with tau
    assert quiet < 0.45 * plain


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda: predicted_error(0, 3, 300), "theta", "0"),
        (lambda: predicted_error("1", 3, 300), "theta", "'1'"),
        (lambda: predicted_error(np.nan, 3, 300), "theta", "nan"),
        (lambda: predicted_error(1, 0, 300), "d", "0"),
        (lambda: predicted_error(1, 2.5, 300), "d", "2.5"),
        (lambda: predicted_error(1, 3, 300.0), "n_neurons", "300.0"),
        (lambda: predicted_error(1, 3, 5), "n_neurons", "at least 6, .* but 5"),
        (lambda: predicted_error(1, 3, 300, tau=0), "tau", "0"),
        (lambda: predicted_error(1, 3, 300, tau=None), "tau", "None"),
        (lambda: predicted_error(1, 3, 300, max_rate=-1), "max_rate", "-1"),
        (lambda: predicted_error(1, 3, 300, dt=0), "dt", "0"),
        (lambda: predicted_error(1, 3, 300, method="rk4"), "method", "'rk4'"),
        (lambda: predicted_error(1, 9, 300, dt=0.5, method="euler"), "method", "euler"),
        (lambda: predicted_error(1, 3, 9, realization="x"), "realization", "'x'"),
        (lambda: neurons_for_error(0, 1, 3), "error", "0"),
        (lambda: neurons_for_error("small", 1, 3), "error", "'small'"),
        (lambda: neurons_for_error(1e-15, 1, 3), "error", "1e-15 would need more"),
        (lambda: neurons_for_error(0.1, -1, 3), "theta", "-1"),
        (lambda: neurons_for_error(0.1, 1, "3"), "d", "'3'"),
        (lambda: split_neurons(3, [1, 1]), "n_neurons", "at least 4, .* but 3"),
        (lambda: split_neurons(True, [1, 1]), "n_neurons", "True"),
        (lambda: split_neurons(10, [1, np.nan]), "weights", "NaN"),
        (lambda: split_neurons(10, [1, -1]), "weights", "-1"),
        (lambda: split_neurons(10, [0, 0]), "weights", "not all 0"),
    ],
)
def test_bad_arguments(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
