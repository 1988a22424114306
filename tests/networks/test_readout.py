"""Fitted readouts: what they predict of themselves, in spikes."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU, LegendreMemory

DT = 0.001


def signal(seconds, seed=3):
    process = nengo.processes.WhiteSignal(seconds, high=2, rms=0.4, seed=seed)
    return process.run(seconds, dt=DT)


def measured(u, target, m=600, steps=1, washout=200, **options):
    """Return a readout that was fitted to u, and its measured error on u again."""
    rows = u[::steps]
    with nengo.Network(seed=0) as net:
        x = nengo.Node(nengo.processes.PresentInput(rows, steps * DT))
        memory = LegendreMemory(0.1, 6, n_neurons=m, input_range=u)
        nengo.Connection(x, memory.input, synapse=None)
        skipped = washout // steps
        readout = memory.fit_readout(
            rows, target[::steps], washout=skipped, steps=steps, **options
        )
        probe = nengo.Probe(readout.node)
    with nengo.Simulator(net, progress_bar=False, seed=1) as sim:
        sim.run_steps(len(rows) * steps)
    y = sim.data[probe][steps - 1 :: steps]
    missed = (y - target[::steps])[skipped:]
    return readout, np.sqrt(np.mean(missed**2, axis=0)), y


def delayed(u):
    return np.hstack([np.roll(u, 100, axis=0), np.roll(u, 30, axis=0)])


@pytest.mark.parametrize("synapse", [None, 0.01])
@pytest.mark.parametrize("steps", [1, 10])
def test_an_ideal_memory_is_read_as_the_fit_says(synapse, steps):
    u = signal(2.0)
    readout, _, y = measured(u, delayed(u), m=0, steps=steps, synapse=synapse)
    assert np.allclose(y, readout.predict(u[::steps]), atol=1e-9)


@pytest.mark.parametrize("synapse, steps", [(None, 1), (0.01, 1), (0.01, 10)])
def test_error_in_spikes_is_as_predicted(synapse, steps):
    # Five other signals had errors of 0.94 to 0.96 of the prediction, with deviations
    # of 0.03 to 0.09: those of an rms over 40 windows, of inputs that are not typical.
    # 25 % is about three of these. Nearly all of it is noise: the input has little that
    # six coefficients do not hold.
    u = signal(4.0)
    readout, error, _ = measured(u, delayed(u), synapse=synapse, steps=steps)
    assert np.allclose(error, readout.predicted_error, rtol=0.25)
    assert np.all(readout.noise > 0.8 * readout.predicted_error)


def test_neurons_read_what_is_not_linear():
    u = signal(2.0)
    y = np.roll(u, 30, axis=0) * np.roll(u, 90, axis=0)
    linear, _, _ = measured(u, y)
    readout, error, _ = measured(u, y, n_neurons=200, synapse=0.01)
    assert np.all(linear.predicted_error > 0.1)
    assert np.all(readout.predicted_error < 0.5 * linear.predicted_error)
    # 2 s are some 20 independent windows, and the noise of products is large where they
    # are: 30 % is about twice the deviation of an rms of so few.
    assert np.allclose(error, readout.predicted_error, rtol=0.3)


def test_the_noise_is_a_better_regularizer_than_none():
    # With few neurons that do not hear their error, a readout for an ideal memory
    # follows their noise.
    u = signal(2.0)
    y = np.roll(u, -60, axis=0)
    with nengo.Network(seed=0) as net:
        x = nengo.Node(nengo.processes.PresentInput(u, DT))
        memory = LegendreMemory(0.1, 6, n_neurons=60, input_range=u, error_feedback=0)
        nengo.Connection(x, memory.input, synapse=None)
        probes = [
            nengo.Probe(memory.fit_readout(u, y, washout=200, **options).node)
            for options in ({}, {"noise_covariance": np.zeros((6, 6))})
        ]
    with nengo.Simulator(net, progress_bar=False, seed=0) as sim:
        sim.run_steps(len(u))
    known, ignored = (np.std(sim.data[probe][200:-60] - y[200:-60]) for probe in probes)
    assert known < 0.5 * ignored


def test_noise_of_the_input_is_known_too():
    # Rows of white noise of this size, added to the input: the fit that knows of them
    # is as good on them as it says, within four standard deviations of an rms of 3000
    # values that are alike for a window of 100 steps.
    rng = np.random.RandomState(0)
    u = signal(4.0)
    y = np.roll(u, 50, axis=0)
    with nengo.Network(seed=0):
        memory = LegendreMemory(0.1, 6, n_neurons=0)
        known = memory.fit_readout(u, y, washout=200, input_noise=0.5)
        ignored = memory.fit_readout(u, y, washout=200)
    noisy = u + 0.5 * rng.standard_normal(u.shape)
    errors = [np.std((r.predict(noisy) - y)[200:]) for r in (known, ignored)]
    assert errors[0] < errors[1]
    assert np.isclose(errors[0], known.predicted_error, rtol=0.3)


def test_several_inputs_and_sequences_are_fitted():
    # The last step of each of 200 sequences: the mean of the first input over the
    # window, and the second input at its end.
    rng = np.random.RandomState(0)
    u = np.cumsum(rng.standard_normal((200, 60, 2)), axis=1) * 0.1
    y = np.stack([u[:, -50:, 0].mean(axis=1), u[:, -10, 1]], axis=1)
    with nengo.Network(seed=0):
        memory = LegendreMemory(0.05, 5, size_in=2, n_neurons=0)
        readout = memory.fit_readout(u, y)
        parts = memory.fit_readout(list(u), y)
        other = memory.fit_readout(u[:100], y[:100])
    assert np.all(readout.predicted_error < 0.2 * y.std(axis=0))
    assert np.allclose(parts.weights, readout.weights)
    # What is expected on sequences that the fit has not seen is what is missed there.
    ends = np.zeros((100, 60), dtype=bool)
    ends[:, -1] = True
    missed = other.predict(u[100:])[59::60] - y[100:]
    expected = other.error(u[100:], y[100:])
    assert np.allclose(expected, np.sqrt(np.mean(missed**2, axis=0)))
    assert np.allclose(other.predict(u[100:], mask=ends), missed + y[100:])


def test_a_readout_is_a_node_of_the_memory():
    u = signal(1.0)
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.1, 4, n_neurons=80, units=10)
        n_nodes = len(net.all_nodes)
        readout = lmu.memory.fit_readout(u, u, label="copy")
    assert readout.node in lmu.memory.nodes and readout.node.label == "copy"
    assert len(net.all_nodes) == n_nodes + 2
    assert readout.ensemble is None


@pytest.mark.parametrize(
    "options, name",
    [
        ({"steps": 0}, "steps"),
        ({"washout": -1}, "washout"),
        ({"n_neurons": -1}, "n_neurons"),
        ({"input_noise": -1.0}, "input_noise"),
        ({"synapse": -1.0}, "synapse"),
        ({"synapse": nengo.Alpha(0.1)}, "synapse"),
        ({"noise_covariance": np.eye(3)}, "noise_covariance"),
        ({"neuron_type": "lif"}, "neuron_type"),
        ({"mask": np.ones(3)}, "mask"),
    ],
)
def test_bad_arguments_are_named(options, name):
    u = signal(0.5)
    with nengo.Network(seed=0):
        memory = LegendreMemory(0.1, 4, n_neurons=80)
    with pytest.raises(ValidationError) as error:
        memory.fit_readout(u, u, **options)
    assert error.value.attr == name
