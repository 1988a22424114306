"""What input to expect, and the statistics of the states that it causes."""

import nengo
import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    StateStatistics,
    input_statistics,
    sampled_statistics,
    simulate,
    state_space,
    white_noise_statistics,
)
from nengo_lmu.legendre.statistics import (
    crossing_rates,
    typical_statistics,
    unforeseen_covariance,
)


@pytest.mark.parametrize("d", [3, 6])
def test_white_noise_has_the_covariance_of_a_sample(noise, d):
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
def test_the_integral_for_white_noise_is_that_of_a_fine_grid(theta, d, bandwidth):
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


def test_sampled_statistics_are_means_over_the_states(noise):
    statistics = sampled_statistics(1.0, 4, noise, dt=0.005)
    m = simulate(noise, 1.0, 4, dt=0.005)
    assert np.allclose(statistics.covariance, np.mean(m[:, :, None] * m[:, None], 0))
    assert statistics.input_rms == pytest.approx(np.sqrt(np.mean(noise**2)))
    # two dimensions are pooled
    two = sampled_statistics(1.0, 4, np.stack([noise, 0 * noise], axis=1), dt=0.005)
    assert np.allclose(two.covariance, statistics.covariance / 2)


def test_range_and_mean_are_those_of_samples(noise):
    statistics = sampled_statistics(1.0, 4, noise[:3000], dt=0.005)
    rows = np.random.RandomState(0).standard_normal((2, 4))
    x = simulate(noise[:3000], 1.0, 4, dt=0.005) @ rows.T
    assert np.allclose(statistics.span(rows), np.abs(x).max(axis=0))
    assert np.allclose(statistics.mean_square(rows), np.mean(x**2, axis=0))
    assert np.allclose(statistics.mean_abs(rows), np.abs(x).mean(axis=0))


def test_range_and_mean_are_those_of_a_gaussian():
    """Two and a half standard deviations; E|x| of a Gaussian is sqrt(2 / pi) sigma."""
    statistics = StateStatistics(np.diag([1.0, 4.0]), 1.0)
    assert np.allclose(statistics.span(np.eye(2)), [2.5, 5.0])
    assert np.allclose(
        statistics.mean_abs(np.eye(2)), np.sqrt(2 / np.pi) * np.array([1, 2])
    )
    assert np.allclose(
        statistics.mean_abs(np.eye(2), noise=[3.0, 0.0]), np.sqrt(2 / np.pi) * 2
    )


@pytest.mark.parametrize("gaussian", [True, False])
def test_the_mean_with_noise_is_that_of_drawn_noise(gaussian):
    """Against noise that is drawn: 200,000 values are known to 0.2 % (one sigma)."""
    rng = np.random.RandomState(0)
    samples = rng.standard_normal((200000, 1)) if gaussian else np.ones((200000, 1))
    statistics = StateStatistics(np.eye(1), 1.0, None if gaussian else samples)
    noisy = samples[:, 0] + 0.8 * rng.standard_normal(200000)
    expected = np.abs(noisy).mean()
    assert statistics.mean_abs(np.eye(1), 0.64) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("d", [1, 4])
def test_crossing_rates_are_those_counted(noise, d):
    """Rice's formula against counted changes of sign: about 250 of them in 200 s.

    They come more regularly than at random, so they are known to 5 % or so.
    """
    A, B = state_space(1.0, d)
    rows = np.random.RandomState(0).standard_normal((3, d))
    x = simulate(noise, 1.0, d, dt=0.005)[400:] @ rows.T
    counted = np.sum(np.diff(np.sign(x), axis=0) != 0, axis=0) / (len(x) * 0.005)
    for statistics in (
        white_noise_statistics(1.0, d, 0.3, 1.0),
        sampled_statistics(1.0, d, noise, dt=0.005),
    ):
        assert np.allclose(crossing_rates(statistics, rows, A, B), counted, rtol=0.15)


def test_what_never_moves_never_crosses():
    """No division by zero for a direction that the input never takes."""
    A, B = state_space(1.0, 2)
    statistics = StateStatistics(np.zeros((2, 2)), 0.0)
    assert np.all(crossing_rates(statistics, np.eye(2), A, B) == 0)


def test_typical_statistics_are_those_of_white_noise():
    typical = typical_statistics(2.0, 6, input_range=0.5)
    noise = white_noise_statistics(2.0, 6, 0.15, 0.5)
    assert np.allclose(typical.covariance, noise.covariance)
    assert typical.input_rms == 0.15


@pytest.mark.parametrize("theta, d", [(1.0, 6), (0.2, 3)])
def test_the_unforeseen_covariance_is_a_mean_over_bands(theta, d):
    """The mean over bands from 1/4 to 8 times d / (6 theta), at the typical rms."""
    expected = typical_statistics(theta, d, 2.0)
    typical = d / (6 * theta)
    bands = np.geomspace(typical / 4, 8 * typical, 11)
    covariances = [white_noise_statistics(theta, d, 0.6, f).covariance for f in bands]
    found = unforeseen_covariance(theta, d, expected)
    assert np.allclose(found, np.mean(covariances, axis=0), rtol=1e-9, atol=1e-12)
    # in some direction it is larger than what is expected
    rows = np.linalg.eigh(expected.covariance)[1].T
    ratio = np.sum((rows @ found) * rows, axis=1) / np.diag(
        rows @ expected.covariance @ rows.T
    )
    assert ratio.max() > 2


def test_nothing_is_unforeseen_of_a_sample(noise):
    statistics = sampled_statistics(1.0, 3, noise, dt=0.005)
    assert not np.any(unforeseen_covariance(1.0, 3, statistics))


def test_typical_statistics_of_a_pair_have_its_middle():
    """Half of the range takes the place of the range; the mean is their middle."""
    noise = typical_statistics(2.0, 6, input_range=0.5)
    about_zero = typical_statistics(2.0, 6, input_range=(-0.5, 0.5))
    assert np.array_equal(about_zero.covariance, noise.covariance)
    assert about_zero.rise is None
    pair = typical_statistics(2.0, 6, input_range=(1.0, 2.0))
    mean = 1.5 * np.eye(6)[0]
    assert np.allclose(pair.covariance, noise.covariance + np.outer(mean, mean))
    assert pair.input_rms == pytest.approx(np.hypot(1.5, noise.input_rms))
    assert np.allclose(pair.mean(np.eye(6)), mean)
    assert np.allclose(pair.variance(np.eye(6)), noise.variance(np.eye(6)))


@pytest.mark.parametrize("d", [2, 6])
def test_statistics_of_noise_with_an_offset_are_those_of_a_sample(noise, d):
    """Closed form against a sample, with the bounds of the tests without an offset.

    The sample's first window is the rise to the mean, which only the span knows.
    """
    A, B = state_space(1.0, d)
    rows = np.vstack([np.eye(d), np.random.RandomState(0).standard_normal((3, d))])
    m = simulate(noise + 0.5, 1.0, d, dt=0.005)
    x = m[400:] @ rows.T
    flat = white_noise_statistics(1.0, d, 0.3, 1.0)
    step = simulate(np.full(400, 0.5), 1.0, d, dt=0.005)
    step[-1] = 0.5 * np.eye(d)[0]  # where it comes to rest
    offset = StateStatistics(
        flat.covariance + np.outer(step[-1], step[-1]), np.hypot(0.3, 0.5), None, step
    )
    assert np.allclose(offset.mean_square(rows), np.mean(x**2, axis=0), rtol=0.15)
    assert np.allclose(offset.mean_abs(rows), np.abs(x).mean(axis=0), rtol=0.1)
    counted = np.sum(np.diff(np.sign(x), axis=0) != 0, axis=0) / (len(x) * 0.005)
    # of what seldom crosses there are few: Poisson counts are known to their root
    predicted = crossing_rates(offset, rows, A, B)
    few = 3 * np.sqrt(predicted / (len(x) * 0.005))
    assert np.all(np.abs(predicted - counted) < 0.1 * predicted + few)
    # 2.5 standard deviations beyond the rise, of which noise alone takes part
    rise = np.abs(step @ rows.T).max(axis=0)
    assert np.allclose(offset.span(rows), rise + flat.span(rows))


@pytest.mark.parametrize("pair", [(0, 255), [-3.0, 1.0], np.array([5, 6])])
def test_a_pair_has_room_for_its_typical_states(pair):
    """From rest, and of an input that is as typical as they come."""
    d, half, middle = 6, np.ptp(pair) / 2, np.mean(pair)
    white = nengo.processes.WhiteSignal(10.0, high=2.0, rms=0.3, seed=0).run(10.0)
    m = simulate(middle + half * white[:, 0], 0.5, d)
    span = input_statistics(0.5, d, pair).span(np.eye(d))
    assert np.all(np.abs(m).max(axis=0) < 1.3 * span)
    assert np.all(np.abs(m).max(axis=0) > 0.5 * span)


def test_input_may_have_any_form():
    """The statistics of a range, of a process, of its sample, and as they are."""
    process = nengo.processes.WhiteSignal(20, high=1, rms=0.3, seed=0)
    sample = process.run(10, rng=np.random.RandomState(0))
    of_process = input_statistics(0.5, 4, process)
    assert np.allclose(of_process.samples, input_statistics(0.5, 4, sample).samples)
    assert input_statistics(0.5, 4, of_process) is of_process
    of_range = input_statistics(0.5, 4, 2.0)
    assert np.allclose(of_range.covariance, typical_statistics(0.5, 4, 2).covariance)
    of_pair = input_statistics(0.5, 4, [0, 2])
    expected = typical_statistics(0.5, 4, (0, 2))
    assert np.allclose(of_pair.covariance, expected.covariance)
    shortest = input_statistics(0.5, 4, np.ones(500))
    assert len(shortest.samples) == 500


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda: white_noise_statistics(0, 3, 1, 1), "theta", "0"),
        (lambda: white_noise_statistics(1, 0, 1, 1), "d", "0"),
        (lambda: white_noise_statistics(1, 3, 0, 1), "rms", "0"),
        (lambda: white_noise_statistics(1, 3, 1, -2), "bandwidth", "-2"),
        (lambda: sampled_statistics(1, 3, np.zeros(9)), "u", "zero throughout"),
        (lambda: sampled_statistics(1, 3, 1.0), "u", r"\(\)"),
        (lambda: sampled_statistics(1, 3, [1, np.nan]), "u", "NaN"),
        (lambda: input_statistics(1, 3, -1.0), "expected", "-1"),
        (lambda: input_statistics(1, 3, "loud"), "expected", "'loud'"),
        (lambda: input_statistics(1, 3, (1, 0)), "expected", r"\(1, 0\) .*smaller"),
        (lambda: input_statistics(1, 3, (0, np.inf)), "expected", "infinite"),
        (lambda: sampled_statistics(1, 3, np.ones(999)), "u", "999 .* the 1000 "),
        (lambda: sampled_statistics(1, 3, [[0, 1]]), "u", r"1 time .* \(min, max\)"),
        (
            lambda: input_statistics(1, 3, white_noise_statistics(1, 4, 1, 1)),
            "expected",
            r"order 3.*\(4, 4\)",
        ),
    ],
)
def test_bad_arguments_are_refused(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
