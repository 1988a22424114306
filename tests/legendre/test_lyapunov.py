"""Fast solutions of linear equations, against plain ones."""

import numpy as np
import pytest
import scipy.linalg

from nengo_lmu.legendre import ArgumentError, discretize, state_space
from nengo_lmu.legendre.delayed import DelayedEquations
from nengo_lmu.legendre.feedback import schur_with_feedback, with_feedback
from nengo_lmu.legendre.fixed_point import fixed_point
from nengo_lmu.legendre.lyapunov import LyapunovEquations, eigenvalues
from nengo_lmu.legendre.resolvent import Resolvent

# Orders below, at and above the size of a block, even and odd; the last are the largest
# that are accepted.
CASES = [
    *((1, 0.0, 0), (6, 0.5, 0), (33, 0.0, 0), (65, 0.4, 0), (256, 0.0, 0)),
    *((1, 0.3, 3), (7, 0.1, 2), (24, 0.05, 5), (5, 0.01, 40), (90, 0.1, 1)),
]


def of_memory(d, theta=1.0):
    A_bar, _ = discretize(*state_space(theta, d), 0.001)
    return A_bar, *scipy.linalg.schur(A_bar)


def doubled(F, N):
    """``sum_k F^k N F^kT``, doubling the number of terms each time."""
    P = N
    while np.linalg.norm(F) > 1e-12:
        P, F = P + F @ P @ F.T, F @ F
    return P


def noise(d):
    root = np.random.RandomState(d).standard_normal((d, d))
    return root @ root.T


@pytest.mark.parametrize("d, gain, delay", CASES)
def test_the_schur_decomposition_with_feedback_is_one(d, gain, delay):
    """Orthogonal and triangular but for pairs; products round a few units each."""
    A_bar, S, Q = of_memory(d)
    F = with_feedback(A_bar, gain, delay)
    S, Q = schur_with_feedback(S, Q, gain, delay)
    assert np.abs(Q @ Q.T - np.eye(len(F))).max() < 1e-12
    assert np.abs(Q @ S @ Q.T - F).max() < 1e-12
    assert not np.any(np.tril(S, -2))
    pair = np.diagonal(S, -1) != 0
    assert not np.any(pair[1:] & pair[:-1])
    # eigenvalues of pairs are conjugates, and the largest is that of F
    values = eigenvalues(S)
    assert values.sum() == pytest.approx(np.trace(F), abs=1e-10)
    if d <= 7:  # of higher orders they are ill-conditioned
        expected = np.linalg.eigvals(F)
        assert np.abs(values).max() == pytest.approx(np.abs(expected).max())


@pytest.mark.parametrize("d, gain, delay", CASES)
def test_covariances_are_those_of_doubling(d, gain, delay):
    """And energies those of the adjoint, relative to the largest of each."""
    A_bar, S, Q = of_memory(d)
    F = with_feedback(A_bar, gain, delay)
    equations = LyapunovEquations(*schur_with_feedback(S, Q, gain, delay))
    n, N = len(F), noise(d)
    entered, read = equations.entered(np.eye(d)), equations.read(np.eye(n))
    P = read @ equations.covariance(entered @ N @ entered.T) @ read.T
    expected = doubled(F, np.pad(N, (0, n - d)))
    assert np.abs(P - expected).max() < 1e-10 * np.abs(expected).max()
    # rows of some of the states
    rows = np.random.RandomState(1).standard_normal((3, d))
    expected = doubled(F.T, np.pad(rows.T @ rows, (0, n - d)))[:d, :d]
    error = np.abs(equations.energy(rows) - expected).max()
    assert error < 1e-10 * np.abs(expected).max()


@pytest.mark.parametrize(
    "d, gain, delay", [case for case in CASES if case[2]] + [(6, 1e-5, 1), (6, 1e-5, 9)]
)
def test_errors_of_one_step_are_those_of_all_that_wait(d, gain, delay):
    """Sylvester's equation against Lyapunov's of all, relative to the largest.

    Digits are lost as those of one over the gain: some 500 units of rounding of that.
    """
    tolerance = max(1e-10, 1e-13 / gain)
    _, S, Q = of_memory(d)
    every = LyapunovEquations(*schur_with_feedback(S, Q, gain, delay))
    n, N = len(every), noise(d)
    entered, read = every.entered(np.eye(d)), every.read(np.eye(n))
    P = read @ every.covariance(entered @ N @ entered.T) @ read.T
    ends = np.r_[:d, n - d : n]
    expected = P[np.ix_(ends, ends)]

    few = DelayedEquations(S, Q, gain, delay)
    assert len(few) == 2 * d
    entered, read = few.entered(np.eye(d)), few.read(np.eye(2 * d))
    P = read @ few.covariance(entered @ N @ entered.T) @ read.T
    assert np.abs(P - expected).max() < tolerance * np.abs(expected).max()
    rows = np.random.RandomState(1).standard_normal((3, d))
    expected = every.energy(rows)
    error = np.abs(few.energy(rows) - expected).max()
    assert error < tolerance * np.abs(expected).max()


def test_long_windows_lose_few_digits():
    """By the residual: a step changes by a 1e-5 what the equation is about."""
    A_bar, S, Q = of_memory(24, theta=100.0)
    equations, N = LyapunovEquations(S, Q), noise(24)
    entered, read = equations.entered(np.eye(24)), equations.read(np.eye(24))
    P = read @ equations.covariance(entered @ N @ entered.T) @ read.T
    residual = A_bar @ P @ A_bar.T - P + N
    assert np.abs(residual).max() < 1e-8 * np.abs(N).max()


@pytest.mark.parametrize("gain", [2.0, 2.5])
def test_dynamics_beyond_the_edge_of_stability(gain):
    _, S, Q = of_memory(6)
    with pytest.raises(ArgumentError, match="edge of stability"):
        LyapunovEquations(*schur_with_feedback(S, Q, gain))


@pytest.mark.parametrize("theta", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("d", [1, 6, 33])
def test_resolvent_is_that_of_linear_systems(d, theta):
    """Relative to the largest; its inverse is as small as the poles are near."""
    A_bar, S, Q = of_memory(d, theta)
    z = np.exp(1j * np.geomspace(1e-4, np.pi, 20)) * np.tile([1, 1.5], 10)
    rng = np.random.RandomState(0)
    rows, columns = rng.standard_normal((3, d)), rng.standard_normal((d, 4))
    for point, found in zip(
        z, Resolvent(S, Q).responses(rows, columns, z), strict=True
    ):
        expected = rows @ np.linalg.solve(point * np.eye(d) - A_bar, columns)
        assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()


def test_fixed_point_is_that_of_plain_iterations():
    """Of roots of sums, which is what noise makes of noise."""
    rng = np.random.RandomState(0)
    M, square = rng.uniform(0, 1, (12, 12)), rng.uniform(0, 0.1, 12)
    n_calls = 0

    def g(x):
        nonlocal n_calls
        n_calls += 1
        return square + M @ np.sqrt(x)

    plain = square
    for _ in range(100):
        plain = g(plain)
    n_calls = 0
    assert fixed_point(g, square, 1e-9, 30) == pytest.approx(plain, rel=1e-8)
    # plain iterations halve the distance, which takes 30 of them
    assert n_calls < 12


def test_fixed_points_of_nothing_and_of_too_much():
    assert not np.any(fixed_point(lambda x: 0 * x, np.zeros(3), 1e-6, 30))
    with np.errstate(over="ignore"):
        assert np.all(np.isinf(fixed_point(lambda x: x * 1e200, np.ones(2), 1e-6, 30)))
