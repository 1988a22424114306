"""The neurons of a memory: one population for each dimension of its state."""

from dataclasses import dataclass, replace

import nengo
import numpy as np
from nengo.dists import Distribution, Samples
from nengo.exceptions import ValidationError

from nengo_lmu.legendre.checks import real_array
from nengo_lmu.legendre.planner import MAX_RATES
from nengo_lmu.legendre.statistics import GAUSSIAN_RANGE
from nengo_lmu.networks.arguments import sampled, validated

# Neurons cannot have these: a test says whether they do, a text what must be, and why.
_REFUSED = {
    "max_rates": [
        (
            lambda rates: rates <= 0,
            "must be finite and greater than 0",
            "give rates in hertz",
        ),
        (
            lambda rates: (rates < 1e-6) | (rates > 1e12),
            "must be from 1e-06 to 1e+12",
            "give rates in hertz",
        ),
    ],
    "intercepts": [
        (
            lambda x: x >= 1,
            "must be below 1, the edge of the range",
            "such neurons would never fire",
        ),
        (
            lambda x: x < -10,
            "must be at least -10",
            "the rates of such neurons hardly change over the range",
        ),
    ],
    "encoders": [
        (
            lambda signs: signs == 0,
            "must not be 0; each neuron needs a preferred direction",
            "give +1 or -1",
        ),
    ],
}

# Decoders are solved at these values of x.
_X = np.linspace(-1, 1, 101)

# Neurons of one sign stand for a dimension if they tell the edges of its range this
# well. Those of both signs are within a tenth of the edge, of whatever type; those of
# one sign that rectify are close to 0 on the other side.
_LEAST_AT_THE_EDGES = 0.75

# Where all neurons of a dimension have the same random sign, signs are drawn again at
# most so often.
_MOST_DRAWS = 100


@dataclass(frozen=True)
class Populations:
    """Parameters of the neurons, in the order of the dimensions they represent.

    Each neuron takes part in one dimension, so one sign and one weight say it all; the
    matrices are made from them when asked for.

    Attributes
    ----------
    counts : (n_dims,) ndarray of int
        Neurons in each dimension.
    signs : (n_neurons,) ndarray
        +1 or -1: the direction that a neuron prefers in its dimension.
    gain, bias : (n_neurons,) ndarray
    weights : (n_neurons,) ndarray
        What a neuron's output adds to its dimension, in units of x per hertz (per unit
        of output for neurons that do not spike).
    """

    counts: np.ndarray
    signs: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    weights: np.ndarray

    @property
    def slices(self):
        """(list of slice) The neurons of each dimension."""
        ends = np.cumsum(self.counts)
        return [slice(end - n, end) for end, n in zip(ends, self.counts)]

    @property
    def begin_last(self):
        """((n_neurons,) ndarray of bool) Those that no other of their sign is after."""
        last = np.zeros(len(self.signs), dtype=bool)
        for neurons in self.slices:
            for sign in (1, -1):
                members = neurons.start + np.flatnonzero(self.signs[neurons] == sign)
                if members.size:
                    begin = -self.bias[members] / self.gain[members]
                    last[members] = begin == begin.max()
        return last

    @property
    def encoders(self):
        """((n_dims, n_neurons) ndarray) The signs as a matrix, 0 elsewhere."""
        return one_hot(self.counts, self.signs).T

    @property
    def decoders(self):
        """((n_dims, n_neurons) ndarray) The weights as a matrix, 0 elsewhere."""
        return one_hot(self.counts, self.weights).T


def one_hot(counts, values):
    """Return a matrix with one value in each row, in the column of its population.

    Parameters
    ----------
    counts : (n_dims,) array_like of int
        Rows of each column: the first ``counts[0]`` rows have their value in the first
        column, and so on.
    values : (n_neurons,) array_like

    Returns
    -------
    matrix : (n_neurons, n_dims) ndarray
    """
    matrix = np.zeros((len(values), len(counts)))
    matrix[np.arange(len(values)), np.repeat(np.arange(len(counts)), counts)] = values
    return matrix


def make_populations(
    counts,
    neuron_type,
    max_rates=None,
    intercepts=None,
    encoders=None,
    rng=None,
    typical=MAX_RATES,
    largest=None,
):
    """Choose tuning curves and solve for decoders.

    Parameters
    ----------
    counts : (n_dims,) array_like of int
        Neurons in each dimension.
    neuron_type : nengo.neurons.NeuronType
    max_rates : Distribution or (n_neurons,) array_like, optional
        Hertz. By default evenly spaced over the typical ones, which needs no
        randomness.
    intercepts : Distribution or (n_neurons,) array_like, optional
        By default 0 for neurons that are linear above threshold: on and off neurons
        then split the range with neither overlap nor dead zone, and no neuron fires
        needlessly. Others are spread evenly from -0.9 (-0.5 if they are Poisson) to
        0.9.
    encoders : Distribution or (n_neurons,) array_like, optional
        By default half +1, half -1. Random signs are drawn again for a dimension whose
        neurons would all have the same.
    rng : numpy.random.RandomState
        For distributions.
    typical : (float, float)
        The default maximum rates (hertz), from and to.
    largest : float, optional
        The largest rate that neurons can have (hertz).

    Returns
    -------
    populations : Populations

    Raises
    ------
    nengo.exceptions.ValidationError
        For values out of range, and for neurons of one sign that cannot represent what
        is on the other side.
    """
    counts = np.asarray(counts)
    total = counts.sum()
    max_rates = _spread("max_rates", max_rates, typical, counts, rng)
    if largest is not None and np.max(max_rates) > largest:
        raise ValidationError(
            f"must be at most {largest:g} Hz, since neurons spike at most once a time "
            f"step here, but {np.max(max_rates):g} Hz is among them; give lower rates, "
            "or none, or use a shorter dt",
            attr="max_rates",
        )
    if is_linear(neuron_type):
        recipe = (0.0, 0.0)
    else:
        # Poisson noise grows with the rate: fewer neurons that fire at rest
        recipe = (-0.5 if isinstance(neuron_type, nengo.PoissonSpiking) else -0.9, 0.9)
    intercepts = _spread("intercepts", intercepts, recipe, counts, rng)
    if encoders is None:
        signs = np.concatenate([_on_off(n) for n in counts])
    else:
        signs = _signs(encoders, counts, rng)
    gain, bias = neuron_type.gain_bias(max_rates, intercepts)

    populations = Populations(counts, signs, gain, bias, np.zeros(total))
    for i, neurons in enumerate(populations.slices):
        tuning = signs[neurons], gain[neurons], bias[neurons]
        populations.weights[neurons] = weights = _decode(neuron_type, *tuning)
        if abs(signs[neurons].sum()) == counts[i]:
            _check_one_sided(i, neuron_type, weights, *tuning)
    return populations


def stagger(populations, neuron_type, dt):
    """Let the neurons of a sign begin one after the other, for less noise.

    The first begins at 0, and the next where the one before spikes in each step, up to
    which its rate is as many times as steep as there are neurons. So the sum of their
    rates stays what it was, while only one of them draws its spikes at a time.

    Parameters
    ----------
    populations : Populations
        Of on and off neurons that begin at 0.
    neuron_type : nengo.neurons.NeuronType
        Whose spikes are drawn in each step, at most one.
    dt : float
        Time step (seconds).

    Returns
    -------
    populations : Populations

    Raises
    ------
    nengo.exceptions.ValidationError
        For other neurons.
    """
    if spiking(neuron_type) not in ("poisson", "stochastic"):
        raise ValidationError(
            f"{neuron_type} neurons do not draw their spikes by a rectified linear "
            "rate, as staggered ones do; use nengo.PoissonSpiking("
            "nengo.RectifiedLinear()), the default",
            attr="neuron_type",
        )
    if np.any(populations.bias):
        raise ValidationError(
            "must be 0 for neurons that are to be staggered, which have thresholds of "
            "their own; leave them out",
            attr="intercepts",
        )
    gain, bias = np.array(populations.gain), np.array(populations.bias)
    for neurons in populations.slices:
        for sign in (1, -1):
            members = np.flatnonzero(populations.signs[neurons] == sign)
            members += neurons.start
            gain[members] = populations.gain[members].sum()
            bias[members] = -np.arange(len(members)) / dt
    return replace(populations, gain=gain, bias=bias)


def steepness(populations, neuron_type):
    """Return how many times faster than ``x`` what neurons say of it may change.

    Without a dead zone that is once. Neurons that are silent up to an intercept make up
    for it beyond, and the error feedback acts as many times as strongly there.

    Parameters
    ----------
    populations : Populations
    neuron_type : nengo.neurons.NeuronType

    Returns
    -------
    anywhere, at_the_edges : float
        The largest of all dimensions, over an eighth of the range of each.
    """
    if is_linear(neuron_type) and not np.any(populations.bias):
        return 1.0, 1.0
    x = np.linspace(-1, 1, 17)
    changes = []
    for neurons in populations.slices:
        tuning = populations.gain[neurons], populations.bias[neurons]
        rates = neuron_type.rates(
            x[:, np.newaxis] * populations.signs[neurons], *tuning
        )
        decoded = rates @ populations.weights[neurons]
        changes.append((decoded[2:] - decoded[:-2]) / (x[2] - x[0]))
    changes = np.array(changes)
    return float(changes.max()), float(changes[:, [0, -1]].max())


def typical_rates(largest=None):
    """Return the default maximum rates, from and to (hertz).

    Parameters
    ----------
    largest : float, optional
        The largest rate that neurons can have (hertz), which is far above the default
        at short time steps. At others they come near it, since noise goes as one over
        the square root of the rate.
    """
    part = 1.0 if largest is None else min(1.0, 0.9 * largest / MAX_RATES[1])
    return tuple(part * rate for rate in MAX_RATES)


def mean_max_rate(max_rates, typical=MAX_RATES):
    """Return the mean of a distribution or array of maximum rates (hertz)."""
    if max_rates is None:
        return np.mean(typical)
    return float(np.mean(tuning("max_rates", max_rates)))


def is_linear(neuron_type):
    """Whether the rates are zero up to the threshold and linear above it."""
    base = getattr(neuron_type, "base_type", neuron_type)
    return isinstance(base, nengo.RectifiedLinear)


def spiking(neuron_type):
    """Return how neurons spike in the words of the noise theory, None if otherwise."""
    if not is_linear(neuron_type):
        return None
    if isinstance(neuron_type, nengo.PoissonSpiking):
        return "poisson"
    if isinstance(neuron_type, nengo.StochasticSpiking):
        return "stochastic"
    if isinstance(neuron_type, (nengo.SpikingRectifiedLinear, nengo.RegularSpiking)):
        return "regular"
    return None


def answer_delay(neuron_type, max_rate):
    """Return how late spikes tell of a change in what neurons are given (seconds).

    Nothing for neurons whose output of a step is drawn from a rate of that step, or
    adds it up. Others fire when their voltage gets to its threshold: half an interval
    between spikes later in the mean, and at times that a common input draws together
    if it changes as fast as that.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
    max_rate : float
        Mean rate at the edge of the range (hertz).
    """
    drawn = isinstance(neuron_type, nengo.neurons.RatesToSpikesNeuronType)
    if drawn or not neuron_type.spiking:
        return 0.0
    if type(neuron_type) is nengo.SpikingRectifiedLinear:
        return 0.0
    # This is the mean of |x| for Gaussian states that fill the range.
    typical_rate = max_rate * np.sqrt(2 / np.pi) / GAUSSIAN_RANGE
    return 1 / (2 * typical_rate)


def _on_off(n):
    return np.where(np.arange(n) < (n + 1) // 2, 1.0, -1.0)


def _spread(name, values, recipe, counts, rng):
    """Sample the user's values, or spread the recipe's evenly over each half."""
    if values is not None:
        return tuning(name, values, counts.sum(), rng)
    low, high = recipe
    halves = [k for n in counts for k in ((n + 1) // 2, n // 2)]
    return np.concatenate(
        [low + (high - low) * (np.arange(k) + 0.5) / k for k in halves if k]
    )


def tuning(name, values, n=None, rng=None, whose="the memory"):
    """Return the maximum rates, intercepts or encoders of neurons, if they can be.

    Parameters
    ----------
    name : {"max_rates", "intercepts", "encoders"}
    values : Distribution or array_like
    n : int, optional
        Neurons; by default as many as there are values, and 1000 for distributions.
    rng : numpy.random.RandomState, optional
        For distributions.
    whose : str
        The neurons'.

    Returns
    -------
    values : (n,) ndarray
    """
    if isinstance(values, Samples):
        values = values.samples
    if isinstance(values, Distribution):
        # Nengo samples its ensembles' parameters so: as scalars, but for encoders.
        d = 1 if name == "encoders" else None
        n = 1000 if n is None else n
        rng = np.random.RandomState(0) if rng is None else rng
        values = sampled(name, values, n, d, rng)
    with validated(None):
        values = real_array(name, values, "a distribution or an array of numbers")
    n = values.size if n is None else n
    if values.size != n or values.ndim > 1 and values.shape != (n, 1):
        has = values.shape if values.size == n else values.size
        raise ValidationError(
            f"must have one value for each of the {n} neurons of {whose}, but has "
            f"{has}; give {n} values, or a distribution",
            attr=name,
        )
    values = np.ravel(values)
    if not np.all(np.isfinite(values)):
        bad = values[~np.isfinite(values)][0]
        raise ValidationError(
            f"must be finite numbers, but {bad} is among them; leave it out", attr=name
        )
    for is_bad, must, remedy in _REFUSED[name]:
        bad = values[is_bad(values)]
        if bad.size:
            worst = bad[np.argmax(np.abs(bad))]
            raise ValidationError(
                f"{must}, but {worst:g} is among them; {remedy}", attr=name
            )
    return values


def _signs(encoders, counts, rng):
    """Return the user's signs, random ones so that each dimension has both."""

    def draw():
        return np.sign(tuning("encoders", encoders, counts.sum(), rng))

    signs = draw()
    dimension = np.repeat(np.arange(len(counts)), counts)
    for _ in range(_MOST_DRAWS if isinstance(encoders, Distribution) else 0):
        alike = np.abs(np.bincount(dimension, signs)) == counts
        if not np.any(alike):
            break
        signs = np.where(alike[dimension], draw(), signs)
    return signs


def _check_one_sided(i, neuron_type, weights, signs, gain, bias):
    """Refuse neurons of one sign that do not tell both edges of their range."""
    edges = np.array([[1.0], [-1.0]])
    decoded = neuron_type.rates(edges * signs, gain, bias) @ weights
    if np.min(decoded * edges[:, 0]) < _LEAST_AT_THE_EDGES:
        raise ValidationError(
            f"must have both signs in each dimension, but all {len(signs)} neurons of "
            f"dimension {i} have {signs[0]:+g}, with which {neuron_type} cannot "
            "represent the other half of the range; give half of them +1 and half -1, "
            "such as np.tile([1, -1], n_neurons // 2), or leave encoders to us",
            attr="encoders",
        )


def _decode(neuron_type, signs, gain, bias):
    """Solve for the decoders of one population.

    Where each neuron's rate is proportional to the part of ``x`` on its side, the
    decoding with the least Poisson noise is known: ``x = on / R_on - off / R_off``
    with ``R`` the summed slopes (each spike counts the same). Otherwise regularized
    least squares.
    """
    both = np.any(signs > 0) and np.any(signs < 0)
    if both and is_linear(neuron_type):
        # some subclasses leak below the threshold: a few points tell
        x = _X[::25, np.newaxis] * signs
        rates = neuron_type.rates(x, gain, bias)
        slope = rates[np.where(signs > 0, -1, 0), np.arange(len(signs))]
        linear = slope * np.maximum(x, 0)
        if np.all(slope > 0) and np.allclose(rates, linear, atol=1e-6):
            total = np.where(signs > 0, slope[signs > 0].sum(), slope[signs < 0].sum())
            return signs / total
    # Currents are made by hand: neuron_type.rates broadcasts x in ways of its own.
    rates = neuron_type.rates(_X[:, np.newaxis] * signs, gain, bias)
    decoders, _ = nengo.solvers.LstsqL2(reg=0.01)(rates, _X[:, np.newaxis])
    return decoders[:, 0]
