"""What Nengo does with any network, done with an LMU."""

import pickle

import nengo
import numpy as np
import pytest

from nengo_lmu import LMU

# Nengo warns of its own passthrough nodes when they are copied and unpickled.
OVERWRITTEN = "ignore:'Node.size_out' is being overwritten"

MATRICES = (
    *("input_encoders", "hidden_encoders", "memory_encoders", "input_kernel"),
    *("hidden_kernel", "memory_kernel", "hidden_bias"),
)
CELLS = {
    "memory": {},
    "cell": {"units": 5, "hidden_bias": 0.1},
    "ideal": {"n_neurons": 0, "units": 5, "coupling": "full", "trainable_theta": True},
    "speed": {"largest_speed": 2.0, "reset": True},
}


def network(levels=0, seed=None, **options):
    """Return a network with an LMU some networks deep, and what reads it."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(nengo.processes.WhiteSignal(1, high=5, seed=1))
        inner = net
        for _ in range(levels):
            with inner:
                inner = nengo.Network()
        with inner:
            lmu = LMU(0.2, 3, **{"n_neurons": 60} | options, label="cell", seed=seed)
        nengo.Connection(stimulus, lmu.input, synapse=None)
        if lmu.memory.speed is not None:
            nengo.Connection(nengo.Node([1.0]), lmu.memory.speed, synapse=None)
        nengo.Probe(lmu.output)
        nengo.Probe(lmu.memory.add_window([0.5], np.square))
    return net


def cell_of(net):
    (lmu,) = (one for one in net.all_networks if isinstance(one, LMU))
    return lmu


def run(net):
    """Return what is probed, without the optimizer, whose rounding varies."""
    with nengo.Simulator(net, optimize=False, progress_bar=False) as sim:
        sim.run_steps(100)
    return np.hstack([sim.data[probe] for probe in net.all_probes])


@pytest.mark.filterwarnings(OVERWRITTEN)
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    "copied",
    [nengo.Network.copy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["copy", "pickle"],
)
def test_copies_are_networks_of_their_own(name, copied):
    """They run alike, and what they call their parts is in them, not in the other."""
    net = network(**CELLS[name])
    expected = run(net)
    other = copied(net)
    assert np.allclose(run(other), expected) and np.any(expected)
    lmu, original = cell_of(other), cell_of(net)
    assert repr(lmu) == repr(original)
    objects = set(map(id, [*other.all_nodes, *other.all_ensembles]))
    connections = set(map(id, other.all_connections))
    for holder in (lmu, lmu.memory):
        assert {id(holder.input), id(holder.output)} <= objects
    for matrix in MATRICES:
        there = getattr(original, matrix) is not None
        assert (id(getattr(lmu, matrix)) in connections) == there
    assert (lmu.hidden is None) == (original.hidden is None)


@pytest.mark.filterwarnings(OVERWRITTEN)
def test_copies_can_be_added_to():
    """What is read of a copy is what is read of the network that it was made of."""
    net = network(units=5)
    read = []
    for one in (net, net.copy()):
        with one:
            memory = cell_of(one).memory
            probe = nengo.Probe(memory.add_window([0.0, 1.0]))
            memory.add_feedback()
        with nengo.Simulator(one, progress_bar=False) as sim:
            sim.run_steps(100)
        read.append(sim.data[probe])
        assert len(memory.parts.fed_back) == 1
    assert np.allclose(*read) and np.any(read)


@pytest.mark.filterwarnings(OVERWRITTEN)
def test_a_copy_can_be_changed_alone():
    net = network(n_neurons=0, units=5, trainable_theta=True)
    before = run(net)
    other = net.copy()
    lmu = cell_of(other)
    lmu.memory.theta = 0.3
    lmu.memory_kernel.transform = 2 * lmu.memory_kernel.transform.init
    assert cell_of(net).theta == 0.2
    assert np.allclose(run(net), before)
    assert not np.allclose(run(other), before)


@pytest.mark.filterwarnings(OVERWRITTEN)
def test_an_lmu_is_copied_into_another_network():
    net = network(units=5)
    with nengo.Network(seed=0) as other:
        lmu = cell_of(net).copy()
        nengo.Connection(nengo.Node(lambda t: np.sin(20 * t)), lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    assert lmu in other.networks and lmu not in net.all_networks
    assert np.any(run(other))


@pytest.mark.parametrize("levels", [1, 3])
def test_networks_in_networks_are_alike(levels):
    """With a seed of its own, all of an LMU is the same wherever it is."""
    flat, deep = network(seed=7, units=5), network(levels, seed=7, units=5)
    assert len(deep.all_networks) == len(flat.all_networks) + levels
    kernels = [cell_of(net).memory_kernel.transform.init for net in (flat, deep)]
    assert np.array_equal(*kernels)
    ours = run(deep)
    assert np.allclose(run(flat), ours) and np.any(ours)


def test_the_decoder_cache_changes_nothing(tmp_path):
    """An ensemble that reads the state is solved once, and the LMU is as without."""

    def made():
        net = network(units=5)
        with net:
            ensemble = nengo.Ensemble(50, 3)
            nengo.Connection(cell_of(net).memory.output, ensemble, synapse=None)
            square = nengo.Node(size_in=3)
            nengo.Connection(ensemble, square, function=np.square)
            nengo.Probe(square)
        return net

    kept = {name: nengo.rc.get("decoder_cache", name) for name in ("enabled", "path")}
    try:
        nengo.rc.set("decoder_cache", "enabled", "False")
        without = run(made())
        nengo.rc.set("decoder_cache", "enabled", "True")
        nengo.rc.set("decoder_cache", "path", str(tmp_path))
        first, second = run(made()), run(made())
    finally:
        for name, value in kept.items():
            nengo.rc.set("decoder_cache", name, value)
    assert any(path.suffix == ".nco" for path in tmp_path.rglob("*"))
    assert np.allclose(first, without) and np.allclose(second, without)
