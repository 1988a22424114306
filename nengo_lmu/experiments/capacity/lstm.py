"""The LSTM that memories are compared with, which is trained."""

import time
from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.experiments.capacity.memory import SETTLED
from nengo_lmu.tasks.capacity import sequences

# As published, 80 sequences train, 20 validate and 100 test.
_SPLIT = (80, 100, 200)
_MINIBATCH = 50


@dataclass(frozen=True)
class LSTMSetting:
    """What one training of an LSTM is of.

    Attributes
    ----------
    length : int
        T.
    epochs : int
    units : int
    seed : int
        Of the sequences and the weights.
    """

    length: int
    epochs: int
    units: int = 100
    seed: int = 0

    @property
    def cost(self):
        """(float) How long it takes, in arbitrary units."""
        return self.length * self.epochs


def measure_lstm(setting, checkpoint=None):
    """Train an LSTM on the task.

    As published: 80 sequences to train, 20 to validate and 100 to test, minibatches of
    50, Adam, the weights after the last epoch.

    Parameters
    ----------
    setting : LSTMSetting
    checkpoint : str or Path, optional
        File from which a training that was stopped goes on.

    Returns
    -------
    result : dict
        ``mse`` and ``settled`` of the test, as of
        `nengo_lmu.experiments.capacity.memory.measure`, under the name ``LSTM``;
        ``loss`` and ``val_loss`` of each epoch; and ``seconds`` of processor time, in
        whichever processes, without what was lost where one was stopped.
    """
    import nengo_dl  # noqa: F401  before TensorFlow, whose Keras it changes
    import tensorflow as tf

    from nengo_lmu.dl import set_random_seed
    from nengo_lmu.dl.lstm import LSTMProcess, UnrolledLSTM
    from nengo_lmu.dl.training import fit

    x, y = sequences(setting.length, _SPLIT[-1], setting.seed)
    (train_x, check_x, test_x, _), (train_y, check_y, test_y, _) = (
        np.split(values.astype(np.float32), _SPLIT) for values in (x, y)
    )
    set_random_seed(setting.seed)
    cell = LSTMProcess.random(1, setting.units, np.random.RandomState(setting.seed))
    model = tf.keras.Sequential(
        [
            tf.keras.Input(x.shape[1:]),
            UnrolledLSTM(nengo.Node(cell, add_to_container=False)),
            tf.keras.layers.Dense(y.shape[-1]),
        ]
    )
    # It is a Keras model, since NengoDL has no minibatches of 50 and 30, as 80 have.
    model.compile(optimizer="adam", loss="mse")
    history = fit(
        model,
        train_x,
        train_y,
        epochs=setting.epochs,
        seed=setting.seed,
        minibatch_size=_MINIBATCH,
        validation=(check_x, check_y),
        checkpoint=checkpoint,
        monitor=None,
        watch={"processor": _Lap()},
        show_progress=False,
    )
    squares = (model.predict(test_x, batch_size=_MINIBATCH, verbose=0) - test_y) ** 2

    def mean(since):
        late = squares[:, int(np.ceil(since * setting.length)) :]
        return {"LSTM": late.mean(axis=(0, 1)).tolist()}

    return {
        "mse": mean(1.0),
        "settled": mean(SETTLED),
        "loss": history["loss"],
        "val_loss": history["val_loss"],
        "seconds": sum(history["processor"]),
    }


class _Lap:
    """Tells the processor time since it was asked last, or made (seconds)."""

    def __init__(self):
        self._start = time.process_time()

    def __call__(self):
        start, self._start = self._start, time.process_time()
        return self._start - start
