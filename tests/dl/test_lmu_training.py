"""Training in NengoDL, and what the trained network then does in each simulator."""

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU
from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.networks import LecunUniform

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402

from nengo_lmu.dl.feedforward import FeedForwardTwin  # noqa: E402

DT = 0.001
# NengoLoihi warns of voltages that are random to start with, which are Nengo's default
AT_ZERO = {"initial_state": {"voltage": nengo.dists.Choice([0])}}
KERNELS = (
    "input_kernel",
    "hidden_kernel",
    "memory_kernel",
    "hidden_bias",
    "hidden_encoders",
    "memory_encoders",
)


def matrices(network):
    """The transforms of all connections, as arrays; those without one are left out."""
    return {
        conn: np.array(conn.transform.init)
        for conn in network.all_connections
        if isinstance(conn.transform, nengo.Dense)
        and not isinstance(conn.transform.init, nengo.dists.Distribution)
    }


def encoders(ensemble):
    """The encoders of an ensemble, whether it has an array or something to sample."""
    return nengo.dists.get_samples(
        ensemble.encoders, ensemble.n_neurons, ensemble.dimensions
    )


def model(readout_bias=False, settings=None, size_out=1, **kwargs):
    """A network with an LMU between an input node and a linear readout."""
    with nengo.Network(seed=0) as net:
        settings = {"stateful": False, "keep_history": False, **(settings or {})}
        nengo_dl.configure_settings(**settings)
        stim = nengo.Node(np.zeros(kwargs.get("size_in", 1)))
        lmu = LMU(**kwargs)
        nengo.Connection(stim, lmu.input, synapse=None)
        out = nengo.Node(size_in=size_out)
        rng = np.random.RandomState(1)
        weights = rng.uniform(-0.3, 0.3, size=(size_out, lmu.output.size_out))
        readout = nengo.Connection(lmu.output, out, transform=weights, synapse=None)
        if readout_bias:
            nengo.Connection(
                nengo.Node([1.0]), out, transform=np.zeros((size_out, 1)), synapse=None
            )
        probe = nengo.Probe(out)
    net.things = lmu, stim, readout, probe
    return net


def held_values(n_examples=32, n_steps=15, seed=0):
    """Sequences of one value; the target is its absolute value, at the end."""
    values = np.random.RandomState(seed).uniform(-1, 1, size=(n_examples, 1, 1))
    return np.tile(values, (1, n_steps, 1)), np.abs(values)


def simulator(net, minibatch_size=8, **kwargs):
    return nengo_dl.Simulator(
        net, minibatch_size=minibatch_size, progress_bar=False, seed=0, **kwargs
    )


def compiled(sim, learning_rate=0.01):
    sim.compile(
        optimizer=tf.optimizers.Adam(learning_rate), loss=tf.losses.MeanSquaredError()
    )
    return sim


def trained(net, epochs=2, data=None, **kwargs):
    """Train, freeze, and return the loss before and after, and that of each epoch.

    The first two are with spikes, whose noise they contain; training is by the rates.
    """
    _, stim, _, probe = net.things
    x, y = held_values() if data is None else data
    with compiled(simulator(net), **kwargs) as sim:
        before = sim.evaluate({stim: x}, {probe: y}, verbose=0)["loss"]
        history = sim.fit({stim: x}, {probe: y}, epochs=epochs, verbose=0)
        after = sim.evaluate({stim: x}, {probe: y}, verbose=0)["loss"]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            sim.freeze_params(net)
    return before, after, history.history["loss"]


def outputs(net, sim_class, x, **kwargs):
    """What the network says to one sequence of inputs, of shape (n_steps, size_in)."""
    _, stim, _, probe = net.things
    given = stim.output
    stim.output = nengo.processes.PresentInput(x, DT)
    try:
        with sim_class(net, progress_bar=False, **kwargs) as sim:
            sim.run_steps(len(x))
    finally:
        stim.output = given
    return sim.data[probe].reshape(len(x), -1)


# --- what is trained


def trainable_shapes(net):
    """Sizes of NengoDL's trainable weights, without training; connections merge."""
    with simulator(net, 1) as sim:
        return sum(int(np.prod(w.shape)) for w in sim.keras_model.trainable_weights)


def test_parameters_of_the_papers_network():
    """As many as the paper counts: e_x, e_h, e_m, W_x, W_h, W_m and the readout."""
    noop = nengo_dl.graph_optimizer.noop_planner
    net = model(
        theta=784 * DT,
        d=256,
        units=212,
        n_neurons=0,
        size_out=10,
        readout_bias=True,
        settings={"planner": noop},
    )
    counted = 1 + 212 + 256 + 212 + 212**2 + 212 * 256 + (212 * 10 + 10)
    assert trainable_shapes(net) == counted == 102027


@pytest.mark.parametrize("n_neurons", [0, 40])
def test_trainable_parameters(n_neurons):
    """Only what the documentation says, whatever the memory is made of."""
    sizes = {"theta": 0.01, "d": 2, "units": 3, "n_neurons": n_neurons}
    # a random hidden_kernel might make units of no largest rate unstable
    sizes |= {"coupling": "full", "hidden_kernel": 0}
    # x, e_x, e_h, e_m, W_x, W_h, W_m and the readout
    full = 1 + 3 + 2 + 3 + 9 + 6 + 3
    assert trainable_shapes(model(**sizes)) == full
    assert trainable_shapes(model(hidden_bias=0, **sizes)) == full + 3
    assert trainable_shapes(model(trainable_theta=True, **sizes)) == full + 1
    sizes |= {"coupling": "feed-forward", "hidden_kernel": None}
    assert trainable_shapes(model(**sizes)) == 1 + 6 + 3
    # no units: only the readout
    assert trainable_shapes(model(**{**sizes, "units": 0})) == 2


def test_whole_memory_is_trained_if_the_user_says_so():
    """A and B as well, by the config of the memory, as everywhere in NengoDL."""
    net = model(theta=0.01, d=2, units=3, n_neurons=0)
    lmu = net.things[0]
    fixed = trainable_shapes(net)
    lmu.memory.config[nengo.Connection].trainable = True
    # A, and B twice: of the input and of the feedback
    assert trainable_shapes(net) == fixed + 4 + 2 + 2
    before = matrices(lmu.memory)
    trained(net, epochs=1)
    after = matrices(lmu.memory)
    A_bar, _ = discretize(*state_space(0.01, 2), DT)
    changed = [conn for conn in before if not np.array_equal(before[conn], after[conn])]
    # the ideal memory adds increments to its state
    assert any(np.allclose(before[conn], A_bar - np.eye(2)) for conn in changed)


# --- training in time

CELLS = {
    "ideal memory": {"n_neurons": 0, "hidden_neuron_type": nengo.Tanh()},
    "rates": {"neuron_type": nengo.RectifiedLinear()},
    "Poisson": {"n_neurons": 40},
    "Poisson and LIF": {"n_neurons": 40, "hidden_neuron_type": nengo.LIF(**AT_ZERO)},
    "Poisson of LIF": {"neuron_type": nengo.PoissonSpiking(nengo.LIFRate())},
}


@pytest.mark.parametrize("name", CELLS)
def test_training_in_time(name):
    """The loss falls; kernels, bias and encoders change; the memory does not."""
    kwargs = {"n_neurons": 20, "coupling": "full", **CELLS[name]}
    if kwargs["n_neurons"]:
        kwargs["synapse"] = 0.005
    net = model(theta=0.01, d=2, units=10, hidden_bias=0.1, **kwargs)
    lmu, _, readout, _ = net.things
    memory = matrices(lmu.memory)
    ours = {conn: init for conn, init in matrices(net).items() if conn not in memory}
    ensembles = [(e.gain, e.bias, encoders(e)) for e in lmu.all_ensembles]
    before, after, losses = trained(net, epochs=3)
    assert np.isfinite(before) and losses[-1] < 0.7 * losses[0]
    if "Poisson" not in name:
        assert after < 0.7 * before

    for conn, init in matrices(lmu.memory).items():
        # frozen in single precision, as NengoDL counts
        assert np.allclose(init, memory[conn], rtol=1e-5, atol=1e-7), conn
    new = matrices(net)
    for attribute in KERNELS:
        conn = getattr(lmu, attribute)
        assert not np.allclose(new[conn], ours[conn], atol=1e-5), attribute
    assert not np.allclose(new[readout], ours[readout], atol=1e-5)
    for (gain, bias, directions), e in zip(ensembles, lmu.all_ensembles):
        assert np.allclose(e.gain, gain, rtol=1e-5)
        assert np.allclose(e.bias, bias, rtol=1e-5, atol=1e-4)
        assert np.allclose(encoders(e), directions)


@pytest.mark.parametrize("name", ["ideal memory", "rates"])
def test_trained_network_in_the_reference_simulator(name):
    """Without spikes, both simulators say the same."""
    kwargs = {"n_neurons": 20, **CELLS[name]}
    settings = {"keep_history": True}
    net = model(theta=0.01, d=2, units=10, hidden_bias=0.1, settings=settings, **kwargs)
    x, y = held_values()
    trained(net, epochs=1, data=(x, np.tile(y, (1, x.shape[1], 1))))
    rng = np.random.RandomState(3)
    x = np.cumsum(rng.uniform(-0.2, 0.2, size=(60, 1)), axis=0)
    reference = outputs(net, nengo.Simulator, x)
    assert np.ptp(reference) > 0.01
    assert np.allclose(reference, outputs(net, nengo_dl.Simulator, x), atol=1e-4)


@pytest.mark.parametrize("hidden", ["Poisson", "LIF"])
def test_trained_network_on_loihi(hidden):
    """Trained through rates, then spiking, with memory and hidden units on the chip.

    A constant input is classified by its absolute value. The mean output over 1.5 s has
    the error of 20 hidden units' spikes and of the memory's noise, a few percent of the
    output's range.
    """
    nengo_loihi = pytest.importorskip("nengo_loihi")
    kinds = {"LIF": {"hidden_neuron_type": nengo.LIF(**AT_ZERO)}, "Poisson": {}}
    net = model(
        theta=0.01,
        d=1,
        units=20,
        n_neurons=400,
        synapse=0.01,
        hidden_bias=0.1,
        **kinds[hidden],
    )
    lmu = net.things[0]
    # long enough for the synapses of memory and hidden units to settle
    data = held_values(n_steps=60)
    *_, losses = trained(net, epochs=6, data=data)
    assert losses[-1] < 0.3 * losses[0]
    with net:
        rates = nengo.Probe(lmu.hidden.neurons)
    for value in (-0.8, 0.8):
        net.things[1].output = [value]
        results = []
        for sim_class in (nengo.Simulator, nengo_loihi.Simulator):
            with sim_class(net, progress_bar=False) as sim:
                sim.run_steps(1600)
            data = sim.data
            results.append(
                (
                    data[net.things[3]][100:].mean(),
                    np.mean(data[rates][100:] > 0, axis=0) / DT,
                )
            )
        (reference, its_rates), (emulator, rates_there) = results
        print(f"reference {reference:.3f}, emulator {emulator:.3f}, mean rates")
        print(f"reference {np.mean(its_rates):.1f}, emulator {rates_there.mean():.1f}")
        assert reference == pytest.approx(abs(value), abs=0.4)
        assert emulator == pytest.approx(reference, abs=0.2)
        assert np.mean(rates_there) == pytest.approx(np.mean(its_rates), rel=0.15)


def test_trainable_theta():
    """It is one parameter; once frozen, ``theta`` is the learned one.

    The target is the input of 20 steps ago: a window of 10 steps is too short.
    """
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(stateful=False, keep_history=True)
        stim = nengo.Node([0.0])
        lmu = LMU(0.01, 3, n_neurons=0, trainable_theta=True)
        nengo.Connection(stim, lmu.input, synapse=None)
        probe = nengo.Probe(lmu.memory.add_window([1.0]))
    net.things = lmu, stim, None, probe
    assert lmu.theta == pytest.approx(0.01)
    rng = np.random.RandomState(0)
    t = DT * np.arange(60)[:, np.newaxis]
    phases = rng.uniform(0, 2 * np.pi, size=(16, 1, 1))
    x, y = (np.sin(2 * np.pi * 8 * (t - delay) + phases) for delay in (0, 0.02))
    with compiled(simulator(net), learning_rate=0.02) as sim:
        losses = sim.fit({stim: x}, {probe: y}, epochs=12, verbose=0).history["loss"]
        sim.freeze_params(net)
    assert losses[-1] < 0.7 * losses[0]
    assert 0.012 < lmu.theta < 0.03
    assert lmu.memory.theta == lmu.theta
    # the window is as long as it says: it delays by the new theta
    slow = np.sin(2 * np.pi * 2 * DT * np.arange(1000))[:, np.newaxis]
    stim.output = nengo.processes.PresentInput(slow, DT)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(1000)
    delayed = np.sin(2 * np.pi * 2 * (DT * np.arange(1000) - lmu.theta))
    assert np.abs(sim.data[probe][200:, 0] - delayed[200:]).max() < 0.03


@pytest.mark.parametrize("theta, n_neurons", [(0.1, 0), (0.1, 200), (0.02, 0)])
@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_theta_learns_at_the_rate_of_weights(theta, n_neurons, rate):
    """Adam moves it by about its learning rate in each step, relative to the first one.

    30 steps towards twice the window, of a gradient that changes little. Neurons learn
    by their rates.
    """
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(stateful=False)
        stim = nengo.Node([0.0])
        lmu = LMU(theta, 3, n_neurons=n_neurons, trainable_theta=True)
        nengo.Connection(stim, lmu.input, synapse=None)
        net.config[nengo.Connection].set_param(
            "trainable", nengo.params.BoolParam("trainable", default=False)
        )
        probe = nengo.Probe(lmu.memory.add_window([1.0]))
    n_steps = round(3 * theta / DT)
    t = DT * np.arange(n_steps)[:, np.newaxis]
    phases = np.random.RandomState(0).uniform(0, 2 * np.pi, size=(8, 1, 1))
    frequency = 0.1 / theta
    x, y = (
        np.sin(2 * np.pi * frequency * (t - delay) + phases) for delay in (0, 2 * theta)
    )
    with compiled(simulator(net), learning_rate=rate) as sim:
        sim.fit({stim: x}, {probe: y}, epochs=30, verbose=0)
        sim.freeze_params(net)
    assert theta / lmu.theta == pytest.approx(1 - 30 * rate, abs=0.15 * 30 * rate)


def test_nothing_warns_after_freezing():
    """Nengo warns of rates and intercepts that a frozen gain and bias overrule."""
    net = model(theta=0.01, d=2, units=4, n_neurons=20, hidden_bias=0.1)
    trained(net, epochs=1)
    x = np.ones((20, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs(net, nengo.Simulator, x)


def test_training_again_goes_on_where_it_stopped():
    """Frozen parameters are the initial ones of the next simulator."""
    net = model(theta=0.01, d=2, units=6, n_neurons=0)
    _, first, _ = trained(net, epochs=1)
    again, second, _ = trained(net, epochs=1)
    assert again == pytest.approx(first, rel=1e-4)
    assert second < again


# --- without time


def feed_forward(units=12, **kwargs):
    return model(
        **{
            "settings": {"keep_history": True},
            "theta": 0.02,
            "d": 4,
            "units": units,
            "size_out": 3,
            "coupling": "feed-forward",
            "hidden_bias": 0.05,
            **kwargs,
        },
    )


FEED_FORWARD = {
    "tanh": {"n_neurons": 0},
    "rectified": {"n_neurons": 0, "hidden_neuron_type": nengo.RectifiedLinear()},
    "LIF rates": {"n_neurons": 0, "hidden_neuron_type": nengo.LIFRate()},
    "no bias": {"n_neurons": 0, "hidden_bias": None},
    "two inputs": {"n_neurons": 0, "size_in": 2, "input_encoders": LecunUniform()},
}


def states(net, x):
    """The ideal memory's states for a sequence, by the network itself."""
    lmu, stim, *_ = net.things
    with net:
        probe = nengo.Probe(lmu.memory.output)
    given = stim.output
    stim.output = nengo.processes.PresentInput(x, DT)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(len(x))
    stim.output = given
    net.probes.remove(probe)
    return sim.data[probe]


def twin_outputs(twin, m):
    with simulator(twin.network, len(m)) as sim:
        return sim.predict({twin.input: m[:, np.newaxis]})[twin.output][:, 0]


@pytest.mark.parametrize("name", FEED_FORWARD)
def test_twin_equals_the_network_in_time(name):
    """Before training and, with the parameters transferred, after it."""
    kwargs = FEED_FORWARD[name]
    net = feed_forward(**kwargs)
    lmu, _, readout, _ = net.things
    rng = np.random.RandomState(0)
    x = np.cumsum(rng.uniform(-0.3, 0.3, size=(40, kwargs.get("size_in", 1))), axis=0)
    m = states(net, x)
    twin = FeedForwardTwin(lmu, readout)
    in_time = outputs(net, nengo.Simulator, x)
    assert np.ptp(in_time) > 0.01
    assert np.allclose(twin_outputs(twin, m), in_time, atol=1e-5)

    targets = np.abs(rng.uniform(size=(40, 1, 3)))
    with compiled(simulator(twin.network), 0.01) as sim:
        before, after = (
            sim.fit(
                {twin.input: m[:, np.newaxis]},
                {twin.output: targets},
                epochs=1,
                verbose=0,
            ).history["loss"][0]
            for _ in range(2)
        )
        sim.freeze_params(twin.network)
    assert after < before
    twin.transfer()
    new = outputs(net, nengo.Simulator, x)
    assert np.abs(new - in_time).max() > 1e-3
    assert np.allclose(twin_outputs(twin, m), new, atol=1e-5)
    assert np.allclose(outputs(net, nengo_dl.Simulator, x), new, atol=1e-4)


def test_twin_trains_what_the_network_in_time_would():
    """The same parameters, and nothing of the memory."""
    net = feed_forward(n_neurons=0)
    lmu, _, readout, _ = net.things
    twin = FeedForwardTwin(lmu, readout)
    # W_m, bias, readout; in time also e_x
    assert trainable_shapes(twin.network) == 12 * 4 + 12 + 3 * 12
    assert trainable_shapes(net) == trainable_shapes(twin.network) + 1


@pytest.mark.parametrize(
    "name", ["input_kernel", "hidden_kernel", "hidden_encoders", "memory_encoders"]
)
def test_twin_refuses_what_is_not_feed_forward(name):
    net = feed_forward(n_neurons=0, **{name: nengo.dists.Uniform(-1, 1)})
    lmu, _, readout, _ = net.things
    message = f"not feed-forward: it has {name}; make it with {name}=None"
    with pytest.raises(ValidationError, match=message):
        FeedForwardTwin(lmu, readout)


def test_twin_refuses_other_networks():
    net = model(theta=0.02, d=4, n_neurons=0)
    with pytest.raises(ValidationError, match="no hidden units .* make it with units"):
        FeedForwardTwin(net.things[0], net.things[2])
    net = feed_forward(n_neurons=0, memory_kernel=None)
    with pytest.raises(ValidationError, match="no hidden units"):
        FeedForwardTwin(net.things[0], net.things[2])
    net = feed_forward(n_neurons=0)
    lmu = net.things[0]
    for other in (lmu.memory_kernel, lmu.hidden_bias):
        with pytest.raises(ValidationError, match=r"connection from lmu.output"):
            FeedForwardTwin(lmu, other)
