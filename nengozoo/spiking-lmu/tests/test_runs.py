"""That the network is there, can be made, and runs."""

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from spiking_lmu import LMU, LegendreMemory


def test_imports():
    assert issubclass(LMU, nengo.Network)
    assert issubclass(LegendreMemory, nengo.Network)


def test_builds():
    with nengo.Network(seed=0):
        memory = LegendreMemory(theta=0.5, d=6)
    assert memory.input.size_in == 1 and memory.output.size_out == 6
    assert memory.ensembles[0].n_neurons == 600
    assert memory.predicted_error.window < 0.01


def test_rejects_bad_args():
    for arguments in ({"theta": 0.0, "d": 4}, {"theta": 1.0, "d": 0}):
        try:
            LegendreMemory(**arguments)
        except ValidationError as error:
            assert "must be" in str(error)
        else:
            raise AssertionError(f"{arguments} were taken")


def test_runs_100ms():
    with nengo.Network(seed=0) as model:
        stimulus = nengo.Node(lambda t: np.sin(20 * t))
        memory = LegendreMemory(theta=0.05, d=4)
        nengo.Connection(stimulus, memory.input, synapse=None)
        probe = nengo.Probe(memory.add_window(points=[1.0]))
    with nengo.Simulator(model, progress_bar=False) as sim:
        sim.run(0.1)
    delayed = sim.data[probe][:, 0]
    assert np.abs(delayed[60:] - np.sin(20 * (sim.trange()[60:] - 0.05))).max() < 0.1
