"""The noise of spikes: how far one step's decoded spikes are from what they encode.

A dimension ``x`` of the state is represented by ``n`` neurons, half on and half off,
with rates ``r |x|`` on their side and 0 on the other. Decoding their spikes gives
``x + eta``. Everything here is for ``n = 1``: the variance of ``eta`` goes as
``1 / n``, or as ``1 / n^2`` where neurons do not draw their spikes all at once.
"""

from functools import cache

import numpy as np

# The frequencies of harmonics are folded back this often at half the sampling rate.
_FOLDS = 6


def poisson_variance(mean_abs, max_rate, dt):
    """Return the variance of the noise of Poisson neurons, white from step to step.

    Parameters
    ----------
    mean_abs : (d,) array_like
        ``E|x_i|``.
    max_rate : float
        Mean rate of a neuron at ``|x_i| = 1`` (hertz).
    dt : float
        Time step (seconds).

    Returns
    -------
    variance : (d,) ndarray
        ``2 E|x_i| / (r dt)``. A neuron's spikes of a step have mean and variance
        ``r |x| dt``, and ``n / 2`` neurons share the decoding of ``x``.
    """
    return 2 * mean_abs / (max_rate * dt)


def stochastic_variance(mean_abs, mean_square, max_rate, dt):
    """Return the variance of the noise of neurons with at most one spike a step.

    Parameters
    ----------
    mean_abs, max_rate, dt
        As for `poisson_variance`.
    mean_square : (d,) array_like
        ``E x_i^2``.

    Returns
    -------
    variance : (d,) ndarray
        ``2 E|x_i| / (r dt) - 2 E x_i^2``, that of Bernoulli's ``p (1 - p)`` with
        ``p = r |x| dt``, which rates below ``1 / dt`` make a probability.
    """
    # rates above 1 / dt leave no less noise than none
    return np.maximum(2 * mean_abs / (max_rate * dt) - 2 * mean_square, 0)


def staggered_variance(max_rate, dt):
    """Return the variance of the noise of neurons whose thresholds are staggered.

    As ``|x|`` grows, the neurons of a sign begin one after the other: the next one
    when the one before spikes in each step. So only one of them draws its spikes at a
    time, with a probability ``p`` anywhere from 0 to 1.

    Parameters
    ----------
    max_rate, dt
        As for `poisson_variance`.

    Returns
    -------
    variance : float
        ``2 / (3 (r dt)^2)``, whatever ``x`` is, and divided by ``n^2`` for ``n``
        neurons: ``n r dt / 2`` of them spike in a step at ``|x| = 1``, and the mean of
        ``p (1 - p)`` is 1/6.
    """
    return 2 / (3 * (max_rate * dt) ** 2)


def regular_spectrum(frequency, mean_square, crossings, max_rate, dt):
    """Return the power spectrum of the noise of regularly spiking neurons.

    Parameters
    ----------
    frequency : (n_frequencies,) array_like
        Above 0 and at most ``1 / (2 dt)`` (hertz).
    mean_square : (d,) array_like
        ``E x_i^2``, with ``x_i`` taken to be Gaussian.
    crossings : (d,) array_like
        How often ``x_i`` changes its sign (hertz).
    max_rate, dt
        As for `poisson_variance`.

    Returns
    -------
    spectrum : (n_frequencies, d) ndarray
        One-sided density (1/hertz): its integral is the variance.

    Notes
    -----
    A neuron that integrates a current ``J`` and spikes at each whole number fires
    ``s[t] dt = J dt - (v[t] - v[t-1])``, where ``v`` is the fraction that is left.

    While ``J`` is constant, the noise has lines at the harmonics ``k J``, of power
    ``2 sin^2(pi k J dt) / (pi k dt)^2``, those above ``1 / (2 dt)`` folded back. They
    are averaged over the rates ``J = r |x|`` that a slow state takes.

    While the neuron is silent, it holds the ``v`` it was left with, uniform on [0, 1),
    whose deviation from 1/2 is an error that lasts until ``x`` changes its sign again:
    a random telegraph signal, taken to change at random times.

    Neurons are taken to be independent, since their phases and rates differ.
    """
    f = np.asarray(frequency, dtype=float)
    deviation = max_rate * np.sqrt(mean_square)  # the rate deviates so before folding
    folded = [np.abs(fold / dt + f) for fold in range(-_FOLDS, _FOLDS + 1)]
    lines = sum(_harmonics(f[:, np.newaxis] / deviation) for f in folded) / deviation
    # Differences v[t] - v[t-1], in spikes per second, multiply the spectrum by this.
    difference = (2 * np.sin(np.pi * f * dt) / dt)[:, np.newaxis] ** 2
    active = difference * lines / (2 * np.pi**2)
    # A held phase has a variance of 1/12, half the time.
    held = crossings / (6 * (crossings**2 + (2 * np.pi * f[:, np.newaxis]) ** 2))
    silent = difference * held
    # half of the neurons are active at a time, but all of them are silent half the time
    return (2 * active + 4 * silent) / max_rate**2


def _harmonics(z):
    """Return ``sum_k p(z / k) / k^3`` with the density ``p`` of a folded normal.

    The harmonic ``k`` is at the frequency ``f`` where the rate is ``f / k``, of density
    ``p(f / k)``, or ``p(f / k) / k`` in ``f``; its power goes as ``1 / k^2``.
    """
    points, values = _harmonics_table()
    # far beyond the first harmonics, the sum is as good as an integral
    beyond = np.sqrt(2 / np.pi) / np.maximum(z, points[-1]) ** 2
    inside = np.interp(np.log(np.maximum(z, points[0])), np.log(points), values)
    return np.where(z > points[-1], beyond, inside)


@cache
def _harmonics_table():
    z = np.geomspace(1e-3, 100, 1500)
    k = np.arange(1, 5001)[:, np.newaxis]
    values = np.sum(np.exp(-((z / k) ** 2) / 2) / k**3, axis=0)
    return z, np.sqrt(2 / np.pi) * values
