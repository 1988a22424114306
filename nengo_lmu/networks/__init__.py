"""Nengo networks: the Legendre memory and the Legendre Memory Unit."""

from nengo_lmu.networks.initializers import LecunUniform, XavierNormal
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.memory import LegendreMemory

__all__ = ["LMU", "LecunUniform", "LegendreMemory", "XavierNormal"]
