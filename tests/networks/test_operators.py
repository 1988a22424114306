"""A step takes time and memory in proportion to the neurons, and is the plain one."""

import pickle

import nengo
import numpy as np
import pytest
from nengo.builder import Builder
from nengo.builder.operator import Copy, DotInc, SparseDotInc

from nengo_lmu import LegendreMemory
from nengo_lmu.networks.operators import DecodeInc, Encode
from nengo_lmu.networks.population_objects import (
    PopulationConnection,
    PopulationEncoders,
    PopulationEnsemble,
    PopulationTransform,
)
from nengo_lmu.networks.populations import make_populations, one_hot


@pytest.fixture
def plain(monkeypatch):
    """Nengo's own builders take the place of ours."""

    def switch():
        for ours, theirs in [
            (PopulationEnsemble, nengo.builder.ensemble.build_ensemble),
            (PopulationConnection, nengo.builder.connection.build_connection),
        ]:
            monkeypatch.setitem(Builder.builders, ours, theirs)

    return switch


def network(m=90, d=3, neuron_type=None, **kwargs):
    """A memory that gets noise, and probes of its neurons and its state."""
    process = nengo.processes.WhiteSignal(1, high=20, rms=0.3, y0=0, seed=1)
    if neuron_type is not None:
        kwargs["neuron_type"] = neuron_type
    with nengo.Network(seed=3) as net:
        net.memory = LegendreMemory(0.2, d, n_neurons=m, **kwargs)
        nengo.Connection(nengo.Node(process), net.memory.input, synapse=None)
        nengo.Probe(net.memory.ensembles[0].neurons)
        nengo.Probe(net.memory.output)
    return net


def run(net, n_steps=200, **kwargs):
    """Return the values of all probes."""
    with nengo.Simulator(net, progress_bar=False, **kwargs) as sim:
        sim.run_steps(n_steps)
    return [sim.data[probe] for probe in net.probes]


def operators(net, *types):
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        return [op for op in sim.model.operators if type(op) in types]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert np.any(a)
        assert np.allclose(a, b, rtol=1e-12, atol=1e-12)


# --- equal to the plain one


def in_a_step(operator, *signals):
    """Run an operator once on the initial values of its signals."""
    values = nengo.builder.signal.SignalDict()
    for signal in signals:
        values.init(signal)
    operator.make_step(values, 0.001, np.random)()
    return values


@pytest.mark.parametrize("runs", [False, True], ids=["any weights", "on and off"])
@pytest.mark.parametrize("counts", [[7], [1, 1], [5, 2, 9, 1], [40, 3, 40]])
def test_operators_are_matrix_products(counts, runs, rng):
    n = sum(counts)
    weights = rng.uniform(-2, 2, size=n)
    if runs:
        weights = np.repeat(weights[: len(counts)], counts)
        weights[np.arange(n) % 9 > 4] *= -1
    values, state, bias = (rng.standard_normal(k) for k in (n, len(counts), n))
    names = {"weights": weights, "values": values, "state": state, "bias": bias}
    of = {
        name: nengo.builder.Signal(initial, name=name)
        for name, initial in names.items()
    }
    matrix = one_hot(counts, weights)

    into = nengo.builder.Signal(rng.standard_normal(len(counts)), name="into")
    decode = DecodeInc(np.array(counts), of["weights"], of["values"], into)
    result = in_a_step(decode, of["weights"], of["values"], into)[into]
    assert np.allclose(result, into.initial_value + values @ matrix)

    for with_bias in (None, of["bias"]):
        target = nengo.builder.Signal(rng.standard_normal(n), name="target")
        encode = Encode(np.array(counts), of["weights"], with_bias, of["state"], target)
        result = in_a_step(encode, *of.values(), target)[target]
        expected = matrix @ state + (0 if with_bias is None else bias)
        assert np.allclose(result, expected)


NEURON_TYPES = [
    None,
    nengo.PoissonSpiking(nengo.LIFRate()),
    nengo.LIF(),
    nengo.SpikingRectifiedLinear(),
    nengo.RectifiedLinear(),
]


@pytest.mark.parametrize("neuron_type", NEURON_TYPES, ids=str)
@pytest.mark.parametrize("trainable_theta", [False, True])
def test_fast_step_is_the_plain_one(neuron_type, trainable_theta, plain):
    """Same seed, same spikes; the state but for the order of sums."""
    net = network(neuron_type=neuron_type, trainable_theta=trainable_theta, size_in=1)
    assert len(operators(net, Encode, DecodeInc)) == 2
    ours = run(net)
    plain()
    assert not operators(net, Encode, DecodeInc)
    theirs = run(net)
    if neuron_type is None or neuron_type.spiking:
        assert np.array_equal(ours[0] != 0, theirs[0] != 0)
    assert_same(ours, theirs)


def test_noise_and_unsorted_signs_are_allowed(plain):
    net = network(encoders=nengo.dists.Choice([[1.0], [-1.0]]))
    silent = run(net)
    (ensemble,) = net.memory.ensembles
    ensemble.noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 5), seed=0)
    ours = run(net)
    assert not np.array_equal(ours[0], silent[0])
    plain()
    assert_same(ours, run(net))


def test_single_precision_is_kept(plain, monkeypatch):
    net = network(neuron_type=nengo.RectifiedLinear())
    monkeypatch.setitem(nengo.rc["precision"], "bits", "32")
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(100)
        assert all(
            sim.signals[s].dtype == np.float32 for s in sim.signals if s.size > 9
        )
    ours = sim.data[net.probes[1]]
    plain()
    theirs = run(net, 100)[1]
    assert np.allclose(ours, theirs, atol=1e-5) and np.any(ours)


def test_the_ensemble_may_be_connected(plain):
    """Decoded, through transforms, and probed in all the ways that Nengo has."""
    net = network(m=120)
    (ensemble,) = net.memory.ensembles
    with net:
        halves = nengo.Node(size_in=3)
        nengo.Connection(ensemble, halves, transform=0.5)
        nengo.Connection(nengo.Node([0.1, -0.2]), ensemble[:2], synapse=None)
        other = nengo.Ensemble(30, 3)
        nengo.Connection(other, ensemble, solver=nengo.solvers.LstsqL2(weights=True))
        nengo.Connection(ensemble, other)
        nengo.Connection(
            nengo.Node([50.0]), ensemble.neurons, transform=np.ones((120, 1))
        )
        for target in (halves, ensemble, other):
            nengo.Probe(target, synapse=0.01)
    assert operators(net, Encode)
    ours = run(net)
    plain()
    assert_same(ours, run(net))


def test_input_of_the_ensemble_is_its_state():
    net = network(error_feedback=0)
    with net:
        nengo.Probe(net.memory.ensembles[0], "input")
    _, m, x = run(net)
    assert np.any(x) and np.allclose(x @ net.memory.realization.T.T, m)


def test_encoders_may_be_probed_and_learned(plain):
    """Where the matrix itself is asked for, it is there."""
    net = network()
    (ensemble,) = net.memory.ensembles
    with net:
        nengo.Probe(ensemble, "scaled_encoders", sample_every=0.1)
    p = net.memory.populations
    assert np.array_equal(run(net)[-1][0], p.encoders.T * p.gain[:, np.newaxis])

    with net:
        nengo.Connection(
            nengo.Node(np.ones(3)), ensemble, learning_rule_type=nengo.Voja()
        )
    ours = run(net)
    assert np.ptp(ours[-1], axis=0).max() > 0
    plain()
    assert_same(ours, run(net))


def test_a_simulator_has_the_data_of_an_ordinary_ensemble():
    """Parameters are those of an ordinary ensemble, and tuning curves can be drawn."""
    net = network(m=60)
    (ensemble,) = net.memory.ensembles
    p = net.memory.populations
    with nengo.Simulator(net, progress_bar=False) as sim:
        built = sim.data[ensemble]
        _, curves = nengo.utils.ensemble.tuning_curves(ensemble, sim, inputs=np.eye(3))
    assert np.array_equal(built.encoders, p.encoders.T)
    assert np.array_equal(built.scaled_encoders, p.encoders.T * p.gain[:, np.newaxis])
    assert np.array_equal(built.gain, p.gain) and np.array_equal(built.bias, p.bias)
    assert np.allclose(curves, np.maximum(p.encoders * p.gain, 0))
    for conn in net.memory.connections:
        if isinstance(conn, PopulationConnection):
            weights = sim.data[conn].weights.toarray()
            assert np.array_equal(weights, conn.transform.sample())


# Nengo warns of each passthrough node that is copied
@pytest.mark.filterwarnings("ignore:'Node.size_out' is being overwritten")
def test_copies_and_pickles_are_the_same():
    net = network()
    ours = run(net)
    for other in (net.copy(), pickle.loads(pickle.dumps(net))):
        assert operators(other, Encode, DecodeInc)
        with nengo.Simulator(other, progress_bar=False) as sim:
            sim.run_steps(200)
        assert_same([sim.data[probe] for probe in other.all_probes], ours)


# --- what NengoDL stores


def stored(net, change=lambda matrix: matrix):
    """Give a memory dense matrices in single precision, as ``freeze_params`` does."""
    (ensemble,) = net.memory.ensembles
    gain = ensemble.gain[:, np.newaxis]
    encoders = net.memory.populations.encoders.T
    ensemble.encoders = change((gain * encoders).astype(np.float32) / gain)
    for conn in net.memory.connections:
        if isinstance(conn, PopulationConnection):
            conn.transform = change(conn.transform.sample().astype(np.float32))


def test_stored_matrices_are_fast():
    net = network()
    before = run(net)
    stored(net)
    assert len(operators(net, Encode, DecodeInc)) == 2
    assert not operators(net, SparseDotInc)
    after = run(net)
    assert np.allclose(after[1][:20], before[1][:20], atol=1e-6)


def test_trained_matrices_are_right(plain, rng):
    def trained(matrix):
        return matrix + 1e-3 * rng.standard_normal(matrix.shape)

    # without the feedback, which weights that are any would make unstable
    net = network(error_feedback=0)
    stored(net, trained)
    assert not operators(net, Encode, DecodeInc)
    ours = run(net)
    plain()
    assert_same(ours, run(net))


def test_encoders_of_another_ensemble_are_refused():
    encoders = PopulationEncoders([2, 3], np.ones(5))
    assert encoders.sample(5, 2).shape == (5, 2)
    with pytest.raises(nengo.exceptions.ValidationError, match="give the ensemble"):
        encoders.sample(5, 3)


def test_transform_is_a_dense_one():
    transform = PopulationTransform([2, 1], [1.0, -1.0, 0.5], encodes=True)
    assert transform.shape == transform.init_shape == (3, 2)
    assert np.array_equal(transform.init, [[1, 0], [-1, 0], [0, 0.5]])
    other = PopulationTransform([2, 1], [1.0, -1.0, 0.5], encodes=False)
    assert other.shape == (2, 3) and np.array_equal(other.sample(), transform.init.T)
    assert transform == PopulationTransform([2, 1], [1.0, -1.0, 0.5], encodes=True)
    assert transform != other


# --- in proportion to the neurons


def size(signal):
    """How many numbers of a signal a step touches."""
    return signal.initial_value.nnz if signal.sparse else signal.size


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("m", [64, 5000])
@pytest.mark.parametrize("d", [6, 32])
def test_only_the_coupling_touches_more_than_neurons_and_state(d, m, optimize):
    """No timing: what each operator reads and writes."""
    net = network(m=m, d=d)
    with nengo.Simulator(net, progress_bar=False, optimize=optimize) as sim:
        touched = {op: sum(size(s) for s in op.all_signals) for op in sim.step_order}
    coupling = {
        op for op in touched if isinstance(op, DotInc) and op.A.shape[-2:] == (d, d)
    }
    assert coupling
    for op in touched.keys() - coupling:
        assert touched[op] <= 4 * (m + d), op


@pytest.mark.parametrize("error_feedback, copies", [(0, 10), (None, 13)])
def test_operators_are_no_more_than_neurons_and_their_state_need(
    error_feedback, copies
):
    """Those with as many numbers as neurons: two of the neurons, and one each way.

    Error feedback has three more copies of as many numbers as dimensions.
    """
    net = network(m=5000, d=32, error_feedback=error_feedback).memory
    with nengo.Simulator(net, progress_bar=False) as sim:
        large = [
            type(op).__name__
            for op in sim.step_order
            if any(size(s) >= 5000 for s in op.all_signals)
        ]
    assert sorted(large) == ["DecodeInc", "Encode", "LoneNeurons", "SimNeurons"]
    assert len(operators(net, Copy)) < copies


@pytest.mark.parametrize("d", [6, 32])
def test_memory_is_in_proportion_to_the_neurons(d):
    """Pickles hold every array once: those of the network, and of the simulator."""

    def sizes(m):
        net = network(m=m, d=d).memory
        with nengo.Simulator(net, progress_bar=False) as sim:
            return np.array([len(pickle.dumps(net)), len(pickle.dumps(sim))])

    of_network, of_simulator = (sizes(6000) - sizes(2000)) / 4000 / 8
    # numbers for each neuron
    assert of_network < 10
    assert of_simulator < 40


# --- populations


class Leaky(nengo.RectifiedLinear):
    """Rectified, but not quite."""

    def step(self, dt, J, output):
        output[...] = np.where(J > 0, J, 0.1 * J)


@pytest.mark.parametrize("neuron_type", [nengo.RectifiedLinear(), Leaky()], ids=str)
def test_decoders_are_right_whether_linear_or_not_quite(neuron_type):
    p = make_populations([40, 20], neuron_type)
    x = np.linspace(-1, 1, 21)
    for i, one in enumerate(p.slices):
        rates = neuron_type.rates(
            x[:, np.newaxis] * p.signs[one], p.gain[one], p.bias[one]
        )
        assert np.allclose(rates @ p.decoders[i, one], x, atol=1e-2)
