"""Readouts on the emulator: fitted, of neurons, learned; and trials."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

from nengo_lmu import LegendreMemory

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu.loihi.builder.reset import HOLD  # noqa: E402

DT = 0.001


def signal(seconds, seed=0):
    process = nengo.processes.WhiteSignal(seconds, high=5, rms=0.3, seed=seed)
    return process.run(seconds, dt=DT)


def emulate(u, add, n_neurons=400, **options):
    """Run what is added to a memory on the emulator; return what its nodes say."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, DT))
        memory = LegendreMemory(0.1, 4, n_neurons=n_neurons, **options)
        nengo.Connection(stimulus, memory.input, synapse=None)
        probes = [nengo.Probe(node) for node in add(memory)]
    with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
        sim.run_steps(len(u))
    return [sim.data[probe][:, 0] for probe in probes]


def test_a_fitted_readout_has_its_predicted_error_on_the_chip():
    # The chip's memory is two steps late where the fit knows of one; u changes by 2 %
    # of its deviation in a step. The rest is noise, as predicted for the chip.
    u = signal(1.5)
    y = np.roll(u, 50, axis=0)
    predicted = []

    def add(memory):
        readout = memory.fit_readout(u, y, washout=300, synapse=0.005, chip=True)
        predicted.append(readout.predicted_error[0])
        return [readout.node]

    (x,) = emulate(u, add, input_range=u)
    error = np.std((x - y[:, 0])[300:])
    assert 0.5 * predicted[0] < error < 2 * predicted[0] + 0.02 * y.std()


def test_a_product_is_decoded_on_the_chip():
    u = signal(1.5)
    y = (np.roll(u, 50) * np.roll(u, 100))[:, 0]

    def add(memory):
        function = memory.add_window([0.5, 1.0], lambda v: v[0] * v[1], n_neurons=200)
        return [function]

    (x,) = emulate(u, add)
    assert np.std((x - y)[300:]) < 0.6 * y[300:].std()


# The chip's learning takes one spike of a neuron in two steps, and its traces are seven
# bits: it tells of both.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Synaptic trace spikes lost")
@pytest.mark.filterwarnings("ignore:Clipping synapse trace")
def test_a_delay_is_learned_on_the_chip():
    u = signal(3.0)
    y = np.roll(u, 50, axis=0)

    def add(memory):
        teacher = nengo.Node(nengo.processes.PresentInput(y, DT))
        learned = memory.add_learned_readout(n_neurons=100)
        nengo.Connection(teacher, learned.target, synapse=None)
        return [learned.error]

    (error,) = emulate(u, add)
    first, last = error[300:1000], error[-700:]
    assert last.std() < 0.4 * y.std()
    assert last.std() < first.std()


def test_functions_of_the_memorys_own_neurons_are_refused():
    with nengo.Network() as net:
        memory = LegendreMemory(0.1, 3, n_neurons=60)
        output = nengo.Node(size_in=3)
        nengo.Connection(memory.ensembles[0], output, function=np.square)
    with pytest.raises(BuildError, match="add_window"):
        nengo_loihi.Simulator(net, progress_bar=False)


def test_a_simulator_that_cannot_be_reset_says_what_to_do():
    with nengo.Network() as net:
        LegendreMemory(0.1, 3, n_neurons=60)
    with nengo_loihi.Simulator(net, progress_bar=False) as sim:
        with pytest.raises(NotImplementedError, match=f"for {HOLD} steps.*0.19 s"):
            sim.reset()


def test_other_models_are_refused_as_before():
    with nengo.Network() as net:
        nengo.Ensemble(10, 1, neuron_type=nengo_loihi.LoihiLIF())
    with nengo_loihi.Simulator(net, progress_bar=False) as sim:
        with pytest.raises(NotImplementedError) as error:
            sim.reset()
    assert str(error.value) == ""
