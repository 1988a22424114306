"""psMNIST without time: states at the end of digits are learned from directly.

Nothing feeds back into the memory, so its state after the last pixel is one matrix
times the digit. The hidden units and the scores are trained on such states in a network
of a single step, and their weights are those of the network in time.
"""

from dataclasses import replace

import numpy as np

from nengo_lmu.experiments.psmnist.distortion import distorted
from nengo_lmu.experiments.psmnist.network import Settings
from nengo_lmu.series.states import hidden_activity
from nengo_lmu.series.training import compile_arguments
from nengo_lmu.tasks.mnist import N_PIXELS

# It has 340 x 470 weights, 470 biases and 470 x 10 + 10 of the scores: 164,980.
SETTINGS = Settings(
    coupling="feed-forward", d=340, units=470, hidden="rectified", hidden_bias=True
)

# 523,010 weights and biases, for more epochs.
WIDE = replace(SETTINGS, d=512, units=1000)

EPOCHS = 20
WIDE_EPOCHS = 40
MINIBATCH = 250
# What Keras does around a minibatch takes longer than the minibatch itself.
STEPS_PER_EXECUTION = 100
RATE = 3e-3
DROPOUT = 0.1


def states(classifier, pixels):
    """Return the ideal states of the memory at the end of digits.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
    pixels : (n, 784) array_like

    Returns
    -------
    m : (n, d) ndarray
    """
    return pixels @ _to_states(classifier.settings)


def train(
    classifier,
    mnist,
    epochs=EPOCHS,
    augment=True,
    checkpoint=None,
    show_progress=None,
):
    """Train the network without time, with the weights of its best epoch.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
        Its network gets the weights.
    mnist : nengo_lmu.tasks.mnist.Mnist
        Digits of the validation part choose the epoch.
    epochs : int
    augment : bool
        Distort the training digits, in each epoch otherwise.
    checkpoint : str or Path, optional
        File from which a training that was stopped goes on.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        As of `train_on_states`.
    """
    from nengo_lmu.dl import Dropout

    matrix = _to_states(classifier.settings).astype(np.float32)

    return train_on_states(
        classifier,
        mnist,
        lambda pixels, rng: pixels @ matrix,
        Dropout(DROPOUT),
        epochs=epochs,
        augment=augment,
        checkpoint=checkpoint,
        description="psMNIST without time",
        show_progress=show_progress,
    )


def train_on_states(
    classifier,
    mnist,
    states,
    layer,
    epochs,
    augment=True,
    checkpoint=None,
    description="training",
    show_progress=None,
):
    """Train hidden units and scores on states of the memory, new ones in each epoch.

    Adam's rate falls to 0 along a cosine.

    Parameters
    ----------
    classifier : object
        With ``lmu``, ``readout``, ``bias`` and ``settings``, as
        a `network.Classifier` of this package. Its network gets the weights.
    mnist : nengo_lmu.tasks.mnist.Mnist
    states : callable
        Takes pixels of digits and a random state, and returns ``(n, d)`` states of
        single precision.
    layer : tf.keras.layers.Layer
        As for `nengo_lmu.dl.feedforward.FeedForwardTwin`.
    epochs : int
    augment : bool
        Distort the training digits, in each epoch otherwise.
    checkpoint : str or Path, optional
        File from which a training that was stopped goes on.
    description : str
        For the progress bar.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        As `nengo_lmu.dl.training.fit` returns it.
    """
    import tensorflow as tf

    from nengo_lmu.dl import feedforward

    s = classifier.settings
    tf.random.set_seed(s.seed)
    rng = np.random.RandomState(s.seed)

    def states_of(split, rng):
        distort = augment and split is not mnist.validation
        pixels = distorted(split.pixels, rng) if distort else split.pixels
        return states(pixels, rng)

    m = states_of(mnist.train, rng)
    mean, scale = m.mean(axis=0), m.std(axis=0)

    def standard(split, rng):
        return (states_of(split, rng) - mean) / scale, split.labels

    steps = epochs * (len(mnist.train) // MINIBATCH)
    history = feedforward.train(
        classifier.lmu,
        classifier.readout,
        lambda rng: standard(mnist.train, rng),
        validation=standard(mnist.validation, rng),
        **compile_arguments(RATE, steps),
        bias=classifier.bias,
        layer=layer,
        epochs=epochs,
        seed=s.seed,
        minibatch_size=MINIBATCH,
        steps_per_execution=STEPS_PER_EXECUTION,
        checkpoint=checkpoint,
        description=description,
        show_progress=show_progress,
    )
    _take_in_standard(classifier.lmu, mean, scale)
    return history


def scores(classifier, pixels):
    """Return the class scores at the end of digits, computed without time.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
    pixels : (n, 784) array_like

    Returns
    -------
    scores : (n, 10) ndarray
    """
    h = hidden_activity(classifier.lmu, states(classifier, pixels))
    return (
        h @ classifier.readout.transform.init.T + classifier.bias.transform.init[:, 0]
    )


def _to_states(settings):
    from nengo_lmu.legendre import last_step

    return last_step(
        N_PIXELS, settings.theta, settings.d, settings.dt, settings.steps_per_pixel
    )


def _take_in_standard(lmu, mean, scale):
    """Let units that were trained on standardized states take them as they are.

    ``W (m - mean) / scale + b`` is ``W / scale`` times m, and another bias.
    """
    kernel = lmu.memory_kernel.transform.init / scale
    lmu.hidden_bias.transform = (
        lmu.hidden_bias.transform.init - (kernel @ mean)[:, None]
    )
    lmu.memory_kernel.transform = kernel
