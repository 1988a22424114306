"""psMNIST without time: states at the end of digits are learned from directly.

Nothing feeds back into the memory, so its state after the last pixel is one matrix
times the digit. The hidden units and the scores are trained on such states in a network
of a single step, and their weights are those of the network in time.
"""

import time

import numpy as np
from tqdm import tqdm

from nengo_lmu.experiments.psmnist.distortion import distorted
from nengo_lmu.experiments.psmnist.network import Settings
from nengo_lmu.tasks.digits import Split
from nengo_lmu.tasks.mnist import N_PIXELS

# 340 x 470 weights, 470 biases and 470 x 10 + 10 of the scores: 164,980
SETTINGS = Settings(
    coupling="feed-forward", d=340, units=470, hidden="rectified", hidden_bias=True
)

EPOCHS = 20
MINIBATCH = 250
# what Keras does around a minibatch takes longer than the minibatch itself
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


def train(classifier, mnist, epochs=EPOCHS, augment=True, show_progress=None):
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
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        As of `train_on_states`.
    """
    from nengo_lmu.dl.feedforward import Dropout

    matrix = _to_states(classifier.settings).astype(np.float32)

    def states(split, rng):
        distort = augment and split is not mnist.validation
        return (distorted(split.pixels, rng) if distort else split.pixels) @ matrix

    return train_on_states(
        classifier,
        mnist,
        states,
        Dropout(DROPOUT),
        epochs=epochs,
        description="psMNIST without time",
        show_progress=show_progress,
    )


def train_on_states(
    classifier,
    mnist,
    states,
    layer,
    epochs,
    noisy=False,
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
        Takes digits (a `Split`) and a random state, and returns ``(n, d)`` states of
        single precision.
    layer : tf.keras.layers.Layer
        As for `nengo_lmu.dl.feedforward.FeedForwardTwin`.
    epochs : int
    noisy : bool
        Validate as in training: through rates, and with the layer's noise.
    description : str
        For the progress bar.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        Loss and accuracy of each epoch, and the ``seconds`` that it took.
    """
    import nengo_dl
    import tensorflow as tf

    from nengo_lmu.dl.feedforward import FeedForwardTwin

    s = classifier.settings
    rng = np.random.RandomState(s.seed)
    tf.random.set_seed(s.seed)
    m = states(mnist.train, rng)
    mean, scale = m.mean(axis=0), m.std(axis=0)

    twin = FeedForwardTwin(classifier.lmu, classifier.readout, classifier.bias, layer)
    with twin.network:
        nengo_dl.configure_settings(
            stateful=False,
            use_loop=False,
            keep_history=False,
            learning_phase=True if noisy else None,
        )

    def batches(split):
        standard = (states(split, rng) - mean) / scale
        return (
            {twin.input: standard[:, np.newaxis]},
            {twin.output: split.labels[:, np.newaxis, np.newaxis]},
        )

    with nengo_dl.Simulator(
        twin.network,
        dt=s.dt,
        minibatch_size=MINIBATCH,
        progress_bar=False,
        seed=s.seed,
    ) as sim:
        steps = epochs * (len(mnist.train) // MINIBATCH)
        sim.compile(
            optimizer=tf.optimizers.Adam(
                tf.optimizers.schedules.CosineDecay(RATE, steps)
            ),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            steps_per_execution=STEPS_PER_EXECUTION,
        )
        n_check = len(mnist.validation) // MINIBATCH * MINIBATCH
        check = [
            {key: values[:n_check] for key, values in part.items()}
            for part in batches(mnist.validation)
        ]
        history, best = [], None
        hidden = None if show_progress is None else not show_progress
        with tqdm(total=epochs, desc=description, unit="epoch", disable=hidden) as bar:
            for _ in range(epochs):
                started = time.perf_counter()
                order = rng.permutation(len(mnist.train))
                order = order[: len(order) // MINIBATCH * MINIBATCH]
                part = Split(mnist.train.pixels[order], mnist.train.labels[order])
                found = sim.fit(
                    *batches(part), epochs=1, shuffle=False, verbose=0
                ).history
                seconds = time.perf_counter() - started
                validation = sim.evaluate(*check, verbose=0)
                history.append(
                    {
                        "loss": found["loss"][0],
                        "val_loss": validation["loss"],
                        "val_accuracy": validation["probe_accuracy"],
                        "seconds": seconds,
                    }
                )
                accuracy = history[-1]["val_accuracy"]
                if accuracy == max(row["val_accuracy"] for row in history):
                    best = sim.keras_model.get_weights()
                bar.set_postfix(val_accuracy=f"{accuracy:.4f}")
                bar.update()
        sim.keras_model.set_weights(best)
        sim.freeze_params(twin.network)
    twin.transfer()
    _take_in_standard(classifier.lmu, mean, scale)
    return {name: [float(row[name]) for row in history] for name in history[0]}


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
    lmu = classifier.lmu
    x = states(classifier, pixels) @ lmu.memory_kernel.transform.init.T
    x += lmu.hidden_bias.transform.init[:, 0]
    hidden = lmu.hidden
    h = hidden.neuron_type.rates(x, hidden.gain, hidden.bias) / lmu.unit
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
