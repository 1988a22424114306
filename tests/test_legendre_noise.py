"""The noise theory: against direct covariances and simulated Poisson spikes."""

import numpy as np
import pytest
import scipy.linalg

from nengo_lmu.legendre import (
    ArgumentError,
    SpikingPopulations,
    basis,
    discretize,
    principle3,
    readout,
    simulate,
    split_neurons,
    state_space,
)
from nengo_lmu.legendre.noise import WINDOW_POINTS, ErrorDynamics
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.legendre.statistics import typical_statistics


def populations(theta=1.0, d=4, tau=0.1, max_rate=110.0, kind="legendre", **kwargs):
    statistics = typical_statistics(theta, d)
    made = basis(statistics, kind)
    return SpikingPopulations(theta, d, statistics, made, tau, max_rate, **kwargs)


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


@pytest.mark.parametrize("theta, d", [(1.0, 1), (1.0, 4), (0.2, 9), (10.0, 24)])
def test_accumulated_noise(theta, d):
    """Doubling against scipy's solver of the Lyapunov equation, and its adjoint."""
    dynamics = ErrorDynamics(theta, d)
    root = np.random.RandomState(0).standard_normal((d, d))
    P = dynamics.accumulated(root @ root.T)
    expected = scipy.linalg.solve_discrete_lyapunov(dynamics.A_bar, root @ root.T)
    assert np.allclose(P, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
    # what a unit of noise does to the window, either way
    C = readout(d, WINDOW_POINTS)
    forward = np.trace(C @ P @ C.T) / len(C)
    assert np.sum(dynamics.window_energy * (root @ root.T)) == pytest.approx(forward)


def test_dynamics_on_the_edge_of_stability():
    """Euler's method with steps that turn the state around: -1 to each power."""
    with pytest.raises(ArgumentError, match="edge of stability"):
        ErrorDynamics(0.5, 1, dt=1.0, method="euler").accumulated(np.eye(1))


@pytest.mark.parametrize("kind", ["legendre", "principal"])
@pytest.mark.parametrize("theta, d, tau", [(1.0, 4, 0.1), (0.2, 9, 0.05)])
def test_error_is_that_of_its_own_noise(kind, theta, d, tau):
    """The fixed point of noise and covariance, above what it started from."""
    p = populations(theta, d, tau, kind=kind)
    counts = np.full(d, 40)
    rows = np.linalg.inv(p.realization.T)
    clean = np.sqrt(2 / np.pi * np.diag(rows @ p.statistics.covariance @ rows.T))
    mean_abs = clean
    for _ in range(60):
        P = covariance_by_sum(p, mean_abs * 2 / (40 * 110.0 * 0.001))
        mean_abs = np.sqrt(clean**2 + 2 / np.pi * np.diag(rows @ P @ rows.T))
    assert np.all(mean_abs > clean)
    # the default number of iterations is enough
    assert np.allclose(p.covariance(counts), P, rtol=0.02, atol=0.02 * P.max())
    error = p.error(counts)
    for points, predicted in ((WINDOW_POINTS, error.window), (1.0, error.delay)):
        C = readout(d, points)
        expected = np.sqrt(np.mean(np.diag(C @ P @ C.T))) / 0.3
        assert predicted == pytest.approx(expected, rel=0.01)
    # on and off neurons fire at half the rate of |x|
    assert np.allclose(p.rates(counts), 110 * mean_abs / 2, rtol=0.01)


def test_coloured_noise_adds_up_as_white_noise_does():
    """The integral over frequencies against the Lyapunov equation."""
    white, coloured = populations(d=6), populations(d=6, spiking="regular")
    variance = np.random.RandomState(0).uniform(0.5, 2, size=6)
    # one-sided: 2 dt of density for each unit of variance
    flat = np.tile(2 * 0.001 * variance, (len(coloured._frequency), 1))
    expected = white._errors(variance)[0]
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((coloured._errors(flat)[0] - expected) / scale).max() < 0.02
    assert np.allclose(coloured._shares(flat), white._shares(variance), rtol=0.02)


def test_shares_add_up_to_the_error():
    for spiking in ("poisson", "stochastic", "regular"):
        p = populations(d=6, spiking=spiking)
        noise = p._noise(np.zeros(6))
        C = readout(6, WINDOW_POINTS)
        error = np.mean(np.diag(C @ p._errors(noise)[0] @ C.T))
        assert p._shares(noise).sum() == pytest.approx(error)


def white_noise(rng, n_runs, n_steps, dt, bandwidth, rms):
    """Sums of random waves at all frequencies of the grid up to the bandwidth."""
    frequency = np.fft.rfftfreq(n_steps, dt)
    band = (frequency > 0) & (frequency <= bandwidth)
    spectrum = rng.standard_normal((2, n_runs, len(frequency))) * band
    u = np.fft.irfft(spectrum[0] + 1j * spectrum[1], n=n_steps)
    return u * rms / np.sqrt(np.mean(u**2))


@pytest.mark.parametrize("d, n_neurons", [(3, 300), (6, 600)])
def test_error_of_simulated_spikes(d, n_neurons):
    """Within 15 % of the recurrence with Poisson spikes.

    16 runs of 8 windows hold about 128 independent errors of the window, each of
    several modes: the mean square is known to 10 % at worst, its root to 5 %.
    """
    theta, dt, tau, r = 1.0, 0.001, 0.1, 110.0
    p, counts = quietest(theta, d, n_neurons, tau=tau, max_rate=r)
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

    predicted = p.error(counts)
    window = difference @ readout(d, WINDOW_POINTS).T
    measured = np.sqrt(np.mean(window**2)) / 0.3
    assert predicted.window == pytest.approx(measured, rel=0.15)
    delay = np.sqrt(np.mean((difference @ readout(d, 1.0).T) ** 2)) / 0.3
    assert predicted.delay == pytest.approx(delay, rel=0.15)


def test_synapse_that_decays_as_the_memory_does():
    """An order of 1 and tau = theta: spikes leave no trace but their own filter's."""
    p, counts = quietest(1.0, 1, 10, tau=1.0)
    assert list(counts) == [10]
    assert p.error(counts).window < 1e-6


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
    best = p.error(counts).window
    assert p.error(np.full(5, 1000)).window > best
    for i in range(5):
        moved = counts.copy()
        moved[i] -= counts[i] // 10
        moved[(i + 1) % 5] += counts[i] // 10
        assert p.error(moved).window > best


@pytest.mark.parametrize(
    "call, name, value",
    [
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
