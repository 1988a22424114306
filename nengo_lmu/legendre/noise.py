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

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import schur

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
from nengo_lmu.legendre.delayed import DelayedEquations
from nengo_lmu.legendre.feedback import (
    MOST_ERRORS,
    checked_gain,
    largest_gain,
    schur_with_feedback,
)
from nengo_lmu.legendre.fixed_point import fixed_point
from nengo_lmu.legendre.lyapunov import LyapunovEquations
from nengo_lmu.legendre.realization import Realization
from nengo_lmu.legendre.resolvent import Resolvent
from nengo_lmu.legendre.spikes import (
    poisson_variance,
    regular_spectrum,
    staggered_variance,
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

if TYPE_CHECKING:
    from nengo_lmu.legendre.types import Array, ArrayLike


SPIKING = ("poisson", "stochastic", "regular")

# On Loihi neurons may be these, too.
STAGGERED = "staggered"

# The error of the whole window is measured at these points.
WINDOW_POINTS = np.linspace(0, 1, 50)

# The noise and what it adds to the neurons' input are put into each other until they
# change no more than this. Each time, the distance to their fixed point shrinks by more
# than half, so that 30 times are enough even without being accelerated.
_NO_CHANGE = 1e-6
_MOST_ITERATIONS = 30

# Late feedback of a smaller gain than this loses digits in the faster equations.
_SMALL_GAIN = 1e-5

# For noise that is not white, integrals over frequencies have so many nodes a panel.
# The poles are between these multiples of d / theta, and panels of the logarithm are so
# long below, there and above.
_NODES = 8
_POLES = 0.05, 0.5
_PANELS = 1.2, 0.3, 0.6


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
    equations : LyapunovEquations or DelayedEquations
        Of its errors, in this step and in that which the feedback is about, newest
        first; for tiny gains, in all steps between too.
    """

    def __init__(self, theta, d, dt=0.001, method="zoh", gain=0.0, delay=0):
        self.dt, self.gain, self.delay = dt, gain, delay if gain else 0
        self.A_bar, S, Q = _discrete(theta, d, dt, method)
        self._schur = S, Q
        if self.delay and self.gain > _SMALL_GAIN:
            self.equations = DelayedEquations(S, Q, *self.feedback)
        else:
            self.equations = self.all_equations

    def accumulated(self, N):
        """Return ``sum_k F^k N F^kT``, for white noise of covariance ``N``.

        Parameters
        ----------
        N : (d, d) ndarray
            Of what is added to the errors of a step.

        Returns
        -------
        P : (n, n) ndarray
            Covariance of the errors that the `equations` are of.
        """
        entered = self.equations.entered(np.eye(len(N)))
        everything = self.equations.read(np.eye(len(self.equations)))
        X = self.equations.covariance(entered @ N @ entered.T)
        return everything @ X @ everything.T

    @cached_property
    def all_equations(self):
        """LyapunovEquations: Of the errors of this step and of all that wait."""
        return LyapunovEquations(*schur_with_feedback(*self._schur, *self.feedback))

    @property
    def feedback(self):
        """(float, int): The gain of the error feedback, and its delay."""
        return self.gain, self.delay

    @cached_property
    def _resolvent(self):
        return Resolvent(*self._schur)

    @cached_property
    def window_energy(self):
        """(d, d) ndarray: ``e^T E e``, the squared error of the window, summed.

        Over all steps after an error ``e`` of the state, of the mean over the window.
        """
        return self.equations.energy(_window(len(self.A_bar)))

    def injection(self, decay):
        """Return ``A_bar - a I``, how a step's noise enters the state."""
        return self.A_bar - decay * np.eye(len(self.A_bar))

    def heard(self, decay):
        """Return what neurons are given of the errors before, of shape ``(d, n)``.

        Of errors that enter the state as they are, and so ``A_bar - a I`` times as
        large: the state's own, and ``k`` times those that the feedback is about.
        """
        d = len(self.A_bar)
        inputs = np.zeros((d, len(self.equations)))
        inputs[:, :d] = self.injection(decay)
        inputs[:, -d:] -= self.gain * np.eye(d)
        return inputs

    def seen(self, decay):
        """Return what the window shows of errors, of shape ``(n_points, d)``.

        Of errors as in `heard`; squares of what is seen add up to the mean square.
        """
        return _window(len(self.A_bar)) @ self.injection(decay)

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
        rows = np.eye(len(self.A_bar))
        return np.array([*self._resolvent.responses(rows, columns, z + late)])

    def passed(self, decay, columns, frequency, error_rows, heard_rows):
        """Yield what noise of the decoded state becomes, frequency by frequency.

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
        error_rows, heard_rows : (l, d) and (m, d) ndarray
            By which it is read.

        Yields
        ------
        error : (l, k) ndarray of complex
            Of the state.
        heard : (m, k) ndarray of complex
            What neurons are given of it, as `heard` has it.
        """
        z, late = self._z(frequency)
        rows, n = np.vstack([error_rows, heard_rows]), len(error_rows)
        at_once = rows @ columns
        responses = self._resolvent.responses(rows, columns, z + late)
        for x, y, response in zip(z - decay, late, responses, strict=True):
            yield (
                (x + y) * response[:n] - at_once[:n],
                x * response[n:] - at_once[n:],
            )

    def _z(self, frequency):
        """Return ``z`` and ``k z^-D``, of shape (n,)."""
        z = np.exp(2j * np.pi * np.asarray(frequency) * self.dt)
        return z, self.gain * z**-self.delay


@lru_cache(maxsize=1)
def _window(d):
    """Return rows that read the window, whose squares add up to its mean square."""
    C = readout(d, WINDOW_POINTS) / np.sqrt(len(WINDOW_POINTS))
    C.setflags(write=False)
    return C


def _window_end(d):
    """Return the row that reads the delay: Legendre polynomials are 1 there."""
    return np.ones((1, d))


@lru_cache(maxsize=1)
def _discrete(theta, d, dt, method):
    """Return ``A_bar`` and its Schur decomposition, the same for each gain."""
    A_bar, _ = discretize(*state_space(theta, d), dt, method=method)
    matrices = A_bar, *schur(A_bar)
    for matrix in matrices:
        matrix.setflags(write=False)
    return matrices


@lru_cache(maxsize=4)
def gain_bound(theta, d, dt, method, delay=0):
    """Return the `largest_gain` of a memory."""
    return largest_gain(_discrete(theta, d, dt, method)[0], delay)


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
    start : (d, d) array_like, optional
        About the covariance of the noise that neurons will be given, in true units,
        such as the `heard` of similar populations. The search for the noise starts
        there: it is sooner over after a good guess, and ends at the same noise after
        any.

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
    start: np.ndarray | None = None

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
        start = np.zeros((d, d)) if self.start is None else self.start
        start = finite_array("start", start, shape=(d, d), largest=LARGEST_SQUARE)
        gain = not_negative("error_feedback", self.error_feedback)
        if gain:
            checked_gain(gain, gain_bound(theta, d, dt, method, delay), delay)
        checked = {
            "theta": theta,
            "d": d,
            "dt": dt,
            "tau": positive("tau", self.tau, "of seconds"),
            "max_rate": positive("max_rate", self.max_rate, "of hertz"),
            "spiking": one_of("spiking", self.spiking, (*SPIKING, STAGGERED)),
            "error_feedback": gain,
            "feedback_delay": delay,
            "start": start,
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def covariance(self, counts: ArrayLike) -> Array:
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
            noise, _ = self._solve(counts)
            covariance = self._state_error(noise, self._settled(counts))
        return self._within_numbers(covariance)

    def filtered_covariance(self, counts: ArrayLike, tau: float) -> Array:
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
        # process: of e, of z with it, of z.
        # The filter goes through all steps between this and the late one.
        equations = self._dynamics.all_equations
        columns = equations.entered(self.realization.T) * np.sqrt(noise)
        everything = equations.covariance(columns @ columns.T)
        read = equations.read(self._dynamics.injection(self._decay))
        cross = read @ equations.low_passed(everything, decay) @ read.T
        own = read @ everything @ read.T
        return (decay * (cross + cross.T) + (1 - decay) * own) / (1 + decay)

    def estimator(self, covariance: Array) -> Array:
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

    def error(self, counts: ArrayLike) -> PredictedError:
        """Predict the error for ``counts[i]`` neurons in dimension ``i``.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        error : PredictedError
        """
        if self.spiking != "regular":
            return self.error_of(self.covariance(counts))
        # All of the covariance would be another integral over frequencies.
        with np.errstate(over="ignore", invalid="ignore"):
            power = self._weights[:, np.newaxis] * self._solve(counts)[0]
            squares = [np.sum(power * passed) for passed in self._passed[1:]]
        rms = np.sqrt(self._within_numbers(np.array(squares)))
        window, delay = rms / self.statistics.input_rms
        return PredictedError(window=float(window), delay=float(delay))

    def floor(self, counts: ArrayLike) -> PredictedError:
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
        noise = self._noise_of(self._checked(counts), np.zeros(self.d))
        return self.error_of((self._columns * noise) @ self._columns.T)

    def error_of(self, covariance: Array) -> PredictedError:
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

        def rms(C):
            mean_square = variance_along(C, covariance).sum()
            return float(np.sqrt(mean_square) / self.statistics.input_rms)

        return PredictedError(
            window=rms(_window(self.d)), delay=rms(_window_end(self.d))
        )

    def split(self, n_neurons: int) -> Array:
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
        noise = self._noise(np.zeros(self.d))
        for again in (True, True, False):
            shares = self._shares(noise)
            if not np.any(shares):  # there is no noise, or the synapse undoes it
                shares = np.ones(self.d)
            # the sum of shares / counts**k is least so
            weights = (shares / shares.max()) ** (1 / (1 + self._exponent))
            counts = split_neurons(n_neurons, weights)
            if again:  # the noise depends on the split, and the split on it
                noise = self._noise(self._added(noise / counts**self._exponent))
        return counts

    def rates(self, counts: ArrayLike) -> Array:
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

    def heard(self, counts: ArrayLike) -> Array | None:
        """Return the covariance of the noise that neurons are given, in true units.

        Parameters
        ----------
        counts : (d,) array_like

        Returns
        -------
        heard : (d, d) ndarray or None
            A good ``start`` for populations that differ by little; None for regular
            spikes, whose covariance would be another integral over frequencies.
        """
        noise, _ = self._solve(counts)
        if noise.ndim == 2:
            return None
        read = self._dynamics.equations.read(self._dynamics.heard(self._decay))
        heard = read @ self._settled(counts) @ read.T
        return np.clip(heard, -LARGEST_SQUARE, LARGEST_SQUARE)

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
        if self._latest and np.array_equal(self._latest[0], counts):
            return self._latest[1]
        square = self._square_without_noise

        def heard(square_with_noise):
            """Return the mean square of what neurons are given, given itself."""
            added = np.maximum(square_with_noise - square, 0)
            return square + self._added(self._noise_of(counts, added))

        start = square + variance_along(self._rows, self.start)
        added = fixed_point(heard, start, _NO_CHANGE, _MOST_ITERATIONS) - square
        self._latest[:] = counts.copy(), (self._noise_of(counts, added), added)
        return self._latest[1]

    def _settled(self, counts):
        """Return what white noise of given neurons adds up to, and None for others."""
        noise, _ = self._solve(counts)
        if noise.ndim == 2:
            return None
        if len(self._latest) == 2:
            self._latest.append(self._accumulated(noise))
        return self._latest[2]

    def _within_numbers(self, squares):
        """Return squares of errors if they are numbers to work with."""
        # A NaN is not above the largest square either.
        if not np.abs(squares).max() <= LARGEST_SQUARE:
            raise ArgumentError(
                "max_rate",
                f"of {self.max_rate:g} Hz leaves noise beyond all numbers; give a "
                "higher rate or more neurons",
            )
        return squares

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
        if self.spiking == STAGGERED:
            return np.full(self.d, staggered_variance(self.max_rate, self.dt))
        if self.spiking == "poisson":
            return poisson_variance(self._mean_abs(added), self.max_rate, self.dt)
        mean_square = self._square_without_noise + added
        if self.spiking == "stochastic":
            return stochastic_variance(
                self._mean_abs(added), mean_square, self.max_rate, self.dt
            )
        return regular_spectrum(
            self._frequency, mean_square, self._crossings, self.max_rate, self.dt
        )

    def _noise_of(self, counts, added):
        """Return the noise of all neurons of a dimension, given a noisy state."""
        return self._noise(added) / counts**self._exponent

    @property
    def _exponent(self):
        """(int) The power of their number with which the noise of neurons falls."""
        return 2 if self.spiking == STAGGERED else 1

    def _added(self, noise):
        """Return the variance that a noise adds to what neurons are given."""
        if noise.ndim == 2:
            power = self._weights[:, np.newaxis] * noise
            return np.einsum("fjk,fk->j", self._passed[0], power)
        return variance_along(self._heard, self._accumulated(noise))

    def _accumulated(self, noise):
        """Return the covariance that white noise adds up to, for what reads it."""
        columns = self._entered * np.sqrt(noise)
        return self._dynamics.equations.covariance(columns @ columns.T)

    def _state_error(self, noise, accumulated=None):
        """Return the covariance of the error of the state that a noise causes."""
        if noise.ndim == 1:
            injection = self._dynamics.injection(self._decay)
            read = self._dynamics.equations.read(injection)
            if accumulated is None:
                accumulated = self._accumulated(noise)
            return read @ accumulated @ read.T
        amplitudes = np.sqrt(self._weights[:, np.newaxis] * noise)
        everything, nothing = np.eye(self.d), np.empty((0, self.d))
        P = np.zeros((self.d, self.d))
        for amplitude, (error, _) in zip(
            amplitudes, self._in_time(everything, nothing), strict=True
        ):
            X = np.hstack([error.real * amplitude, error.imag * amplitude])
            P += X @ X.T
        return P

    def _shares(self, noise):
        """Return the mean squared error of the window due to each dimension."""
        if noise.ndim == 1:
            return noise * self._window_squares
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
    def _square_without_noise(self):
        return self.statistics.mean_square(self._rows)

    @cached_property
    def _mean_abs(self):
        """callable: E|x_i| with noise of a variance."""
        return self.statistics.mean_abs_along(self._rows)

    @cached_property
    def _window_squares(self):
        """(d,): what white noise of each dimension makes of the window."""
        amplification = self._dynamics.amplification(self._decay)
        return variance_along(self.realization.T.T, amplification)

    @cached_property
    def _latest(self):
        """list: Numbers of neurons, their solution, and what their noise adds up to.

        Of those that were asked about last, since one question follows another.
        """
        return []

    @cached_property
    def _columns(self):
        """(d, d): what the noise of each dimension adds to the state in a step."""
        return self._dynamics.injection(self._decay) @ self.realization.T

    @cached_property
    def _entered(self):
        """(n, d): the noise of each dimension, as it enters the equations."""
        return self._dynamics.equations.entered(self.realization.T)

    @cached_property
    def _heard(self):
        """(d, n): what the neurons of each dimension are given, as that is read."""
        heard = self._rows @ self._dynamics.heard(self._decay)
        return self._dynamics.equations.read(heard)

    @cached_property
    def _crossings(self):
        A, B = state_space(self.theta, self.d)
        return crossing_rates(self.statistics, self._rows, A, B)

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

    def _in_time(self, error_rows, heard_rows):
        """Yield what noise becomes at each frequency, as these rows read it."""
        T = self.realization.T
        return self._dynamics.passed(
            self._decay, T, self._frequency, error_rows, heard_rows
        )

    @cached_property
    def _passed(self):
        """Return how much of the noise arrives where, at each frequency.

        Returns
        -------
        to_input : (n_frequencies, d, d) ndarray
            Power of what neurons are given, of the noise of each dimension.
        to_window, to_delay : (n_frequencies, d) ndarray
            The same for the mean over the window, and for its end.
        """
        read = np.vstack([_window(self.d), _window_end(self.d)])
        n, d = len(self._frequency), self.d
        to_input = np.empty((n, d, d))
        to_window, to_delay = np.empty((2, n, d))
        for i, (error, heard) in enumerate(self._in_time(read, self._rows)):
            to_input[i], power = _power(heard), _power(error)
            to_window[i], to_delay[i] = power[:-1].sum(axis=0), power[-1]
        return to_input, to_window, to_delay


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


def split_neurons(n_neurons: int, weights: ArrayLike) -> Array:
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
