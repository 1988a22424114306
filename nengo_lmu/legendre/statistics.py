"""What input to expect, and the statistics of the states that it causes."""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from nengo_lmu.legendre.checks import ArgumentError, finite_array, positive, whole
from nengo_lmu.legendre.system import states
from nengo_lmu.legendre.window import frequency_response

# A Gaussian state is taken to fill its range at this many standard deviations. Linear
# neurons do not saturate there: they only fire above their nominal maximum rates.
GAUSSIAN_RANGE = 2.5

# The rms of the input that is taken as typical where only its range is known.
TYPICAL_RMS = 0.3

# Samples of states that are enough to know their mean absolute values to a percent.
_ENOUGH_SAMPLES = 4000

# Nodes of a panel of an integral over frequencies, and how far panels reach beyond the
# poles: enough for rounding error up to an order of 256.
_PANEL = 16
_GROWTH = 1.1

# Numbers that an integral takes at a time.
_AT_ONCE = 10**6

# The most numbers in samples of states, and the most steps of a process that they are
# made from.
_MOST_NUMBERS = 4 * 10**6
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
    """

    covariance: np.ndarray
    input_rms: float
    samples: np.ndarray = None

    def span(self, rows):
        """Return the range of ``rows @ m``.

        Parameters
        ----------
        rows : (k, d) array_like

        Returns
        -------
        span : (k,) ndarray
            The largest absolute value of the samples, or `GAUSSIAN_RANGE` standard
            deviations.
        """
        if self.samples is not None:
            return np.abs(self.samples @ np.transpose(rows)).max(axis=0)
        return GAUSSIAN_RANGE * np.sqrt(self.mean_square(rows))

    def mean_square(self, rows):
        """Return the mean square of ``rows @ m``, of shape (k,)."""
        return variance_along(rows, self.covariance)

    def mean_abs(self, rows, noise=0.0):
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
        noise = np.asarray(noise)
        if self.samples is None:
            return np.sqrt(2 / np.pi * (self.mean_square(rows) + noise))
        every = -(-len(self.samples) // _ENOUGH_SAMPLES)
        x = self.samples[::every] @ np.transpose(rows)
        # the mean of a folded normal distribution, for each sample
        deviation = np.sqrt(np.maximum(noise, 1e-300))
        z = x / (np.sqrt(2) * deviation)
        folded = np.sqrt(2 / np.pi) * deviation * np.exp(-(z**2)) + x * erf(z)
        return folded.mean(axis=0)


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
        By Rice's formula, ``sqrt(E y'^2 / E y^2) / pi`` for ``y = rows @ m``.
    """
    S, b = statistics.covariance, B[:, 0]
    # what E[m u] has to be for E[m m^T] to be constant: A S + S A^T + c b^T + b c^T = 0
    rest = -(A @ S + S @ A.T)
    c = (rest @ b - b * (b @ rest @ b) / (2 * b @ b)) / (b @ b)
    cross = A @ np.outer(c, b)
    change = A @ S @ A.T + cross + cross.T
    change += np.outer(b, b) * statistics.input_rms**2
    # a direction that the input never takes does not cross anything
    square = np.maximum(variance_along(rows, S), np.finfo(float).tiny)
    ratio = variance_along(rows, change) / square
    return np.sqrt(ratio) / np.pi


def variance_along(rows, covariance):
    """Return the diagonal of ``rows @ covariance @ rows.T``, at least 0."""
    # not below 0 by rounding
    return np.maximum(np.sum((rows @ covariance) * rows, axis=1), 0)


def white_noise_statistics(theta, d, rms, bandwidth):
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
    """
    theta = positive("theta", theta, "of seconds")
    d = whole("d", d, 1)
    rms = positive("rms", rms)
    bandwidth = positive("bandwidth", bandwidth, "of hertz")
    frequency, weight = _band(theta, d, bandwidth)
    covariance = np.zeros((d, d))
    for chunk in np.array_split(
        np.arange(len(frequency)), 1 + len(frequency) * d // _AT_ONCE
    ):
        response = frequency_response(theta, d, frequency[chunk])
        response *= np.sqrt(weight[chunk])[:, np.newaxis]
        parts = np.concatenate([response.real, response.imag])
        covariance += parts.T @ parts
    return StateStatistics(covariance=rms**2 * covariance, input_rms=rms)


def _band(theta, d, bandwidth):
    """Return nodes and weights for the mean of ``H(f) H(f)^*`` over a band.

    Gauss-Legendre nodes in panels. ``H`` oscillates about ``theta f`` times up to its
    poles, which are below ``0.3 d / theta``, so that panels there are half an
    oscillation long. Beyond, it is smooth in ``log f``, for large ``d`` only so
    close to the real axis that each panel ends at 1.1 times where it begins.
    """
    top = theta * bandwidth
    # shorter ones at first, for d = 1, whose pole is closest to the axis
    edges = [0, 1 / 8, 1 / 4, *np.arange(1, d + 1) / 2]
    n_beyond = max(0, np.log(top / edges[-1]) / np.log(_GROWTH))
    edges = np.append(edges, edges[-1] * _GROWTH ** np.arange(1, n_beyond))
    edges = np.append(edges[edges < top], top)
    nodes, weights = np.polynomial.legendre.leggauss(_PANEL)
    length = np.diff(edges)[:, np.newaxis]
    points = edges[:-1, np.newaxis] + length * (nodes + 1) / 2
    return points.ravel() / theta, (length * weights / 2).ravel() / top


def sampled_statistics(theta, d, u, dt=0.001):
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
    """
    u = finite_array("u", u, ndim=(1, 2))
    if not np.any(u):
        raise ArgumentError("u", "is zero throughout; give a sample of a real input")
    every = min(-(-u.size * d // _MOST_NUMBERS), len(u))
    m = states(u, theta, d, dt=dt, every=every).reshape(-1, d)
    return StateStatistics(
        covariance=m.T @ m / len(m),
        input_rms=float(np.sqrt(np.mean(u**2))),
        samples=m,
    )


def typical_statistics(theta, d, input_range=1.0):
    """Return the statistics of the input that is assumed where none is given.

    Band-limited white noise with an rms of 0.3 times the range of the input, so that
    it seldom leaves the range, up to ``d / (6 theta)`` hertz, about the highest
    frequency that an order-``d`` memory reproduces well.
    """
    theta = positive("theta", theta, "of seconds")
    d = whole("d", d, 1)
    return white_noise_statistics(theta, d, TYPICAL_RMS * input_range, d / (6 * theta))


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
        except ValueError:  # such as a white signal of a frequency that has no place
            if multiple == 1:
                raise
        multiple //= 2


def input_statistics(theta, d, expected=1.0, dt=0.001):
    """Return the state statistics for an input in whatever form it is described.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    expected : float, nengo.Process, array_like or StateStatistics
        The largest absolute value of the input, as for `typical_statistics`; a process;
        a sample, as for `sampled_statistics`; or statistics, which are returned as they
        are.
    dt : float
        Time step (seconds).

    Returns
    -------
    statistics : StateStatistics

    Raises
    ------
    ArgumentError
        If the statistics are of another order, or as for the other functions.
    """
    if isinstance(expected, StateStatistics):
        if expected.covariance.shape != (d, d):
            raise ArgumentError(
                "input",
                f"must be of a memory of order {d}, but the covariance of the given "
                f"statistics has shape {expected.covariance.shape}; make them with "
                f"d={d}",
            )
        return expected
    if hasattr(expected, "run"):
        expected, dt = sampled_input(theta, expected, dt=dt)
    if np.ndim(expected) == 0:
        return typical_statistics(theta, d, positive("input", expected))
    return sampled_statistics(theta, d, expected, dt=dt)
