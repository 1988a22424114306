"""NengoDL, several times faster for recurrent networks.

There are three parts, each of which can be had alone, for any network of NengoDL, with
or without a Legendre memory.

Plans. NengoDL merges operators of a kind into one that works on all their signals side
by side. Where there are many small ones that saves time. In a recurrent network with a
few large ones it costs far more than it saves: signals are gathered and scattered in
every step, and so are their gradients; and the build function of merged products with
matrices moves the minibatch to the last axis and back. So

- `separated` takes groups of few operators apart again,
- `specialized` gives operators that are alone build functions for just one of them, and
  Poisson neurons faster random numbers (`nengo_lmu.dl.poisson`).

Whole sequences (`nengo_lmu.dl.sequences`): where every operator and every cycle of a
network is known, operators are applied to all time steps at once.

Superposition (`nengo_lmu.dl.superposition`): Poisson neurons that are read alike are
simulated as one.

With one of our planners, training is traced once, too (`nengo_lmu.dl.tracing`).

Networks with a Legendre memory get all of them unless a planner or simplifications are
configured. Otherwise, ::

    with net:
        nengo_dl.configure_settings(
            planner=fast.planner, simplifications=fast.simplifications
        )

gives a network all, `stepwise` as the planner all but whole sequences, `spiking` that
and the noise of Poisson neurons in training, and
``nengo_dl.graph_optimizer`` has NengoDL's own ``tree_planner`` and
``default_simplifications``. `explain` says what a network gets, and what keeps it from
being evaluated by whole sequences, which is 2 to 40 times faster.
docs/explanation/inside_dl.rst shows how the modules work together.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from nengo.exceptions import BuildError
from nengo_dl import tensor_graph
from nengo_dl.graph_optimizer import default_simplifications, tree_planner
from nengo_dl.simulator import Simulator

from nengo_lmu import compat
from nengo_lmu.dl import sequences
from nengo_lmu.dl.graph import Unsupported
from nengo_lmu.dl.inputs import checked_inputs
from nengo_lmu.dl.operators import Delay, Product
from nengo_lmu.dl.parameters import checked_freeze, checked_load
from nengo_lmu.dl.poisson import FastPoisson, TrainedInSpikes
from nengo_lmu.dl.rates import Rates
from nengo_lmu.dl.superposition import superpose
from nengo_lmu.dl.tracing import traced_once
from nengo_lmu.legendre.checks import whole
from nengo_lmu.networks.arguments import validated

if TYPE_CHECKING:
    from typing import Any

    import nengo


__all__ = [
    "LastSteps",
    "explain",
    "planner",
    "rates",
    "replacing",
    "separated",
    "simplifications",
    "specialized",
    "spiking",
    "stepwise",
]

logger = logging.getLogger(__name__)

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


def replacing(cls, planner):
    """Return a planner in which neurons are simulated in a way of their own.

    Parameters
    ----------
    cls : type
        Of the operators that take the place of groups that it ``replaces``.
    planner : callable
        As for `specialized`, and what is returned, too.
    """

    def plan(operators):
        return [
            tuple(map(cls, group)) if all(map(cls.replaces, group)) else group
            for group in planner(operators)
        ]

    return plan


def specialized(planner):
    """Return a planner that gives operators build functions of their own.

    Products and delays that are alone in their group, and all Poisson neurons.

    Parameters
    ----------
    planner : callable
        One of NengoDL's planners, or one like them.

    Returns
    -------
    planner : callable
    """
    planner = replacing(FastPoisson, planner)

    def plan(operators):
        return [_specialize(group) for group in planner(operators)]

    return plan


def _specialize(group):
    if len(group) == 1:
        for cls in (Product, Delay):
            if cls.replaces(group[0]):
                return (cls(group[0]),)
    return group


_single = separated(tree_planner)
stepwise = specialized(_single)

# As `stepwise`, but with the rates of spiking neurons in evaluation, too.
rates = specialized(replacing(Rates, _single))

# As `stepwise`, but with the spikes of Poisson neurons in training, too.
spiking = specialized(replacing(TrainedInSpikes, _single))


def planner(operators):
    """Plan as `stepwise` does, for a network that is evaluated by whole sequences.

    Networks for which that cannot be done are evaluated step by step.
    """
    return stepwise(operators)


class LastSteps:
    """A planner with which hidden units are followed over the last steps only.

    Before, they are taken to be at rest, while the memory, that nothing feeds back
    into, holds all of the sequence. So gradients are those of backpropagation through
    ``n`` steps, and training takes as long as that: for sequences of which only the end
    is read, by hidden units that forget sooner. Without this planner, the trained
    network is evaluated as it is.

    Parameters
    ----------
    n : int

    Raises
    ------
    nengo.exceptions.BuildError
        When a simulator is made of a network that cannot be evaluated like that: one
        that `explain` says goes step by step, one whose hidden units feed back into
        their memory, and one with ``keep_history`` of what they say.

    Examples
    --------
    >>> import nengo_dl
    >>> from nengo_lmu.dl import fast
    >>> with nengo.Network() as net:
    ...     nengo_dl.configure_settings(planner=fast.LastSteps(112), keep_history=False)
    """

    def __init__(self, n):
        with validated(LastSteps):
            self.n = whole("n", n, 1)

    def __call__(self, operators):
        """Plan as `stepwise` does."""
        return stepwise(operators)


# --- whole sequences


def _by_sequence(build_loop):
    @functools.wraps(build_loop)
    def build(simulated, progress):
        chosen = tensor_graph.config.get_setting(simulated.model, "planner")
        n_last = chosen.n if isinstance(chosen, LastSteps) else None
        if chosen is not planner and n_last is None:
            return build_loop(simulated, progress)
        try:
            return sequences.build(simulated, n_last)
        except Unsupported as why:
            if n_last is not None:
                raise BuildError(
                    "planner: hidden units cannot be followed over the last "
                    f"{n_last} steps only, since {why}; leave the planner out"
                ) from None
            logger.info("%s: step by step, since %s", simulated.model.label, why)
        return build_loop(simulated, progress)

    build.is_ours = True
    return build


def explain(network: nengo.Network, **kwargs: Any) -> str:
    """Say how NengoDL evaluates a network: by whole sequences or step by step, and why.

    The same goes to the log ``nengo_lmu.dl.fast``, at the level INFO, whenever a
    simulator is made.

    Parameters
    ----------
    network : nengo.Network
    **kwargs
        As for `nengo_dl.Simulator`.

    Returns
    -------
    explanation : str

    Examples
    --------
    >>> from nengo_lmu.dl import fast
    >>> with nengo.Network() as net:
    ...     stimulus = nengo.Node([0.0])
    ...     lmu = LMU(theta=0.1, d=4, units=8, n_neurons=0)
    ...     connection = nengo.Connection(stimulus, lmu.input, synapse=None)
    >>> fast.explain(net)
    'by whole sequences'
    """
    with Simulator(network, progress_bar=False, **kwargs) as sim:
        simulated = sim.tensor_graph
        chosen = tensor_graph.config.get_setting(
            simulated.model, "planner", default=tree_planner
        )
        if isinstance(chosen, LastSteps):
            return f"by whole sequences, hidden units over the last {chosen.n} steps"
        if chosen is not planner:
            name = getattr(chosen, "__name__", chosen)
            return f"step by step, since the planner is {name}"
        try:
            sequences.graph_of(simulated)
        except Unsupported as why:
            return f"step by step, since {why}"
    return "by whole sequences"


# --- the default

# NengoDL's come first, since `superpose` takes operators as they leave them.
simplifications = (*default_simplifications, superpose)

_DEFAULTS = {"planner": planner, "simplifications": simplifications}


class _Config:
    """NengoDL's module of settings, with other defaults where there is a memory."""

    def __init__(self, config):
        self._config = config

    def __getattr__(self, name):
        return getattr(self._config, name)

    def get_setting(self, model, setting, default=None, obj=None):
        """Look up a setting, as NengoDL does."""
        if setting in _DEFAULTS and compat.has_memory(model.toplevel):
            default = _DEFAULTS[setting]
        return self._config.get_setting(model, setting, default=default, obj=obj)


# --- the start of training


def _is_planned_here(simulator):
    chosen = tensor_graph.config.get_setting(simulator.model, "planner")
    return chosen in (planner, stepwise, rates, spiking) or isinstance(
        chosen, LastSteps
    )


# --- what a memory gets from outside


def _simulates_memory(simulator):
    return compat.has_memory(simulator.model.toplevel)


# --- what NengoDL is told


def install():
    """Tell NengoDL of all this, if it is the one that is known; once is enough."""
    if not compat.is_known():
        return
    graph = tensor_graph.TensorGraph
    if not hasattr(graph._build_loop, "is_ours"):
        compat.patch(graph, "_build_loop", _by_sequence(graph._build_loop))
    if not isinstance(tensor_graph.config, _Config):
        compat.patch(tensor_graph, "config", _Config(tensor_graph.config))
    if not hasattr(Simulator.compile, "is_ours"):
        compile = traced_once(vars(Simulator)["compile"], _is_planned_here)
        compat.patch(Simulator, "compile", compile)
    if not hasattr(Simulator._generate_inputs, "is_ours"):
        checked = checked_inputs(Simulator._generate_inputs, _simulates_memory)
        compat.patch(Simulator, "_generate_inputs", checked)
    if not hasattr(Simulator.load_params, "is_ours"):
        load = checked_load(vars(Simulator)["load_params"], _simulates_memory)
        compat.patch(Simulator, "load_params", load)
        freeze = checked_freeze(vars(Simulator)["freeze_params"])
        compat.patch(Simulator, "freeze_params", freeze)


install()
