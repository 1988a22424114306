"""Epochs of networks of a single step, as loops within TensorFlow.

A minibatch of a network of a single step is done sooner than Keras has fetched it from
its pipeline of data. So here rows are taken from arrays within the loop over
minibatches. Losses, metrics and optimizers are Keras' own, and so are their results.
"""

import weakref

import numpy as np
import tensorflow as tf

from nengo_lmu.dl.adam import minimize
from nengo_lmu.dl.tracing import make_variables

# Loops of simulators, that have been traced, and the losses that they are traced with.
_TRACED = weakref.WeakKeyDictionary()


class DrawsNumbers(Exception):
    """A network draws random numbers of TensorFlow's, that depend on its graph."""


def can_loop(sim):
    """Return whether the epochs of a simulator are such that a loop can do them.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        After ``sim.compile``.

    Returns
    -------
    can : bool
        Whether it is of a single step (``use_loop=False``), has no state, and has been
        compiled with what Keras does by default.
    """
    model = sim.keras_model
    return not (
        sim.tensor_graph.use_loop
        or sim.stateful
        or sim.tensor_graph.inference_only
        or model.run_eagerly
        or getattr(model, "jit_compile", None)
        or getattr(model, "autotune_steps_per_execution", False)
        or model.distribute_strategy.num_replicas_in_sync > 1
    )


def loop_of(sim):
    """Return the loop of a simulator; it is traced once, until ``sim.compile``.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        One that `can_loop`.

    Returns
    -------
    loop : Loop
    """
    loop = _TRACED.get(sim)
    if loop is None or loop.loss is not sim.keras_model.compiled_loss:
        loop = _TRACED[sim] = Loop(sim.keras_model)
    return loop


def tensors_of(sim, inputs, targets):
    """Return the data of an epoch as Keras would have them, as two dicts of tensors.

    Parameters
    ----------
    sim : nengo_dl.Simulator
    inputs : dict from nengo.Node to (n, 1, size) array_like
    targets : dict from nengo.Probe to (n, 1, size) array_like
    """
    x = _all_inputs(sim, inputs)
    y = sim._standardize_data(targets, sim.model.probes)
    # An epoch leaves rows out, others each time, which NengoDL would warn of.
    minibatch = slice(sim.minibatch_size)
    for part, nodes in ((x, True), (y, False)):
        first = {name: array[minibatch] for name, array in part.items()}
        sim._check_data(first, nodes=nodes)
    return [
        {name: tf.convert_to_tensor(_as_keras(array)) for name, array in part.items()}
        for part in (x, y)
    ]


def _all_inputs(sim, inputs):
    """Return the inputs, with those of nodes that have none: a dict of arrays by name.

    What is the same for all rows is asked of NengoDL for the first of them: it takes a
    tenth of the time of an epoch to say for each that there is one step.
    """
    given = sim._standardize_data(inputs, list(sim.node_inputs))
    n = len(next(iter(given.values())))
    others = [
        output
        for node, output in sim.tensor_graph.input_funcs.items()
        if sim.get_name(node) not in given
    ]
    if not all(isinstance(output, np.ndarray) for output in others):
        return sim._generate_inputs(inputs)
    first = sim._generate_inputs({name: array[:1] for name, array in given.items()})
    return {
        name: given[name] if name in given else np.repeat(value, n, axis=0)
        for name, value in first.items()
    }


def _as_keras(array):
    """Return an array in the precision that Keras has for it."""
    array = np.asarray(array)
    is_float = array.dtype.kind == "f"
    return array.astype(tf.keras.backend.floatx(), copy=False) if is_float else array


class Loop:
    """A loop over minibatches, each of which is a step of Keras' training.

    Parameters
    ----------
    model : tf.keras.Model
        Compiled.

    Attributes
    ----------
    loss : object
        That of ``model`` when this was made.
    """

    def __init__(self, model):
        make_variables(model)
        self._model = model
        self.loss = model.compiled_loss
        self._run = tf.function(self._steps, autograph=False, reduce_retracing=True)

    def epoch(self, x, y, rows, callback):
        """Train on rows of data, in their order.

        Parameters
        ----------
        x, y : dict of str to (n, ...) tensor
            From `tensors_of`.
        rows : (n_batches, minibatch_size) ndarray of int
        callback : tf.keras.callbacks.Callback
            Its ``on_train_begin`` is called, and ``on_train_batch_end`` after as many
            minibatches as the model has ``steps_per_execution``.

        Raises
        ------
        DrawsNumbers
            Before anything has been trained, if other random numbers would be drawn
            than in Keras' own loop.
        """
        model = self._model
        model.reset_metrics()
        callback.on_train_begin()
        at_once = int(model._steps_per_execution)
        rows = tf.constant(rows)
        for first in range(0, len(rows), at_once):
            last = min(first + at_once, len(rows))
            logs = self._run(x, y, rows, tf.constant(first), tf.constant(last))
            callback.on_train_batch_end(
                last - 1, {name: value.numpy() for name, value in logs.items()}
            )

    def _steps(self, x, y, rows, first, last):
        def step(i):
            self._step(
                *[{k: tf.gather(v, rows[i]) for k, v in d.items()} for d in (x, y)]
            )
            return (i + 1,)

        tf.while_loop(lambda i: i < last, step, (first,), parallel_iterations=1)
        return self._model.get_metrics_result()

    def _step(self, x, y):
        """Do what ``tf.keras.Model.train_step`` does."""
        model = self._model
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            _refuse_random_numbers()
            loss = model.compute_loss(x, y, outputs, None)
        minimize(model.optimizer, loss, model.trainable_variables, tape)
        model.compute_metrics(x, y, outputs, None)


def _refuse_random_numbers():
    """Raise `DrawsNumbers` if there are any in the graph that is being made.

    Their seeds are made of the number of operations in the graph before.
    """
    for op in tf.compat.v1.get_default_graph().get_operations():
        if "seed2" in op.node_def.attr:
            raise DrawsNumbers
