"""Time and memory of the mathematics do not grow with what is asked of it.

For orders up to 256 and windows from 10 to 100,000 time steps. Times depend on the
computer, so what is counted here is what they go with: nodes, steps and bytes.
"""

import tracemalloc

import nengo
import numpy as np
import pytest

from nengo_lmu import LegendreMemory, legendre
from nengo_lmu.legendre import lyapunov, statistics
from nengo_lmu.legendre.system import states
from nengo_lmu.legendre.window import frequency_response

DT = 0.001
MIB = 2**20


def dense_response(theta, d, frequency):
    A, B = legendre.state_space(theta, d)
    systems = 2j * np.pi * frequency[:, np.newaxis, np.newaxis] * np.eye(d) - A
    B = np.broadcast_to(B, (len(frequency), d, 1))
    return np.linalg.solve(systems, B)[..., 0]


def dense_covariance(theta, d, rms, bandwidth):
    """By one Gauss-Legendre rule over the whole band."""
    nodes, weights = np.polynomial.legendre.leggauss(64 + int(8 * theta * bandwidth))
    H = dense_response(theta, d, bandwidth * (nodes + 1) / 2)
    return rms**2 * np.real((H * weights[:, np.newaxis]).T @ H.conj()) / 2


@pytest.mark.parametrize("d", [1, 2, 6, 64])
def test_response_is_that_of_the_linear_systems(d):
    """Both are backward stable: a few hundred units of rounding of the largest state.

    (sI - A) has a condition of about d^2.
    """
    f = np.concatenate([[0, 1e-9], np.geomspace(0.01, 100 * d, 50)])
    expected = dense_response(1.0, d, f)
    scale = np.abs(expected).max(axis=1, keepdims=True)
    error = np.abs(frequency_response(1.0, d, f) - expected) / scale
    assert error.max() < 100 * d**2 * np.finfo(float).eps


@pytest.mark.parametrize(
    "theta, d, bandwidth",
    [
        *(
            (1.0, 6, 1.0),
            (1.0, 6, 1e-6),
            (1.0, 1, 30.0),
            (1.0, 2, 30.0),
            (1.0, 6, 100.0),
        ),
        *((0.1, 12, 50.0), (1.0, 32, 32 / 6), (1.0, 32, 40.0), (0.01, 6, 500.0)),
    ],
)
def test_panels_give_what_one_dense_rule_gives(theta, d, bandwidth):
    """Which is exact to the square of the rounding error's condition, d^2."""
    expected = dense_covariance(theta, d, 0.3, bandwidth)
    found = legendre.white_noise_statistics(theta, d, 0.3, bandwidth).covariance
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


@pytest.mark.parametrize("d", [1, 6, 64, 256])
def test_all_frequencies_make_the_gramian(d):
    """White noise up to far beyond the poles: A P + P A^T + B B^T = 0.

    Beyond the bandwidth, the states are B / (2 pi i f); the rest goes as its cube.
    """
    from scipy.linalg import solve_continuous_lyapunov

    A, B = legendre.state_space(1.0, d)
    expected = solve_continuous_lyapunov(A, -B @ B.T) - B @ B.T / (2e9 * np.pi**2)
    found = 2e9 * legendre.white_noise_statistics(1.0, d, 1.0, 1e9).covariance
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


@pytest.mark.parametrize("bandwidth", [1e-6, 500.0, 1e9])
@pytest.mark.parametrize("theta", [10 * DT, 1e5 * DT])
def test_nodes_of_a_band_are_few(theta, bandwidth):
    for d in (1, 256):
        frequency, weight = statistics.frequency_band(theta, d, bandwidth)
        # half an oscillation each, and 24 a decade beyond
        assert len(frequency) < 16 * (d + 24 * 12)
        assert np.all(np.diff(frequency) > 0) and np.all(weight > 0)
        assert 0 < frequency[0] and frequency[-1] < bandwidth
        assert weight.sum() == pytest.approx(1)


@pytest.mark.parametrize("every", [1, 2, 7, 100])
def test_states_now_and_then_are_those_of_all_steps(every):
    """The largest is about 1, and the dynamics of errors decay: 1e-12 is 5000 eps."""
    u = np.random.RandomState(0).uniform(-1, 1, (1000, 2))
    expected = legendre.simulate(u, 0.3, 6)[every - 1 :: every]
    found = states(u, 0.3, 6, every=every)
    assert found.shape == (1000 // every, 2, 6)
    assert np.abs(found - expected).max() < 1e-12


def test_samples_beyond_what_is_kept_have_the_same_covariance(monkeypatch):
    """Every third state: the same covariance, but for the spread of fewer samples."""
    u = np.sin(np.arange(30_000) * 0.02)
    every = legendre.sampled_statistics(0.5, 4, u)
    monkeypatch.setattr(statistics, "MOST_NUMBERS", 40_000)
    some = legendre.sampled_statistics(0.5, 4, u)
    assert len(every.samples) == 30_000 and len(some.samples) == 10_000
    scale = np.abs(every.covariance).max()
    assert np.abs(some.covariance - every.covariance).max() < 1e-3 * scale
    assert some.input_rms == every.input_rms


@pytest.mark.parametrize(
    "theta, high, multiple", [(0.1, 100, 1), (10.0, 1, 1), (1e2, 1, 10), (1e2, 200, 2)]
)
def test_a_long_window_has_a_coarse_sample(theta, high, multiple):
    """At most 200,000 steps, unless the process needs shorter ones; 20 windows."""
    process = nengo.processes.WhiteSignal(100, high=high)
    u, dt = statistics.sampled_input(theta, process)
    assert dt == multiple * DT
    assert len(u) == round(max(10, 20 * theta) / dt)
    if multiple > 1:
        assert np.sqrt(np.mean(u**2)) == pytest.approx(0.5, rel=0.2)  # 200 values


def test_a_process_that_fails_says_why():
    process = nengo.processes.WhiteSignal(10, high=1000)
    with pytest.raises(nengo.exceptions.ValidationError, match="high"):
        statistics.sampled_input(100.0, process)


def test_statistics_of_a_coarse_sample_are_those_of_the_process():
    """In closed form: white noise up to 1 Hz of a window of 100 s.

    A state of order 4 sees some 4 / (2 theta) of the band, so that 20 windows have some
    80 independent values of it, which tell a variance to 16 % (one sigma): 60 % is far.
    """
    process = nengo.processes.WhiteSignal(2000, high=1, rms=0.3)
    found = legendre.input_statistics(100.0, 4, process).covariance
    expected = legendre.white_noise_statistics(100.0, 4, 0.3, 1.0).covariance
    assert np.diag(found) == pytest.approx(np.diag(expected), rel=0.6)


def test_a_memory_may_last_a_quarter_of_an_hour():
    process = nengo.processes.WhiteSignal(10, high=1)
    assert len(statistics.sampled_input(1000.0, process)[0]) == 200_000
    with nengo.Network(seed=0):
        memory = LegendreMemory(1000.0, 6, input_range=process)
    assert memory.n_neurons == 600


THETA = 1e5 * DT
LARGE = {
    "pade_error": lambda d: legendre.pade_error(THETA, d, np.linspace(0, d, 1000)),
    "white noise": lambda d: legendre.white_noise_statistics(THETA, d, 0.3, 500.0),
    "process": lambda d: legendre.input_statistics(
        THETA, d, nengo.processes.WhiteSignal(10, high=1)
    ),
    "sample": lambda d: legendre.sampled_statistics(THETA, d, np.ones(200_000)),
    "last_step": lambda d: legendre.last_step(50_000, THETA, d, delay=3),
    "predicted_error": lambda d: legendre.predicted_error(THETA, d, 100 * d),
    "error_floor": lambda d: legendre.error_floor(THETA, d, 100 * d),
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_take_less_than_200_mib(name):
    tracemalloc.start()
    LARGE[name](256)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * MIB


def test_late_feedback_takes_less_than_200_mib():
    """With as many errors as may wait, 1024, their matrices take 8 MiB each."""
    tracemalloc.start()
    legendre.predicted_error(1.0, 256, 25600, feedback_delay=3 * DT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * MIB


@pytest.fixture
def n_solved(monkeypatch):
    """Return what says how many equations a call solves.

    Each is solved in about the time of a product of matrices of its size.
    """
    solved = []
    solve = lyapunov._upper_lyapunov

    def counted(H, R):
        solved.append(len(R))
        return solve(H, R)

    def of(call):
        solved.clear()
        call()
        return len(solved)

    monkeypatch.setattr(lyapunov, "_upper_lyapunov", counted)
    return of


def test_a_design_takes_few_equations(n_solved):
    """Two stages, each with a split, of an energy and 2 equations, a fixed point, of a
    dozen, and the covariance; each of 8 gains that are tried has 2.
    """
    most = 2 * (3 + 13 + 1) + 2 * 8
    assert n_solved(lambda: legendre.predicted_error(1.0, 48, 4800)) < most


@pytest.mark.parametrize("gain, most", [(0.0, 110), (None, 180)])
def test_numbers_of_neurons_take_few_equations(n_solved, gain, most):
    """Fewer than if the noise of each design were sought from the start: 117, and 198.

    Those of a dozen are for each gain that is sought.
    """
    solved = n_solved(
        lambda: legendre.neurons_for_error(0.02, 1.0, 48, error_feedback=gain)
    )
    assert solved < most


def test_late_feedback_takes_equations_of_one_step(monkeypatch):
    """Of (D + 1) d by d numbers, and none of all that wait."""

    def refused(H, R):
        raise AssertionError("an equation of all errors that wait")

    monkeypatch.setattr(lyapunov, "_upper_lyapunov", refused)
    error = legendre.predicted_error(1.0, 24, 2400, tau=0.4, feedback_delay=5 * DT)
    assert 0 < error.window < 1


@pytest.mark.parametrize("gain", [0.0, 0.5])
def test_regular_spikes_take_less_than_200_mib(gain):
    """A few frequencies at a time: all responses and their products take 400 MiB."""
    tracemalloc.start()
    legendre.predicted_error(1.0, 128, 12800, spiking="regular", error_feedback=gain)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * MIB
