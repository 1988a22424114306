"""The mathematics of the Legendre Memory Unit, free of Nengo.

Everything here needs NumPy and SciPy only, measures time in seconds and takes
continuous-time matrices ``A`` and ``B`` that act on column vectors. The equations are
those of [1]_ and [2]_.

References
----------
.. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units:
   continuous-time representation in recurrent neural networks. NeurIPS 32.
.. [2] Voelker, A. R., & Eliasmith, C. (2018). Improving spiking dynamical networks:
   accurate delays, higher-order synapses, and time cells. Neural Computation 30(3).
"""

from nengo_lmu.legendre.checks import ArgumentError
from nengo_lmu.legendre.forgetting import forgetting_time
from nengo_lmu.legendre.noise import (
    PredictedError,
    SpikingPopulations,
    split_neurons,
)
from nengo_lmu.legendre.planner import (
    best_error_feedback,
    best_tau,
    error_floor,
    neurons_for_error,
    predicted_error,
)
from nengo_lmu.legendre.realization import Realization, basis
from nengo_lmu.legendre.statistics import (
    StateStatistics,
    input_statistics,
    sampled_statistics,
    white_noise_statistics,
)
from nengo_lmu.legendre.system import (
    discretize,
    impulse_response,
    last_step,
    principle3,
    simulate,
    state_space,
)
from nengo_lmu.legendre.window import pade_error, readout

__all__ = [
    "ArgumentError",
    "PredictedError",
    "Realization",
    "SpikingPopulations",
    "StateStatistics",
    "basis",
    "best_error_feedback",
    "best_tau",
    "discretize",
    "error_floor",
    "forgetting_time",
    "impulse_response",
    "input_statistics",
    "last_step",
    "neurons_for_error",
    "pade_error",
    "predicted_error",
    "principle3",
    "readout",
    "sampled_statistics",
    "simulate",
    "split_neurons",
    "state_space",
    "white_noise_statistics",
]
