"""Whatever is around a memory: on the chip it is as good, or one is told why not."""

import warnings

import nengo
import pytest
from nengo.exceptions import BuildError
from varied_networks import error, varied_network

nengo_loihi = pytest.importorskip("nengo_loihi")

# What the build says where the chip is worse: of rates and of weights.
LIMITS = ("spike at most once in a step", "less than the least weight")


# What the input's code of fifteenths leaves of it in a window of few time steps.
CODE = 0.003


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_chip_is_as_good_as_the_reference_or_says_why_not(seed):
    """Twelve windows tell either error to some 8 %, and the chip's is 5 % larger.

    So a ratio of 1.3 is twice the error of the measurement away, for one of the
    networks; a fault of the kind that was found here makes it 2 to 1e30.
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
    limited = any(limit in one for limit in LIMITS for one in told)
    bound = (5 if limited else 1.3) * reference + CODE + varied.late
    assert emulator < bound, (varied.what, told)
