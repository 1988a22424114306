"""What holds of the mathematics for any window, order, time step and synapse."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.signal import cont2discrete

from nengo_lmu.legendre import (
    basis,
    discretize,
    predicted_error,
    principle3,
    readout,
    split_neurons,
    state_space,
    white_noise_statistics,
)
from nengo_lmu.legendre.noise import error_dynamics

# the same each time, and the same everywhere
quick = settings(derandomize=True, deadline=None, database=None, max_examples=60)

orders = st.integers(1, 16)
windows = st.floats(-3, 4).map(lambda x: 10**x)  # seconds
steps = st.floats(0, 3).map(lambda x: 10**x)  # in a window
synapses = st.floats(-1, 4).map(lambda x: 10**x)  # time constants, in steps
seeds = st.integers(0, 2**32 - 1)


def assert_close(found, wanted, margin=1e-9):
    """Hold that arrays agree, relative to the largest value of the one that is right.

    The margin is far above what rounding does: that is about 1e-16 times the order, the
    number of steps, and how large a state is that a small one is the difference of.
    """
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(
        found, wanted, rtol=0, atol=margin * np.abs(wanted).max()
    )


@quick
@given(windows, orders)
def test_the_matrices_take_derivatives_and_what_leaves(theta, d):
    """A is minus the integral of the derivatives, with what leaves the window."""
    A, B = state_space(theta, d)
    # in the inner product of Legendre polynomials, whose squares have norm 1/(2i + 1)
    nodes, weights = np.polynomial.legendre.leggauss(d + 1)
    P = readout(d, (nodes + 1) / 2)
    slope = np.array(
        [2 * np.polynomial.legendre.Legendre.basis(i).deriv()(nodes) for i in range(d)]
    ).T
    now, end = readout(d, [0.0, 1.0])
    norm = 2 * np.arange(d)[:, np.newaxis] + 1
    inside = norm * (slope.T @ (P * weights[:, np.newaxis] / 2))
    assert_close(A, (inside - norm * np.outer(end, end)) / theta)
    assert_close(B, norm * now[:, np.newaxis] / theta)


@quick
@given(windows, orders, seeds, st.floats(-2, 2))
def test_polynomials_are_remembered(theta, d, seed, place):
    """A window of a polynomial of degree below d stays one: it solves the equation."""
    rng = np.random.RandomState(seed)
    # of time in windows, 0 being the moment at which the window is looked at
    p = np.polynomial.Legendre(rng.standard_normal(d), domain=[place - 1, place + 1])
    points = np.linspace(0, 1, 20)

    def coefficients(polynomial):
        nodes, weights = np.polynomial.legendre.leggauss(d)
        norm = 2 * np.arange(d) + 1
        values = polynomial(-(nodes + 1) / 2) * weights / 2
        return norm * (readout(d, (nodes + 1) / 2).T @ values)

    m = coefficients(p)
    assert_close(readout(d, points) @ m, p(-points))
    A, B = state_space(theta, d)
    change = A @ m + B[:, 0] * p(0)
    scale = np.abs(A).max() * np.abs(m).max()
    error = np.abs(change - coefficients(p.deriv()) / theta).max()
    assert error < 1e-12 * d * scale


@quick
@given(windows, orders, steps)
def test_the_zero_order_hold_is_that_of_scipy(theta, d, n):
    A, B = state_space(theta, d)
    A_bar, B_bar = discretize(A, B, theta / n)
    system = (A, B, np.eye(d), np.zeros((d, 1)))
    wanted_A, wanted_B, *_ = cont2discrete(system, theta / n, method="zoh")
    assert_close(A_bar, wanted_A)
    assert_close(B_bar, wanted_B)
    # a constant input is held for ever
    constant = np.eye(d)[:, :1]
    assert_close(A_bar @ constant + B_bar, constant)


@quick
@given(seeds, st.integers(1, 6), st.integers(1, 3), st.floats(-6, 12))
def test_the_zero_order_hold_of_any_system_scales_and_adds_up(seed, d, k, size):
    """However large what enters it is beside what it does itself."""
    rng = np.random.RandomState(seed)
    A, B = rng.standard_normal((d, d)), 10**size * rng.standard_normal((d, k))
    A_bar, B_bar = discretize(A, B, 0.1)
    unit, B_unit = discretize(A, B / 10**size, 0.1)
    assert_close(A_bar, unit)
    assert_close(B_bar, 10**size * B_unit)
    # two steps are one of twice the length
    twice_A, twice_B = discretize(A, B, 0.2)
    assert_close(A_bar @ A_bar, twice_A)
    assert_close(A_bar @ B_bar + B_bar, twice_B)


@quick
@given(windows, orders, steps, synapses, seeds)
def test_mapping_is_exact(theta, d, n, tau, seed):
    """A low-pass synapse around the transforms is the discretized memory."""
    dt = theta / n
    A, B = state_space(theta, d)
    A_bar, B_bar = discretize(A, B, dt)
    A_h, B_h = principle3(A, B, tau * dt, dt)
    a = np.exp(-1 / tau)
    u = np.random.RandomState(seed).standard_normal(100)
    memory, synapse = np.zeros((2, 100, d))
    m = x = np.zeros(d)
    for t in range(100):
        m = A_bar @ m + B_bar[:, 0] * u[t]
        x = a * x - np.expm1(-1 / tau) * (A_h @ x + B_h[:, 0] * u[t])
        memory[t], synapse[t] = m, x
    assert_close(synapse, memory)


@quick
@given(windows, orders, synapses)
def test_the_mapping_in_continuous_time_is_undone_by_the_synapse(theta, d, tau):
    A, B = state_space(theta, d)
    A_h, B_h = principle3(A, B, tau * theta)
    assert_close((A_h - np.eye(d)) / (tau * theta), A)
    assert_close(B_h / (tau * theta), B)


@quick
@given(
    st.floats(0.05, 20),
    st.integers(1, 10),
    st.floats(1, 3).map(lambda x: 10**x),
    st.sampled_from(["balanced", "principal", "legendre", "custom"]),
    seeds,
)
def test_realizations_leave_the_map_unchanged(theta, d, n, kind, seed):
    """In whatever coordinates, the window is the same function of the input."""
    rng = np.random.RandomState(seed)
    dt = theta / n
    statistics = white_noise_statistics(theta, d, 0.3, d / (6 * theta))
    amplification = error_dynamics(theta, d, dt, "zoh").amplification(0.99)
    if kind == "custom":
        rotation, _ = np.linalg.qr(rng.standard_normal((d, d)))
        kind = rotation * 10 ** rng.uniform(-2, 2, size=d)
    made = basis(statistics, kind, amplification)
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    A_x, B_x = made.to_neurons(A_bar, B_bar)
    C = readout(d, np.linspace(0, 1, 7))
    states, coordinates = B_bar, B_x
    wanted, found = [], []
    for _ in range(30):
        wanted.append(C @ states)
        found.append(made.seen(C, "out of") @ coordinates)
        states, coordinates = A_bar @ states, A_x @ coordinates
    assert_close(found, wanted)


@quick
@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=20).filter(any),
    st.integers(0, 10**6),
)
def test_neurons_are_split(weights, spare):
    d = len(weights)
    counts = split_neurons(2 * d + spare, weights)
    assert counts.sum() == 2 * d + spare and counts.min() >= 2
    assert np.sum(counts % 2) == spare % 2
    # in proportion, but for whole pairs and a pair for each dimension
    share = np.array(weights) / np.sum(weights) * (2 * d + spare)
    assert np.all(counts <= share + 4)
    # no fewer for larger weights, but for a pair and the odd one
    assert np.all(np.diff(counts[np.argsort(weights)]) >= -3)


@settings(quick, max_examples=15)
@given(
    st.floats(0.1, 10),
    st.integers(1, 6),
    st.floats(-20, 20),
    st.floats(-12, 12),
    st.sampled_from(["poisson", "stochastic", "regular"]),
)
def test_units_do_not_matter(theta, d, size, time, spiking):
    """Neither those of the input nor those of time, with rates to go with them."""

    def error(size, time):
        return predicted_error(
            theta * time,
            d,
            40 * d,
            tau=0.4 * theta * time,
            max_rate=220 / time,
            dt=theta * time / 500,
            input=size,
            spiking=spiking,
        )

    wanted = error(1.0, 1.0)
    for found in (error(10**size, 1.0), error(1.0, 10**time)):
        # the gain of the feedback has two digits, and errors hardly depend on it
        assert found.window == pytest.approx(wanted.window, rel=1e-2)
        assert found.delay == pytest.approx(wanted.delay, rel=1e-2)
