"""The capacity task: at every step, recall the input of up to T steps ago.

Voelker, Kajić and Eliasmith (2019), section 4.1: the input is white noise up to 10 Hz,
and T steps are a second of it, however many they are. So T is how finely the same
signals are sampled, and a longer task asks for longer memories of the same content.
"""

import numpy as np

from nengo_lmu.legendre.checks import whole

N_DELAYS = 5
BANDWIDTH = 10.0  # hertz
# A sequence has so many windows of T steps, which are seconds.
WINDOWS = 2.5

# So many steps are looked at together.
PIECE = 10_000


def delays(length, n_delays=N_DELAYS):
    """Return how many steps ago the values are to be recalled.

    Parameters
    ----------
    length : int
        T: steps in the window.
    n_delays : int

    Returns
    -------
    steps : (n_delays,) ndarray of int
        Evenly spread, from 0 to ``length``.

    Examples
    --------
    >>> delays(100)
    array([  0,  25,  50,  75, 100])
    """
    return np.linspace(0, length, n_delays, dtype=int)


class WhiteNoise:
    """A sequence of the task, which can be looked at anywhere without being stored.

    A sum of waves with random amplitudes and phases, at all frequencies up to 10 Hz
    that fit the sequence a whole number of times (the first is 0.4 Hz). It starts at
    the step where it is closest to zero, its largest absolute value is 1, it was zero
    before it started, and where it is asked for more than its length it repeats itself.

    Parameters
    ----------
    length : int
        T: steps in a second.
    rng : numpy.random.RandomState
        The same gives the same waves for each length.

    Attributes
    ----------
    n_steps : int
        Of the sequence.

    Examples
    --------
    >>> noise = WhiteNoise(100, np.random.RandomState(0))
    >>> noise.n_steps, noise.at([120, 121], delays=(0, 20)).shape
    (250, (2, 2))
    >>> np.allclose(noise.at([120], delays=[20]), noise.at([100]))
    True
    """

    def __init__(self, length, rng):
        length = whole("length", length, 1 + int(2 * BANDWIDTH))
        self.n_steps = int(WINDOWS * length)
        n_waves = int(BANDWIDTH * WINDOWS)
        self._waves = np.arange(1, n_waves + 1)
        self._amplitudes = rng.standard_normal((n_waves, 2)) @ [1, 1j]
        self._start = 0
        # Pieces let a long sequence take no more memory than a short one.
        largest, closest, start = 0.0, np.inf, 0
        for first in range(0, self.n_steps, PIECE):
            steps = np.arange(first, min(first + PIECE, self.n_steps))
            size = np.abs(self.at(steps)[:, 0])
            largest = max(largest, size.max())
            if size.min() < closest:
                closest, start = size.min(), int(steps[size.argmin()])
        self._start = start
        self._amplitudes /= largest

    def at(self, steps, delays=(0,)):
        """Return what was presented, some steps ago.

        Parameters
        ----------
        steps : (n,) array_like of int
            When it is asked for.
        delays : (n_delays,) array_like of int
            How many steps before.

        Returns
        -------
        u : (n, n_delays) ndarray
        """
        steps, delays = np.asarray(steps)[:, np.newaxis], np.asarray(delays)
        amplitudes = self._amplitudes * self._turns(-delays[:, np.newaxis])
        u = (self._turns(steps + self._start) @ amplitudes.T).real
        return np.where(steps < delays, 0.0, u)

    def _turns(self, steps):
        # Whole periods are taken off as whole numbers, which loses no precision.
        return np.exp(2j * np.pi / self.n_steps * (steps * self._waves % self.n_steps))


def sequences(length, n, seed=0):
    """Return sequences of the task, to train and test a network with.

    Parameters
    ----------
    length : int
        T.
    n : int
        How many.
    seed : int

    Returns
    -------
    x : (n, 2.5 T, 1) ndarray
        The inputs.
    y : (n, 2.5 T, 5) ndarray
        What to recall.

    Examples
    --------
    >>> x, y = sequences(length=40, n=3)
    >>> x.shape, y.shape
    ((3, 100, 1), (3, 100, 5))
    """
    rng = np.random.RandomState(seed)
    steps = np.arange(int(WINDOWS * length))
    y = np.stack([WhiteNoise(length, rng).at(steps, delays(length)) for _ in range(n)])
    return y[..., :1].copy(), y
