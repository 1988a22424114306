"""What networks are trained on that read a spiking memory: ideal states, and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.regression import SeenStates
from nengo_lmu.legendre.system import states
from nengo_lmu.series.data import stream

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array
    from nengo_lmu.networks.lmu import LMU
    from nengo_lmu.series.network import Settings


# A filter of class scores looks at so many quantiles of its exponential distribution.
_DELAYS = 8

# times within a sample at which a state may be looked at
_PHASES = 4

# Random units begin to fire between these quantiles of what they are given.
_THRESHOLDS = (0.05, 0.9)


def correlated_noise(
    covariance: Array, n: int, rng: np.random.RandomState, dtype: Any = np.float64
) -> Array:
    """Draw noise of a covariance.

    Parameters
    ----------
    covariance : (d, d) array_like
    n : int
        How many samples.
    rng : numpy.random.RandomState
    dtype : numpy dtype
        That of the noise.

    Returns
    -------
    noise : (n, d) ndarray
    """
    variances, axes = np.linalg.eigh(covariance)
    root = np.sqrt(np.maximum(variances, 0))[:, np.newaxis] * axes.T
    samples = rng.standard_normal((n, len(root)))
    return samples.astype(dtype, copy=False) @ root.astype(dtype)


def draw_kernel(m, units, rng):
    """Draw weights by which hidden units' inputs are of order 1 to begin with.

    Parameters
    ----------
    m : (n, d) ndarray
        States of the memory.
    units : int
    rng : numpy.random.RandomState

    Returns
    -------
    kernel : (units, d) ndarray
    """
    d = m.shape[1]
    # What hardly changes is not to count for more than the rest.
    size = np.maximum(m.std(axis=0), 1e-6 * m.std())
    scale = 1 / (size * np.sqrt(d))
    return rng.standard_normal((units, d)) * scale


def hidden_activity(lmu: LMU, m: Array) -> Array:
    """Return the activity of hidden units by their rates, for states of the memory.

    Parameters
    ----------
    lmu : nengo_lmu.LMU
        Whose hidden units read the memory alone.
    m : (n, d) array_like

    Returns
    -------
    h : (n, units) ndarray
    """
    x = m @ lmu.memory_kernel.transform.init.T
    x += lmu.hidden_bias.transform.init[:, 0]
    hidden = lmu.hidden
    return hidden.neuron_type.rates(x, hidden.gain, hidden.bias) / lmu.unit


def ideal_states(u: Array, settings: Settings, every: int = 1) -> Array:
    """Return the ideal states at the ends of samples.

    Parameters
    ----------
    u : (n_samples, features) ndarray
        Scaled, each held for a sample.
    settings : nengo_lmu.series.network.Settings
    every : int
        So many states a sample, evenly spaced.

    Returns
    -------
    m : (n_samples * every, features * d) ndarray
    """
    held = np.repeat(u, every, axis=0)
    m = states(held, float(settings.theta), settings.d, 1 / every)
    return m.reshape(len(held), -1)


def states_to_read(sequences, settings, rng):
    """Return ideal states that class scores read, of sequences in a stream.

    Scores are filtered, so they look at states of some time before, too: by quantiles
    of the filter's exponential distribution, one for each state drawn at random.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray
        Scaled. They come in random order.
    settings : nengo_lmu.series.network.Settings
    rng : numpy.random.RandomState

    Returns
    -------
    m : (n, features * d) ndarray
        At the ends of sequences, each at all quantiles; or at all samples, each at one.
    owner : (n,) ndarray of int
        Which sequence each is of.
    """
    s = settings
    order = rng.permutation(len(sequences))
    together = stream(sequences, s.theta, order)
    m = ideal_states(together.samples, s, _PHASES)
    quantiles = (np.arange(_DELAYS) + 0.5) / _DELAYS
    delays = np.round(-s.readout_tau * _PHASES * np.log1p(-quantiles)).astype(int)
    if s.read == "last":
        ends = together.ends
        owner = np.tile(np.arange(len(sequences)), _DELAYS)
        delays = np.repeat(delays, len(sequences))
        places = np.tile(ends, _DELAYS)
    else:
        places = np.flatnonzero(together.owner >= 0)
        owner = together.owner[places]
        delays = rng.choice(delays, len(places))
    at = (places + 1) * _PHASES - 1 - delays
    return m[np.maximum(at, 0)], owner


def random_units(m, units, rng):
    """Return weights and biases of hidden units that see a state in all directions.

    Parameters
    ----------
    m : (n, size) ndarray
        Typical states.
    units : int
    rng : numpy.random.RandomState

    Returns
    -------
    kernel : (units, size) ndarray
        By which what each is given has a standard deviation of 1.
    bias : (units,) ndarray
        Each begins to fire at another quantile of what it is given.
    """
    size = np.maximum(m.std(axis=0), 1e-6 * m.std())
    directions = rng.standard_normal((units, m.shape[1])) / size
    return units_along(directions, m, rng, _THRESHOLDS)


def units_along(directions, m, rng, thresholds):
    """Return weights and biases of hidden units that see a state in given directions.

    Parameters
    ----------
    directions : (units, size) ndarray
    m : (n, size) ndarray
        Typical states.
    rng : numpy.random.RandomState
    thresholds : tuple of float
        The least and the largest quantile of what a unit is given at which it begins to
        fire; those of the units are spread between them.

    Returns
    -------
    kernel : (units, size) ndarray
        By which what each is given has a standard deviation of 1.
    bias : (units,) ndarray
    """
    kernel = directions / (m @ directions.T).std(axis=0)[:, np.newaxis]
    where = rng.permutation(np.linspace(*thresholds, len(kernel)))
    seen = m @ kernel.T
    bias = -np.array([np.quantile(one, q) for one, q in zip(seen.T, where)])
    return kernel, bias


def states_and_activity(model, u):
    """Return what a forecast reads at the ends of samples, without noise.

    Parameters
    ----------
    model : nengo_lmu.series.SeriesNetwork
    u : (n_samples, features) ndarray
        Scaled.

    Returns
    -------
    features : (n_samples, features * d + units) ndarray
        States and, behind the filter of the readout, the activity of hidden units.
    """
    s = model.settings
    # a spiking memory is a time step late, which tells where samples jump
    late = 1 if s.n_neurons else 0
    k = s.steps_per_sample
    if not s.units:
        system = discretize(*state_space(s.theta * s.held, s.d), s.dt)
        seen = SeenStates(*system, steps=k, late=late)
        return seen.of(u[np.newaxis])[0].reshape(len(u), -1)
    m = ideal_states(u, s, k)
    m = np.vstack([np.zeros((late, m.shape[1])), m])[: len(u) * k]
    decay = np.exp(-s.dt / (s.readout_tau * s.held))
    # the filter is a time step late too
    filtered = lfilter(
        [0, 1 - decay], [1, -decay], hidden_activity(model.lmu, m), axis=0
    )
    return np.hstack([m, filtered])[k - 1 :: k]


def noise_of_units(model, features, covariance):
    """Return the covariance of the noise of states and of units that see them.

    Parameters
    ----------
    model : nengo_lmu.series.SeriesNetwork
    features : (n, features * d + units) ndarray
        As of `states_and_activity`.
    covariance : (features * d, features * d) ndarray
        Of the state's noise, which lasts for longer than the readout's filter.

    Returns
    -------
    covariance : (features * d + units, features * d + units) ndarray
        Means over the features: of what the state's noise makes of the activity of
        units that fire, and of Poisson spikes behind the filter, whose variance is
        their rate over twice the time constant.
    """
    s, size = model.settings, len(covariance)
    kernel = model.lmu.memory_kernel.transform.init
    given = features[:, :size] @ kernel.T + model.lmu.hidden_bias.transform.init[:, 0]
    fires = (given > 0).astype(float)
    both = covariance @ kernel.T * fires.mean(axis=0)
    own = kernel @ covariance @ kernel.T * (fires.T @ fires) / len(fires)
    if s.n_neurons:
        spikes = 1 / (2 * s.readout_tau * s.held * model.lmu.unit)
        own += np.diag(spikes * features[:, size:].mean(axis=0))
    return np.block([[covariance, both], [both.T, own]])
