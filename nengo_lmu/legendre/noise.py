"""How noisy a spiking memory is, and how many neurons a given error needs.

Linear-noise theory. Neurons represent ``x`` (``m = T x``) with on and off populations
whose rates are ``r |x_i|``; decoding the spikes of a step gives ``x + eta``. The spikes
are independent from step to step, so ``eta_i`` is white with variance

    q_i = E|x_i| * 2 / (n_i r dt)

for ``n_i`` neurons. Through the low-pass synapse, with ``a = exp(-dt / tau)``, the
error of the state obeys ``e[t+1] = A_bar e[t] + (1 - a) A_h eta[t]``, so its covariance
``P`` solves a discrete Lyapunov equation. Noise makes neurons fire too: ``x_i`` in
``q_i`` is the noisy state, whose mean absolute value grows with ``P_ii``, so the two
are solved together. Since the read-out error is linear in ``q``, one adjoint equation
gives each dimension's share, and the best split of neurons follows.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from nengo_lmu.legendre.checks import ArgumentError, finite_array, positive, whole
from nengo_lmu.legendre.realization import (
    GAUSSIAN_RANGE,
    KINDS,
    basis,
    white_noise_statistics,
)
from nengo_lmu.legendre.system import discretize, state_space
from nengo_lmu.legendre.window import readout

# the points at which the error of the whole window is measured
WINDOW_POINTS = np.linspace(0, 1, 50)


@dataclass(frozen=True)
class PredictedError:
    """Root-mean-square errors relative to the root mean square of the input.

    Attributes
    ----------
    window : float
        Over 50 evenly spaced points of the decoded window.
    delay : float
        Of the delay by ``theta`` alone.
    """

    window: float
    delay: float


@dataclass(frozen=True)
class PoissonPopulations:
    """Poisson neurons in on/off populations, one pair a dimension of the memory.

    Attributes
    ----------
    theta, d : float and int
        Length of the window (seconds) and order of the memory.
    realization : Realization
        The coordinates that the neurons represent.
    tau : float
        Time constant of the recurrent low-pass synapse (seconds).
    max_rate : float
        Mean rate of a neuron at the edge of its dimension's range (hertz).
    dt : float
        Time step (seconds).
    method : {"zoh", "euler"}
        The discretization.
    """

    theta: float
    d: int
    realization: object
    tau: float
    max_rate: float
    dt: float = 0.001
    method: str = "zoh"

    @cached_property
    def _dynamics(self):
        """``A_bar`` and ``(1 - a) A_h`` in the neurons' coordinates."""
        A_bar, _ = discretize(
            *state_space(self.theta, self.d), self.dt, method=self.method
        )
        A_bar, _ = self.realization.to_neurons(A_bar, np.zeros((self.d, 1)))
        return A_bar, A_bar - np.exp(-self.dt / self.tau) * np.eye(self.d)

    def gains(self, points):
        """Return how much the noise of each dimension adds to the error.

        Parameters
        ----------
        points : float or (n,) array_like
            Where the window is read, as for `readout`.

        Returns
        -------
        gains : (d,) ndarray
            The mean squared error at the points is ``gains @ q``.
        """
        A_bar, injected = self._dynamics
        C = readout(self.d, points) @ self.realization.T
        adjoint = solve_discrete_lyapunov(A_bar.T, C.T @ C / len(C))
        gains = np.einsum("ki,kl,li->i", injected, adjoint, injected)
        return np.maximum(gains, 0)  # not below 0 by rounding

    def noise(self, counts, mean_abs=None):
        """Return the variance of the decoded spikes of one step.

        Parameters
        ----------
        counts : (d,) array_like
            Neurons in each dimension.
        mean_abs : (d,) array_like, optional
            ``E|x_i|``, by default that of the noise-free state.

        Returns
        -------
        q : (d,) ndarray
        """
        mean_abs = self.realization.mean_abs if mean_abs is None else mean_abs
        return mean_abs * 2 / (np.asarray(counts) * self.max_rate * self.dt)

    def noisy_mean_abs(self, counts, iterations=8):
        """Return ``E|x_i|`` of the state with its noise, as `noise` wants it."""
        clean = self.realization.mean_abs
        mean_abs = clean
        for _ in range(iterations):
            P = self._covariance(self.noise(counts, mean_abs))
            # for a Gaussian state E|x| = sqrt(2 / pi) times its deviation
            mean_abs = np.sqrt(clean**2 + 2 / np.pi * np.maximum(np.diag(P), 0))
        return mean_abs

    def covariance(self, counts):
        """Return the covariance of the error of the state, in true units.

        Parameters
        ----------
        counts : (d,) array_like
            Neurons in each dimension.

        Returns
        -------
        covariance : (d, d) ndarray
        """
        P = self._covariance(self._settled_noise(counts))
        return self.realization.T @ P @ self.realization.T.T

    def with_room_for_noise(self, counts):
        """Return populations whose ranges have room for the state with its noise.

        The ranges of a realization are those of noise-free states. Where noise is
        larger than the signal, neurons would fire far above their maximum rates.

        Parameters
        ----------
        counts : (d,) array_like
            Neurons in each dimension.

        Returns
        -------
        populations : PoissonPopulations
        """
        P = self._covariance(self._settled_noise(counts))
        wider = np.sqrt(1 + GAUSSIAN_RANGE**2 * np.maximum(np.diag(P), 0))
        made = self.realization
        made = replace(made, T=made.T * wider, mean_abs=made.mean_abs / wider)
        return replace(self, realization=made)

    def _covariance(self, q):
        """The covariance of the error of the state, in the neurons' coordinates."""
        A_bar, injected = self._dynamics
        return solve_discrete_lyapunov(A_bar, (injected * q) @ injected.T)

    def _settled_noise(self, counts):
        return self.noise(counts, self.noisy_mean_abs(counts))

    def split(self, n_neurons):
        """Split neurons over dimensions for the least error of the window.

        Parameters
        ----------
        n_neurons : int

        Returns
        -------
        counts : (d,) ndarray of int
        """
        gains = self.gains(WINDOW_POINTS)
        mean_abs = self.realization.mean_abs
        for _ in range(5):  # the noise depends on the split, and the split on it
            counts = split_neurons(n_neurons, np.sqrt(gains * mean_abs))
            mean_abs = self.noisy_mean_abs(counts)
        return counts

    def error(self, counts, input_rms):
        """Predict the error for ``counts[i]`` neurons in dimension ``i``.

        Parameters
        ----------
        counts : (d,) array_like
        input_rms : float

        Returns
        -------
        error : PredictedError
        """
        q = self._settled_noise(counts)
        return PredictedError(
            window=float(np.sqrt(self.gains(WINDOW_POINTS) @ q) / input_rms),
            delay=float(np.sqrt(self.gains(1.0) @ q) / input_rms),
        )


def split_neurons(n_neurons, weights):
    """Split neurons over populations in proportion to weights, in on/off pairs.

    Minimizing ``sum_i g_i / n_i`` for a given sum of ``n_i`` gives ``n_i``
    proportional to ``sqrt(g_i)``, so pass the square roots.

    Parameters
    ----------
    n_neurons : int
        All neurons.
    weights : (d,) array_like
        Non-negative, not all zero.

    Returns
    -------
    counts : (d,) ndarray of int
        At least 2 each, even but for at most one where ``n_neurons`` is odd, and
        ``n_neurons`` in all.

    Raises
    ------
    ArgumentError
        If there are not 2 neurons for each population, or no weight is above 0.
    """
    weights = finite_array("weights", weights, ndim=1)
    if np.any(weights < 0) or not np.any(weights):
        raise ArgumentError(
            "weights", f"must be at least 0, and not all 0, but {weights} was given"
        )
    d = len(weights)
    n_neurons = whole("n_neurons", n_neurons, 1)
    if n_neurons < 2 * d:
        raise ArgumentError(
            "n_neurons",
            f"must be at least {2 * d}, an on and an off neuron for each of the {d} "
            f"dimensions, but {n_neurons} was given",
        )
    # one pair each, then the largest remainders of the ideal share
    spare = n_neurons // 2 - d
    share = weights / weights.sum() * (n_neurons // 2)
    share = np.maximum(share - 1, 0)
    share = share / share.sum() * spare if share.sum() > 0 else np.full(d, spare / d)
    pairs = np.floor(share).astype(int)
    remainder = np.argsort(pairs - share, kind="stable")[: spare - pairs.sum()]
    pairs[remainder] += 1
    counts = 2 * (pairs + 1)
    counts[np.argmax(weights)] += n_neurons % 2
    return counts


def predicted_error(
    theta,
    d,
    n_neurons,
    tau=0.1,
    max_rate=110.0,
    dt=0.001,
    statistics=None,
    realization=KINDS,
    method="zoh",
):
    """Predict the error of a Poisson memory.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        All neurons, m in the paper.
    tau : float
        Time constant of the recurrent synapse (seconds).
    max_rate : float
        Mean maximum rate of the neurons (hertz).
    dt : float
        Time step (seconds).
    statistics : StateStatistics, optional
        Of the states that a typical input causes; by default white noise of rms 0.3
        up to ``d / (6 theta)`` hertz.
    realization : str, array_like, or tuple of these
        As for `basis`; of several, the one with the least window error.
    method : {"zoh", "euler"}
        The discretization.

    Returns
    -------
    error : PredictedError
        Relative to the rms of the input.

    Notes
    -----
    Valid while the error is small (below about 0.3): it assumes that the noise does
    not change the neurons' mean rates.
    """
    n_neurons = whole("n_neurons", n_neurons, 1)
    if statistics is None:
        statistics = typical_statistics(theta, d)
    populations, counts = quietest(
        theta, d, n_neurons, tau, max_rate, dt, statistics, realization, method
    )
    return populations.error(counts, statistics.input_rms)


def neurons_for_error(error, theta, d, **kwargs):
    """Return how many Poisson neurons a given window error needs.

    Parameters
    ----------
    error : float
        The window error, relative to the rms of the input.
    theta, d
        Length of the window (seconds) and order of the memory.
    **kwargs
        As for `predicted_error`.

    Returns
    -------
    n_neurons : int
        The least even number whose `predicted_error` is at most ``error``.
    """
    error = positive("error", error)
    d = whole("d", d, 1)

    def enough(pairs):
        return predicted_error(theta, d, 2 * pairs, **kwargs).window <= error

    # the error falls as n^-1/2, but for the rounding of the split to whole pairs
    pairs = d
    while not enough(pairs):
        pairs *= 2
        if pairs > 2**40:
            raise ArgumentError(
                "error",
                f"{error:g} would need more than a trillion neurons; ask for a larger "
                "error, or give a longer tau or a higher max_rate",
            )
    if pairs == d:
        return 2 * d
    low, high = pairs // 2, pairs
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return 2 * high


def typical_statistics(theta, d, input_range=1.0):
    """Return the statistics of the input that is assumed where none is given.

    Band-limited white noise with an rms of 0.3 times the range of the input, so that
    it seldom leaves the range, up to ``d / (6 theta)`` hertz, about the highest
    frequency that an order-``d`` memory reproduces well.
    """
    theta = positive("theta", theta, "of seconds")
    d = whole("d", d, 1)
    return white_noise_statistics(theta, d, 0.3 * input_range, d / (6 * theta))


def quietest(
    theta,
    d,
    n_neurons,
    tau,
    max_rate,
    dt,
    statistics,
    realization=KINDS,
    method="zoh",
):
    """Return the populations with the least error of the window, and their sizes.

    Parameters
    ----------
    theta, d, tau, max_rate, dt, method
        As for `PoissonPopulations`.
    n_neurons : int
        All neurons.
    statistics : StateStatistics
        Of the states that a typical input causes.
    realization : str, array_like, or tuple of these
        The candidates, as for `basis`.

    Returns
    -------
    populations : PoissonPopulations
    counts : (d,) ndarray of int
        Neurons in each dimension.
    """
    tau = positive("tau", tau, "of seconds")
    max_rate = positive("max_rate", max_rate, "of hertz")
    if statistics.covariance.shape != (d, d):
        raise ArgumentError(
            "statistics",
            f"must be of a memory of order {d}, but its covariance has shape "
            f"{statistics.covariance.shape}; make it with d={d}",
        )
    candidates = realization if isinstance(realization, tuple) else (realization,)
    designs = []
    for kind in candidates:
        made = basis(statistics, kind)
        populations = PoissonPopulations(theta, d, made, tau, max_rate, dt, method)
        counts = populations.split(n_neurons)
        populations = populations.with_room_for_noise(counts)
        designs.append((populations, populations.split(n_neurons)))

    def window_error(design):
        populations, counts = design
        return populations.error(counts, statistics.input_rms).window

    return min(designs, key=window_error)
