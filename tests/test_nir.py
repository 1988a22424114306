"""Networks as NIR graphs and back, with NIR's own equations in steps.

This is not in a folder ``nir``, which Python would take for the package of that name.
"""

import importlib
import re
import sys
import textwrap
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU, LegendreMemory
from nengo_lmu.legendre import readout, simulate, state_space

nir = pytest.importorskip("nir", reason="the package nir is not installed")

from nir_steps import Steps  # noqa: E402

from nengo_lmu.nir import LOSSES, from_nir, to_nir  # noqa: E402

DT = 0.001
# Neurons that NIR says all of, over the range that they are made for.
AT_REST = nengo.SpikingRectifiedLinear(
    initial_state={"voltage": nengo.dists.Choice([0])}
)
LOSSLESS = {"neuron_type": AT_REST, "intercepts": nengo.dists.Choice([-1])}
POISSON = {"lossy": ["noise", "negative currents"]}


def signal(n_steps=2000, size=1, high=1.0):
    process = nengo.processes.WhiteSignal(10, high=high, rms=0.3, seed=1, y0=0)
    return process.run_steps(n_steps, d=size)


def make(cls, **options):
    with nengo.Network(seed=0) as net:
        net.cell = cls(theta=0.5, d=4, **options)
    return net.cell


def run(cell, u, *nodes):
    """Return the values of nodes, or of a cell's output, in Nengo.

    Without its optimizer, whose rounding varies, and with that a spike now and then.
    """
    with nengo.Network(seed=0) as net:
        net.add(cell)
        stimulus = nengo.Node(nengo.processes.PresentInput(u, DT))
        nengo.Connection(stimulus, cell.input, synapse=None)
        probes = [nengo.Probe(node) for node in nodes or [cell.output]]
    with nengo.Simulator(net, optimize=False, progress_bar=False) as sim:
        sim.run_steps(len(u))
    data = [sim.data[probe] for probe in probes]
    return data if nodes else data[0]


def window_error(states, u):
    """Return the rms error of the decoded window, relative to the input's rms."""
    points = readout(4, np.linspace(0, 1, 50))
    error = (states - simulate(u[: len(states), 0], 0.5, 4)) @ points.T
    return np.sqrt(np.mean(error**2) / np.mean(u**2))


# --- memories without neurons


@pytest.mark.parametrize(
    "cls, options",
    [
        (LegendreMemory, {}),
        (LegendreMemory, {"size_in": 2}),
        (LegendreMemory, {"discretization": "euler"}),
        (LegendreMemory, {"trainable_theta": True}),
        (LMU, {"size_in": 2, "input_encoders": [[0.3, -1.0]]}),
    ],
)
@pytest.mark.parametrize("reader, euler", [("exact", False), ("euler", True)])
def test_ideal_memories_are_exact(cls, options, reader, euler):
    cell = make(cls, n_neurons=0, **options)
    if options.get("trainable_theta"):
        cell.theta = 0.7
    u = signal(size=cell.input.size_in)
    expected = run(cell, u)
    states = Steps(to_nir(cell, reader=reader), DT, euler).run(u)["output"]
    assert np.allclose(states, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def test_the_synapse_of_an_ideal_memory_makes_no_difference():
    cell, u = make(LegendreMemory, n_neurons=0), signal(500)
    first, second = (
        Steps(to_nir(cell, synapse=tau), DT).run(u)["output"] for tau in (0.02, 3.0)
    )
    assert np.allclose(first, second, atol=1e-10)


def test_the_continuous_graph_is_the_system():
    """From ``tau dv/dt = -v + W v + V u`` to ``dv/dt = A v + B u``."""
    graph = to_nir(make(LegendreMemory, n_neurons=0), reader="continuous")
    tau = graph.nodes["state"].tau[0]
    A, B = state_space(0.5, 4)
    assert np.allclose((graph.nodes["recurrent"].weight - np.eye(4)) / tau, A)
    assert np.allclose(graph.nodes["entry"].weight / tau, B)


def test_a_reader_of_another_convention_has_another_memory():
    """By as much of the window as docs/nir.rst says."""
    cell, u = make(LegendreMemory, n_neurons=0), signal()
    errors = [
        window_error(Steps(to_nir(cell, reader=reader), DT, euler).run(u)["output"], u)
        for reader, euler in [("exact", True), ("euler", False), ("continuous", False)]
    ]
    assert errors == pytest.approx([0.0019, 0.0019, 0.0025], rel=0.1)


# --- memories with neurons


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"error_feedback": 0},
        {"error_feedback": 0.5, "size_in": 2},
        {"trainable_theta": True},
        {"realization": "legendre"},
        LOSSLESS,
        {"intercepts": nengo.dists.Uniform(-0.9, 0.2), "error_feedback": 0},
    ],
)
def test_spikes_are_nengos(options):
    """All of them, with neurons that ignore what Nengo's do.

    In Nengo, their voltages have had the bias of one step more, since the input takes
    one.
    """
    cell = make(LegendreMemory, n_neurons=160, **{"neuron_type": AT_REST} | options)
    u = signal(500, cell.size_in)
    spikes, expected = run(cell, u, cell.ensembles[0].neurons, cell.output)
    graph = to_nir(cell, lossy="negative currents")
    steps = Steps(graph, DT, rectify=True)
    steps.states["neurons"][0] = np.maximum(graph.nodes["encode"].bias, 0)
    ours = steps.run(u)
    assert np.array_equal(ours["neurons"][:-1], spikes[1:] * DT)
    assert ours["neurons"].sum() > 500
    assert np.allclose(ours["output"][:-1], expected[1:], atol=1e-9)


@pytest.mark.parametrize(
    "options, nengos, by_reader",
    [
        (LOSSLESS, 0.0037, [0.0038, 0.0148, 0.0036, 0.0149]),
        ({"neuron_type": AT_REST}, 0.0024, [0.0623, 0.0686, 0.0042, 0.0152]),
    ],
)
def test_what_readers_make_of_neurons(options, nengos, by_reader):
    """The errors of the window in docs/nir.rst, of readers with and without a bound.

    With voltages bounded at -1 (Sinabs) and with a reset to 0 instead of by the
    threshold (Norse's default). The numbers are those of one seed, to a tenth.
    """
    cell = make(LegendreMemory, n_neurons=300, **options)
    u = signal(4000)
    graph = to_nir(cell, lossy=["negative currents"])
    errors = [
        window_error(
            Steps(graph, DT, floor=floor, subtract=subtract).run(u)["output"], u
        )
        for floor in (-np.inf, -1.0)
        for subtract in (True, False)
    ]
    assert window_error(run(cell, u)[1:], u) == pytest.approx(nengos, rel=0.1)
    assert errors == pytest.approx(by_reader, rel=0.1)


def test_the_recurrent_form_is_the_same_memory():
    """To what spikes tell in 20 ms, without error feedback, for inputs in range."""
    cell = make(LegendreMemory, n_neurons=300, error_feedback=0, **LOSSLESS)
    u = 0.5 * signal(3000)
    graph = to_nir(cell, form="recurrent", reader="euler")
    assert graph.nodes["recurrent"].weight.shape == (300, 300)
    synapse = nengo.Lowpass(0.02)
    (nengos,) = run(cell, u, cell.decoded)
    ours = Steps(graph, DT, euler=True).run(u)["output"]
    ideal = synapse.filt(simulate(u[:, 0], 0.5, 4), dt=DT, y0=0)
    points = readout(4, np.linspace(0, 1, 50)).T

    def error(decoded, late):
        filtered = synapse.filt(decoded, dt=DT, y0=0)[late:]
        difference = (filtered - ideal[: len(filtered)]) @ points
        return np.sqrt(np.mean(difference[500:] ** 2) / np.mean(u**2))

    assert error(nengos, late=1) < 0.1
    assert error(ours, late=0) == pytest.approx(error(nengos, late=1), rel=0.1)


# --- what is around a memory


@pytest.mark.parametrize("synapse", [None, 0.05])
@pytest.mark.parametrize("reader, euler", [("exact", False), ("euler", True)])
def test_readouts_are_written(synapse, reader, euler):
    with nengo.Network(seed=0) as net:
        cell = LegendreMemory(theta=0.5, d=4, n_neurons=0)
        window = cell.add_window([0.0, 1.0])
        node = nengo.Node(size_in=1)
        nengo.Connection(window, node, transform=[[2.0, -1.0]], synapse=synapse)
        nengo.Connection(nengo.Node([0.25]), node, synapse=None)
    graph = to_nir(net, node)
    u = signal()
    with net:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, DT))
        nengo.Connection(stimulus, cell.input, synapse=None)
        probe = nengo.Probe(node)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(len(u))
    graph = to_nir(net, node, reader=reader)
    ours = Steps(graph, DT, euler).run(u)["output"]
    late = 0 if synapse is None else 1  # Nengo's synapses take a step
    assert np.allclose(ours[: len(u) - late], sim.data[probe][late:], atol=1e-9)


def test_hidden_units_are_written(rng):
    """With the regular spikes of their currents, which stay above 0 here."""
    cell = make(
        LMU,
        n_neurons=160,
        units=3,
        hidden_neuron_type=AT_REST,
        memory_kernel=rng.uniform(-0.2, 0.2, (3, 4)),
        hidden_bias=0.5,
        **LOSSLESS,
    )
    u = signal(500)
    activity, spikes = run(cell, u, cell.output, cell.hidden.neurons)
    graph = to_nir(cell, lossy="negative currents")
    steps = Steps(graph, DT, rectify=True)
    for name, drive in (("neurons", "encode"), ("hidden", "memory_kernel")):
        steps.states[name][0] = graph.nodes[drive].bias
    ours = steps.run(u)
    assert np.array_equal(ours["hidden"][:-1], spikes[1:] * DT)
    assert spikes.sum() * DT > 50
    assert np.allclose(ours["output"][:-1], activity[1:])


# --- there and back

NETWORKS = {
    "ideal": (LegendreMemory, {"n_neurons": 0}),
    "euler": (LegendreMemory, {"n_neurons": 0, "discretization": "euler"}),
    "poisson": (LegendreMemory, {"n_neurons": 90}),
    "two signals": (LegendreMemory, {"n_neurons": 97, "size_in": 2}),
    "stochastic": (
        LegendreMemory,
        {
            "n_neurons": 80,
            "neuron_type": nengo.StochasticSpiking(nengo.RectifiedLinear()),
            "realization": "principal",
        },
    ),
    "regular": (
        LegendreMemory,
        {"n_neurons": 80, "neuron_type": nengo.SpikingRectifiedLinear()},
    ),
    "lossless": (LegendreMemory, {"n_neurons": 80, **LOSSLESS}),
    "own basis": (
        LegendreMemory,
        {"n_neurons": 80, "realization": np.eye(4) + 0.1 * np.tri(4)},
    ),
    "sampled input": (
        LegendreMemory,
        {"n_neurons": 80, "input_range": nengo.processes.WhiteSignal(5, 3, seed=1)},
    ),
    "shifted input": (LegendreMemory, {"n_neurons": 80, "input_range": (0.0, 1.0)}),
    "own curves": (
        LegendreMemory,
        {
            "n_neurons": 80,
            "max_rates": np.linspace(50, 90, 80),
            "intercepts": nengo.dists.Uniform(-0.9, 0.2),
            "encoders": nengo.dists.Choice([[-1], [1]]),
        },
    ),
    "theta": (LegendreMemory, {"n_neurons": 80, "trainable_theta": True}),
    "encoders": (LMU, {"n_neurons": 80, "size_in": 3, "input_encoders": [[1, 2, -1]]}),
    "cell": (LMU, {"n_neurons": 80, "units": 5}),
    "cell with bias": (LMU, {"n_neurons": 80, "units": 5, "hidden_bias": 0.3}),
    "cell of an ideal memory": (
        LMU,
        {
            "n_neurons": 0,
            "units": 5,
            "hidden_neuron_type": AT_REST,
            "coupling": "feed-forward",
        },
    ),
}


def same_numbers(one, other):
    """Whether two graphs are equal to 1e-6 of the largest number of each array."""
    assert one.nodes.keys() == other.nodes.keys()
    assert set(one.edges) == set(other.edges)
    for name, node in one.nodes.items():
        first, second = node.to_dict(), other.nodes[name].to_dict()
        assert first.keys() == second.keys()
        for key in first.keys() - {"type", "metadata"}:
            scale = max(np.abs(first[key]).max(), 1e-30)
            assert np.abs(first[key] - second[key]).max() < 1e-6 * scale
    return True


@pytest.mark.parametrize("name", NETWORKS)
def test_round_trips_through_a_file(name, tmp_path):
    cls, options = NETWORKS[name]
    cell = make(cls, **options)
    if options.get("trainable_theta"):
        cell.theta = 0.6
    graph = to_nir(cell, lossy=True)
    nir.write(tmp_path / "graph.nir", graph)
    network = from_nir(tmp_path / "graph.nir", seed=3)
    again = to_nir(network, lossy=True)
    assert same_numbers(graph, again)
    assert repr(network.cell) == repr(cell)
    assert type(network.cell) is (cls if cls is LMU else LegendreMemory)
    memory = getattr(network.cell, "memory", network.cell)
    was = getattr(cell, "memory", cell)
    assert memory.theta == pytest.approx(was.theta, rel=1e-12)
    if was.predicted_error is not None:
        assert memory.predicted_error.window == pytest.approx(
            was.predicted_error.window, rel=1e-6
        )


def test_round_trips_of_the_recurrent_form(tmp_path):
    cell = make(LegendreMemory, n_neurons=80, error_feedback=0)
    graph = to_nir(cell, form="recurrent", **POISSON)
    nir.write(tmp_path / "graph.nir", graph)
    network = from_nir(tmp_path / "graph.nir")
    assert same_numbers(graph, to_nir(network, form="recurrent", lossy=True))


def test_what_comes_back_runs_alike(tmp_path):
    cell = make(LegendreMemory, n_neurons=160, **LOSSLESS)
    graph = to_nir(cell)
    nir.write(tmp_path / "graph.nir", graph)
    u = signal(500)
    expected = run(cell, u)
    states = run(from_nir(tmp_path / "graph.nir").cell, u)
    assert np.allclose(states, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("synapse", [None, 0.05])
def test_readouts_come_back(synapse, tmp_path, rng):
    with nengo.Network(seed=0) as net:
        cell = LMU(theta=0.5, d=4, n_neurons=80, units=3)
        node = nengo.Node(size_in=2)
        transform = rng.uniform(-1, 1, (2, 3))
        nengo.Connection(cell.output, node, transform=transform, synapse=synapse)
        nengo.Connection(nengo.Node([0.25, -1]), node, synapse=None)
    graph = to_nir(net, node, reader="sinabs", **POISSON)
    nir.write(tmp_path / "graph.nir", graph)
    network = from_nir(tmp_path / "graph.nir")
    assert network.input is network.cell.input and network.output.size_out == 2
    again = to_nir(network, network.output, reader="sinabs", lossy=True)
    assert same_numbers(graph, again)


def test_trained_matrices_of_a_graph_are_read():
    graph = to_nir(make(LMU, n_neurons=80, units=5), **POISSON)
    graph.nodes["memory_kernel"].weight *= 2
    kernels = [
        from_nir(one).cell.memory_kernel.transform.init
        for one in (to_nir(make(LMU, n_neurons=80, units=5), **POISSON), graph)
    ]
    assert np.allclose(kernels[1], 2 * kernels[0])


def test_the_metadata_say_what_a_graph_is(tmp_path):
    cell = make(LegendreMemory, n_neurons=80)
    nir.write(tmp_path / "graph.nir", to_nir(cell, **POISSON))
    metadata = nir.read(tmp_path / "graph.nir").metadata
    assert (metadata["theta"], metadata["d"], metadata["dt"]) == (0.5, 4, 0.001)
    assert (metadata["basis"], metadata["neurons"]) == ("balanced", "poisson")
    assert np.array_equal(metadata["scaling"], cell.realization.T)
    assert metadata["lost"] == "noise, negative currents"
    assert metadata["tau"] == cell.synapse.tau and metadata["reader"] == "exact"


def test_the_example_of_the_docs_runs(tmp_path, monkeypatch):
    text = (Path(__file__).parents[1] / "docs/nir.rst").read_text(encoding="utf-8")
    block = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", text).group(1)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(textwrap.dedent(block), names)  # noqa: S102
    assert (tmp_path / "memory.nir").exists()
    assert names["network"].output.size_out == 1
    assert names["network"].cell.summary == names["memory"].summary


# --- what is refused


def test_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    monkeypatch.delitem(sys.modules, "nengo_lmu.nir")
    with pytest.raises(ImportError, match=r"needs nir: pip install 'nengo-lmu\[nir\]'"):
        importlib.import_module("nengo_lmu.nir")


@pytest.mark.parametrize(
    "options, form, lost",
    [
        ({}, "low-rank", {"noise", "negative currents"}),
        ({}, "recurrent", {"noise", "negative currents", "error feedback"}),
        (
            {"neuron_type": nengo.SpikingRectifiedLinear()},
            "low-rank",
            {"voltages", "negative currents"},
        ),
        ({"neuron_type": AT_REST}, "low-rank", {"negative currents"}),
        (LOSSLESS, "low-rank", set()),
        (LOSSLESS, "recurrent", {"error feedback"}),
    ],
)
def test_losses_are_refused_in_words(options, form, lost):
    cell = make(LegendreMemory, n_neurons=80, **options)
    for name in lost:
        with pytest.raises(ValidationError) as caught:
            to_nir(cell, form=form, lossy=sorted(lost - {name}))
        assert LOSSES[name] in str(caught.value)
        assert f"Give lossy=['{name}']" in str(caught.value)
        assert not any(LOSSES[other] in str(caught.value) for other in lost - {name})
    graph = to_nir(cell, form=form, lossy=sorted(lost))
    assert set(filter(None, graph.metadata["lost"].split(", "))) == lost


@pytest.mark.parametrize(
    "cls, options, problem",
    [
        (LegendreMemory, {"largest_speed": 2.0}, "no products; make it without speed"),
        (LegendreMemory, {"reset": True}, "no products; make it without reset"),
        (LegendreMemory, {"feedback_delay": 0.002}, "feedback_delay of 0.002 s"),
        (LegendreMemory, {"neuron_type": nengo.LIF()}, "NIR has none of: LIF"),
        (
            LegendreMemory,
            {"neuron_type": nengo.PoissonSpiking(nengo.LIFRate())},
            "none of: PoissonSpiking",
        ),
        (
            LegendreMemory,
            {"neuron_type": nengo.SpikingRectifiedLinear(amplitude=2)},
            "none of: SpikingRectifiedLinear",
        ),
        (
            LegendreMemory,
            {
                "neuron_type": nengo.SpikingRectifiedLinear(
                    initial_state={"voltage": nengo.dists.Choice([0.5])}
                )
            },
            "begins at voltages of its own",
        ),
        (LMU, {"units": 3, "coupling": "full"}, "hidden_encoders, memory_encoders"),
        (
            LMU,
            {
                "units": 3,
                "hidden_neuron_type": nengo.Tanh(),
                "coupling": "feed-forward",
            },
            "its hidden layer",
        ),
    ],
)
def test_what_nir_cannot_say_is_refused(cls, options, problem):
    cell = make(cls, n_neurons=80, **options)
    with pytest.raises(ValidationError, match=problem):
        to_nir(cell, lossy=True)


def test_bad_arguments_are_refused():
    ideal = make(LegendreMemory, n_neurons=0)
    spiking = make(LegendreMemory, n_neurons=80, **LOSSLESS)
    hidden = make(LMU, n_neurons=80, units=2)
    for network, options, problem in [
        (ideal, {"form": "dense"}, "form.*must be one of 'low-rank', 'recurrent'"),
        (ideal, {"reader": "norse"}, "reader.*must be one of 'exact'"),
        (ideal, {"lossy": ["sound"]}, "lossy.*must be one of 'noise'"),
        (ideal, {"form": "recurrent"}, "no neurons"),
        (ideal, {"synapse": -1}, "synapse.*greater than 0"),
        (spiking, {"synapse": 0.1}, "leave it out"),
        (spiking, {"reader": "continuous"}, "for one time step"),
        (hidden, {"form": "recurrent", "lossy": True}, "filtered state"),
        (3, {}, "must be an LMU.*but 3 was given"),
        (nengo.Network(), {}, "has 0"),
    ]:
        with pytest.raises(ValidationError, match=problem):
            to_nir(network, **options)
    with nengo.Network() as both:
        LMU(0.1, 2, n_neurons=0), LMU(0.1, 2, n_neurons=0)
    with pytest.raises(ValidationError, match="has 2; write each"):
        to_nir(both)


def test_changed_memories_are_refused():
    cell = make(LegendreMemory, n_neurons=80, **LOSSLESS)
    cell.ensembles[0].gain = 2 * cell.ensembles[0].gain
    with pytest.raises(ValidationError, match="trained or changed itself"):
        to_nir(cell)
    cell = make(LegendreMemory, n_neurons=0)
    cell.config[nengo.Connection].trainable = True
    with pytest.raises(ValidationError, match="trained or changed itself"):
        to_nir(cell)
    cell = make(LegendreMemory, n_neurons=0)
    cell.add_feedback()
    with pytest.raises(ValidationError, match="add_feedback"):
        to_nir(cell)


@pytest.mark.parametrize(
    "connect, problem",
    [
        (lambda cell, node: None, "more or less than one signal leads to"),
        (
            lambda cell, node: (
                nengo.Connection(cell.output, node, synapse=0.1)
                and nengo.Connection(cell.output, node, synapse=None)
            ),
            "more or less than one signal leads to",
        ),
        (
            lambda cell, node: nengo.Connection(
                cell.output, node, synapse=nengo.Alpha(0.1)
            ),
            "has Alpha",
        ),
        (
            lambda cell, node: nengo.Connection(
                cell.output[:4], node, transform=np.eye(4), synapse=None
            ),
            "is no dense matrix between nodes",
        ),
        (
            lambda cell, node: nengo.Connection(
                nengo.Node(lambda t: [t] * 4), node, synapse=None
            ),
            "it depends on",
        ),
    ],
)
def test_other_readouts_are_refused(connect, problem):
    with nengo.Network(seed=0) as net:
        cell = LegendreMemory(theta=0.5, d=4, n_neurons=0)
        node = nengo.Node(size_in=4)
        connect(cell, node)
    with pytest.raises(ValidationError, match=problem):
        to_nir(net, node)


def test_what_is_no_readout_is_refused():
    with nengo.Network(seed=0) as net:
        LegendreMemory(theta=0.5, d=4, n_neurons=0)
        node = nengo.Node([1.0])
    for one in (node, 3):
        with pytest.raises(ValidationError, match="is no passthrough node"):
            to_nir(net, one)


def test_other_graphs_are_refused(tmp_path):
    linear = nir.NIRGraph.from_list(nir.Linear(np.ones((2, 2))))
    with pytest.raises(ValidationError, match="no metadata"):
        from_nir(linear)
    with pytest.raises(ValidationError, match="must be a nir.NIRGraph or a file"):
        from_nir(3)
    with pytest.raises(ValidationError, match="nothing.nir is not to be read"):
        from_nir(tmp_path / "nothing.nir")


def test_edited_graphs_are_refused():
    def graph():
        return to_nir(make(LegendreMemory, n_neurons=80, **LOSSLESS))

    changed = graph()
    changed.nodes["recurrent"].weight[0, 0] += 1e-3
    with pytest.raises(ValidationError, match="another weight in node 'recurrent'"):
        from_nir(changed)
    changed = graph()
    changed.nodes["neurons"].v_threshold *= np.nan
    with pytest.raises(ValidationError, match="another v_threshold"):
        from_nir(changed)
    changed = graph()
    changed.metadata["theta"] = changed.metadata["initial_theta"] = 0.4
    with pytest.raises(ValidationError, match="in node"):
        from_nir(changed)
    changed = graph()
    del changed.metadata["dt"]
    with pytest.raises(ValidationError, match="lack 'dt'"):
        from_nir(changed)
    changed = graph()
    changed.edges.remove(("within", "v"))
    with pytest.raises(ValidationError, match="other nodes or edges"):
        from_nir(changed)
