"""Neurons of a memory on the chip that begin one after the other."""

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu import LegendreMemory  # noqa: E402
from nengo_lmu.legendre import simulate  # noqa: E402
from nengo_lmu.loihi import add_params, on_chip, resources  # noqa: E402

DT = 0.001
THETA = 0.3


def network(d=4, n_neurons=160, staggered=True, seconds=6.0, **kwargs):
    """A memory of white noise, which it was designed for."""

    def noise(seed):
        return nengo.processes.WhiteSignal(
            seconds, high=d / 6 / THETA, rms=0.3, seed=seed
        )

    kwargs = {"max_rates": nengo.dists.Choice([800.0]), "synapse": 0.05} | kwargs
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(noise(1))
        net.memory = LegendreMemory(
            THETA, d, n_neurons=n_neurons, input_range=noise(2), **kwargs
        )
        net.memory.input.radius = 2.0  # so that none of it is cut off
        nengo.Connection(stimulus, net.memory.input, synapse=None)
        net.input = nengo.Probe(stimulus)
        net.state = nengo.Probe(net.memory.output)
        net.spikes = nengo.Probe(net.memory.ensembles[0].neurons)
    add_params(net)
    net.memory.config[net.memory.ensembles[0]].staggered = staggered
    return net


def noise_of(net, target, seconds=6.0):
    """Return the rms of the error of the neurons' coordinates, and what it should be.

    The state is two steps late on its way through the chip.
    """
    with nengo_loihi.Simulator(net, target=target, seed=0, progress_bar=False) as sim:
        sim.run(seconds)
    memory = net.memory
    ideal = simulate(sim.data[net.input][:, 0], THETA, memory.d)
    error = sim.data[net.state][500:] - ideal[498:-2]
    with on_chip(memory):
        T, predicted = memory.realization.T, memory.noise_covariance
    T_inverse = np.linalg.inv(T)
    found = np.sqrt(np.mean((error @ T_inverse.T) ** 2))
    expected = np.sqrt(np.mean(np.diag(T_inverse @ predicted @ T_inverse.T)))
    return found, expected, sim.data[net.spikes].mean()


def test_rates_of_staggered_neurons_add_up_to_the_same_straight_line():
    """Each is cut off at one spike a step; within the range all is as it was."""
    net = network()
    with on_chip(net.memory):
        p = net.memory.populations
    x = np.linspace(-1, 1, 41)
    for neurons in p.slices:
        current = x[:, None] * p.signs[neurons] * p.gain[neurons] + p.bias[neurons]
        rates = np.clip(current, 0, 1 / DT)
        assert np.allclose(rates @ p.weights[neurons], x, atol=1e-9)
        drawing = (rates > 1e-6) & (rates < 1 / DT - 1e-6)
        assert drawing.sum(axis=1).max() == 1
    last = p.begin_last
    assert last.sum() == 2 * len(p.counts)  # one of each sign


def test_there_is_less_noise_as_the_theory_says():
    """In floating point, to a fifth; with whole numbers there is some more.

    6 seconds are 20 windows in 4 dimensions: the deviation of an rms over 80
    independent values is 8 %. On the chip weights of a few steps add errors of their
    own, here about as large as the noise.
    """
    found, expected, spikes = noise_of(network(), "simreal")
    assert found == pytest.approx(expected, rel=0.2)
    on_the_chip, _, _ = noise_of(network(), "sim")
    assert on_the_chip < 2.5 * expected
    plain, predicted, as_many = noise_of(network(staggered=False), "sim")
    assert plain == pytest.approx(predicted, rel=0.25)
    assert plain > 1.5 * on_the_chip
    assert spikes == pytest.approx(as_many, rel=0.1)


def test_neurons_that_spike_in_each_step_are_no_saturation():
    """Unless they are the last of their population."""
    net = network(d=2, n_neurons=40, seconds=1.0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*more than once a step")
        noise_of(net, "sim", 1.0)
    with net:
        loud = nengo.Node(lambda t: 0.9)
        nengo.Connection(loud, net.memory.input, synapse=None)
    with pytest.warns(UserWarning, match="more than once a step"):
        noise_of(net, "sim", 1.0)


def test_thresholds_hold_what_biases_cannot():
    """A core has 16, and many neurons of a population begin one after the other."""
    net = network(d=2, n_neurons=200)
    needs = resources(net)
    assert needs.fits
    (block,) = needs.blocks
    assert 2 <= block.thresholds <= 16
    with on_chip(net.memory):
        assert net.memory.populations.counts.max() / 2 > 16


@pytest.mark.parametrize(
    "kwargs, attribute, remedy",
    [
        (
            {"neuron_type": nengo.LIF(), "max_rates": nengo.dists.Choice([100.0])},
            "neuron_type",
            "PoissonSpiking",
        ),
        ({"intercepts": nengo.dists.Choice([-0.2])}, "intercepts", "leave them out"),
    ],
    ids=["LIF", "intercepts"],
)
def test_other_neurons_cannot_be_staggered(kwargs, attribute, remedy):
    net = network(**kwargs)
    with pytest.raises(ValidationError, match=f"{attribute}: .*{remedy}"):
        with on_chip(net.memory):
            pass
    with pytest.raises(BuildError, match=remedy):
        resources(net)
