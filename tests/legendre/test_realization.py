"""The coordinates that neurons represent."""

import numpy as np
import pytest
import scipy.linalg

from nengo_lmu.legendre import (
    ArgumentError,
    Realization,
    StateStatistics,
    basis,
    discretize,
    sampled_statistics,
    simulate,
    state_space,
    white_noise_statistics,
)
from nengo_lmu.legendre.noise import error_dynamics


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
    # but for the room that is left for inputs that were not foreseen: 2 % of the
    # largest deviation, in any direction
    rows = np.linalg.inv(realization.T)
    least = 0.02 * np.sqrt(np.linalg.eigvalsh(statistics.covariance)[-1])
    left = 2.5 * least * np.linalg.norm(rows, axis=1)
    assert np.allclose(largest**2 + left**2, 1)


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


def total_cost(columns, covariance, amplification):
    """``sum_i |G^1/2 t_i| |S^1/2 w_i|``, to which the error is proportional."""
    rows = np.linalg.inv(columns)
    amplified = np.einsum("ik,ij,jk->k", columns, amplification, columns)
    size = np.einsum("ki,ij,kj->k", rows, covariance, rows)
    return np.sqrt(amplified * size).sum()


@pytest.mark.parametrize("d", [1, 3, 12])
def test_balanced_basis_is_the_best_of_all(d):
    """It attains the bound, and nothing nearby or elsewhere is below it."""
    rng = np.random.RandomState(d)
    S = white_noise_statistics(1.0, d, 0.3, d / 6).covariance
    G = error_dynamics(1.0, d, 0.001, "zoh").amplification(np.exp(-0.01))
    least = 0.02**2 * np.linalg.eigvalsh(S)[-1] * np.eye(d)  # for unforeseen inputs
    T = basis(StateStatistics(S, 0.3), "balanced", G).T
    cost = total_cost(T, S + least, G)
    root = scipy.linalg.sqrtm(G) @ scipy.linalg.sqrtm(S + least)
    assert cost == pytest.approx(np.linalg.norm(root, "nuc"), rel=1e-6)
    for _ in range(20):
        near = T @ (np.eye(d) + 0.1 * rng.standard_normal((d, d)))
        assert total_cost(near, S + least, G) >= cost * (1 - 1e-9)
        assert total_cost(rng.standard_normal((d, d)), S + least, G) >= cost - 1e-12
    for kind in ("legendre", "principal"):
        other = basis(StateStatistics(S, 0.3), kind).T
        assert total_cost(other, S + least, G) >= cost - 1e-12


def test_a_balanced_basis_may_leave_a_direction_unamplified():
    """Where a synapse decays as the memory does, its noise enters without a trace."""
    A_bar, _ = discretize(*state_space(1.0, 1), 0.001)
    G = error_dynamics(1.0, 1, 0.001, "zoh").amplification(A_bar[0, 0])
    assert np.allclose(G, 0, atol=1e-25)
    assert basis(StateStatistics(np.eye(1), 1.0), "balanced", 0 * G).T > 0
    T = basis(StateStatistics(np.eye(3), 1.0), "balanced", np.diag([0.0, 1, 4])).T
    assert np.all(np.isfinite(T))
    assert np.linalg.matrix_rank(T / np.linalg.norm(T, axis=0)) == 3


def test_noise_is_given_room():
    """Ranges add as deviations do."""
    statistics = StateStatistics(np.diag([1.0, 4.0]), 1.0)
    plain = np.diag(basis(statistics).T)
    noise = np.diag([3.0, 5.0])
    assert np.allclose(
        np.diag(basis(statistics, noise=noise).T) ** 2,
        plain**2 + 2.5**2 * np.diag(noise),
    )


def test_neglected_dimension_keeps_some_range():
    """The states of a constant have one dimension only."""
    statistics = StateStatistics(np.diag([1.0, 0.0]), 1.0)
    realization = basis(statistics)
    assert np.allclose(realization.T, np.diag([2.5, 0.02 * 2.5]), rtol=1e-3)


def test_custom_columns_are_scaled_only():
    statistics = white_noise_statistics(1.0, 3, 0.3, 1.0)
    columns = np.array([[1.0, 1, 0], [0, 2, 0], [0, 0, 5]])
    T = basis(statistics, columns).T
    for i in range(3):
        ratio = T[columns[:, i] != 0, i] / columns[columns[:, i] != 0, i]
        assert np.allclose(ratio, ratio[0]) and ratio[0] > 0
        assert np.all(T[columns[:, i] == 0, i] == 0)


def test_the_same_input_gives_the_same_state_in_neurons():
    """The same input gives the same state, in other coordinates."""
    A, B = state_space(1.0, 4)
    T = np.random.RandomState(1).standard_normal((4, 4))
    A_x, B_x = Realization(T).to_neurons(A, B)
    assert np.allclose(T @ A_x, A @ T)
    assert np.allclose(T @ B_x, B)


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda s: basis(s, "fourier"), "kind", "'fourier'"),
        (lambda s: basis(s, np.eye(2)), "kind", r"\(3, 3\).*\(2, 2\)"),
        (lambda s: basis(s, np.ones((3, 3))), "kind", "singular"),
        (lambda s: basis(s, np.zeros((3, 3))), "kind", "singular"),
        (lambda s: basis(s, np.full((3, 3), np.nan)), "kind", "9 of its 9"),
        (lambda s: basis(s, None), "kind", "NaN|None|shape"),
        (lambda s: basis(s, "balanced"), "amplification", "SpikingPopulations"),
    ],
)
def test_bad_arguments_are_refused(call, name, value):
    statistics = white_noise_statistics(1.0, 3, 0.3, 1.0)
    with pytest.raises(ArgumentError, match=value) as error:
        call(statistics)
    assert error.value.name == name
