"""Poisson neurons several times faster in NengoDL.

TensorFlow's Poisson generator takes most of the time of a spiking network. Neurons fire
a few times a step at most, and small numbers are quick to find by inversion: of a
uniform number ``u``, the smallest ``n`` with ``P(N <= n) > u``.
"""

from contextlib import contextmanager

import nengo
import tensorflow as tf
from nengo_dl.neuron_builders import PoissonSpikingBuilder, SimNeuronsBuilder

# Larger means are left to TensorFlow: inversion takes a product for each spike, and the
# resolution of uniform numbers, 2^-23, begins to show in the tail.
_LARGEST_MEAN = 8.0
_LARGEST_NUMBER = 64

# up to this many spikes all neurons are looked at, and then only those that have more
_FOR_ALL = 4


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
    return tf.cond(
        tf.reduce_max(mean) < _LARGEST_MEAN,
        lambda: _invert(mean),
        lambda: tf.random.poisson((), mean, dtype=mean.dtype),
    )


def _invert(mean):
    u = tf.random.uniform(tf.shape(mean), dtype=mean.dtype)
    term = cdf = tf.exp(-mean)
    number = tf.zeros_like(mean)
    for n in range(1, _FOR_ALL + 1):
        number += tf.cast(u >= cdf, mean.dtype)
        term *= mean / n
        cdf += term
    rest = tf.where(u >= cdf)
    u, mean, term, cdf = [tf.gather_nd(x, rest) for x in (u, mean, term, cdf)]

    def more(n, cdf, term, further):
        return (n < _LARGEST_NUMBER) & tf.reduce_any(u >= cdf)

    def count(n, cdf, term, further):
        further += tf.cast(u >= cdf, mean.dtype)
        term *= mean / tf.cast(n, mean.dtype)
        return n + 1, cdf + term, term, further

    start = (_FOR_ALL + 1, cdf, term, tf.zeros_like(mean))
    *_, further = tf.while_loop(more, count, start)
    return tf.tensor_scatter_nd_add(number, rest, further)


class FastPoissonSpikingBuilder(PoissonSpikingBuilder):
    """Build a group of `nengo.PoissonSpiking` neurons."""

    def step(self, J, dt):
        """Return the spikes of a step for an input current."""
        number = poisson(tf.abs(J) * dt)
        number.set_shape(J.shape)
        return self.alpha * number * tf.sign(J)


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
