"""How long a memory takes to forget, against states that are followed."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    discretize,
    forgetting_time,
    readout,
    state_space,
    white_noise_statistics,
)


@pytest.mark.parametrize("fraction", [0.1, 0.01, 0.001])
def test_a_single_dimension_decays_as_a_filter_does(fraction):
    time = forgetting_time(theta=2.0, d=1, fraction=fraction)
    assert time == pytest.approx(-2.0 * np.log(fraction), abs=0.021)


@pytest.mark.parametrize("d", [3, 6, 12])
def test_no_typical_state_leaves_more(d):
    # States on the boundary of what is typical, in random directions: afterwards their
    # windows are within the fraction, and some state is close to it.
    theta, dt, fraction = 1.0, 0.001, 0.01
    statistics = white_noise_statistics(theta, d, 0.3, d / 6)
    time = forgetting_time(theta, d, fraction, statistics)
    A_bar, _ = discretize(*state_space(theta, d), dt)
    root = np.linalg.cholesky(statistics.covariance)
    rng = np.random.RandomState(0)
    z = rng.standard_normal((d, 4000))
    states = root @ (z / np.linalg.norm(z, axis=0))
    C = readout(d, np.linspace(0, 1, 400))

    def largest(m):
        return np.sqrt(np.mean((C @ m) ** 2, axis=0)).max()

    def after(time):
        return np.linalg.matrix_power(A_bar, int(round(time / dt))) @ states

    whole = np.linalg.norm(C @ root, 2) / np.sqrt(len(C))
    left = [largest(after(factor * time)) / whole for factor in (1, 1.1, 1.5)]
    assert max(left) <= fraction
    assert largest(after(0.9 * time)) / whole > 0.5 * fraction


@pytest.mark.parametrize("fraction", [0, 1, 2.0, np.nan, "all"])
def test_fractions_are_between_nothing_and_all(fraction):
    with pytest.raises(ArgumentError, match="fraction"):
        forgetting_time(1.0, 3, fraction)
