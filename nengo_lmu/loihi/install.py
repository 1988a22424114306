"""Tell NengoLoihi of our build functions, and of our emulator."""

import nengo
from nengo_loihi.builder import Builder

from nengo_lmu.loihi.connections import (
    InputReceiveNode,
    build_bias_connection,
    build_connection,
    build_input_receive_node,
)
from nengo_lmu.loihi.emulator import fast_emulator
from nengo_lmu.loihi.fixed_point import build_network
from nengo_lmu.loihi.neurons import build_bernoulli_neurons
from nengo_lmu.networks.objects import BiasConnection


def install():
    """Register the build functions; once is enough, twice does no harm.

    Those for `nengo.Connection` and `nengo.Network` take the place of NengoLoihi's own
    and call them for all that is not ours. The emulator is the fast one from then on.
    """
    Builder.builders.update(
        {
            BiasConnection: build_bias_connection,
            InputReceiveNode: build_input_receive_node,
            nengo.Connection: build_connection,
            nengo.Network: build_network,
            nengo.PoissonSpiking: build_bernoulli_neurons,
            nengo.StochasticSpiking: build_bernoulli_neurons,
        }
    )
    fast_emulator()
