"""Faster plans for NengoDL: the same results, in the networks that are to have them."""

import nengo
import numpy as np
import pytest

nengo_dl = pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_dl.graph_optimizer import noop_planner, tree_planner  # noqa: E402

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.dl import fast  # noqa: E402

N_STEPS, SIZE = 20, 3


def full_cell(**kwargs):
    """Every connection of the cell, and all of them trained."""
    with nengo.Network(seed=0) as network:
        x = nengo.Node([0.0])
        lmu = LMU(
            0.01,
            4,
            units=5,
            input_encoders=1.0,
            hidden_encoders=np.full((1, 5), 0.1),
            memory_encoders=np.full((1, 4), -0.1),
            hidden_bias=0.1,
            seed=0,
            **kwargs,
        )
        nengo.Connection(x, lmu.input, synapse=None)
        return network, x, readout(lmu.output)


def readout(source):
    """Probe the sum of a node's values."""
    target = nengo.Node(size_in=1)
    sums = np.ones((1, source.size_out))
    nengo.Connection(source, target, transform=sums, synapse=0.005)
    return nengo.Probe(target)


def ideal_cell():
    """Without neurons in the memory."""
    return full_cell(n_neurons=0)


def spiking_cell():
    """With spikes that do not depend on random numbers, which plans may reorder."""
    neurons = nengo.SpikingRectifiedLinear()
    return full_cell(n_neurons=40, neuron_type=neurons, hidden_neuron_type=neurons)


def learned_theta():
    """The connections of a trainable time-scale."""
    return full_cell(n_neurons=0, trainable_theta=True)


def array():
    """A memory, and enough ensembles that groups of them stay merged."""
    with nengo.Network(seed=0) as network:
        x = nengo.Node([0.0])
        memory = LegendreMemory(0.01, 4, n_neurons=0)
        nengo.Connection(x, memory.input, synapse=None)
        ensembles = nengo.networks.EnsembleArray(
            20, 12, neuron_type=nengo.SpikingRectifiedLinear(), seed=0
        )
        nengo.Connection(memory.output, ensembles.input, transform=np.ones((12, 4)))
        return network, x, readout(ensembles.output)


def online():
    """Weights that a learning rule changes differ between the rows of a minibatch."""
    with nengo.Network(seed=0) as network:
        x = nengo.Node([0.0])
        a = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
        b = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear())
        nengo.Connection(x, a)
        learned = nengo.Connection(a, b, learning_rule_type=nengo.PES(1e-3))
        nengo.Connection(b, learned.learning_rule)
        return network, x, readout(b)


def sparse():
    """A sparse matrix."""
    with nengo.Network(seed=0) as network:
        x = nengo.Node([0.0])
        y = nengo.Node(size_in=3)
        transform = nengo.Sparse((3, 1), indices=[[0, 0], [2, 0]], init=[1.0, 2.0])
        nengo.Connection(x, y, transform=transform, synapse=0)
        return network, x, readout(y)


def results(make, planner, train):
    """Outputs before, and parameters and outputs after some training."""
    network, x, probe = make()
    with network:
        nengo_dl.configure_settings(planner=planner, stateful=False)
    signal = np.random.RandomState(0).uniform(-1, 1, (2 * SIZE, N_STEPS, 1))
    with nengo_dl.Simulator(
        network, minibatch_size=SIZE, progress_bar=False, seed=0
    ) as sim:
        found = [sim.predict({x: signal}, verbose=0)[probe]]
        if train:
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            for _ in range(3):
                sim.fit({x: signal}, {probe: signal}, verbose=0)
            found.append(sim.predict({x: signal}, verbose=0)[probe])
            sim.freeze_params(network)
            for connection in network.all_connections:
                init = getattr(connection.transform, "init", None)
                if isinstance(init, np.ndarray):
                    found.append(init)
    return found


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (ideal_cell, noop_planner),
        (ideal_cell, tree_planner),
        (spiking_cell, tree_planner),
        (learned_theta, tree_planner),
        (array, tree_planner),
        (online, tree_planner),
        (sparse, tree_planner),
    ],
)
def test_results_are_those_of_nengo_dls_planner(make, inner):
    """Outputs and what training makes of them, to single precision.

    Sums are taken in another order, so they differ by some units in the last place
    (6e-8, relative), which the cell's feedback and Adam's steps of 0.01 enlarge.
    """
    train = make is not online  # what a rule learns is not trained
    wanted = results(make, tree_planner, train)
    found = results(make, fast.specialized(fast.separated(inner)), train)
    assert len(wanted) == len(found)
    assert np.ptp(wanted[0]) > 0.01
    for one, other in zip(wanted, found):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-5)


def plan_of(network):
    """The groups of operators that NengoDL works with."""
    with nengo_dl.Simulator(network, progress_bar=False, seed=0) as sim:
        return sim.tensor_graph.plan


def kinds(plan):
    """The names of the operators' types."""
    return {type(group[0]).__name__ for group in plan}


def test_networks_with_a_memory_have_it():
    """By default, at any depth."""
    network, _, _ = ideal_cell()
    assert {"Product", "Delay"} <= kinds(plan_of(network))
    with nengo.Network() as outer:
        outer.add(network)
    assert {"Product", "Delay"} <= kinds(plan_of(outer))


def test_other_networks_are_left_alone():
    """Without a memory, NengoDL plans as ever, unless it is told to do otherwise."""
    with nengo.Network(seed=0) as network:
        x = nengo.Node([0.0, 0.0])
        y = nengo.Node(size_in=2)
        nengo.Connection(x, y, transform=np.ones((2, 2)), synapse=0)
        nengo.Probe(y)
    assert "Product" not in kinds(plan_of(network))
    with network:
        nengo_dl.configure_settings(planner=fast.planner)
    assert {"Product", "Delay"} <= kinds(plan_of(network))


def test_a_configured_planner_wins():
    """Also where there is a memory."""
    network, _, _ = ideal_cell()
    with network:
        nengo_dl.configure_settings(planner=tree_planner)
    plan = plan_of(network)
    assert "Product" not in kinds(plan)
    assert max(map(len, plan)) > 1


def test_only_few_are_separated():
    """Groups of many neurons stay together, all others come apart."""
    network, _, _ = array()
    sizes = {len(group) for group in plan_of(network)}
    assert 12 in sizes
    assert not sizes & set(range(2, fast.FEWEST))


@pytest.mark.parametrize(("planner", "traces"), [(None, 1), (tree_planner, 2)])
def test_training_is_traced_once(planner, traces):
    """And by NengoDL's own planner as often as ever, with the same result."""
    network, x, probe = ideal_cell()
    found = []
    for chosen in (planner or fast.planner, tree_planner):
        with network:
            nengo_dl.configure_settings(planner=chosen)
        with nengo_dl.Simulator(network, progress_bar=False, seed=0) as sim:
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            counted = _count_traces(sim.keras_model)
            signal, target = np.ones((2, 1, N_STEPS, 1))
            history = sim.fit({x: signal}, {probe: target}, epochs=3, verbose=0)
            found.append((len(counted), history.history["loss"]))
    assert found[0][0] == traces
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4)


def _count_traces(model):
    """Return a list that gets longer with each trace of a step of training."""
    train_step, traces = model.train_step, []

    def counted(data):
        traces.append(None)
        return train_step(data)

    model.train_step = counted
    return traces


def test_a_simulator_is_compiled_without_training():
    """There need be no loss, and no optimizer that can be asked for its variables."""
    network, x, probe = ideal_cell()
    with nengo_dl.Simulator(network, progress_bar=False, seed=0) as sim:
        sim.compile()
        sim.compile(tf.optimizers.legacy.SGD(1e-3), loss={probe: "mse"})
        signal = np.ones((1, N_STEPS, 1))
        before = sim.evaluate({x: signal}, {probe: signal}, verbose=0)["loss"]
        sim.fit({x: signal}, {probe: signal}, verbose=0)
        assert sim.evaluate({x: signal}, {probe: signal}, verbose=0)["loss"] < before
