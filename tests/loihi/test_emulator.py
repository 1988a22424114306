"""The fast emulator has the very spikes and values that NengoLoihi's own has."""

import subprocess
import sys
import types
import warnings

import nengo
import numpy as np
import pytest

from nengo_lmu import LMU, LegendreMemory

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_loihi.block import Axon, LoihiBlock, Synapse  # noqa: E402
from nengo_loihi.builder import Model  # noqa: E402
from nengo_loihi.builder.discretize import decay_int  # noqa: E402
from nengo_loihi.emulator import EmulatorInterface  # noqa: E402
from nengo_loihi.inputs import SpikeInput  # noqa: E402

from nengo_lmu.loihi import add_params, fast_emulator, install  # noqa: E402
from nengo_lmu.loihi import emulator as package  # noqa: E402
from nengo_lmu.loihi.emulator import synapses as emulator  # noqa: E402
from nengo_lmu.loihi.emulator.compartments import FastCompartments, decay_by  # noqa: E402

# NengoLoihi warns of voltages that are random to start with, which are Nengo's default
AT_ZERO = {"initial_state": {"voltage": nengo.dists.Choice([0])}}
LIF = nengo.LIF(**AT_ZERO)

# what NengoLoihi says of weights that are small next to others
pytestmark = pytest.mark.filterwarnings(
    "ignore:Lost . extra bits in weight rounding",
    "ignore:Model is precomputable",
)

TARGETS = pytest.mark.parametrize("target", ["sim", "simreal"])
STATES = ("input", "current", "voltage", "spiked", "ref_count", "spike_count")


@pytest.fixture(autouse=True)
def switched_back_on():
    yield
    fast_emulator()


# --- whole networks


def sine(size=1):
    return nengo.Node(lambda t: 0.8 * np.sin(20 * t + np.arange(size)))


def memory(n_neurons=300, **kwargs):
    with nengo.Network(seed=1) as net:
        lmu = LMU(0.2, 6, n_neurons=n_neurons, **kwargs)
        nengo.Connection(sine(), lmu.input, synapse=None)
        nengo.Probe(lmu.memory.output)
        for ensemble in lmu.memory.ensembles:
            nengo.Probe(ensemble.neurons)
            nengo.Probe(ensemble.neurons, "input")
        if lmu.hidden is not None:
            nengo.Probe(lmu.output)
            nengo.Probe(lmu.hidden.neurons)
    return net


def hidden_units():
    return memory(
        200,
        units=40,
        memory_encoders=nengo.dists.Gaussian(0, 0.02),
        hidden_encoders=nengo.dists.Gaussian(0, 0.02),
        hidden_bias=0.2,
        coupling="full",
    )


def cut_to_pieces():
    net = memory(200)
    (ensemble,) = (e for e in net.all_ensembles)
    nengo_loihi.add_params(net)
    net.config[ensemble].block_shape = nengo_loihi.BlockShape((30,), (200,))
    return net


def chain():
    with nengo.Network(seed=2) as net:
        first, *others = (nengo.Ensemble(50, 1, neuron_type=LIF) for _ in range(4))
        nengo.Connection(sine(), first)
        for other in others:
            nengo.Connection(first, other, function=np.square, synapse=0.01)
            nengo.Probe(other, synapse=0.02)
            nengo.Probe(first.neurons, "voltage")
            first = other
        nengo.Connection(other, first.neurons, transform=-np.ones((50, 1)))
    return net


def arrays():
    """An ordinary network: a Legendre memory as one would make it in Nengo."""
    a = np.array([[-1.0, -3.0], [3.0, -2.0]])
    with nengo.Network(seed=3) as net:
        array = nengo.networks.EnsembleArray(40, 2, neuron_type=LIF)
        nengo.Connection(sine(2), array.input, synapse=0.05)
        nengo.Connection(
            array.output, array.input, transform=0.05 * a + np.eye(2), synapse=0.05
        )
        nengo.Probe(array.output, synapse=0.02)
        nengo.Probe(array.ensembles[0].neurons)
    return net


def loop_through_the_host():
    with nengo.Network(seed=4) as net:
        ensemble = nengo.Ensemble(
            60, 2, neuron_type=nengo.SpikingRectifiedLinear(**AT_ZERO)
        )
        node = nengo.Node(lambda t, x: np.sin(9 * t) + 0.5 * x, size_in=2)
        nengo.Connection(ensemble, node, synapse=0.01)
        nengo.Connection(node, ensemble, synapse=0.01)
        nengo.Probe(node)
        nengo.Probe(ensemble.neurons)
    return net


def one_to_one():
    """Too few weights for a matrix, of both signs."""
    with nengo.Network(seed=5) as net:
        first, second = (nengo.Ensemble(200, 1, neuron_type=LIF) for _ in range(2))
        nengo.Connection(sine(), first)
        weights = np.linspace(-0.002, 0.01, 200)
        diagonal = nengo.Sparse(
            (200, 200), indices=[(i, i) for i in range(200)], init=np.full(200, 0.01)
        )
        nengo.Connection(first.neurons, second.neurons, transform=diagonal)
        nengo.Connection(first.neurons[::-1], second.neurons, transform=weights)
        nengo.Probe(second.neurons)
        nengo.Probe(second.neurons, "voltage")
    return net


def convolution(pop_type=32):
    """Axons of whole populations, which share weights."""
    first = nengo.Convolution(4, (6, 6, 1), padding="same")
    second = nengo.Convolution(4, first.output_shape)
    with nengo.Network(seed=6) as net:
        nengo_loihi.add_params(net)
        sizes = (36, first.output_shape.size, second.output_shape.size)
        layers = [
            nengo.Ensemble(n, 1, neuron_type=LIF, gain=np.ones(n), bias=np.ones(n))
            for n in sizes
        ]
        net.config[layers[0]].on_chip = False
        nengo.Connection(sine(36), layers[0].neurons, synapse=None)
        for pre, post, transform in zip(layers, layers[1:], (first, second)):
            conn = nengo.Connection(pre.neurons, post.neurons, transform=transform)
            net.config[conn].pop_type = pop_type
            nengo.Probe(post.neurons)
            nengo.Probe(post.neurons, "voltage")
    return net


def learning():
    """One block learns; it is fed, and others are, by the same neurons."""
    with nengo.Network(seed=7) as net:
        pre, other = (nengo.Ensemble(60, 1, neuron_type=LIF) for _ in range(2))
        nengo.Connection(sine(), pre)
        nengo.Connection(pre, other, synapse=0.01)
        error = nengo.Node(lambda t, x: x - 0.5, size_in=1)
        learned = nengo.Connection(
            pre, error, function=lambda x: 0, learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(error, learned.learning_rule)
        nengo.Probe(error)
        nengo.Probe(other.neurons)
    return net


def mixed():
    net = learning()
    with net:
        lmu = LMU(0.2, 3, n_neurons=300)
        nengo.Connection(sine(), lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    return net


def results(net, model, on, target, n_steps, seed=11, **options):
    """What a simulator of a model, which is built already, has in each of its steps.

    A second build would not do: NengoLoihi adds connections in the order of a set.
    """
    for spike_input in model.inputs:
        for t in set(spike_input.spikes) - spike_input.permanent:
            del spike_input.spikes[t]
    states = {name: [] for name in STATES}
    fast_emulator(on)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "build", lambda *args, **kwargs: None)
        sim = nengo_loihi.Simulator(
            net, model=model, target=target, seed=seed, progress_bar=False, **options
        )
    with sim:
        sim.clear_probes()
        synapses = sim.sims["emulator"].synapses
        for _ in range(n_steps):
            sim.step()
            for name in STATES:
                state = getattr(sim.sims["emulator"].compartment, name)
                states[name].append(state.copy())
        sim.run_steps(20)
        for name in STATES:
            states[name].append(getattr(sim.sims["emulator"].compartment, name))
        data = [np.array(sim.data[probe]) for probe in net.all_probes]
    return states, data, synapses


def assert_same(net, target, n_steps=150, **options):
    """Compare all states and all probes; return the fast emulator's synapses."""
    with nengo_loihi.Simulator(
        net, target=target, seed=0, progress_bar=False, **options
    ) as sim:
        model = sim.model
    weights = [w for b in model.blocks for s in b.synapses for w in s.weights]
    before = [w.copy() for w in weights]
    theirs, their_data, plain = results(net, model, False, target, n_steps, **options)
    assert type(plain) is emulator.SynapseState
    for w, first in zip(weights, before):
        w[:] = first  # some have learned
    ours, our_data, synapses = results(net, model, True, target, n_steps, **options)
    assert type(synapses) is emulator.MatrixSynapses
    for name in STATES:
        for step, (a, b) in enumerate(zip(ours[name], theirs[name])):
            assert np.array_equal(a, b), (name, step)
    for a, b, probe in zip(our_data, their_data, net.all_probes):
        assert len(a) == n_steps + 20 and np.array_equal(a, b), probe
    assert theirs["spike_count"][-1].sum() > 100
    return synapses


@TARGETS
@pytest.mark.parametrize(
    "make",
    [memory, hidden_units, cut_to_pieces, chain, arrays, loop_through_the_host]
    + [one_to_one],
)
def test_networks_have_the_very_same_values(make, target):
    synapses = assert_same(make(), target)
    assert not synapses.left


@TARGETS
def test_a_memory_on_several_cores_shares_rows(target):
    """The neurons of a population share rows of weights."""
    synapses = assert_same(memory(1100), target, n_steps=100)
    assert len(set(synapses.block_map.values())) == 2
    sizes = [len(rows.matrix) for rows in synapses.rows if hasattr(rows, "matrix")]
    assert sizes and max(sizes) < 500


@TARGETS
def test_copies_of_a_memory_have_the_very_same_values(target):
    net = memory(300)
    lmu = next(n for n in net.all_networks if isinstance(n, LegendreMemory))
    add_params(net)
    lmu.config[lmu.ensembles[0]].copies = 3
    synapses = assert_same(net, target, n_steps=100)
    assert len(set(synapses.block_map.values())) == 3


@TARGETS
def test_staggered_neurons_have_the_very_same_values(target):
    net = memory(200, units=30, coupling="feed-forward")
    lmu = next(n for n in net.all_networks if isinstance(n, LegendreMemory))
    add_params(net)
    lmu.config[lmu.ensembles[0]].staggered = True
    assert_same(net, target, n_steps=100)


@pytest.mark.parametrize("precompute", [True, False])
def test_input_may_come_all_at_once(precompute):
    """Spikes for many steps may wait in the inputs."""
    with nengo.Network(seed=8) as net:
        ensemble = nengo.Ensemble(50, 1, neuron_type=LIF)
        nengo.Connection(sine(), ensemble)
        nengo.Probe(ensemble.neurons)
    assert_same(net, "sim", precompute=precompute)


@TARGETS
@pytest.mark.parametrize("pop_type", [16, 32])
def test_convolutions_have_the_very_same_values(target, pop_type):
    assert not assert_same(convolution(pop_type), target).left


@TARGETS
def test_too_many_weights_are_left_to_nengo_loihi(monkeypatch, target):
    monkeypatch.setattr(emulator, "MAX_WEIGHTS", 2000)
    synapses = assert_same(convolution(), target)
    assert synapses.left and synapses.rows


@TARGETS
@pytest.mark.parametrize("make", [learning, mixed])
def test_synapses_that_learn_are_left_to_nengo_loihi(make, target):
    synapses = assert_same(make(), target)
    assert any(synapse.learning for synapse in synapses.left)
    assert synapses.rows


# --- blocks of all kinds, at random


def random_blocks(rng, dtype, sorted_spikes=True):
    """What the emulator needs of a model: blocks, and inputs with spikes of their own.

    Weights are so large that sums overflow now and then.
    """
    integer = dtype == np.int32
    blocks, inputs = [], []
    for n_neurons in (1, 2, 30, 200):
        block = LoihiBlock(n_neurons)
        compartment = block.compartment
        for name in ("decay_u", "decay_v", "bias", "vth", "noise_offset", "noise_exp"):
            if np.ndim(getattr(compartment, name)):
                setattr(compartment, name, np.zeros(n_neurons, dtype))
        if integer:
            compartment.decay_u = rng.randint(0, 4096, n_neurons).astype(dtype)
            compartment.decay_v = rng.randint(0, 4097, n_neurons).astype(dtype)
            compartment.bias = rng.randint(-(2**17), 2**19, n_neurons).astype(dtype)
            compartment.vth = rng.randint(2**16, 2**21, n_neurons).astype(dtype)
            compartment.vmin, compartment.vmax = -(2**21), 2**23 - 1
            compartment.noise_exp = rng.randint(5, 16)
        else:
            compartment.decay_u = rng.rand(n_neurons).astype(dtype)
            compartment.decay_v = rng.rand(n_neurons).astype(dtype)
            compartment.bias = rng.uniform(-0.2, 1, n_neurons).astype(dtype)
            compartment.vth = rng.uniform(0.2, 1, n_neurons).astype(dtype)
            compartment.vmin, compartment.vmax = -1, np.inf
            compartment.scale_v = bool(rng.randint(2))
            compartment.noise_exp = -1
        compartment.scale_u = not integer
        compartment.refract_delay = rng.randint(1, 4, n_neurons).astype(dtype)
        compartment.enable_noise = np.full(n_neurons, bool(rng.randint(2)))
        compartment.noise_at_membrane = rng.randint(2)
        compartment.noise_offset = rng.randint(3)
        blocks.append(block)
    for n_neurons in (3, 100):
        inputs.append(SpikeInput(n_neurons))
        for t in range(1, 60):
            size = rng.randint(n_neurons)
            idxs = rng.choice(n_neurons, size, replace=not sorted_spikes)
            if sorted_spikes:
                idxs = np.sort(idxs)
            inputs[-1].add_spikes(t, idxs, permanent=bool(rng.randint(2)))

    sources = blocks + inputs
    for block in blocks:
        for source in [sources[i] for i in rng.randint(len(sources), size=5)]:
            synapse = Synapse(rng.randint(1, 2 * source.n_neurons + 1))
            weights, indices = [], []
            for i in range(synapse.n_axons):
                size = rng.randint(block.n_neurons + 1) if i % 2 else block.n_neurons
                w = rng.uniform(-1, 1, (1, size))
                w = w * 2**18 if integer else 0.3 * w
                weights.append(w.astype(dtype))
                indices.append([np.sort(rng.permutation(block.n_neurons)[:size])])
            synapse._set_weights_indices(weights, indices, weight_dtype=dtype)
            block.add_synapse(synapse)
            for _ in range(rng.randint(1, 3)):  # two axons may lead to one synapse
                axon = Axon(synapse.n_axons)
                axon.target = synapse
                axon.set_compartment_axon_map(
                    rng.randint(-1, synapse.n_axons, source.n_neurons)
                )
                source.add_axon(axon)
    return types.SimpleNamespace(blocks=blocks, inputs=inputs, probes=[], dt=0.001)


def run_blocks(model, on):
    """All states in each step, and the warnings."""
    spikes = [dict(spike_input.spikes) for spike_input in model.inputs]
    fast_emulator(on)
    states = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with EmulatorInterface(model, seed=1) as sim:
            for _ in range(70):
                sim.step()
                states.append([getattr(sim.compartment, s).copy() for s in STATES])
            synapses = sim.synapses
    for spike_input, before in zip(model.inputs, spikes):
        spike_input.spikes = before
    return states, [str(warning.message) for warning in caught], synapses


def assert_same_blocks(model):
    theirs, their_warnings, _ = run_blocks(model, False)
    ours, our_warnings, synapses = run_blocks(model, True)
    for step, (a, b) in enumerate(zip(ours, theirs)):
        for name, one, other in zip(STATES, a, b):
            assert np.array_equal(one, other), (name, step)
    assert our_warnings == their_warnings
    assert np.any(ours[-1][-1])
    return synapses, our_warnings


@pytest.mark.parametrize("sorted_spikes", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("seed", range(4))
def test_random_blocks_have_the_very_same_values(seed, dtype, sorted_spikes):
    rng = np.random.RandomState(seed)
    synapses, caught = assert_same_blocks(random_blocks(rng, dtype, sorted_spikes))
    assert not synapses.left
    if dtype == np.int32:
        assert any("Overflow in" in message for message in caught)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("lists", [True, False])
def test_matrices_and_lists_add_the_same(monkeypatch, dtype, lists):
    monkeypatch.setattr(emulator, "DENSE_SIZE", np.inf if lists else 0)
    monkeypatch.setattr(emulator, "DENSE_PART", 0)
    synapses, _ = assert_same_blocks(random_blocks(np.random.RandomState(9), dtype))
    names = {type(rows).__name__ for rows in synapses.rows}
    assert names == {"Lists"} if lists else "Matrix" in names


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_an_axon_that_leads_twice_to_a_compartment_is_left_to_nengo_loihi(dtype):
    """NengoLoihi counts the last of its weights; such a block is left to it."""
    model = random_blocks(np.random.RandomState(3), dtype)
    synapse = model.blocks[2].synapses[0]
    for indices in synapse.indices:
        indices[:] = 7
    synapses, _ = assert_same_blocks(model)
    assert synapses.left == set(model.blocks[2].synapses)


def test_decay_is_that_of_integers():
    """In double precision as in integers, for all values that the chip can hold."""
    rng = np.random.RandomState(0)
    x = rng.randint(-(2**23), 2**23, 10**5).astype(np.int32)
    x[:5] = -(2**23), 2**23 - 1, 0, -1, 1
    for offset in (0, 1):
        decay = rng.randint(0, 4097 - offset, x.size).astype(np.int32)
        wanted = decay_int(x, decay, offset=offset)
        found = x.copy()
        decay_by(found, (2**12 - offset - decay) / 2**12)
        assert np.array_equal(found, wanted)


# --- the switch


def small():
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(10, 1, neuron_type=LIF)
        nengo.Probe(ensemble.neurons)
    return net


def emulator_parts():
    with nengo_loihi.Simulator(small(), target="sim", progress_bar=False) as sim:
        parts = sim.sims["emulator"]
        return type(parts.synapses), type(parts.compartment)


def test_the_switch_goes_both_ways():
    ours = (emulator.MatrixSynapses, FastCompartments)
    theirs = (emulator.SynapseState, package.CompartmentState)
    assert all(a.__module__ == "nengo_loihi.emulator.interface" for a in theirs)
    assert emulator_parts() == ours
    fast_emulator(False)
    assert emulator_parts() == theirs
    fast_emulator()
    assert emulator_parts() == ours
    install()
    assert emulator_parts() == ours
    assert emulator.MatrixSynapses.__mro__[1:] == emulator.SynapseState.__mro__


def test_later_releases_are_left_alone(monkeypatch):
    monkeypatch.setattr(package, "version_info", (1, 1, 1))
    install()
    assert emulator_parts() == (emulator.SynapseState, package.CompartmentState)


@pytest.mark.parametrize(
    "imports",
    [
        "import nengo_lmu, nengo_loihi",
        "import nengo_loihi, nengo_lmu",
        "import nengo_lmu.loihi, nengo_loihi",
        "import nengo_loihi.emulator.interface, nengo_lmu, nengo_lmu.loihi",
    ],
)
def test_it_is_installed_once_however_imported(imports):
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['nengo_dl'] = None\n"
        f"{imports}\n"
        "from nengo_loihi.emulator import interface\n"
        "for part in (interface.SynapseState, interface.CompartmentState):\n"
        "    print(*(c.__name__ for c in part.__mro__))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert result.stdout == (
        "MatrixSynapses SynapseState IterableState object\n"
        "FastCompartments CompartmentState IterableState object\n"
    ), result.stderr
