"""Tell NengoLoihi of our build functions, and of our emulator."""

from __future__ import annotations

import nengo
from nengo.params import BoolParam, IntParam
from nengo_loihi.builder import Builder
from nengo_loihi.builder import network as network_builder
from nengo_loihi.builder.split_blocks import split_model as split_as_nengo_loihi
from nengo_loihi.builder.validate import validate_model as validate_as_nengo_loihi
from nengo_loihi.simulator import Simulator
from nengo_loihi.splitter import Split

from nengo_lmu.legendre.checks import instance
from nengo_lmu.loihi.builder.connections import (
    InputReceiveNode,
    build_bias_connection,
    build_connection,
    build_input_receive_node,
)
from nengo_lmu.loihi.builder.fixed_point import build_network
from nengo_lmu.loihi.builder.neurons import (
    INTEGRATING,
    build_bernoulli_neurons,
    build_integrating_neurons,
)
from nengo_lmu.loihi.builder.passthrough import split
from nengo_lmu.loihi.builder.splitting import split_model
from nengo_lmu.loihi.emulator import fast_emulator
from nengo_lmu.loihi.resources import check_resources
from nengo_lmu.loihi.seeds import seeding
from nengo_lmu.loihi.told import refusing_reset, telling
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.arguments import validated
from nengo_lmu.networks.members import members
from nengo_lmu.networks.objects import BiasConnection

# These build functions take the place of NengoLoihi's own, or of none.
_BUILDERS = {
    BiasConnection: build_bias_connection,
    InputReceiveNode: build_input_receive_node,
    nengo.Connection: build_connection,
    nengo.Network: build_network,
    nengo.PoissonSpiking: build_bernoulli_neurons,
    nengo.StochasticSpiking: build_bernoulli_neurons,
    **dict.fromkeys(INTEGRATING, build_integrating_neurons),
}
_THEIRS = {cls: Builder.builders.get(cls) for cls in _BUILDERS}

# These do more than NengoLoihi's methods for a network with a memory.
_WRAPPERS = {"__init__": seeding, "run_steps": telling, "reset": refusing_reset}


def install() -> None:
    """Register the build functions; once is enough, twice does no harm.

    Those for `nengo.Connection` and `nengo.Network` take the place of NengoLoihi's own
    and call them for all that is not ours. The emulator is the fast one from then on.
    """
    Builder.builders.update(_BUILDERS)
    network_builder.Split = split
    for name, wrap in _WRAPPERS.items():
        method = getattr(Simulator, name)
        if not hasattr(method, "is_ours"):
            setattr(Simulator, name, wrap(method))
    network_builder.split_model = split_model
    network_builder.validate_model = validate_model
    fast_emulator()


def uninstall() -> None:
    """Give NengoLoihi back its own build functions and emulator."""
    for cls, build in _THEIRS.items():
        if build is None:
            Builder.builders.pop(cls, None)
        else:
            Builder.builders[cls] = build
    network_builder.Split = Split
    for name in _WRAPPERS:
        method = getattr(Simulator, name)
        setattr(Simulator, name, getattr(method, "__wrapped__", method))
    network_builder.split_model = split_as_nengo_loihi
    network_builder.validate_model = validate_as_nengo_loihi
    fast_emulator(False)


def validate_model(model):
    """Check that a model fits on the chip, with errors that say what to do.

    Parameters
    ----------
    model : nengo_loihi.builder.Model

    Raises
    ------
    nengo.exceptions.BuildError
        If it does not fit.
    """
    check_resources(model)
    validate_as_nengo_loihi(model)


def add_params(network: nengo.Network) -> None:
    """Add the parameters ``copies`` and ``staggered`` to the neurons of all memories.

    ``copies`` is None by default, which leaves to us how many independent copies a
    memory is made of on the chip (`nengo_lmu.loihi.builder.layout`); it is one as long
    as a core can take the spikes of all neurons. More copies need fewer weights, so
    less energy, and are a little noisier.

    ``staggered`` is False by default: all neurons of a population draw their spikes by
    the same rate. If it is True they begin one after the other on the chip, each where
    the one before spikes in every step. With as many spikes the noise is much less; it
    falls with the number of neurons, not with its square root.

    Parameters
    ----------
    network : nengo.Network

    Examples
    --------
    >>> add_params(net)
    >>> lmu.memory.config[lmu.memory.ensembles[0]].staggered = True
    """
    with validated(add_params):
        instance("network", network, nengo.Network, "give the network itself")
    for memory in members(network, LegendreMemory):
        memory.config[nengo.Ensemble].set_param(
            "copies", IntParam("copies", default=None, low=1, optional=True)
        )
        memory.config[nengo.Ensemble].set_param(
            "staggered", BoolParam("staggered", default=False)
        )
