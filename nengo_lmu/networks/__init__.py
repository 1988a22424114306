"""Nengo networks: the Legendre memory and the Legendre Memory Unit."""

from nengo_lmu.networks.initializers import LecunUniform, XavierNormal
from nengo_lmu.networks.keras_lmu import (
    from_keras_lmu,
    keras_lmu_arguments,
    to_keras_lmu,
)
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.memory import LegendreMemory
from nengo_lmu.networks.weights import load_weights, save_weights

__all__ = [
    "LMU",
    "LecunUniform",
    "LegendreMemory",
    "XavierNormal",
    "from_keras_lmu",
    "keras_lmu_arguments",
    "load_weights",
    "save_weights",
    "to_keras_lmu",
]
