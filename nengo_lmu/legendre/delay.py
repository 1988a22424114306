"""A delay of so many seconds: which memory, and how to read it.

A memory delays its input up to two errors. Of the past, an order of ``d`` holds only so
much: that is the error of the ideal memory, known from its frequency response and the
spectrum of the input. Spikes add the noise of `nengo_lmu.legendre.noise`. A window that
is longer than the delay has more of the one and less of the other.

So the best readout is known too: with the states ``m`` of the ideal memory and the
covariance ``P`` of their noise, it is the ``w`` that minimizes
``E (w m[t] - u[t - delay])^2 + w P w^T``.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre.checks import (
    ArgumentError,
    order,
    positive,
    relative_error,
    renamed,
    time_steps,
    whole,
)
from nengo_lmu.legendre.noise import WINDOW_POINTS, SpikingPopulations
from nengo_lmu.legendre.planner import (
    MAX_RATE,
    MOST_NEURONS,
    best_tau,
    fewest_neurons,
    quietest,
)
from nengo_lmu.legendre.statistics import (
    TYPICAL_RMS,
    checked_sample,
    frequency_band,
    sampled_statistics,
    white_noise_statistics,
)
from nengo_lmu.legendre.window import frequency_response, readout

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nengo_lmu.legendre.statistics import StateStatistics
    from nengo_lmu.legendre.types import ArrayLike, Input


# Windows are tried in which the delay is at these points.
_POINTS = np.linspace(1.0, 0.5, 7)

# Orders are tried until so many in a row, or an eighth of the order, have not made the
# memory smaller, and at most up to the last.
_MORE_ORDERS = 8
_LARGEST_ORDER = 256

# A memory is tried if its ideal error is below this share of what is wanted: beyond, it
# would have less than a tenth of the noise that an order more leaves room for.
_LARGEST_SHARE = 0.95

# The synapse makes the state of neurons so many time steps late.
_LATE = 1


@dataclass(frozen=True)
class DelayPlan:
    """A memory and its readout for a delay, the same for all signals.

    Attributes
    ----------
    delay : float
        Seconds.
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    size_in : int
        Signals, each with a memory of its own.
    n_neurons : int
        All neurons, of all signals.
    counts : (d,) ndarray of int
        Neurons in each dimension of the state of a signal.
    populations : SpikingPopulations
        Of a signal.
    readout : (d,) ndarray
        ``readout @ m[t]`` is about ``u[t - delay]``, where ``m`` is the state of a
        signal in true units, a time step late as neurons make it.
    ideal : float
        Error of this readout if there were no noise, relative to the rms of the input.
    noise : float
        Error due to spikes, relative to the same.
    """

    delay: float
    theta: float
    d: int
    size_in: int
    n_neurons: int
    counts: np.ndarray
    populations: SpikingPopulations
    readout: np.ndarray
    ideal: float
    noise: float

    @property
    def error(self):
        """(float) Of the delay: both errors, which are independent of each other."""
        return float(np.hypot(self.ideal, self.noise))

    @property
    def point(self):
        """(float) Where in the window the delay is: 0 is now, 1 is ``theta`` ago."""
        return self.delay / self.theta

    @property
    def tau(self):
        """(float) Time constant of the recurrent synapse (seconds)."""
        return self.populations.tau

    @property
    def error_feedback(self):
        """(float) Gain with which the neurons hear their own error."""
        return self.populations.error_feedback

    @property
    def transform(self):
        """((size_in, size_in * d) ndarray) The readout, from the states of all."""
        return np.kron(np.eye(self.size_in), self.readout)


def predicted_delay(
    delay: float,
    theta: float,
    d: int,
    n_neurons: int,
    bandwidth: float | None = None,
    size_in: int = 1,
    input: Input | StateStatistics | None = None,
    dt: float = 0.001,
    **kwargs: Any,
) -> DelayPlan:
    """Predict how well a spiking memory delays its input, with the best readout.

    Parameters
    ----------
    delay : float
        Seconds, of which a whole number of time steps is made.
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        All neurons, of all signals.
    bandwidth, size_in, input, dt, **kwargs
        As for `plan_delay`.

    Returns
    -------
    plan : DelayPlan

    Raises
    ------
    ArgumentError
        For an argument out of range, naming it, its value and the remedy.

    Examples
    --------
    >>> from nengo_lmu.legendre import predicted_delay
    >>> at_the_end = predicted_delay(0.4, 0.4, 6, 60, bandwidth=1.5)
    >>> within = predicted_delay(0.4, 0.6, 6, 60, bandwidth=1.5)
    >>> within.error < at_the_end.error < 0.03
    True
    """
    size_in = whole("size_in", size_in, 1)
    n_neurons = whole("n_neurons", n_neurons, 1)
    memory = _Memory(_Input(delay, bandwidth, input, dt), theta, order(d), **kwargs)
    return memory.plan(n_neurons // size_in, size_in)


def plan_delay(
    error: float,
    delay: float,
    bandwidth: float | None = None,
    size_in: int = 1,
    input: Input | StateStatistics | None = None,
    dt: float = 0.001,
    progress: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> DelayPlan:
    """Plan the memory with the fewest neurons that delays its input well enough.

    Window, order, readout and neurons are chosen together for the error of the delay
    itself, which is how far the output is from what the input was.

    Parameters
    ----------
    error : float
        Root mean square, relative to that of the input, such as 0.05.
    delay : float
        Seconds, of which a whole number of time steps is made.
    bandwidth : float, optional
        Highest frequency of the input (hertz), which is white noise below.
    size_in : int
        Signals to delay, each by a memory of its own.
    input : (n_steps,) or (n_steps, n_signals) array_like, optional
        A sample of the input at ``dt`` in place of the bandwidth, at least twice as
        long as the delay; the signals are pooled. The first half of it, or as much as
        the longest window, only fills the memory.
    dt : float
        Time step (seconds).
    progress : callable, optional
        Called after each memory that is tried, of which there may be a hundred: some
        seconds for orders up to 40, a minute or two at 100.
    **kwargs
        ``tau``, ``max_rate``, ``spiking``, ``error_feedback``, ``feedback_delay`` and
        ``largest_rate``, as for `predicted_error`.

    Returns
    -------
    plan : DelayPlan
        Of those that are tried: windows of up to twice the delay, and orders until
        eight more, or an eighth more, have not done with fewer neurons.

    Raises
    ------
    ArgumentError
        For an argument out of range, naming it, its value and the remedy; for an error
        that takes an order above 256, or more than a trillion neurons.

    Examples
    --------
    >>> from nengo_lmu.legendre import plan_delay
    >>> plan = plan_delay(error=0.05, delay=0.4, bandwidth=1.5, size_in=2)
    >>> plan.error <= 0.05, plan.n_neurons == 2 * int(plan.counts.sum())
    (True, True)

    In a network (``plan.transform`` is the same as Nengo has it):

    >>> import nengo
    >>> from nengo_lmu import LegendreMemory
    >>> with nengo.Network() as net:
    ...     memory = LegendreMemory(
    ...         plan.theta,
    ...         plan.d,
    ...         size_in=plan.size_in,
    ...         n_neurons=plan.n_neurons,
    ...         synapse=plan.tau,
    ...         error_feedback=plan.error_feedback,
    ...         input_range=plan.populations.statistics,
    ...     )
    ...     delayed = nengo.Node(size_in=plan.size_in)
    ...     connection = nengo.Connection(
    ...         memory.output, delayed, transform=plan.transform, synapse=None
    ...     )
    """
    error = relative_error("error", error)
    size_in = whole("size_in", size_in, 1)
    expected = _Input(delay, bandwidth, input, dt)

    def could_be(d):
        memories = (_Memory(expected, theta, d, **kwargs) for theta in expected.windows)
        return any(memory.could_have(error) for memory in memories)

    best, d = None, _first_order(could_be)
    last = d + _more_orders(d)
    while d <= min(last, _LARGEST_ORDER) and (best is None or 2 * d < best.n_neurons):
        for theta in expected.windows:
            memory = _Memory(expected, theta, d, **kwargs)
            if memory.could_have(error) and memory.is_smaller(best, error):
                best, last = memory.smallest(error, best), d + _more_orders(d)
            if progress is not None:
                progress()
        d += 1
    if best is None:
        raise ArgumentError(
            "error",
            f"of {error:g} takes an order above {_LARGEST_ORDER} or more than a "
            f"trillion neurons for a delay of {expected.delay:g} s; ask for a larger "
            "error, a shorter delay, or an input of lower frequencies",
        )
    return replace(best, size_in=size_in, n_neurons=size_in * best.n_neurons)


def truncation_error(
    theta: float, d: int, bandwidth: float, points: ArrayLike = WINDOW_POINTS
) -> float:
    """Return the error of the ideal memory's window, for white noise as input.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    bandwidth : float
        Highest frequency of the input (hertz).
    points : float or (n_points,) array_like
        Of the window, as for `readout`.

    Returns
    -------
    error : float
        Root mean square over the points of the difference between the window read by
        Legendre polynomials and the input, relative to that of the input. At the oldest
        point, it is the mean square over the band of `pade_error`.

    Raises
    ------
    ArgumentError
        For an argument out of range, naming it, its value and the remedy.

    Examples
    --------
    >>> from nengo_lmu.legendre import truncation_error
    >>> round(truncation_error(theta=1.0, d=6, bandwidth=1.0, points=1.0), 4)
    0.0015
    """
    theta, d = positive("theta", theta, "of seconds"), order(d)
    C = readout(d, points)
    bandwidth = positive("bandwidth", bandwidth, "of hertz")
    frequency, weight = frequency_band(theta, d, bandwidth)
    ages = theta * np.atleast_1d(np.asarray(points, dtype=float))
    past = np.exp(-2j * np.pi * frequency[:, np.newaxis] * ages)
    missed = frequency_response(theta, d, frequency) @ C.T - past
    return float(np.sqrt(weight @ np.mean(np.abs(missed) ** 2, axis=1)))


def _more_orders(d):
    return max(_MORE_ORDERS, d // 8)


def _first_order(is_enough):
    """Return the lowest order that is enough, where all above are, or one too many."""
    high = 1
    while high <= _LARGEST_ORDER and not is_enough(high):
        high *= 2
    low = high // 2 + 1
    return low + bisect_left(
        range(low, min(high, _LARGEST_ORDER + 1)), True, key=is_enough
    )


class _Input:
    """What is to be delayed, and by how much.

    Parameters
    ----------
    delay, bandwidth, input, dt
        As for `plan_delay`.
    """

    def __init__(self, delay, bandwidth, input, dt):
        self.dt = positive("dt", dt, "of seconds")
        self.steps = time_steps("delay", positive("delay", delay), self.dt)
        if self.steps < 1:
            raise ArgumentError(
                "delay",
                f"must be at least one time step, but {delay:g} was given where "
                f"dt={dt:g} s; give a longer delay or a shorter dt",
            )
        self.delay = self.steps * self.dt
        if (bandwidth is None) == (input is None):
            raise ArgumentError(
                "bandwidth",
                "must be given, or else a sample of the input, and not both",
            )
        self.bandwidth = self.sample = None
        if input is not None:
            longest = self.delay / _POINTS[-1]
            self.sample = checked_sample("input", input, longest, self.dt)
            return
        self.bandwidth = positive("bandwidth", bandwidth, "of hertz")
        if self.bandwidth > 1 / (2 * self.dt):
            raise ArgumentError(
                "bandwidth",
                f"must be at most {1 / (2 * self.dt):g} Hz where dt={self.dt:g} s, but "
                f"{self.bandwidth:g} was given; give a lower one or a shorter dt",
            )

    @property
    def windows(self):
        """(list of float) Windows that are tried, in seconds."""
        return [float(f"{window:.6g}") for window in self.delay / _POINTS]

    def statistics(self, theta, d):
        """Return the `StateStatistics` of a memory."""
        if self.sample is None:
            return white_noise_statistics(theta, d, TYPICAL_RMS, self.bandwidth)
        return sampled_statistics(theta, d, self.sample, self.dt)

    def regression(self, theta, d):
        """Return states of the ideal memory and what is to be read out of them.

        Returns
        -------
        states : (n, d) ndarray
            A time step late, as neurons have them.
        delayed : (n,) ndarray
            The input, with a sum of squares of 1.
        """
        if self.sample is not None:
            return self._regression_of_sample(self.statistics(theta, d))
        frequency, weight = frequency_band(theta, d, self.bandwidth)
        # A value of the input is held for the step that ends with it.
        x = frequency * self.dt
        held = np.sinc(x) * np.exp(1j * np.pi * x)
        late = np.exp(-2j * np.pi * x)
        response = frequency_response(theta, d, frequency)
        response *= (held * late**_LATE)[:, np.newaxis]
        both = np.column_stack([response, late**self.steps])
        both *= np.sqrt(weight)[:, np.newaxis]
        both = np.concatenate([both.real, both.imag])
        return both[:, :d], both[:, d]

    def _regression_of_sample(self, statistics):
        samples = statistics.samples
        inputs = self.sample.reshape(len(self.sample), -1)
        n = len(samples) // inputs.shape[1]
        # Of long samples, there are the states after some steps only.
        every = len(inputs) // n
        now = (np.arange(n) + 1) * every - 1
        # It begins with a jump from rest that is not of the input.
        begun = now >= min(2 * self.steps, now[-1] // 2)
        samples = samples.reshape(n, inputs.shape[1], -1)[begun]
        delayed = inputs[now[begun] + _LATE - self.steps].ravel()
        size = np.sqrt(np.mean(inputs**2) * delayed.size)
        return samples.reshape(delayed.size, -1) / size, delayed / size


class _Memory:
    """A memory that is tried, with any number of neurons.

    Parameters
    ----------
    expected : _Input
    theta : float
    d : int
    tau : float, optional
    **neurons
        Further arguments of `quietest`.
    """

    def __init__(
        self,
        expected,
        theta,
        d,
        tau=None,
        max_rate=MAX_RATE,
        spiking="poisson",
        error_feedback=None,
        feedback_delay=0.0,
        largest_rate=None,
    ):
        self.expected, self.theta, self.d, self.tau = expected, theta, d, tau
        self.neurons = {
            "max_rate": max_rate,
            "spiking": spiking,
            "error_feedback": error_feedback,
            "feedback_delay": feedback_delay,
            "largest_rate": largest_rate,
        }
        # The same least squares, of as few equations as there are unknowns.
        states, delayed = expected.regression(theta, d)
        self._equations = np.linalg.qr(np.column_stack([states, delayed]), mode="r")

    def could_have(self, error):
        """Return whether the ideal memory leaves room for noise."""
        _, ideal, _ = self._read(np.zeros((0, self.d)))
        return ideal < _LARGEST_SHARE * error

    def plan(self, n_neurons, size_in=1):
        """Return the `DelayPlan` for so many neurons of each of some signals."""
        populations, counts = self._populate(n_neurons)
        P = populations.covariance(counts) / self._statistics.input_rms**2
        values, vectors = np.linalg.eigh(P)
        deviations = (vectors * np.sqrt(np.maximum(values, 0))).T
        weights, ideal, noise = self._read(deviations)
        return DelayPlan(
            delay=self.expected.delay,
            theta=self.theta,
            d=self.d,
            size_in=size_in,
            n_neurons=size_in * n_neurons,
            counts=counts,
            populations=populations,
            readout=weights,
            ideal=ideal,
            noise=noise,
        )

    def is_smaller(self, best, error):
        """Return whether fewer neurons have an error than those of another plan."""
        n_neurons = MOST_NEURONS if best is None else best.n_neurons - 2
        return n_neurons >= 2 * self.d and self.plan(n_neurons).error <= error

    def smallest(self, error, best=None):
        """Return the `DelayPlan` with the fewest neurons, no more than another has."""
        n_neurons = fewest_neurons(
            error,
            self.d,
            lambda n_neurons: self.plan(n_neurons).error,
            enough=best and best.n_neurons,
        )
        return self.plan(n_neurons)

    @cached_property
    def _statistics(self):
        return self.expected.statistics(self.theta, self.d)

    @cached_property
    def _tau(self):
        if self.tau is not None:
            return self.tau
        return best_tau(self.theta, self.d, self.expected.dt, self._statistics)

    def _populate(self, n_neurons):
        with renamed(input="statistics"):
            return quietest(
                self.theta,
                self.d,
                n_neurons,
                tau=self._tau,
                dt=self.expected.dt,
                input=self._statistics,
                **self.neurons,
            )

    def _read(self, deviations):
        """Return the best readout, and its errors.

        Parameters
        ----------
        deviations : (k, d) ndarray
            Of the states, whose squares are the noise's covariance.

        Returns
        -------
        weights : (d,) ndarray
        ideal, noise : float
        """
        R, target = self._equations[:, : self.d], self._equations[:, self.d]
        rows = np.concatenate([R, deviations])
        wanted = np.concatenate([target, np.zeros(len(deviations))])
        weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
        ideal = np.linalg.norm(R @ weights - target)
        return weights, float(ideal), float(np.linalg.norm(deviations @ weights))
