"""Training without time says what the network in time will say in spikes."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU
from nengo_lmu.networks.spikes import spike_variance

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402

from nengo_lmu.dl import Dropout, FeedForwardTwin, StateNoise, feedforward  # noqa: E402

DT = 0.001
NEURONS = {
    "Poisson": nengo.PoissonSpiking(nengo.RectifiedLinear()),
    "stochastic": nengo.StochasticSpiking(nengo.RectifiedLinear()),
    "regular": nengo.SpikingRectifiedLinear(),
    "LIF": nengo.LIF(),
}
SYNAPSES = {
    "none": None,
    "Lowpass": nengo.Lowpass(0.03),
    "Alpha": nengo.Alpha(0.01),
}


@pytest.mark.parametrize("synapse", SYNAPSES)
@pytest.mark.parametrize("name", NEURONS)
def test_variance_of_filtered_spikes(name, synapse):
    """That of a thousand neurons at the same rate, in the reference simulator.

    With 400 moments, ten of which are independent at the least, it is known to about
    sqrt(2 / 10,000) = 1.4 %; 8 % are allowed, since LIF neurons' intervals are not
    whole time steps.
    """
    neuron_type = NEURONS[name]
    for rate in (40.0, 170.0):
        gain, bias = neuron_type.gain_bias(np.full(1000, rate), np.zeros(1000))
        with nengo.Network(seed=0) as net:
            ensemble = nengo.Ensemble(
                1000,
                1,
                neuron_type=neuron_type,
                gain=gain,
                bias=bias,
                encoders=np.ones((1000, 1)),
            )
            nengo.Connection(nengo.Node([1.0]), ensemble, synapse=None)
            probe = nengo.Probe(ensemble.neurons, synapse=SYNAPSES[synapse])
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(700)
        filtered = sim.data[probe][300:]
        rate = filtered.mean()
        expected = spike_variance(neuron_type, [rate], SYNAPSES[synapse], DT)[0]
        # that of rates that are all alike
        assert filtered.var() == pytest.approx(expected, rel=0.08), rate


def test_neurons_without_spikes_have_no_noise():
    variance = spike_variance(nengo.RectifiedLinear(), [10.0, 200.0], None, DT)
    assert np.array_equal(variance, [0, 0])


# --- a classifier: which of two slow signals the window holds


def network(neuron_type, synapse=0.05, **kwargs):
    """Hidden spiking units that read two-dimensional states, and a readout."""
    with nengo.Network(seed=0) as net:
        net.stimulus = nengo.Node([0.0])
        net.lmu = LMU(
            0.05,
            2,
            units=30,
            n_neurons=0,
            hidden_neuron_type=neuron_type,
            hidden_bias=nengo.dists.Uniform(-0.5, 0.5),
            **kwargs,
        )
        nengo.Connection(net.stimulus, net.lmu.input, synapse=None)
        out = nengo.Node(size_in=1)
        weights = np.random.RandomState(1).uniform(-0.1, 0.1, (1, 30))
        net.readout = nengo.Connection(
            net.lmu.output, out, transform=weights, synapse=synapse
        )
        net.output = nengo.Probe(out)
    return net


def held(n, seed):
    """Inputs that are held until the memory is settled; their states, their squares."""
    u = np.random.RandomState(seed).uniform(-1, 1, n)
    return u, np.stack([u, np.zeros(n)], axis=1), u[:, np.newaxis] ** 2


def said_in_time(net, u, n_steps=400):
    """What the network in time says at the end of inputs that are held."""
    with net:
        nengo_dl.configure_settings(stateful=False, keep_history=False)
    with nengo_dl.Simulator(
        net, minibatch_size=len(u), progress_bar=False, seed=0
    ) as sim:
        x = np.tile(u[:, np.newaxis, np.newaxis], (1, n_steps, 1))
        return sim.predict({net.stimulus: x}, verbose=0)[net.output][:, -1]


def twin_simulator(twin, minibatch_size):
    return nengo_dl.Simulator(
        twin.network, minibatch_size=minibatch_size, progress_bar=False, seed=0
    )


def trained(net, **kwargs):
    _, m, y = held(2000, seed=0)
    _, other_m, other_y = held(1000, seed=1)
    return feedforward.train(
        net.lmu,
        net.readout,
        m,
        y,
        validation=(other_m, other_y),
        optimizer=tf.optimizers.Adam(0.01),
        loss="mse",
        epochs=8,
        seed=0,
        monitor="val_loss",
        mode="min",
        show_progress=False,
        **kwargs,
    )


@pytest.mark.parametrize("name", ["Poisson", "stochastic", "regular", "LIF"])
def test_validation_is_the_network_in_time(name):
    """Loss of validation, ``evaluate`` and the network in time, in spikes.

    Means of 1000 squares each, which are those of Gaussian numbers: the ratio of two is
    within 4 * sqrt(2) * sqrt(2 / 1000) = 25 %. By single steps of spikes the loss would
    be a hundred times as large, and by the rates less than half.
    """
    net = network(NEURONS[name])
    history = trained(net)
    u, m, y = held(1000, seed=1)
    in_time = np.mean((said_in_time(net, u) - y) ** 2)
    best = min(history["val_loss"])
    twin = FeedForwardTwin(net.lmu, net.readout)
    with twin_simulator(twin, 100) as sim:
        sim.compile(loss="mse")
        data = {twin.input: m[:, np.newaxis]}, {twin.output: y[:, np.newaxis]}
        evaluated = sim.evaluate(*data, verbose=0)["loss"]
    print(f"validation {best:.5f}, evaluate {evaluated:.5f}, in time {in_time:.5f}")
    assert best == pytest.approx(in_time, rel=0.25)
    assert evaluated == pytest.approx(in_time, rel=0.25)
    rates = net.lmu.hidden.neuron_type.rates(
        m @ net.lmu.memory_kernel.transform.init.T
        + net.lmu.hidden_bias.transform.init[:, 0],
        net.lmu.hidden.gain,
        net.lmu.hidden.bias,
    )
    by_rates = np.mean((rates / net.lmu.unit @ net.readout.transform.init.T - y) ** 2)
    if name in ("Poisson", "stochastic"):
        assert by_rates < 0.5 * in_time


def test_training_is_by_rates_and_dropout_is_of_training():
    """``fit`` reports the loss of the rates; nothing is dropped in evaluation."""
    net = network(nengo.RectifiedLinear(), coupling="feed-forward")
    _, m, y = held(100, seed=0)
    data = [m[:, np.newaxis]], [y[:, np.newaxis]]
    losses = {}
    for layer in (None, Dropout(0.5)):
        twin = FeedForwardTwin(net.lmu, net.readout, layer=layer)
        with twin_simulator(twin, 100) as sim:
            sim.compile(optimizer=tf.optimizers.SGD(0.0), loss="mse")
            x, target = {twin.input: data[0][0]}, {twin.output: data[1][0]}
            losses[layer is None] = (
                sim.fit(x, target, epochs=5, verbose=0).history["loss"],
                sim.evaluate(x, target, verbose=0)["loss"],
            )
    fitted, evaluated = losses[True]
    np.testing.assert_allclose(fitted, evaluated, rtol=1e-5)
    assert losses[False][1] == pytest.approx(evaluated, rel=1e-5)
    assert np.ptp(losses[False][0]) > 0.01 * evaluated
    net = network(NEURONS["Poisson"])
    twin = FeedForwardTwin(net.lmu, net.readout)
    with twin_simulator(twin, 100) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.0), loss="mse")
        x, target = {twin.input: data[0][0]}, {twin.output: data[1][0]}
        spiking = sim.fit(x, target, epochs=1, verbose=0).history["loss"][0]
    # the same weights and rates, as rectified linear units have
    assert spiking == pytest.approx(evaluated, rel=1e-5)


def test_states_have_the_noise_of_the_memory():
    """Its covariance, for each input dimension, whether it is training or not.

    20,000 rows: variances are known to 1 %, covariances to as much of their geometric
    mean; 5 % are allowed.
    """
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    tf.random.set_seed(0)
    noise = StateNoise(covariance, 2)(tf.zeros((20_000, 4))).numpy()
    expected = np.kron(np.eye(2), covariance)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.all(np.abs(np.cov(noise.T) - expected) < 0.05 * scale)
    net = network(nengo.RectifiedLinear(), coupling="feed-forward")
    said = {}
    for given in (None, 0.01 * covariance):
        twin = FeedForwardTwin(net.lmu, net.readout, noise_covariance=given)
        with twin_simulator(twin, 50) as sim:
            m = np.ones((50, 1, 2))
            said[given is None] = sim.predict({twin.input: m}, verbose=0)[twin.output]
    assert np.ptp(said[True]) < 1e-6 and np.ptp(said[False]) > 1e-3


@pytest.mark.parametrize(
    "covariance, says",
    [
        (np.eye(3), r"shape \(2, 2\), .* \(3, 3\) was given; give lmu.memory.noise"),
        (np.full((2, 2), np.nan), "4 of its 4 values are NaN"),
    ],
)
def test_a_covariance_of_another_memory_is_refused(covariance, says):
    net = network(NEURONS["Poisson"])
    with pytest.raises(ValidationError, match=f"noise_covariance.*{says}"):
        FeedForwardTwin(net.lmu, net.readout, noise_covariance=covariance)
