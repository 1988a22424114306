"""Echo-state networks, whose weights are drawn, and only the readout is solved for.

``x[t] = (1 - l) x[t-1] + l tanh(W x[t-1] + w_in u[t] + b)``, with a readout of x, u and
1. A reservoir of few units is tried with many settings in validation, and the best of
them are those of the large one.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigs

from nengo_lmu.experiments.mackey_glass.regression import (
    errors,
    solve,
    weights_of_samples,
)
from nengo_lmu.tasks import mackey_glass

# What is tried: units to try with, how often, and ranges of each value, of which it is
# drawn as its logarithm.
_TRIAL_UNITS = 200
_TRIALS = 12
_RANGES = {"radius": (0.6, 1.3), "leak": (0.2, 1.0), "gain": (0.3, 5.0)}

# Each unit hears about so many others.
_HEARD = 10


@dataclass(frozen=True)
class EchoSettings:
    """Settings of an echo-state network.

    Attributes
    ----------
    units : int
    seed : int
        Of the sequences and the weights.
    sizes : tuple of int
        Sequences to train, to validate and to test with.
    n_fitted, n_checked, n_tested : int
        Samples of these, as for spiking networks.
    """

    units: int = 600
    seed: int = 0
    sizes: tuple = (32, 32, 64)
    n_fitted: int = 1500
    n_checked: int = 500
    n_tested: int = 150

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return self.units


class Reservoir:
    """The weights of an echo-state network.

    Parameters
    ----------
    units : int
    rng : numpy.random.RandomState
    radius : float
        The spectral radius.
    leak : float
        ``l``.
    gain : float
        Of the input and of the bias.
    """

    def __init__(self, units, rng, radius, leak, gain):
        self.leak = leak
        density = min(_HEARD / units, 1.0)
        W = sparse.random(
            units, units, density, "csr", random_state=rng, data_rvs=rng.standard_normal
        )
        start = np.ones(units)
        largest = np.abs(eigs(W, k=1, v0=start, return_eigenvectors=False, tol=1e-4))
        self._W = W * (radius / largest[0])
        self._w_in, self._b = gain * rng.uniform(-1, 1, (2, units, 1))

    def features(self, x):
        """Return what the readout sees.

        Parameters
        ----------
        x : (n, n_samples, 1) ndarray

        Returns
        -------
        features : (n, n_samples, units + 2) ndarray
        """
        n, n_samples, _ = x.shape
        units = len(self._b)
        features = np.ones((n, n_samples, units + 2))
        features[..., units] = x[..., 0]
        state = np.zeros((units, n))
        for t in range(n_samples):
            now = np.tanh(self._W @ state + self._w_in * x[:, t].T + self._b)
            state = (1 - self.leak) * state + self.leak * now
            features[:, t, :units] = state.T
        return features


def _fitted(reservoir, data, settings):
    """Return the readout's weights, its error in validation, and the penalty."""
    s = settings
    check = reservoir.features(data.validation.x[:, : s.n_checked])
    target = data.validation.y[:, : s.n_checked, 0]
    weights, penalty = solve(
        (reservoir.features(x[np.newaxis, : s.n_fitted])[0] for x in data.train.x),
        (y[: s.n_fitted, 0] for y in data.train.y),
        weights_of_samples(s.n_fitted),
        (check, target),
    )
    return weights, errors(check @ weights, target).all, penalty


def choose(data, settings):
    """Return the radius, the leak and the gain that are best in validation.

    Parameters
    ----------
    data : nengo_lmu.tasks.mackey_glass.MackeyGlass
    settings : EchoSettings

    Returns
    -------
    chosen : dict of float
    """
    rng = np.random.RandomState(settings.seed)
    trials = [
        {
            name: float(np.exp(rng.uniform(*np.log(ends))))
            for name, ends in _RANGES.items()
        }
        for _ in range(_TRIALS)
    ]

    def error(trial):
        weights = np.random.RandomState(settings.seed + 1)
        reservoir = Reservoir(_TRIAL_UNITS, weights, **trial)
        return _fitted(reservoir, data, settings)[1]

    return min(trials, key=error)


def measure_echo_state(settings):
    """Choose, fit and test an echo-state network.

    Parameters
    ----------
    settings : EchoSettings

    Returns
    -------
    result : dict
        ``all`` and ``settled``, the errors; ``chosen``; ``penalty``; and
        ``parameters`` that are fitted.
    """
    s = settings
    data = mackey_glass.load(s.seed, s.sizes)
    chosen = choose(data, s)
    reservoir = Reservoir(s.units, np.random.RandomState(s.seed + 2), **chosen)
    weights, _, penalty = _fitted(reservoir, data, s)
    predicted = reservoir.features(data.test.x[:, : s.n_tested]) @ weights
    return {
        **vars(errors(predicted, data.test.y[:, : s.n_tested, 0])),
        "chosen": chosen,
        "penalty": penalty,
        "parameters": len(weights),
    }
