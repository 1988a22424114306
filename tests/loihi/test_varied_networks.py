"""Whatever is around a memory: on the chip it is as good, or one is told why not."""

import warnings

import nengo
import pytest
from nengo.exceptions import BuildError
from varied_networks import error, varied_network

from nengo_lmu import LegendreMemory

nengo_loihi = pytest.importorskip("nengo_loihi")
on_chip = pytest.importorskip("nengo_lmu.loihi.builder.on_chip").on_chip

# What the build says of weights that are too coarse for what a spike counts.
COARSE = "less than the least weight"

# What the input's code of fifteenths leaves of it in a window of few time steps.
CODE = 0.003


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_chip_is_as_good_as_the_reference_or_says_why_not(seed):
    """Twelve windows tell either error to some 8 %, and the chip's is 5 % larger.

    So a ratio of 1.3 is twice the error of the measurement away, for one of the
    networks; a fault of the kind that was found here makes it 2 to 1e30. Where the
    chip has less to offer, which the build says, it is 1.3 times what theory has.
    """
    varied = varied_network(seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reference = error(nengo.Simulator, varied)
        try:
            emulator = error(nengo_loihi.Simulator, varied)
        except BuildError as refused:
            assert "Loihi" in str(refused) or "core" in str(refused)
            return
    told = [str(one.message) for one in caught]
    ratio = 5 if any(COARSE in one for one in told) else 1.3
    if any("spike at most once in a step" in one for one in told):
        ratio *= noisier_on_chip(varied.net)
    bound = ratio * reference + CODE + varied.late
    assert emulator < bound, (varied.what, told)


def noisier_on_chip(net):
    """Return how much larger theory says that errors are on the chip, at most."""
    ratios = []
    for memory in net.all_networks:
        if isinstance(memory, LegendreMemory) and memory.ensembles:
            elsewhere = memory.predicted_error.window
            with on_chip(memory):
                ratios.append(memory.predicted_error.window / elsewhere)
    return max(ratios)
