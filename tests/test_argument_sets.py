"""Any arguments: the network runs and stays finite, or it is said what is wrong."""

import warnings

import nengo
import pytest

pytest.importorskip("hypothesis")
from argument_sets import (  # noqa: E402
    argument_sets,
    check,
    in_nengo,
    in_nengo_dl,
    on_emulator,
    quick,
)
from hypothesis import given, settings  # noqa: E402

from nengo_lmu import LMU, LegendreMemory  # noqa: E402

both_networks = pytest.mark.parametrize("network", [LegendreMemory, LMU])

# those that NengoLoihi has on the chip; the others it would simulate on the host
CHIP_TYPES = [
    nengo.PoissonSpiking(nengo.RectifiedLinear()),
    nengo.StochasticSpiking(nengo.RectifiedLinear()),
    nengo.SpikingRectifiedLinear(),
    nengo.LIF(),
]

# Kernels may be so small that the chip cannot have them beside the bias, and hidden
# units may be of a type that is only simulated on the host.
CHIP_REFUSALS = [
    "the largest weight that leads to it, .* is too small .*; give it larger weights",
    "cannot be simulated on Loihi. Please either switch to a supported",
]


def hold(network, simulate, n, refusals=(), **good):
    @settings(quick, max_examples=n)
    @given(argument_sets(cell=network is LMU, **good))
    def run(drawn):
        check(network, simulate, *drawn, refusals)

    run()


@both_networks
def test_in_nengo(network):
    hold(network, in_nengo, 250)


@pytest.mark.slow
@both_networks
def test_in_nengo_dl(network):
    with warnings.catch_warnings():
        # TensorFlow's own, as many networks are built one after another
        warnings.simplefilter("ignore")
        hold(network, in_nengo_dl, 50)


@pytest.mark.slow
@both_networks
def test_on_emulator(network):
    with warnings.catch_warnings():
        # NengoLoihi tells of weights that lose bits
        warnings.simplefilter("ignore")
        hold(
            network,
            on_emulator,
            50,
            CHIP_REFUSALS,
            neuron_types=CHIP_TYPES,
            ideal=False,
        )
