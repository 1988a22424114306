"""NengoDL networks evaluated over whole sequences, one operator after another.

NengoDL goes through all operators in every time step. Where no signal depends on its
own past, an operator can as well be applied to all time steps at once. Legendre
memories without neurons, and hidden units around them, do depend on their past, but in
a way that `nengo_lmu.dl.recurrence` has large operations for.

So what probes ask for is evaluated from there backwards: all steps of it, or the last
one only. `nengo_lmu.dl.graph` knows for which networks.
"""

import numpy as np
import tensorflow as tf
from nengo.builder.operator import TimeUpdate
from nengo.builder.processes import SimProcess
from nengo_dl import tensor_graph
from nengo_dl.tensor_node import SimTensorNode

from nengo_lmu.dl import recurrence
from nengo_lmu.dl.graph import (
    MATRIX,
    ZERO,
    Graph,
    Unsupported,
    slice_of,
    source_of,
    target_of,
)
from nengo_lmu.dl.linear_maps import LinearMaps, add, apply
from nengo_lmu.dl.memory_matrices import MemoryMatrices, for_chunk, for_end
from nengo_lmu.dl.nonlinearities import nonlinearity
from nengo_lmu.dl.operators import Delay
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.members import members


def build(simulated, n_last=None):
    """Build a simulation of whole sequences, in place of NengoDL's loop over steps.

    Parameters
    ----------
    simulated : nengo_dl.tensor_graph.TensorGraph
        Before its loop is built.
    n_last : int, optional
        Over how many of the last steps hidden units are followed; by default all.

    Returns
    -------
    steps_run, probes, state, parameters
        What `TensorGraph` expects of its loop.

    Raises
    ------
    nengo_lmu.dl.graph.Unsupported
        If the network has something that only NengoDL can evaluate.
    """
    model, signals = simulated.model, simulated.signals
    graph = graph_of(simulated)
    keeps_history = {
        probe: _setting(model, "keep_history", True, probe) for probe in model.probes
    }
    if n_last is not None:
        _check_last(graph, keeps_history)
    simulated._fill_bases(simulated.saved_state, simulated.base_params)
    if _keras_asks_for_shapes():
        probes = _shapes(simulated, graph, keeps_history)
    else:
        probes = _evaluate(simulated, graph, keeps_history, n_last)
    return (
        tf.tile(simulated.steps_to_run[tf.newaxis], (simulated.minibatch_size,)),
        probes,
        tuple(signals.bases[key] for key in simulated.saved_state),
        tuple(signals.bases[key] for key in simulated.base_params),
    )


def graph_of(simulated):
    """Return the graph of a simulation's operators, or raise `Unsupported`."""
    model = simulated.model
    return Graph(
        [op for group in simulated.plan for op in group],
        [model.sig[m.output]["in"] for m in _memories(model.toplevel)],
        {model.sig[node]["out"] for node in simulated.node_inputs},
    )


def _check_last(graph, keeps_history):
    """Raise `Unsupported` where the last steps of hidden units are not all there is."""
    if any(keeps_history.values()):
        raise Unsupported("a probe", "keeps its history (configure keep_history=False)")
    if not graph.cells:
        raise Unsupported("the network", "has no hidden units that feed back")
    for cell in graph.cells:
        if cell.memory.feedback:
            raise Unsupported(cell.hidden, "feeds back into the memory")


def _keras_asks_for_shapes():
    """Return whether Keras makes this graph for the shapes of its outputs only."""
    return tf.compat.v1.get_default_graph().name.endswith("_scratch_graph")


def _shapes(simulated, graph, keeps_history):
    """Return zeros in the place of what probes read."""

    def zeros(probe):
        signal = simulated.model.sig[probe]["in"]
        rows = simulated.minibatch_size if signal.minibatched else 1
        n_steps = simulated.steps_to_run if keeps_history[probe] else 1
        return tf.zeros((rows, n_steps, *signal.shape), simulated.dtype)

    return {probe: zeros(probe) for probe in keeps_history}


def _evaluate(simulated, graph, keeps_history, n_last):
    """Return what probes read, and set signals to their values after the last step."""
    model, signals, n_steps = simulated.model, simulated.signals, simulated.steps_to_run
    values = Values(
        graph,
        signals,
        {
            model.sig[node]["out"]: tf.transpose(x[:, :n_steps], (1, 0, 2))
            for node, x in simulated.node_inputs.items()
        },
        n_steps,
        any(keeps_history.values()),
        _unrounded(model),
        n_last,
    )
    probes = {
        probe: _by_row(values, model.sig[probe]["in"], last=not keeps)
        for probe, keeps in keeps_history.items()
    }
    if _setting(model, "stateful", True):
        for signal, x in values.state():
            signals.scatter(signals[signal], x)
        for op in [op for group in simulated.plan for op in group]:
            if type(op) is TimeUpdate:
                step = signals.gather(signals[op.step]) + n_steps
                time = tf.cast(step, signals.dtype) * signals.dt
                signals.scatter(signals[op.step], step)
                signals.scatter(signals[op.time], time)
    return probes


def _memories(network):
    memories = [] if network is None else members(network, LegendreMemory)
    return [memory for memory in memories if memory.populations is None]


def _unrounded(model):
    """Return the matrices of connections before NengoDL rounds them, by signal."""
    connections = [] if model.toplevel is None else model.toplevel.all_connections
    return {
        model.sig[connection]["weights"]: connection.transform.init
        for connection in connections
        if "weights" in model.sig[connection]
        and isinstance(getattr(connection.transform, "init", None), np.ndarray)
    }


def _setting(model, name, default, obj=None):
    return tensor_graph.config.get_setting(model, name, default=default, obj=obj)


def _by_row(values, signal, last):
    """Return what a probe reads, with the axis of the minibatch before that of time."""
    if signal.minibatched:
        return tf.transpose(values.in_time(signal, last), (1, 0, 2))
    n_steps = 1 if last else values.n_steps
    x = values.value(signal)
    return tf.broadcast_to(x, (1, n_steps, *signal.shape))


# --- the values of signals


class Values:
    """The values of signals at all time steps of a sequence, or at the last one.

    Values in time have shape ``(n_steps, minibatch, size)``, with one step where only
    the last is wanted; what is constant has the shape of its signal.

    Parameters
    ----------
    graph : nengo_lmu.dl.graph.Graph
    signals : nengo_dl.signals.SignalDict
        With the values of parameters and of the state before the first step.
    inputs : dict from Signal to (n_steps, minibatch, size) tensor
        What comes from outside.
    n_steps : tensor of int
    history : bool
        Whether all steps of anything will be asked for.
    unrounded : dict from Signal to ndarray
        Initial values of parameters, more precise than the simulation's.
    n_last : int or None
        Over how many of the last steps hidden units are followed; None for all.
    """

    def __init__(self, graph, signals, inputs, n_steps, history, unrounded, n_last):
        self.graph, self.signals, self.inputs = graph, signals, inputs
        self.n_steps, self._history, self._n_last = n_steps, history, n_last
        self._known, self._cells, self._weights = {}, {}, {}
        self._maps = LinearMaps(graph, self._weight, self._eye)
        dtype = signals.dtype.as_numpy_dtype
        self._memory_matrices = {
            memory.signal: MemoryMatrices(graph, memory, unrounded, dtype)
            for memory in graph.memories.values()
        }

    def value(self, signal, last=False):
        """Return the value of a signal, at all steps or at the last one."""
        if (signal, False) in self._known:
            x = self._known[signal, False]
            return x[-1:] if last and len(x.shape) == 3 else x
        if (signal, last) not in self._known:
            self._known[signal, last] = self._evaluate(signal, last)
        return self._known[signal, last]

    def in_time(self, signal, last=False):
        """Return the value of a signal with an axis of time, also of a constant."""
        x = self.value(signal, last)
        if len(x.shape) == 3:
            return x
        n_steps = 1 if last else self.n_steps
        rows = self.signals.minibatch_size
        return tf.broadcast_to(x, (n_steps, rows, signal.shape[0]))

    def state(self):
        """Return what delays and synapses hold after the last step, by signal."""
        for op in self.graph.operators:
            if type(op) in (Delay, SimProcess):
                yield target_of(op), self._next(op)

    # --- operators

    def _evaluate(self, signal, last):
        graph = self.graph
        if signal.is_view:
            return slice_of(self.value(signal.base, last), signal)
        if signal in self.inputs:
            x = self.inputs[signal]
            return x[-1:] if last else x
        if signal in graph.memories:
            return self._state(graph.memories[signal], last)
        for cell in graph.cells:
            if signal is target_of(cell.hidden):
                return self._cell(cell, last)[0]
            if signal in cell.memory.feedback:
                v = self._feedback(cell)[signal]
                return v[-1:] if last else v
        if not graph.writers[signal]:
            x = self.signals.gather(self.signals[signal])
            # nothing has made the rows of a minibatch differ
            return x[0] if signal.minibatched else x
        return add(self._made_by(op, last) for op in graph.writers[signal])

    def _made_by(self, op, last):
        """Return what an operator makes of its source."""
        kind = type(op)
        if kind in ZERO:
            return tf.zeros(target_of(op).shape, self.signals.dtype)
        if kind in (Delay, SimProcess):
            x = self._past(op)
            return x[-1:] if last else x
        if kind in MATRIX and op.X in self.graph.memories and not last:
            # The states themselves need not be computed.
            return self._states(self.graph.memories[op.X], self._weight(op))
        x = self.value(source_of(op), last)
        function, _ = nonlinearity(op)
        if function is not None:
            return function(x)
        if kind is SimTensorNode:
            return op.func.call(x)
        return apply(op, x, self._weight)

    def _weight(self, op):
        if op not in self._weights:
            A = self.value(op.A)
            # nothing is spent on gradients that nobody wants
            trained = self.graph.is_trained(op)
            self._weights[op] = A if trained else tf.stop_gradient(A)
        return self._weights[op]

    def _before(self, op):
        """Return what a delay or synapse holds before the first step."""
        return self.signals.gather(self.signals[target_of(op)])

    def _past(self, op):
        """Return the output of a delay or synapse, at all steps."""
        x = self.in_time(source_of(op))
        start = self._before(op)[tf.newaxis]
        if type(op) is Delay:
            return tf.concat([start, x[:-1]], axis=0)
        decay, gain = _lowpass(op.process, self.signals.dt_val)
        return recurrence.decayed(tf.concat([start, gain * x[:-1]], axis=0), decay)

    def _next(self, op):
        """Return what a delay or synapse holds after the last step."""
        x = self.in_time(source_of(op), last=True)[0]
        if type(op) is Delay:
            return x
        decay, gain = _lowpass(op.process, self.signals.dt_val)
        return decay * self._past(op)[-1] + gain * x

    # --- memories, and hidden units around them

    def _state(self, memory, last):
        """Return the state of a memory."""
        if not last:
            return self._states(memory, self._eye(memory.signal.size))
        power, states = self._constants(memory, for_end, self.n_steps)
        p, u = self._driven(memory)
        return recurrence.last_state(p, u, power, states)[tf.newaxis]

    def _states(self, memory, W):
        """Return what a matrix reads from a memory at all steps."""
        powers, *inputs = self._constants(memory, for_chunk, recurrence.STATE_CHUNK)
        p, u = self._driven(memory)
        return recurrence.all_states(p, u, powers, tf.concat(inputs, axis=2), W)

    def _driven(self, memory):
        """Return what is known of a memory's first state, and all that enters it."""
        u = self._joined(memory.inputs)
        if memory.feedback:
            v = self._joined(memory.feedback)
            late = tf.concat([tf.zeros_like(v[:1]), v[:-1]], axis=0)
            u = tf.concat([u, late], axis=2)
        return self._from_before(memory.signal, memory), u

    def _cell(self, cell, last):
        """Return the hidden units, and what they feed back into their memory."""
        if last and self._history:  # the whole history has the last step, too
            h, v = self._cell(cell, last=False)
            return h[-1:], v
        for key in ((cell.hidden, False), (cell.hidden, last)):
            if key in self._cells:
                h, v = self._cells[key]
                return h[-1:] if last else h, v
        memory, hidden = cell.memory, cell.hidden
        m, h, J = memory.signal, target_of(hidden), source_of(hidden)
        around = [m, h], []  # the feedback depends on these
        outside = cell.leaves, cell.delays
        x = self._joined(cell.inputs)
        W_x = self._matrix(cell.inputs, [J], *outside)
        if cell.constants:
            values = dict.fromkeys(cell.leaves)
            values.update({signal: self.value(signal) for signal in cell.constants})
            bias = self._maps.value(J, values, dict.fromkeys(cell.delays))
            # The bias is the weight of an input that is always 1.
            x = tf.pad(x, [[0, 0], [0, 0], [0, 1]], constant_values=1)
            W_x = tf.concat([W_x, bias[:, tf.newaxis]], axis=1)
        start = self._from_before(m, memory), self._from_before(J, cell)
        sequence = *start, self._joined(memory.inputs), x
        if self._n_last is not None:
            sequence = self._last_steps(memory, *sequence)
        result = recurrence.cell(
            *nonlinearity(hidden),
            *sequence,
            {
                "W_x": W_x,
                "W_h": self._matrix([h], [J], *outside, late=True),
                "W_m": self._matrix([m], [J], *outside),
                "E_h": self._matrix([h], memory.feedback, *around),
                "E_m": self._matrix([m], memory.feedback, *around),
            },
            self._constants(memory, for_chunk, recurrence.CELL_CHUNK),
            last,
        )
        self._cells[hidden, last] = result
        return result

    def _last_steps(self, memory, p, r, w, x):
        """Return what a cell starts from and gets in the last steps.

        Until then hidden units are at rest, and the memory is all that goes on.
        """
        earlier = tf.maximum(self.n_steps - self._n_last, 0)
        # a step without an input makes what the next one starts from of the state
        w_earlier = tf.concat([w[:earlier], tf.zeros_like(w[:1])], axis=0)
        power, states = self._constants(memory, for_end, earlier + 1)
        p = recurrence.last_state(p, w_earlier, power, states)
        r = tf.where(earlier > 0, tf.zeros_like(r), r)
        return p, r, w[earlier:], x[earlier:]

    def _feedback(self, cell):
        """Return what a cell feeds back into its memory, at all steps, by signal."""
        signals = cell.memory.feedback
        _, v = self._cell(cell, last=True)
        sizes = [signal.size for signal in signals]
        return dict(zip(signals, tf.split(v, sizes, axis=2)))

    def _joined(self, signals):
        """Return signals side by side, at all steps."""
        shape = self.n_steps, self.signals.minibatch_size, 0
        none = tf.zeros(shape, self.signals.dtype)
        return tf.concat([none, *map(self.in_time, signals)], axis=2)

    def _eye(self, size):
        return tf.eye(size, dtype=self.signals.dtype)

    def _from_before(self, signal, owner):
        """Return what of a signal in the first step is known before."""
        held = {op: self._before(op) for op in owner.delays}
        x = self._maps.value(signal, dict.fromkeys(owner.leaves), held)
        rows = self.signals.minibatch_size
        return tf.zeros((rows, signal.size), self.signals.dtype) if x is None else x

    def _constants(self, memory, function, n):
        """Return what a function makes of a memory's matrices."""
        weights = [self._weight(op) for op in memory.matrices]
        return self._memory_matrices[memory.signal].tensors(function, n, weights)

    def _matrix(self, starts, ends, leaves, delays, late=False):
        """Return the matrix from some signals to others, as it is trained."""
        dtype = self.signals.dtype

        def block(start, end):
            matrix = self._maps.between(start, end, leaves, delays, late)
            shape = start.size, end.size
            return tf.zeros(shape, dtype) if matrix is None else matrix

        width = sum(start.size for start in starts)
        rows = [tf.zeros((width, 0), dtype)]
        for end in ends:
            none = tf.zeros((0, end.size), dtype)
            rows.append(tf.concat([none, *(block(s, end) for s in starts)], axis=0))
        return tf.transpose(tf.concat(rows, axis=1))


def _lowpass(process, dt):
    """Return the decay and the gain of a synapse in a time step."""
    # Nengo, too, takes a synapse as short as that for a delay.
    decay = 0.0 if process.tau <= 0.03 * dt else np.exp(-dt / process.tau)
    return decay, 1 - decay
