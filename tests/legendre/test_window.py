"""Reading the window, and the Padé error of the delay."""

from math import comb, factorial

import numpy as np
import pytest

from nengo_lmu.legendre import ArgumentError, pade_error, readout, simulate
from nengo_lmu.legendre.window import frequency_response


def pade_delay(d, s):
    """Evaluate the [d-1/d] Padé approximant of exp(-s) by its closed form."""
    p, q = d - 1, d
    numerator = sum(
        comb(p, i) * factorial(p + q - i) / factorial(p + q) * (-s) ** i
        for i in range(p + 1)
    )
    denominator = sum(
        comb(q, i) * factorial(p + q - i) / factorial(p + q) * s**i
        for i in range(q + 1)
    )
    return numerator / denominator


@pytest.mark.parametrize("d", [1, 2, 6, 40])
def test_the_readout_evaluates_legendre_polynomials(d):
    points = np.random.RandomState(d).uniform(0, 1, size=9)
    points[:2] = 0, 1
    C = readout(d, points)
    assert C.shape == (9, d)
    for i in range(d):
        one = np.eye(d)[i]
        polynomial = np.polynomial.legendre.legval(2 * points - 1, one)
        assert np.allclose(C[:, i], polynomial, atol=1e-12)


def test_the_readout_at_the_ends_adds_up_with_signs():
    assert np.allclose(readout(5, 0.0), [[1, -1, 1, -1, 1]])  # now
    assert np.allclose(readout(5, 1), [[1, 1, 1, 1, 1]])  # theta ago


def test_the_window_is_the_input_of_that_time_ago():
    """Each point of the window is the input of that time ago."""
    theta, d, dt = 0.5, 8, 0.001
    t = dt * np.arange(1, 1501)
    u = np.cos(2 * np.pi * t)
    m = simulate(u, theta, d, dt=dt)
    points = np.array([0, 0.2, 0.5, 0.9, 1])
    window = m[-1] @ readout(d, points).T
    # the zero-order hold shifts it by half a step: at most 2 pi dt / 2 = 0.003
    assert np.allclose(window, np.cos(2 * np.pi * (t[-1] - points * theta)), atol=0.004)


def test_the_pade_error_is_the_published_number():
    assert pade_error(1.0, 6, 1.0) == pytest.approx(0.00703502, abs=5e-9)
    assert pade_error(0.1, 6, 10.0) == pytest.approx(0.00703502, abs=5e-9)


@pytest.mark.parametrize("theta, d", [(1.0, 1), (0.2, 3), (1.0, 6), (3.0, 12)])
def test_pade_error_is_that_of_the_approximant(theta, d):
    frequency = np.array([[0.01, 0.3], [1.0, 2.5]]) / theta
    s = 2j * np.pi * frequency * theta
    expected = np.abs(pade_delay(d, s) - np.exp(-s))
    error = pade_error(theta, d, frequency)
    assert error.shape == (2, 2)
    assert np.allclose(error, expected, rtol=1e-6, atol=1e-11)


def test_pade_error_grows_with_frequency_and_falls_with_order():
    errors = np.array([pade_error(1.0, d, [0.5, 1.0, 1.5]) for d in (4, 6, 8)])
    assert np.all(np.diff(errors, axis=1) > 0)
    assert np.all(np.diff(errors, axis=0) < 0)


def test_pade_error_of_a_constant_is_zero():
    assert np.isscalar(pade_error(1.0, 6, 0.0))
    assert pade_error(1.0, 6, 0.0) == pytest.approx(0, abs=1e-12)


def test_frequency_response_is_that_of_the_simulation():
    """In the steady state, by least squares; the ZOH is half a step early."""
    theta, d, dt, f = 0.25, 5, 0.0005, 3.0
    t = dt * np.arange(1, 6001)
    m = simulate(np.cos(2 * np.pi * f * t), theta, d, dt=dt)[4000:]
    phase = 2 * np.pi * f * (t[4000:] + dt / 2)
    waves = np.stack([np.cos(phase), -np.sin(phase)], axis=1)
    (real, imag), *_ = np.linalg.lstsq(waves, m, rcond=None)
    response = frequency_response(theta, d, [f])[0]
    # (pi f dt)^2 / 6 is what the ZOH takes from the amplitude: 4e-6
    assert np.allclose(real + 1j * imag, response, atol=2e-5)


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda: readout(0, 0.5), "d", "0"),
        (lambda: readout(3, -0.1), "points", "-0.1"),
        (lambda: readout(3, [0.5, 1.5]), "points", "1.5"),
        (lambda: readout(3, [np.nan]), "points", "NaN"),
        (lambda: readout(3, [[0.5]]), "points", r"\(1, 1\)"),
        (lambda: readout(3, "now"), "points", "'now'"),
        (lambda: pade_error(0, 3, 1), "theta", "0"),
        (lambda: pade_error(1, 3.5, 1), "d", "3.5"),
        (lambda: pade_error(1, 3, np.inf), "frequency", "infinite"),
        (lambda: pade_error(1, 3, "1 Hz"), "frequency", "'1 Hz'"),
    ],
)
def test_bad_arguments_are_refused(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
