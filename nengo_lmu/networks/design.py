"""What the theory chooses for a memory: coordinates, neurons, and how they hear."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from nengo.exceptions import ValidationError

from nengo_lmu.legendre import (
    ArgumentError,
    PredictedError,
    Realization,
    best_error_feedback,
)
from nengo_lmu.legendre.noise import STAGGERED, gain_bound
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.networks.arguments import validated
from nengo_lmu.networks.populations import (
    Populations,
    answer_delay,
    is_linear,
    make_populations,
    mean_max_rate,
    spiking,
    stagger,
    steepness,
    typical_rates,
)

# By default, errors are taken back at most so much as part of what is just stable,
# wherever neurons say more than what they stand for.
_STABLE = 0.75


@dataclass(frozen=True)
class Design:
    """How neurons represent the state of a memory.

    Attributes
    ----------
    error_feedback : float
        Gain with which they hear their own error.
    max_rate : float
        Mean rate of the neurons at the edge of their range (hertz).
    realization : Realization or None
        The neurons' coordinates. None, as all that follows, for a memory without.
    populations : Populations or None
    noise_covariance : (d, d) ndarray or None
        Of the error of the state of each input dimension, in true units.
    filtered_noise : callable or None
        That behind another low-pass synapse, by its time constant (seconds).
    estimator : (d, d) ndarray or None
        The matrix that best estimates the state from the noisy one.
    predicted_error : PredictedError or None
        Of the theory; None for neurons that it does not cover.
    """

    error_feedback: float = 0.0
    max_rate: float = 0.0
    realization: Realization | None = None
    populations: Populations | None = None
    noise_covariance: np.ndarray | None = None
    filtered_noise: Callable | None = None
    estimator: np.ndarray | None = None
    predicted_error: PredictedError | None = None


def make_design(
    memory,
    n_neurons,
    statistics,
    realization,
    max_rates,
    intercepts,
    encoders,
    error_feedback,
    feedback_delay,
    random_state,
    largest_rate=None,
    staggered=False,
):
    """Choose coordinates and neurons for a memory.

    Parameters
    ----------
    memory : LegendreMemory
        With ``theta``, ``d``, ``size_in``, ``dt``, ``discretization``, ``synapse`` and
        ``neuron_type``.
    n_neurons : int
        All neurons.
    statistics : StateStatistics
        Of the states that a typical input causes.
    realization, max_rates, intercepts, encoders, error_feedback, feedback_delay
        As for `LegendreMemory`; None for the recipe. The best gain is that of the
        theory, for neurons that answer as late as these.
    random_state : tuple
        Of the generator with which distributions are sampled.
    largest_rate : float, optional
        Of neurons that spike at most once a step (hertz). None for neurons that can
        spike as fast as their input says.
    staggered : bool
        Whether neurons that spike at most once a step begin one after the other
        (`nengo_lmu.networks.populations.stagger`).

    Returns
    -------
    design : Design

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument out of range, naming it, its value and the remedy.
    """
    least = 2 * memory.size_state
    if n_neurons < least:
        raise ValidationError(
            f"must be at least {least}, an on and an off neuron for each of the "
            f"{memory.size_state} state dimensions, but {n_neurons} was given; use "
            "more neurons, a smaller d, or 0 for an ideal memory",
            attr="n_neurons",
            obj=memory,
        )
    rates = typical_rates(largest_rate)
    max_rate = mean_max_rate(max_rates, rates)
    with validated(memory):
        arguments = (
            memory.initial_theta,
            memory.d,
            n_neurons // memory.size_in,
            memory.synapse.tau,
            max_rate,
            memory.dt,
            statistics,
            realization,
            memory.discretization,
        )
        gain = error_feedback
        if gain is None:
            late = answer_delay(memory.neuron_type, max_rate)
            gain = best_error_feedback(*arguments, feedback_delay + late)
        kind = spiking(memory.neuron_type)
        if kind == "poisson" and largest_rate is not None:
            kind = "stochastic"
        if staggered:
            kind = STAGGERED

        def designed(gain):
            quiet, counts = quietest(
                *arguments,
                kind or "poisson",
                gain,
                feedback_delay,
                # others saturate by themselves, and have room for that already
                largest_rate if is_linear(memory.neuron_type) else None,
            )
            # Each input dimension has the same split; the first few get what is over.
            over = n_neurons - memory.size_in * counts.sum()
            split = np.tile(counts, memory.size_in)
            split[np.argsort(-split, kind="stable")[:over]] += 1
            rng = np.random.RandomState()
            rng.set_state(random_state)
            populations = make_populations(
                split,
                memory.neuron_type,
                max_rates=max_rates,
                intercepts=intercepts,
                encoders=encoders,
                rng=rng,
                typical=rates,
                largest=largest_rate,
            )
            if staggered:
                populations = stagger(populations, memory.neuron_type, memory.dt)
            return quiet, counts, populations

        quiet, counts, populations = designed(gain)
        stable = _stable_gain(quiet, populations, memory.neuron_type, error_feedback)
        if stable < gain:
            quiet, counts, populations = designed(stable)
    coordinates = quiet.realization
    if not is_linear(memory.neuron_type):
        # they may saturate: decoders are solved for more than the typical range
        coordinates = replace(coordinates, T=1.3 * coordinates.T)
    covariance = quiet.covariance(counts)
    # The theory is about on and off neurons that split the range at 0.
    covered = staggered or (kind is not None and not np.any(populations.bias))
    return Design(
        error_feedback=quiet.error_feedback,
        max_rate=max_rate,
        realization=coordinates,
        populations=populations,
        noise_covariance=covariance,
        filtered_noise=partial(quiet.filtered_covariance, counts),
        estimator=quiet.estimator(covariance),
        predicted_error=quiet.error_of(covariance) if covered else None,
    )


def _stable_gain(quiet, populations, neuron_type, error_feedback):
    """Return the largest gain for neurons that say more than they should in places.

    Where what they say is ``g`` times as steep as ``x``, a gain of ``k`` takes back
    ``g k`` times the error.

    Parameters
    ----------
    quiet : SpikingPopulations
    populations : Populations
    neuron_type : nengo.neurons.NeuronType
    error_feedback : float or None
        The gain that was asked for; None for ours.

    Returns
    -------
    gain : float
        To two digits; the one that was asked for where there is no end to the growth of
        errors with it is refused.
    """
    if not quiet.error_feedback:
        return 0.0
    bound = gain_bound(
        quiet.theta, quiet.d, quiet.dt, quiet.method, quiet.feedback_delay
    )
    anywhere, at_the_edges = steepness(populations, neuron_type)
    if error_feedback is None:
        return float(f"{_STABLE * bound / anywhere:.2g}")
    if error_feedback * at_the_edges >= bound:
        raise ArgumentError(
            "error_feedback",
            f"must be below {bound / at_the_edges:.3g}, or errors grow, since neurons "
            "with these intercepts and encoders change what they say at the edge of "
            f"the range {at_the_edges:.3g} times as much as they should, but "
            f"{error_feedback:g} was given; use None for a gain that suits them, or "
            "lower intercepts",
        )
    return error_feedback
