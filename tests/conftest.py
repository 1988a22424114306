"""What all tests share."""

import nengo
import pytest
from backends import BACKENDS

# before any test module looks for nengo_dl, which is mended as it is imported
import nengo_lmu  # noqa: F401


@pytest.fixture(autouse=True, scope="session")
def no_decoder_cache():
    """Keep out of the user's cache: NumPy 1 cannot read what NumPy 2 has pickled."""
    before = nengo.rc.get("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", "False")
    yield
    nengo.rc.set("decoder_cache", "enabled", before)


@pytest.fixture(params=BACKENDS, ids=str)
def Simulator(request):
    """Return the class of each simulator in turn: ``with Simulator(net) as sim``."""
    return request.param
