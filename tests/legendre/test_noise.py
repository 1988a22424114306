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
    white_noise_statistics,
)
from nengo_lmu.legendre.feedback import largest_gain, with_feedback
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
def test_accumulated_noise_solves_the_lyapunov_equation(theta, d):
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


def test_dynamics_on_the_edge_of_stability_are_refused():
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
    # A spectrum that no neurons have: private methods are all that takes it. It is
    # one-sided: 2 dt of density for each unit of variance.
    flat = np.tile(2 * 0.001 * variance, (len(coloured._frequency), 1))
    expected = white._state_error(variance)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((coloured._state_error(flat) - expected) / scale).max() < 0.02
    assert np.allclose(coloured._shares(flat), white._shares(variance), rtol=0.02)


def test_shares_add_up_to_the_error():
    """Shares, which split neurons, are private: what is public is only the split."""
    for spiking in ("poisson", "stochastic", "regular"):
        p = populations(d=6, spiking=spiking)
        noise = p._noise(np.zeros(6))
        C = readout(6, WINDOW_POINTS)
        error = np.mean(np.diag(C @ p._state_error(noise) @ C.T))
        assert p._shares(noise).sum() == pytest.approx(error)


def white_noise(rng, n_runs, n_steps, dt, bandwidth, rms):
    """Sums of random waves at all frequencies of the grid up to the bandwidth."""
    frequency = np.fft.rfftfreq(n_steps, dt)
    band = (frequency > 0) & (frequency <= bandwidth)
    spectrum = rng.standard_normal((2, n_runs, len(frequency))) * band
    u = np.fft.irfft(spectrum[0] + 1j * spectrum[1], n=n_steps)
    return u * rms / np.sqrt(np.mean(u**2))


@pytest.mark.parametrize("gain", [0.0, 0.6])
@pytest.mark.parametrize("d, n_neurons", [(3, 300), (6, 600)])
def test_the_error_is_that_of_simulated_spikes(d, n_neurons, gain):
    """Within 15 % of the recurrence with Poisson spikes.

    16 runs of 8 windows hold about 128 independent errors of the window, each of
    several modes: the mean square is known to 10 % at worst, its root to 5 %. With
    feedback there are more, since errors last for a few steps.
    """
    theta, dt, tau, r = 1.0, 0.001, 0.1, 110.0
    p, counts = quietest(theta, d, n_neurons, tau=tau, max_rate=r, error_feedback=gain)
    rng = np.random.RandomState(d)
    u = white_noise(rng, 16, 9000, dt, d / (6 * theta), 0.3)

    A_h, B_h = principle3(*state_space(theta, d), tau, dt)
    T = p.realization.T
    A_h, B_h = np.linalg.solve(T, A_h @ T), np.linalg.solve(T, B_h)
    a = np.exp(-dt / tau)
    per_spike = 2 / (counts * r * dt)
    x, f = np.zeros((16, d)), np.zeros((16, d))
    states = np.zeros((u.shape[1], 16, d))
    for t in range(u.shape[1]):
        given = x + f
        on = rng.poisson(np.maximum(given, 0) / per_spike)
        off = rng.poisson(np.maximum(-given, 0) / per_spike)
        decoded = (on - off) * per_spike
        # f[t+1] = A_x f[t] + k (x - s)[t], with A_x = a I + (1 - a) A_h
        f = a * f + (1 - a) * f @ A_h.T + gain * (x - decoded)
        x = a * x + (1 - a) * (decoded @ A_h.T + u[:, t, None] * B_h[:, 0])
        states[t] = x
    difference = (states @ T.T - simulate(u.T, theta, d, dt=dt))[1000:]

    predicted = p.error(counts)
    window = difference @ readout(d, WINDOW_POINTS).T
    measured = np.sqrt(np.mean(window**2)) / 0.3
    assert predicted.window == pytest.approx(measured, rel=0.15)
    delay = np.sqrt(np.mean((difference @ readout(d, 1.0).T) ** 2)) / 0.3
    assert predicted.delay == pytest.approx(delay, rel=0.15)


def test_a_synapse_that_decays_as_the_memory_leaves_no_noise():
    """An order of 1 and tau = theta: spikes leave no trace but their own filter's."""
    for gain in (None, 0):
        p, counts = quietest(1.0, 1, 10, tau=1.0, error_feedback=gain)
        assert list(counts) == [10]
        assert p.error(counts).window < 1e-6


# --- neurons that hear their error

FEEDBACK = [(0.3, 0), (0.9, 0), (1.5, 0), (0.5, 1), (0.2, 4)]


def fed_back(theta, d, gain, delay, decay, dt=0.001):
    """Feedback and error as two systems, neither of them put into the other.

    In true units, with states ``f``, ``e`` and ``x - s = -(f + eta)`` of each of the
    last steps: the newest first.

    Returns
    -------
    M : (n, n) ndarray
    N : (n, d) ndarray
        ``z[t+1] = M z[t] + N eta[t]`` for ``z = (f, e, then the late x - s)``.
    """
    A_bar, _ = discretize(*state_space(theta, d), dt)
    n = d * (2 + delay)
    M, N = np.zeros((n, n)), np.zeros((n, d))
    eye, injection = np.eye(d), A_bar - decay * np.eye(d)
    f, e = slice(0, d), slice(d, 2 * d)
    # the state's own error is what x is off by; s is off by f + eta more
    M[e, e], M[e, f], N[e] = A_bar, injection, injection
    M[f, f] = A_bar
    if delay == 0:
        M[f, f] = A_bar - gain * eye
        N[f] = -gain * eye
    else:
        late = [slice(d * (2 + i), d * (3 + i)) for i in range(delay)]
        M[late[0], f], N[late[0]] = -eye, -eye
        for newer, older in zip(late, late[1:]):
            M[older, newer] = eye
        M[f, late[-1]] += gain * eye
    return M, N


@pytest.mark.parametrize("theta, d", [(1.0, 1), (1.0, 4), (0.2, 9)])
@pytest.mark.parametrize("gain, delay", FEEDBACK)
def test_covariance_with_feedback_is_that_of_the_whole_system(theta, d, gain, delay):
    """Against scipy's solution for error and feedback apart.

    ``x`` has the error ``e``, and what neurons are given is off by ``e + f``.
    """
    decay = np.exp(-0.001 / (0.3 * theta))
    M, N = fed_back(theta, d, gain, delay, decay)
    root = np.random.RandomState(0).standard_normal((d, d))
    Q = root @ root.T
    joint = scipy.linalg.solve_discrete_lyapunov(M, N @ Q @ N.T)
    expected = joint[d : 2 * d, d : 2 * d]

    dynamics = ErrorDynamics(theta, d, gain=gain, delay=delay)
    injection = dynamics.injection(decay)
    P = dynamics.accumulated(injection @ Q @ injection.T)[:d, :d]
    assert np.allclose(P, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())

    both = np.hstack([np.eye(d), np.eye(d)])
    given = both @ joint[: 2 * d, : 2 * d] @ both.T
    heard = dynamics.heard(decay)
    found = heard @ dynamics.accumulated(Q) @ heard.T
    assert np.allclose(found, given, rtol=1e-6, atol=1e-8 * np.abs(given).max())

    # the adjoint: what a unit of noise does to the window
    C = readout(d, WINDOW_POINTS)
    forward = np.trace(C @ expected @ C.T) / len(C)
    assert np.sum(dynamics.amplification(decay) * Q) == pytest.approx(forward)


@pytest.mark.parametrize("gain, delay", [(0.0, 0), (0.7, 0), (0.3, 3)])
def test_filtered_noise_is_that_of_the_errors_step_by_step(gain, delay):
    """Against the response to the noise of one step, summed until it has died away."""
    theta, d, dt, tau = 0.05, 3, 0.001, 0.01
    statistics = white_noise_statistics(theta, d, 0.3, 10.0)
    spiking = SpikingPopulations(
        theta,
        d,
        statistics,
        basis(statistics, "principal"),
        tau=0.02,
        max_rate=200.0,
        dt=dt,
        error_feedback=gain,
        feedback_delay=delay,
    )
    counts = np.full(d, 50)
    # There is no public way to what each dimension's spikes vary by.
    noise, _ = spiking._solve(counts)
    M, N = fed_back(theta, d, gain, delay, np.exp(-dt / 0.02))
    e = N @ (spiking.realization.T * np.sqrt(noise))
    a, z, total = np.exp(-dt / tau), np.zeros((d, d)), np.zeros((d, d))
    for _ in range(3000):
        total += z @ z.T
        e, z = M @ e, a * z + (1 - a) * e[d : 2 * d]
    filtered = spiking.filtered_covariance(counts, tau)
    assert np.allclose(filtered, total, rtol=1e-6)
    assert np.trace(filtered) < np.trace(spiking.covariance(counts))


def test_filtered_regular_spikes_are_as_the_filter_says():
    """With a filter that is much faster than a time step, nothing is filtered."""
    statistics = white_noise_statistics(0.05, 3, 0.3, 10.0)
    spiking = SpikingPopulations(
        0.05,
        3,
        statistics,
        basis(statistics, "principal"),
        tau=0.02,
        max_rate=200.0,
        spiking="regular",
    )
    counts = np.full(3, 50)
    whole = spiking.covariance(counts)
    assert np.allclose(spiking.filtered_covariance(counts, 1e-5), whole)
    filtered = spiking.filtered_covariance(counts, 0.05)
    assert np.trace(filtered) < 0.9 * np.trace(whole)


@pytest.mark.parametrize("gain, delay", FEEDBACK)
def test_the_response_with_feedback_accumulates_the_covariance(gain, delay):
    """Over all frequencies, white noise has the covariance that it accumulates to."""
    d, decay = 3, 0.99
    dynamics = ErrorDynamics(0.1, d, gain=gain, delay=delay)
    n = 2**14
    frequency = np.arange(n) / (n * 0.001)
    response = dynamics.response(np.eye(d), frequency)
    P = np.mean(response @ response.conj().transpose(0, 2, 1), axis=0).real
    expected = dynamics.accumulated(np.eye(d))
    assert np.allclose(P, expected[:d, :d], rtol=1e-6, atol=1e-9)

    # noise that enters the state through the synapse
    injection, heard = dynamics.injection(decay), dynamics.heard(decay)
    entered = dynamics.accumulated(injection @ injection.T)[:d, :d]
    expected = entered, heard @ expected @ heard.T
    eye = np.eye(d)
    both = zip(*dynamics.passed(decay, eye, frequency, eye, eye), strict=True)
    for passed, wanted in zip(both, expected, strict=True):
        passed = np.array(passed)
        power = np.mean(passed @ passed.conj().transpose(0, 2, 1), axis=0).real
        assert np.allclose(power, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("delay", [0, 1, 4])
@pytest.mark.parametrize("theta, d", [(1.0, 1), (1.0, 6), (0.1, 12)])
def test_largest_gain_is_where_errors_grow(theta, d, delay):
    """By the spectral radius of all that is remembered, a little to either side."""
    A_bar, _ = discretize(*state_space(theta, d), 0.001)
    bound = largest_gain(A_bar, delay)

    def radius(gain):
        return np.abs(np.linalg.eigvals(with_feedback(A_bar, gain, delay))).max()

    assert radius(0.999 * bound) < 1 < radius(1.001 * bound)
    # and all below it are stable
    assert max(radius(gain) for gain in np.linspace(0, 0.999 * bound, 20)) < 1
    assert bound < (2 if delay == 0 else np.pi / (2 * delay + 1))
    M, _ = fed_back(theta, d, 1.001 * bound, delay, decay=0.9)
    assert np.abs(np.linalg.eigvals(M)).max() > 1


@pytest.mark.parametrize("theta", [0.2, 1.0])
def test_largest_gain_at_an_order_whose_eigenvalues_are_ill_conditioned(theta):
    """Where errors grow in rounded numbers, by what a unit of them becomes.

    The limit of the spectral radius that LAPACK finds in other coordinates, which
    rounds differently, is within a few per cent. Below the limit by as much they have
    died away after 4000 steps, above it they are beyond 1e6 times what they were.
    """
    d = 64
    A_bar, _ = discretize(*state_space(theta, d), 0.001)
    bound = largest_gain(A_bar)
    scale = np.sqrt(2 * np.arange(d) + 1)
    rates = np.linalg.eigvals(A_bar * scale / scale[:, np.newaxis])
    other = np.min(rates.real + np.sqrt(1 - rates.imag**2))
    assert bound == pytest.approx(other, rel=0.05)

    def after(gain, n_steps=4000):
        errors, F = np.eye(d), A_bar - gain * np.eye(d)
        for _ in range(n_steps):
            errors = F @ errors
            if np.linalg.norm(errors) > 1e100:
                break
        return np.linalg.norm(errors)

    assert after(0.95 * bound) < 1e-6
    assert after(1.05 * bound) > 1e6


def test_coloured_noise_with_feedback_adds_up_as_white_noise_does():
    """The integral over frequencies against the Lyapunov equation."""
    kwargs = {"d": 6, "error_feedback": 0.6, "feedback_delay": 1}
    white, coloured = populations(**kwargs), populations(spiking="regular", **kwargs)
    variance = np.random.RandomState(0).uniform(0.5, 2, size=6)
    # A spectrum that no neurons have, as above.
    flat = np.tile(2 * 0.001 * variance, (len(coloured._frequency), 1))
    expected, added = white._state_error(variance), white._added(variance)
    found, found_added = coloured._state_error(flat), coloured._added(flat)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((found - expected) / scale).max() < 0.02
    assert np.allclose(found_added, added, rtol=0.02)
    assert np.allclose(coloured._shares(flat), white._shares(variance), rtol=0.02)


@pytest.mark.parametrize("gain", [0, 0.6])
def test_errors_of_coloured_noise_are_those_of_its_covariance(gain):
    p = populations(d=6, spiking="regular", error_feedback=gain)
    counts = np.full(6, 40)
    expected, found = p.error_of(p.covariance(counts)), p.error(counts)
    assert found.window == pytest.approx(expected.window, rel=1e-9)
    assert found.delay == pytest.approx(expected.delay, rel=1e-9)


def test_floor_is_that_of_one_step():
    """``(A_bar - a I) T eta``, with the noise of the ideal state."""
    d, counts = 4, np.full(4, 40)
    p = populations(d=d, error_feedback=0.6)
    A_bar, _ = discretize(*state_space(1.0, d), 0.001)
    rows = np.linalg.inv(p.realization.T)
    clean = np.sqrt(2 / np.pi * np.diag(rows @ p.statistics.covariance @ rows.T))
    enters = (A_bar - np.exp(-0.001 / 0.1) * np.eye(d)) @ p.realization.T
    P = enters @ np.diag(2 * clean / (40 * 110.0 * 0.001)) @ enters.T
    C = readout(d, WINDOW_POINTS)
    expected = np.sqrt(np.mean(np.diag(C @ P @ C.T))) / 0.3
    assert p.floor(counts).window == pytest.approx(expected, rel=1e-3)
    assert p.floor(counts).window < p.error(counts).window
    with pytest.raises(ArgumentError, match="'regular'.* use 'poisson'"):
        populations(d=d, spiking="regular").floor(counts)


# --- splitting neurons


@pytest.mark.parametrize("n_neurons", [12, 13, 14, 100, 601, 9999])
@pytest.mark.parametrize("weights", ["equal", "steep", "one"])
def test_all_neurons_are_split_in_the_order_of_the_weights(n_neurons, weights):
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


def test_neurons_are_split_in_proportion():
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
def test_bad_arguments_are_refused(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name


@pytest.mark.parametrize(
    "gain, theta, d", [(0, 1, 1), (0.5, 1, 6), (0, 0.01, 6), (0, 1, 32)]
)
def test_panels_of_frequencies_are_as_good_as_a_dense_rule(gain, theta, d):
    """The trapezoidal rule converges as the square of its step.

    Its rest at 1280 a decade is about 2e-4 / 32^2; the table of harmonics that both
    interpolate has kinks of about 1e-6.
    """
    p = populations(theta=theta, d=d, spiking="regular", error_feedback=gain)
    dense = populations(theta=theta, d=d, spiking="regular", error_feedback=gain)
    # The panels are private; nobody but this test asks for other ones.
    edges = p._frequency.min(), p._frequency.max()
    lowest, highest = min(0.01 / theta, 50.0), 500.0
    assert lowest < edges[0] and edges[1] < highest
    f = np.geomspace(lowest, highest, int(1280 * np.log10(highest / lowest)))
    half = np.diff(f) / 2
    object.__setattr__(dense, "_spectrum", (f, np.append(half, 0) + np.append(0, half)))
    counts = np.full(d, 40)
    found, expected = p.covariance(counts), dense.covariance(counts)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    assert np.allclose(p.rates(counts), dense.rates(counts), rtol=1e-5)
