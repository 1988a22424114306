"""What learns and classifies digits, each in its own way, to compare how long it takes.

Digits are random, since times do not depend on what is in them.
"""

import numpy as np

from nengo_lmu.benchmarks.networks import Model, ours
from nengo_lmu.experiments.psmnist import without_time as psmnist_static
from nengo_lmu.tasks.mnist import N_CLASSES

MINIBATCH = 100
RATE = 1e-3


class Contender:
    """A network that learns and classifies minibatches of digits.

    Parameters
    ----------
    sizes : Sizes
    every_step : bool
        Whether there is a target at every step, and not at the last one only.

    Attributes
    ----------
    pixels : (n, n_steps, 1) ndarray
    targets : (n, n_targets) ndarray
        What `train` and `infer` go through in a call; see `take`.
    weights : list
        What is trained, as tensors.
    minibatches : int
        How many to take for times to be those of a training, if it matters.
    steps_per_execution : int
        How many of them Keras does without a pause.
    """

    minibatches = None
    steps_per_execution = 1

    def __init__(self, sizes, every_step=False):
        rng = np.random.RandomState(0)
        shape = (MINIBATCH, sizes.n_steps, 1)
        labels = rng.randint(N_CLASSES, size=(MINIBATCH, 1))
        self._digits = rng.uniform(size=shape).astype(np.float32)
        self._targets = np.tile(labels, (1, sizes.n_steps if every_step else 1))
        self.take(1)

    def take(self, minibatches):
        """Have so many minibatches in each call of `train` and `infer`."""
        self.pixels = np.tile(self._digits, (minibatches, 1, 1))
        self.targets = np.tile(self._targets, (minibatches, 1))

    @property
    def parameters(self):
        """(int) How many numbers are trained."""
        return sum(int(np.prod(w.shape)) for w in self.weights)

    def close(self):
        """Let go of what has to be let go of, which by default is nothing."""


class InNengoDL(Contender):
    """A Nengo network in `nengo_dl.Simulator`, by ``fit`` and ``predict``.

    Parameters
    ----------
    model : object
        With ``network``, ``stimulus`` and ``scores``, as
        `nengo_lmu.experiments.psmnist.network.Classifier`.
    sizes : Sizes
    every_step : bool
        As for `Contender`.
    unroll : int
        As for `nengo_dl.Simulator`.
    """

    def __init__(self, model, sizes, every_step=False, unroll=1):
        import nengo_dl
        import tensorflow as tf

        super().__init__(sizes, every_step)
        self._model = model
        with model.network:
            nengo_dl.configure_settings(stateful=False, keep_history=every_step)
        self._sim = nengo_dl.Simulator(
            model.network,
            minibatch_size=MINIBATCH,
            unroll_simulation=unroll,
            progress_bar=False,
            seed=0,
        )
        self._sim.compile(
            tf.optimizers.Adam(RATE),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=self.steps_per_execution,
        )
        self.weights = self._sim.keras_model.trainable_weights

    def inputs(self):
        """Return what the simulator gets for the digits."""
        return self.pixels

    def train(self):
        """Learn."""
        self._sim.fit(
            {self._model.stimulus: self.inputs()},
            {self._model.scores: self.targets[..., np.newaxis]},
            verbose=0,
        )

    def infer(self):
        """Return the scores at the end of digits, ``(n, 10)``."""
        outputs = self._sim.predict({self._model.stimulus: self.inputs()}, verbose=0)
        return outputs[self._model.scores][:, -1]

    def close(self):
        """Close the simulator."""
        self._sim.close()


class WithoutTime(InNengoDL):
    """Our feed-forward network, from states that one matrix computes.

    Parameters
    ----------
    sizes : Sizes
    """

    steps_per_execution = psmnist_static.STEPS_PER_EXECUTION

    def __init__(self, sizes):
        import nengo_dl

        from nengo_lmu.dl.feedforward import FeedForwardTwin
        from nengo_lmu.legendre import last_step

        classifier = ours(sizes, "feed-forward")
        s = classifier.settings
        self._matrix = last_step(s.n_steps, s.theta, s.d, s.dt).astype(np.float32)
        # A call takes an epoch, whose states it computes in one piece.
        self.minibatches = sizes.digits // MINIBATCH
        twin = FeedForwardTwin(classifier.lmu, classifier.readout, classifier.bias)
        with twin.network:
            nengo_dl.configure_settings(use_loop=False)
        super().__init__(Model(twin.network, twin.input, twin.output), sizes)

    def train(self):
        """Learn, as training without time does."""
        from nengo_lmu.dl import fit

        fit(
            self._sim,
            {self._model.stimulus: self.inputs()},
            {self._model.scores: self.targets[..., np.newaxis]},
            epochs=1,
            seed=0,
            show_progress=False,
        )

    def inputs(self):
        """Return the states at the end of the digits."""
        return (self.pixels[..., 0] @ self._matrix)[:, np.newaxis]


class InKeras(Contender):
    """A layer of Keras with a dense layer behind it, by ``fit`` and ``predict``.

    Parameters
    ----------
    keras : module
        ``tf.keras`` or ``keras``.
    layer : keras.layers.Layer
        From sequences to what it has at their end.
    sizes : Sizes
    """

    def __init__(self, keras, layer, sizes):
        super().__init__(sizes)
        self._model = keras.Sequential(
            [
                keras.layers.Input((sizes.n_steps, 1), batch_size=MINIBATCH),
                layer,
                keras.layers.Dense(N_CLASSES),
            ]
        )
        self._model.compile(
            keras.optimizers.Adam(RATE),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.weights = self._model.trainable_weights

    def train(self):
        """Learn."""
        self._model.fit(self.pixels, self.targets, batch_size=MINIBATCH, verbose=0)

    def infer(self):
        """Return the scores at the end of digits, ``(n, 10)``."""
        return self._model.predict(self.pixels, batch_size=MINIBATCH, verbose=0)


def keras_lmu_cell(sizes, full):
    """Make keras-lmu's cell in an RNN of Keras.

    Parameters
    ----------
    sizes : Sizes
    full : bool
        Whether ``h`` and ``m`` reach the memory.

    Returns
    -------
    contender : InKeras
    """
    import keras
    import keras_lmu

    cell = keras_lmu.LMUCell(
        memory_d=1,
        order=sizes.d,
        theta=sizes.n_steps,
        hidden_cell=keras.layers.SimpleRNNCell(sizes.units),
        input_to_hidden=True,
        hidden_to_memory=full,
        memory_to_memory=full,
    )
    return InKeras(keras, keras.layers.RNN(cell), sizes)


def keras_lmu_feedforward(sizes, mode):
    """Make keras-lmu's feed-forward layer.

    Parameters
    ----------
    sizes : Sizes
    mode : {"fft", "raw"}
        Of its convolution.

    Returns
    -------
    contender : InKeras
    """
    import keras
    import keras_lmu

    layer = keras_lmu.LMUFeedforward(
        memory_d=1,
        order=sizes.d,
        theta=sizes.n_steps,
        hidden_cell=keras.layers.Dense(sizes.units, activation="tanh"),
        return_sequences=False,
        conv_mode=mode,
    )
    return InKeras(keras, layer, sizes)


def lstm(sizes):
    """Make a Keras LSTM with about as many parameters as the recurrent cell.

    Parameters
    ----------
    sizes : Sizes

    Returns
    -------
    contender : InKeras
    """
    import nengo_dl  # noqa: F401  makes tf.keras Keras 2
    import tensorflow as tf

    return InKeras(tf.keras, tf.keras.layers.LSTM(sizes.lstm_units), sizes)
