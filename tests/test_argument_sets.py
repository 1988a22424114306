"""Any arguments: the network runs and stays finite, or it is said what is wrong."""

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

networks = pytest.mark.parametrize("network", [LegendreMemory, LMU])


@pytest.mark.parametrize("network", [LegendreMemory, LMU])
def test_in_nengo(network):
    @settings(quick, max_examples=250)
    @given(argument_sets(cell=network is LMU))
    def run(drawn):
        check(network, in_nengo, *drawn)

    run()
