"""On Loihi, memories do not hear their error; everything else is as it was."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.loihi import on_chip, resources  # noqa: E402
from nengo_lmu.loihi.builder.ours import ours  # noqa: E402

DT = 0.001


def network(n_neurons=120, size_in=1, **kwargs):
    u = np.random.RandomState(0).uniform(-1, 1, size=(200, size_in))
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, DT))
        net.memory = LegendreMemory(
            0.5, 3, size_in=size_in, n_neurons=n_neurons, synapse=0.1, **kwargs
        )
        nengo.Connection(stimulus, net.memory.input, synapse=None)
        net.state = nengo.Probe(net.memory.output)
        net.window = nengo.Probe(net.memory.add_window([0.0, 1.0]))
        net.decoded = nengo.Probe(net.memory.decoded)
    return net


def run(net, simulator=nengo_loihi.Simulator, n_steps=200):
    with simulator(net, seed=1, progress_bar=False) as sim:
        sim.run_steps(n_steps)
    return sim


@pytest.mark.filterwarnings("ignore:.*less accurate on Loihi")
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"size_in": 2},
        {"trainable_theta": True},
        {"feedback_delay": 0.002},
        {"neuron_type": nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])})},
    ],
    ids=["default", "two inputs", "trainable theta", "late", "LIF"],
)
def test_memory_is_that_without_feedback(kwargs):
    """Spike for spike, in whatever it is read."""
    fed, plain = network(**kwargs), network(**kwargs, error_feedback=0)
    assert fed.memory.error_feedback > 0
    ours, theirs = run(fed), run(plain)
    for name in ("state", "window", "decoded"):
        a, b = (
            sim.data[getattr(net, name)] for sim, net in ((ours, fed), (theirs, plain))
        )
        assert np.any(b)
        # the host adds up in an order of its own
        assert np.allclose(a, b, atol=1e-9 * np.abs(b).max())


def test_network_is_as_before_afterwards():
    net = network()
    before = run(net, nengo.Simulator).data[net.state]
    run(net)
    assert net.memory.error_feedback > 0
    assert np.allclose(run(net, nengo.Simulator).data[net.state], before)


def test_network_is_as_before_after_an_error():
    """Neurons that the chip cannot have are refused while the network is built."""
    net = network(neuron_type=nengo.PoissonSpiking(nengo.LIFRate()))
    objects = list(net.all_objects)
    with pytest.raises(BuildError, match="rectified"):
        run(net, n_steps=1)
    assert list(net.all_objects) == objects
    assert net.memory.error_feedback > 0


def test_memory_on_the_host_hears_its_error():
    """NengoLoihi runs it in the reference simulator then."""
    net = network(n_neurons=300)
    with net:
        poisson = nengo.PoissonSpiking(nengo.RectifiedLinear())
        on_chip = nengo.Ensemble(10, 1, neuron_type=poisson)
        nengo.Connection(net.memory.output[0], on_chip)
    nengo_loihi.add_params(net)
    (ensemble,) = net.memory.ensembles
    net.config[ensemble].on_chip = False
    sim = run(net)
    assert ours(sim.model).without_feedback == []
    reference = run(net, nengo.Simulator).data[net.state]
    found = sim.data[net.state]
    plain = run(network(n_neurons=300, error_feedback=0), nengo.Simulator)
    noise = np.std(plain.data[plain.model.toplevel.state] - reference)
    assert np.std(found - reference) < 0.5 * noise


def test_trained_memory_keeps_its_weights():
    net = network()
    (ensemble,) = net.memory.ensembles
    ensemble.gain = 0.9 * ensemble.gain
    gain = ensemble.gain
    with nengo_loihi.Simulator(net, progress_bar=False) as sim:
        assert np.allclose(sim.model.params[ensemble].gain, gain)


def test_resources_say_so():
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 3, units=5, n_neurons=90, coupling="full")
    needed = resources(net)
    (left_out,) = needed.without_feedback
    assert left_out.ensemble == "LMU.memory.neurons"
    assert left_out.elsewhere == lmu.memory.predicted_error.window
    with on_chip(lmu.memory):
        assert left_out.here == lmu.memory.predicted_error.window
    assert left_out.here > 4 * left_out.elsewhere
    text = str(needed)
    assert "LMU.memory.neurons cannot hear its error on the chip" in text
    assert all(len(line) < 80 for line in text.splitlines())
    assert needed.as_record()["without_feedback"][0]["here"] == left_out.here


def test_resources_say_nothing_where_nothing_is_left_out():
    with nengo.Network(seed=0) as net:
        LMU(0.5, 3, units=5, n_neurons=90, error_feedback=0, coupling="full")
    assert resources(net).without_feedback == ()
    assert "hear" not in str(resources(net))


def test_neurons_that_the_theory_does_not_cover():
    with nengo.Network(seed=0) as net:
        LMU(0.5, 3, n_neurons=90, neuron_type=nengo_loihi.LoihiLIF())
    (left_out,) = resources(net).without_feedback
    assert left_out.here is None and left_out.elsewhere is None
    assert str(left_out).endswith("cannot hear its error on the chip")
