"""Poisson neurons several times faster in `nengo.Simulator`.

Nengo draws a number of spikes for each neuron, and nearly all of them are zero. It is
faster to draw spikes instead of neurons: as many as if every neuron fired as fast as
the fastest around it, each of any neuron, to be kept with the probability ``rate /
fastest rate``. What remains of a Poisson process of which each spike is kept or not,
independently of all others, is one too (thinning [1]_): the distribution is the same.

For the neurons of a memory there is nothing to do. For those of any other network::

    nengo.builder.Builder.register(nengo.PoissonSpiking)(build_poisson)

References
----------
.. [1] Lewis, P. A. W., & Shedler, G. S. (1979). Simulation of nonhomogeneous Poisson
   processes by thinning.
"""

from functools import lru_cache

import nengo
import numpy as np
from nengo.builder.neurons import build_rates_to_spikes

from nengo_lmu.networks.backends import is_reference

# Neighbours are in so many blocks, each as fast as its fastest neuron. Half of the
# neurons of a dimension are silent at a time, and some dimensions have larger values
# than others.
_BLOCKS = 64

# Expected spikes of a step that are as good as none. A rate of 0 takes no random
# number, and rounding, which depends on where arrays lie in memory, makes some of them
# 1e-17. A run would not be that of its seed then.
_SILENT = 1e-12

# Nengo's own step is faster for fewer neurons, and where more spikes are drawn.
_FEWEST_NEURONS = 2000
_MOST_SPIKES_A_NEURON = 0.5


class Rectified(nengo.RectifiedLinear):
    """The step of `nengo.RectifiedLinear`, without arrays in between."""

    def step(self, dt, J, output):
        """Set the rates for an input current."""
        np.maximum(J, 0, out=output)
        if self.amplitude != 1:
            output *= self.amplitude


class ThinnedPoisson(nengo.PoissonSpiking):
    """The step of `nengo.PoissonSpiking` by thinning: same distribution, other numbers.

    For operators of `nengo.Simulator`. Networks are made of Nengo's own type, which is
    what other backends know.
    """

    def step(self, dt, J, output, rng):
        """Set the spikes of a step.

        Parameters
        ----------
        dt : float
        J : (n_neurons,) ndarray
            Rates, in hertz.
        output : (n_neurons,) ndarray
            Set to ``amplitude / dt`` for each spike, with the sign of the rate.
        rng : numpy.random.RandomState

        Raises
        ------
        ValueError
            For what are no rates, such as NaN; as Nengo does.
        """
        rates = np.abs(J) if self.negative else J
        if not (rates.size >= _FEWEST_NEURONS and rates.min() >= 0):
            super().step(dt, _without_rounding(J, rates, dt), output, rng)
            return
        first, size = _blocks(rates.size)
        fastest = np.maximum.reduceat(rates, first)
        expected = fastest * size * dt
        if not expected.sum() <= _MOST_SPIKES_A_NEURON * rates.size:
            super().step(dt, _without_rounding(J, rates, dt), output, rng)
            return

        expected[expected <= _SILENT] = 0
        drawn = rng.poisson(expected)
        # The integer part of a uniform number tells which neuron of the block spikes,
        # the fraction whether the spike is kept.
        place = rng.random_sample(drawn.sum()) * np.repeat(size, drawn)
        neuron = place.astype(np.intp)
        level = (place - neuron) * np.repeat(fastest, drawn)
        neuron += np.repeat(first, drawn)
        count = np.bincount(neuron[level < rates[neuron]], minlength=rates.size)
        np.multiply(count, self.amplitude / dt, out=output)
        if self.negative:
            output *= np.sign(J)


def _without_rounding(J, rates, dt):
    """Return currents with 0 for neurons that are silent but for rounding."""
    # not for what is no rate, which Nengo refuses
    silent = (rates > 0) & (rates <= _SILENT / dt)
    return np.where(silent, 0, J) if np.count_nonzero(silent) else J


def build_poisson(model, neuron_type, neurons):
    """Build `nengo.PoissonSpiking` neurons, with a faster step in `nengo.Simulator`."""
    if is_reference(model) and type(neuron_type) is nengo.PoissonSpiking:
        base = neuron_type.base_type
        if type(base) is nengo.RectifiedLinear:
            base = Rectified(base.amplitude, base.initial_state)
        neuron_type = ThinnedPoisson(
            base, neuron_type.amplitude, neuron_type.initial_state
        )
    build_rates_to_spikes(model, neuron_type, neurons)


@lru_cache
def _blocks(n_neurons):
    """Return the first neuron of each block, and the number of its neurons."""
    first = np.arange(_BLOCKS) * n_neurons // _BLOCKS
    return first, np.diff(first, append=n_neurons)
