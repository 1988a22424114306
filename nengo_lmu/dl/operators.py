"""Operators for signals that NengoDL has no others to merge with, and our own."""

import numpy as np
import tensorflow as tf
from nengo import Lowpass
from nengo.builder.operator import DotInc, Operator
from nengo.builder.processes import SimProcess
from nengo_dl.builder import Builder, OpBuilder
from nengo_dl.op_builders import DotSet

from nengo_lmu.networks.operators import Guard

# These are NengoDL's own products.
PRODUCTS = (DotInc, DotSet)


class Product(DotInc):
    """A product with a matrix that is alone, added to its target or set there."""

    def __init__(self, op):
        super().__init__(op.A, op.X, op.Y, tag=op.tag)
        self.sets, self.incs = op.sets, op.incs

    @property
    def Y(self):
        """(Signal) The target."""
        return (self.sets or self.incs)[0]

    @classmethod
    def replaces(cls, op):
        """Is this an operator for which this one can stand?"""
        return (
            type(op) in PRODUCTS
            and not op.A.sparse
            and op.A.ndim == 2
            and op.X.ndim == 1
            and not op.A.minibatched
            and op.X.minibatched
        )


class Delay(Operator):
    """A delay of one time step: what a synapse of no time constant comes to."""

    def __init__(self, op):
        super().__init__(tag=op.tag)
        self.sets, self.incs = [], []
        self.reads, self.updates = [op.input], [op.output]

    @classmethod
    def replaces(cls, op):
        """Is this an operator for which this one can stand?"""
        return (
            type(op) is SimProcess
            and type(op.process) is Lowpass
            and op.process.tau == 0
            and op.mode == "update"
        )


@Builder.register(Product)
class ProductBuilder(OpBuilder):
    """Build a `Product`, without the transpositions of the general case."""

    def build_pre(self, signals, config):
        """Look up the signals."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.A, self.X, self.Y = signals[op.A], signals[op.X], signals[op.Y]
        self.mode = "inc" if op.incs else "update"
        self.constant = not op.A.trainable

    def build_step(self, signals):
        """Build a step."""
        A = signals.gather(self.A)
        if self.constant:
            # TensorFlow would add up its gradient over all time steps
            A = tf.stop_gradient(A)
        product = tf.matmul(signals.gather(self.X), A, transpose_b=True)
        signals.scatter(self.Y, product, mode=self.mode)


@Builder.register(Delay)
class DelayBuilder(OpBuilder):
    """Build a `Delay`, without a multiplication by 1 and an addition of 0."""

    def build_pre(self, signals, config):
        """Look up the signals."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.source, self.target = signals[op.reads[0]], signals[op.updates[0]]

    def build_step(self, signals):
        """Build a step."""
        signals.scatter(self.target, signals.gather(self.source))


@Builder.register(Guard)
class GuardBuilder(OpBuilder):
    """Build guards: what is out of range becomes NaN, since nothing can be raised."""

    def build_pre(self, signals, config):
        """Look up the signals, and the range of each of their values."""
        super().build_pre(signals, config)
        self.source = signals.combine([op.reads[0] for op in self.ops])
        self.target = signals.combine([op.sets[0] for op in self.ops])
        sizes = [op.sets[0].size for op in self.ops]

        def each(values):
            return tf.constant(np.repeat(values, sizes), signals.dtype)

        self.low = each([op.low - op.slack for op in self.ops])
        self.high = each([op.high + op.slack for op in self.ops])

    def build_step(self, signals):
        """Build a step."""
        x = signals.gather(self.source)
        allowed = (x >= self.low) & (x <= self.high)
        signals.scatter(self.target, tf.where(allowed, x, np.nan))

    @staticmethod
    def mergeable(x, y):
        """Guards can be merged."""
        return True
