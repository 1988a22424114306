"""Trained weights move between networks by name, whatever memories are made of."""

import json

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU, LegendreMemory, load_weights, save_weights
from nengo_lmu.networks.weights import MATRICES

DT = 0.001


def network(seed=0, readout_bias=True, stack=False, **kwargs):
    """A cell with all its matrices, and a readout; the seed says which weights."""
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=seed) as net:
        net.stimulus = nengo.Node(lambda t: 0.5 * np.sin(20 * t))
        net.lmu = LMU(
            **{
                "theta": 0.1,
                "d": 4,
                "units": 6,
                "n_neurons": 0,
                "hidden_neuron_type": nengo.Tanh(),
                "input_encoders": rng.uniform(0.5, 1, (1, 1)),
                "hidden_encoders": rng.uniform(-0.1, 0.1, (1, 6)),
                "memory_encoders": rng.uniform(-0.1, 0.1, (1, 4)),
                "hidden_bias": rng.uniform(-0.1, 0.1, 6),
                **kwargs,
            }
        )
        nengo.Connection(net.stimulus, net.lmu.input, synapse=None)
        source = net.lmu.output
        if stack:
            second = LMU(
                0.05, 2, 6, units=6, n_neurons=0, input_encoders=np.ones((1, 6))
            )
            nengo.Connection(source, second.input, synapse=None)
            source = second.output
        out = nengo.Node(size_in=1, label="out")
        net.readout = nengo.Connection(
            source, out, transform=rng.uniform(-1, 1, (1, source.size_out))
        )
        if readout_bias:
            one = nengo.Node([1.0], label="one")
            nengo.Connection(one, out, transform=rng.uniform(-1, 1, (1, 1)))
        net.probe = nengo.Probe(out)
    return net


def said(net, seconds=0.3):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run(seconds)
    return sim.data[net.probe]


def moved(path, one, other):
    save_weights(one, path)
    load_weights(path, other)
    return other


def test_weights_make_the_same_network(tmp_path):
    """All matrices, readout and bias: outputs are equal but for rounding."""
    one, other = network(1), network(2)
    assert np.abs(said(one) - said(other)).max() > 0.1
    moved(tmp_path / "weights.npz", one, other)
    assert np.allclose(said(one), said(other), rtol=0, atol=1e-12)
    for name in MATRICES:
        first, second = (getattr(net.lmu, name).transform.init for net in (one, other))
        assert np.array_equal(first, second), name


def test_weights_are_those_of_any_memory(tmp_path):
    """From an ideal memory into neurons without noise, and into other numbers of them.

    Rates decode without error; all that differs is the step that the synapse takes, by
    which a signal of 20 / s changes by 2 %.
    """
    ideal = network(1)
    path = tmp_path / "weights.npz"
    for n_neurons in (40, 400):
        rates = network(
            2,
            n_neurons=n_neurons,
            neuron_type=nengo.RectifiedLinear(),
            max_rates=nengo.dists.Choice([100]),
        )
        moved(path, ideal, rates)
        expected = said(ideal)
        assert np.abs(said(rates) - expected).max() < 0.03 * np.ptp(expected)
    spiking = moved(path, ideal, network(3, n_neurons=2000))
    # of the noise, two thousand Poisson neurons leave little
    assert np.abs(said(spiking) - expected).max() < 0.1 * np.ptp(expected)


def test_weights_of_several_cells_and_of_a_cell_alone(tmp_path):
    one, other = network(1, stack=True), network(2, stack=True)
    moved(tmp_path / "weights.npz", one, other)
    assert np.allclose(said(one), said(other), rtol=0, atol=1e-12)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        names = {name for name in arrays.files if name.startswith("weights/")}
    assert {"weights/LMU.memory_kernel", "weights/LMU (2).memory_kernel"} <= names
    assert {"weights/LMU (2).output to out", "weights/one to out"} <= names
    third = network(3)
    kept = third.readout.transform.init
    moved(tmp_path / "cell.npz", network(1).lmu, third.lmu)
    kernels = [net.lmu.memory_kernel.transform.init for net in (one, third)]
    assert np.array_equal(*kernels)
    assert third.readout.transform.init is kept


def test_learned_theta_moves_with_them(tmp_path):
    """Into a trainable one; a fixed one must be the same."""
    path = tmp_path / "weights.npz"
    one, other = (network(i, trainable_theta=True) for i in (1, 2))
    one.lmu.memory.theta = 0.16
    moved(path, one, other)
    assert other.lmu.theta == pytest.approx(0.16, rel=1e-12)
    assert np.allclose(said(one), said(other), rtol=0, atol=1e-12)
    with pytest.raises(ValidationError, match=r"theta=0.16 in .* make it with theta"):
        load_weights(path, network(2))
    with pytest.raises(ValidationError, match="cannot be changed"):
        network(2).lmu.memory.theta = 0.2
    with pytest.raises(ValidationError, match="theta.*0.0001"):
        one.lmu.memory.theta = 0.0001
    load_weights(path, network(2, theta=0.16))


def test_feed_forward_part_of_a_cell_that_learned_no_more(tmp_path):
    """Matrices that are all 0 need not be there; others do."""
    path = tmp_path / "weights.npz"
    zeros = dict.fromkeys(("hidden_encoders", "memory_encoders"), 0)
    one = network(1, input_kernel=None, hidden_kernel=0, **zeros)
    nothing = dict.fromkeys(("hidden_encoders", "memory_encoders", "hidden_kernel"))
    moved(path, one, network(2, input_kernel=None, **nothing))
    one = network(1, input_kernel=None, hidden_kernel=None)
    with pytest.raises(ValidationError, match="LMU.memory_encoders not in the network"):
        moved(path, one, network(2, input_kernel=None, **nothing))


@pytest.mark.parametrize(
    "change, says",
    [
        ({"d": 5, "memory_encoders": 0}, "LMU has d=4 in the file, but d=5 in"),
        ({"theta": 0.2}, "theta=0.1 in the file, but theta=0.2 in the network; make"),
        ({"units": 7, "hidden_encoders": 0, "hidden_bias": 0}, "units=6 in the file"),
        ({"hidden_bias": None}, "LMU.hidden_bias not in the network; make the network"),
        (
            {"label": "cell"},
            "memories are others: cell not in the file; LMU not in",
        ),
        ({"readout_bias": False}, "connections are others: one to out not in the net"),
    ],
)
def test_weights_of_other_networks_are_refused(change, says, tmp_path):
    """In words, and nothing is changed by then."""
    path = tmp_path / "weights.npz"
    save_weights(network(1), path)
    other = network(2, **change)
    before = other.lmu.memory_kernel.transform.init.copy()
    with pytest.raises(ValidationError, match=says):
        load_weights(path, other)
    assert np.array_equal(other.lmu.memory_kernel.transform.init, before)


def test_matrices_of_other_shapes_are_refused(tmp_path):
    """As those of a cell with another number of inputs, which its memory has not."""

    def cell(size_in):
        encoders = np.ones((1, size_in))
        with nengo.Network(seed=0):
            return LMU(0.1, 4, size_in, 6, n_neurons=0, input_encoders=encoders)

    save_weights(cell(1), tmp_path / "weights.npz")
    message = r"LMU.input_encoders has shape \(1, 1\) in the file, but \(1, 2\) in"
    with pytest.raises(ValidationError, match=message):
        load_weights(tmp_path / "weights.npz", cell(2))


def test_other_gains_of_hidden_units_are_refused(tmp_path):
    """Weights that were learned for some gains mean others with others."""
    path = tmp_path / "weights.npz"

    def spiking(rates):
        net = nengo.Network(seed=0)
        net.config[nengo.Ensemble].max_rates = rates
        with net:
            LMU(0.1, 4, units=6, n_neurons=80)
        return net

    save_weights(spiking(nengo.dists.Uniform(100, 200)), path)
    load_weights(path, spiking(nengo.dists.Uniform(100, 200)))
    # all alike: the scale is the unit's
    save_weights(spiking(nengo.dists.Choice([200])), path)
    load_weights(path, spiking(nengo.dists.Choice([150])))
    with pytest.raises(ValidationError, match="other gains.*the same max_rates"):
        load_weights(path, spiking(nengo.dists.Uniform(100, 200)))


def test_what_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "weights.npz"
    with nengo.Network() as nothing:
        nengo.Node([0.0])
    with pytest.raises(ValidationError, match="neither an LMU nor a LegendreMemory"):
        save_weights(nothing, path)
    trained = network()
    trained.lmu.memory.config[nengo.Connection].trainable = True
    with pytest.raises(ValidationError, match=r"LMU is itself trained \(A and B\)"):
        save_weights(trained, path)
    decoded = network()
    with decoded:
        ensemble = nengo.Ensemble(10, 1)
        nengo.Connection(ensemble, decoded.lmu.input)
    with pytest.raises(ValidationError, match="from an ensemble or has no dense"):
        save_weights(decoded, path)
    assert not path.exists()


def test_memory_alone_has_its_theta(tmp_path):
    def memory():
        with nengo.Network(seed=0) as net:
            net.memory = LegendreMemory(0.1, 3, n_neurons=0, trainable_theta=True)
        return net

    one, other = memory(), memory()
    one.memory.theta = 0.2
    moved(tmp_path / "weights.npz", one, other)
    assert other.memory.theta == pytest.approx(0.2)


def test_files_that_are_no_weights(tmp_path):
    """Nothing is unpickled, and one line says what is wrong."""
    net, path = network(), tmp_path / "weights.npz"
    with pytest.raises(ValidationError, match="not to be read .* save_weights wrote"):
        load_weights(path, net)
    path.write_bytes(b"no archive")
    with pytest.raises(ValidationError, match="no archive of weights, or damaged"):
        load_weights(path, net)
    np.savez(path, metadata=json.dumps({"format": "another", "cells": {}}))
    with pytest.raises(ValidationError, match="of another version .'another'."):
        load_weights(path, net)
    np.savez(path, metadata=np.array({}, dtype=object))
    with pytest.raises(ValidationError, match="no archive of weights, or damaged"):
        load_weights(path, net)
    save_weights(net, path)
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["weights/LMU.memory_kernel"][0, 0] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(ValidationError, match="damaged: weights/LMU.memory_kernel"):
        load_weights(path, net)
