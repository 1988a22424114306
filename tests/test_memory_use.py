"""What simulators take of the computer's memory; each in a process of its own."""

import nengo
import numpy as np
import pytest

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis import bench
from nengo_lmu.analysis.processes import in_a_process, peak_resident

STEPS = (10_000, 100_000)


def of_a_stream(n_neurons):
    """Return the peaks after both numbers of steps; a value a second is probed."""
    with nengo.Network(seed=0) as net:
        memory = LegendreMemory(1.0, 6, n_neurons=n_neurons)
        stream = nengo.Node(lambda t: np.sin(5 * t))
        nengo.Connection(stream, memory.input, synapse=None)
        nengo.Probe(memory.output, sample_every=1.0)
    peaks = []
    with nengo.Simulator(net, progress_bar=False) as sim:
        for n_steps in STEPS:
            sim.run_steps(n_steps - sim.n_steps)
            peaks.append(peak_resident())
    return peaks


def of_neurons(m):
    """Return the peaks with a tiny memory, which the packages need, and one of m."""
    peaks = []
    for setting in (bench.Setting(20, 2), bench.Setting(m, 6)):
        with nengo.Simulator(setting.make(), progress_bar=False) as sim:
            sim.run_steps(100)
        peaks.append(peak_resident())
    return peaks


@pytest.mark.slow
@pytest.mark.parametrize("n_neurons", [0, 300])
def test_a_stream_leaves_no_history(n_neurons):
    """Not one number a step: the 90,000 steps between the peaks grow by less.

    The probe keeps 90 values of 6 numbers, and pages that the interpreter takes and
    gives back may come and go; a number a step, as 8 bytes alone, would be 0.7 MB.
    """
    first, last = in_a_process(of_a_stream, n_neurons)
    assert last - first < 8 * (STEPS[1] - STEPS[0])


def test_neurons_take_what_parameters_and_state_need():
    """At most half as much again, with what the packages need.

    A neuron has a gain, a bias, a sign and a weight; in the simulator an input, a rate
    and an output, and two constants of the products.
    """
    m = 300_000
    needed = 9 * 8 * m
    packages, peak = in_a_process(of_neurons, m)
    assert needed < peak - packages
    assert peak < 1.5 * (packages + needed)
