"""Currents that are to be expected fit on the chip, or are told of beforehand."""

import warnings

import nengo
import numpy as np
import pytest

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu import LMU  # noqa: E402
from nengo_lmu.loihi import resources  # noqa: E402
from nengo_lmu.loihi.builder import splitting  # noqa: E402
from nengo_lmu.loihi.builder.headroom import LARGEST_CURRENT  # noqa: E402

DT = 0.001
POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())


def reader(size):
    """Units that are given the state times random weights of a size."""
    u = np.random.RandomState(0).uniform(-1, 1, size=300)
    rng = np.random.RandomState(1)
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(nengo.processes.PresentInput(u[:, None], 5 * DT))
        net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([800.0])
        net.lmu = LMU(
            0.2,
            2,
            n_neurons=160,
            units=20,
            hidden_neuron_type=POISSON,
            coupling="feed-forward",
            input_range=np.repeat(u, 5),
            synapse=0.1,
        )
        kernel = net.lmu.memory_kernel
        kernel.transform = size * rng.standard_normal(kernel.transform.init.shape)
        nengo.Connection(stimulus, net.lmu.input, synapse=None)
        net.spikes = nengo.Probe(net.lmu.hidden.neurons)
    return net


def run(net, n_steps=800):
    """Return the largest current of each block in a run, and what was told of it."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
            state = sim.sims["emulator"].compartment
            largest = np.zeros(state.n_compartments)
            for _ in range(n_steps):
                sim.run_steps(1)
                np.maximum(largest, np.abs(state.current), out=largest)
            blocks = [
                float(largest[state.slices[block.compartment]].max())
                for block in sim.model.blocks
            ]
    return blocks, [str(warning.message) for warning in told]


def test_large_weights_get_a_scale_at_which_their_currents_fit(monkeypatch):
    """The same units overflow where nothing is expected.

    6 standard deviations are expected, besides biases and noise: a state of 800 steps
    reaches 2 of them, and hardly ever all 6.
    """
    net = reader(20.0)
    needs = resources(net)
    assert needs.fits and 0 < needs.largest_current.fraction <= 1
    assert "largest current to expect" in str(needs)
    largest, told = run(net)
    assert not [text for text in told if "verflow" in text]
    for block, current in zip(needs.blocks, largest):
        assert block.current / 8 < current < block.current
    monkeypatch.setattr(splitting, "expected_currents", lambda model: {})
    _, told = run(net)
    assert [text for text in told if "Overflow in" in text]


def test_what_would_overflow_at_any_scale_is_told_before_it_is_run():
    net = reader(2e3)
    needs = resources(net)
    assert not needs.fits
    problem = needs.problems[-1]
    assert problem.startswith("LMU.hidden") and f"{LARGEST_CURRENT}" in problem
    assert "overflows" in problem and "smaller weights" in problem
    with pytest.warns(UserWarning, match="LMU.hidden .* overflows"):
        nengo_loihi.Simulator(net, seed=0, progress_bar=False).close()


def test_what_is_expected_is_what_is_given():
    """Root mean squares of currents are a sixth of the largest that are expected.

    To a third: 1600 steps are 8 windows of the memory.
    """
    net = reader(1.0)
    needs = resources(net)
    by_name = {block.ensemble: block for block in needs.blocks}
    with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
        state = sim.sims["emulator"].compartment
        squares = np.zeros(state.n_compartments)
        for _ in range(1600):
            sim.run_steps(1)
            squares += state.current.astype(float) ** 2
        rms = np.sqrt(squares / 1600)
        for block, label in zip(sim.model.blocks, by_name):
            found = rms[state.slices[block.compartment]].max()
            bias = np.abs(block.compartment.bias).max() + 2**block.compartment.noise_exp
            expected = (by_name[label].current - bias) / 6
            assert found == pytest.approx(expected, rel=0.33), label
