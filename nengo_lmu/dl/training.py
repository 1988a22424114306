"""Long trainings: the best epoch is kept, and one that was killed goes on.

`fit` is `nengo_dl.Simulator.fit`, or that of a Keras model, an epoch at a time. Which
data come when depends on the seed and the epoch alone, so a training that goes on from
a checkpoint sees what it would have seen, also where data are made for each epoch anew.
"""

from __future__ import annotations

import json
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_lmu.dl.learners import as_learner
from nengo_lmu.dl.noise import reseed
from nengo_lmu.legendre.checks import one_of, shown, whole
from nengo_lmu.networks.arguments import validated
from nengo_lmu.utils.files import NOT_AN_ARCHIVE, write_atomically
from nengo_lmu.utils.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal


# A checkpoint is written this often (seconds).
INTERVAL = 60.0

# A checkpoint says these of how far a training has come.
_POSITION = {"history", "batch", "sums", "seconds"}


def fit(
    sim: Any,
    inputs: Any,
    targets: Any = None,
    *,
    epochs: int,
    seed: int,
    minibatch_size: int | None = None,
    validation: tuple[Any, Any] | None = None,
    checkpoint: str | Path | None = None,
    monitor: str | None = "val_probe_accuracy",
    mode: Literal["max", "min"] = "max",
    watch: dict[str, Callable[[], float]] | None = None,
    description: str = "training",
    show_progress: bool | None = None,
) -> dict[str, list[float]]:
    """Train a simulator or a model that has been compiled, and keep the best epoch.

    Parameters
    ----------
    sim : nengo_dl.Simulator or tf.keras.Model
        After ``sim.compile``. A model has one input and one output, whose arrays stand
        in place of the dicts below, with n rows.
    inputs : dict from nengo.Node to (n, n_steps, size) array_like, or callable
        Or what makes inputs and targets for an epoch, such as the same digits shifted
        a little: a function of a `numpy.random.RandomState`, which is that of the seed
        and the epoch, that returns both. There are as many rows in all epochs.
    targets : dict from nengo.Probe to (n, n_steps, size) array_like
        In each epoch, a simulator leaves out what is left after the last full
        minibatch, other data each time; a model has a smaller one for it. None where
        ``inputs`` makes them.
    epochs : int
    seed : int
        Of the order of the data, of what makes them, and of the random numbers in
        layers of `nengo_lmu.dl.noise`.
    minibatch_size : int, optional
        That of a model; a simulator has its own.
    validation : tuple of dict, optional
        Inputs and targets to choose the epoch by. A simulator never looks at what is
        left after the last full minibatch. Without it, the last epoch is kept.
    checkpoint : str or Path, optional
        File with the state of the training, written about once a minute, whole or not
        at all. If there is one of the same training, it goes on from there, or returns
        at once where it was finished. The order of data goes on too, and so do the
        random numbers in layers of `nengo_lmu.dl.noise`; TensorFlow's own, such as
        those of Keras's Dropout and of neurons that spike in training, do not.
    monitor : str or None
        The name of what is to be best in validation: ``val_`` and the name of a loss
        or metric. None to keep the last epoch, whatever validation says of it.
    mode : {"max", "min"}
        Whether large or small is good.
    watch : dict from str to callable, optional
        Functions that return a number, to be called after each epoch, such as one that
        freezes parameters and looks a window up.
    description : str
        For the progress bar.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        Losses and metrics of each epoch, those of validation with ``val_`` before, what
        is watched, and the ``seconds`` that it took without validation.

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument out of range, naming it, its value and the remedy: data that are
        not finite or of other numbers of rows, a checkpoint of another training or none
        at all, fewer data than a minibatch, or nothing called ``monitor``.
    nengo.exceptions.SimulationError
        If the loss of an epoch is not finite.

    Examples
    --------
    >>> import nengo_dl
    >>> with nengo.Network(seed=0) as network:
    ...     x, y = nengo.Node([0.0]), nengo.Node(size_in=1)
    ...     connection = nengo.Connection(x, y, transform=[[0.0]], synapse=None)
    ...     probe = nengo.Probe(y)
    >>> signal = np.ones((4, 1, 1))
    >>> with nengo_dl.Simulator(network, minibatch_size=2, progress_bar=False) as sim:
    ...     sim.compile(tf.optimizers.SGD(0.1), loss="mse")
    ...     history = fit(sim, {x: signal}, {probe: 3 * signal}, epochs=9, seed=0)
    >>> history["loss"][-1] < 0.1 * history["loss"][0]
    True
    """
    with validated(fit):
        epochs = whole("epochs", epochs, 0)
        seed = whole("seed", seed, 0, 2**32 - 1)
        one_of("mode", mode, ("max", "min"))
        learner = as_learner(sim, minibatch_size)
    training = _Training(
        learner, inputs, targets, epochs, seed, validation, monitor, mode, watch or {}
    )
    return training.run(checkpoint, description, show_progress)


class _Training:
    def __init__(
        self, learner, inputs, targets, epochs, seed, validation, monitor, mode, watch
    ):
        self.learner = learner
        self.size = learner.minibatch_size
        self.epochs = epochs
        self.seed = seed
        self.watch = watch
        if callable(inputs) and targets is not None:
            raise ValidationError(
                "must be None where inputs is a function, which makes both for each "
                "epoch; leave them out",
                attr="targets",
            )
        self._is_new_by_epoch = callable(inputs)
        self._make = inputs if self._is_new_by_epoch else lambda rng: (inputs, targets)
        self._epoch_data = None, None  # an epoch has its data here
        self.n = None
        self.n = len(next(iter(self.data(0)[0].values())))
        self.validation = self._checked_validation(validation)
        self.monitor = monitor
        self.best_is = {"max": np.argmax, "min": np.argmin}[mode]
        self.n_used = learner.n_used("inputs", self.n)
        self.batches = -(-self.n_used // self.size)
        # It keeps whole epochs, minibatches of the next, and what they came to.
        self.history = {}
        self.batch = 0
        self.sums = {}
        self.seconds = 0.0
        self.best = None

    def data(self, epoch):
        """Return the inputs and targets of an epoch; those of the last are kept."""
        which = epoch if self._is_new_by_epoch else 0
        if self._epoch_data[0] != which:
            result = self._make(np.random.RandomState([self.seed, which, 1]))
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise ValidationError(
                    f"must return inputs and targets, but returned {shown(result)}; "
                    "return both, as for a training on the same data",
                    attr="inputs",
                )
            inputs = self.learner.checked("inputs", result[0], self.n)
            n = len(next(iter(inputs.values())))
            targets = self.learner.checked("targets", result[1], n, finite=False)
            self._epoch_data = which, (inputs, targets)
        return self._epoch_data[1]

    def _checked_validation(self, validation):
        if validation is None:
            return None
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise ValidationError(
                f"must be a pair, but {shown(validation)} was given; give inputs and "
                "targets",
                attr="validation",
            )
        inputs = self.learner.checked("validation", validation[0])
        n = len(next(iter(inputs.values())))
        targets = self.learner.checked("validation", validation[1], n, finite=False)
        n = self.learner.n_used("validation", n)
        return [{key: x[:n] for key, x in part.items()} for part in (inputs, targets)]

    # --- what has to be kept

    @property
    def _weights(self):
        state = set(map(id, self.learner.state))
        weights = self.learner.model.weights
        return [variable for variable in weights if id(variable) not in state]

    @property
    def _variables(self):
        model = self.learner.model
        model.optimizer.build(model.trainable_variables)
        return [*self._weights, *model.optimizer.variables]

    @staticmethod
    def _values(variables):
        return [variable.numpy() for variable in variables]

    @staticmethod
    def _assign(variables, values):
        for variable, value in zip(variables, values):
            variable.assign(value)

    def _identity(self):
        """Return what makes this training another one than others."""
        data = [array for part in self.data(0) for array in part.values()]
        start = self._values([*self._variables, *self.learner.state])
        optimizer = self.learner.model.optimizer.get_config()
        return json.dumps(
            {
                "epochs": self.epochs,
                "seed": self.seed,
                "minibatch_size": self.size,
                "monitor": self.monitor,
                "data": [zlib.crc32(np.ascontiguousarray(x)) for x in data],
                "parameters": [zlib.crc32(value) for value in start],
                "optimizer": optimizer,
            },
            sort_keys=True,
            default=str,
        )

    def _save(self, path, identity):
        if path is None:
            return
        position = {
            "history": self.history,
            "batch": self.batch,
            "sums": self.sums,
            "seconds": self.seconds,
        }
        arrays = {
            f"value_{i}": value for i, value in enumerate(self._values(self._variables))
        }
        for i, value in enumerate(self.best or []):
            arrays[f"best_{i}"] = value
        write_atomically(
            path,
            lambda file: np.savez(
                file, identity=identity, position=json.dumps(position), **arrays
            ),
            mode="wb",
        )

    def _load(self, path, identity):
        def refuse(why):
            raise ValidationError(
                f"{path} is {why}; give the name of another file, or remove it to "
                "train from the beginning",
                attr="checkpoint",
            )

        try:
            with open(path, "rb") as file, np.load(file) as arrays:
                contents = dict(arrays)
            other = str(contents.pop("identity")) != identity
            position = json.loads(str(contents.pop("position")))
        except FileNotFoundError:
            return
        except OSError as error:
            refuse(f"not to be read ({error.strerror or error})")
        except NOT_AN_ARCHIVE:
            refuse("not a checkpoint, or damaged")
        if other:
            refuse("a checkpoint of another training")
        values, best = (
            [contents.pop(f"{kind}_{i}") for i in range(n) if f"{kind}_{i}" in contents]
            for kind, n in (("value", len(contents)), ("best", len(self._weights)))
        )
        shapes = [tuple(variable.shape) for variable in self._variables]
        whose = [tuple(variable.shape) for variable in self._weights] if best else []
        if contents or [value.shape for value in values] != shapes:
            refuse("a checkpoint of another version of nengo_lmu, or damaged")
        finite = all(np.all(np.isfinite(value)) for value in [*values, *best])
        if not finite or [value.shape for value in best] != whose:
            refuse("damaged: weights are missing or not finite")
        if not self._is_position(position):
            refuse("damaged: where the training was cannot be read from it")
        vars(self).update(position)
        self._assign(self._variables, values)
        self.best = best or None

    def _is_position(self, position):
        """Return whether it tells a minibatch and an epoch that a training was at."""

        def numbers(values, kind=(int, float)):
            return all(type(value) in kind and np.isfinite(value) for value in values)

        if not isinstance(position, dict) or position.keys() != _POSITION:
            return False
        history, sums, batch = (position[name] for name in ("history", "sums", "batch"))
        if not isinstance(history, dict) or not isinstance(sums, dict):
            return False
        columns = list(history.values())
        if not all(isinstance(column, list) and numbers(column) for column in columns):
            return False
        n_epochs = {len(column) for column in columns}
        return (
            numbers([*sums.values(), position["seconds"]])
            and numbers([batch], kind=(int,))
            and 0 <= batch <= self.batches
            and len(n_epochs) <= 1
            and ("seconds" in history) == (n_epochs != set())
            and max(n_epochs, default=0) <= self.epochs
        )

    # --- how it goes

    def run(self, checkpoint, description, show_progress):
        """Train for all epochs that are left, and return the history."""
        reseed(self.learner.model, self.seed)
        identity = None
        if checkpoint is not None:
            checkpoint = Path(checkpoint)
            identity = self._identity()
            self._load(checkpoint, identity)
        first = len(self.history.get("seconds", []))
        with progress_bar(
            show_progress,
            total=self.epochs * self.batches,
            initial=first * self.batches + self.batch,
            desc=description,
            unit="batch",
        ) as bar:
            after = _AfterBatch(self, bar, lambda: self._save(checkpoint, identity))
            # Keras times callbacks that are none of its own, and would warn of this
            # one, which waits for the minibatch.
            callback = tf.keras.callbacks.LambdaCallback(
                on_train_begin=after.begin, on_batch_end=after.minibatch
            )
            for epoch in range(first, self.epochs):
                self._train(epoch, callback)
                self._finish_epoch(bar)
                self._save(checkpoint, identity)
        if self.best is not None:
            self._assign(self._weights, self.best)
        return self.history

    def _train(self, epoch, callback):
        order = np.random.RandomState([self.seed, epoch]).permutation(self.n)
        left = order[self.batch * self.size : self.n_used]
        if len(left) == 0:  # it was killed between the last minibatch and validation
            return
        self.learner.fit(self.data(epoch), left, callback)

    def weight(self, batches):
        """Return how much the first minibatches of an epoch count: a full one 1."""
        return min(batches * self.size, self.n_used) / self.size

    def _finish_epoch(self, bar):
        """Add a row to the history, and keep the weights where they are the best."""
        weight = self.weight(self.batches)
        row = {name: total / weight for name, total in self.sums.items()}
        if self.validation is not None:
            metrics = self.learner.evaluate(*self.validation)
            row |= {f"val_{name}": float(value) for name, value in metrics.items()}
            if self.monitor is not None and self.monitor not in row:
                raise ValidationError(
                    f"there is no {self.monitor!r}; give one of "
                    + ", ".join(name for name in row if name.startswith("val_")),
                    attr="monitor",
                )
        if not np.isfinite(row["loss"]):
            well = len(self.history.get("loss", []))
            raise SimulationError(
                f"the loss is {row['loss']:g}, after {well} epochs that went well; "
                "lower the learning rate, or clip gradients, or, if targets are NaN, "
                "use a loss that leaves these out"
            )
        row |= {name: float(function()) for name, function in self.watch.items()}
        row["seconds"] = self.seconds
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
        self.batch, self.sums, self.seconds = 0, {}, 0.0
        if self.validation is not None and self.monitor is not None:
            values = self.history[self.monitor]
            if self.best_is(values) == len(values) - 1:
                self.best = self._values(self._weights)
            bar.set_postfix({self.monitor: f"{values[-1]:.4f}"})


class _AfterBatch:
    """Count a minibatch, move the bar, and now and then write a checkpoint."""

    def __init__(self, training, bar, save):
        self._training, self._bar, self._save = training, bar, save
        self._saved = self._last = time.monotonic()

    def begin(self, logs=None):
        """Keras gives means since here: remember how much came before."""
        self._before = self._training.batch, dict(self._training.sums)
        self._last = time.monotonic()

    def minibatch(self, batch, logs=None):
        """Take note of a minibatch."""
        training = self._training
        first, sums = self._before
        batches = first + batch + 1
        done = batches - training.batch
        training.batch = batches
        weight = training.weight(batches) - training.weight(first)
        training.sums = {
            name: sums.get(name, 0.0) + float(mean) * weight
            for name, mean in (logs or {}).items()
        }
        now = time.monotonic()
        training.seconds += now - self._last
        self._last = now
        self._bar.update(done)
        if now - self._saved > INTERVAL:
            self._save()
            self._saved = now
