"""A memory of a second, for NengoGUI: ``nengo delay.py``."""

import nengo
from spiking_lmu import LegendreMemory

model = nengo.Network(seed=0, label="a memory of a second")
with model:
    stimulus = nengo.Node(
        nengo.processes.WhiteSignal(10, high=1, rms=0.3, y0=0), label="input"
    )
    memory = LegendreMemory(theta=1.0, d=6, label="Legendre memory")
    nengo.Connection(stimulus, memory.input, synapse=None)
    delayed = nengo.Node(size_in=1, label="a second ago")
    nengo.Connection(memory.add_window(points=[1.0]), delayed, synapse=None)
    neurons = memory.ensembles[0]
