"""What NengoDL stores and loads, where there is a memory."""

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import NengoWarning, SimulationError

from nengo_lmu import LMU, load_weights, save_weights

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402


def network(n_neurons=600, **kwargs):
    with nengo.Network(seed=0) as net:
        net.stimulus = nengo.Node([0.5])
        net.lmu = LMU(0.1, 4, units=5, n_neurons=n_neurons, **kwargs)
        nengo.Connection(net.stimulus, net.lmu.input, synapse=None)
        out = nengo.Node(size_in=1)
        net.readout = nengo.Connection(
            net.lmu.output, out, transform=np.full((1, 5), 0.1), synapse=0.01
        )
        net.probe = nengo.Probe(out)
    return net


def simulator(net):
    return nengo_dl.Simulator(net, progress_bar=False, seed=0)


@pytest.fixture
def saved(tmp_path):
    """Parameters of a memory of 600 neurons, with a trained readout."""
    net = network()
    with simulator(net) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        data = {net.stimulus: np.ones((4, 20, 1))}, {net.probe: np.ones((4, 20, 1))}
        sim.fit(*data, epochs=1, verbose=0)
        sim.save_params(tmp_path / "params")
        sim.freeze_params(net)
    return net, tmp_path / "params"


@pytest.mark.parametrize(
    "kwargs", [{"n_neurons": 200}, {"n_neurons": 2000}, {"error_feedback": 0.0}]
)
def test_parameters_of_another_memory_are_refused(saved, kwargs):
    """NengoDL would take them, and go on with the noise of the other memory."""
    _, path = saved
    with simulator(network(**kwargs)) as sim:
        before = [np.array(w) for w in sim.keras_model.get_weights()]
        refused = f"{path}.npz has another .*memory|{path}.npz has an array of shape"
        with pytest.raises(SimulationError, match=refused) as error:
            sim.load_params(path)
        if "number of" not in str(error.value):
            assert "nengo_lmu.load_weights(path, network)" in str(error.value)
        for one, same in zip(before, sim.keras_model.get_weights()):
            assert np.array_equal(one, same)


def test_parameters_of_the_same_memory_are_taken(saved):
    trained, path = saved
    net = network()
    with simulator(net) as sim:
        sim.load_params(path)
        sim.freeze_params(net)
    learned = net.readout.transform.init
    assert not np.allclose(learned, 0.1)
    assert np.array_equal(learned, trained.readout.transform.init)


def test_trained_weights_go_where_parameters_cannot(saved, tmp_path):
    """Into other memories, by name, and from there into NengoDL."""
    trained, _ = saved
    save_weights(trained, tmp_path / "weights.npz")
    for n_neurons in (0, 200, 2000):
        net = network(n_neurons, hidden_neuron_type=trained.lmu.hidden.neuron_type)
        load_weights(tmp_path / "weights.npz", net)
        with simulator(net) as sim:
            weights = sim.data[net.readout].weights
        assert np.allclose(weights, trained.readout.transform.init, rtol=1e-6)


def test_parameters_of_networks_without_a_memory(tmp_path):
    """NengoDL loads them as ever, whatever is in them."""

    def plain(seed):
        with nengo.Network(seed=seed) as net:
            net.ensemble = nengo.Ensemble(10, 1)
            nengo.Probe(net.ensemble)
        return net

    with simulator(plain(0)) as sim:
        sim.save_params(tmp_path / "params")
    other = plain(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No GPU")
        with simulator(other) as sim:
            sim.load_params(tmp_path / "params")


def test_loop_that_training_has_closed_is_told_of():
    """Trained on ramps of 30 ms, a cell goes on with them, faster and faster.

    A memory of 20 ms cannot tell what to say after a pulse that it has forgotten, so
    that to feed hidden units back pays; rectified linear units have no largest rate.
    """
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(stateful=False)
        stimulus = nengo.Node([0.0])
        lmu = LMU(
            0.02,
            4,
            units=20,
            n_neurons=0,
            hidden_neuron_type=nengo.RectifiedLinear(),
            coupling="full",
            hidden_kernel=None,
            input_kernel=None,
        )
        nengo.Connection(stimulus, lmu.input, synapse=None)
        out = nengo.Node(size_in=1)
        weights = np.random.RandomState(0).uniform(0, 0.2, (1, 20))
        nengo.Connection(lmu.output, out, transform=weights, synapse=None)
        probe = nengo.Probe(out)
        state = nengo.Probe(lmu.memory.output)
    n_steps = 30
    x = np.zeros((32, n_steps, 1))
    x[:, :5] = np.random.RandomState(1).uniform(0.2, 1, (32, 1, 1))
    y = np.cumsum(np.cumsum(x, axis=1), axis=1) / 50
    assert lmu.loop_gain() < 1
    with nengo_dl.Simulator(net, minibatch_size=16, progress_bar=False, seed=0) as sim:
        sim.compile(optimizer=tf.optimizers.Adam(0.01), loss={probe: "mse"})
        losses = sim.fit({stimulus: x}, {probe: y}, epochs=60, verbose=0)
        with pytest.warns(NengoWarning, match="grows without end.*feed-forward"):
            sim.freeze_params(net)
    first, *_, last = losses.history["loss"]
    assert last < 0.01 * first
    assert lmu.loop_gain() > 1
    stimulus.output = lambda t: 0.5 if t <= 0.005 else 0.0
    with pytest.warns(NengoWarning, match="grows without end"):
        sim = nengo.Simulator(net, progress_bar=False)
    with sim:
        sim.run(1.0)
    size = np.linalg.norm(sim.data[state], axis=1)
    print(f"gain {lmu.loop_gain():.4f}, size {size[29]:.3g}, {size[-1]:.3g} after 1 s")
    assert size[-1] > 1000 * size[:n_steps].max()
