"""NengoDL, several times faster for recurrent networks.

There are two parts, each of which can be had alone, for any network of NengoDL, with or
without a Legendre memory.

Plans. NengoDL merges operators of a kind into one that works on all their signals side
by side. Where there are many small ones that saves time. In a recurrent network with a
few large ones it costs far more than it saves: signals are gathered and scattered in
every step, and so are their gradients; and the build function of merged products with
matrices moves the minibatch to the last axis and back. So

- `separated` takes groups of few operators apart again,
- `specialized` gives operators that are alone build functions for just one of them.

Whole sequences (`nengo_lmu.dl.sequences`): where every operator and every cycle of a
network is known, operators are applied to all time steps at once.

Networks with a Legendre memory get both unless a planner is configured. Otherwise, ::

    with net:
        nengo_dl.configure_settings(planner=fast.planner)

gives a network both, `stepwise` in its place the first, and
``nengo_dl.graph_optimizer.tree_planner`` is NengoDL's own.
"""

import functools

from nengo_dl import tensor_graph
from nengo_dl.graph_optimizer import tree_planner

from nengo_lmu.dl import sequences
from nengo_lmu.dl.graph import Unsupported
from nengo_lmu.dl.operators import Delay, Product
from nengo_lmu.networks import LegendreMemory

__all__ = ["planner", "separated", "specialized", "stepwise"]

# Groups of fewer operators come apart. With arrays of 10 ensembles merging is about as
# fast as not, with arrays of 40 it takes half the time.
FEWEST = 8


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


stepwise = specialized(separated(tree_planner))


def planner(operators):
    """Plan as `stepwise` does, for a network that is evaluated by whole sequences.

    Networks for which that cannot be done are evaluated step by step.
    """
    return stepwise(operators)


# --- whole sequences


def _by_sequence(build_loop):
    @functools.wraps(build_loop)
    def build(simulated, progress):
        chosen = tensor_graph.config.get_setting(simulated.model, "planner")
        if chosen is planner:
            try:
                return sequences.build(simulated)
            except Unsupported:
                pass
        return build_loop(simulated, progress)

    build.is_ours = True
    return build


if not hasattr(tensor_graph.TensorGraph._build_loop, "is_ours"):
    tensor_graph.TensorGraph._build_loop = _by_sequence(
        tensor_graph.TensorGraph._build_loop
    )


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
