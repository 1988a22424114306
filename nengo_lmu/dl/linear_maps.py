"""Linear maps between the signals of a graph, as they are trained or as arrays.

What a signal is made of, by linear operators and through delays, is a sum of products.
With an identity matrix in the place of a start, that sum is the matrix from there.
"""

import functools
import operator

import numpy as np
import tensorflow as tf

from nengo_lmu.dl.graph import MATRIX, SCALE, ZERO, base_of, slice_of, source_of
from nengo_lmu.dl.operators import Delay


class LinearMaps:
    """The linear maps of a graph.

    Parameters
    ----------
    graph : nengo_lmu.dl.graph.Graph
    weight : callable
        Returns the weights of an operator, as tensors or as arrays.
    eye : callable
        Returns an identity matrix of a size, of the same kind.
    """

    def __init__(self, graph, weight, eye):
        self.graph, self._weight, self._eye = graph, weight, eye

    def between(self, start, end, leaves, delays, late=False):
        """Return the matrix from one signal to another, transposed; None for nothing.

        Parameters
        ----------
        start, end : Signal
        leaves, delays : list
            What the walk from the end ended at, and what it passed.
        late : bool
            The way through a delay, or that without.
        """
        nothing, held = dict.fromkeys(leaves), dict.fromkeys(delays)
        values = nothing | {start: self._eye(start.size)}
        if late:
            held = {op: self._made_by(op, values, held) for op in delays}
            values = nothing
        return self.value(end, values, held)

    def value(self, signal, values, held):
        """Return what a signal is for certain values of what it depends on.

        Parameters
        ----------
        signal : Signal
        values : dict from Signal to array or None
            Those that the walk from it ended at; None for 0.
        held : dict from Delay to array or None
            What delays hold.
        """
        return add(
            held[op] if type(op) is Delay else self._made_by(op, values, held)
            for op in self.graph.writers[signal]
            if type(op) not in ZERO
        )

    def _made_by(self, op, values, held):
        """Return what an operator makes of its source then."""
        read = source_of(op)
        base = base_of(read)
        x = values[base] if base in values else self.value(base, values, held)
        return None if x is None else apply(op, slice_of(x, read), self._weight)


def apply(op, x, weight):
    """Apply a linear operator, or a delay's source, to arrays or tensors."""
    if type(op) in SCALE:
        return weight(op) * x
    if type(op) not in MATRIX:
        return x
    W = weight(op)
    if isinstance(W, np.ndarray):
        return x @ W.T
    if len(x.shape) == 1:
        return tf.linalg.matvec(W, x)
    if len(x.shape) == 2:
        return tf.matmul(x, W, transpose_b=True)
    # For three axes TensorFlow would make a product for each step.
    n_steps, (rows, size) = tf.shape(x)[0], x.shape[1:]
    y = tf.matmul(tf.reshape(x, (n_steps * rows, size)), W, transpose_b=True)
    return tf.reshape(y, (n_steps, rows, W.shape[0]))


def add(parts):
    """Add up what is not None; return None if there is nothing."""
    parts = [part for part in parts if part is not None]
    return functools.reduce(operator.add, parts) if parts else None
