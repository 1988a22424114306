"""Legendre Memory Units in Poisson neurons, for Nengo, NengoDL and NengoLoihi."""

from nengo_lmu import legendre
from nengo_lmu.networks import LMU, LegendreMemory
from nengo_lmu.version import version as __version__

__all__ = ["LMU", "LegendreMemory", "__version__", "legendre"]
