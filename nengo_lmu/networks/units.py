"""Neurons that represent what a memory remembers, for functions that are not linear.

A memory's own neurons are of no use for these: each takes part in a single coordinate
of a basis that the theory chose, and a function of two coordinates is not a sum of
functions of one. So others are given the state, in coordinates that suit what the
input makes of it: standard deviations of its directions differ by orders of magnitude,
and some of them are lost in noise.
"""

import nengo
import numpy as np
from nengo.builder import Builder
from nengo.builder.ensemble import build_ensemble

from nengo_lmu.legendre.statistics import variance_along
from nengo_lmu.networks.apart import set_apart
from nengo_lmu.networks.arguments import nengos_defaults
from nengo_lmu.networks.objects import BiasConnection
from nengo_lmu.networks.spikes import low_passed_variance

# Their noise is a matrix of theirs.
MOST_NEURONS = 2**14

# Neurons have their maximum rate at this many standard deviations of what they are
# given.
_RADIUS = 2.5

# What is smaller than the largest direction by this does not occur.
_SMALLEST = 1e-4

# Thresholds are at these quantiles of what each neuron is given. Neurons that are
# silent half of the time have less in common, so that they learn faster, and say
# products better than neurons that hardly ever are.
_QUANTILES = 0.3, 0.95

# Nodes and weights for the mean over the noise of what neurons are given.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def default_rates(neuron_type):
    """Return maximum rates for neurons of a type (hertz), from and to."""
    if isinstance(neuron_type, (nengo.Tanh, nengo.Sigmoid)):
        return 0.8 / neuron_type.tau_ref, 0.95 / neuron_type.tau_ref
    return 200.0, 240.0


class UnitEnsemble(nengo.Ensemble):
    """Neurons that draw random numbers of their own."""


@Builder.register(UnitEnsemble)
def build_unit_ensemble(model, ens):
    """Build a `UnitEnsemble` as any, out of reach of Nengo's optimizer."""
    build_ensemble(model, ens)
    set_apart(model, ens.neurons)


class Units:
    """Neurons that see some rows of a memory's state.

    Parameters
    ----------
    memory : LegendreMemory
        The neurons become a part of it.
    n_neurons : int
    rows : (k, size_state) ndarray
        What they see is ``rows @ m``.
    states : (n, size_state) ndarray
        Typical ones.
    covariance : (size_state, size_state) ndarray
        Of their noise.
    neuron_type : nengo.neurons.NeuronType
    rng : numpy.random.RandomState

    Attributes
    ----------
    ensemble : nengo.Ensemble
    kernel : (n_neurons, size_state) ndarray
        From the state to the neurons' input.
    bias : (n_neurons,) ndarray
    """

    def __init__(self, memory, n_neurons, rows, states, covariance, neuron_type, rng):
        seen = states @ rows.T
        mean = seen.mean(axis=0)
        own = _coordinates(
            np.atleast_2d(np.cov(seen.T, bias=True)), rows @ covariance @ rows.T
        )
        self.neuron_type = neuron_type

        encoders = rng.standard_normal((n_neurons, len(own)))
        encoders /= np.linalg.norm(encoders, axis=1)[:, np.newaxis]
        directions = encoders @ own
        directions /= ((seen - mean) @ directions.T).std(axis=0)[:, np.newaxis]
        given = (seen - mean) @ directions.T
        where = rng.permutation(np.linspace(*_QUANTILES, n_neurons))
        intercepts = [
            np.quantile(one, quantile) for one, quantile in zip(given.T, where)
        ]
        intercepts = np.clip(np.array(intercepts) / _RADIUS, -0.99, 0.9)
        rates = rng.permutation(np.linspace(*default_rates(neuron_type), n_neurons))
        gain, bias = neuron_type.gain_bias(rates, intercepts)
        directions /= _RADIUS
        self.kernel = gain[:, np.newaxis] * (directions @ rows)
        self.bias = bias - gain * (directions @ mean)
        with memory, nengos_defaults(), nengo.Network(label="readout neurons"):
            self.ensemble = UnitEnsemble(
                n_neurons,
                1,
                neuron_type=neuron_type,
                encoders=np.ones((n_neurons, 1)),
                normalize_encoders=False,
                gain=gain,
                bias=bias,
                seed=int(rng.randint(2**31)),
                label="readout neurons",
            )
            neurons = self.ensemble.neurons
            # The state has passed the memory's synapse already.
            nengo.Connection(
                memory.output, neurons, transform=directions @ rows, synapse=None
            )
            BiasConnection(
                nengo.Node([1.0], label="one"),
                neurons,
                transform=-(directions @ mean)[:, np.newaxis],
                synapse=None,
            )

    def rates(self, states, covariance):
        """Return the mean rates for noisy states, and how they change with the input.

        Parameters
        ----------
        states : (n, size_state) ndarray
        covariance : (size_state, size_state) ndarray
            Of the noise.

        Returns
        -------
        rates, slopes : (n, n_neurons) ndarray
        """
        x = states @ self.kernel.T + self.bias
        deviation = np.sqrt(variance_along(self.kernel, covariance))
        one = np.ones(len(self.bias))
        if not deviation.any():
            return self.neuron_type.rates(x, one, 0 * one), np.zeros_like(x)
        rates, slopes = np.zeros_like(x), np.zeros_like(x)
        for node, weight in zip(_NODES, _WEIGHTS):
            at = self.neuron_type.rates(x + node * deviation, one, 0 * one)
            rates += weight * at
            slopes += weight * node * at
        return rates, slopes / np.maximum(deviation, np.finfo(float).tiny)

    def noise(self, states, heard, filtered, decay, dt):
        """Return the covariance of the state and the activities behind a synapse.

        Parameters
        ----------
        states : (n, size_state) ndarray
            Typical ones, over which it is the mean.
        heard, filtered : (size_state, size_state) ndarray
            Covariance of the state's noise as the neurons get it, and behind the
            synapse.
        decay : float or None
            Of that synapse, per step.
        dt : float
            Time step (seconds).

        Returns
        -------
        covariance : (size_state + n_neurons, size_state + n_neurons) ndarray
            Of what the state's noise makes of the activities, and of spikes.
        """
        rates, slopes = self.rates(states, heard)
        both = filtered @ (self.kernel * slopes.mean(axis=0)[:, np.newaxis]).T
        noise = self.kernel @ filtered @ self.kernel.T
        noise *= slopes.T @ slopes / len(slopes)
        own = low_passed_variance(self.neuron_type, rates, decay, dt).mean(axis=0)
        noise[np.diag_indices_from(noise)] += own
        return np.block([[filtered, both], [both.T, noise]])


def _coordinates(signal, noise):
    """Return the coordinates in which neurons see some values.

    Parameters
    ----------
    signal, noise : (k, k) ndarray
        Covariances of the values and of their noise.

    Returns
    -------
    own : (j, k) ndarray
        Principal components that stand out from the noise, each divided by the square
        root of its standard deviation: a compromise between one scale for all and one
        for each, with which small ones have a voice but no more.
    """
    variances, axes = np.linalg.eigh(signal)
    power = np.sum(axes * (noise @ axes), axis=0)
    kept = (variances > power) & (variances > _SMALLEST**2 * variances[-1])
    kept[-1] = True
    scale = np.maximum(variances[kept], np.finfo(float).tiny) ** 0.25
    return axes[:, kept].T / scale[:, np.newaxis]
