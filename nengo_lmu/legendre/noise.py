"""How noisy a spiking memory is: linear-noise theory.

Neurons represent ``x`` (``m = T x``) in on and off populations; decoding the spikes of
a step gives ``x + eta``, with the noise that `nengo_lmu.legendre.spikes` describes.
Through the low-pass synapse, with ``a = exp(-dt / tau)``, the error of the state obeys

    e[t+1] = A_bar e[t] + (A_bar - a I) T eta[t]

and, if the neurons hear their error (`nengo_lmu.legendre.feedback`), with
``A_bar - k I`` in the place of the first ``A_bar``. So the covariance ``P`` of the
error solves a discrete Lyapunov equation where ``eta`` is white, and is an integral
over frequencies where it is not. Noise makes neurons fire too: what they are given is
noisy, which makes ``eta`` larger, so the two are solved together.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from nengo_lmu.legendre.checks import (
    LARGEST_SQUARE,
    ArgumentError,
    finite_array,
    instance,
    not_negative,
    one_of,
    order,
    positive,
    shown,
    whole,
    window,
)
from nengo_lmu.legendre.feedback import MOST_ERRORS, checked_gain, with_feedback
from nengo_lmu.legendre.realization import Realization
from nengo_lmu.legendre.spikes import (
    poisson_variance,
    regular_spectrum,
    stochastic_variance,
)
from nengo_lmu.legendre.statistics import (
    StateStatistics,
    crossing_rates,
    panels,
    variance_along,
)
from nengo_lmu.legendre.system import METHODS, discretize, state_space
from nengo_lmu.legendre.window import readout

SPIKING = ("poisson", "stochastic", "regular")

# The error of the whole window is measured at these points.
WINDOW_POINTS = np.linspace(0, 1, 50)

# The noise and what it adds to the neurons' input are put into each other so often at
# most. Each time, the distance to their fixed point shrinks by more than half; it is
# larger to begin with where feedback adds to the input. Less than the last is nothing.
_ITERATIONS = 6
_ITERATIONS_WITH_FEEDBACK = 15
_NO_CHANGE = 1e-11

# For noise that is not white, integrals over frequencies have so many nodes a panel.
# The poles are between these multiples of d / theta, and panels of the logarithm are so
# long below, there and above.
_NODES = 8
_POLES = 0.05, 0.5
_PANELS = 1.2, 0.3, 0.6

# Matrices at several frequencies take so many numbers at a time.
_AT_ONCE = 5 * 10**5


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


class ErrorDynamics:
    """How the memory passes errors of its state on from step to step.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).
    method : {"zoh", "euler"}
        The discretization.
    gain : float
        ``k`` of the error feedback; 0 for none.
    delay : int
        Time steps that it takes, besides that of the synapse.

    Attributes
    ----------
    A_bar : (d, d) ndarray
        Of the memory.
    F : (d (delay + 1), d (delay + 1)) ndarray
        Of its errors, in this step and those that the feedback comes from.
    """

    def __init__(self, theta, d, dt=0.001, method="zoh", gain=0.0, delay=0):
        self.dt, self.gain, self.delay = dt, gain, delay if gain else 0
        self.A_bar = _discrete(theta, d, dt, method)
        self.F = with_feedback(self.A_bar, gain, self.delay)
        self._powers = [self.F]

    def accumulated(self, N):
        """Return ``sum_k F^k N F^kT``, for white noise of covariance ``N``.

        Doubling the number of terms each time; the powers are kept, since a design
        solves the same equation for many covariances.

        Parameters
        ----------
        N : (d, d) ndarray
            Of what is added to the errors of a step.

        Returns
        -------
        P : (d, d) ndarray or that of ``F``'s shape
            Covariance of all errors that ``F`` is about.
        """
        d, P = len(self.A_bar), np.zeros_like(self.F)
        P[:d, :d] = N
        for k in range(self._n_doublings):
            P = P + self._powers[k] @ P @ self._powers[k].T
        return (P + P.T) / 2

    @cached_property
    def window_energy(self):
        """(d, d) ndarray: ``e^T E e``, the squared error of the window, summed.

        Over all steps after an error ``e`` of the state, of the mean over the window.
        """
        d, energy = len(self.A_bar), np.zeros_like(self.F)
        energy[:d, :d] = _mean_square(readout(d, WINDOW_POINTS))
        for k in range(self._n_doublings):
            energy = energy + self._powers[k].T @ energy @ self._powers[k]
        return ((energy + energy.T) / 2)[:d, :d]

    def injection(self, decay):
        """Return ``A_bar - a I``, how a step's noise enters the state."""
        return self.A_bar - decay * np.eye(len(self.A_bar))

    def heard(self, decay):
        """Return what neurons are given of the errors before, of shape ``(d, len(F))``.

        Of errors that enter the state as they are, and so ``A_bar - a I`` times as
        large: the state's own, and ``k`` times those that the feedback is about.
        """
        d = len(self.A_bar)
        inputs = np.zeros((d, len(self.F)))
        inputs[:, :d] = self.injection(decay)
        inputs[:, -d:] -= self.gain * np.eye(d)
        return inputs

    def amplification(self, decay):
        """Return what white noise of the decoded state does to the window.

        Returns
        -------
        G : (d, d) ndarray
            ``e^T G e`` is the mean squared error of the window for white noise along
            ``e``; ``decay`` is ``a``, of the synapse.
        """
        injection = self.injection(decay)
        return injection.T @ self.window_energy @ injection

    def last_amplification(self, decay):
        """Return what the noise of the last step alone does to the window.

        `amplification` as it would be if all errors of earlier steps were taken back:
        what is left for neurons that hear of their error a step later.
        """
        C = readout(len(self.A_bar), WINDOW_POINTS)
        return _mean_square(C @ self.injection(decay))

    def response(self, columns, frequency):
        """Return ``(z I - A_bar + k z^-D I)^-1 columns`` at ``z = exp(2 pi i f dt)``.

        Parameters
        ----------
        columns : (d, k) ndarray
            Along which errors enter the state.
        frequency : (n,) array_like
            Hertz.

        Returns
        -------
        response : (n, d, k) ndarray of complex
        """
        z, late = self._z(frequency)
        return np.linalg.solve(
            (z + late) * np.eye(len(self.A_bar)) - self.A_bar, columns
        )

    def passed(self, decay, columns, frequency):
        """Return what noise of the decoded state becomes, at each frequency.

        ``A_bar - a I`` and the response need not be multiplied: they differ from each
        other's inverse by multiples of one.

        Parameters
        ----------
        decay : float
            ``a``, of the synapse.
        columns : (d, k) ndarray
            Along which the noise is.
        frequency : (n,) array_like
            Hertz.

        Returns
        -------
        error : (n, d, k) ndarray of complex
            Of the state.
        heard : (n, d, k) ndarray of complex
            What neurons are given of it, as `heard` has it.
        """
        z, late = self._z(frequency)
        response = self.response(columns, frequency)
        return (z - decay + late) * response - columns, (z - decay) * response - columns

    def _z(self, frequency):
        """Return ``z`` and ``k z^-D``, of shape (n, 1, 1)."""
        z = np.exp(2j * np.pi * np.asarray(frequency) * self.dt)
        z = z[:, np.newaxis, np.newaxis]
        return z, self.gain * z**-self.delay

    @cached_property
    def _n_doublings(self):
        """Return how many powers of ``F`` it takes until nothing is left."""
        for k in range(64):
            if np.linalg.norm(self._powers[k]) < 1e-10:
                return k
            self._powers.append(self._powers[k] @ self._powers[k])
        raise ArgumentError(
            "method", "leaves the memory on the edge of stability; use a shorter dt"
        )


def _mean_square(C):
    """Return the matrix of the mean square of what ``C`` reads."""
    return C.T @ C / len(C)


@lru_cache(maxsize=1)
def _discrete(theta, d, dt, method):
    """Return ``A_bar``, which is the same for each gain that is tried."""
    A_bar, _ = discretize(*state_space(theta, d), dt, method=method)
    A_bar.setflags(write=False)
    return A_bar


@lru_cache(maxsize=4)
def error_dynamics(theta, d, dt, method, gain=0.0, delay=0):
    """Return the `ErrorDynamics` of a memory, the same each time."""
    return ErrorDynamics(theta, d, dt, method, gain, delay)


@dataclass(frozen=True)
class SpikingPopulations:
    """Neurons in on/off populations, one pair for each dimension of the memory.

    Attributes
    ----------
    theta, d : float and int
        Length of the window (seconds) and order of the memory.
    statistics : StateStatistics
        Of the states that a typical input causes.
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
    spiking : {"poisson", "stochastic", "regular"}
        Poisson spikes; at most one spike a step, with a probability; or as regular as
        the current, from rectified linear neurons that integrate it.
    error_feedback : float
        Gain ``k`` with which the neurons hear their own error; 0 for not at all.
    feedback_delay : int
        Time steps that this takes, besides that of the synapse.

    Examples
    --------
    >>> from nengo_lmu.legendre import SpikingPopulations, basis, white_noise_statistics
    >>> statistics = white_noise_statistics(1.0, 3, rms=0.3, bandwidth=0.5)
    >>> populations = SpikingPopulations(
    ...     theta=1.0,
    ...     d=3,
    ...     statistics=statistics,
    ...     realization=basis(statistics, "principal"),
    ...     tau=0.4,
    ...     max_rate=220.0,
    ... )
    >>> counts = populations.split(300)
    >>> int(counts.sum()), populations.error(counts).window < 0.05
    (300, True)
    """

    theta: float
    d: int
    statistics: StateStatistics
    realization: Realization
    tau: float
    max_rate: float
    dt: float = 0.001
    method: str = "zoh"
    spiking: str = "poisson"
    error_feedback: float = 0.0
    feedback_delay: int = 0

    def __post_init__(self):
        theta, dt = window(self.theta, self.dt)
        d = order(self.d)
        delay = whole("feedback_delay", self.feedback_delay, 0, MOST_ERRORS)
        method = one_of("method", self.method, METHODS)
        remedy = f"make one for d={d}"
        statistics = instance("statistics", self.statistics, StateStatistics, remedy)
        positive("input_rms", statistics.input_rms)
        realization = instance("realization", self.realization, Realization, remedy)
        if len(statistics.covariance) != d:
            raise ArgumentError(
                "statistics",
                f"must be of a memory of order {d}, but their covariance has shape "
                f"{statistics.covariance.shape}; {remedy}",
            )
        finite_array("realization", realization.T, shape=(d, d))
        gain = not_negative("error_feedback", self.error_feedback)
        if gain:
            checked_gain(gain, error_dynamics(theta, d, dt, method).A_bar, delay)
        checked = {
            "theta": theta,
            "d": d,
            "dt": dt,
            "tau": positive("tau", self.tau, "of seconds"),
            "max_rate": positive("max_rate", self.max_rate, "of hertz"),
            "spiking": one_of("spiking", self.spiking, SPIKING),
            "error_feedback": gain,
            "feedback_delay": delay,
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def covariance(self, counts):
        """Return the covariance of the error of the state, in true units.

        Parameters
        ----------
        counts : (d,) array_like
            Neurons in each dimension.

        Returns
        -------
        covariance : (d, d) ndarray

        Raises
        ------
        ArgumentError
            If the neurons spike so seldom that their noise is beyond all numbers.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            covariance = self._state_error(self._solve(counts)[0])
        # A NaN is not above the largest square either.
        if not np.abs(covariance).max() <= LARGEST_SQUARE:
            raise ArgumentError(
                "max_rate",
                f"of {self.max_rate:g} Hz leaves noise beyond all numbers; give a "
                "higher rate or more neurons",
            )
        return covariance

    def filtered_covariance(self, counts, tau):
        """Return the covariance of the state's error behind another low-pass synapse.

        Parameters
        ----------
        counts : (d,) array_like
            Neurons in each dimension.
        tau : float
            Time constant (seconds) of a readout's synapse.

        Returns
        -------
        covariance : (d, d) ndarray
            In true units. Errors last for a while, so that less is gained than from
            noise that is another in each step.
        """
        noise, _ = self._solve(counts)
        decay = np.exp(-self.dt / not_negative("tau", tau)) if tau else 0.0
        if noise.ndim == 2:
            z = np.exp(2j * np.pi * self._frequency * self.dt)
            passed = _power((1 - decay) / (z - decay))
            return self._state_error(noise * passed[:, np.newaxis])
        # For z[t+1] = a z[t] + (1 - a) e[t], the covariances are those of a stationary
        # process: of e with all errors, of z with them, of z.
        F, d = self._dynamics.F, self.d
        P = self._entered(self._columns, noise)
        cross = (1 - decay) * np.linalg.solve(
            np.eye(len(F)) - decay * F, F @ P[:, :d]
        ).T
        both = cross[:, :d] + cross[:, :d].T
        covariance = decay * both + (1 - decay) * P[:d, :d]
        return covariance / (1 + decay)

    def estimator(self, covariance):
        """Return the matrix that best estimates the state from the noisy one.

        Parameters
        ----------
        covariance : (d, d) array_like
            Of the error of the state.

        Returns
        -------
        K : (d, d) ndarray
            ``S (S + P)^-1`` in true units, Wiener's, with the covariances ``S`` of the
            states of the typical input and ``P`` of their error. What hardly stands out
            from the noise is made smaller.
        """
        covariance = self._square("covariance", covariance)
        S = self.statistics.covariance
        return np.linalg.lstsq(S + covariance, S, rcond=None)[0].T

    def error(self, counts):
        """Predict the error for ``counts[i]`` neurons in dimension ``i``.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        error : PredictedError
        """
        return self.error_of(self.covariance(counts))

    def floor(self, counts):
        """Predict the error that the spikes of a single step leave by themselves.

        If all errors but the last step's were taken back, ``e = (A_bar - a I) T eta``.
        For neurons without a memory of their own, that hear of their error a step
        later, no feedback does better.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        error : PredictedError
            With the noise of neurons that are given the state of the ideal memory.

        Raises
        ------
        ArgumentError
            For regular spikes, whose errors make up for each other from step to step.
        """
        if self.spiking == "regular":
            raise ArgumentError(
                "spiking",
                "'regular' neurons keep what is left over for later spikes, so that a "
                "step by itself sets no bound; use 'poisson' or 'stochastic'",
            )
        noise = self._noise(np.zeros(self.d)) / self._checked(counts)
        return self.error_of((self._columns * noise) @ self._columns.T)

    def error_of(self, covariance):
        """Return the errors of a state whose error has a covariance.

        Parameters
        ----------
        covariance : (d, d) array_like
            In true units.

        Returns
        -------
        error : PredictedError
        """
        covariance = self._square("covariance", covariance)

        def at(points):
            mean_square = variance_along(readout(self.d, points), covariance).mean()
            return float(np.sqrt(mean_square) / self.statistics.input_rms)

        return PredictedError(window=at(WINDOW_POINTS), delay=at(1.0))

    def split(self, n_neurons):
        """Split neurons over dimensions for the least error of the window.

        Parameters
        ----------
        n_neurons : int

        Returns
        -------
        counts : (d,) ndarray of int

        Raises
        ------
        ArgumentError
            If there are not 2 neurons for each dimension.
        """
        added = np.zeros(self.d)
        for _ in range(3):  # the noise depends on the split, and the split on it
            noise = self._noise(added)
            shares = self._shares(noise)
            if not np.any(shares):  # there is no noise, or the synapse undoes it
                shares = np.ones(self.d)
            counts = split_neurons(n_neurons, np.sqrt(shares / shares.max()))
            added = self._added(noise / counts)
        return counts

    def rates(self, counts):
        """Return the mean rate of the neurons of each dimension.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        rates : (d,) ndarray
            Hertz, for the typical input: on and off neurons are silent half the time.
        """
        _, added = self._solve(counts)
        return self.max_rate * self._mean_abs(added) / 2

    # --- noise makes noise

    def _solve(self, counts):
        """Return the noise of given neurons, and what it adds to their input.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        noise : (d,) or (n_frequencies, d) ndarray
            As of `_noise`, of all neurons of a dimension.
        added : (d,) ndarray
            Variance of what neurons are given beyond the ideal memory's ``x_i``.
        """
        counts = self._checked(counts)
        added = np.zeros(self.d)
        n = _ITERATIONS_WITH_FEEDBACK if self.error_feedback else _ITERATIONS
        for _ in range(n):
            before = added
            noise = self._noise(added) / counts
            added = self._added(noise)
            if np.all(np.abs(added - before) <= _NO_CHANGE * added):
                break
        return noise, added

    def _square(self, name, value):
        shape = (self.d, self.d)
        return finite_array(name, value, shape=shape, largest=LARGEST_SQUARE)

    def _checked(self, counts):
        """Return numbers of neurons if they are, with some in each dimension."""
        counts = finite_array("counts", counts, shape=(self.d,))
        if np.any(counts <= 0):
            raise ArgumentError(
                "counts",
                f"must be greater than 0 in each dimension, but {shown(counts)} was "
                "given; give each dimension some neurons, as split() does",
            )
        return counts

    def _noise(self, added):
        """Return the noise of one neuron a dimension, given a noisy state.

        Parameters
        ----------
        added : (d,) ndarray
            Variance of what is added to each ``x_i``.

        Returns
        -------
        noise : (d,) or (n_frequencies, d) ndarray
            Variances of white noise, or one-sided spectra at `_frequency`.
        """
        if self.spiking == "poisson":
            return poisson_variance(self._mean_abs(added), self.max_rate, self.dt)
        mean_square = self.statistics.mean_square(self._rows) + added
        if self.spiking == "stochastic":
            return stochastic_variance(
                self._mean_abs(added), mean_square, self.max_rate, self.dt
            )
        return regular_spectrum(
            self._frequency, mean_square, self._crossings, self.max_rate, self.dt
        )

    def _added(self, noise):
        """Return the variance that a noise adds to what neurons are given."""
        if noise.ndim == 2:
            power = self._weights[:, np.newaxis] * noise
            return np.einsum("fjk,fk->j", self._passed[0], power)
        if not self.error_feedback:
            return variance_along(self._rows, self._state_error(noise))
        heard = self._rows @ self._dynamics.heard(self._decay)
        return variance_along(heard, self._entered(self.realization.T, noise))

    def _state_error(self, noise):
        """Return the covariance of the error of the state that a noise causes."""
        if noise.ndim == 1:
            return self._entered(self._columns, noise)[: self.d, : self.d]
        amplitude = np.sqrt(self._weights[:, np.newaxis] * noise)[:, np.newaxis]
        P = np.zeros((self.d, self.d))
        for some, error, _ in self._in_time():
            X = (error * amplitude[some]).transpose(1, 0, 2).reshape(self.d, -1)
            P += X.real @ X.real.T + X.imag @ X.imag.T
        return P

    def _entered(self, columns, noise):
        """Return the covariance of errors that white noise enters along columns."""
        return self._dynamics.accumulated((columns * noise) @ columns.T)

    def _shares(self, noise):
        """Return the mean squared error of the window due to each dimension."""
        if noise.ndim == 1:
            T, G = self.realization.T, self._dynamics.amplification(self._decay)
            return noise * variance_along(T.T, G)
        return np.sum(self._weights[:, np.newaxis] * noise * self._passed[1], axis=0)

    # --- what these are made of

    @property
    def _dynamics(self):
        feedback = self.error_feedback, self.feedback_delay
        return error_dynamics(self.theta, self.d, self.dt, self.method, *feedback)

    @property
    def _decay(self):
        return np.exp(-self.dt / self.tau)

    @cached_property
    def _rows(self):
        return np.linalg.inv(self.realization.T)

    @cached_property
    def _columns(self):
        """(d, d): what the noise of each dimension adds to the state in a step."""
        return self._dynamics.injection(self._decay) @ self.realization.T

    @cached_property
    def _crossings(self):
        A, B = state_space(self.theta, self.d)
        return crossing_rates(self.statistics, self._rows, A, B)

    def _mean_abs(self, added):
        return self.statistics.mean_abs(self._rows, added)

    @property
    def _frequency(self):
        return self._spectrum[0]

    @property
    def _weights(self):
        return self._spectrum[1]

    @cached_property
    def _spectrum(self):
        """Nodes and weights of an integral over frequencies.

        In panels of the logarithm up to the highest frequency there is, from far below
        1 / theta: there, regular spikes have hardly any noise, and the window no
        resonance. Panels are shorter around the poles of the memory.
        """
        highest = 1 / (2 * self.dt)
        lowest = min(0.01 / self.theta, highest / 10)
        poles = np.clip(np.array(_POLES) * self.d / self.theta, lowest, highest)
        limits = np.log([lowest, *poles, highest])
        edges = [limits[:1]]
        for start, end, length in zip(limits[:-1], limits[1:], _PANELS, strict=True):
            n_panels = int(np.ceil((end - start) / length))
            edges.append(np.linspace(start, end, n_panels + 1)[1:])
        logarithm, weights = panels(np.concatenate(edges), _NODES)
        frequency = np.exp(logarithm)
        return frequency, frequency * weights

    def _in_time(self):
        """Yield, for a few frequencies at a time, which, and what noise becomes."""
        chunk = max(1, _AT_ONCE // self.d**2)
        for start in range(0, len(self._frequency), chunk):
            some = slice(start, start + chunk)
            frequency = self._frequency[some]
            T = self.realization.T
            yield some, *self._dynamics.passed(self._decay, T, frequency)

    @cached_property
    def _passed(self):
        """Return how much of the noise arrives where, at each frequency.

        Returns
        -------
        to_input : (n_frequencies, d, d) ndarray
            Power of what neurons are given, of the noise of each dimension.
        to_window : (n_frequencies, d) ndarray
            The same for the mean over the window.
        """
        C = readout(self.d, WINDOW_POINTS)
        to_input = np.empty((len(self._frequency), self.d, self.d))
        to_window = np.empty((len(self._frequency), self.d))
        for some, error, heard in self._in_time():
            to_input[some] = _power(self._rows @ heard)
            to_window[some] = _power(C @ error).mean(axis=1)
        return to_input, to_window


def _power(response):
    return response.real**2 + response.imag**2


def enough_neurons(n_neurons, d):
    """Return a number of neurons if that makes a pair for each dimension."""
    n_neurons = whole("n_neurons", n_neurons, 1)
    if n_neurons < 2 * d:
        raise ArgumentError(
            "n_neurons",
            f"must be at least {2 * d}, an on and an off neuron for each of the {d} "
            f"dimensions, but {n_neurons} was given; use more, or a smaller d",
        )
    return n_neurons


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

    Examples
    --------
    >>> from nengo_lmu.legendre import split_neurons
    >>> split_neurons(20, weights=[3.0, 1.0, 1.0])
    array([12,  4,  4])
    """
    weights = finite_array("weights", weights, ndim=1)
    if np.any(weights < 0) or not np.any(weights):
        raise ArgumentError(
            "weights",
            f"must be at least 0, and not all 0, but {shown(weights)} was given; give "
            "larger weights to dimensions that need more neurons",
        )
    d = len(weights)
    n_neurons = enough_neurons(n_neurons, d)
    # Each gets a pair, and the largest remainders of the ideal share get what is left.
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
