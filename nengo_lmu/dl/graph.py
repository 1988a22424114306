"""The operators of a simulation as a graph, and the memories in its cycles.

What it does not know raises `Unsupported`, which says what that is, so that networks
are left to NengoDL unless every operator and every cycle of theirs is one of those that
`nengo_lmu.dl.sequences` can evaluate.
"""

from collections import defaultdict
from dataclasses import dataclass

import nengo
import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, ElementwiseInc, Operator, Reset, TimeUpdate
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo_dl.op_builders import ElementwiseSet, ResetInc
from nengo_dl.tensor_node import SimTensorNode
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from nengo_lmu.dl.nonlinearities import GRADIENTS, NEURONS, nonlinearity
from nengo_lmu.dl.operators import PRODUCTS, Delay, Product
from nengo_lmu.dl.poisson import FastPoisson


class Unsupported(Exception):
    """A network has something that only NengoDL can evaluate.

    Parameters
    ----------
    what : nengo.builder.Operator or Signal or str
        The part of the network.
    why : str
    """

    def __init__(self, part, why):
        if isinstance(part, Operator):
            part = f"{type(part).__name__} of {target_of(part).name}"
        super().__init__(f"{getattr(part, 'name', part)} {why}")


# These Keras layers do the same to each time step, and nothing else.
LAYERS = (tf.keras.layers.Dense, tf.keras.layers.Activation)

MATRIX = (Product, *PRODUCTS)
SCALE = (ElementwiseInc, ElementwiseSet)
ZERO = (Reset, ResetInc)
IGNORED = (TimeUpdate, SimProbe)


# --- the graph of operators


def source_of(op):
    """Return the signal that an operator makes another one from; None for constants."""
    if type(op) in (*MATRIX, *SCALE):
        return op.X
    if type(op) is Copy:
        return op.src
    if type(op) is SimNeurons:
        return op.J
    if type(op) in (SimProcess, SimTensorNode):
        return op.input
    return op.reads[0] if type(op) is Delay else None


def target_of(op):
    """Return the signal that an operator sets, adds to or updates."""
    return (op.sets + op.incs + op.updates)[0]


def linear(op):
    """Is what an operator makes proportional to its source, in the same step?"""
    return type(op) in (Copy, *MATRIX, *SCALE)


def base_of(signal):
    """Return the signal that a slice is a slice of."""
    return signal.base if signal.is_view else signal


def slice_of(value, signal):
    """Take from the value of the whole signal that of a slice."""
    if not signal.is_view:
        return value
    (step,), (size,) = signal.elemstrides, signal.shape
    start = signal.elemoffset
    stop = start + step * size
    return value[..., start : stop if stop >= 0 else None : step]


def check(op):
    """Raise `Unsupported` unless an operator is one that we know."""
    why = _unknown(op)
    # NengoDL has the state of a synapse in its output
    targets = op.sets + op.incs + op.updates
    if why is None and type(op) is not SimProcess:
        if len(targets) != 1:
            why = f"sets {len(targets)} signals, where one is expected"
        elif targets[0].is_view:
            why = "sets a slice of a signal"
    start = source_of(op)
    if why is None and start is not None and type(op) not in (Copy, *SCALE):
        if start.ndim != 1 or not start.minibatched:
            why = "reads what is no vector of values in time"
    if why is not None:
        raise Unsupported(op, why)


def _unknown(op):
    """Return what is not known about an operator, or None."""
    kind = type(op)
    if kind in ZERO:
        return "resets to values other than 0" if np.any(op.value) else None
    if kind is SimProcess:
        if type(op.process) is nengo.Lowpass and op.mode == "update":
            return "sets a slice of a signal" if target_of(op).is_view else None
        return f"is of {op.process}, and only Lowpass synapses are known"
    if isinstance(op, (SimNeurons, FastPoisson)):
        if type(op.neurons) not in NEURONS or op.state:
            names = ", ".join(neuron_type.__name__ for neuron_type in NEURONS)
            return f"is of {op.neurons}, and only {names} are known"
        return "reads a slice of its input" if op.J.is_view else None
    if kind is SimTensorNode:
        if op.time is not None:
            return "gets the time"
        if nonlinearity(op)[0] is not None:
            if op.input.shape != op.output.shape:
                return "has an output of another size than its input"
            return "reads a slice of its input" if op.input.is_view else None
        is_layer = type(op.func) in LAYERS and op.shape_in in (None, op.input.shape)
        names = ", ".join(function.__name__ for function in GRADIENTS)
        return None if is_layer else f"is of no known layer, nor one of {names}"
    if kind is Copy:
        sliced = op.src_slice is not None or op.dst_slice is not None
        return "copies slices" if sliced else None
    if kind in MATRIX:
        is_dense = op.A.ndim == 2 and not op.A.sparse and not op.A.minibatched
        return None if is_dense else "multiplies with what is no dense matrix"
    if kind in (Delay, *SCALE):
        return None
    return "is not known"


@dataclass
class Memory:
    """A memory without neurons, and what it depends on.

    Attributes
    ----------
    signal : Signal
        The state ``m``.
    leaves : list of Signal
        All signals that it depends on.
    inputs : list of Signal
        Signals from outside that enter it, in the same step.
    feedback : list of Signal
        Signals made of the state and the hidden units, that enter it a step later.
    matrices : list of operator
        With the weights that make it what it is; none of them is trained.
    delays : list of Delay
        Through which the past reaches it.
    cell : Cell or None
        The hidden units around it.
    """

    signal: object
    leaves: list
    inputs: list
    feedback: list
    matrices: list
    delays: list
    cell: object = None


@dataclass
class Cell:
    """Hidden units that depend on their own past, and the memory that they read.

    Attributes
    ----------
    hidden : SimNeurons or SimTensorNode
        What makes the hidden units' outputs of their inputs.
    memory : Memory
    leaves : list of Signal
        All signals that the hidden units depend on.
    inputs : list of Signal
        Of those, signals from outside.
    constants : list of Signal
        And biases.
    delays : list of Delay
        Through which the past reaches the hidden units.
    """

    hidden: Operator
    memory: Memory
    leaves: list
    inputs: list
    constants: list
    delays: list


class Graph:
    """The operators of a simulation, with their cycles.

    Parameters
    ----------
    operators : list of nengo.builder.Operator
        Of the whole simulation.
    memories : list of Signal
        The states of the memories that are known to be in it. What else holds a state
        that nothing trains is found.
    inputs : set of Signal
        Signals that come from outside of the simulation.

    Raises
    ------
    Unsupported
        If there is an operator or a cycle that we do not know.
    """

    def __init__(self, operators, memories, inputs):
        self.inputs = inputs
        self.operators = [op for op in operators if type(op) not in IGNORED]
        self.writers = defaultdict(list)
        # Neurons come first, since they explain more than what is around them.
        for op in sorted(self.operators, key=lambda op: not hasattr(op, "neurons")):
            check(op)
        for op in self.operators:
            self.writers[target_of(op)].append(op)
        for signal, ops in self.writers.items():
            if type(ops[0]) in (Delay, SimProcess) and len(ops) > 1:
                raise Unsupported(signal, "is set by a delay and by others")
        for op in self.operators:
            if type(op) in (*MATRIX, *SCALE) and not self._is_constant(op.A):
                raise Unsupported(op, "multiplies with what changes in time")
        self.cycles = self._find_cycles(self.operators)
        known = [m for m in memories if m in self.cycles]
        self.memories = {m: self._memory(m) for m in [*known, *self._states(known)]}
        self.cells = [
            self._cell(op)
            for op in self.operators
            if nonlinearity(op)[0] is not None and target_of(op) in self.cycles
        ]
        for cell in self.cells:
            cell.memory.cell = cell
        self._check_cycles()

    def _is_constant(self, signal):
        """Return whether a signal is the same at all steps."""
        return signal not in self.inputs and all(
            type(op) in ZERO
            or (
                type(op) in (Copy, *SCALE) and self._is_constant(base_of(source_of(op)))
            )
            for op in self.writers[signal]
        )

    def is_trained(self, op):
        """Return whether the weights of an operator are trained, or made of what is."""
        signals = [op.A]
        for signal in signals:
            signals.extend(s for maker in self.writers[signal] for s in maker.reads)
        return any(signal.trainable for signal in signals)

    def _find_cycles(self, operators):
        """Return for each signal in a cycle of operators all signals of its cycles."""
        signals = list(self.writers)
        numbers = {signal: i for i, signal in enumerate(signals)}
        edges = {
            (numbers[base_of(source_of(op))], numbers[target_of(op)])
            for op in operators
            if source_of(op) is not None and base_of(source_of(op)) in numbers
        }
        if not edges:
            return {}
        rows, columns = zip(*edges)
        size = len(signals)
        matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), (size, size))
        _, labels = connected_components(matrix, connection="strong")
        groups = defaultdict(set)
        for signal, label in zip(signals, labels):
            groups[label].add(signal)
        return {
            signal: group
            for group in groups.values()
            if len(group) > 1 or {(numbers[s],) * 2 for s in group} & edges
            for signal in group
        }

    def _states(self, known):
        """Return the states of memories that are made of plain objects.

        Of the signals of a linear cycle that nothing trains, the state is the one that
        others read, if that is only one.
        """
        cycles = self._find_cycles(
            [
                op
                for op in self.operators
                if type(op) is Delay
                or (type(op) is Copy or linear(op) and not self.is_trained(op))
            ]
        )
        read = defaultdict(set)
        for op in self.operators:
            start = None if source_of(op) is None else base_of(source_of(op))
            if start in cycles and target_of(op) not in cycles[start]:
                read[id(cycles[start])].add(start)
        held = {id(cycles[m]) for m in known if m in cycles}
        return [
            m for group, (m, *more) in read.items() if group not in held and not more
        ]

    def _memory(self, m):
        """Find out what a memory depends on."""
        region = self.cycles[m]
        walk = Walk(self, {m}, region, self._enters_state)
        walk.visit(m)
        inputs, feedback = [], []
        for signal, lag in walk.leaves:
            if lag == 0 and signal not in region:
                inputs.append(signal)
            elif lag == 1 and signal in region:
                feedback.append(signal)
            else:
                trained = any(
                    self.is_trained(op)
                    for op in self.writers[signal]
                    if type(op) in (*MATRIX, *SCALE)
                )
                raise Unsupported(
                    signal,
                    "is a part of a memory, and trained"
                    if trained
                    else "enters a memory at another time than inputs and feedback do",
                )
        if m not in feedback:
            raise Unsupported(m, "is a memory that does not depend on its own past")
        feedback.remove(m)
        fixed = [op for op in walk.operators if type(op) in (*MATRIX, *SCALE)]
        for op in fixed:
            if self.is_trained(op):
                raise Unsupported(op, "is a part of a memory, and trained")
        leaves = [m, *inputs, *feedback]
        return Memory(m, leaves, inputs, feedback, fixed, walk.delays)

    def _enters_state(self, signal):
        region = self.cycles
        return self._is_fixed(signal) and (signal in region or self._is_narrow(signal))

    def _is_narrow(self, signal):
        """Return whether a signal is made of what is not larger."""
        makers = [source_of(op) for op in self.writers[signal] if type(op) not in ZERO]
        return sum(start.size for start in makers) <= signal.size

    def _is_fixed(self, signal):
        """Return whether all products that make a signal have untrained matrices."""
        return all(
            type(op) is Delay
            or (type(op) is Copy and self._is_fixed_or_leaf(base_of(op.src)))
            or (type(op) in (*MATRIX, *SCALE) and not self.is_trained(op))
            for op in self.writers[signal]
        )

    def _is_fixed_or_leaf(self, signal):
        return not self.writers[signal] or self._is_fixed(signal)

    def _cell(self, hidden):
        """Find out what hidden units depend on."""
        h, J = target_of(hidden), source_of(hidden)
        region = self.cycles[h]

        def passes(signal):
            reads = self._reads_state(signal)
            return signal in region or reads or self._is_narrow(signal)

        ends = {*self.memories, h}
        walk = Walk(self, ends, region, passes)
        walk.visit(J)
        read = [signal for signal, lag in walk.leaves if signal in self.memories]
        inputs, constants = [], []
        for signal, lag in walk.leaves:
            if signal in self.memories and lag == 0:
                continue
            if signal is h and lag == 1:
                continue
            if signal in region or lag > 0:
                raise Unsupported(signal, "enters hidden units a step late")
            if self.writers[signal] or signal in self.inputs:
                inputs.append(signal)
            else:
                constants.append(signal)
        if len(set(read)) != 1:
            why = f"hidden units in a cycle read {len(set(read))} memories, not one"
            raise Unsupported(J, why)
        memory = self.memories[read[0]]
        for signal in memory.feedback:
            walk_back = Walk(self, ends, region, passes)
            walk_back.visit(signal)
            if not {(memory.signal, 0), (h, 0)} >= set(walk_back.leaves):
                why = "feeds back more than the memory's state and its hidden units"
                raise Unsupported(signal, why)
        leaves = list(dict.fromkeys(signal for signal, _ in walk.leaves))
        return Cell(hidden, memory, leaves, inputs, constants, walk.delays)

    def _reads_state(self, signal):
        """Return whether a signal depends on a memory's state, in the same step."""
        return any(
            linear(op)
            and (
                base_of(source_of(op)) in self.memories
                or self._reads_state(base_of(source_of(op)))
            )
            for op in self.writers[signal]
        )

    def _check_cycles(self):
        """Raise `Unsupported` for a cycle without a memory, or with two."""
        in_cycles = {id(self.cycles[m]): self.cycles[m] for m in self.memories}
        if len(in_cycles) < len(self.memories):
            raise Unsupported("memories", "depend on one another")
        hidden = [self.cycles[target_of(cell.hidden)] for cell in self.cells]
        if len({id(region) for region in hidden}) < len(hidden):
            raise Unsupported("hidden units", "depend on one another")
        if len({id(cell.memory) for cell in self.cells}) < len(self.cells):
            raise Unsupported("hidden layers", "several feed back into one memory")
        members = set().union(*in_cycles.values(), *hidden)
        for signal in self.cycles:
            if signal not in members:
                raise Unsupported(signal, "is in a cycle without a memory")
        for memory in self.memories.values():
            if memory.feedback and memory.cell is None:
                why = "is a memory with feedback that does not come from hidden units"
                raise Unsupported(memory.signal, why)


class Walk:
    """A walk from a signal back to what it depends on, through linear operators.

    Parameters
    ----------
    graph : Graph
    ends : set of Signal
        Where it ends.
    region : set of Signal
        Delays between these are steps back in time; others belong to the outside.
    passes : callable
        Whether to go on behind a signal, if it is linear in others.

    Attributes
    ----------
    leaves : list of (Signal, int)
        Where it ended, and how many steps back in time.
    operators : list of nengo.builder.Operator
        On the way.
    delays : list of Delay
        On the way.
    """

    def __init__(self, graph, ends, region, passes):
        self.graph, self.ends, self.region, self.passes = graph, ends, region, passes
        self.leaves, self.operators, self.delays = [], [], []
        self._seen = set()

    def visit(self, signal, lag=0):
        """Go on behind a signal."""
        for op in self.graph.writers[signal]:
            if type(op) in ZERO:
                continue
            self.operators.append(op)
            if type(op) is Delay and op not in self.delays:
                self.delays.append(op)
            following = base_of(source_of(op)), lag + (type(op) is Delay)
            if following in self._seen:
                continue
            self._seen.add(following)
            if self._goes_on(following[0]):
                self.visit(*following)
            else:
                self.leaves.append(following)

    def _goes_on(self, signal):
        makers = [op for op in self.graph.writers[signal] if type(op) not in ZERO]
        return (
            signal not in self.ends
            and signal not in self.graph.inputs
            and len(makers) > 0
            and all(
                linear(op) or (type(op) is Delay and signal in self.region)
                for op in makers
            )
            and self.passes(signal)
        )
