"""Memories to measure, of all sizes and orders."""

from dataclasses import dataclass

import nengo

from nengo_lmu.experiments.experiment import Experiment, option
from nengo_lmu.experiments.options import whole_number
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


def numbers_of_neurons(default):
    """Return a field for the sizes of memories."""
    return option(
        default, whole_number(2), "neurons of the memory", "M", formerly=("--m",)
    )


def measured_times(default):
    """Return a field for the number of rounds in which all take turns."""
    return option(default, whole_number(1), "how often each time is measured")


@dataclass(frozen=True)
class OfMemories(Experiment):
    """A benchmark of memories of several sizes and orders."""

    always_kept = False

    n_neurons: tuple = numbers_of_neurons((1000, 10_000))
    d: tuple = option((6, 32), whole_number(1), "orders of the memory", "D")
    rounds: int = measured_times(10)

    @property
    def sizes(self):
        """(list of Setting) All sizes and orders, each once, by order, then by size.

        Too few neurons for an order are a `nengo_lmu.legendre.ArgumentError`.
        """
        settings = [
            Setting(m, d)
            for d in sorted(set(self.d))
            for m in sorted(set(self.n_neurons))
        ]
        for setting in settings:
            if setting.n_neurons < 2 * setting.d:
                raise ArgumentError(
                    "n_neurons",
                    f"must be at least {2 * setting.d} for d={setting.d}, an on and an "
                    "off neuron for each dimension, but "
                    f"{setting.n_neurons} was given; use more neurons, or a smaller d",
                )
        return settings
