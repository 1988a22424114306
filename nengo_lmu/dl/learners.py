"""What `nengo_lmu.dl.training.fit` can train: NengoDL simulators and Keras models.

They differ in how their data are given, in what becomes of the rows after the last full
minibatch, and in whether there is a state besides the weights.
"""

import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_lmu.dl import epochs
from nengo_lmu.legendre.checks import shown, whole


def as_learner(sim, minibatch_size=None):
    """Return what knows how to train a simulator or a model.

    Parameters
    ----------
    sim : nengo_dl.Simulator or tf.keras.Model
        It has been compiled.
    minibatch_size : int, optional
        That of a model; a simulator has its own.

    Returns
    -------
    learner : SimulatorLearner or ModelLearner

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``sim`` is neither, or has another ``minibatch_size``.
    nengo_lmu.legendre.ArgumentError
        If a model has no ``minibatch_size``, or none that is a whole number.
    """
    if isinstance(sim, nengo_dl.Simulator):
        if minibatch_size not in (None, sim.minibatch_size):
            raise ValidationError(
                f"is {minibatch_size!r}, but the simulator was made with "
                f"{sim.minibatch_size}; leave it out",
                attr="minibatch_size",
            )
        return SimulatorLearner(sim)
    if isinstance(sim, tf.keras.Model):
        return ModelLearner(sim, whole("minibatch_size", minibatch_size, 1))
    raise ValidationError(
        f"must be a nengo_dl.Simulator or a tf.keras.Model, but {shown(sim)} was "
        "given; compile one of these and give it",
        attr="sim",
    )


class SimulatorLearner:
    """A simulator takes dicts, in minibatches of one size, and has a state.

    Attributes
    ----------
    model : tf.keras.Model
    minibatch_size : int
    """

    def __init__(self, sim):
        self._sim = sim
        self.model = sim.keras_model
        self.minibatch_size = sim.minibatch_size
        self._loops = epochs.can_loop(sim)
        self._data = None, None  # those of the last epoch, and their tensors

    @property
    def state(self):
        """(list of tf.Variable) The simulation's, which NengoDL sets back by itself.

        It does so after each minibatch, when callbacks have been called, so what there
        is of it then must not be kept: the next minibatch would begin with it.
        """
        return list(self._sim.tensor_graph.saved_state.values())

    def checked(self, name, data, n=None, finite=True):
        """Return data by node or probe as arrays; see `_checked_array`."""
        if not isinstance(data, dict) or not data:
            raise ValidationError(
                f"must be a dict with arrays, but {shown(data)} was given; give one "
                "array for each node or probe",
                attr=name,
            )
        arrays = {}
        for key, value in data.items():
            arrays[key] = _checked_array(name, value, n, finite, key, ndim=3)
            n = len(arrays[key])
        return arrays

    def n_used(self, name, n):
        """Return how many of n rows are in full minibatches; there must be one."""
        if n < self.minibatch_size:
            raise ValidationError(
                f"has {n} rows, fewer than the minibatch of {self.minibatch_size}; "
                "give more data, or the simulator a smaller minibatch_size",
                attr=name,
            )
        return n - n % self.minibatch_size

    def fit(self, data, rows, callback):
        """Train on rows of inputs and targets, in their order, for an epoch."""
        if self._loops:
            try:
                self._loop(data, rows, callback)
                return
            except epochs.DrawsNumbers:
                self._loops = False
        self._sim.fit(
            *_taken(data, rows), shuffle=False, verbose=0, callbacks=[callback]
        )

    def _loop(self, data, rows, callback):
        if self._data[0] is not data:
            self._data = data, epochs.tensors_of(self._sim, *data)
        epochs.loop_of(self._sim).epoch(
            *self._data[1], rows.reshape(-1, self.minibatch_size), callback
        )

    def evaluate(self, inputs, targets):
        """Return a dict of losses and metrics."""
        return self._sim.evaluate(inputs, targets, verbose=0)


class ModelLearner:
    """A Keras model takes arrays, and a last minibatch that is smaller.

    Attributes
    ----------
    model : tf.keras.Model
    minibatch_size : int
    """

    state = ()

    def __init__(self, model, minibatch_size):
        self.model = model
        self.minibatch_size = minibatch_size
        self._options = {"batch_size": minibatch_size, "verbose": 0}

    def checked(self, name, data, n=None, finite=True):
        """Return the only array of data, as in a dict; see `_checked_array`."""
        return {name: _checked_array(name, data, n, finite)}

    def n_used(self, name, n):
        """Return how many of n rows are used, which are all; there must be one."""
        if n == 0:
            raise ValidationError("has no rows; give some", attr=name)
        return n

    def fit(self, data, rows, callback):
        """Train on rows of inputs and targets, in their order, for an epoch."""
        inputs, targets = _taken(data, rows)
        arrays = *inputs.values(), *targets.values()
        self.model.fit(*arrays, shuffle=False, callbacks=[callback], **self._options)

    def evaluate(self, inputs, targets):
        """Return a dict of losses and metrics."""
        arrays = *inputs.values(), *targets.values()
        return self.model.evaluate(*arrays, return_dict=True, **self._options)


def _taken(data, rows):
    """Return rows of each array in dicts."""
    return [{key: values[rows] for key, values in part.items()} for part in data]


def _checked_array(name, value, n, finite, key="it", ndim=None):
    """Return an array, if its values are finite and it has n rows.

    Or NaN, if they need not be finite: a loss may leave out targets that are.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # the list is ragged
        array = np.asarray(None)
    is_shaped = array.ndim > 0 if ndim is None else array.ndim == ndim
    is_number = array.dtype.kind in "biuf"
    if not is_shaped or not is_number or not _has_values(array, may_be_nan=not finite):
        kind = "finite" if finite else "finite, or NaN for a loss that knows of it"
        shape = "(n, ...)" if ndim is None else "(n, n_steps, size)"
        raise ValidationError(
            f"must be {kind}, of shape {shape}, but {shown(value)} of shape "
            f"{array.shape} was given for {key}; clean and reshape it",
            attr=name,
        )
    if n is not None and len(array) != n:
        raise ValidationError(
            f"must have {n} rows, as what it goes with has, but {key} has "
            f"{len(array)}; give as many",
            attr=name,
        )
    return array


def _has_values(array, may_be_nan):
    """Return whether values are finite, or NaN where they may be."""
    if array.size == 0 or array.dtype.kind != "f":
        return True
    # The extremes take a fraction of the time of a look at each value, and are NaN
    # where any of them is.
    with np.errstate(invalid="ignore"):
        extremes = np.array([array.min(), array.max()])
    if may_be_nan and np.isnan(extremes).any():
        return not np.isinf(array).any()
    return bool(np.isfinite(extremes).all())
