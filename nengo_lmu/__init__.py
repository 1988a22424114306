"""Legendre Memory Units in Poisson neurons, for Nengo, NengoDL and NengoLoihi."""

import sys

import _nengo_lmu_hook
from nengo_lmu import legendre
from nengo_lmu.networks import LMU, LegendreMemory
from nengo_lmu.version import version as __version__

__all__ = ["LMU", "LegendreMemory", "__version__", "legendre"]

# NengoDL and NengoLoihi are mended and taught about us as they are imported, now or
# later; neither is imported here.
_nengo_lmu_hook.install()
if "nengo_loihi" in sys.modules:
    from nengo_lmu import loihi  # noqa: F401
