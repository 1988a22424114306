"""The spiking network step by step in NumPy, for many digits at once.

What it computes is what the network does in any simulator of Nengo, but for the numbers
that are drawn, several times faster than NengoDL does it on processors:

- Of a dimension of the memory, on neurons or off neurons are active, never both. Spikes
  of neurons that are read alike add up to one Poisson number (as in
  `nengo_lmu.dl.superposition`), so that a dimension takes one number a step.
- The state and what the neurons hear of their errors pass on by the same matrix.
- Hidden units that are held silent are not computed: their charge stays what it was.
"""

import numpy as np

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.tasks.mnist import N_PIXELS


def poisson(mean, rng):
    """Draw Poisson numbers by inversion, which is fast for small means.

    Parameters
    ----------
    mean : (n, d) ndarray of float32
    rng : numpy.random.Generator

    Returns
    -------
    number : (n, d) ndarray of float32
        The smallest for which the distribution exceeds a uniform number.
    """
    u = rng.random(mean.shape, dtype=np.float32)
    term = np.exp(-mean)
    number = np.zeros(mean.shape, np.float32)
    flat = number.ravel()
    where = np.flatnonzero(u >= term)
    u, term, mean = (values.ravel()[where] for values in (u, term, mean))
    below, n = term, 0
    while len(where):
        n += 1
        flat[where] = n
        term = term * mean / n
        upto = below + term
        # where rounding keeps it from 1, nothing more is added
        more = (u >= upto) & (upto > below)
        where, u, term, mean = where[more], u[more], term[more], mean[more]
        below = upto[more]
    return number


class Stepper:
    """A trained `SpikingClassifier`, as matrices of single precision.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.spiking.SpikingClassifier
        With hidden units of `nengo.SpikingRectifiedLinear`.
    draw : callable
        Takes the mean numbers of spikes, and a random state.
    """

    def __init__(self, classifier, draw=poisson):
        s, lmu = classifier.settings, classifier.lmu
        memory, p = lmu.memory, lmu.memory.populations
        self._draw = draw
        self._classifier = classifier

        def single(array):
            return np.ascontiguousarray(array, dtype=np.float32)

        A_bar, B_bar = discretize(*state_space(s.theta, s.d), s.dt)
        self._A = single(memory.realization.seen(A_bar, "within").T)
        self._B = single(memory.realization.seen(B_bar, "into")[:, 0])
        self._T = single(memory.realization.T.T)
        self._decay = np.float32(np.exp(-s.dt / memory.synapse.tau))
        self._gain = np.float32(memory.error_feedback)
        # Spikes a step for x = 1 and x = -1, and how far each of them moves x.
        self._on, self._off = (
            single([p.gain[i][sign * p.signs[i] > 0].sum() * s.dt for i in p.slices])
            for sign in (1, -1)
        )
        self._on_weight, self._off_weight = (
            single(
                [p.weights[i][sign * p.signs[i] > 0].mean() / s.dt for i in p.slices]
            )
            for sign in (1, -1)
        )

        matrices = classifier.matrices
        self._kernel = single(matrices["memory_kernel"].T)
        self._hidden_bias = single(matrices["hidden_bias"][:, 0])
        self._hidden_gain = single(lmu.hidden.gain * s.dt)
        self._readout = single(matrices["readout"].T / lmu.unit / s.dt)
        self._bias = single(matrices["bias"][:, 0])
        self._state_decay = _decay(lmu.memory_kernel.synapse, s.dt)
        self._score_decay = _decay(classifier.readout.synapse, s.dt)

    def run(self, pixels, rng, charge=None):
        """Present digits, each from rest.

        Parameters
        ----------
        pixels : (n, 784) array_like
        rng : numpy.random.Generator
        charge : (units,) array_like, optional
            Of hidden units to begin with, in spikes; by default drawn from 0 to 1, as
            Nengo does it.

        Returns
        -------
        scores : (n, 10) ndarray
            Of the last step.
        memory_spikes, hidden_spikes : (n,) ndarray
            Of each digit.
        """
        s = self._classifier.settings
        u = np.asarray(pixels - self._classifier.mean, np.float32)
        n = len(u)
        # The state and what is heard of errors, one below the other.
        both = np.zeros((2 * n, s.d), np.float32)
        x, heard = both[:n], both[n:]
        said = np.empty_like(both)
        seen = np.zeros_like(x)
        charge = rng.random(s.units) if charge is None else charge
        charge = np.tile(np.asarray(charge, np.float32), (n, 1))
        filtered = np.zeros((n, len(self._bias)), np.float32)
        spikes = np.zeros((2, n))
        # NumPy takes several times as long where it has to repeat rows.
        on, off, on_weight, off_weight = (
            np.tile(row, (n, 1))
            for row in (self._on, self._off, self._on_weight, self._off_weight)
        )
        for pixel in range(N_PIXELS):
            entering = u[:, pixel, np.newaxis] * self._B
            is_free = pixel >= N_PIXELS - s.last_pixels
            for _ in range(s.steps_per_pixel):
                scores = filtered
                if is_free:
                    fired = self._fire(seen, charge)
                    spikes[1] += fired.sum(axis=1)
                    filtered = _toward(
                        filtered, fired @ self._readout, self._score_decay
                    )
                seen = _toward(seen, x, self._state_decay)
                given = x + heard
                number = self._draw(np.maximum(given * on, given * -off), rng)
                spikes[0] += number.sum(axis=1)
                number = np.copysign(number, given)
                said[:n] = np.maximum(number * on_weight, 0)
                said[:n] += np.minimum(number * -off_weight, 0)
                said[n:] = heard
                mistake = x - said[:n]
                both = said @ self._A
                x, heard = both[:n], both[n:]
                x += self._decay * mistake + entering
                heard += self._gain * mistake
        return scores + self._bias, *spikes

    def _fire(self, seen, charge):
        """Return the spikes of hidden units, and change their charge."""
        current = (seen @ self._T) @ self._kernel + self._hidden_bias
        charge += np.maximum(current * self._hidden_gain, 0)
        fired = np.floor(charge)
        charge -= fired
        return fired


def _decay(synapse, dt):
    """Return how much of what a synapse has is left a step later."""
    if synapse is None:
        return None
    return np.float32(np.exp(-dt / synapse.tau))


def _toward(value, target, decay):
    """Return what a low-pass filter has a step later; without one, the target."""
    if decay is None:
        return target
    return decay * value + (1 - decay) * target
