"""Peaks of resident memory: processes import their functions by this module's name."""

import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.timing import peak_resident
from nengo_lmu.benchmarks.memories import Setting

STEPS = (10_000, 1_000_000)
OMEGA, D = 5.0, 6


def of_a_stream(n_neurons):
    """Return the peaks after both numbers of steps, and every hundredth state."""
    with nengo.Network(seed=0) as net:
        memory = LegendreMemory(1.0, D, n_neurons=n_neurons)
        stream = nengo.Node(lambda t: np.sin(OMEGA * t))
        nengo.Connection(stream, memory.input, synapse=None)
        probe = nengo.Probe(memory.output, sample_every=0.1)
    peaks = []
    with nengo.Simulator(net, progress_bar=False) as sim:
        for n_steps in STEPS:
            sim.run_steps(n_steps - sim.n_steps)
            peaks.append(peak_resident())
        return peaks, sim.trange(sample_every=0.1), sim.data[probe]


def of_neurons(m):
    """Return the peaks with a tiny memory, which the packages need, and one of m."""
    peaks = []
    for setting in (Setting(20, 2), Setting(m, 6)):
        with nengo.Simulator(setting.make(), progress_bar=False) as sim:
            sim.run_steps(100)
        peaks.append(peak_resident())
    return peaks
