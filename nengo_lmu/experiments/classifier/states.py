"""What networks are trained on that read a spiking memory: ideal states, and noise."""

import numpy as np


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
    scale = 1 / (m.std(axis=0) * np.sqrt(d))
    return rng.standard_normal((units, d)) * scale


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
