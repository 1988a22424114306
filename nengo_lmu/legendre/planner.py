"""The quietest memory for given neurons, and how many neurons an error needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from nengo_lmu.legendre.checks import (
    ArgumentError,
    one_of,
    order,
    positive,
    renamed,
    window,
)
from nengo_lmu.legendre.feedback import checked_gain, feedback_steps
from nengo_lmu.legendre.noise import (
    SPIKING,
    STAGGERED,
    ErrorDynamics,
    SpikingPopulations,
    enough_neurons,
    error_dynamics,
    gain_bound,
)
from nengo_lmu.legendre.realization import basis
from nengo_lmu.legendre.statistics import (
    input_statistics,
    unforeseen_covariance,
    variance_along,
)
from nengo_lmu.legendre.system import METHODS

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.noise import PredictedError
    from nengo_lmu.legendre.statistics import StateStatistics
    from nengo_lmu.legendre.types import Input, Kind, Method, Spiking


# Neurons at the edge of their range have rates from and to these, by default (hertz).
MAX_RATES = (200.0, 240.0)
MAX_RATE = sum(MAX_RATES) / 2

# No default is longer (time steps): a current on Loihi decays by at least a 4096th a
# step, and with error feedback a longer one would hardly make a difference.
_LONGEST_SYNAPSE = 4096

# Neurons that spike at most once a step need room for so many standard deviations of
# the states in a band that nobody foresaw, times their rate at the edge of the range
# over the largest: then they seldom reach the largest in any band, and the error in the
# typical one is 4 to 5 % larger at 220 of 1000 hertz.
_ROOM = 1.4

# The error is flat around the best synapse. The shortest that costs no more than this
# is the default: the memory forgets what is not its input sooner.
_NEARLY_BEST = 1.05

# Near enough to the error of one design to make another.
_NEARLY_ENOUGH = 0.02

# What the best gain does not depend on.
_NOT_OF_GAINS = "spiking", "largest_rate"

# A trillion neurons are no answer.
MOST_NEURONS = 2**40

# With this gain of the error feedback, errors are taken back at once; a larger one
# takes back too much.
_LARGEST_GAIN = 1.0


def best_tau(
    theta: float,
    d: int,
    dt: float = 0.001,
    input: Input | StateStatistics = 1.0,
    method: Method = "zoh",
) -> float:
    """Return the time constant of the recurrent synapse that makes the memory quiet.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).
    input : float, (min, max), nengo.Process, array_like or StateStatistics
        As for `input_statistics`.
    method : {"zoh", "euler"}
        The discretization.

    Returns
    -------
    tau : float
        Seconds, to two digits: the shortest whose window error, for Poisson neurons in
        the balanced basis, is within 5 % of the least. About ``0.4 theta``, and at most
        4096 time steps, the longest that Loihi can have. That is
        without error feedback; with it, even shorter ones are, so that one synapse is
        good for both.

    Examples
    --------
    >>> from nengo_lmu.legendre import best_tau
    >>> 0.2 < best_tau(theta=1.0, d=6) < 0.6
    True
    """
    theta, dt = window(theta, dt)
    d = order(d)
    one_of("method", method, METHODS)
    with renamed(expected="input"):
        statistics = input_statistics(theta, d, input, dt)
    dynamics = error_dynamics(theta, d, dt, method)
    values, vectors = np.linalg.eigh(statistics.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    # With A_bar - a I = (A_bar - I) + (1 - a) I, the amplification is a parabola.
    E, change = dynamics.window_energy, dynamics.injection(1.0) @ root
    still, linear, square = (
        change.T @ E @ change,
        change.T @ E @ root,
        root.T @ E @ root,
    )
    linear += linear.T

    def relative_error(tau):
        # Where noise is small, it is the sum of the singular values of `basis`.
        lost = -np.expm1(-dt / tau)
        G = still + lost * linear + lost**2 * square
        return np.sqrt(np.maximum(np.linalg.eigvalsh(G), 0)).sum()

    candidates = theta * np.geomspace(0.02, 2, 48)
    candidates = np.clip(candidates, 2 * dt, _LONGEST_SYNAPSE * dt)
    errors = np.array([relative_error(tau) for tau in candidates])
    chosen = candidates[np.argmax(errors <= _NEARLY_BEST * errors.min())]
    return float(f"{chosen:.2g}")


def best_error_feedback(
    theta: float,
    d: int,
    n_neurons: int,
    tau: float | None = None,
    max_rate: float = MAX_RATE,
    dt: float = 0.001,
    input: Input | StateStatistics = 1.0,
    realization: Kind = "balanced",
    method: Method = "zoh",
    feedback_delay: float = 0.0,
) -> float:
    """Return the gain with which neurons best hear their own error.

    Parameters and errors are those of `predicted_error`.

    Returns
    -------
    gain : float
        To two digits: that with the least product of the mean squared error and the
        spikes that it takes, for Poisson neurons. A larger gain takes back more of the
        error, but neurons that are given it fire more, and the fewer they are the more
        so; both go as one over the number of spikes.

    Examples
    --------
    >>> from nengo_lmu.legendre import best_error_feedback
    >>> 0.7 < best_error_feedback(theta=1.0, d=6, n_neurons=600) < 0.9
    True
    """
    theta, d, n_neurons, tau, max_rate, dt, statistics = _checked(
        theta, d, n_neurons, tau, max_rate, dt, input, method
    )
    delay = feedback_steps("feedback_delay", feedback_delay, d, dt)
    decay = np.exp(-dt / tau)
    most = min(_LARGEST_GAIN, gain_bound(theta, d, dt, method, delay) / 2)
    # One basis and split are good enough for all gains but the smallest.
    middle = ErrorDynamics(theta, d, dt, method, most / 2, delay).amplification(decay)
    with renamed(kind="realization"):
        coordinates = basis(statistics, realization, middle)
    rows = np.linalg.inv(coordinates.T)
    # Squares are relative to the range; what the input leaves at rest has hardly any.
    square = np.maximum(statistics.mean_square(rows), 1e-6)
    shares = np.sqrt(square) * variance_along(coordinates.T.T, middle)
    # Counts are not rounded, since there may be too few neurons to go round.
    weights = np.sqrt(shares if np.any(shares) else np.ones(d))
    counts = np.maximum(n_neurons * weights / weights.sum(), 2)
    b = np.sqrt(8 / np.pi) / (counts * max_rate * dt)

    def log_cost(gain):
        dynamics = ErrorDynamics(theta, d, dt, method, gain, delay)
        # q, the noise of |x| for Gaussian x, adds v q to what neurons are given, and
        # so q = b sqrt(square + v q)
        q = b * np.sqrt(square)
        equations = dynamics.equations
        entered = equations.entered(coordinates.T)
        heard = equations.read(rows @ dynamics.heard(decay))
        seen = equations.read(dynamics.seen(decay))
        X = equations.covariance((entered * q) @ entered.T)
        v = variance_along(heard, X) / q
        q = (b**2 * v + b * np.sqrt(b**2 * v**2 + 4 * square)) / 2
        spikes = np.sum(counts * np.sqrt(square + v * q))
        X = equations.covariance((entered * q) @ entered.T)
        # Far from the best gain the cost explodes, but its logarithm is smooth.
        squares = np.sum(variance_along(seen, X))
        return np.log(max(spikes * squares, np.finfo(float).tiny))

    minimum = minimize_scalar(
        log_cost, bounds=(0, most), method="bounded", options={"xatol": 0.02 * most}
    )
    return float(f"{minimum.x:.2g}")


def quietest(theta, d, n_neurons, *args, **kwargs):
    """Return the populations with the least error of the window, and their sizes.

    Parameters and errors are those of `predicted_error`.

    Returns
    -------
    populations : SpikingPopulations
    counts : (d,) ndarray of int
        Neurons in each dimension.
    """
    return _designs(theta, d, n_neurons, *args, **kwargs)[-1]


def _designs(
    theta,
    d,
    n_neurons,
    tau=None,
    max_rate=MAX_RATE,
    dt=0.001,
    input=1.0,
    realization="balanced",
    method="zoh",
    spiking="poisson",
    error_feedback=None,
    feedback_delay=0.0,
    largest_rate=None,
    similar=None,
):
    """Return two designs: without room for their noise, and the quietest, with it.

    Parameters and errors are those of `predicted_error`, but for ``similar``: designs
    of about as many neurons, whose noise these start from.

    Returns
    -------
    designs : list of (SpikingPopulations, (d,) ndarray of int)
        With their neurons in each dimension.
    """
    theta, d, n_neurons, tau, max_rate, dt, statistics = _checked(
        theta, d, n_neurons, tau, max_rate, dt, input, method
    )
    one_of("spiking", spiking, (*SPIKING, STAGGERED))
    delay = feedback_steps("feedback_delay", feedback_delay, d, dt)
    if error_feedback is None:
        gain = best_error_feedback(
            theta,
            d,
            n_neurons,
            tau,
            max_rate,
            dt,
            statistics,
            realization,
            method,
            feedback_delay,
        )
    else:
        bound = gain_bound(theta, d, dt, method, delay)
        gain = checked_gain(error_feedback, bound, delay)
    dynamics = error_dynamics(theta, d, dt, method, gain, delay)
    amplification = dynamics.amplification(np.exp(-dt / tau))

    room = np.zeros((d, d))
    if largest_rate is not None:
        share = max_rate / positive("largest_rate", largest_rate, "of hertz")
        room = (_ROOM * share) ** 2 * unforeseen_covariance(theta, d, statistics)

    # The first design leaves no room for noise, the second leaves room for its noise.
    designs = []
    starts = [None, None] if similar is None else [p.heard(c) for p, c in similar]
    noise = np.zeros((d, d))
    for start in starts:
        with renamed(kind="realization", noise="largest_rate"):
            coordinates = basis(statistics, realization, amplification, room + noise)
        populations = SpikingPopulations(
            theta,
            d,
            statistics,
            coordinates,
            tau,
            max_rate,
            dt,
            method,
            spiking,
            gain,
            delay,
            start,
        )
        counts = populations.split(n_neurons)
        designs.append((populations, counts))
        if len(designs) < len(starts):
            noise = populations.covariance(counts)
    return designs


def _checked(theta, d, n_neurons, tau, max_rate, dt, input, method):
    """Return the arguments that all plans have, with defaults in place of None."""
    theta, dt = window(theta, dt)
    d = order(d)
    one_of("method", method, METHODS)
    n_neurons = enough_neurons(n_neurons, d)
    max_rate = positive("max_rate", max_rate, "of hertz")
    with renamed(expected="input"):
        statistics = input_statistics(theta, d, input, dt)
    if tau is None:
        tau = best_tau(theta, d, dt, statistics, method)
    tau = positive("tau", tau, "of seconds")
    return theta, d, n_neurons, tau, max_rate, dt, statistics


def predicted_error(
    theta: float,
    d: int,
    n_neurons: int,
    tau: float | None = None,
    max_rate: float = MAX_RATE,
    dt: float = 0.001,
    input: Input | StateStatistics = 1.0,
    realization: Kind = "balanced",
    method: Method = "zoh",
    spiking: Spiking = "poisson",
    error_feedback: float | None = None,
    feedback_delay: float = 0.0,
    largest_rate: float | None = None,
) -> PredictedError:
    """Predict the error of a spiking memory.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        All neurons, m in the paper.
    tau : float, optional
        Time constant of the recurrent synapse (seconds), by default `best_tau`.
    max_rate : float
        Mean maximum rate of the neurons (hertz).
    dt : float
        Time step (seconds).
    input : float, (min, max), nengo.Process, array_like or StateStatistics
        The typical input, as for `input_statistics`; by default white noise of rms 0.3
        up to ``d / (6 theta)`` hertz. `white_noise_statistics` gives other bands.
    realization : {"balanced", "principal", "legendre"} or (d, d) array_like
        As for `basis`.
    method : {"zoh", "euler"}
        The discretization.
    spiking : {"poisson", "stochastic", "regular"}
        How rectified linear neurons spike, as for `SpikingPopulations`.
    error_feedback : float, optional
        Gain with which the neurons hear their own error, below ``1 + exp(-dt / tau)``;
        0 for neurons that do not, as on Loihi. By default `best_error_feedback`.
    feedback_delay : float
        How long the feedback takes besides the time step of the synapse (seconds, of
        which a whole number of time steps is made).
    largest_rate : float, optional
        Of neurons that cannot fire faster (hertz), such as ``1 / dt`` on Loihi. Their
        ranges leave room for inputs of any band.

    Returns
    -------
    error : PredictedError
        Relative to the rms of the input: how far the decoded window is from that of the
        ideal memory.

    Raises
    ------
    ArgumentError
        For an argument out of range, naming it, its value and the remedy.

    Notes
    -----
    At an order of 256 this takes half a second, and two with regular spikes. With late
    feedback it takes the longer the more errors wait: less than a second for 768 of
    them (an order of 128 and 5 time steps), and two and a half for 1024, the most that
    there may be.

    Examples
    --------
    >>> from nengo_lmu.legendre import predicted_error
    >>> round(predicted_error(theta=1.0, d=6, n_neurons=600).window, 4)
    0.0023
    >>> round(predicted_error(1.0, 6, 600, error_feedback=0).window, 3)
    0.03
    """
    populations, counts = quietest(
        theta,
        d,
        n_neurons,
        tau,
        max_rate,
        dt,
        input,
        realization,
        method,
        spiking,
        error_feedback,
        feedback_delay,
        largest_rate,
    )
    return populations.error(counts)


def error_floor(theta: float, d: int, n_neurons: int, **kwargs: Any) -> PredictedError:
    """Return the error that the spikes of a single step leave by themselves.

    Neurons without a memory of their own, Poisson neurons among them, that hear of
    their error a step later cannot do better, whatever they do with it. It goes as
    ``sqrt(dt / (m r)) / theta``, where without error feedback the error goes as
    ``1 / sqrt(m r theta)``.

    Parameters
    ----------
    theta, d, n_neurons
        As for `predicted_error`.
    **kwargs
        As for `predicted_error`, of the populations whose floor it is.

    Returns
    -------
    error : PredictedError

    Raises
    ------
    ArgumentError
        As for `predicted_error`, and for regular spikes.

    Examples
    --------
    >>> from nengo_lmu.legendre import error_floor, predicted_error
    >>> floor = error_floor(theta=1.0, d=6, n_neurons=600)
    >>> 1 < predicted_error(1.0, 6, 600).window / floor.window < 1.15
    True
    """
    populations, counts = quietest(theta, d, n_neurons, **kwargs)
    return populations.floor(counts)


def neurons_for_error(error: float, theta: float, d: int, **kwargs: Any) -> int:
    """Return how many neurons a given window error needs.

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
        The least even number whose `predicted_error` is at most ``error``, but for the
        rounding of the split to whole pairs.

    Raises
    ------
    ArgumentError
        As for `predicted_error`, or if the error needs more than a trillion neurons.

    Notes
    -----
    It makes about seven designs, each of which starts from the noise of the one before.
    They take about two seconds at an order of 256.

    Examples
    --------
    >>> from nengo_lmu.legendre import neurons_for_error
    >>> neurons_for_error(0.05, theta=1.0, d=6)
    12
    """
    error = positive("error", error)
    theta, dt = window(theta, kwargs.get("dt", 0.001))
    d = order(d)
    # Both are the same for each number of neurons.
    with renamed(expected="input"):
        kwargs["input"] = input_statistics(theta, d, kwargs.get("input", 1.0), dt)
    if kwargs.get("tau") is None:
        method = kwargs.get("method", "zoh")
        kwargs["tau"] = best_tau(theta, d, dt, kwargs["input"], method)

    # The design hardly depends on their number, so that one for a few tells how many
    # are about enough, and how the error goes with them.
    few, _ = quietest(theta, d, 100 * d, **kwargs)
    gain_of = _gains(theta, d, {100 * d: few.error_feedback}, **kwargs)
    latest = None

    def as_few(n_neurons):
        return few.error(few.split(n_neurons)).window

    def window_error(n_neurons):
        nonlocal latest
        options = kwargs | {"error_feedback": gain_of(n_neurons), "similar": latest}
        latest = _designs(theta, d, n_neurons, **options)
        populations, counts = latest[-1]
        return populations.error(counts).window

    return fewest_neurons(error, d, window_error, as_few=as_few)


def _gains(theta, d, known, error_feedback=None, **kwargs):
    """Return a function that says which gain a number of neurons has.

    More neurons have a larger gain, or the same of two digits. So between two numbers
    with the same gain it need not be sought.

    Parameters
    ----------
    theta, d
        As for `predicted_error`.
    known : dict
        Gains of numbers of neurons.
    error_feedback : float, optional
        The gain of all of them; None for the best of each.
    **kwargs
        As for `predicted_error`.

    Returns
    -------
    gain_of : callable
    """
    theirs = {name: kwargs[name] for name in kwargs if name not in _NOT_OF_GAINS}
    known = dict(known)

    def gain_of(n_neurons):
        if error_feedback is not None:
            return error_feedback
        fewer = max((n for n in known if n <= n_neurons), default=None)
        more = min((n for n in known if n >= n_neurons), default=None)
        if None in (fewer, more) or known[fewer] != known[more]:
            known[n_neurons] = best_error_feedback(theta, d, n_neurons, **theirs)
            return known[n_neurons]
        return known[fewer]

    return gain_of


def fewest_neurons(error, d, error_with, as_few=None, enough=None):
    """Return how many neurons an error needs that falls with their number.

    Parameters
    ----------
    error : float
        What is wanted.
    d : int
        Order of the memory, whose dimensions have a pair at least.
    error_with : callable
        The error with an even number of neurons.
    as_few : callable, optional
        The same to a few per cent, and sooner.
    enough : int, optional
        Neurons that are known to be.

    Returns
    -------
    n_neurons : int

    Raises
    ------
    ArgumentError
        If the error needs more than a trillion neurons.
    """
    most = ((enough or MOST_NEURONS + 2) - 2) // 2

    def excess(error_of):
        def of_pairs(pairs):
            reached = max(error_of(2 * pairs), np.finfo(float).tiny)
            return np.log(reached) - np.log(error)

        return of_pairs

    pairs, slope = 50 * d, -0.5
    if as_few is not None:
        pairs, slope = _fewest_pairs(
            excess(as_few), pairs, d, most, nearly=_NEARLY_ENOUGH
        )
    pairs, _ = _fewest_pairs(excess(error_with), pairs, d, most, slope)
    if 2 * pairs > MOST_NEURONS:
        raise ArgumentError(
            "error",
            f"{error:g} would need more than a trillion neurons; ask for a larger "
            "error, or give a longer tau or a higher max_rate",
        )
    return 2 * pairs


def _fewest_pairs(excess, pairs, fewest, most, slope=-0.5, nearly=0.0):
    """Return the least number of pairs that is enough.

    Too few pairs and enough of them are sought until they are neighbours, by secants of
    the logarithms, which the law of 1 / sqrt(m) makes nearly straight.

    Parameters
    ----------
    excess : callable
        How far the logarithm of the error of so many pairs is above the one that is
        asked for.
    pairs : int
        Where to start.
    fewest, most : int
        The least and the largest number that there may be.
    slope : float
        How the logarithm of the error changes with that of their number.
    nearly : float
        An excess that is no larger, to either side, ends the search.

    Returns
    -------
    enough : int
        One more than ``most`` where these are not.
    slope : float
        As it is there.
    """
    too_few, enough = fewest - 1, most + 1
    pairs, n_alike, before = int(np.clip(pairs, fewest, max(most, fewest))), 0, None
    while enough - too_few > 1:
        now = excess(pairs)
        if before is not None:
            secant = (now - before[1]) / np.log(pairs / before[0])
            # Rounding to whole pairs and gains of two digits make steps.
            slope = secant if -10 < secant < -0.25 else slope
            n_alike = n_alike + 1 if (now > 0) == (before[1] > 0) else 0
        if abs(now) <= nearly:
            return pairs, slope
        before = pairs, now
        if now > 0:
            too_few = pairs
        else:
            enough = pairs
        # A change goes further each time that the one before did not go far enough.
        change = pairs * np.expm1(min(-now / slope, 30.0))
        change = np.ceil(change) if now > 0 else np.floor(change)
        target = pairs + 2**n_alike * change
        pairs = int(np.clip(target, too_few + 1, enough - 1))
    return enough, slope
