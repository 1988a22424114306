"""Readouts in NengoDL are those of the reference simulator."""

import nengo
import numpy as np
import pytest

from nengo_lmu import LegendreMemory

nengo_dl = pytest.importorskip("nengo_dl")


def test_fitted_and_learned_readouts_are_the_same():
    # An ideal memory and rates, of which nothing is random: what is different is
    # single precision, which learning passes on.
    u = nengo.processes.WhiteSignal(0.6, high=5, rms=0.3, seed=0).run(0.6, dt=0.001)
    rates = nengo.RectifiedLinear()
    with nengo.Network(seed=0) as net:
        signal = nengo.Node(nengo.processes.PresentInput(u, 0.001))
        memory = LegendreMemory(0.1, 4, n_neurons=0)
        nengo.Connection(signal, memory.input, synapse=None)
        options = {"neuron_type": rates, "n_neurons": 50}
        fitted = memory.fit_readout(u, u**2, washout=100, **options)
        square = memory.add_window([0.5], np.square, **options)
        learned = memory.add_learned_readout(**options)
        nengo.Connection(signal, learned.target, synapse=None)
        nodes = fitted.node, square, learned.node
        probes = [nengo.Probe(node) for node in nodes]
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(len(u))
    with nengo_dl.Simulator(net, progress_bar=False) as other:
        other.run_steps(len(u))
    for probe in probes:
        size = np.abs(sim.data[probe]).max()
        assert size > 0.01
        assert np.abs(other.data[probe] - sim.data[probe]).max() < 1e-3 * size
