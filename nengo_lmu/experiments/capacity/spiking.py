"""Memories of Poisson neurons for the capacity task, as the theory chooses them.

A step is one of a millisecond, whatever the window, so that neurons at 200 Hz say as
much in each as they do elsewhere. A window of T steps is T milliseconds.
"""

from dataclasses import dataclass
from functools import lru_cache

import nengo
import numpy as np

from nengo_lmu.experiments.capacity.readout import (
    TYPICAL_RMS,
    FittedReadout,
    fitted_readout,
)
from nengo_lmu.legendre import white_noise_statistics
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.tasks.capacity import BANDWIDTH, delays

DT = 0.001

# Noise grows with the order, and what is lost of the input shrinks: one of these is
# best.
_ORDERS = range(12, 101, 8)

# With fewer, the smallest of these has no on and off neuron for each dimension.
FEWEST_NEURONS = 2 * _ORDERS[0]


@dataclass(frozen=True)
class Choice:
    """What the theory chooses for a number of neurons.

    Attributes
    ----------
    d : int
        Order of the memory.
    readout : FittedReadout
        For the noise that its spikes will have.
    """

    d: int
    readout: FittedReadout


def spiking_memory(length, d, n_neurons):
    """Make a memory for sequences of the task, within a network.

    Parameters
    ----------
    length : int
        T: steps in the window.
    d, n_neurons : int

    Returns
    -------
    memory : nengo_lmu.LegendreMemory
    """
    theta = length * DT
    statistics = white_noise_statistics(theta, d, TYPICAL_RMS, BANDWIDTH / theta)
    return LegendreMemory(
        theta, d, n_neurons=n_neurons, dt=DT, input_range=statistics, label="memory"
    )


@lru_cache
def best_choice(length, n_neurons):
    """Return the order with the least expected error from step T on, and its readout.

    Parameters
    ----------
    length : int
        T: steps in the window.
    n_neurons : int
        At least `FEWEST_NEURONS`.

    Returns
    -------
    choice : Choice

    Examples
    --------
    >>> from nengo_lmu.experiments.capacity.spiking import best_choice
    >>> best_choice(100, 1000).d < best_choice(1000, 1000).d
    True
    """
    lags, choices = delays(length), []
    for d in (d for d in _ORDERS if n_neurons >= 2 * d):
        with nengo.Network():
            noise = spiking_memory(length, d, n_neurons).noise_covariance
        readout = fitted_readout(length, d, 1.0, lags, noise, late=1)
        choices.append(Choice(d, readout))
    return min(choices, key=lambda choice: choice.readout.error)


def slope(n_neurons, errors):
    """Return how an error changes with the number of neurons, in powers of it.

    Parameters
    ----------
    n_neurons : (n,) array_like
    errors : (n,) array_like

    Returns
    -------
    slope : float
        Of the logarithms, by least squares.

    Examples
    --------
    >>> round(slope([100, 400, 1600], [0.2, 0.1, 0.05]), 6)
    -0.5
    """
    return float(np.polyfit(np.log(n_neurons), np.log(errors), 1)[0])
