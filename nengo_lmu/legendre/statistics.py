"""What input to expect, and the statistics of the states that it causes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf

from nengo_lmu.legendre.checks import (
    LARGEST,
    LARGEST_SQUARE,
    SMALLEST,
    ArgumentError,
    finite_array,
    not_negative,
    order,
    positive,
    renamed,
    shown,
    window,
)
from nengo_lmu.legendre.system import simulate, states
from nengo_lmu.legendre.window import frequency_response

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array, ArrayLike, Input


# A Gaussian state is taken to fill its range at this many standard deviations. Linear
# neurons do not saturate there: they only fire above their nominal maximum rates.
GAUSSIAN_RANGE = 2.5

# An input of this rms is taken as typical where only its range is known.
TYPICAL_RMS = 0.3

# So many samples of states tell their mean absolute values to a percent.
_ENOUGH_SAMPLES = 4000

# A window has so many time steps for the states on the way to the mean of an input.
_STEPS_OF_A_RISE = 100
# A panel of an integral over frequencies has so many nodes, and ends beyond the poles
# at so many times its start: this is enough for rounding error up to an order of 256.
_PANEL = 16
_GROWTH = 1.1

# An integral takes so many numbers at a time.
_AT_ONCE = 10**6

# Samples of states have so many numbers at most, made from so many steps of a process.
MOST_NUMBERS = 4 * 10**6
_MOST_STEPS = 200_000


@dataclass(frozen=True)
class StateStatistics:
    """Statistics of the memory's states for a typical input.

    Attributes
    ----------
    covariance : (d, d) ndarray
        Mean of ``m m^T`` (not centred).
    input_rms : float
        Root mean square of the input.
    samples : (n, d) ndarray or None
        States of a sampled input; None for a Gaussian one in closed form.
    rise : (n, d) ndarray or None
        States on the way from rest to those of the mean of a Gaussian input, which are
        the last; None for a mean of 0.
    """

    covariance: np.ndarray
    input_rms: float
    samples: np.ndarray | None = None
    rise: np.ndarray | None = None

    def __post_init__(self):
        S = finite_array("covariance", self.covariance, ndim=2, largest=LARGEST_SQUARE)
        square = S.shape[0] == S.shape[1] > 0
        if not square or np.abs(S - S.T).max() > 1e-6 * np.abs(S).max():
            raise ArgumentError(
                "covariance",
                f"must be a symmetric matrix, but {shown(S)} of shape {S.shape} was "
                "given; give the mean of m m^T",
            )
        object.__setattr__(self, "covariance", S)
        object.__setattr__(self, "input_rms", not_negative("input_rms", self.input_rms))
        if self.samples is not None:
            m = finite_array("samples", self.samples, ndim=2)
            if not len(m) or m.shape[1] != len(S):
                raise ArgumentError(
                    "samples",
                    f"must have {len(S)} columns, as the covariance has, but its shape "
                    f"is {m.shape}; give one row for each step",
                )
            object.__setattr__(self, "samples", m)

    @cached_property
    def largest_square(self):
        """float: The mean square of the states in the direction where it is largest."""
        return np.linalg.eigvalsh(self.covariance)[-1]

    def span(self, rows: ArrayLike) -> Array:
        """Return the range of ``rows @ m``.

        Parameters
        ----------
        rows : (k, d) array_like

        Returns
        -------
        span : (k,) ndarray
            The largest absolute value of the samples, or `GAUSSIAN_RANGE` standard
            deviations beyond the largest on the way to the mean.
        """
        if self.samples is not None:
            return np.abs(self.samples @ np.transpose(rows)).max(axis=0)
        span = GAUSSIAN_RANGE * np.sqrt(self.variance(rows))
        if self.rise is not None:
            span += np.abs(self.rise @ np.transpose(rows)).max(axis=0)
        return span

    def mean(self, rows: ArrayLike) -> Array | float:
        """Return the mean of ``rows @ m`` for a Gaussian input, of shape (k,)."""
        return 0.0 if self.rise is None else rows @ self.rise[-1]

    def mean_square(self, rows: ArrayLike) -> Array:
        """Return the mean square of ``rows @ m``, of shape (k,)."""
        return variance_along(rows, self.covariance)

    def variance(self, rows: ArrayLike) -> Array:
        """Return the variance of ``rows @ m`` for a Gaussian input, of shape (k,)."""
        return np.maximum(self.mean_square(rows) - self.mean(rows) ** 2, 0)

    def mean_abs(self, rows: ArrayLike, noise: ArrayLike = 0.0) -> Array:
        """Return the mean absolute value of ``rows @ m`` plus Gaussian noise.

        Parameters
        ----------
        rows : (k, d) array_like
        noise : float or (k,) array_like
            Variance of what is added.

        Returns
        -------
        mean_abs : (k,) ndarray
        """
        return self.mean_abs_along(rows)(noise)

    def mean_abs_along(self, rows):
        """Return the function of ``noise`` that `mean_abs` is of some rows.

        Parameters
        ----------
        rows : (k, d) array_like

        Returns
        -------
        mean_abs : callable
            What is asked for many times, for noise that is found step by step.
        """
        if self.samples is not None:
            every = -(-len(self.samples) // _ENOUGH_SAMPLES)
            x = self.samples[::every] @ np.transpose(rows)
            return partial(_mean_of_samples, x)
        return partial(_mean_folded, self.mean(rows), self.variance(rows))


def _mean_of_samples(x, noise):
    return _mean_folded(x, 0.0, noise).mean(axis=0)


def _mean_folded(mean, variance, noise):
    """Return the mean absolute value of a normal distribution with noise."""
    deviation = np.sqrt(np.maximum(variance + np.asarray(noise), 1e-300))
    z = mean / (np.sqrt(2) * deviation)
    return np.sqrt(2 / np.pi) * deviation * np.exp(-(z**2)) + mean * erf(z)


def crossing_rates(statistics, rows, A, B):
    """Return how often ``rows @ m`` changes its sign (hertz).

    Parameters
    ----------
    statistics : StateStatistics
        Taken to be those of a stationary Gaussian process.
    rows : (k, d) array_like
    A, B : (d, d) and (d, 1) ndarray
        Of the memory, ``dm/dt = A m + B u``.

    Returns
    -------
    rates : (k,) ndarray
        By Rice's formula, ``sqrt(E y'^2 / s^2) / pi * exp(-E y^2 / (2 s^2))`` for
        ``y = rows @ m`` of variance ``s^2`` and mean ``E y``.
    """
    S, b = statistics.covariance, B[:, 0]
    # For E[m m^T] to be constant, E[m u] has A S + S A^T + c b^T + b c^T = 0.
    rest = -(A @ S + S @ A.T)
    c = (rest @ b - b * (b @ rest @ b) / (2 * b @ b)) / (b @ b)
    cross = A @ np.outer(c, b)
    change = A @ S @ A.T + cross + cross.T
    change += np.outer(b, b) * statistics.input_rms**2
    # a direction that the input never takes does not cross anything
    variance = np.maximum(statistics.variance(rows), np.finfo(float).tiny)
    ratio = variance_along(rows, change) / variance
    level = statistics.mean(rows) ** 2 / (2 * variance)
    return np.sqrt(ratio) / np.pi * np.exp(-level)


def variance_along(rows, covariance):
    """Return the diagonal of ``rows @ covariance @ rows.T``, at least 0."""
    # Rounding must not make it negative.
    return np.maximum(np.sum((rows @ covariance) * rows, axis=1), 0)


def white_noise_statistics(
    theta: float, d: int, rms: float, bandwidth: float
) -> StateStatistics:
    """Return the state statistics for band-limited Gaussian white noise.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    rms : float
        Root mean square of the noise.
    bandwidth : float
        Highest frequency of its flat spectrum (Hz).

    Returns
    -------
    statistics : StateStatistics
        With the covariance ``rms^2`` times the mean of ``H(f) H(f)^*`` over the band,
        where ``H`` is the memory's frequency response.

    Examples
    --------
    >>> from nengo_lmu.legendre import white_noise_statistics
    >>> statistics = white_noise_statistics(theta=1.0, d=6, rms=0.3, bandwidth=1.0)
    >>> statistics.covariance.shape, statistics.input_rms
    ((6, 6), 0.3)
    """
    theta = positive("theta", theta, "of seconds")
    d = order(d)
    rms = positive("rms", rms)
    bandwidth = positive("bandwidth", bandwidth, "of hertz")
    frequency, weight = frequency_band(theta, d, bandwidth)
    covariance = np.zeros((d, d))
    for chunk in np.array_split(
        np.arange(len(frequency)), 1 + len(frequency) * d // _AT_ONCE
    ):
        response = frequency_response(theta, d, frequency[chunk])
        response *= np.sqrt(weight[chunk])[:, np.newaxis]
        parts = np.concatenate([response.real, response.imag])
        covariance += parts.T @ parts
    return StateStatistics(covariance=rms**2 * covariance, input_rms=rms)


def frequency_band(theta, d, bandwidth):
    """Return nodes and weights for means over a band of what a memory makes of it.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory, of frequency response ``H``.
    bandwidth : float
        Highest frequency of the band (hertz).

    Returns
    -------
    frequency, weight : (n,) ndarray
        The weights have a sum of 1.

    Notes
    -----
    They are Gauss-Legendre nodes in panels. ``H`` oscillates about ``theta f`` times up
    to its poles, which are below ``0.3 d / theta``, so that panels there are half an
    oscillation long. Beyond, it is smooth in ``log f``, for large ``d`` only so
    close to the real axis that each panel ends at 1.1 times where it begins.
    """
    top = theta * bandwidth
    # The first panels are shorter for d = 1, whose pole is closest to the axis.
    edges = [0, 1 / 8, 1 / 4, *np.arange(1, d + 1) / 2]
    n_beyond = max(0, np.log(top / edges[-1]) / np.log(_GROWTH))
    edges = np.append(edges, edges[-1] * _GROWTH ** np.arange(1, n_beyond))
    edges = np.append(edges[edges < top], top)
    points, weights = panels(edges, _PANEL)
    return points / theta, weights / top


def panels(edges, n_nodes):
    """Return Gauss-Legendre nodes and weights for an integral in panels.

    Parameters
    ----------
    edges : (n_panels + 1,) ndarray
    n_nodes : int
        Of each panel.

    Returns
    -------
    points, weights : (n_panels * n_nodes,) ndarray
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    length = np.diff(edges)[:, np.newaxis]
    points = edges[:-1, np.newaxis] + length * (nodes + 1) / 2
    return points.ravel(), (length * weights / 2).ravel()


def sampled_statistics(
    theta: float, d: int, u: ArrayLike, dt: float = 0.001
) -> StateStatistics:
    """Return the state statistics for a sample of a typical input.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    u : (n_steps,) or (n_steps, size_in) array_like
        The sample; the dimensions of a multi-dimensional input are pooled.
    dt : float
        Its time step (seconds).

    Returns
    -------
    statistics : StateStatistics
        Of the states after each step, or, of a sample with which these would take more
        than 32 MB, of as many of them, evenly spaced.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.legendre import sampled_statistics
    >>> u = np.sin(np.arange(5000) * 0.01)
    >>> round(sampled_statistics(theta=1.0, d=3, u=u).input_rms, 2)
    0.71
    """
    u, d = checked_sample("u", u, theta, dt), order(d)
    every = min(-(-u.size * d // MOST_NUMBERS), len(u))
    m = states(u, theta, d, dt=dt, every=every).reshape(-1, d)
    return StateStatistics(
        covariance=m.T @ m / len(m),
        input_rms=float(np.sqrt(np.mean(u**2))),
        samples=m,
    )


def checked_sample(name: str, u: Any, theta: float, dt: float) -> Array:
    """Return a sample of an input as an array, if there is something to learn from it.

    Parameters
    ----------
    name : str
        The argument.
    u : (n_steps,) or (n_steps, size_in) array_like
    theta, dt : float
        Length of the window and time step (seconds).

    Returns
    -------
    u : ndarray
    """
    u = finite_array(name, u, ndim=(1, 2))
    theta, dt = window(theta, dt)
    largest = np.abs(u).max(initial=0)
    if largest == 0:
        raise ArgumentError(
            name,
            "is zero throughout; give a sample of a real input, or its largest "
            "absolute value",
        )
    if not SMALLEST <= largest <= LARGEST:
        raise ArgumentError(
            name,
            f"must have a largest value from {SMALLEST:g} to {LARGEST:g}, but that is "
            f"{largest:g}; give the input in the unit that is meant",
        )
    least = int(round(theta / dt))
    if len(u) < least:
        raise ArgumentError(
            name,
            f"is a sample of {len(u)} time steps, but must have at least the {least} "
            f"of the window of {theta:g} s at dt={dt:g}; give a longer one, one pair "
            "(min, max) for all dimensions, or the largest absolute value",
        )
    return u


def expected_range(name, expected):
    """Return the least and the largest value of an input that only these describe.

    Parameters
    ----------
    name : str
        The argument.
    expected : float, (2,) array_like or anything else
        The largest absolute value, or a pair ``(min, max)``.

    Returns
    -------
    low, high : float
        Or None, for what is neither.
    """
    try:
        shape = np.shape(expected)
    except ValueError:  # rows have different lengths
        return None
    if shape == ():
        high = positive(name, expected)
        return -high, high
    if shape != (2,):
        return None
    low, high = finite_array(name, expected).tolist()
    positive(name, max(abs(low), abs(high)))
    if low >= high:
        raise ArgumentError(
            name,
            f"must be a pair (min, max) with min below max, but {shown(expected)} was "
            "given; give the smaller number first",
        )
    return low, high


def typical_statistics(theta, d, input_range=1.0):
    """Return the statistics of the input that is assumed where none is given.

    Band-limited white noise around the middle of the range of the input, with an rms of
    0.3 times half the range, so that it seldom leaves it, up to ``d / (6 theta)``
    hertz, about the highest frequency that an order-``d`` memory reproduces well.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    input_range : float or (min, max)
        The largest absolute value of the input, or its least and its largest value.

    Returns
    -------
    statistics : StateStatistics
    """
    theta = positive("theta", theta, "of seconds")
    d = order(d)
    low, high = expected_range("input_range", input_range)
    noise = white_noise_statistics(
        theta, d, TYPICAL_RMS * (high - low) / 2, d / (6 * theta)
    )
    mean = (low + high) / 2
    if mean == 0:
        return noise
    # The state rises for a window and comes to rest in another; steps show the fastest.
    n = 2 * max(_STEPS_OF_A_RISE, 4 * d)
    rise = simulate(np.full(n, mean), theta, d, dt=2 * theta / n)
    rest = np.eye(d)[0] * mean
    return StateStatistics(
        covariance=noise.covariance + np.outer(rest, rest),
        input_rms=float(np.hypot(noise.input_rms, mean)),
        rise=np.vstack([rise, rest]),
    )


def unforeseen_covariance(theta, d, statistics):
    """Return the covariance of the states if nobody knows the band of the input.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    statistics : StateStatistics
        Of the typical input.

    Returns
    -------
    covariance : (d, d) ndarray
        The mean over bands from a quarter of that of `typical_statistics` to eight
        times that, evenly spaced in octaves, for noise of the same rms. Directions of
        the state in which the typical input is small are up to 20 times as large in
        other bands. Zeros for an input of which there is a sample.
    """
    if statistics.samples is not None:
        return np.zeros((d, d))
    bands = d / (6 * theta) * 2.0 ** np.arange(-2, 3.5, 0.5)
    covariances = [
        white_noise_statistics(theta, d, 1.0, band).covariance for band in bands
    ]
    return statistics.input_rms**2 * np.mean(covariances, axis=0)


def sampled_input(theta, process, dt=0.001):
    """Return a sample of a process, long enough for its statistics.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    process : nengo.Process
        Or what else has its ``run(t, dt=, rng=)``.
    dt : float
        Time step (seconds).

    Returns
    -------
    u : (n_steps, size_out) ndarray
        Of 20 windows and at least 10 seconds, the same at each call.
    dt : float
        Its time step (seconds): the given one or, where that would be more than 200,000
        steps, a multiple with which it is not. A window has 10,000 of them still. A
        process that refuses such a step has a shorter one.
    """
    duration = max(10.0, 20 * theta)
    multiple = int(np.ceil(duration / (dt * _MOST_STEPS) - 1e-9))
    while True:
        try:
            step = multiple * dt
            return process.run(duration, dt=step, rng=np.random.RandomState(0)), step
        except ValueError:  # a white signal may have a frequency that has no place
            if multiple == 1:
                raise
        multiple //= 2


def input_statistics(
    theta: float, d: int, expected: Input | StateStatistics = 1.0, dt: float = 0.001
) -> StateStatistics:
    """Return the state statistics for an input in whatever form it is described.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    expected : float, (min, max), nengo.Process, array_like or StateStatistics
        The largest absolute value of the input, or its least and its largest, as for
        `typical_statistics`; a process; a sample, as for `sampled_statistics`; or
        statistics, which are returned as they are.
    dt : float
        Time step (seconds).

    Returns
    -------
    statistics : StateStatistics

    Raises
    ------
    ArgumentError
        If the statistics are of another order, or as for the other functions.

    Examples
    --------
    >>> from nengo_lmu.legendre import input_statistics
    >>> round(input_statistics(theta=1.0, d=6, expected=(0, 255)).input_rms, 1)
    133.1
    """
    theta, dt = window(theta, dt)
    d = order(d)
    if isinstance(expected, StateStatistics):
        if expected.covariance.shape != (d, d):
            raise ArgumentError(
                "expected",
                f"must be of a memory of order {d}, but the covariance of the given "
                f"statistics has shape {expected.covariance.shape}; make them with "
                f"d={d}",
            )
        return expected
    if hasattr(expected, "run"):
        expected, dt = sampled_input(theta, expected, dt=dt)
    limits = expected_range("expected", expected)
    if limits is not None:
        return typical_statistics(theta, d, limits)
    with renamed(u="expected"):
        # a process has become a sample of it
        return sampled_statistics(theta, d, expected, dt=dt)  # type: ignore[arg-type]
