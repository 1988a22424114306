"""What networks need on Loihi, and what they spend there."""

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError

from nengo_lmu import LMU
from nengo_lmu.cli import main

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_loihi.block import LoihiBlock, Synapse  # noqa: E402
from nengo_loihi.builder import Model  # noqa: E402
from nengo_loihi.builder.builder import ValidationLevel  # noqa: E402
from nengo_loihi.hardware.allocators import Greedy  # noqa: E402
from nengo_loihi.hardware.validate import validate_board  # noqa: E402
from nengo_loihi.inputs import SpikeInput  # noqa: E402

from nengo_lmu.analysis.activity import (  # noqa: E402
    Activity,
    Source,
    _InputCounter,
    measure_activity,
)
from nengo_lmu.loihi import add_params, fast_emulator, resources  # noqa: E402
from nengo_lmu.loihi.resources import (  # noqa: E402
    LIMITS,
    check_resources,
    model_resources,
)

FIRST = ("compartments", "input_axons", "output_axons", "synapse_bits")


def cell(units=20):
    """A Legendre memory that is read by hidden units."""
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 3, units=units, n_neurons=90, coupling="full", seed=0)
        nengo.Connection(nengo.Node(np.sin), lmu.input, synapse=None)
    return net


def layers(*sizes, together=(), weight=0.01):
    """Layers of neurons, each connected to the next one.

    Parameters
    ----------
    *sizes : int
    together : list of int
        Layers that must not be cut.
    """
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        net.layers = [
            nengo.Ensemble(
                n,
                1,
                neuron_type=nengo.SpikingRectifiedLinear(
                    initial_state={"voltage": nengo.dists.Choice([0])}
                ),
                gain=np.ones(n),
                bias=np.full(n, 10.0),
                label=f"layer {i}",
            )
            for i, n in enumerate(sizes)
        ]
        for pre, post in zip(net.layers, net.layers[1:]):
            nengo.Connection(
                pre.neurons,
                post.neurons,
                transform=np.full((post.n_neurons, pre.n_neurons), weight),
            )
        for i in together:
            net.config[net.layers[i]].block_shape = nengo_loihi.BlockShape(
                (sizes[i],), (sizes[i],)
            )
    return net


def fanning_out(n, n_posts):
    """One layer that leads to many others, and is not cut."""
    net = layers(n, 1, together=[0])
    with net:
        for _ in range(n_posts - 1):
            post = nengo.Ensemble(
                1, 1, neuron_type=net.layers[0].neuron_type, gain=[1], bias=[10]
            )
            nengo.Connection(
                net.layers[0].neurons, post.neurons, transform=np.full((1, n), 0.01)
            )
    return net


# --- what is needed


def test_figures_are_those_of_the_simulator():
    """Which also shows that it takes a network that is said to fit."""
    net = cell()
    needed = resources(net)
    assert needed.fits and needed.problems == ()
    with nengo_loihi.Simulator(net, progress_bar=False) as sim:
        built = list(sim.model.blocks)
    assert needed.cores == len(built) == len(needed.blocks)
    for block, found in zip(needed.blocks, built):
        used = found.utilization()
        for name, theirs in zip(FIRST, used.values()):
            assert (getattr(block, name), LIMITS[name]) == used_and_limit(theirs)
            assert block.fractions[name] == pytest.approx(theirs[0] / theirs[1])
    assert sum(block.compartments for block in needed.blocks) == 110
    needed.require_fit()


def used_and_limit(pair):
    return int(pair[0]), int(pair[1])


def test_repr_says_whether_it_fits():
    with nengo.Network(seed=0) as net:
        LMU(theta=0.1, d=3, n_neurons=30)
    needs = resources(net)
    assert repr(needs) == "<Resources: 1 core of 128, 30 compartments, fits>"
    problem = replace(needs, problems=("too large",))
    assert repr(problem).endswith("does not fit: too large>")


def test_the_network_is_left_as_it_was():
    net = cell()
    classes = (nengo.Ensemble, nengo.Connection, nengo.Node, nengo.Probe)

    def options():
        return [
            {cls: one.config[cls].extra_params for cls in classes}
            for one in (net, *net.all_networks)
        ]

    before, objects = options(), list(net.all_objects)
    resources(net)
    assert options() == before and net.all_objects == objects
    # what the user has said is kept, and heeded
    nengo_loihi.add_params(net)
    net.config[net.networks[0].hidden].on_chip = False
    assert options() != before
    needed = resources(net)
    assert net.config[net.networks[0].hidden].on_chip is False
    assert sum(block.compartments for block in needed.blocks) == 90


@pytest.mark.parametrize(
    "net, block, limit, told",
    [
        (layers(1100, together=[0]), "layer 0", "compartments", ["1100", "1024"]),
        (
            layers(4200, 1),
            "layer 1",
            "input_axons",
            ["4200 input axons, 4200 of them from layer 0", "4096", "on_chip = False"],
        ),
        (
            fanning_out(1000, 5),
            "layer 0",
            "output_axons",
            ["5000", "4096", "BlockShape"],
        ),
        (layers(200, 1000, together=[1]), "layer 1", "synapse_bits", ["1048576"]),
    ],
    ids=["compartments", "axons in", "axons out", "bits"],
)
def test_what_does_not_fit_is_said_and_refused(net, block, limit, told):
    needed = resources(net)
    assert not needed.fits
    (problem,) = needed.problems
    assert (needed.binding.block, needed.binding.resource) == (block, limit)
    assert needed.binding.used > needed.binding.limit == LIMITS[limit]
    assert needed.binding.fraction > 1
    assert problem.startswith(f"{block} needs {needed.binding.used} ")
    for text in (*told, limit.replace("_", " "), "net.config[ensemble]"):
        assert text in problem
    assert "does not fit" in str(needed)
    with pytest.raises(BuildError) as refused:
        needed.require_fit()
    assert str(refused.value) == problem
    with pytest.raises(BuildError) as refused:
        nengo_loihi.Simulator(net, progress_bar=False)
    assert str(refused.value) == problem


def test_remedies_help():
    """Smaller pieces, as the message says, and neurons off the chip."""
    net = fanning_out(1000, 5)
    net.config[net.layers[0]].block_shape = nengo_loihi.BlockShape((500,), (1000,))
    assert resources(net).fits
    net = layers(4200, 1)
    net.config[net.layers[1]].on_chip = False
    assert resources(net).fits


def test_nengo_loihi_has_its_way_to_leave_checks_out():
    model = Model()
    model.toplevel = nengo.Network()
    model.add_block(LoihiBlock(LIMITS["compartments"] + 1, label="large"))
    with pytest.raises(BuildError, match="large needs 1025 compartments"):
        check_resources(model)
    model.validation_level = ValidationLevel.NONE
    check_resources(model)


def compartment_formats(n):
    block = LoihiBlock(n)
    block.compartment.refract_delay[:] = 1 + np.arange(n)
    block.compartment.vth = np.full(n, 64)
    return block


def thresholds(n):
    block = LoihiBlock(n)
    block.compartment.refract_delay[:] = 1
    block.compartment.vth = 64 * (1 + np.arange(n))
    return block


def synapse_formats(n):
    block = thresholds(1)
    for i in range(n):
        synapse = Synapse(1)
        synapse.set_weights(np.ones((1, 1)))
        synapse.format(weight_exp=i % 15 - 7, tag_bits=i // 15)
        block.add_synapse(synapse)
    return block


@pytest.mark.parametrize("make", [compartment_formats, thresholds, synapse_formats])
def test_a_board_alone_has_some_limits(make):
    """As many as NengoLoihi puts on a board; the emulator takes more."""
    for extra in (0, 1):
        model = Model()
        model.toplevel = nengo.Network()
        model.add_block(make(LIMITS[make.__name__] + extra))
        needed = model_resources(model)
        assert needed.fits == (extra == 0)
        check_resources(model)
        board = Greedy()(model, n_chips=1)
        if needed.fits:
            validate_board(board)
            assert needed.binding.fraction == 1
        else:
            (problem,) = needed.problems
            assert make.__name__.replace("_", " ") in problem
            with pytest.raises(AssertionError):
                validate_board(board)


@pytest.mark.parametrize("cores, chips", [(1, 1), (128, 1), (129, 2)])
def test_a_chip_has_128_cores(cores, chips):
    model = Model()
    model.toplevel = nengo.Network()
    for _ in range(cores):
        model.add_block(thresholds(1))
    needed = model_resources(model)
    assert (needed.cores, needed.chips) == (cores, chips)
    assert needed.chips == Greedy()(model, n_chips=chips).n_chips
    assert ("on 2 chips" in str(needed)) == (chips == 2)


def test_names_tell_blocks_apart():
    with nengo.Network(seed=0) as net:
        for _ in range(2):
            LMU(0.5, 2, n_neurons=20, seed=0)
        with nengo.Network(label="part"):
            poisson = nengo.PoissonSpiking(nengo.RectifiedLinear())
            a = nengo.Ensemble(1100, 1, neuron_type=poisson)
            b = nengo.Ensemble(10, 1, neuron_type=poisson, label="b")
            nengo.Connection(a.neurons, b.neurons, transform=np.full((10, 1100), 0.01))
    assert sorted(block.label for block in resources(net).blocks) == [
        "LMU 1.memory.neurons",
        "LMU 2.memory.neurons",
        "part.Ensemble (1 of 2)",
        "part.Ensemble (2 of 2)",
        "part.b",
    ]


def test_the_table_fits_a_terminal():
    net = layers(1100, 40)
    net.layers[0].label = "a layer" + 20 * " with a long name"
    needed = resources(net)
    lines = str(needed).splitlines()
    assert max(map(len, lines)) <= 80
    large, small = lines[2:4]
    assert "..." in large and large.split()[-9:-8] == ["2"] and "54 %" in large
    assert small.startswith("layer 1") and "3.9 %" in small and "27 %" in small
    assert "2 cores" not in str(needed) and "3 cores of 128; fits" in lines
    assert needed.binding.block == f"{net.layers[0].label} (1 of 2)"


def test_nothing_on_the_chip_is_an_error():
    with nengo.Network() as net:
        LMU(1.0, 6, n_neurons=0)
    with pytest.raises(BuildError, match="no neurons would be on the chip"):
        resources(net)


# --- what is spent


def sparse_pair(n_post=3):
    """Two neurons at 100 and 50 hertz that lead to three others and to one."""
    net = layers(2, n_post, weight=0.0)
    pre, post = net.layers
    pre.bias = np.array([100.0, 50.0])
    del net.connections[:]
    with net:
        nengo.Connection(
            pre.neurons,
            post.neurons,
            transform=nengo.Sparse(
                (n_post, 2), indices=[[0, 0], [1, 0], [2, 0], [0, 1]], init=np.ones(4)
            ),
        )
        net.probes_of_layers = [nengo.Probe(layer.neurons) for layer in net.layers]
    return net


@pytest.mark.parametrize("warm_up", [0.0, 0.25])
def test_energy_is_that_of_a_count_by_hand(warm_up):
    net = sparse_pair()
    with nengo_loihi.Simulator(net, progress_bar=False, seed=1, target="sim") as sim:
        sim.run(1.0)
        spikes = [
            np.sum(sim.data[probe][round(warm_up / 0.001) :] > 0, axis=0)
            for probe in net.probes_of_layers
        ]
    seconds = 1.0 - warm_up
    # at rates of 100 and 50 hertz a neuron reaches its threshold after 10 and 20 steps,
    # and has to be above it to spike
    assert spikes[0] == pytest.approx([1000 * seconds / 11, 1000 * seconds / 21], abs=1)

    activity = measure_activity(net, seconds, warm_up, seed=1, show_progress=False)
    assert activity.seconds == pytest.approx(seconds)
    pre, post = activity.blocks
    n_steps = round(seconds / 0.001)
    assert pre == Source(
        "layer 0",
        spikes=spikes[0].sum(),
        synaptic_operations=3 * spikes[0][0] + 1 * spikes[0][1],
        spike_messages=spikes[0].sum(),
        neuron_updates=2 * n_steps,
    )
    assert post == Source("layer 1", spikes[1].sum(), 0, 0, 3 * n_steps)
    assert activity.inputs == ()
    joules = (
        23.6e-12 * (3 * spikes[0][0] + spikes[0][1])
        + 1.7e-12 * spikes[0].sum()
        + 81e-12 * 5 * n_steps
    )
    assert pre.joules + post.joules == pytest.approx(joules)
    assert activity.total_watts == pytest.approx(joules / seconds)
    assert activity.per_second("spikes") == pytest.approx(
        (spikes[0].sum() + spikes[1].sum()) / seconds
    )


def test_all_of_a_memory_is_counted():
    """Each neuron of a memory leads to all of it."""
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.2, 2, n_neurons=40, seed=0)
        nengo.Connection(nengo.Node([0.5]), lmu.input, synapse=None)
        probe = nengo.Probe(lmu.memory.ensembles[0].neurons)
    activity = measure_activity(net, 0.3, seed=3, show_progress=False)
    with nengo_loihi.Simulator(net, progress_bar=False, seed=3, target="sim") as sim:
        sim.run(0.3)
        spikes = np.sum(sim.data[probe] > 0)
    assert sum(block.spikes for block in activity.blocks) == spikes > 100
    assert sum(b.synaptic_operations for b in activity.blocks) == 40 * spikes
    # half of the range is seven and eight fifteenths in turn: three spikes and one, but
    # for those of a step or two on the way; all neurons have equally many weights
    (spike_input,) = activity.inputs
    assert 594 <= spike_input.spikes <= 600
    weights = sum(axon.target.size() for axon in sim.model.inputs.popitem()[0].axons)
    assert spike_input.synaptic_operations == weights / 8 * spike_input.spikes
    assert spike_input.spike_messages == spike_input.neuron_updates == 0
    record = json.loads(json.dumps(activity.as_record()))
    assert record["watts"]["total"] == pytest.approx(activity.total_watts)
    assert record["per_second"]["neuron_updates"] == pytest.approx(40 / 0.001)


def test_spikes_of_an_input_are_counted_as_they_are_read():
    spike_input = SpikeInput(3)
    spike_input.add_spikes(1, [0, 2])
    spike_input.add_spikes(2, np.array([2]))
    counter = _InputCounter(spike_input)
    read = [list(spike_input.spike_idxs(t)) for t in (1, 2, 2, 3)]
    assert read == [[0, 2], [2], [], []]
    assert counter.counts.tolist() == [1, 0, 2]


@pytest.mark.parametrize("seconds", [0, -1, np.nan, 1e-5])
def test_there_has_to_be_a_time_to_count_in(seconds):
    with pytest.raises(ValueError, match="seconds"):
        measure_activity(layers(1), seconds)


def test_rates_are_those_of_a_second():
    block = Source("a", 10, 100, 20, 1000)
    host = Source("host", 5, 50, 0, 0)
    activity = Activity(2.0, (block, block), (host,))
    assert activity.per_second("spikes") == 10
    assert activity.per_second("synaptic_operations") == 125
    assert activity.watts == pytest.approx(
        {
            "synaptic_operations": 125 * 23.6e-12,
            "spike_messages": 20 * 1.7e-12,
            "neuron_updates": 1000 * 81e-12,
        }
    )


# --- the command

SMALL = "loihi resources --theta 0.1 --d 2 --n-neurons 40 --seconds 0.1".split()


def test_the_command_prints_the_table(tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*SMALL, "--units", "5", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    record = json.loads((out / "loihi-resources.json").read_text())
    assert record["settings"]["n_neurons"] == 40 and record["settings"]["units"] == 5
    assert record["resources"]["fits"] and record["resources"]["cores"] == 2
    assert record["versions"]["nengo-loihi"] == nengo_loihi.__version__
    activity = record["activity"]
    assert activity["seconds"] == pytest.approx(0.1)
    spikes = sum(block["spikes"] for block in activity["blocks"])
    assert spikes > 0
    assert f"{1e6 * activity['watts']['total']:.3g} uW" in printed
    assert "LMU.hidden" in printed and "2 cores of 128; fits" in printed


def test_the_command_needs_no_run(capsys):
    assert main([*SMALL, "--no-run", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert "activity" not in record and record["resources"]["cores"] == 1


def test_the_command_takes_a_network_of_ones_own(tmp_path, capsys):
    (tmp_path / "values.py").write_text("N = 30")
    path = tmp_path / "mine.py"
    path.write_text(
        "import nengo, values\n"
        "with nengo.Network(seed=0) as net:\n"
        "    relu = nengo.PoissonSpiking(nengo.RectifiedLinear())\n"
        "    nengo.Ensemble(values.N, 1, neuron_type=relu, label='mine')\n"
        "if __name__ == '__main__':\n"
        "    raise SystemExit('not to be run')\n"
    )
    argv = [
        "loihi",
        "resources",
        "--network",
        str(path),
        "--seconds",
        "0.1",
        "--seed",
        "3",
    ]
    assert main([*argv, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    asked = {"network": str(path), "seed": 3, "dt": 0.001}
    assert record["settings"] == record["settings"] | asked
    (block,) = record["resources"]["blocks"]
    assert block["ensemble"] == "mine" and block["compartments"] == 30
    assert record["activity"]["blocks"][0]["neuron_updates"] == 30 * 100


def test_the_command_says_what_does_not_fit(tmp_path, capsys, monkeypatch):
    net = layers(4200, 1)
    monkeypatch.setattr("runpy.run_path", lambda path: {"net": net})
    path = tmp_path / "large.py"
    path.touch()
    assert (
        main(["loihi", "resources", "--network", str(path), "--out", str(tmp_path)])
        == 2
    )
    out, err = capsys.readouterr()
    assert "does not fit" in out and "energy" not in out
    assert err.count("\n") == 1 and "layer 1 needs 4200 input axons" in err
    record = json.loads((tmp_path / "loihi-resources.json").read_text())
    assert not record["resources"]["fits"] and len(record["resources"]["problems"]) == 1


@pytest.mark.parametrize(
    "argv, named",
    [
        (["--network", "nowhere.py"], "argument --network: must be a Python file, but"),
        (["--network", "mine.py", "--tau", "1"], "cannot be given together with --tau"),
        (["--n-neurons", "5"], "argument --n-neurons: must be at least 12"),
        (["--theta", "0.001"], "argument --theta: must be at least"),
        (["--theta", "0"], "--theta: '0' was given"),
        (["--seconds", "soon"], "--seconds: 'soon' was given"),
        ([*SMALL[2:-1], "0.0001"], "argument --seconds: must be at least dt=0.001"),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    try:
        status = main(["loihi", "resources", *argv])
    except SystemExit as stopped:
        status = stopped.code
    err = capsys.readouterr().err
    assert status == 2 and err.count("\n") == 1 and named in err


def test_a_file_without_a_network_is_refused(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("net = 3")
    assert main(["loihi", "resources", "--network", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "called net" in err and "net is 3" in err


def test_equal_seeds_give_equal_spikes():
    runs = [
        measure_activity(cell(units=0), 0.1, seed=seed, show_progress=False)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    "function, arguments, says",
    [
        (resources, {"network": None}, "network: must be a Network, but None"),
        (resources, {"dt": 0}, "dt: must be a number of seconds .* but 0"),
        (resources, {"dt": "1"}, "dt: must be a number of seconds .* but '1'"),
        (resources, {"precompute": 2}, "precompute: must be True or False, but 2"),
        (
            resources,
            {"remove_passthrough": None},
            "remove_passthrough: must be True or False, but None",
        ),
        (add_params, {"network": LMU}, "network: must be a Network, but <class"),
        (fast_emulator, {"on": 1}, "on: must be True or False, but 1"),
    ],
)
def test_bad_arguments_are_refused(function, arguments, says):
    if function is resources:
        arguments = {"network": cell(), **arguments}
    with pytest.raises(ValidationError, match=says):
        function(**arguments)
