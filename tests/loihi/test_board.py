"""What Legendre memories would write into the registers of a Loihi board."""

import re
import textwrap
from pathlib import Path

import nengo
import numpy as np
import pytest

from nengo_lmu import LMU

nengo_loihi = pytest.importorskip("nengo_loihi")

import fake_board  # noqa: E402
from nengo_loihi.block import MAX_IN_AXONS  # noqa: E402
from nengo_loihi.hardware import builder  # noqa: E402
from nengo_loihi.hardware.allocators import (  # noqa: E402
    Greedy,
    GreedyInterchip,
    RoundRobin,
)
from nengo_loihi.hardware.validate import validate_board  # noqa: E402

from nengo_lmu.loihi.builder import layout  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "loihi.rst"

SEED = 7
POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())
# NengoLoihi warns of voltages that are random to start with, which are Nengo's default
REGULAR = nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])})

NETWORKS = {
    "memory": {"n_neurons": 60},
    "two inputs": {"n_neurons": 80, "size_in": 2},
    "Poisson hidden units": {"n_neurons": 60, "units": 20},
    "other hidden units": {
        "n_neurons": 60,
        "units": 20,
        "hidden_neuron_type": REGULAR,
    },
    "pieces": {"n_neurons": 90, "units": 20, "piece": 25},
    "copies": {"n_neurons": 200, "most_axons": 150},
}
N_CORES = dict(zip(NETWORKS, [1, 1, 2, 2, 4 + 1, 2]))
EACH = pytest.mark.parametrize("name", NETWORKS)


def network(
    n_neurons,
    size_in=1,
    units=0,
    hidden_neuron_type=POISSON,
    piece=None,
    window=True,
):
    """A memory of a sine, with probes of its spikes, hidden units and window."""
    with nengo.Network(seed=0) as net:
        phases = np.arange(size_in)
        stim = nengo.Node(lambda t: np.sin(20 * t + phases))
        lmu = LMU(
            theta=0.1,
            d=3,
            size_in=size_in,
            n_neurons=n_neurons,
            units=units,
            hidden_neuron_type=hidden_neuron_type,
            coupling="full",
        )
        nengo.Connection(stim, lmu.input, synapse=None)
        (ensemble,) = lmu.memory.ensembles
        nengo.Probe(ensemble.neurons)
        if units:
            nengo.Probe(lmu.output)
        if window:
            nengo.Probe(lmu.memory.add_window(points=[1.0]))
        if piece is not None:
            nengo_loihi.add_params(lmu.memory)
            shape = nengo_loihi.BlockShape((piece,), (n_neurons,))
            lmu.memory.config[ensemble].block_shape = shape
    return net


@pytest.fixture
def net(monkeypatch, name):
    """The network of that name; a memory is copied where a core takes few axons."""
    options = dict(NETWORKS[name])
    most_axons = options.pop("most_axons", MAX_IN_AXONS)
    monkeypatch.setattr(layout, "MAX_IN_AXONS", most_axons)
    return network(**options)


def emulated(net):
    return nengo_loihi.Simulator(net, target="sim", seed=SEED, progress_bar=False)


def on_board(net, **options):
    return nengo_loihi.Simulator(
        net, target="loihi", seed=SEED, progress_bar=False, **options
    )


@pytest.fixture
def nxsdk(monkeypatch):
    fake_board.install(monkeypatch, SEED)


@pytest.mark.parametrize("allocator", [Greedy(), RoundRobin(), GreedyInterchip()])
@EACH
def test_registers_hold_what_the_emulator_has(nxsdk, net, name, allocator):
    """Read back from the registers, everything is what the emulator has."""
    with emulated(net) as sim:
        model, emulator = sim.model, sim.sims["emulator"]
        board = allocator(model, n_chips=2)
        validate_board(board)
        made = builder.build_board(board)
        made.start()

        places = {  # of each core's compartments among the emulator's
            core: emulator.block_info.slices[block]
            for chip, nxsdk_chip in zip(board.chips, made.n2Chips)
            for allocated, core in zip(chip.cores, nxsdk_chip.n2Cores)
            for block in allocated.blocks
        }
        assert len(places) == len(model.blocks) == N_CORES[name]
        state = emulator.compartment
        noise = state.noise
        for core, place in places.items():
            assert np.array_equal(core.bias, state.bias[place])
            assert np.array_equal(core.vth, state.vth[place])
            assert np.array_equal(core.decay_u, state.decay_u[place])
            assert np.array_equal(core.decay_v, state.decay_v[place])
            assert np.array_equal(core.refractory, state.ref[place])
            assert np.all(core.vmin == state.vmin[place])
            assert np.all(core.vmax == state.vmax[place])
            assert np.array_equal(core.noisy, noise.enabled[place])
            if core.noisy.any():
                assert np.all(core.noise_level == noise.mult[place])
                assert np.all(core.noise_offset == noise.mant_offset[place])
                assert np.all(core.noise_at_membrane == noise.target_u[place])

        # what one compartment, or one neuron of an input, does when it fires
        axons = [core.targets[i] for core in places for i in range(core.n_compartments)]
        numbers = [
            n for place in places.values() for n in range(place.start, place.stop)
        ]
        spikes = np.eye(len(numbers), dtype=bool)[numbers]
        compare_weights(made, places, emulator, zip(axons, spikes))
        silent = np.zeros(len(numbers), dtype=bool)
        for spike_input in model.inputs:
            for i in range(spike_input.n_neurons):
                sent = made.spike_inputs[spike_input].spikes_to_loihi([i])
                axons = [s[["chip_id", "core_id", "axon_id"]].item() for s in sent]
                spike_input.add_spikes(1, [i])
                compare_weights(made, places, emulator, [(axons, silent)])


def compare_weights(made, places, emulator, fired):
    """Compare what arrives through axons with what the emulator adds to its input."""
    for axons, spiked in fired:
        arrived = np.zeros(len(spiked), dtype=int)
        for *key, axon in axons:
            core = made.cores[tuple(key)]
            compartments, weights = core.rows[axon]
            np.add.at(arrived[places[core]], compartments, weights)
        expected = np.zeros((1, len(spiked)), dtype=np.int32)
        emulator.synapses.inject_current(2, emulator.inputs, emulator.axons, spiked)
        emulator.synapses.update_input(expected)
        assert np.any(arrived)
        assert np.array_equal(arrived, expected[0])


@EACH
def test_cores_run_as_the_emulator_does(nxsdk, net):
    """Cores that know no more than their registers do what the emulator does."""
    with emulated(net) as expected:
        expected.run_steps(300)
    # in a step, each neuron of the input sends a spike at most to each of its axons
    spikes = sum(len(i.axons) * i.n_neurons for i in expected.model.inputs)
    # cores in the order of the emulator's blocks, so that they have the same noise
    options = {"allocator": Greedy(), "snip_max_spikes_per_step": spikes}
    with on_board(net, hardware_options=options) as sim:
        sim.run_steps(300)
        sim.sims["loihi"].snips.tmp_snip_dir.cleanup()
    assert not sim.precompute
    compare_data(net, sim, expected)


def test_cores_run_precomputed_as_the_emulator_does(nxsdk):
    """Where only spikes are read, their input can be sent beforehand."""
    net = network(n_neurons=60, window=False)
    with emulated(net) as expected:
        expected.run_steps(300)
    with on_board(net) as sim:
        sim.run_steps(300)
    assert sim.precompute
    compare_data(net, sim, expected)


def compare_data(net, sim, expected):
    for probe in net.all_probes:
        assert np.any(sim.data[probe])
        assert np.array_equal(sim.data[probe], expected.data[probe])


def run_docs(title, changes):
    """Run a script of the docs with a few changes, and return what it names."""
    text = DOCS.read_text(encoding="utf-8").partition("On a board\n====")[2]
    scripts = map(textwrap.dedent, re.findall(r"::\n\n((?:    .*\n|\n)+)", text))
    (script,) = (script for script in scripts if title in script)
    for old, new in changes.items():
        assert old in script
        script = script.replace(old, new)
    names = {"nengo": nengo, "nengo_loihi": nengo_loihi, "np": np, "LMU": LMU}
    exec(script, names)  # noqa: S102
    return names


@pytest.mark.parametrize("same_noise", [False, True])
def test_the_noise_of_the_docs_tells_good_from_bad(monkeypatch, same_noise):
    """The docs' figures of the noise are those of good noise, and tell bad noise.

    Of N steps, the probability p of a spike has a standard error of
    sqrt(p (1 - p) / (n N)), besides less than a level of 4 hertz over n neurons; a
    variance that is 1, of about Poisson numbers with a mean of 1 or more, one of
    sqrt(3 / N) at most; a correlation that is 0, one of sqrt(1 / N).
    """
    fake_board.install(monkeypatch, SEED, same_noise)
    n_steps = 2000
    names = run_docs("n_steps", {"20000": str(n_steps)})
    p, n = names["p"], names["n"]
    bound = 4 * np.sqrt(p * (1 - p) / (n * n_steps)) + 0.004 / n
    assert np.all(np.abs(p - [0.01, 0.05, 0.1, 0.2, 0.2, 0.2]) < bound)
    assert np.all(np.abs(names["variance"] - 1) < 4 * np.sqrt(3 / n_steps))
    assert np.all(np.abs(names["steps"]) < 4 / np.sqrt(n_steps))
    if same_noise:
        assert np.max(names["cores"]) > 0.9
    else:
        assert np.all(np.abs(names["cores"]) < 4 / np.sqrt(n_steps))


def test_the_delay_of_the_docs_has_the_errors_of_the_emulator(monkeypatch, capsys):
    """With the emulator's noise, its errors are the board's."""
    fake_board.install(monkeypatch, seed=1)  # NengoLoihi's, for a network's of 0
    names = run_docs("add_window", {"sim.run(10)": "sim.run(1.1)"})
    names["sim"].sims["loihi"].snips.tmp_snip_dir.cleanup()
    errors = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert 0 < float(errors["loihi"]) == float(errors["sim"])
