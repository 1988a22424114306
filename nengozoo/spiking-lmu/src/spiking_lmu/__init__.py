"""Legendre Memory Units in spiking neurons, from nengo_lmu.

``LegendreMemory(theta, d)`` is a network with an ``input`` and, as its ``output``, the
``d`` Legendre coefficients of the last ``theta`` seconds; ``LMU`` adds hidden units.
"""

from nengo_lmu import LMU, LegendreMemory

__all__ = ["LMU", "LegendreMemory"]
__version__ = "0.1.0"
