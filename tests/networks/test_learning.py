"""Readouts that are learned while the memory runs."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LegendreMemory

DT = 0.001


def run(target_of, seconds=6.0, scale=1.0, seed=0, **options):
    """Learn a function of the input, and return errors of the run's quarters."""
    process = nengo.processes.WhiteSignal(seconds, high=5, rms=0.3, seed=seed)
    u = process.run(seconds, dt=DT)
    target = scale * target_of(u)
    with nengo.Network(seed=seed) as net:
        signal = nengo.Node(nengo.processes.PresentInput(u, DT))
        teacher = nengo.Node(nengo.processes.PresentInput(target, DT))
        memory = LegendreMemory(0.2, 6, n_neurons=300)
        nengo.Connection(signal, memory.input, synapse=None)
        learned = memory.add_learned_readout(radius=scale, **options)
        nengo.Connection(teacher, learned.target, synapse=None)
        probes = nengo.Probe(learned.node), nengo.Probe(learned.error)
    with nengo.Simulator(net, progress_bar=False, seed=seed) as sim:
        sim.run_steps(len(u))
    y, error = (sim.data[probe] for probe in probes)
    assert np.allclose(error, y - target)
    quarters = np.array_split(error, 4)
    return [np.sqrt(np.mean(one**2)) / target.std() for one in quarters]


def test_a_delay_is_learned():
    # Nothing learned is an error of 1.
    errors = run(lambda u: np.roll(u, 100, axis=0))
    assert errors[-1] < 0.2 < errors[0]


def test_learning_is_the_same_for_large_targets():
    errors = run(lambda u: np.roll(u, 100, axis=0), seconds=1.0)
    large = run(lambda u: np.roll(u, 100, axis=0), seconds=1.0, scale=1000.0)
    assert np.allclose(errors, large, rtol=1e-6)


def test_a_readout_is_held_as_it_is():
    process = nengo.processes.WhiteSignal(2.0, high=5, rms=0.3, seed=0)
    with nengo.Network(seed=0) as net:
        signal = nengo.Node(process)
        memory = LegendreMemory(0.2, 4, n_neurons=200)
        nengo.Connection(signal, memory.input, synapse=None)
        learned = memory.add_learned_readout(n_neurons=50)
        nengo.Connection(signal, learned.target, synapse=None)
        nengo.Connection(
            nengo.Node(lambda t: float(t > 0.5005)), learned.hold, synapse=None
        )
        probe = nengo.Probe(learned.connection, "weights", sample_every=0.1)
    with nengo.Simulator(net, progress_bar=False, seed=0) as sim:
        sim.run(1.0)
    weights = sim.data[probe]
    assert not np.allclose(weights[3], weights[4])
    assert np.array_equal(weights[6], weights[9])


def test_a_product_is_learned():
    # Neurons see what it is of.
    errors = run(
        lambda u: np.roll(u, 100, axis=0) * np.roll(u, 200, axis=0) / 0.3,
        points=[0.5, 1.0],
    )
    assert errors[-1] < 0.5 < errors[0]


def test_beyond_the_limit_of_lms_learning_diverges():
    with nengo.Network():
        memory = LegendreMemory(0.2, 6, n_neurons=300)
        limit = memory.add_learned_readout().stable_below
    with np.errstate(all="ignore"):
        errors = run(
            lambda u: np.roll(u, 100, axis=0), seconds=1.0, learning_rate=2 * limit
        )
    assert not errors[-1] < 10


@pytest.mark.parametrize(
    "options, name",
    [
        ({"size_out": 0}, "size_out"),
        ({"n_neurons": 0}, "n_neurons"),
        ({"radius": 0}, "radius"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"synapse": None}, "synapse"),
        ({"points": [2.0]}, "points"),
    ],
)
def test_bad_arguments_are_named(options, name):
    with nengo.Network():
        memory = LegendreMemory(0.1, 3, n_neurons=60)
    with pytest.raises(ValidationError) as error:
        memory.add_learned_readout(**options)
    assert error.value.attr == name


def test_rates_are_those_of_the_loop():
    with nengo.Network():
        memory = LegendreMemory(0.1, 3, n_neurons=60)
        learned = memory.add_learned_readout(size_out=2, synapse=0.009)
        given = memory.add_learned_readout(learning_rate=1e-5)
    # kappa is 2 at the limit, and dt / (4 tau) where the loop does not overshoot
    assert np.isclose(learned.learning_rate / learned.stable_below, 0.1 / 4 / 2)
    assert given.learning_rate == 1e-5
    assert learned.node.size_out == learned.target.size_in == 2
    rule = learned.connection.learning_rule_type
    assert rule.pre_synapse == learned.connection.synapse
