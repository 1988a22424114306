"""The noise of spikes in networks that are trained by rates.

Layers of Keras, for a `nengo_dl.TensorNode` or `nengo_dl.Layer`. NengoDL tells them
whether it is training.

TensorFlow's own random numbers cannot be set back in a graph that has been traced, so a
training that goes on from a checkpoint could not see the ones that it would have seen.
Here they are a function of a seed and of how often a layer has been called, which is
one of its weights and so is kept with them.
"""

import numpy as np
import tensorflow as tf

from nengo_lmu.networks.spikes import spike_variance

# By this name the places of a model's layers are found among its weights.
_PLACE = "random_place"


class RandomLayer(tf.keras.layers.Layer):
    """A layer that draws random numbers, the same ones wherever its weights are.

    Attributes
    ----------
    place : (2,) tf.Variable
        The seed, and how many times numbers have been drawn with it. The seed is drawn
        from TensorFlow's own random numbers when the layer is built.
    """

    def build(self, input_shape):
        """Make the weight by which numbers go on."""
        self.place = self.add_weight(
            name=_PLACE,
            shape=(2,),
            dtype=tf.int64,
            initializer=_new_place,
            trainable=False,
        )
        super().build(input_shape)

    def next_seed(self):
        """Return a seed for TensorFlow's ``stateless`` functions, another each time."""
        return self.place.assign_add([0, 1])


def _new_place(shape, dtype=None, **kwargs):
    return tf.stack([tf.random.uniform((), maxval=2**31 - 1, dtype=dtype), 0])


def reseed(model, seed):
    """Let all random layers of a model begin with the numbers of a seed.

    Parameters
    ----------
    model : tf.keras.Model
        Such as the ``keras_model`` of a `nengo_dl.Simulator`.
    seed : int
    """
    places = [w for w in model.weights if w.name.split("/")[-1].startswith(_PLACE)]
    seeds = np.random.RandomState(seed).randint(2**31, size=len(places))
    for place, own in zip(places, seeds):
        place.assign([own, 0])


class SpikeNoise(RandomLayer):
    """Noise of Poisson spikes behind a low-pass synapse, in training.

    Parameters
    ----------
    rate : float
        Of neurons that stands for an activity of 1 (hertz).
    tau : float
        Time constant of the synapse (seconds).

    Examples
    --------
    >>> noise = SpikeNoise(rate=200.0, tau=0.05)
    >>> noise.variance  # of the noise of an activity of 1
    0.05
    >>> noise(tf.ones(2), training=False).numpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate, tau):
        super().__init__()
        # filtered spikes of rate r have the variance r / (2 tau)
        self.variance = 1 / (2 * tau * rate)

    def call(self, x, training=None):
        """Add noise to activities; NengoDL says whether it is training."""
        if not training:
            return x
        # through the noise's size there is no gradient: it is infinite at 0
        size = tf.sqrt(self.variance * tf.maximum(tf.stop_gradient(x), 0))
        return x + size * tf.random.stateless_normal(tf.shape(x), self.next_seed())


class Dropout(RandomLayer):
    """Leave out some units in each step of training, and let the others count more.

    Parameters
    ----------
    rate : float
        The fraction that is left out.

    Examples
    --------
    >>> Dropout(0.5)(tf.ones(2), training=False).numpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def call(self, x, training=None):
        """Drop units; NengoDL says whether it is training."""
        if not training:
            return x
        return tf.nn.experimental.stateless_dropout(x, self.rate, self.next_seed())


class FilteredSpikes(RandomLayer):
    """The noise that the spikes of hidden units have behind a synapse, in evaluation.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
    unit : float
        Output of a neuron that stands for an activity of 1.
    synapse : nengo.synapses.Synapse or None
    dt : float
        Time step (seconds).
    """

    def __init__(self, neuron_type, unit, synapse, dt):
        super().__init__()
        # between these rates, variances are interpolated, and carried on beyond
        rates = np.append(0, np.geomspace(1e-3, 10, 64)) / dt
        height = getattr(neuron_type, "amplitude", 1) / unit
        variances = height**2 * spike_variance(neuron_type, rates, synapse, dt)
        self.activities = (height * rates).astype(np.float32)
        self.variances = variances.astype(np.float32)
        self.slopes = np.diff(variances / height) / np.diff(rates)

    def call(self, x, training=None):
        """Add noise to activities, unless NengoDL says that it is training."""
        if training:
            return x
        size = tf.abs(x)
        below = tf.searchsorted(self.activities, tf.reshape(size, [-1]), side="right")
        below = tf.reshape(tf.minimum(below, len(self.slopes)) - 1, tf.shape(x))
        slopes = tf.gather(self.slopes.astype(np.float32), below)
        variance = tf.gather(self.variances, below)
        variance += slopes * (size - tf.gather(self.activities, below))
        noise = tf.random.stateless_normal(tf.shape(x), self.next_seed())
        return x + tf.sqrt(tf.maximum(variance, 0)) * noise


class StateNoise(RandomLayer):
    """Noise of a known covariance, in training and in evaluation.

    Parameters
    ----------
    covariance : (d, d) array_like
        Of each input dimension's state.
    size_in : int
        Input dimensions.
    """

    def __init__(self, covariance, size_in=1):
        super().__init__()
        variances, axes = np.linalg.eigh(covariance)
        root = np.sqrt(np.maximum(variances, 0))[:, np.newaxis] * axes.T
        self.root = np.kron(np.eye(size_in), root).astype(np.float32)

    def call(self, x):
        """Add noise to states."""
        noise = tf.random.stateless_normal(tf.shape(x), self.next_seed())
        return x + tf.matmul(noise, self.root)
