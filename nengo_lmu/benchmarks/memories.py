"""Memories to measure, of all sizes and orders."""

from dataclasses import dataclass

import nengo

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.networks import LegendreMemory


@dataclass(frozen=True)
class Setting:
    """A memory to measure.

    Attributes
    ----------
    n_neurons : int
    d : int
        Order.
    error_feedback : float or None
        Gain with which the neurons hear their own error; None for the default.
    """

    n_neurons: int
    d: int
    error_feedback: float | None = None

    def make(self):
        """Return a network with nothing but the memory and its input."""
        with nengo.Network(seed=0) as network:
            process = nengo.processes.WhiteSignal(10, high=5, rms=0.3, y0=0, seed=0)
            memory = LegendreMemory(
                1.0,
                self.d,
                n_neurons=self.n_neurons,
                error_feedback=self.error_feedback,
            )
            nengo.Connection(nengo.Node(process), memory.input, synapse=None)
        return network


def all_settings(n_neurons, d):
    """Return the settings of all sizes and orders.

    Parameters
    ----------
    n_neurons, d : sequence of int
        Neurons and orders.

    Returns
    -------
    settings : list of Setting
        Each once, by order and then by size.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there are too few neurons for an order.
    """
    settings = [Setting(m, order) for order in _all(d) for m in _all(n_neurons)]
    for setting in settings:
        if setting.n_neurons < 2 * setting.d:
            raise ArgumentError(
                "n_neurons",
                f"must be at least {2 * setting.d} for d={setting.d}, an on and an off "
                f"neuron for each dimension, but {setting.n_neurons} was given; "
                "use more neurons, or a smaller d",
            )
    return settings


def _all(values):
    return sorted(set(values))
