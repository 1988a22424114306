"""The reset of a memory on the chip, which the host makes."""

import warnings
from functools import partial

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, SimulationError

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.loihi import resources  # noqa: E402
from nengo_lmu.loihi.builder.reset import HOLD, Brake  # noqa: E402

DT = 0.001
BEFORE, AFTER = 300, 240


def network(size_in=1, d=4, seed=0, reset=True, n_neurons=None, **memory):
    """Return a network with nodes for the signals of a memory."""
    with nengo.Network(seed=seed) as net:
        net.u, net.r = nengo.Node(np.zeros(size_in)), nengo.Node([0.0])
        net.memory = LegendreMemory(
            0.2, d, size_in, n_neurons, reset=reset, seed=seed, label="wm", **memory
        )
        nengo.Connection(net.u, net.memory.input, synapse=None)
        if reset:
            nengo.Connection(net.r, net.memory.reset, synapse=None)
        net.window = nengo.Probe(net.memory.add_window(np.linspace(0, 1, 20)))
        net.decoded = nengo.Probe(net.memory.decoded)
    return net


def run(net, u, r=None, simulator=nengo_loihi.Simulator):
    """Return the simulator after a run with these inputs and resets."""
    net.u.output = nengo.processes.PresentInput(u, DT)
    if r is not None:
        net.r.output = nengo.processes.PresentInput(r[:, np.newaxis], DT)
    with simulator(net, progress_bar=False, seed=0) as sim:
        sim.run_steps(len(u))
    return sim


def signals(seed=0, hold=HOLD, size_in=1):
    """Return a large constant and noise after it, and a reset in between."""
    noise = nengo.processes.WhiteSignal(2.0, high=5, rms=0.33, seed=seed)
    noise = np.clip(noise.run_steps(AFTER, d=size_in, dt=DT), -1, 1)
    u = np.concatenate([np.full((BEFORE + hold, size_in), 0.9), noise])
    r = np.zeros(len(u))
    r[BEFORE : BEFORE + hold] = 1
    return u, r


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize(
    "memory",
    [{}, {"trainable_theta": True}, {"size_in": 2, "d": 2}],
    ids=["default", "trainable theta", "two inputs"],
)
def test_after_a_reset_the_window_is_that_of_a_fresh_memory(memory):
    """In its error, over four seeds; what is left at once is 2 % of what there was.

    Both errors are rms values over 4 x 239 x 4 values of noise that is correlated over
    some 50 steps: of about 75 independent ones, so that their ratio has a deviation of
    12 %, and 1.5 is more than three of them.
    """
    errors = {"after": [], "fresh": []}
    for seed in range(4):
        u, r = signals(seed, size_in=memory.get("size_in", 1))
        ideal = network(n_neurons=0, reset=False, **memory)
        expected = run(ideal, u[-AFTER:], simulator=nengo.Simulator).data[ideal.window]
        for name, reset in (("after", True), ("fresh", False)):
            net = network(seed=seed, reset=reset, **memory)
            sim = run(net, u, r) if reset else run(net, u[-AFTER:])
            found = sim.data[net.window][-AFTER:]
            errors[name].append(found[1:] - expected[:-1])
            if reset:
                before = sim.data[net.window][BEFORE - 1]
                cleared = sim.data[net.window][BEFORE + HOLD]
                assert rms(before) > 0.7
                assert rms(cleared) < 0.02 * rms(before)
    assert 1 / 1.5 < rms(errors["after"]) / rms(errors["fresh"]) < 1.5


def test_the_chip_is_cleared_too():
    """What its neurons say at the end of a reset, while the input goes on.

    Fewer than 1 in 20 of the spikes that there were: neurons that are given nothing
    fire at up to half a level of the noise, 2 hertz, those given this state at 40.
    """
    net = network()
    with net:
        spikes = nengo.Probe(net.memory.ensembles[0].neurons)
    u, r = signals(hold=2 * HOLD)
    counts = run(net, u, r).data[spikes].sum(axis=1)
    before, cleared = counts[BEFORE - HOLD : BEFORE], counts[BEFORE + HOLD :][:HOLD]
    assert before.mean() > 0
    assert cleared.mean() < before.mean() / 20


@pytest.mark.filterwarnings("ignore:.*was held for")
def test_part_of_a_reset_clears_as_much_more_slowly():
    """``y[t+1] = A_x y[t] - r y[t-1] / N`` goes as ``exp(-r / N)``, for a small r."""
    net = network()
    u, r = signals()
    u[BEFORE:] = 0  # shut out only in part
    left = {}
    for part in (0.25, 0.5):
        window = run(net, u, part * r).data[net.window]
        left[part] = rms(window[BEFORE + 40]) / rms(window[BEFORE])
    assert left[0.5] < left[0.25] < 0.5
    assert left[0.25] > 0.05


def test_without_a_reset_in_the_run_it_is_the_memory_without_one():
    """Spike for spike: the input is let in as it is, and nothing is taken.

    In floating point, since in whole numbers larger weights make for coarser voltages.
    """
    u, r = signals()
    with_reset, without = network(), network(reset=False)
    in_floats = partial(nengo_loihi.Simulator, target="simreal")
    found = run(with_reset, u, 0 * r, in_floats).data
    expected = run(without, u, simulator=in_floats).data
    for name in ("window", "decoded"):
        values = expected[getattr(without, name)]
        assert rms(values) > 0.1
        assert np.allclose(found[getattr(with_reset, name)], values)


@pytest.mark.parametrize("part, hold", [(1, 1), (1, HOLD // 2), (0.5, HOLD)])
def test_a_reset_that_is_too_short_is_told(part, hold):
    u, r = signals(hold=hold)
    with pytest.warns(
        UserWarning, match=rf"wm.reset was held for .* hold it for {HOLD}"
    ):
        run(network(n_neurons=40), u, part * r)


def test_a_reset_that_is_long_enough_is_not():
    brake = Brake("reset", 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in (1, 0.1):
            for _ in range(round(HOLD / part)):
                brake(0.0, np.array([part, 1.0]))
            brake(0.0, np.array([0.0, 1.0]))


def test_a_reset_out_of_range_ends_the_simulation():
    u, r = signals()
    with pytest.raises(SimulationError, match="wm.reset is 2 .* from 0 to 1"):
        run(network(n_neurons=40), u, 2 * r)


@pytest.mark.parametrize("rates", [nengo.RectifiedLinear(), nengo.LIFRate()])
def test_network_is_as_before_afterwards_and_after_an_error(rates):
    u, r = signals()
    net = network(neuron_type=nengo.PoissonSpiking(rates))
    objects = list(net.all_objects)
    before = run(net, u, simulator=nengo.Simulator).data[net.window]
    if rates == nengo.RectifiedLinear():
        run(net, u, 0 * r)
    else:
        with pytest.raises(BuildError, match="rectified"):
            run(net, u, 0 * r)
    assert list(net.all_objects) == objects
    after = run(net, u, 0 * r, nengo.Simulator).data[net.window]
    assert np.allclose(after, before)


def test_a_cell_resets_its_memory_and_fits_as_resources_say():
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.2, 4, units=5, n_neurons=200, reset=True, coupling="full")
        nengo.Connection(nengo.Node([0.5]), lmu.input, synapse=None)
        late = nengo.Node(lambda t: float(t > 0.3))
        nengo.Connection(late, lmu.memory.reset, synapse=None)
        probe = nengo.Probe(lmu.memory.output)
    assert resources(net).fits
    with nengo_loihi.Simulator(net, progress_bar=False, seed=0) as sim:
        sim.run_steps(300 + HOLD)
    state = sim.data[probe]
    # what hidden units say to the memory is not shut out
    assert rms(state[-1]) < 0.2 * rms(state[299])
