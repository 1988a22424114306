"""Plans with which NengoDL trains recurrent networks several times faster.

NengoDL merges operators of a kind into one that works on all their signals side by
side. Where there are many small ones that saves time. In a recurrent network with a few
large ones it costs far more than it saves: signals are gathered and scattered in every
step, and so are their gradients; and the build function of merged products with
matrices moves the minibatch to the last axis and back. So here

- `separated` takes groups of few operators apart again,
- `specialized` gives operators that are alone build functions for just one of them.

For any NengoDL network, with or without a Legendre memory::

    with net:
        nengo_dl.configure_settings(planner=fast.planner)

or either of the two around another planner. Networks with a Legendre memory get
`planner` unless another one is configured; ``nengo_dl.graph_optimizer.tree_planner`` is
NengoDL's own.
"""

import tensorflow as tf
from nengo import Lowpass
from nengo.builder.operator import DotInc, Operator
from nengo.builder.processes import SimProcess
from nengo_dl import tensor_graph
from nengo_dl.builder import Builder, OpBuilder
from nengo_dl.graph_optimizer import tree_planner
from nengo_dl.op_builders import DotSet

from nengo_lmu.networks import LegendreMemory

__all__ = ["planner", "separated", "specialized"]

# Groups of fewer operators come apart. With arrays of 10 ensembles merging is about as
# fast as not, with arrays of 40 it takes half the time.
FEWEST = 8


# --- operators that are alone in their group


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
            type(op) in (DotInc, DotSet)
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


# --- planners
#
# A planner takes a list of operators and returns groups of them, as tuples, in the
# order of execution.


def separated(planner, fewest=FEWEST):
    """Return a planner whose groups of fewer operators come apart.

    Parameters
    ----------
    planner : callable
        One of NengoDL's planners, or one like them.
    fewest : int
        Operators of a group that stays.

    Returns
    -------
    planner : callable
    """

    def plan(operators):
        groups = []
        for group in planner(operators):
            if len(group) < fewest:
                # none depends on another, so any order will do
                groups.extend((operator,) for operator in group)
            else:
                groups.append(group)
        return groups

    return plan


def specialized(planner):
    """Return a planner that gives operators alone in their group their own builders.

    Parameters
    ----------
    planner : callable
        One of NengoDL's planners, or one like them.

    Returns
    -------
    planner : callable
    """

    def plan(operators):
        return [_specialize(group) for group in planner(operators)]

    return plan


def _specialize(group):
    if len(group) == 1:
        for cls in (Product, Delay):
            if cls.replaces(group[0]):
                return (cls(group[0]),)
    return group


planner = specialized(separated(tree_planner))


# --- the default


class _Config:
    """NengoDL's module of settings, with another default for the planner."""

    def __init__(self, config):
        self._config = config

    def __getattr__(self, name):
        return getattr(self._config, name)

    def get_setting(self, model, setting, default=None, obj=None):
        """Look up a setting, as NengoDL does."""
        if setting == "planner" and _has_memory(model.toplevel):
            default = planner
        return self._config.get_setting(model, setting, default=default, obj=obj)


def _has_memory(network):
    if network is None:
        return False
    networks = [network, *network.all_networks]
    return any(isinstance(one, LegendreMemory) for one in networks)


if not isinstance(tensor_graph.config, _Config):
    tensor_graph.config = _Config(tensor_graph.config)
