"""Memories laid out over cores: shared rows of weights, and copies."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_loihi.block import MAX_SYNAPSE_BITS  # noqa: E402

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.legendre import predicted_error, readout, simulate  # noqa: E402
from nengo_lmu.loihi import add_params, on_chip  # noqa: E402
from nengo_lmu.loihi.builder import layout  # noqa: E402
from nengo_lmu.loihi.builder.layout import shares  # noqa: E402
from nengo_lmu.loihi.builder.rounding import round_versions  # noqa: E402

DT = 0.001


def memory_network(n_neurons, d=3, size_in=1, copies=None, theta=0.5, **kwargs):
    with nengo.Network(seed=0) as net:
        net.memory = LegendreMemory(
            theta, d, size_in=size_in, n_neurons=n_neurons, error_feedback=0, **kwargs
        )
        net.u = nengo.Node(np.zeros(size_in))
        nengo.Connection(net.u, net.memory.input, synapse=None)
        net.probe = nengo.Probe(net.memory.output)
    if copies is not None:
        add_params(net)
        net.memory.config[net.memory.ensembles[0]].copies = copies
    return net


def built(net, **options):
    with nengo_loihi.Simulator(net, progress_bar=False, **options) as sim:
        return sim.model


# --- rows and their versions


@pytest.mark.parametrize("n_axons", [1, 2, 7, 50, 333])
@pytest.mark.parametrize("versions", [1, 2, 3, 4, 8, 40])
def test_shares(n_axons, versions):
    parts = shares(n_axons, versions)
    assert parts.sum() == n_axons and np.all(parts > 0)
    assert len(parts) <= versions
    assert np.all(np.diff(parts) <= 1)  # the smallest last, but for rounding


@pytest.mark.parametrize("versions", [3, 4, 6, 9, 200])
def test_versions_are_right_in_the_mean(versions):
    """To half of the part of the axons that the smallest version has, for each neuron.

    And to that for the sum over any number of them, since what is left over goes on to
    the next neuron. Each version is the row rounded.
    """
    rng = np.random.RandomState(versions)
    exact = np.concatenate([rng.uniform(-3, 3, (5, 60)), np.full((1, 60), -0.045)])
    n_axons = np.tile(-np.sort(-shares(120, versions)), (6, 1))
    rounded = round_versions(exact, n_axons)
    below = np.floor(exact)[:, np.newaxis]
    # neighbours hand on what is left over, which may take a weight one step further
    assert np.all((rounded >= below - 1) & (rounded <= below + 2))
    means = np.einsum("rvn,rv->rn", rounded, n_axons) / 120
    least = n_axons[0, -1] / 120
    error = np.cumsum(means - exact, axis=1)
    # parts are whole numbers of axons, so that their sums leave gaps of one or two
    assert np.abs(error).max() <= least / 2 + 2 / 120


def test_versions_do_the_same_to_a_run_of_neurons():
    """No neuron of the population is louder than others, as far as there is a choice.

    With a version for each axon there is: spikes add the same to 100 neurons, give or
    take as many as it takes to make up for the mean.
    """
    exact = np.full((1, 100), 0.3)
    rounded = round_versions(exact, np.ones((1, 20), dtype=int))[0]
    assert rounded.sum(axis=1).mean() == pytest.approx(30, abs=0.1)
    assert np.ptp(rounded.sum(axis=1)) <= 4


# --- layouts


def drives(net, model, x):
    """Return the current of each neuron, in hertz, for a state of the populations.

    All in floating point, with rates in the place of spikes.
    """
    with on_chip(net.memory):
        p = net.memory.populations
    rates = p.gain * np.maximum(p.encoders.T @ x, 0)
    current = np.zeros(len(rates))
    pieces = model.block_comp_map or {b: range(b.n_neurons) for b in model.blocks}
    for source, senders in pieces.items():
        for axon in source.axons:
            for target, receivers in pieces.items():
                if axon.target not in target.synapses:
                    continue
                receivers = np.array(list(receivers))
                spikes = axon.map_spikes(np.arange(source.n_neurons))
                for sender, spike in zip(senders, spikes):
                    if spike is not None:
                        row = axon.target.axon_weights_indices(spike.axon_idx)
                        current[receivers[row[1]]] += DT * rates[sender] * row[0]
    return current


@pytest.mark.parametrize(
    "options, n_blocks",
    [
        ({"n_neurons": 120}, 1),
        ({"n_neurons": 1100}, 2),
        ({"n_neurons": 120, "copies": 2}, 2),
        ({"n_neurons": 121, "copies": 5}, 5),
        ({"n_neurons": 160, "copies": 3, "size_in": 2}, 3),
        ({"n_neurons": 120, "copies": 4, "max_rates": nengo.dists.Uniform(50, 90)}, 4),
        ({"n_neurons": 90, "copies": 5, "d": 6}, 5),
    ],
)
def test_neurons_get_what_they_should(options, n_blocks):
    """Whatever the layout, each neuron's drive is that of the whole memory."""
    net = memory_network(**options)
    model = built(net, target="simreal")
    assert len(model.blocks) == n_blocks
    (recurrent,) = (
        c
        for c in net.memory.all_connections
        if c.post_obj is net.memory._entry and c.pre_obj is net.memory._spikes
    )
    with on_chip(net.memory):
        A_h, p = recurrent.transform.init, net.memory.populations
    rng = np.random.RandomState(0)
    for x in rng.uniform(-1, 1, size=(3, len(A_h))):
        wanted = p.gain * (p.encoders.T @ (A_h @ x))
        assert np.allclose(drives(net, model, x), wanted, rtol=0.01, atol=0.01)


def test_copies_do_not_lead_to_each_other():
    model = built(memory_network(600, copies=3))
    assert len(model.blocks) == 3
    for block in model.blocks:
        targets = {axon.target for axon in block.axons}
        assert targets and targets <= set(block.synapses)
    # nor do their neurons come in the same order, should cores have the same noise
    orders = [list(neurons) for neurons in model.block_comp_map.values()]
    assert orders[0] == sorted(orders[0]) and orders[1] != sorted(orders[1])


def test_probes_of_some_neurons_of_copies():
    net = memory_network(120, copies=3)
    net.u.output = [1.0]
    with net:
        neurons = net.memory.ensembles[0].neurons
        some, all_of_them = nengo.Probe(neurons[10:90:3]), nengo.Probe(neurons)
    with nengo_loihi.Simulator(net, progress_bar=False, seed=1) as sim:
        sim.run_steps(200)
    assert np.any(sim.data[some])
    assert np.array_equal(sim.data[some], sim.data[all_of_them][:, 10:90:3])


def test_more_copies_than_there_can_be():
    """A copy has an on and an off neuron for each dimension at least."""
    assert len(built(memory_network(60, copies=10)).blocks) == 10
    with pytest.raises(BuildError, match="11 copies .* enough for 10 .* fewer copies"):
        built(memory_network(60, copies=11))


@pytest.mark.parametrize("d, n_neurons", [(3, 2048), (12, 2000)])
def test_memory_on_few_cores(d, n_neurons):
    """Synapses take memory in proportion to neurons times dimensions.

    With weights of their own for each pair of neurons they would take more than 30
    cores; the least that rows of each population take is that of `LEAST_VERSIONS`.
    """
    model = built(memory_network(n_neurons, d=d))
    versions = max(layout.LEAST_VERSIONS, 1)
    bits = n_neurons * 2 * d * versions * 8 * 1.1
    assert len(model.blocks) <= max(2, np.ceil(bits / MAX_SYNAPSE_BITS) + 1)
    for block in model.blocks:
        assert sum(synapse.bits() for synapse in block.synapses) <= MAX_SYNAPSE_BITS


def test_copies_beyond_the_axons_of_a_core(monkeypatch):
    monkeypatch.setattr(layout, "MAX_IN_AXONS", 100)
    model = built(memory_network(240))
    assert len(model.blocks) >= 3
    for block in model.blocks:
        assert sum(synapse.n_axons for synapse in block.synapses) <= 100


def test_memory_without_recurrent_connection():
    """With its default synapse a memory of order 1 is the synapse."""
    model = built(memory_network(30, d=1, copies=2))
    assert len(model.blocks) == 1


def test_weights_from_the_same_neurons_take_one_axon():
    with nengo.Network(seed=0) as net:
        lmu = LMU(
            0.5, 3, n_neurons=90, units=5, memory_encoders=[[0.01] * 3], coupling="full"
        )
        nengo.Connection(nengo.Node([0.0]), lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    model = built(net)
    for block in model.blocks:
        from_memory = sum(
            axon.axon_slots()
            for source in model.blocks
            if source.n_neurons == 90
            for axon in source.axons
            if axon.target in block.synapses
        )
        assert from_memory == 90


def window_errors(net, u, seeds):
    net.u.output = nengo.processes.PresentInput(u, DT)
    ideal = simulate(u, 0.5, 3).reshape(len(u), 3)
    points = readout(3, np.linspace(0, 1, 20)).T
    for seed in seeds:
        with nengo_loihi.Simulator(net, progress_bar=False, seed=seed) as sim:
            sim.run_steps(len(u))
        error = (sim.data[net.probe][2:] - ideal[:-2])[500:] @ points
        yield np.sqrt(np.mean(error**2) / np.mean(u**2))


def test_copies_are_as_accurate_as_the_theory_says():
    """The error of a copy over the square root of their number.

    Three runs of twenty windows each: the mean is known to 6 %. Counts of spikes in
    steps are binomial on the chip, which makes them a few percent less noisy.
    """
    process = nengo.processes.WhiteSignal(10.5, high=2, rms=0.3, y0=0, seed=5)
    u = process.run_steps(10500, dt=DT)
    net = memory_network(240, copies=4, synapse=0.05, input_range=u)
    tau = net.memory.synapse.tau
    one = predicted_error(0.5, 3, 60, tau, dt=DT, input=u, error_feedback=0).window
    measured = np.mean(list(window_errors(net, u, range(3))))
    assert measured == pytest.approx(one / 2, rel=0.2)
