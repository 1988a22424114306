"""State statistics and the coordinates that neurons represent."""

import nengo
import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    Realization,
    StateStatistics,
    basis,
    sampled_statistics,
    simulate,
    state_space,
    white_noise_statistics,
)


@pytest.fixture(scope="module")
def noise():
    process = nengo.processes.WhiteSignal(200, high=1, rms=0.3, seed=0)
    return process.run(200, dt=0.005)[:, 0]


@pytest.mark.parametrize("d", [3, 6])
def test_white_noise_covariance(noise, d):
    """Closed form against a simulated sample.

    Flat noise up to 1 Hz has about 2 * 1 Hz * 200 s = 400 independent values, so the
    variance of each state is known to sqrt(2 / 400) = 7 % of itself (one sigma).
    WhiteSignal has the given rms exactly, which removes part of that: 15 % is safe.
    """
    statistics = white_noise_statistics(1.0, d, 0.3, 1.0)
    m = simulate(noise, 1.0, d, dt=0.005)[400:]  # without the start
    sample = m.T @ m / len(m)
    scale = np.sqrt(np.diag(sample))
    difference = (statistics.covariance - sample) / np.outer(scale, scale)
    assert np.abs(difference).max() < 0.15
    assert statistics.input_rms == 0.3


@pytest.mark.parametrize("theta, d, bandwidth", [(1.0, 6, 1.0), (0.1, 12, 50.0)])
def test_white_noise_integral(theta, d, bandwidth):
    """Against a plain mean over a fine grid of frequencies, by another solver."""
    A, B = state_space(theta, d)
    f = (np.arange(4000) + 0.5) / 4000 * bandwidth
    rates, modes = np.linalg.eig(A)
    H = (modes @ (np.linalg.solve(modes, B) / (2j * np.pi * f - rates[:, None]))).T
    expected = 0.2**2 * np.real(H.T @ H.conj()) / len(f)
    covariance = white_noise_statistics(theta, d, 0.2, bandwidth).covariance
    assert np.allclose(covariance, expected, rtol=1e-5, atol=1e-7)


def test_white_noise_of_low_frequency_is_a_constant():
    """A constant u has the state (u, 0, 0, ...)."""
    covariance = white_noise_statistics(1.0, 4, 0.5, 1e-4).covariance
    assert np.allclose(covariance, np.diag([0.25, 0, 0, 0]), atol=1e-6)


def test_sampled_statistics(noise):
    statistics = sampled_statistics(1.0, 4, noise, dt=0.005)
    m = simulate(noise, 1.0, 4, dt=0.005)
    assert np.allclose(statistics.covariance, np.mean(m[:, :, None] * m[:, None], 0))
    assert statistics.input_rms == pytest.approx(np.sqrt(np.mean(noise**2)))
    # two dimensions are pooled
    two = sampled_statistics(1.0, 4, np.stack([noise, 0 * noise], axis=1), dt=0.005)
    assert np.allclose(two.covariance, statistics.covariance / 2)


@pytest.mark.parametrize("kind", ["legendre", "principal", "custom"])
@pytest.mark.parametrize("d", [1, 6])
def test_each_dimension_fills_its_range(noise, kind, d):
    u = noise[:4000]
    statistics = sampled_statistics(1.0, d, u, dt=0.005)
    custom = np.random.RandomState(0).standard_normal((d, d))
    realization = basis(statistics, custom if kind == "custom" else kind)
    assert realization.kind == kind
    x = np.linalg.solve(realization.T, simulate(u, 1.0, d, dt=0.005).T)
    largest = np.abs(x).max(axis=1)
    assert np.all(largest <= 1 + 1e-9)
    # exactly, but for dimensions below the floor of 2 % of the largest range
    low = np.isclose(np.linalg.norm(realization.T, axis=0).min(), 0, atol=0.05)
    assert low or np.allclose(largest, 1)
    assert largest[0] == pytest.approx(1) or kind == "custom"
    assert np.allclose(realization.mean_abs, np.abs(x).mean(axis=1), atol=1e-9)


def test_gaussian_range():
    """Two and a half standard deviations; E|x| of a Gaussian is sqrt(2 / pi) sigma."""
    statistics = white_noise_statistics(1.0, 3, 0.3, 0.5)
    realization = basis(statistics)
    deviation = np.sqrt(np.diag(statistics.covariance))
    assert np.allclose(realization.T, np.diag(2.5 * deviation))
    assert np.allclose(realization.mean_abs, np.sqrt(2 / np.pi) / 2.5)


def test_principal_states_are_uncorrelated():
    statistics = white_noise_statistics(1.0, 6, 0.3, 1.0)

    def covariance(realization):
        inverse = np.linalg.inv(realization.T)
        return inverse @ statistics.covariance @ inverse.T

    principal = covariance(basis(statistics, "principal"))
    off = principal - np.diag(np.diag(principal))
    assert np.abs(off).max() < 1e-6
    # the components come in the order of their variance
    norms = np.linalg.norm(basis(statistics, "principal").T, axis=0)
    assert np.all(np.diff(norms) <= 1e-12)
    # which the Legendre states of the same input are not
    legendre = covariance(basis(statistics, "legendre"))
    assert np.abs(legendre - np.diag(np.diag(legendre))).max() > 0.01


def test_neglected_dimension_keeps_some_range():
    """The states of a constant have one dimension only."""
    statistics = StateStatistics(np.diag([1.0, 0.0]), 1.0)
    realization = basis(statistics)
    assert np.allclose(realization.T, np.diag([2.5, 0.02 * 2.5]))
    assert realization.mean_abs[1] == 0


def test_custom_columns_are_scaled_only():
    statistics = white_noise_statistics(1.0, 3, 0.3, 1.0)
    columns = np.array([[1.0, 1, 0], [0, 2, 0], [0, 0, 5]])
    T = basis(statistics, columns).T
    for i in range(3):
        ratio = T[columns[:, i] != 0, i] / columns[columns[:, i] != 0, i]
        assert np.allclose(ratio, ratio[0]) and ratio[0] > 0
        assert np.all(T[columns[:, i] == 0, i] == 0)


def test_to_neurons():
    """The same input gives the same state, in other coordinates."""
    A, B = state_space(1.0, 4)
    T = np.random.RandomState(1).standard_normal((4, 4))
    A_x, B_x = Realization(T, np.ones(4)).to_neurons(A, B)
    assert np.allclose(T @ A_x, A @ T)
    assert np.allclose(T @ B_x, B)


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda s: basis(s, "fourier"), "realization", "'fourier'"),
        (lambda s: basis(s, np.eye(2)), "realization", r"\(3, 3\).*\(2, 2\)"),
        (lambda s: basis(s, np.ones((3, 3))), "realization", "singular"),
        (lambda s: basis(s, np.zeros((3, 3))), "realization", "singular"),
        (lambda s: basis(s, np.full((3, 3), np.nan)), "realization", "9 of its 9"),
        (lambda s: basis(s, None), "realization", "NaN|None|shape"),
        (lambda s: white_noise_statistics(0, 3, 1, 1), "theta", "0"),
        (lambda s: white_noise_statistics(1, 0, 1, 1), "d", "0"),
        (lambda s: white_noise_statistics(1, 3, 0, 1), "rms", "0"),
        (lambda s: white_noise_statistics(1, 3, 1, -2), "bandwidth", "-2"),
        (lambda s: sampled_statistics(1, 3, np.zeros(9)), "u", "zero throughout"),
        (lambda s: sampled_statistics(1, 3, 1.0), "u", r"\(\)"),
        (lambda s: sampled_statistics(1, 3, [1, np.nan]), "u", "NaN"),
    ],
)
def test_bad_arguments(call, name, value):
    statistics = white_noise_statistics(1.0, 3, 0.3, 1.0)
    with pytest.raises(ArgumentError, match=value) as error:
        call(statistics)
    assert error.value.name == name
