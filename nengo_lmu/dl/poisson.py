"""Poisson neurons several times faster in NengoDL.

TensorFlow's Poisson generator takes most of the time of a spiking network, though
nearly all of its numbers are zero. Two ways are faster, and have the same distribution:

- Where there are few spikes they are drawn instead of neurons, as in
  `nengo_lmu.networks.poisson`: as many as if every neuron fired as fast as the fastest
  around it, each to be kept with the probability ``rate / fastest rate``.
- Otherwise, small numbers are quick to find by inversion: of a uniform number ``u``,
  the smallest ``n`` with ``P(N <= n) > u``.

`nengo_lmu.dl.fast.specialized` makes use of it.
"""

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo_dl.builder import Builder
from nengo_dl.neuron_builders import PoissonSpikingBuilder

# These types of neurons have rates that are never below 0. Subclasses may differ:
# NengoDL's LeakyReLU does.
NOT_NEGATIVE = (
    nengo.AdaptiveLIFRate,
    nengo.LIFRate,
    nengo.RectifiedLinear,
    nengo.Sigmoid,
    nengo_dl.SoftLIFRate,
)

# TensorFlow's generator is faster for fewer numbers: one operator in place of many.
_FEWEST_NUMBERS = 1000

# Neighbours in a block are drawn as if each were as fast as the fastest of them, up to
# so many spikes a neuron: more take longer than inversion.
_BLOCK = 64
_MOST_SPIKES_A_NEURON = 0.25

# Larger means are left to TensorFlow: inversion takes a product for each spike, and the
# resolution of uniform numbers, 2^-23, begins to show in the tail.
_LARGEST_MEAN = 8.0
_LARGEST_NUMBER = 64.0


def poisson(mean):
    """Draw Poisson numbers.

    Parameters
    ----------
    mean : tensor of float
        Not negative.

    Returns
    -------
    n : tensor of float
        Of the same shape; NaN where the mean is not finite, for which TensorFlow's
        generator would never return.
    """
    finite = tf.math.is_finite(mean)
    number = _drawn(tf.where(finite, mean, 0))
    return tf.where(finite, number, np.nan)


def _drawn(mean):
    n = mean.shape.num_elements()
    few = n is not None and n < _FEWEST_NUMBERS
    number = _by_tensorflow(mean) if few else _by_the_largest(mean)
    number.set_shape(mean.shape)
    return number


def _by_tensorflow(mean):
    return tf.random.poisson((), mean, dtype=mean.dtype)


def _by_the_largest(mean):
    """Draw Poisson numbers in the way that is fast for the largest means."""
    size, blocks = tf.size(mean), tf.reshape(mean, [-1])
    n = mean.shape.num_elements()
    whole = n is not None and n % _BLOCK == 0
    if not whole:
        blocks = tf.pad(blocks, [[0, -size % _BLOCK]])
    blocks = tf.reshape(blocks, [-1, _BLOCK])
    largest = tf.reduce_max(blocks, axis=1)

    def without_thinning():
        return tf.cond(
            tf.reduce_max(largest) < _LARGEST_MEAN,
            lambda: _invert(mean),
            lambda: _by_tensorflow(mean),
        )

    def thinning():
        number = _thin(blocks, largest)
        return tf.reshape(number if whole else number[:size], tf.shape(mean))

    return tf.cond(
        tf.reduce_mean(largest) < _MOST_SPIKES_A_NEURON, thinning, without_thinning
    )


def _thin(blocks, largest):
    """Return Poisson numbers, flat, for blocks of means with the largest of each."""
    drawn = tf.random.poisson((), largest * _BLOCK, dtype=tf.int32)
    block = tf.repeat(tf.range(tf.size(drawn)), drawn)
    # The integer part of a uniform number tells which neuron of the block spikes, the
    # fraction whether the spike is kept; in double precision the fraction is fine.
    place = tf.random.uniform(tf.shape(block), maxval=_BLOCK, dtype=tf.float64)
    neuron = tf.floor(place)
    level = (place - neuron) * tf.cast(tf.gather(largest, block), place.dtype)
    neuron = block * _BLOCK + tf.cast(neuron, block.dtype)
    means = tf.reshape(blocks, [-1])
    kept = level < tf.cast(tf.gather(means, neuron), level.dtype)
    neuron = tf.boolean_mask(neuron, kept)
    ones = tf.ones_like(neuron, dtype=means.dtype)
    return tf.scatter_nd(neuron[:, tf.newaxis], ones, tf.shape(means))


def _invert(mean):
    shape, mean = tf.shape(mean), tf.reshape(mean, [-1])
    u = tf.random.uniform(tf.shape(mean), dtype=mean.dtype)
    # since exp(-mean) >= 1 - mean, others have no spike; as a rule there are few
    where = tf.where(u >= 1 - mean)
    u, mean = (tf.gather(x, where[:, 0]) for x in (u, mean))

    def more(n, term, cdf, number):
        return (n <= _LARGEST_NUMBER) & tf.reduce_any(u >= cdf)

    def count(n, term, cdf, number):
        number += tf.cast(u >= cdf, number.dtype)
        term *= mean / n
        return n + 1, term, cdf + term, number

    none = tf.exp(-mean)
    start = (tf.constant(1, mean.dtype), none, none, tf.zeros_like(mean))
    *_, number = tf.while_loop(more, count, start)
    n_all = tf.reduce_prod(shape)
    number = tf.scatter_nd(where, number, tf.cast([n_all], where.dtype))
    return tf.reshape(number, shape)


class FastPoisson(SimNeurons):
    """Neurons of `nengo.PoissonSpiking`, with faster random numbers."""

    def __init__(self, op):
        super().__init__(op.neurons, op.J, op.output, op.state_extra, tag=op.tag)

    @classmethod
    def replaces(cls, op):
        """Is this an operator for which this one can stand?"""
        return (
            type(op) is SimNeurons
            and type(op.neurons) is nengo.PoissonSpiking
            and not op.state
        )


@Builder.register(FastPoisson)
class FastPoissonBuilder(PoissonSpikingBuilder):
    """Build a group of `FastPoisson` operators."""

    def step(self, J, dt):
        """Return the spikes of a step for the neurons' rates."""
        bases = {type(op.neurons.base_type) for op in self.ops}
        if bases <= set(NOT_NEGATIVE):
            return self.alpha * poisson(J * dt)
        return self.alpha * poisson(tf.abs(J) * dt) * tf.sign(J)


class TrainedInSpikes(FastPoisson):
    """Poisson neurons that spike in training as well: rates are for gradients alone."""


@Builder.register(TrainedInSpikes)
class TrainedInSpikesBuilder(FastPoissonBuilder):
    """Build a group of `TrainedInSpikes` operators."""

    def training_step(self, J, dt):
        """Return the spikes of a step, with the gradient of the rates."""
        rates = super().training_step(J, dt)
        return rates + tf.stop_gradient(self.step(J, dt) - rates)
