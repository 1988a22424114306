"""What is made of a memory's matrices before a sequence, once for all that follow.

Nothing trains them, so that it is made again only if somebody sets other weights.
"""

import functools

import numpy as np
import tensorflow as tf

from nengo_lmu.dl import recurrence
from nengo_lmu.dl.linear_maps import LinearMaps


def for_chunk(n, A, *inputs):
    """Return what is needed for chunks of so many steps: arrays."""
    powers = recurrence.lookahead(A, n)
    return powers, *[powers @ B for B in inputs]


def for_end(n, A, *inputs):
    """Return what is needed for the end of a sequence of so many steps: arrays."""
    return recurrence.response(A, np.hstack(inputs), n)


class MemoryMatrices:
    """The matrices of a memory, and what functions have made of them.

    In double precision, since powers enlarge errors.

    Parameters
    ----------
    graph : nengo_lmu.dl.graph.Graph
    memory : nengo_lmu.dl.graph.Memory
    unrounded : dict from Signal to ndarray
        Initial values of parameters, more precise than the simulation's.
    dtype : str
        Of what is returned in the end.
    """

    def __init__(self, graph, memory, unrounded, dtype):
        self.graph, self.memory = graph, memory
        self._unrounded, self._dtype = unrounded, dtype
        self._weights, self._made = None, {}

    def tensors(self, function, n, weights):
        """Return ``function(n, *matrices)`` as tensors of known shapes.

        Parameters
        ----------
        function : callable
            `for_chunk` or `for_end`.
        n : int or tensor of int
        weights : list of tensor
            Of the operators of ``memory.matrices``.
        """
        memory = self.memory
        d = memory.signal.size
        inputs = [
            sum(s.size for s in which) for which in (memory.inputs, memory.feedback)
        ]
        if function is for_chunk:
            shapes = [(n + 1, d, size) for size in (d, *inputs)]
        else:
            shapes = [(d, d), (None, d, sum(inputs))]
        outputs = tf.numpy_function(
            functools.partial(self.arrays, function),
            [n, *weights],
            [self._dtype] * len(shapes),
            stateful=False,
        )
        return [tf.ensure_shape(x, shape) for x, shape in zip(outputs, shapes)]

    def arrays(self, function, n, *weights):
        """Return ``function(n, *matrices)``, made anew only if something is other."""
        if self._weights is None or not all(
            map(np.array_equal, self._weights, weights)
        ):
            self._weights, self._made = weights, {}
        number, arrays = self._made.get(function, (None, None))
        if number != n:
            arrays = function(n, *self._matrices(weights))
            arrays = [x.astype(self._dtype) for x in arrays]
            self._made[function] = n, arrays
        return arrays

    def _matrices(self, weights):
        """Return ``A``, and those of the inputs and of the feedback."""
        memory, m = self.memory, self.memory.signal
        precise = {
            op: self._precise(op.A, w) for op, w in zip(memory.matrices, weights)
        }
        maps = LinearMaps(self.graph, precise.get, np.eye)

        def matrix(signals, late):
            blocks = [
                maps.between(s, m, memory.leaves, memory.delays, late) for s in signals
            ]
            return np.concatenate([np.zeros((0, m.size)), *blocks]).T

        return (
            matrix([m], True),
            matrix(memory.inputs, False),
            matrix(memory.feedback, True),
        )

    def _precise(self, signal, value):
        """Return the value of a parameter in double precision."""
        # hundreds of steps would enlarge what rounding has changed
        unrounded = self._unrounded.get(signal)
        same = unrounded is not None and np.array_equal(
            unrounded.astype(value.dtype), value
        )
        return (unrounded if same else value).astype(np.float64)
