"""The spikes in which the host sends the input of a memory to the chip."""

import nengo
import numpy as np
import pytest

pytest.importorskip("nengo_loihi")

from nengo_lmu.loihi.builder.input_code import STEPS, VALUES, SpikeCode  # noqa: E402


def coded(u):
    """Return the spikes, and the values that they stand for."""
    code = SpikeCode(u.shape[1])
    spikes = code.apply(u, d=code.default_size_out)
    values = spikes.reshape(len(u), u.shape[1], len(VALUES)) @ VALUES
    return spikes, values


@pytest.mark.parametrize("size", [1, 3])
def test_the_integral_is_right(size):
    """What is left over is never more than half a step, so never in the sum either."""
    u = np.random.RandomState(size).uniform(-1, 1, size=(500, size))
    spikes, values = coded(u)
    assert set(np.unique(spikes)) == {0, 1}
    assert np.abs(np.cumsum(values - u, axis=0)).max() <= 0.5 / STEPS + 1e-12
    assert np.abs(values - u).max() <= 1 / STEPS + 1e-12


def test_whole_steps_are_exact():
    u = np.arange(-STEPS, STEPS + 1)[:, np.newaxis] / STEPS
    spikes, values = coded(u)
    assert np.allclose(values, u)
    assert not np.any(spikes[STEPS])  # none for 0
    # never on and off neurons at once
    on, off = spikes[:, ::2].any(axis=1), spikes[:, 1::2].any(axis=1)
    assert not np.any(on & off)


def test_values_out_of_range_are_cut_off():
    """And not made up for later."""
    u = np.concatenate([np.full(100, 7.0), np.full(100, -0.2)])[:, np.newaxis]
    values = coded(u)[1]
    assert np.allclose(values[:100], 1)
    assert values[100:].mean() == pytest.approx(-0.2, abs=0.5 / STEPS / 100 + 1e-9)


def test_a_node_has_the_code_of_its_input():
    u = 0.37
    with nengo.Network() as net:
        code = nengo.Node(SpikeCode(1))
        nengo.Connection(nengo.Node(u), code, synapse=None)
        probe = nengo.Probe(code)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(300)
    assert (sim.data[probe] @ VALUES).mean() == pytest.approx(u, abs=1 / STEPS / 300)
