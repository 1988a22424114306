"""Networks evaluated by whole sequences are those that NengoDL evaluates by steps."""

import re

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError

nengo_dl = pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.dl import fast, sequences  # noqa: E402
from nengo_lmu.dl.graph import Unsupported  # noqa: E402
from nengo_lmu.legendre import (  # noqa: E402
    discretize,
    last_step,
    simulate,
    state_space,
)

N_STEPS, SIZE = 18, 3


@pytest.fixture
def built(monkeypatch):
    """What became of each simulation: True where it is one of whole sequences."""
    outcomes = []
    build = sequences.build

    def spy(*args):
        try:
            result = build(*args)
        except Unsupported:
            outcomes.append(False)
            raise
        outcomes.append(True)
        return result

    monkeypatch.setattr(sequences, "build", spy)
    return outcomes


def inputs(size=1):
    return nengo.Node(np.zeros(size), label="x")


def readout(source, synapse=None, **kwargs):
    target = nengo.Node(size_in=1)
    transform = np.linspace(-1, 1, source.size_out)[np.newaxis]
    nengo.Connection(source, target, transform=transform, synapse=synapse)
    return nengo.Probe(target, **kwargs)


def lmu(x, units=5, **kwargs):
    """A cell in which nothing is 0."""
    rng = np.random.RandomState(1)
    theta, d, n = 0.01, 4, kwargs.pop("n", 1)
    defaults = {
        "input_encoders": rng.uniform(0.5, 1, (n, x.size_out)),
        "hidden_encoders": rng.uniform(-0.3, 0.3, (n, units)),
        "memory_encoders": rng.uniform(-0.3, 0.3, (n, n * d)),
        "hidden_bias": rng.uniform(-0.3, 0.3, units),
    }
    cell = LMU(
        theta,
        d,
        size_in=x.size_out,
        units=units,
        n_neurons=0,
        seed=0,
        **defaults | kwargs,
    )
    nengo.Connection(x, cell.input, synapse=None)
    return cell


def full():
    return [readout(lmu(inputs()).output)]


def rectified():
    # with larger weights it would not be stable
    kernel = np.random.RandomState(2).uniform(-0.5, 0.5, (5, 5))
    units = {"hidden_neuron_type": nengo.RectifiedLinear(), "hidden_kernel": kernel}
    return [readout(lmu(inputs(), **units).output)]


def sigmoid():
    return [readout(lmu(inputs(), hidden_neuron_type=nengo.Sigmoid()).output)]


def two_signals():
    return [readout(lmu(inputs(2), n=2).output)]


def without_hidden_kernel():
    return [readout(lmu(inputs(), hidden_kernel=None, hidden_bias=None).output)]


def recurrent():
    cell = lmu(inputs(), hidden_encoders=None, memory_encoders=None)
    return [readout(cell.output)]


def feed_forward():
    kernels = dict.fromkeys(["hidden_kernel", "hidden_encoders", "memory_encoders"])
    return [readout(lmu(inputs(), **kernels).output)]


def everything_probed():
    """The state and the units of a cell, with and without synapses."""
    cell = lmu(inputs())
    return [
        readout(cell.memory.output),
        readout(cell.output, synapse=0.005),
        readout(cell.output, synapse=0),
        nengo.Probe(cell.hidden.neurons, "input"),
        nengo.Probe(cell.memory.output, synapse=0.01),
    ]


def stacked():
    """Each layer depends on the last one's hidden units and on the input."""
    x = inputs()
    first = lmu(x)
    second = lmu(first.output, n=2)
    nengo.Connection(x, second.hidden.neurons, transform=np.ones((5, 1)), synapse=None)
    return [readout(second.output)]


def memory_and_slices():
    x = inputs(2)
    memory = LegendreMemory(0.01, 4, n_neurons=0)
    nengo.Connection(x[1], memory.input, synapse=None)
    ensemble = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear(), seed=0)
    nengo.Connection(memory.output[::2], ensemble.neurons, transform=np.ones((10, 2)))
    return [readout(ensemble.neurons), readout(memory.output[1:])]


def keras_layer():
    y = nengo_dl.Layer(tf.keras.layers.Dense(1, kernel_initializer="ones"))
    return [readout(y(lmu(inputs()).output))]


def no_memory():
    x = inputs()
    ensemble = nengo.Ensemble(10, 1, neuron_type=nengo.Tanh(), seed=0)
    nengo.Connection(x, ensemble, synapse=0.005)
    return [readout(ensemble.neurons)]


def learned_theta():
    return [readout(lmu(inputs(), trainable_theta=True).output)]


def trained_memory():
    cell = lmu(inputs())
    cell.memory.config[nengo.Connection].trainable = True
    return [readout(cell.output)]


def spiking():
    neurons = nengo.SpikingRectifiedLinear()
    memory = LegendreMemory(0.01, 4, n_neurons=40, neuron_type=neurons, seed=0)
    nengo.Connection(inputs(), memory.input, synapse=None)
    return [readout(memory.output)]


def feedback_by_hand():
    cell = lmu(inputs(), hidden_encoders=None)
    nengo.Connection(cell.output[0], cell.input, synapse=0)
    return [readout(cell.output)]


def some_function():
    y = nengo_dl.TensorNode(tf.abs, shape_in=(5,), pass_time=False)
    nengo.Connection(lmu(inputs()).output, y, synapse=None)
    return [readout(y)]


def two_layers_around_a_memory():
    cell = lmu(inputs(), hidden_encoders=None, memory_encoders=None)
    h = nengo.Ensemble(
        5, 1, neuron_type=nengo.Tanh(tau_ref=1), gain=np.ones(5), bias=np.zeros(5)
    )
    nengo.Connection(h.neurons, h.neurons, transform=0.1, synapse=0)
    some = np.ones((5, 4))
    nengo.Connection(cell.memory.output, h.neurons, transform=some, synapse=None)
    return [readout(cell.output), readout(h.neurons)]


def plain(function, feedback=False):
    """NengoDL's example: a memory of nodes, and hidden units in a TensorNode."""

    def make():
        rng = np.random.RandomState(3)
        A, B = discretize(*state_space(0.01, 4), 0.001)
        x, m = inputs(), nengo.Node(size_in=4)
        h = nengo_dl.TensorNode(function, shape_in=(5,), pass_time=False)
        fixed = [
            nengo.Connection(m, m, transform=A, synapse=0),
            nengo.Connection(x, m, transform=B, synapse=None),
        ]
        nengo_dl.configure_settings(trainable=None)
        for connection in fixed:
            nengo.Network.context[-1].config[connection].trainable = False
        scale = rng.uniform(-0.5, 0.5, (5, 10))
        nengo.Connection(x, h, transform=scale[:, :1], synapse=None)
        nengo.Connection(m, h, transform=scale[:, 1:5], synapse=None)
        nengo.Connection(h, h, transform=scale[:, 5:], synapse=0)
        if feedback:
            nengo.Connection(h, m, transform=B * scale[:1, 5:], synapse=0)
        return [readout(h), nengo.Probe(m)]

    make.__name__ = f"plain_{getattr(function, '__name__', 'layer')}"
    return make


def several_functions():
    """TensorNodes that do the same to each value, beside one another."""
    cell = lmu(inputs())
    probes = []
    for function in (tf.nn.elu, tf.nn.relu, tf.keras.activations.sigmoid, tf.nn.selu):
        y = nengo_dl.TensorNode(function, shape_in=(5, 1), pass_time=False)
        nengo.Connection(cell.output, y, synapse=None)
        probes.append(readout(y))
    return probes


def two_states_of_one_cycle():
    x, a, b = inputs(), nengo.Node(size_in=1), nengo.Node(size_in=1)
    fixed = [
        nengo.Connection(x, a, synapse=None),
        nengo.Connection(a, b, transform=0.9, synapse=0),
        nengo.Connection(b, a, transform=0.9, synapse=0),
    ]
    nengo_dl.configure_settings(trainable=None)
    for connection in fixed:
        nengo.Network.context[-1].config[connection].trainable = False
    return [readout(a), readout(b)]


def trained_state():
    x, m = inputs(), nengo.Node(size_in=2)
    nengo.Connection(x, m, transform=[[1], [0]], synapse=None)
    nengo.Connection(m, m, transform=[[0.9, 0.1], [-0.1, 0.9]], synapse=0)
    return [readout(m)]


KNOWN = [
    plain(tf.tanh),
    plain(tf.nn.elu),
    plain(tf.nn.selu, feedback=True),
    plain(tf.keras.layers.Activation("sigmoid")),
    several_functions,
    full,
    rectified,
    sigmoid,
    two_signals,
    without_hidden_kernel,
    recurrent,
    feed_forward,
    everything_probed,
    stacked,
    memory_and_slices,
    keras_layer,
    no_memory,
]
UNKNOWN = [
    learned_theta,
    trained_memory,
    spiking,
    feedback_by_hand,
    some_function,
    two_layers_around_a_memory,
    two_states_of_one_cycle,
    trained_state,
]


def results(make, planner, last, stateful=True, train=True):
    """Outputs before, and outputs and parameters after some training."""
    with nengo.Network(seed=0) as network:
        probes = make()
        nengo_dl.configure_settings(
            planner=planner, stateful=stateful, keep_history=not last
        )
    (x,) = [node for node in network.nodes if node.label == "x"]
    signal = np.random.RandomState(0).uniform(-1, 1, (2 * SIZE, N_STEPS, x.size_out))
    with nengo_dl.Simulator(
        network, minibatch_size=SIZE, progress_bar=False, seed=0
    ) as sim:
        if stateful:  # the second run goes on where the first one ended
            sim.predict({x: signal}, stateful=True, verbose=0)
            rows = sim.predict({x: signal[:, 3:]}, stateful=True, verbose=0)
        else:
            rows = sim.predict({x: signal}, verbose=0)
        found = [rows[probe] for probe in probes]
        if train:
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            targets = {
                probe: np.full(
                    (len(signal), 1 if last else N_STEPS, probe.size_in), 0.5
                )
                for probe in probes
            }
            sim.fit({x: signal}, targets, epochs=2, verbose=0)
            found += [np.asarray(w) for w in sim.keras_model.get_weights()]
        if stateful:
            found.append(sim.n_steps)
    return found


LAST = [full, recurrent, feed_forward, everything_probed, KNOWN[0]]


@pytest.mark.parametrize(
    ("make", "last"),
    [(make, False) for make in KNOWN] + [(make, True) for make in LAST],
)
def test_results_are_those_of_step_by_step(make, last, built):
    """Outputs, state, and what training makes of the parameters.

    In single precision: sums of tens of values of about 1 in another order differ by
    some units of 6e-8, which Adam's steps of 0.01 enlarge where gradients are small.
    """
    wanted = results(make, fast.stepwise, last)
    assert not built
    found = results(make, fast.planner, last)
    assert built and all(built)
    assert len(wanted) == len(found)
    assert np.ptp(wanted[0]) > 1e-3
    for one, other in zip(wanted, found):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-5)


def test_runs_begin_anew_where_they_are_not_stateful(built):
    """Each run starts anew."""
    wanted = results(full, fast.stepwise, True, stateful=False)
    found = results(full, fast.planner, True, stateful=False)
    assert built and all(built)
    for one, other in zip(wanted, found):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("make", UNKNOWN)
def test_others_are_left_to_nengo_dl(make, built):
    """With the same results."""
    wanted = results(make, fast.stepwise, False, train=False)
    found = results(make, fast.planner, False, train=False)
    assert built and not any(built)
    for one, other in zip(wanted, found):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)


def test_values_are_those_of_nengo(built):
    """The reference simulator, in double precision."""
    with nengo.Network(seed=0) as network:
        x = inputs()
        x.output = lambda t: np.sin(100 * t)
        probe = readout(lmu(x).output)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
        wanted = sim.data[probe]
    with nengo_dl.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(N_STEPS - 7)
        sim.run_steps(7)
        np.testing.assert_allclose(sim.data[probe], wanted, atol=1e-5)
        assert sim.time == pytest.approx(N_STEPS * 0.001)
    assert all(built)


def test_matrices_that_are_loaded_later_count(built):
    """Matrices of the memory that are loaded later are those that count."""
    outputs = []
    for planner in (fast.stepwise, fast.planner):
        with nengo.Network(seed=0) as network:
            probe = feed_forward()[0]
            nengo_dl.configure_settings(planner=planner)
        with nengo_dl.Simulator(network, progress_bar=False, seed=0) as sim:
            signal = {network.nodes[0]: np.ones((1, N_STEPS, 1))}
            before = sim.predict(signal, verbose=0)[probe]
            weights = sim.keras_model.get_weights()
            sim.keras_model.set_weights([0.9 * w for w in weights])
            outputs.append(sim.predict(signal, verbose=0)[probe])
            assert not np.allclose(outputs[-1], before, rtol=0.01)
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-6)
    assert all(built)


def test_a_memory_is_not_rounded_in_each_step(built):
    """Only its inputs and its state are rounded, not the matrices between.

    By 784 steps, those would add some 1.7e-6 to a state of up to 1.4.
    """
    n_steps, d = 784, 340
    signal = np.random.RandomState(0).uniform(-1, 1, (4, n_steps))
    exact = signal @ last_step(n_steps, n_steps * 0.001, d)

    def error(dtype):
        with nengo.Network(seed=0) as network:
            nengo_dl.configure_settings(keep_history=False)
            x = inputs()
            memory = LegendreMemory(n_steps * 0.001, d, n_neurons=0)
            nengo.Connection(x, memory.input, synapse=None)
            probe = nengo.Probe(memory.output)
        for connection in memory.connections:
            if isinstance(connection.transform, nengo.Dense):
                connection.transform = connection.transform.init.astype(dtype)
        with nengo_dl.Simulator(
            network, minibatch_size=4, progress_bar=False, seed=0
        ) as sim:
            found = sim.predict({x: signal[..., np.newaxis]}, verbose=0)[probe]
        return np.abs(found[:, -1] - exact).max()

    assert error(np.float64) < min(1e-6, error(np.float32) / 2)
    assert all(built)


def test_nothing_is_evaluated_for_its_shape(built, monkeypatch):
    """Nor is it by the simulator's making; and shapes are those that it turns out."""
    values, evaluations = sequences.Values, []

    def spy(*args):
        evaluations.append(values(*args))
        return evaluations[-1]

    monkeypatch.setattr(sequences, "Values", spy)
    with nengo.Network(seed=0) as network:
        probe = feed_forward()[0]
        with_history = nengo.Probe(probe.target)
        nengo_dl.configure_settings(keep_history=None)
        network.config[probe].keep_history = False
    with nengo_dl.Simulator(network, minibatch_size=SIZE, progress_bar=False) as sim:
        assert all(built) and not evaluations
        signal = {network.nodes[0]: np.ones((SIZE, N_STEPS, 1))}
        data = sim.predict(signal, verbose=0)
        shapes = sim.keras_model.output_shape[: len(network.all_probes)]
    assert evaluations
    for probed, shape in zip((probe, with_history), shapes):
        assert tf.TensorShape(shape).is_compatible_with(data[probed].shape)


# --- what keeps a network from it


@pytest.mark.parametrize(
    "options, said",
    [
        ({"n_neurons": 0}, "by whole sequences"),
        ({"n_neurons": 0, "units": 3}, "by whole sequences"),
        ({"n_neurons": 40}, "step by step, since FastPoisson .* PoissonSpiking"),
        (
            {"n_neurons": 0, "units": 3, "hidden_neuron_type": nengo.LIF()},
            r"step by step, since SimNeurons of .*hidden.* LIF\(\).* only Tanh",
        ),
        ({"n_neurons": 0, "trainable_theta": True}, "part of a memory, and trained"),
        ({"n_neurons": 0, "reset": True}, "Guard of .*reset.* is not known"),
    ],
)
def test_networks_are_explained(options, said, caplog):
    with nengo.Network() as net:
        stimulus = nengo.Node([0.0])
        lmu = LMU(0.02, 2, **options)
        nengo.Connection(stimulus, lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    with caplog.at_level("INFO", logger="nengo_lmu.dl.fast"):
        explanation = fast.explain(net)
    assert re.search(said, explanation)
    # the same goes to the log, unless there is nothing to tell
    assert any(explanation in line for line in caplog.messages) == (
        explanation != "by whole sequences"
    )


def test_the_planner_explains_a_network():
    with nengo.Network() as net:
        nengo_dl.configure_settings(planner=fast.stepwise)
        LMU(0.02, 2, n_neurons=0)
    assert fast.explain(net).startswith("step by step, since the planner is ")


# --- hidden units over the last steps only


def recurrent_network(n_steps, **settings):
    """A network whose hidden units read a memory that nothing feeds back into."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(keep_history=False, stateful=False, **settings)
        net.stimulus = nengo.Node([0.0])
        net.lmu = LMU(
            n_steps * 0.001,
            4,
            units=5,
            n_neurons=0,
            hidden_encoders=None,
            memory_encoders=None,
            seed=0,
        )
        nengo.Connection(net.stimulus, net.lmu.input, synapse=None)
        net.probe = nengo.Probe(net.lmu.output)
    return net


@pytest.mark.parametrize("n_last", [1, 3, 8, 20, 30])
def test_last_steps_are_those_of_a_memory_that_knows_the_rest(n_last):
    """Hidden units begin at rest, n steps before the end; the memory holds all.

    As in the reference simulator, step by step, for the matrices of the network.
    """
    n_steps = 20
    u = np.random.RandomState(0).uniform(-1, 1, (4, n_steps, 1))
    net = recurrent_network(n_steps, planner=fast.LastSteps(n_last))
    with nengo_dl.Simulator(net, minibatch_size=4, progress_bar=False) as sim:
        said = sim.predict({net.stimulus: u}, verbose=0)[net.probe][:, 0]
    assert fast.explain(net).endswith(f"the last {n_last} steps")

    lmu = net.lmu
    W_x, W_h, W_m = (
        kernel.transform.init
        for kernel in (lmu.input_kernel, lmu.hidden_kernel, lmu.memory_kernel)
    )
    e_x = lmu.input_encoders.transform.init[0, 0]
    m = np.array([simulate(e_x * one[:, 0], n_steps * 0.001, 4) for one in u])
    h = np.zeros((4, 5))
    for t in range(max(n_steps - n_last, 0), n_steps):
        h = np.tanh(u[:, t] @ W_x.T + h @ W_h.T + m[:, t] @ W_m.T)
    assert np.allclose(said, h, atol=1e-5)


def test_last_steps_of_all_steps_are_all():
    """With gradients: the same training as by the planner of all steps."""
    n_steps = 12
    rng = np.random.RandomState(0)
    u, y = rng.uniform(-1, 1, (8, n_steps, 1)), rng.uniform(-1, 1, (8, 1, 5))
    weights = []
    for chosen in (fast.planner, fast.LastSteps(n_steps)):
        net = recurrent_network(n_steps, planner=chosen)
        with nengo_dl.Simulator(
            net, minibatch_size=4, progress_bar=False, seed=0
        ) as sim:
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            sim.fit(
                {net.stimulus: u}, {net.probe: y}, epochs=2, shuffle=False, verbose=0
            )
            weights.append(sim.keras_model.get_weights())
    for one, other in zip(*weights):
        assert np.allclose(one, other, atol=1e-6)


def test_last_steps_train_what_matters():
    """The hidden kernel has no gradient where units are followed for a step."""
    rng = np.random.RandomState(0)
    u, y = rng.uniform(-1, 1, (4, 12, 1)), rng.uniform(-1, 1, (4, 1, 5))
    changes = []
    for n_last in (1, 2):
        net = recurrent_network(12, planner=fast.LastSteps(n_last))
        before = net.lmu.hidden_kernel.transform.init.copy()
        with nengo_dl.Simulator(
            net, minibatch_size=4, progress_bar=False, seed=0
        ) as sim:
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            sim.fit({net.stimulus: u}, {net.probe: y}, verbose=0)
            sim.freeze_params(net)
        changes.append(np.abs(net.lmu.hidden_kernel.transform.init - before).max())
    assert changes[0] < 1e-6 < 100 * changes[0] + changes[1]


def refused_last_steps(case):
    settings = {"planner": fast.LastSteps(3), "keep_history": False}
    options = {"units": 3, "n_neurons": 0}
    if case == "keeps its history":
        settings["keep_history"] = True
    if case != "feeds back into the memory":
        options |= {"hidden_encoders": None, "memory_encoders": None}
    if case == "no hidden units":
        options = {"n_neurons": 0}
    if case == "PoissonSpiking":
        options["n_neurons"] = 40
    with nengo.Network() as net:
        nengo_dl.configure_settings(**settings)
        stimulus = nengo.Node([0.0])
        lmu = LMU(0.02, 2, **options)
        nengo.Connection(stimulus, lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    return net


@pytest.mark.parametrize(
    "case",
    [
        "keeps its history",
        "feeds back into the memory",
        "no hidden units",
        "PoissonSpiking",
    ],
)
def test_last_steps_that_cannot_be_followed_are_refused(case):
    net = refused_last_steps(case)
    with pytest.raises(BuildError, match=f"last 3 steps only, since .*{case}"):
        nengo_dl.Simulator(net, progress_bar=False)


def test_last_steps_are_a_number():
    with pytest.raises(ValidationError, match="n: .* 0 was given"):
        fast.LastSteps(0)
