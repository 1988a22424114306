"""Backends that know operators and neurons of Nengo only, as NengoOCL does."""

import nengo
import numpy as np
import pytest
from nengo.builder import Builder, Model
from nengo.exceptions import SimulationError

from nengo_lmu import LMU, LegendreMemory

# What NengoOCL 3.0 can plan: operators and, of these, neurons.
OPERATORS = {
    *("TimeUpdate", "Reset", "Copy", "DotInc", "ElementwiseInc", "SparseDotInc"),
    *("SimPyFunc", "SimNeurons", "SimProcess", "ConvInc", "SimProbe"),
}
NEURONS = {
    *("LIF", "LIFRate", "AdaptiveLIF", "AdaptiveLIFRate", "RectifiedLinear"),
    *("SpikingRectifiedLinear", "Sigmoid"),
}


class OtherBuilder(Builder):
    """A registry of its own before Nengo's, around Nengo's own model."""

    builders = {}

    @classmethod
    def build(cls, model, obj, *args, **kwargs):
        return Builder.build.__func__(Builder, model, obj, *args, **kwargs)


def simulator_elsewhere(network):
    """Return a simulator of operators that were built for another backend."""
    model = Model(dt=0.001, builder=OtherBuilder())
    model.build(network)
    return nengo.Simulator(None, model=model, optimize=False, progress_bar=False)


def small_network(make, **options):
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(lambda t: 0.5 * np.sin(20 * t))
        net.module = make(theta=0.1, d=3, **options)
        nengo.Connection(stimulus, net.module.input, synapse=None)
        net.probe = nengo.Probe(net.module.output)
    return net


@pytest.mark.parametrize(
    "make, options",
    [
        (LegendreMemory, {"n_neurons": 0}),
        (LegendreMemory, {"n_neurons": 60}),
        (LegendreMemory, {"n_neurons": 60, "error_feedback": 0}),
        (LegendreMemory, {"n_neurons": 60, "trainable_theta": True}),
        (LegendreMemory, {"n_neurons": 60, "reset": True}),
        (LegendreMemory, {"n_neurons": 60, "neuron_type": nengo.LIF()}),
        (LMU, {"n_neurons": 60, "units": 5}),
        (LMU, {"n_neurons": 60, "units": 5, "hidden_bias": 0.1}),
    ],
)
def test_operators_are_known(make, options):
    sim = simulator_elsewhere(small_network(make, **options))
    with sim:
        operators = sim.model.operators
    assert {type(op).__name__ for op in operators} <= OPERATORS
    neurons = {op.neurons for op in operators if hasattr(op, "neurons")}
    assert {type(one).__name__ for one in neurons} <= NEURONS


@pytest.mark.parametrize("n_neurons, tolerance", [(0, 1e-12), (600, 0.05)])
def test_state_is_that_of_the_reference_simulator(n_neurons, tolerance):
    """Exactly without neurons; with them, spikes are others, with an error of 0.01."""
    net = small_network(LegendreMemory, n_neurons=n_neurons)
    with simulator_elsewhere(net) as there:
        there.run(0.3)
    with nengo.Simulator(net, progress_bar=False) as here:
        here.run(0.3)
    difference = there.data[net.probe] - here.data[net.probe]
    assert np.std(difference) < tolerance * np.std(here.data[net.probe])
    assert (n_neurons == 0) or np.any(difference)


def test_spikes_are_poisson_spikes():
    """100 neurons at 50 Hz for a second: 5000 spikes, with a deviation of 71."""
    with nengo.Network(seed=1) as net:
        memory = LegendreMemory(0.1, 1, n_neurons=200, error_feedback=0)
        probe = nengo.Probe(memory.ensembles[0].neurons)
    (ensemble,) = memory.ensembles
    ensemble.bias = np.repeat([50.0, 0.0], 100)
    # the neurons' output goes nowhere, so that their rates are those of the bias
    memory.connections.remove(memory._decoding)
    with simulator_elsewhere(net) as sim:
        sim.run(1.0)
    counts = sim.data[probe] * 0.001
    assert np.array_equal(np.unique(counts[:, 100:]), [0])
    assert abs(counts[:, :100].sum() - 5000) < 4 * 71
    # the variance of a Poisson count is its mean, to 2 / sqrt(2 * 1000 steps)
    of_steps = counts[:, :100].sum(axis=1)
    assert abs(of_steps.var() / of_steps.mean() - 1) < 4 * np.sqrt(2 / 1000)


def test_the_range_is_checked_there_too():
    net = small_network(LegendreMemory, n_neurons=0, reset=True)
    with net:
        beyond = nengo.Node(lambda t: 2.0 if t > 0.01 else 0.0)
        nengo.Connection(beyond, net.module.reset, synapse=None)
    with simulator_elsewhere(net) as sim:
        with pytest.raises(SimulationError, match="reset is 2 at t = 0.01"):
            sim.run(0.1)


@pytest.fixture
def both():
    """Return what a network's probes are in NengoOCL and in Nengo, if there is one."""
    nengo_ocl = pytest.importorskip("nengo_ocl", reason="NengoOCL is not installed")
    cl = pytest.importorskip("pyopencl", reason="PyOpenCL is not installed")
    context = cl.Context(cl.get_platforms()[0].get_devices())

    def run(net):
        with nengo_ocl.Simulator(net, context=context, progress_bar=False) as there:
            there.run(0.3)
        with nengo.Simulator(net, progress_bar=False) as here:
            here.run(0.3)
        return [(there.data[probe], here.data[probe]) for probe in net.all_probes]

    return run


@pytest.mark.filterwarnings("ignore")  # they have some, of their own
@pytest.mark.parametrize("n_neurons, tolerance", [(0, 1e-5), (600, 0.05)])
def test_nengo_ocl_runs_memories(both, n_neurons, tolerance):
    """In NengoOCL itself, where that and an OpenCL are installed."""
    ((there, here),) = both(small_network(LegendreMemory, n_neurons=n_neurons))
    assert np.std(there - here) < tolerance * np.std(here)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("neuron_type", [nengo.SpikingRectifiedLinear(), nengo.LIF()])
def test_nengo_ocl_has_the_same_regular_spikes(both, neuron_type):
    """All of 50 steps, of which single precision shifts none by a step yet.

    Later a few are, and the feedback makes up for them: the states are within 1 %, as
    the errors that the neurons have by themselves.
    """
    net = small_network(LegendreMemory, n_neurons=300, neuron_type=neuron_type)
    with net:
        nengo.Probe(net.module.ensembles[0].neurons)
    (states, expected), (spikes, expected_spikes) = both(net)
    assert np.array_equal(spikes[:50], expected_spikes[:50])
    assert spikes[:50].sum() > 0
    assert np.std(states - expected) < 0.01 * np.std(expected)


@pytest.mark.filterwarnings("ignore")
def test_nengo_ocl_draws_poisson_spikes(both):
    """As many as Nengo, to four standard deviations of the difference of two counts."""
    net = small_network(LegendreMemory, n_neurons=300, error_feedback=0)
    with net:
        nengo.Probe(net.module.ensembles[0].neurons)
    _, (there, here) = both(net)
    counts = np.array([there.sum(), here.sum()]) * 0.001
    assert abs(counts[0] - counts[1]) < 4 * np.sqrt(counts.sum())
