"""Delays: their least error, and the memories that are planned for them."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    pade_error,
    plan_delay,
    predicted_delay,
    simulate,
    truncation_error,
)
from nengo_lmu.legendre.delay import _Input, _Memory


def waves(n_steps, bandwidth, dt=0.001, seed=0):
    """White noise of whole waves up to a frequency."""
    spectrum = np.zeros(n_steps // 2 + 1, dtype=complex)
    n = int(bandwidth * n_steps * dt)
    rng = np.random.RandomState(seed)
    spectrum[1 : n + 1] = rng.randn(n) + 1j * rng.randn(n)
    u = np.fft.irfft(spectrum, n_steps)
    return u / np.sqrt(np.mean(u**2))


def test_truncation_error_is_the_mean_of_pade_errors():
    frequency = (np.arange(4000) + 0.5) / 4000 * 1.5
    mean_square = np.mean(pade_error(1.0, 6, frequency) ** 2)
    error = truncation_error(1.0, 6, 1.5, points=1.0)
    assert error == pytest.approx(np.sqrt(mean_square), rel=1e-5)


def test_truncation_error_of_an_order_of_1_is_large():
    """A low-pass filter is no delay: f = 1 / (6 theta), integrated by hand."""
    assert 0.15 < truncation_error(1.0, 1, 1 / 6, points=1.0) < 0.2
    assert truncation_error(1.0, 1, 1.0) > 0.8


@pytest.mark.parametrize(
    "theta, d, steps", [(0.4, 3, 400), (0.6, 5, 400), (0.5, 6, 123)]
)
def test_ideal_error_is_that_of_regression_in_time(theta, d, steps):
    """The best readout of simulated states, a step late: a sample of 200 waves.

    The spectrum of the sample is not flat, so that errors differ by 1 / sqrt(200).
    """
    u = waves(100_000, 2.0)
    states = simulate(np.tile(u, 2), theta, d)[len(u) - 1 : -1]
    delayed = np.roll(u, steps)
    weights = np.linalg.lstsq(states, delayed, rcond=None)[0]
    error = np.sqrt(np.mean((states @ weights - delayed) ** 2))
    memory = _Memory(_Input(steps * 0.001, 2.0, None, 0.001), theta, d)
    readout, ideal, noise = memory._read(np.zeros((0, d)))
    assert ideal == pytest.approx(error, rel=0.2) and noise == 0
    # the same readout, applied to the sample
    applied = np.sqrt(np.mean((states @ readout - delayed) ** 2))
    assert error <= applied < 1.1 * error


def test_a_sample_says_what_its_bandwidth_does():
    """The ideal memory's error, of 120 waves: to 3 of 1 / sqrt(2 * 120)."""
    u = waves(60_000, 2.0)

    def ideal(bandwidth=None, sample=None):
        memory = _Memory(_Input(0.2, bandwidth, sample, 0.001), 0.3, 3)
        return memory._read(np.zeros((0, 3)))[1]

    assert ideal(sample=u) == pytest.approx(ideal(2.0), rel=0.2)
    assert ideal(sample=np.column_stack([u, 0.5 * u])) == pytest.approx(ideal(sample=u))
    # ranges are the largest values of the sample, above 2.5 of its deviations
    of_sample = predicted_delay(0.2, 0.3, 5, 40, input=u).error
    assert 1 < of_sample / predicted_delay(0.2, 0.3, 5, 40, bandwidth=2.0).error < 2.5


def test_readout_is_the_best():
    """Any other has a larger sum of squares of both errors."""
    expected = _Input(0.2, 2.0, None, 0.001)
    memory = _Memory(expected, 0.3, 4)
    plan = memory.plan(40)
    states, delayed = expected.regression(0.3, 4)
    P = plan.populations.covariance(plan.counts) / 0.3**2

    def square(weights):
        return np.sum((states @ weights - delayed) ** 2) + weights @ P @ weights

    assert plan.error == pytest.approx(np.sqrt(square(plan.readout)), rel=1e-9)
    rng = np.random.RandomState(0)
    for _ in range(20):
        assert square(plan.readout + 0.01 * rng.randn(4)) > plan.error**2


def test_plan_has_the_fewest_neurons_of_all_that_were_tried():
    """Of a grid that is finer than the planner's, by 3 % at most."""
    plan = plan_delay(0.02, 0.4, bandwidth=1.5)
    assert plan.error <= 0.02
    assert predicted_delay(
        0.4, plan.theta, plan.d, plan.n_neurons, bandwidth=1.5
    ).error == pytest.approx(plan.error)
    for d in (3, 4, 5, 6, 7):
        for theta in np.linspace(0.4, 0.8, 12):
            fewer = plan.n_neurons - 2
            if fewer >= 2 * d:
                error = predicted_delay(0.4, theta, d, fewer, bandwidth=1.5).error
                assert error > 0.97 * 0.02


def test_more_signals_take_more_neurons():
    one = plan_delay(0.05, 0.4, bandwidth=1.5)
    two = plan_delay(0.05, 0.4, bandwidth=1.5, size_in=2)
    assert two.n_neurons == 2 * one.n_neurons and two.error == one.error
    assert two.transform.shape == (2, 2 * two.d)
    assert np.array_equal(two.transform[1, two.d :], two.readout)


def test_what_was_tried_is_told():
    calls = []
    plan_delay(0.1, 0.1, bandwidth=3.0, progress=lambda: calls.append(1))
    assert len(calls) >= 7


@pytest.mark.parametrize(
    "arguments, name, problem",
    [
        ((5, 0.4, 1.5), "error", "5 was given.* give 0.05 for 5 %"),
        ((1.0, 0.4, 1.5), "error", "below 1"),
        ((0.05, 0, 1.5), "delay", "0 was given"),
        ((0.05, 0.0001, 1.5), "delay", "at least one time step"),
        ((0.05, 0.4), "bandwidth", "must be given, or else a sample"),
        ((0.05, 0.4, 1.5, 1, np.ones(2000)), "bandwidth", "not both"),
        ((0.05, 0.4, 600.0), "bandwidth", "at most 500 Hz"),
        ((0.05, 0.4, None, 1, np.ones(700)), "input", "at least the 800"),
        ((0.05, 0.4, 1.5, 0), "size_in", "0 was given"),
        ((1e-9, 0.4, 1.5), "error", "of 1e-09 takes an order above 256 or more than"),
    ],
)
def test_bad_arguments_are_refused(arguments, name, problem):
    with pytest.raises(ArgumentError, match=problem) as error:
        plan_delay(*arguments)
    assert error.value.name == name
