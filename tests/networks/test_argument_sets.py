"""Any arguments: the network runs and stays finite, or it is said what is wrong."""

import warnings

import nengo
import pytest
from argument_sets import (
    OF_THE_MATHEMATICS,
    argument_sets,
    check,
    check_message,
    quick,
)
from backends import EMULATOR, NENGO, NENGO_DL
from hypothesis import given, settings

from nengo_lmu import LMU, LegendreMemory, legendre
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import shown

both_networks = pytest.mark.parametrize("network", [LegendreMemory, LMU])

# those that NengoLoihi has on the chip; the others it would simulate on the host
CHIP_TYPES = [
    nengo.PoissonSpiking(nengo.RectifiedLinear()),
    nengo.StochasticSpiking(nengo.RectifiedLinear()),
    nengo.SpikingRectifiedLinear(),
    nengo.LIF(),
]

# Intercepts and a gain that are good may not be good together: few neurons of a
# dimension may all have an intercept near 0.5, beyond which they change 2.5 times as
# much.
REFUSALS = ["error_feedback: must be below .*, since neurons with these intercepts"]

# Kernels may be so small that the chip cannot have them beside the bias, and hidden
# units may be of a type that is only simulated on the host.
CHIP_REFUSALS = [
    "the largest weight that leads to it, .* is too small .*; give it larger weights",
    "cannot be simulated on Loihi. Please either switch to a supported",
]


@pytest.mark.parametrize("function", OF_THE_MATHEMATICS)
def test_the_mathematics_takes_good_arguments_and_refuses_bad_ones(function):
    """Good arguments give finite numbers; each bad one is refused in words."""
    good, bad = OF_THE_MATHEMATICS[function]
    owner = legendre.SpikingPopulations if "self" in good else legendre
    call = getattr(owner, function)
    call(**good)
    for name, values in bad.items():
        for value in values:
            arguments = {**good, name: value}
            with pytest.raises(ArgumentError) as error:
                call(**arguments)
                pytest.fail(f"{name}={shown(value)} was accepted")
            check_message(str(error.value), arguments, [name])


def hold(network, simulator, n, refusals=(), **good):
    refusals = [*REFUSALS, *refusals]

    @settings(quick, max_examples=n)
    @given(argument_sets(cell=network is LMU, **good))
    def run(drawn):
        check(network, simulator, *drawn, refusals)

    run()


@both_networks
def test_any_arguments_run_or_are_refused_in_nengo(network):
    hold(network, NENGO, 250)


@pytest.mark.slow
@both_networks
def test_any_arguments_run_or_are_refused_in_nengo_dl(network):
    with warnings.catch_warnings():
        # TensorFlow's own, as many networks are built one after another
        warnings.simplefilter("ignore")
        hold(network, NENGO_DL, 50)


@pytest.mark.slow
@both_networks
def test_any_arguments_run_or_are_refused_on_the_emulator(network):
    with warnings.catch_warnings():
        # NengoLoihi tells of weights that lose bits
        warnings.simplefilter("ignore")
        hold(
            network,
            EMULATOR,
            50,
            CHIP_REFUSALS,
            neuron_types=CHIP_TYPES,
            ideal=False,
        )
