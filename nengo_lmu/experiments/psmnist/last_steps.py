"""psMNIST with recurrent hidden units, and a memory that nothing feeds back into.

They are followed over the last steps of a digit. What the memory holds before is one
matrix times the digit. The weights are those of the network in time.
"""

import time

import numpy as np
from tqdm import tqdm

from nengo_lmu.experiments.psmnist.network import Settings
from nengo_lmu.legendre import discretize, last_step, state_space

SETTINGS = Settings(coupling="recurrent")

EPOCHS = 10
MINIBATCH = 100
RATE = 1e-3
CLIP = 1.0

# Steps at the end of a digit over which hidden units are followed in training.
# W_h is learned from 0 and forgets sooner.
LAST = 112

# States are of order 0.1; their weights are learned as if they were of order 1.
GAIN = 10.0


class Scan:
    """The network as functions of whole sequences.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
        Of coupling "recurrent", without a hidden bias, one step a pixel. Its weights
        are the initial ones.
    last : int, optional
        Over how many of the last steps hidden units are followed; before, they are
        taken to be at rest. By default all.
    """

    def __init__(self, classifier, last=None):
        import nengo_dl  # noqa: F401  before TensorFlow, which is quieter then
        import tensorflow as tf

        from nengo_lmu.dl import recurrence

        self.tf = tf
        self.classifier = classifier
        s = classifier.settings
        self.last = s.n_steps if last is None else last
        A, B = discretize(*state_space(s.theta, s.d), s.dt)
        before = last_step(s.n_steps, s.theta, s.d, s.dt, delay=self.last)
        self._before = tf.constant(before @ A.T, tf.float32)
        powers = recurrence.lookahead(A, recurrence.CELL_CHUNK)
        # no feedback
        self._constants = [
            tf.constant(x, tf.float32) for x in (powers, powers @ B, powers @ B[:, :0])
        ]
        # what each is divided by while it is trained
        self.gains = {"memory_kernel": GAIN, "input_kernel": GAIN}
        self.variables = {
            name: tf.Variable(
                connection.transform.init / self.gains.get(name, 1),
                dtype=tf.float32,
                name=name,
            )
            for name, connection in classifier.parameters.items()
        }

    def scores(self, pixels):
        """Return the class scores of digits, ``(n, n_steps)``, as a tensor."""
        from nengo_lmu.dl import recurrence

        tf = self.tf
        w = {
            name: self.gains.get(name, 1) * variable
            for name, variable in self.variables.items()
        }
        pixels = tf.convert_to_tensor(pixels, tf.float32)
        units, d = w["memory_kernel"].shape
        weights = {
            "W_x": w["input_kernel"],
            "W_h": w["hidden_kernel"],
            "W_m": w["memory_kernel"],
            "E_h": tf.zeros((0, units)),
            "E_m": tf.zeros((0, d)),
        }
        u = tf.transpose(pixels[:, -self.last :])[..., tf.newaxis]
        h, _ = recurrence.cell(
            tf.tanh,
            lambda h, dh: tf.raw_ops.TanhGrad(y=h, dy=dh),
            pixels @ self._before,
            tf.zeros((pixels.shape[0], units)),
            u,
            u,
            weights,
            self._constants,
            last=True,
        )
        return tf.matmul(h[0], w["readout"], transpose_b=True) + w["bias"][:, 0]

    def transfer(self):
        """Store the weights in the network in time."""
        for name, connection in self.classifier.parameters.items():
            connection.transform = self.gains.get(name, 1) * self.variables[
                name
            ].numpy().astype(np.float64)


def train(classifier, mnist, epochs=EPOCHS, last=LAST, show_progress=None):
    """Train the network, with the weights of its best epoch.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
        Its network gets the weights.
    mnist : nengo_lmu.tasks.mnist.Mnist
        Digits of the validation part choose the epoch.
    epochs : int
    last : int
        As for `Scan`.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        Loss and accuracy of each epoch, and the ``seconds`` that it took.
    """
    import nengo_dl  # noqa: F401  before TensorFlow, which is quieter then
    import tensorflow as tf

    scan = Scan(classifier, last)
    variables = list(scan.variables.values())
    per_epoch = len(mnist.train) // MINIBATCH
    optimizer = tf.optimizers.Adam(
        tf.optimizers.schedules.CosineDecay(RATE, epochs * per_epoch), clipnorm=CLIP
    )
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(pixels, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels, scan.scores(pixels)
                )
            )
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    rng = np.random.RandomState(classifier.settings.seed)
    history, best = [], None
    hidden = None if show_progress is None else not show_progress
    with tqdm(
        total=epochs * per_epoch, desc="psMNIST by scan", unit="batch", disable=hidden
    ) as bar:
        for _ in range(epochs):
            started = time.perf_counter()
            order = rng.permutation(len(mnist.train))[: per_epoch * MINIBATCH]
            losses = []
            for part in order.reshape(-1, MINIBATCH):
                losses.append(
                    step(mnist.train.pixels[part], mnist.train.labels[part]).numpy()
                )
                bar.update()
            seconds = time.perf_counter() - started
            guesses = predict(scan, mnist.validation.pixels).argmax(axis=1)
            accuracy = np.mean(guesses == mnist.validation.labels)
            history.append(
                {
                    "loss": np.mean(losses),
                    "val_accuracy": accuracy,
                    "seconds": seconds,
                }
            )
            if accuracy == max(row["val_accuracy"] for row in history):
                best = [variable.numpy() for variable in variables]
            bar.set_postfix(val_accuracy=f"{accuracy:.4f}")
    for variable, value in zip(variables, best):
        variable.assign(value)
    scan.transfer()
    return {name: [float(row[name]) for row in history] for name in history[0]}


def predict(scan, pixels):
    """Return the class scores of any number of digits, ``(n, 10)`` ndarray."""
    scores = scan.tf.function(scan.scores, autograph=False)
    return np.concatenate(
        [
            scores(pixels[k : k + MINIBATCH]).numpy()
            for k in range(0, len(pixels), MINIBATCH)
        ]
    )
