"""The noise of spikes in networks that are trained by rates.

Layers of Keras, for a `nengo_dl.TensorNode` or `nengo_dl.Layer`. NengoDL tells them
whether it is training.
"""

import numpy as np
import tensorflow as tf

from nengo_lmu.networks.spikes import spike_variance


class SpikeNoise(tf.keras.layers.Layer):
    """Noise of Poisson spikes behind a low-pass synapse, in training.

    Parameters
    ----------
    rate : float
        Of neurons that stands for an activity of 1 (hertz).
    tau : float
        Time constant of the synapse (seconds).
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
        return x + size * tf.random.normal(tf.shape(x))


class Dropout(tf.keras.layers.Layer):
    """Leave out some units in each step of training, and let the others count more.

    Parameters
    ----------
    rate : float
        The fraction that is left out.
    """

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def call(self, x, training=None):
        """Drop units; NengoDL says whether it is training."""
        return tf.nn.dropout(x, self.rate) if training else x


class FilteredSpikes(tf.keras.layers.Layer):
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
        noise = tf.sqrt(tf.maximum(variance, 0)) * tf.random.normal(tf.shape(x))
        return x + noise


class StateNoise(tf.keras.layers.Layer):
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
        return x + tf.matmul(tf.random.normal(tf.shape(x)), self.root)
