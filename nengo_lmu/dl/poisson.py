"""Poisson neurons several times faster in NengoDL.

TensorFlow's Poisson generator takes most of the time of a spiking network, though
nearly all of its numbers are zero. Two ways are faster, and have the same distribution:

- Where there are few spikes they are drawn instead of neurons, as in
  `nengo_lmu.networks.poisson`: as many as if every neuron fired as fast as the fastest
  around it, each to be kept with the probability ``rate / fastest rate``.
- Otherwise, small numbers are quick to find by inversion: of a uniform number ``u``,
  the smallest ``n`` with ``P(N <= n) > u``.
"""

from contextlib import contextmanager

import nengo
import tensorflow as tf
from nengo_dl.neuron_builders import PoissonSpikingBuilder, SimNeuronsBuilder

# neighbours, each as fast as the fastest of them; and up to how many spikes are drawn
# for each neuron, since more take longer than inversion
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
        Of the same shape.
    """
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
            lambda: tf.random.poisson((), mean, dtype=mean.dtype),
        )

    def thinning():
        number = _thin(blocks, largest)
        return tf.reshape(number if whole else number[:size], tf.shape(mean))

    return tf.cond(
        tf.reduce_mean(largest) < _MOST_SPIKES_A_NEURON, thinning, without_thinning
    )


def _thin(blocks, largest):
    """Return Poisson numbers, flat, for blocks of means with the largest of each."""
    # double precision: a uniform number tells block, neuron and what is kept
    largest = tf.cast(largest, tf.float64)
    ends = tf.cumsum(largest)
    drawn = tf.random.poisson((), ends[-1] * _BLOCK, dtype=tf.float64)
    place = tf.random.uniform([tf.cast(drawn, tf.int32)], 0, ends[-1], tf.float64)
    block = tf.searchsorted(ends, place, side="right")
    of_block = tf.gather(largest, block)
    place = (place - tf.gather(ends, block)) / of_block + 1  # 0 to 1 in its block
    place *= _BLOCK
    # which rounding could take out of its block
    first = tf.clip_by_value(tf.floor(place), 0, _BLOCK - 1)
    neuron = block * _BLOCK + tf.cast(first, block.dtype)
    means = tf.reshape(blocks, [-1])
    kept = (place - first) * of_block < tf.cast(tf.gather(means, neuron), tf.float64)
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


class FastPoissonSpikingBuilder(PoissonSpikingBuilder):
    """Build a group of `nengo.PoissonSpiking` neurons."""

    def step(self, J, dt):
        """Return the spikes of a step for the neurons' rates."""
        negative = any(op.neurons.negative for op in self.ops)
        number = poisson((tf.abs(J) if negative else J) * dt)
        number.set_shape(J.shape)
        spikes = self.alpha * number
        return spikes * tf.sign(J) if negative else spikes


@contextmanager
def fast_poisson():
    """Let the NengoDL simulators that are made within draw Poisson spikes faster.

    The same distribution, other numbers.
    """
    builders = SimNeuronsBuilder.TF_NEURON_IMPL
    before = builders[nengo.PoissonSpiking]
    builders[nengo.PoissonSpiking] = FastPoissonSpikingBuilder
    try:
        yield
    finally:
        builders[nengo.PoissonSpiking] = before
