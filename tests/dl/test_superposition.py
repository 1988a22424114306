"""Poisson neurons that are read alike: fewer numbers, the same distribution.

Seeds are fixed. With others, a test of a bound of z standard errors, or of a
probability p, fails by chance as rarely as its docstring says.
"""

import nengo
import numpy as np
import pytest
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError
from scipy import stats

nengo_dl = pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_dl.graph_optimizer import default_simplifications  # noqa: E402
from nengo_dl.op_builders import DotSet, ElementwiseSet  # noqa: E402

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.dl import fast, superposition  # noqa: E402

DT = 0.002
POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())


def simulator(network, superpose=True, rows=None, seed=0):
    with network:
        nengo_dl.configure_settings(
            simplifications=fast.simplifications
            if superpose
            else default_simplifications
        )
    return nengo_dl.Simulator(
        network, dt=DT, minibatch_size=rows, progress_bar=False, seed=seed
    )


def sizes(sim):
    """Return how many rates are computed and how many Poisson numbers are drawn."""
    neurons = [
        op
        for group in sim.tensor_graph.plan
        for op in group
        if isinstance(op, SimNeurons)
    ]
    poisson = [isinstance(op.neurons, nengo.PoissonSpiking) for op in neurons]
    drawn = sum(op.output.size for op, is_it in zip(neurons, poisson) if is_it)
    return sum(op.output.size for op in neurons) - drawn, drawn


def sizes_of(network, **kwargs):
    with simulator(network, **kwargs) as sim:
        return sizes(sim)


def on_off(x=0.0, n=101, amplitude=1.0, neuron_type=None):
    """An ensemble and a node with the value that its on and off neurons tell."""
    if neuron_type is None:
        neuron_type = nengo.PoissonSpiking(nengo.RectifiedLinear(), amplitude)
    signs = np.where(np.arange(n) % 3, 1.0, -1.0)
    rates = np.linspace(100, 300, n)
    slope = np.where(signs > 0, rates[signs > 0].sum(), rates[signs < 0].sum())
    with nengo.Network(seed=1) as net:
        net.x = nengo.Node(np.ravel(x))
        net.ensemble = nengo.Ensemble(
            n,
            1,
            neuron_type=neuron_type,
            encoders=signs[:, np.newaxis],
            gain=rates,
            bias=np.zeros(n),
        )
        net.into = nengo.Connection(net.x, net.ensemble, synapse=None)
        net.y = nengo.Node(size_in=1)
        net.decoders = nengo.Connection(
            net.ensemble.neurons, net.y, transform=[signs / slope], synapse=None
        )
        nengo_dl.configure_settings(trainable=False)
        net.p = nengo.Probe(net.y)
    net.slope = {1: slope[signs > 0][0], -1: slope[signs < 0][0]}
    return net


def memory(theta=0.1, d=3, m=100, **kwargs):
    """A memory of a node's values, and its state."""
    with nengo.Network(seed=0) as net:
        net.x = nengo.Node([0.0] * kwargs.get("size_in", 1))
        net.memory = LegendreMemory(theta, d, n_neurons=m, dt=DT, seed=0, **kwargs)
        nengo.Connection(net.x, net.memory.input, synapse=None)
        net.p = nengo.Probe(net.memory.output)
    return net


# --- how many numbers


@pytest.mark.parametrize("m", [24, 1001])
def test_two_numbers_a_dimension_by_default(m):
    """Of memories of any size, and with nothing to set."""
    net = memory(d=3, m=m, size_in=2)
    with nengo_dl.Simulator(net, dt=DT, progress_bar=False) as sim:
        assert sizes(sim) == (12, 12)
    assert sizes_of(net, superpose=False) == (m, m)


def test_several_memories():
    net = memory(d=3, m=100)
    with net:
        other = LegendreMemory(0.2, 4, n_neurons=77, dt=DT)
        nengo.Connection(net.memory.output[:1], other.input, synapse=None)
        other.add_feedback()
        nengo.Probe(other.decoded)
    assert sizes_of(net) == (14, 14)


def test_other_networks_can_have_it():
    net = on_off()
    with nengo_dl.Simulator(net, dt=DT, progress_bar=False) as sim:
        assert sizes(sim) == (101, 101)
    assert sizes_of(net) == (2, 2)


def test_only_neurons_that_are_read_alike():
    """Another reader tells more neurons apart."""
    net = on_off()
    with net:
        z = nengo.Node(size_in=1)
        first = np.where(np.arange(101) < 50, 1.0, 0.0)
        nengo.Connection(net.ensemble.neurons, z, transform=[first])
    assert sizes_of(net) == (4, 4)


# --- the distribution


def counts(net, sim, x, n_steps):
    """Return the spikes of a step, in the sum that tells the value."""
    sign = 1 if x > 0 else -1
    rows = sim.minibatch_size
    sim.run_steps(n_steps, data={net.x: np.full((rows, n_steps, 1), x)})
    amplitude = net.ensemble.neuron_type.amplitude
    return sim.data[net.p][..., 0] * DT * sign * net.slope[sign] / amplitude


@pytest.mark.parametrize("x", [0.02, -0.02, 0.7, -0.7])
@pytest.mark.parametrize("amplitude", [1.0, 0.3])
def test_spikes_of_a_constant_input_are_poisson(x, amplitude):
    """Chi-square by chance in 1 of 10,000, mean and variance within 5 standard errors.

    Of n Poisson numbers of mean A, the mean has the variance A / n, the variance about
    (A + 2 A^2) / n.
    """
    net = on_off(amplitude=amplitude)
    with simulator(net, rows=16) as sim:
        assert sizes(sim) == (2, 2)
        found = counts(net, sim, x, 500)
    numbers = np.rint(found)
    # in single precision
    np.testing.assert_allclose(found, numbers, rtol=1e-4, atol=1e-3)
    A = abs(x) * net.slope[np.sign(x)] * DT
    assert abs(numbers.mean() - A) < 5 * np.sqrt(A / numbers.size)
    assert abs(numbers.var() - A) < 5 * np.sqrt((A + 2 * A**2) / numbers.size)
    k = np.arange(200)
    expected = numbers.size * stats.poisson(A).pmf(k)
    likely = k[expected > 20]
    low, high = likely[0], likely[-1]
    expected[low] = expected[: low + 1].sum()
    expected[high] = numbers.size - expected[low:high].sum()
    observed = np.clip(numbers, low, high).astype(int).ravel() - low
    observed = np.bincount(observed, minlength=high - low + 1)
    assert stats.chisquare(observed, expected[low : high + 1]).pvalue > 1e-4


def test_rows_and_steps_are_independent():
    """Covariances within 5 standard errors; by chance in less than 1 of 1000.

    The mean product of the deviations of n independent pairs has the variance A^2 / n.
    """
    net = on_off()
    with simulator(net, rows=4) as sim:
        found = counts(net, sim, 0.5, 1000)
    deviation = found - 0.5 * net.slope[1] * DT
    A = 0.5 * net.slope[1] * DT
    for one in range(4):
        for other in range(one):
            product = np.mean(deviation[one] * deviation[other])
            assert abs(product) < 5 * A / np.sqrt(1000)
        product = np.mean(deviation[one, 1:] * deviation[one, :-1])
        assert abs(product) < 5 * A / np.sqrt(999)


def test_seeds():
    """The same numbers with the same seed, others with another one."""
    net = memory()
    signal = np.full((2, 50, 1), 0.5)
    found = []
    for seed in (0, 0, 1):
        with simulator(net, rows=2, seed=seed) as sim:
            sim.run_steps(50, data={net.x: signal})
            found.append(sim.data[net.p])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0][0], found[0][1])


@pytest.mark.parametrize(
    "base",
    [
        nengo.RectifiedLinear(amplitude=2.0),
        nengo.LIFRate(),
        nengo.Sigmoid(),
        nengo_dl.SoftLIFRate(),
    ],
    ids=lambda base: type(base).__name__,
)
def test_rates_of_any_neurons_are_added_up(base):
    """Of neurons with other biases too; mean and variance within 5 standard errors."""
    n = 40
    with nengo.Network(seed=0) as net:
        x = nengo.Node([0.3, -0.4])
        ensemble = nengo.Ensemble(
            n,
            2,
            neuron_type=nengo.PoissonSpiking(base),
            intercepts=nengo.dists.Uniform(-0.9, 0.3),
        )
        nengo.Connection(x, ensemble, synapse=None)
        y = nengo.Node(size_in=1)
        total = np.ones((1, n))
        nengo.Connection(ensemble.neurons, y, transform=total, synapse=None)
        nengo_dl.configure_settings(trainable=False)
        p = nengo.Probe(y)
    n_steps = 500
    with simulator(net, rows=8) as sim:
        assert sizes(sim) == (n, 1)
        data = sim.data[ensemble]
        sim.run_steps(n_steps)
        found = sim.data[p] * DT
    J = data.gain * ([0.3, -0.4] @ data.encoders.T) + data.bias
    output = np.zeros(n)
    state = {}
    base.step(DT, J, output, **state)
    A = output.sum() * DT
    assert A > 1
    assert abs(found.mean() - A) < 5 * np.sqrt(A / found.size)
    assert abs(found.var() - A) < 5 * np.sqrt((A + 2 * A**2) / found.size)


def test_error_of_a_memory():
    """As large as without, within 5 standard errors, by chance in 1 of 10^6.

    A state's error stays for about tau = 0.4 theta. After the first two windows, 64
    rows of 6 more have 64 * 6 / 0.8 = 480 independent errors of each of 3 dimensions.
    The variance of 1440 normal numbers has a relative standard error of sqrt(2 / 1440)
    = 0.037, and a ratio of two such variances one of 0.053.
    """
    theta, rows = 0.1, 64
    n_steps = int(8 * theta / DT)
    t = np.arange(n_steps) * DT
    signal = 0.9 * np.sin(2 * np.pi * t / theta / 1.7)
    data = np.tile(signal[:, np.newaxis], (rows, 1, 1))

    def run(superpose, rows=rows, **kwargs):
        net = memory(theta, m=300, **kwargs)
        with simulator(net, superpose, rows=rows) as sim:
            sim.run_steps(n_steps, data={net.x: data[:rows]})
            return sim.data[net.p][:, n_steps // 4 :]

    ideal = run(False, rows=1, neuron_type=nengo.RectifiedLinear())
    found = run(True)
    wanted = run(False)
    variance = np.var(found - ideal, axis=(0, 1))
    ratio = variance.sum() / np.var(wanted - ideal, axis=(0, 1)).sum()
    assert abs(ratio - 1) < 5 * 0.053
    # without bias; the mean of 480 errors
    bias = np.mean(found - ideal, axis=(0, 1))
    assert np.all(np.abs(bias) < 5 * np.sqrt(variance / 480))


# --- training


def trained(biases):
    """A network in which gradients pass a memory's neurons, forwards and in time."""
    with nengo.Network(seed=0) as net:
        net.x = nengo.Node([0.0])
        lmu = LMU(
            0.1,
            3,
            units=4,
            n_neurons=60,
            dt=DT,
            seed=0,
            input_encoders=1.0,
            hidden_encoders=np.full((1, 4), 0.1),
            memory_encoders=np.full((1, 3), 0.1),
            coupling="full",
        )
        nengo.Connection(net.x, lmu.input, synapse=None)
        y = nengo.Node(size_in=1)
        nengo.Connection(lmu.output, y, transform=[[1.0, -1.0, 0.5, 0.2]], synapse=None)
        net.p = nengo.Probe(y)
    if biases:
        (ensemble,) = lmu.memory.ensembles
        lmu.memory.config[ensemble.neurons].trainable = True
    return net


@pytest.mark.parametrize(
    ("biases", "rates"), [(False, 6), (True, 60)], ids=["weights", "biases too"]
)
def test_rates_and_gradients(biases, rates):
    """To 1e-5, also where biases of the memory's neurons are trained.

    After a step of size 1e4 of gradient descent, weights are the gradients.
    """
    found = []
    signal = np.random.RandomState(0).uniform(-1, 1, (4, 30, 1))
    for superpose in (False, True):
        net = trained(biases)
        with net:
            nengo_dl.configure_settings(stateful=False, learning_phase=True)
        with simulator(net, superpose, rows=4) as sim:
            # and of four hidden units
            expected = (rates + 4, 6 + 4) if superpose else (64, 64)
            assert sizes(sim) == expected
            values = [sim.predict({net.x: signal}, verbose=0)[net.p]]
            sim.compile(tf.optimizers.SGD(1e4), loss="mse")
            sim.fit({net.x: signal}, {net.p: signal}, verbose=0)
            values += tf.keras.backend.batch_get_value(
                sim.keras_model.trainable_weights
            )
            found.append(values)
    assert len(found[0]) == len(found[1]) > 3
    for wanted, got in zip(*found):
        scale = np.abs(wanted).max()
        assert scale > 0
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5 * scale)


def some_biases(net):
    net.ensemble.bias = np.where(np.arange(101) < 50, 20.0, 0.0)
    return 50 + 2, 2


def constant_neurons(net):
    """Without gain, half of them with a bias."""
    net.ensemble.gain = np.where(np.arange(101) < 51, net.ensemble.gain, 0.0)
    net.ensemble.bias = np.where(np.arange(101) > 75, 20.0, 0.0)
    # 2 for x, 25 that are silent, and 2 with a bias only
    return 2 + 25 + 2, 2


def same_decoders(net):
    """On and off neurons have rates of their own, and one number together."""
    net.decoders.transform = np.full((1, 101), 0.01)
    return 2, 1


def another_input(net):
    """That goes to the neurons, with their gains."""
    other = nengo.Node([0.2])
    nengo.Connection(
        other, net.ensemble.neurons, transform=net.ensemble.encoders, synapse=None
    )
    # each has two inputs
    return 101, 2


def another_input_to_some(net):
    other = nengo.Node([0.2])
    transform = net.ensemble.encoders * (np.arange(101) < 41)[:, np.newaxis]
    nengo.Connection(other, net.ensemble.neurons, transform=transform, synapse=None)
    return 41 + 2, 2


# Nengo divides by the gains
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(
    "change",
    [
        some_biases,
        constant_neurons,
        same_decoders,
        another_input,
        another_input_to_some,
    ],
)
def test_sums_of_rates(change):
    """To 1e-5, whatever the neurons' inputs, and as few as can be."""
    found = []
    signal = np.linspace(-1, 1, 20).reshape(1, -1, 1)
    for superpose in (False, True):
        net = on_off()
        with net:
            expected = change(net)
            nengo_dl.configure_settings(learning_phase=True)
        with simulator(net, superpose) as sim:
            assert sizes(sim) == (expected if superpose else (101, 101))
            sim.run_steps(20, data={net.x: signal})
            found.append(sim.data[net.p])
    assert np.ptp(found[0]) > 0.5
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


# --- what is left alone


def probe_spikes(net):
    nengo.Probe(net.ensemble.neurons)


def decode(net):
    nengo.Probe(net.ensemble, "decoded_output")


def train_decoders(net):
    net.config[net.decoders].trainable = True


def learn_decoders(net):
    net.decoders.learning_rule_type = nengo.PES()
    nengo.Connection(net.x, net.decoders.learning_rule)


def filter_spikes(net):
    each = nengo.Node(size_in=101)
    nengo.Connection(net.ensemble.neurons, each, synapse=0.01)


def read_some(net):
    nengo.Connection(net.ensemble.neurons[:50], net.y, transform=np.ones((1, 50)))


def read_by_a_sparse_matrix(net):
    sparse = nengo.Sparse((1, 101), indices=[[0, 3]], init=[1.0])
    nengo.Connection(net.ensemble.neurons, net.y, transform=sparse)


def read_nothing(net):
    net.connections.remove(net.decoders)


def leak(net):
    net.ensemble.neuron_type = nengo.PoissonSpiking(nengo_dl.LeakyReLU())


def stochastic(net):
    net.ensemble.neuron_type = nengo.StochasticSpiking(nengo.RectifiedLinear())


@pytest.mark.parametrize(
    "change",
    [
        probe_spikes,
        decode,
        train_decoders,
        learn_decoders,
        filter_spikes,
        read_some,
        read_by_a_sparse_matrix,
        read_nothing,
        leak,
        stochastic,
    ],
)
def test_left_alone(change):
    """Where single neurons matter, or are not Poisson with rates above 0."""
    net = on_off()
    with net:
        change(net)
    with simulator(net) as sim:
        assert sum(sizes(sim)) == 202
        sim.run_steps(3)


def probe_currents(net):
    nengo.Probe(net.ensemble.neurons, "input")


def probe_rates(net):
    nengo.Probe(net.ensemble.neurons, "rate_out")


def probe_products(net):
    transform = net.ensemble.encoders
    net.connections.remove(net.into)
    net.into = nengo.Connection(
        net.x, net.ensemble.neurons, transform=transform, synapse=None
    )
    nengo.Probe(net.into)


def train_encoders(net):
    net.config[net.ensemble].trainable = True


def add_noise(net):
    net.ensemble.noise = nengo.processes.WhiteNoise(seed=0)


def excite_some(net):
    some = net.ensemble.neurons[:50]
    nengo.Connection(net.x, some, transform=np.ones((50, 1)), synapse=None)


def excite_slowly(net):
    transform = np.ones((101, 1))
    nengo.Connection(net.x, net.ensemble.neurons, transform=transform, synapse=0.01)


@pytest.mark.parametrize(
    "change",
    [
        probe_currents,
        probe_rates,
        probe_products,
        train_encoders,
        add_noise,
        excite_some,
        excite_slowly,
    ],
)
def test_rates_of_single_neurons_that_matter(change):
    """Are still computed, and added up."""
    net = on_off()
    with net:
        change(net)
    with simulator(net) as sim:
        assert sizes(sim) == (101, 2)
        sim.run_steps(3)


@pytest.mark.parametrize(
    ("name", "size"), [("gains", 1), ("<Node 'gains'>.out", 4)], ids=["not", "is"]
)
def test_what_a_node_gives_is_no_constant(name, size):
    """Nodes from outside have no operators; NengoDL knows them by their names."""

    def signal(values, name=None):
        it = Signal(np.asarray(values, dtype=float), name=name)
        it.trainable, it.minibatched = None, True
        return it

    weights, gains = signal(np.ones((4, 1))), signal(np.ones(4), name)
    decoders = signal(np.ones((1, 4)))
    x, y = signal([0.0]), signal([0.0])
    weighted, J, rates, spikes = (signal(np.zeros(4)) for _ in range(4))
    operators = [
        DotSet(weights, x, weighted),
        ElementwiseSet(gains, weighted, J),
        SimNeurons(POISSON.base_type, J, rates),
        SimNeurons(POISSON, rates, spikes),
        DotSet(decoders, spikes, y),
    ]
    found = superposition.superpose(operators)
    neurons = [op.output.size for op in found if type(op) is SimNeurons]
    assert sorted(neurons) == [1, size]


# --- parameters


def test_parameters_of_the_network():
    """The same as without, from a simulator and once they are frozen."""
    found = []
    for superpose in (False, True):
        net = memory()
        (ensemble,) = net.memory.ensembles
        connections = net.all_connections
        with simulator(net, superpose) as sim:
            built = sim.data[ensemble]
            values = [built.gain, built.bias, built.encoders, built.max_rates]
            values += [sim.data[conn].weights for conn in connections]
            sim.freeze_params(net)
        values += [ensemble.gain, ensemble.bias, ensemble.encoders]
        values += [getattr(conn.transform, "init", None) for conn in connections]
        found.append(values)
    assert sizes_of(net) == (6, 6)  # those of a frozen network too
    for wanted, got in zip(*found):
        assert (wanted is None) == (got is None)
        if wanted is not None:
            np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_saved_parameters(tmp_path):
    """Go into a simulator of the same kind; another one refuses them."""
    net = trained(False)
    signal = np.random.RandomState(0).uniform(-1, 1, (4, 30, 1))
    with simulator(net, rows=4) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        sim.fit({net.x: signal}, {net.p: signal}, verbose=0)
        sim.save_params(tmp_path / "params")
        weights = tf.keras.backend.batch_get_value(sim.keras_model.weights)
    with simulator(net, rows=4) as sim:
        before = tf.keras.backend.batch_get_value(sim.keras_model.weights)
        assert not all(map(np.array_equal, before, weights))
        sim.load_params(tmp_path / "params")
        after = tf.keras.backend.batch_get_value(sim.keras_model.weights)
        assert all(map(np.array_equal, after, weights))
    with simulator(net, superpose=False, rows=4) as sim:
        with pytest.raises((SimulationError, ValueError)):
            sim.load_params(tmp_path / "params")
