"""Prediction of the Mackey-Glass series, a chaotic equation with a delay.

``dx/dt = beta x(t - tau) / (1 + x(t - tau)^n) - gamma x`` ([1]_, equation 4b) with
``beta = 0.2``, ``gamma = 0.1``, ``n = 10`` and ``tau = 17``. The task is to say at each
sample what the series will be 15 samples later.

The series are made as for the benchmark of the Legendre Memory Unit ([2]_, and the
notebook that was published with it): Euler's method with ten steps a unit of time, a
history of noise about 1.2, each sequence starting from the last value of the one before
it, so at another phase, and its first hundred samples thrown away; then
``tanh(x - 1)``, less the mean of the training set.

References
----------
.. [1] Mackey, M. C., & Glass, L. (1977). Oscillation and chaos in physiological control
   systems. Science, 197(4300), 287-289.
.. [2] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.
   NeurIPS 32.
"""

from dataclasses import dataclass

import numpy as np

BETA, GAMMA, EXPONENT = 0.2, 0.1, 10

# What is asked for comes so many samples after what is seen.
AHEAD = 15


@dataclass(frozen=True)
class Split:
    """Some of the sequences.

    Attributes
    ----------
    x : (n_sequences, n_samples, 1) ndarray
        What is seen.
    y : (n_sequences, n_samples, 1) ndarray
        What is asked for: ``x``, `AHEAD` samples later.
    """

    x: np.ndarray
    y: np.ndarray

    def __len__(self):
        return len(self.x)


@dataclass(frozen=True)
class MackeyGlass:
    """The sequences in three parts; the last is only for the final figures."""

    train: Split
    validation: Split
    test: Split


def integrate(x, history, n_samples, tau=17, substeps=10):
    """Integrate the equation by Euler's method.

    Parameters
    ----------
    x : float
        The value to start from.
    history : (tau * substeps,) array_like
        The values before it, the oldest first.
    n_samples : int
        How many units of time.
    tau : int
        The delay.
    substeps : int
        Steps a unit of time.

    Returns
    -------
    series : (n_samples,) ndarray
        The value at the end of each unit of time.

    Examples
    --------
    >>> integrate(1.2, np.full(170, 1.2), n_samples=3).round(4)
    array([1.1172, 1.0423, 0.9745])
    """
    from scipy.signal import lfilter  # it takes half a second, for this series only

    block = tau * substeps
    n_steps = n_samples * substeps
    delayed, series = np.asarray(history, dtype=float), []
    # What a step adds is known as long ago as the delay, so that many steps at once
    # are a linear filter.
    decay = 1 - GAMMA / substeps
    for _ in range(-(-n_steps // block)):
        growth = BETA / substeps * delayed / (1 + delayed**EXPONENT)
        after, _ = lfilter([1.0], [1.0, -decay], growth, zi=[decay * x])
        # The next block looks back at the values before each of these steps.
        delayed = np.concatenate([[x], after[:-1]])
        x = after[-1]
        series.append(after)
    return np.concatenate(series)[:n_steps][substeps - 1 :: substeps]


def sequences(n_sequences, n_samples, seed=0, tau=17, substeps=10, washout=100):
    """Return sequences of the series, squashed to within -1 and 1.

    Parameters
    ----------
    n_sequences, n_samples : int
    seed : int
        Of the histories.
    tau, substeps : int
        As for `integrate`.
    washout : int
        Samples thrown away at the beginning of each.

    Returns
    -------
    series : (n_sequences, n_samples) ndarray

    Examples
    --------
    >>> sequences(n_sequences=2, n_samples=50).shape
    (2, 50)
    """
    rng = np.random.RandomState(seed)
    x, series = 1.2, []
    for _ in range(n_sequences):
        history = 1.2 + 0.2 * (rng.uniform(size=tau * substeps) - 0.5)
        raw = integrate(x, history, washout + n_samples, tau, substeps)
        x = raw[-1]
        series.append(raw[washout:])
    return np.tanh(np.array(series) - 1)


def load(seed=0, sizes=(32, 32, 64), n_samples=5000):
    """Return the benchmark's sequences.

    Parameters
    ----------
    seed : int
        Another one makes other sequences.
    sizes : tuple of int
        Sequences to train, to validate and to test with.
    n_samples : int
        Of each sequence.

    Returns
    -------
    data : MackeyGlass

    Examples
    --------
    >>> data = load(sizes=(3, 2, 1), n_samples=50)
    >>> data.train.x.shape, data.test.y.shape
    ((3, 50, 1), (1, 50, 1))
    >>> bool((data.train.x[:, AHEAD:] == data.train.y[:, :-AHEAD]).all())
    True
    """
    series = sequences(sum(sizes), n_samples + AHEAD, seed)
    series -= series[: sizes[0]].mean()
    series = series[..., np.newaxis]
    x, y = series[:, :-AHEAD], series[:, AHEAD:]
    bounds = np.cumsum(sizes)[:2]
    return MackeyGlass(*map(Split, np.split(x, bounds), np.split(y, bounds)))


def nrmse(predicted, target):
    """Return the root mean square error over the root mean square of what is wanted.

    Parameters
    ----------
    predicted, wanted : array_like
        Of the same shape; all their elements count alike, the first samples of a
        sequence too, at which nothing has been seen yet.

    Returns
    -------
    error : float
        1 for a prediction of 0 throughout.

    Examples
    --------
    >>> nrmse([1.0, 1.0], [1.0, -1.0]) == 2**0.5
    True
    """
    predicted, target = np.asarray(predicted), np.asarray(target)
    return float(np.sqrt(np.mean((predicted - target) ** 2) / np.mean(target**2)))
