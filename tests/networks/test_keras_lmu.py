"""Weights on their way to keras-lmu's layer and back, and what it makes of them."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU
from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.networks import from_keras_lmu, keras_lmu_arguments, to_keras_lmu

N_STEPS = 60
CELLS = {
    "full": {},
    "bias": {"hidden_bias": 0.1},
    "no feedback": {"hidden_encoders": None, "memory_encoders": None},
    "no state fed back": {"memory_encoders": None},
    "no input to hidden units": {"input_kernel": None},
    "feed-forward": {"coupling": "feed-forward", "hidden_bias": -0.1},
    "trainable theta": {"trainable_theta": True},
}


def network(name, seed=0, **kwargs):
    """A cell of two inputs and three signals; where something is left out, it is."""
    rng = np.random.RandomState(seed)
    given = {
        "hidden_encoders": rng.uniform(-0.1, 0.1, (3, 5)),
        "memory_encoders": rng.uniform(-0.1, 0.1, (3, 12)),
    }
    if name == "feed-forward":
        given = {}
    x = rng.uniform(-1, 1, (N_STEPS, 2))
    with nengo.Network(seed=seed) as net:
        net.x = x
        stimulus = nengo.Node(nengo.processes.PresentInput(x, 0.001))
        net.lmu = LMU(
            0.05,
            4,
            size_in=2,
            units=5,
            input_encoders=rng.uniform(-1, 1, (3, 2)),
            **{"n_neurons": 0, **given, **CELLS[name], **kwargs},
        )
        nengo.Connection(stimulus, net.lmu.input, synapse=None)
        net.probe = nengo.Probe(net.lmu.output)
    return net


def said(net):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
    return sim.data[net.probe]


def cell_of_keras_lmu(weights, arguments, x):
    """Go through the equations of keras-lmu 0.9's LMUCell, as its source has them.

    With a SimpleRNNCell, or a Dense layer, of tanh as its hidden cell.
    """
    weights = list(weights)
    d, n = arguments["order"], arguments["memory_d"]
    recurrent = weights.pop() if arguments["memory_to_memory"] else None
    theta = 1 / weights.pop() if arguments["trainable_theta"] else arguments["theta"]
    hidden, *others, bias, kernel = weights
    A, B = discretize(*state_space(theta, d), 1.0, method=arguments["discretizer"])
    m, h, outputs = np.zeros(n * d), np.zeros(len(bias)), []
    for row in x:
        u = np.concatenate([row, h]) if arguments["hidden_to_memory"] else row
        u = u @ kernel
        if recurrent is not None:
            u = u + m @ recurrent
        m = (m.reshape(n, d) @ A.T + u[:, np.newaxis] @ B.T).ravel()
        h_in = np.concatenate([m, row]) if arguments["input_to_hidden"] else m
        h = np.tanh(h_in @ hidden + bias + sum(h @ other for other in others))
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize("name", CELLS)
def test_weights_are_those_of_the_same_cell(name):
    """By the layer's equations, and by nengo.Simulator; and back into another cell."""
    net, other = network(name, seed=1), network(name, seed=2)
    if name == "trainable theta":
        net.lmu.memory.theta = 0.07
    weights, arguments = to_keras_lmu(net.lmu), keras_lmu_arguments(net.lmu)
    expected = said(net)
    assert np.ptp(expected) > 0.1
    assert np.allclose(cell_of_keras_lmu(weights, arguments, net.x), expected)
    from_keras_lmu(weights, other.lmu)
    for one, same in zip(weights, to_keras_lmu(other.lmu)):
        assert np.allclose(one, same, rtol=1e-15)
    assert other.lmu.theta == pytest.approx(net.lmu.theta, rel=1e-12)


def test_weights_go_into_spiking_memories():
    net = network("full", seed=1)
    spiking = network("full", 2, n_neurons=240, hidden_neuron_type=nengo.Tanh())
    from_keras_lmu(to_keras_lmu(net.lmu), spiking.lmu)
    assert np.array_equal(
        net.lmu.memory_encoders.transform.init,
        spiking.lmu.memory_encoders.transform.init,
    )


def test_other_weights_are_refused():
    net = network("full")
    kernel, recurrent, bias, *of_memory = to_keras_lmu(net.lmu)
    assert not np.any(bias)

    def take(bias):
        from_keras_lmu([kernel, recurrent, *bias, *of_memory], net.lmu)

    with pytest.raises(ValidationError, match=r"must have the shapes .* \(8,\)"):
        take([np.zeros(8)])
    with pytest.raises(ValidationError, match="must have the shapes"):
        from_keras_lmu([kernel, bias, *of_memory], net.lmu)
    with pytest.raises(ValidationError, match="bias .* make it with hidden_bias=0"):
        take([np.ones(5)])
    with pytest.raises(ValidationError, match="weights.*NaN"):
        take([np.full(5, np.nan)])
    take([])  # of a cell with use_bias=False
    with nengo.Network():
        memory = LMU(0.05, 4)
    with pytest.raises(ValidationError, match="units > 0 and a memory_kernel"):
        to_keras_lmu(memory)


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_layer_of_keras_lmu_says_the_same(name):
    """That of keras-lmu itself, in single precision, with weights there and back."""
    pytest.importorskip("nengo_dl")
    keras_lmu = pytest.importorskip("keras_lmu")
    import keras

    net = network(name, seed=1)
    cell = keras.layers.SimpleRNNCell(5)
    if net.lmu.hidden_kernel is None:
        cell = keras.layers.Dense(5, activation="tanh")
    layer = keras_lmu.LMU(
        **keras_lmu_arguments(net.lmu), hidden_cell=cell, return_sequences=True
    )
    layer.build((1, N_STEPS, 2))
    layer.set_weights(to_keras_lmu(net.lmu))
    output = np.asarray(layer(net.x[np.newaxis].astype(np.float32)))[0]
    assert np.abs(output - said(net)).max() < 2e-6
    other = network(name, seed=2)
    from_keras_lmu(layer.get_weights(), other.lmu)
    for one, same in zip(to_keras_lmu(net.lmu), to_keras_lmu(other.lmu)):
        assert np.allclose(one, same, rtol=1e-6)
