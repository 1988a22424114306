"""Poisson neurons that are read alike are simulated as one.

The sum of independent Poisson numbers is a Poisson number, with the sum of their means.
So wherever spikes are only added up, the sum can be drawn instead of them: the same
distribution, at a cost that does not depend on the number of neurons.

- Neurons with the same decoders fire as one, as fast as all of them together.
- Rectified linear neurons among them with inputs that are multiples of the same signal
  need not even have their rates computed one by one: ``relu(a x) + relu(b x) = relu((a
  + b) x)`` for ``a`` and ``b`` of the same sign.

Of a memory's neurons, half of those of each dimension are on neurons with one decoder,
half are off neurons with another. So a memory of any number of neurons becomes one of
``2 d``.

`superpose` is a simplification as NengoDL knows them, to come behind its own
(`nengo_lmu.dl.fast.simplifications`). It works on operators and signals, and so for any
network.

In training NengoDL's neurons have rates instead of spikes, and the sums of these are
the same too, with the same gradients. Weights become constants, as where NengoDL makes
an untrained bias one: ``sim.data`` and ``sim.freeze_params`` give those of the network.
"""

from dataclasses import dataclass

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import DotInc, Reset
from nengo.builder.signal import Signal
from nengo_dl.graph_optimizer import signal_io_dicts
from nengo_dl.op_builders import DotSet, ResetInc
from scipy.sparse import csr_matrix

from nengo_lmu.dl.graph import SCALE
from nengo_lmu.dl.operators import PRODUCTS
from nengo_lmu.dl.poisson import NOT_NEGATIVE

__all__ = ["superpose"]

# At least so many neurons must share each that is left. With fewer there is little to
# gain, and where rates have to be added up, there is an operator more.
FEWEST = 2


def superpose(operators):
    """Let Poisson neurons that are read alike fire as one.

    That is done for an ensemble of `nengo.PoissonSpiking` neurons with rates that are
    not negative, if nothing but products with constant matrices reads its spikes: no
    probe, learning rule or synapse, and no weights that are trained. Where that can be
    said of its rates and currents too, these are not computed one by one either.

    Parameters
    ----------
    operators : list of nengo.builder.Operator
        As NengoDL's own simplifications leave them.

    Returns
    -------
    operators : list of nengo.builder.Operator
        The same list if there is nothing to do.
    """
    for op in operators:
        if type(op) is SimNeurons and type(op.neurons) is nengo.PoissonSpiking:
            operators = _with_fewer(op, operators)
    return operators


def _with_fewer(spiking, operators):
    """Return the operators with fewer neurons in the place of those that spike."""
    uses = _Uses(operators)
    rate = _rate_operator(spiking, uses)
    readers = uses.readers[spiking.output]
    decoded = readers and all(_decodes(op, spiking.output, uses) for op in readers)
    if rate is None or not decoded:
        return operators
    decoders = np.vstack([op.A.initial_value for op in readers])
    group, first = _numbered(column.tobytes() for column in decoders.T)
    n_groups, n_neurons = len(first), len(group)
    if n_groups * FEWEST > n_neurons:
        return operators

    old, new = [spiking, *readers], []
    rates = spiking.J
    current = _current(rate, uses)
    if current is not None:
        unit, of_units = _numbered(zip(group, *current.directions()))
        if len(of_units) < n_neurons:
            group = group[of_units]
            summed, rates = _state(rate.J, len(group)), _state(rates, len(group))
            old += [rate, *current.operators]
            new += current.sums(unit, summed)
            new.append(SimNeurons(rate.neurons, summed, rates))
    if n_groups < len(group):
        each, rates = rates, _state(rates, n_groups)
        new.append(DotSet(_constant(rates, _summing(group).toarray()), each, rates))
    spikes = _state(spiking.output, n_groups)
    new.append(SimNeurons(spiking.neurons, rates, spikes, state=spiking.state_extra))
    for op in readers:
        A = _constant(op.A, op.A.initial_value[:, first])
        new.append(type(op)(A, spikes, op.Y, tag=op.tag))

    position = operators.index(spiking)
    gone = set(old)
    before, after = operators[:position], operators[position:]
    return [
        *(op for op in before if op not in gone),
        *new,
        *(op for op in after if op not in gone),
    ]


class _Uses:
    """Which operators read and write the whole of each signal or a part of it."""

    def __init__(self, operators):
        sets, incs, self.readers, updates = signal_io_dicts(operators)
        self._writers = {base: sets[base] + incs[base] + updates[base] for base in sets}

    def writers(self, signal):
        return self._writers[signal.base]

    def is_constant(self, signal):
        # the operators of nodes from outside are not in the list, as NengoDL knows too
        from_outside = signal.name.startswith("<Node")
        return not (signal.trainable or self.writers(signal) or from_outside)


def _rate_operator(spiking, uses):
    """Return the operator that sets the rates of neurons, None where it is another."""
    rate, *_ = uses.writers(spiking.J) or [None]
    is_known = type(rate) is SimNeurons and type(rate.neurons) in NOT_NEGATIVE
    return rate if is_known and rate.output is spiking.J else None


def _decodes(op, spikes, uses):
    return type(op) in PRODUCTS and op.X is spikes and _has_matrix(op, uses)


def _has_matrix(op, uses):
    return op.A.ndim == 2 and uses.is_constant(op.A)


@dataclass
class _Current:
    """The input of rectified linear neurons: a bias, and products with signals.

    Attributes
    ----------
    operators : list of operator
        That make it.
    terms : list of tuple
        Signals, and the ``(n_neurons, size)`` matrices that they are multiplied by.
    bias : (n_neurons,) ndarray
    """

    operators: list
    terms: list
    bias: np.ndarray

    def directions(self):
        """Return the number of each neuron's only weight or bias, and its sign.

        Neurons with several, or none, have negative numbers of their own.
        """
        weights = np.column_stack([*(matrix for _, matrix in self.terms), self.bias])
        neurons = np.arange(len(weights))
        alone = np.count_nonzero(weights, axis=1) == 1
        number = np.argmax(weights != 0, axis=1)
        positive = weights[neurons, number] > 0
        return np.where(alone, number, -1 - neurons), positive

    def sums(self, unit, target):
        """Return the operators that set a signal to the sums over some of the neurons.

        Parameters
        ----------
        unit : (n_neurons,) ndarray of int
            To which sum each neuron belongs.
        target : Signal
        """
        summing = _summing(unit)
        operators = []
        if np.any(self.bias):
            reset = Reset(target)
            reset.value = summing @ self.bias
            operators.append(reset)
        for signal, matrix in self.terms:
            A = _constant(target, summing @ matrix)
            product = DotInc if operators else DotSet
            operators.append(product(A, signal, target))
        return operators


def _current(rate, uses):
    """Return the input of rectified linear neurons, None for what is anything else."""
    J = rate.J
    if type(rate.neurons) is not nengo.RectifiedLinear or J.is_view:
        return None
    # Another reader wants to know each current or rate by itself.
    if len(uses.readers[J]) > 1 or len(uses.readers[rate.output]) > 1:
        return None
    current = _Current([], [], np.zeros(J.shape))
    for op in uses.writers(J):
        if type(op) in (Reset, ResetInc) and op.dst is J:
            current.operators.append(op)
            current.bias += np.ravel(op.value)
            continue
        product = _product(op, J, uses)
        if product is None:
            return None
        operators, *term = product
        current.operators.extend(operators)
        current.terms.append(term)
    return current if current.terms else None


def _product(op, target, uses):
    """Return the operators of a product with a constant matrix, and both factors."""
    operators, gains = [op], 1
    if type(op) in SCALE:
        # on its way to neurons a product is multiplied by their gains
        product, *others = uses.writers(op.X) or [None]
        if others or type(product) is not DotSet or op.Y is not target:
            return None
        if not uses.is_constant(op.A) or uses.readers[op.X.base] != [op]:
            return None
        operators.append(product)
        gains = op.A.initial_value.reshape(-1, 1)
        op, target = product, op.X
    if type(op) not in PRODUCTS or op.Y is not target or not _has_matrix(op, uses):
        return None
    return operators, op.X, gains * op.A.initial_value


def _numbered(keys):
    """Return the number of each key, from 0, and the first index with each number."""
    numbers = {}
    number = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    return number, np.unique(number, return_index=True)[1]


def _summing(number):
    """Return the matrix that adds up what has the same number."""
    ones = np.ones(len(number))
    return csr_matrix((ones, (number, np.arange(len(number)))))


def _state(signal, size):
    """Return a signal like another one, of another size."""
    return _marked(signal.name, np.zeros(size, signal.dtype), None)


def _constant(signal, values):
    """Return a constant, of the precision of a signal and named after it."""
    return _marked(signal.name, values.astype(signal.dtype), False)


def _marked(name, values, trainable):
    """Return a signal with the marks that NengoDL has given to all others."""
    signal = Signal(values, name=f"{name}.superposed", readonly=trainable is not None)
    signal.trainable = trainable
    signal.minibatched = trainable is None
    return signal
