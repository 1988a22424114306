"""psMNIST by backpropagation through time, in NengoDL.

All of the paper's cell is trained, over all 784 time steps of a digit; or hidden units
around a memory that nothing feeds back into, over the last steps only. What the memory
holds before is one matrix times the digit.
"""

import numpy as np

from nengo_lmu.experiments.psmnist.network import Settings
from nengo_lmu.series.training import compile_arguments

# This network can be followed over its last steps, and so many are: W_h is learned from
# 0 and forgets sooner.
SCANNED = Settings(coupling="recurrent")
LAST = 112

# States of pixels from 0 to 1 are of order 0.1. Learning is faster with states of order
# 1, so pixels are scaled while the network is trained, and its weights afterwards.
GAIN = 10.0

RATE = 1e-3
CLIP = 1.0
MINIBATCH = 100


def train(classifier, mnist, epochs=10, last=None, checkpoint=None, show_progress=None):
    """Train the network in time, with the weights of its best epoch.

    Adam starts from the paper's learning rate, which falls to 0 along a cosine.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
        Its network gets the weights.
    mnist : nengo_lmu.tasks.mnist.Mnist
        Digits of the validation part choose the epoch.
    epochs : int
    last : int, optional
        Over how many of the last steps hidden units are followed, with a memory that
        nothing feeds back into; by default all.
    checkpoint : str or Path, optional
        As for `nengo_lmu.dl.training.fit`.
    show_progress : bool, optional

    Returns
    -------
    history : dict from str to list of float
        As of `nengo_lmu.dl.training.fit`.
    """
    import nengo_dl

    from nengo_lmu.dl import fast
    from nengo_lmu.dl.training import fit

    classifier.configure_training()
    lmu = classifier.lmu
    if classifier.settings.coupling != "full":
        lmu.config[
            lmu.input_encoders
        ].trainable = False  # `parameters` is without them too
    if last is not None:
        with classifier.network:
            nengo_dl.configure_settings(planner=fast.LastSteps(last))

    def batches(split):
        return (
            {classifier.stimulus: GAIN * classifier.signal(split.pixels)},
            {classifier.scores: split.labels[:, np.newaxis, np.newaxis]},
        )

    with _simulator(classifier) as sim:
        steps = epochs * (len(mnist.train) // MINIBATCH)
        sim.compile(**compile_arguments(RATE, steps, clipnorm=CLIP))
        history = fit(
            sim,
            *batches(mnist.train),
            epochs=epochs,
            seed=classifier.settings.seed,
            validation=batches(mnist.validation),
            checkpoint=checkpoint,
            monitor="val_scores_accuracy",
            description="psMNIST in time",
            show_progress=show_progress,
        )
        sim.freeze_params(classifier.network)
    if last is not None:
        with classifier.network:
            nengo_dl.configure_settings(planner=fast.planner)
    take_in_gain(lmu)
    return history


def _simulator(classifier):
    import nengo_dl

    return nengo_dl.Simulator(
        classifier.network,
        dt=classifier.settings.dt,
        minibatch_size=MINIBATCH,
        progress_bar=False,
        seed=classifier.settings.seed,
    )


def take_in_gain(lmu):
    """Let a network that was trained with scaled pixels take them as they are.

    Its memory holds what it has held, divided by the gain.
    """
    factors = {
        lmu.input_kernel: GAIN,
        lmu.memory_kernel: GAIN,
        lmu.hidden_encoders: 1 / GAIN,
    }
    for connection, factor in factors.items():
        if connection is not None:
            connection.transform = factor * connection.transform.init


def predict(classifier, pixels):
    """Return the class scores of digits, from the network in time in NengoDL.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
    pixels : (n, 784) array_like

    Returns
    -------
    scores : (n, 10) ndarray
    """
    classifier.configure_training()
    n = len(pixels)
    # Minibatches are whole, so that the last is filled up with blank digits.
    full = np.zeros((-(-n // MINIBATCH) * MINIBATCH, pixels.shape[1]), np.float32)
    full[:n] = pixels
    with _simulator(classifier) as sim:
        outputs = sim.predict({classifier.stimulus: classifier.signal(full)}, verbose=0)
    return outputs[classifier.scores][:n, -1]
