"""What networks are trained on that read a spiking memory: ideal states, and noise."""

import numpy as np

from nengo_lmu.legendre.system import states
from nengo_lmu.series.data import stream

# A filter of class scores looks at so many quantiles of its exponential distribution.
_DELAYS = 8

# times within a sample at which a state may be looked at
_PHASES = 4


def correlated_noise(covariance, n, rng, dtype=np.float64):
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


def hidden_activity(lmu, m):
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


def noise_of_features(covariance, shape, rng):
    """Draw noise of memories of the same design, one for each feature.

    Parameters
    ----------
    covariance : (d, d) array_like
        Of each.
    shape : tuple of int
        ``(n, features * d)``.
    rng : numpy.random.RandomState

    Returns
    -------
    noise : (n, features * d) ndarray
    """
    n, size = shape
    noise = correlated_noise(covariance, n * size // len(covariance), rng)
    return noise.reshape(shape)


def ideal_states(u, settings, every=1):
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
