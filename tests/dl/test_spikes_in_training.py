"""Training in time through spikes: the loss is that of the network as it will run."""

import nengo
import numpy as np
import pytest

from nengo_lmu import LMU

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402

from nengo_lmu.dl import fast  # noqa: E402

ROWS, N_STEPS = 160, 100


def network(planner, units=0, n_neurons=40, **kwargs):
    """A noisy memory of 0.05 s, and a readout that is all that is trained."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(
            planner=planner, stateful=False, keep_history=False, trainable=None
        )
        net.stimulus = nengo.Node([0.0])
        net.lmu = LMU(
            0.05, 4, units=units, n_neurons=n_neurons, error_feedback=0, **kwargs
        )
        nengo.Connection(net.stimulus, net.lmu.input, synapse=None)
        out = nengo.Node(size_in=1)
        source = net.lmu.output
        start = np.zeros((1, source.size_out))
        if not units:
            start = net.lmu.memory.decode(0.5)
        net.readout = nengo.Connection(source, out, transform=start, synapse=None)
        for cls in (nengo.Connection, nengo.Ensemble):
            net.config[cls].trainable = False
        net.config[net.readout].trainable = True
        net.probe = nengo.Probe(out)
    return net


def data(net, seed, n=1):
    """Band-limited noise, and what it was half a window before the end.

    For ``n`` minibatches.
    """
    process = nengo.processes.WhiteSignal(1.0, high=10, rms=0.4)
    rng = np.random.RandomState(seed)
    x = np.stack([process.run_steps(N_STEPS, rng=rng) for _ in range(n * ROWS)])
    return {net.stimulus: x}, {net.probe: x[:, -26:-25]}


def simulator(net):
    return nengo_dl.Simulator(net, minibatch_size=ROWS, progress_bar=False, seed=0)


def losses(net):
    """The loss of training with a rate of 0, and of evaluation, of 320 sequences."""
    with simulator(net) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.0), loss="mse")
        return (
            sim.fit(*data(net, 0, 2), epochs=1, verbose=0).history["loss"][0],
            sim.evaluate(*data(net, 0, 2), verbose=0)["loss"],
        )


def test_loss_of_training_is_that_in_spikes():
    """By rates it is a fraction of that.

    320 squares of Gaussian numbers each: the ratio of two means is within 4 * sqrt(2) *
    sqrt(2 / 320) = 45 %, and rates have less than a third of the loss.
    """
    fitted, evaluated = losses(network(fast.spiking))
    by_rates, again = losses(network(fast.stepwise))
    print(f"in spikes {fitted:.4f}, {evaluated:.4f}, by rates {by_rates:.4f}")
    assert fitted == pytest.approx(evaluated, rel=0.45)
    assert again == pytest.approx(evaluated, rel=0.45)
    assert by_rates < evaluated / 3


def test_gradients_are_those_of_rates():
    """Of a loss that is linear in what is read: the mean over the spikes is the same.

    The readout of a memory that is not trained itself: its gradient is the state. 3200
    rows leave a 1 / sqrt(3200) of a state's noise, which is below 1; ten of them are
    allowed.
    """
    found = []
    for planner in (fast.spiking, fast.stepwise):
        net = network(planner)
        before = net.readout.transform.init
        with simulator(net) as sim:
            loss = lambda y, out: tf.reduce_mean(out)  # noqa: E731
            sim.compile(optimizer=tf.optimizers.SGD(1.0), loss=loss)
            x, y = data(net, 0, 20)
            x = {node: np.full_like(u, 0.5) for node, u in x.items()}
            sim.fit(x, y, epochs=1, verbose=0)
            sim.freeze_params(net)
        found.append((before - net.readout.transform.init)[0] / 20)
    assert np.abs(found[1]).max() > 0.3
    assert np.abs(found[0] - found[1]).max() < 10 / np.sqrt(3200)


def test_gradient_reaches_what_is_before_neurons():
    """Through the neurons of the memory, and hidden ones, as by rates."""
    net = network(fast.spiking, units=5, hidden_bias=0.1)
    net.readout.transform = np.ones((1, 5))
    net.lmu.config[net.lmu.memory_kernel].trainable = True
    net.lmu.config[net.lmu.input_encoders].trainable = True
    before = [
        np.array(connection.transform.init)
        for connection in (net.lmu.memory_kernel, net.lmu.input_encoders)
    ]
    with simulator(net) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.01), loss="mse")
        sim.fit(*data(net, 0), epochs=2, verbose=0)
        sim.freeze_params(net)
    for was, connection in zip(before, (net.lmu.memory_kernel, net.lmu.input_encoders)):
        assert not np.allclose(connection.transform.init, was, atol=1e-6)


def test_training_in_spikes_makes_readouts_that_know_of_the_noise():
    """They say less of what is hardly told, as the best linear readout does.

    40 Poisson neurons that do not hear their error: the loss in spikes of readouts that
    learned from either, on sequences that neither has seen.
    """
    in_spikes = {}
    for planner in (fast.spiking, fast.stepwise):
        net = network(planner)
        with simulator(net) as sim:
            sim.compile(optimizer=tf.optimizers.Adam(0.02), loss="mse")
            sim.fit(*data(net, 0, 30), epochs=1, verbose=0)
            in_spikes[planner] = sim.evaluate(*data(net, 1, 5), verbose=0)["loss"]
    print(f"in spikes {in_spikes[fast.spiking]:.4f}, {in_spikes[fast.stepwise]:.4f}")
    assert in_spikes[fast.spiking] < 0.8 * in_spikes[fast.stepwise]
