"""The delay system, its discretization and its ideal states, by other formulas."""

import math
from fractions import Fraction

import nengo
import numpy as np
import pytest
from scipy.signal import cont2discrete

from nengo_lmu.legendre import (
    ArgumentError,
    discretize,
    impulse_response,
    principle3,
    readout,
    simulate,
    state_space,
)


def matrices_by_loop(theta, d):
    """Equation 2 of the paper, one entry at a time."""
    A, B = np.zeros((d, d)), np.zeros((d, 1))
    for i in range(d):
        for j in range(d):
            a = -1 if i < j else (-1) ** (i - j + 1)
            A[i, j] = (2 * i + 1) * a / theta
        B[i, 0] = (2 * i + 1) * (-1) ** i / theta
    return A, B


def zoh_by_fractions(theta, d, dt, terms=80):
    """Zero-order hold by Taylor series in exact rational arithmetic.

    The terms grow before they shrink, but in fractions nothing cancels.
    """
    x = Fraction(dt) / Fraction(theta)
    A, B = matrices_by_loop(1, d)
    A = [[int(a) * x for a in row] for row in A]
    B = [int(b) * x for b in B[:, 0]]

    def times(M, N):
        columns = list(zip(*N))
        return [[sum(a * b for a, b in zip(row, col)) for col in columns] for row in M]

    identity = [[Fraction(int(i == j)) for j in range(d)] for i in range(d)]
    power = identity  # (A dt)^k / k!, and below the sums over k
    total = integral = [[Fraction(0)] * d for _ in range(d)]
    for k in range(terms):
        total = [[a + b for a, b in zip(*rows)] for rows in zip(total, power)]
        integral = [
            [a + b / (k + 1) for a, b in zip(*rows)] for rows in zip(integral, power)
        ]
        power = [[a / (k + 1) for a in row] for row in times(power, A)]
        # keep the fractions short: 300 bits are far below double precision
        power = [[Fraction(int(a * 2**300), 2**300) for a in row] for row in power]
    B_bar = [[sum(a * b for a, b in zip(row, B))] for row in integral]
    return np.array(total, dtype=float), np.array(B_bar, dtype=float)


@pytest.mark.parametrize("theta, d", [(1, 1), (0.3, 2), (784.0, 7), (2.5, 40)])
def test_the_state_space_is_that_of_the_loop(theta, d):
    A, B = state_space(theta, d)
    A_loop, B_loop = matrices_by_loop(theta, d)
    assert A.shape == (d, d) and B.shape == (d, 1)
    assert np.allclose(A, A_loop, rtol=1e-15, atol=0)
    assert np.allclose(B, B_loop, rtol=1e-15, atol=0)


def test_the_state_space_of_two_is_that_by_hand():
    """Written out by hand, to check the loop as well."""
    A, B = state_space(2.0, 2)
    assert np.array_equal(2 * A, [[-1, -1], [3, -3]])
    assert np.array_equal(2 * B, [[1], [-3]])


@pytest.mark.parametrize("d, dt", [(1, 0.001), (6, 0.001), (12, 0.01), (24, 0.001)])
def test_zoh_is_that_of_scipy(d, dt):
    A, B = state_space(0.7, d)
    A_bar, B_bar = discretize(A, B, dt)
    system = (A, B, np.eye(d), np.zeros((d, 1)))
    A_scipy, B_scipy, *_ = cont2discrete(system, dt, method="zoh")
    assert np.allclose(A_bar, A_scipy, rtol=1e-9, atol=1e-12)
    assert np.allclose(B_bar, B_scipy, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("theta, d, dt", [(1.0, 4, 1 / 4), (1.0, 10, 1 / 64)])
def test_zoh_is_that_of_rational_arithmetic(theta, d, dt):
    """To rounding, ``d^2 |A dt| eps``: 2e-14 and 7e-14 of the largest."""
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    A_exact, B_exact = zoh_by_fractions(theta, d, dt)
    assert np.abs(A_bar - A_exact).max() < 1e-13 * np.abs(A_exact).max()
    assert np.abs(B_bar - B_exact).max() < 1e-13 * np.abs(B_exact).max()


def test_zoh_satisfies_its_definition():
    """``A B_bar = (A_bar - I) B``, and two half steps make a whole one."""
    A, B = state_space(0.784, 64)
    A_bar, B_bar = discretize(A, B, 0.001)
    assert np.allclose(A @ B_bar, (A_bar - np.eye(64)) @ B, rtol=1e-9, atol=1e-7)
    A_half, B_half = discretize(A, B, 0.0005)
    assert np.allclose(A_half @ A_half, A_bar, atol=1e-12)
    assert np.allclose(A_half @ B_half + B_half, B_bar, atol=1e-12)


def test_zoh_integrates_a_singular_system():
    """A singular A, which formulas with its inverse cannot do."""
    A_bar, B_bar = discretize([[0, 1], [0, 0]], [[0], [1]], 0.1)
    assert np.allclose(A_bar, [[1, 0.1], [0, 1]])
    assert np.allclose(B_bar, [[0.005], [0.1]])


@pytest.mark.parametrize("d", [6, 64, 256, 512])
def test_a_high_order_is_stable_and_accurate(d):
    """Double precision is enough for a stable system and a delayed sine at d=512."""
    theta, dt = 1.0, 0.001
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    assert np.all(np.isfinite(A_bar)) and np.all(np.isfinite(B_bar))
    assert np.abs(np.linalg.eigvals(A_bar)).max() < 1

    t = dt * np.arange(1, 3001)
    m = simulate(np.sin(2 * np.pi * t), theta, d, dt=dt)
    delayed = m @ readout(d, 1.0)[0]
    # u[t] is held over the step before t, so on average it is dt / 2 early
    expected = np.sin(2 * np.pi * (t - theta + dt / 2))
    late = t > 2.2 * theta
    # at d=6 the Padé error of 0.007, otherwise that of the hold
    tolerance = 0.008 if d == 6 else 3e-4
    assert np.abs(delayed - expected)[late].max() < tolerance


def test_euler_takes_one_step_along_the_slope():
    A, B = state_space(0.5, 3)
    A_bar, B_bar = discretize(A, B, 0.002, method="euler")
    assert np.allclose(A_bar, np.eye(3) + 0.002 * A, atol=1e-15)
    assert np.allclose(B_bar, 0.002 * B, atol=1e-15)


def newton_step(d, x, bits=2000):
    """Return ``Q(x) / Q'(x)`` of the denominator of Padé's [d-1/d], in whole numbers.

    ``Q(x) = sum_k (2d-1-k)! C(d, k) x^k``, up to a factor, by Horner's rule.
    """
    real, imag = (int(Fraction(part) * 2**bits) for part in (x.real, x.imag))
    value, slope = (0, 0), (0, 0)

    def times_x(z):
        re, im = z[0] * real - z[1] * imag, z[0] * imag + z[1] * real
        return re >> bits, im >> bits

    for k in range(d, -1, -1):
        slope = times_x(slope)
        slope = slope[0] + value[0], slope[1] + value[1]
        value = times_x(value)
        coefficient = math.factorial(2 * d - 1 - k) * math.comb(d, k)
        value = value[0] + (coefficient << bits), value[1]
    unit = max(map(abs, slope))
    value, slope = (
        complex(*(float(Fraction(part, unit)) for part in z)) for z in (value, slope)
    )
    return value / slope


@pytest.mark.parametrize("d", [6, 31, 64, 128, 256])
def test_the_longest_euler_step_is_set_by_the_rates(d):
    """They are eigenvalues of A to d times 1e-7, where others are as good as unknown.

    Eigenvectors of A are nearly parallel, the more so the larger d is, so that rounding
    errors of A move the eigenvalues inside the arc that they are on: at d=64 by as much
    as they are themselves. Those at its ends, which oscillate with the least damping,
    stay. Within d times a step of Newton's, a polynomial of order d has a zero. At
    d=256, rounding makes that step up to 5e-9 of the rate, by the processor's kernels.
    """
    rates = np.linalg.eigvals(state_space(1.0, d)[0])
    first = rates[np.argmin(-2 * rates.real / np.abs(rates) ** 2)]
    for rate in (first, rates[np.argmax(rates.real)]):
        assert abs(newton_step(d, rate)) < 1e-7 * abs(rate)
        assert 1 < abs(rate) / d < 2


@pytest.mark.parametrize("d", [1, 2, 6, 31])
def test_euler_is_refused_exactly_where_it_is_unstable(d):
    theta = 1.0
    A, B = state_space(theta, d)
    rates = np.linalg.eigvals(A)
    limit = np.min(-2 * rates.real / np.abs(rates) ** 2)

    A_bar, _ = discretize(A, B, limit * (1 - 1e-9), method="euler")
    assert np.abs(np.linalg.eigvals(A_bar)).max() <= 1
    above = limit * (1 + 1e-6)
    # it would indeed grow
    assert np.abs(np.linalg.eigvals(np.eye(d) + above * A)).max() > 1
    with pytest.raises(ArgumentError, match="method: 'euler' is unstable") as error:
        discretize(A, B, above, method="euler")
    assert f"dt={above:g}" in str(error.value)
    assert "or 'zoh'" in str(error.value)


@pytest.mark.parametrize("d", [1, 2, 3, 6, 10, 31, 100])
def test_euler_at_the_suggested_limit_is_accepted(d):
    """Whoever types the dt of the error message in has to get on."""
    A, B = state_space(0.37, d)
    with pytest.raises(ArgumentError) as error:
        discretize(A, B, 1.0, method="euler")
    suggested = float(str(error.value).split("a dt of at most ")[1].split(" s")[0])
    discretize(A, B, suggested, method="euler")
    with pytest.raises(ArgumentError):
        discretize(A, B, 1.01 * suggested, method="euler")


def test_euler_of_an_unstable_system_is_not_refused():
    A_bar, _ = discretize([[2.0]], [[1.0]], 0.1, method="euler")
    assert A_bar[0, 0] == pytest.approx(1.2)


def test_principle3_in_continuous_time_scales_by_tau():
    A, B = state_space(0.8, 5)
    A_h, B_h = principle3(A, B, 0.1)
    A_loop, B_loop = matrices_by_loop(0.8, 5)
    assert np.allclose(A_h, 0.1 * A_loop + np.diag(np.ones(5)))
    assert np.allclose(B_h, 0.1 * B_loop)


def test_principle3_accepts_a_synapse_and_tends_to_the_continuous_one():
    A, B = state_space(1.0, 4)
    continuous = principle3(A, B, nengo.Lowpass(0.05))
    discrete = principle3(A, B, 0.05, dt=1e-7)
    for one, other in zip(continuous, discrete):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("theta", [0.003, 0.1, 0.5, 1 / 3, 7.0, 1000.0])
def test_principle3_feeds_nothing_back_where_the_synapse_is_the_system(theta):
    """Exactly nothing, whatever a processor makes of the last digit of exp."""
    A, B = state_space(theta, 1)
    for rounding in (1 - 1e-15, 1, 1 + 1e-15):
        A_h, B_h = principle3(A * rounding, B, theta, dt=0.001)
        assert A_h == 0 and np.isclose(B_h, 1)
    A_h, _ = principle3(A, B, theta * (1 - 1e-6), dt=0.001)
    assert A_h != 0


@pytest.mark.parametrize("method", ["zoh", "euler"])
@pytest.mark.parametrize("tau, dt", [(0.1, 0.001), (0.005, 0.004), (0.03, 0.01)])
def test_principle3_through_the_synapse_gives_the_ideal_states(method, tau, dt):
    """The recurrence through the low-pass filter, by hand, gives the ideal states."""
    theta, d = 1.3, 4
    u = np.random.RandomState(0).standard_normal(300)
    A_h, B_h = principle3(*state_space(theta, d), tau, dt=dt, method=method)
    a = np.exp(-dt / tau)
    x = np.zeros(d)
    states = []
    for t in range(len(u)):
        x = a * x + (1 - a) * (A_h @ x + B_h[:, 0] * u[t])
        states.append(x)
    ideal = simulate(u, theta, d, dt=dt, method=method)
    assert np.abs(states - ideal).max() < 1e-10


@pytest.mark.parametrize("method", ["zoh", "euler"])
def test_the_impulse_response_is_that_of_the_recurrence(method):
    """Convolution with it is the recurrence, and its rows are powers of A_bar."""
    theta, d, dt, n = 0.2, 6, 0.004, 50
    response = impulse_response(n, theta, d, dt=dt, method=method)
    assert response.shape == (n, d)
    A_bar, B_bar = discretize(*state_space(theta, d), dt, method=method)
    for k in (0, 1, 7, n - 1):
        power = np.linalg.matrix_power(A_bar, k) @ B_bar
        assert np.allclose(response[k], power[:, 0], atol=1e-12)
    u = np.random.RandomState(1).uniform(-1, 1, size=n)
    m = simulate(u, theta, d, dt=dt, method=method)
    assert np.allclose(response.T @ u[::-1], m[-1], atol=1e-12)
    convolved = [np.convolve(u, response[:, i])[:n] for i in range(d)]
    assert np.allclose(np.transpose(convolved), m, atol=1e-12)


def test_each_input_has_a_memory_of_its_own():
    """Each input dimension has a memory of its own, with the states of its own."""
    u = np.random.RandomState(2).standard_normal((40, 3))
    m = simulate(u, 0.1, 5, dt=0.002)
    assert m.shape == (40, 3, 5)
    for k in range(3):
        alone = simulate(u[:, k], 0.1, 5, dt=0.002)
        # sums of 40 steps and 5 dimensions, which other kernels add in another order
        assert np.abs(m[:, k] - alone).max() < 1e-13 * np.abs(alone).max()


def test_simulate_is_linear_in_time_steps():
    """theta and dt matter through their ratio only."""
    u = np.random.RandomState(3).standard_normal(60)
    assert np.allclose(simulate(u, 0.784, 8), simulate(u, 784, 8, dt=1.0), atol=1e-12)


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda: state_space(0, 3), "theta", "0"),
        (lambda: state_space(-1.5, 3), "theta", "-1.5"),
        (lambda: state_space(np.nan, 3), "theta", "nan"),
        (lambda: state_space(np.inf, 3), "theta", "inf"),
        (lambda: state_space("1", 3), "theta", "'1'"),
        (lambda: state_space(True, 3), "theta", "True"),
        (lambda: state_space(None, 3), "theta", "None"),
        (lambda: state_space(1.0, 0), "d", "0"),
        (lambda: state_space(1.0, 2.5), "d", "2.5"),
        (lambda: state_space(1.0, True), "d", "True"),
        (lambda: discretize(np.ones((2, 3)), np.ones((2, 1)), 0.1), "A", r"\(2, 3\)"),
        (lambda: discretize(np.ones(4), np.ones((2, 1)), 0.1), "A", r"\(4,\)"),
        (lambda: discretize([[np.nan]], [[1]], 0.1), "A", "1 of its 1 values are NaN"),
        (lambda: discretize("A", [[1]], 0.1), "A", "'A'"),
        (lambda: discretize(np.eye(2), [[1.0]], 0.1), "B", r"2 rows .* \(1, 1\)"),
        (lambda: discretize([[-1]], [[np.inf]], 0.1), "B", "infinite"),
        (lambda: discretize([[-1]], [[1]], 0), "dt", "0"),
        (lambda: discretize([[-1]], [[1]], 0.1, "tustin"), "method", "'tustin'"),
        (lambda: discretize([[-1]], [[1]], 0.1, ["zoh"]), "method", "'zoh'"),
        (lambda: principle3([[-1]], [[1]], 0), "synapse", "0"),
        (lambda: principle3([[-1]], [[1]], None), "synapse", "None"),
        (lambda: principle3([[-1]], [[1]], nengo.Lowpass(0)), "synapse", "0"),
        (lambda: principle3([[-1]], [[1]], 0.1, dt=-0.001), "dt", "-0.001"),
        (lambda: impulse_response(0, 1.0, 2), "n_steps", "0"),
        (lambda: impulse_response(2.0, 1.0, 2), "n_steps", "2.0"),
        (lambda: simulate([1, np.nan], 1.0, 2), "u", "1 of its 2 values are NaN"),
        (lambda: simulate(3.0, 1.0, 2), "u", r"\(\)"),
        (lambda: simulate(np.ones((2, 2, 2)), 1.0, 2), "u", r"\(2, 2, 2\)"),
        (lambda: simulate(["a"], 1.0, 2), "u", "'a'"),
        (lambda: simulate([1.0], 1.0, 2, dt="1 ms"), "dt", "'1 ms'"),
    ],
)
def test_bad_arguments_are_refused(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
    assert str(error.value).startswith(f"{name}: ")
