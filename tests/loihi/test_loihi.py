"""Poisson neurons and Legendre memories on the emulator of NengoLoihi."""

import os
import re
import subprocess
import sys
import tempfile
import textwrap

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError

import nengo_lmu
from nengo_lmu import LMU, LegendreMemory
from nengo_lmu.legendre import discretize, principle3, readout, simulate, state_space
from nengo_lmu.loihi.builder.ours import ours

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_loihi.builder import Builder  # noqa: E402
from nengo_loihi.builder.connection import build_connection  # noqa: E402
from nengo_loihi.builder.discretize import (  # noqa: E402
    discretize_block,
)
from nengo_loihi.builder.network import build_network  # noqa: E402

from nengo_lmu.loihi import on_chip  # noqa: E402
from nengo_lmu.loihi.builder import connections  # noqa: E402
from nengo_lmu.loihi.builder.decays import chip_decay, in_time  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(nengo_lmu.__file__)))
POINTS = np.linspace(0, 1, 50)
DT = 0.001

POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())
STOCHASTIC = nengo.StochasticSpiking(nengo.RectifiedLinear())
# NengoLoihi warns of voltages that are random to start with, which are Nengo's default
AT_ZERO = {"initial_state": {"voltage": nengo.dists.Choice([0])}}

# what `nengo_loihi.Simulator` is given besides the network
TARGETS = pytest.mark.parametrize(
    "options", [{}, {"target": "simreal"}], ids=["fixed point", "floating point"]
)


def run(net, n_steps, simulator=nengo_loihi.Simulator, dt=DT, **options):
    with simulator(net, dt=dt, progress_bar=False, **options) as sim:
        sim.run_steps(n_steps)
    return sim


def played(u):
    return nengo.Node(nengo.processes.PresentInput(u, DT))


def populations(neuron_type, currents, n_neurons, by_connection=False):
    """A network with one population of neurons for each input current."""
    with nengo.Network(seed=0) as net:
        net.probed = []
        one = nengo.Node([1.0]) if by_connection else None
        for current in currents:
            ensemble = nengo.Ensemble(
                n_neurons,
                1,
                neuron_type=neuron_type,
                gain=np.ones(n_neurons),
                bias=np.full(n_neurons, 0.0 if by_connection else current),
            )
            if by_connection:
                nengo.Connection(
                    one,
                    ensemble.neurons,
                    transform=np.full((n_neurons, 1), current),
                    synapse=None,
                )
            net.probed.append(nengo.Probe(ensemble.neurons))
    return net


# --- rates

RATES = (20, 30, 50, 100, 200, 350, 500)


def assert_bernoulli(spikes, rate, dt):
    """Check independent spikes in each step, with a probability of ``rate * dt``.

    The tests' least number of spikes is that of 200 neurons in 4 s at 20 hertz: 16000,
    so that 3 % of the rate is 3.8 sigma and 0.05 of the coefficient of variation, which
    has an error of about 1 / sqrt(16000), 6 sigma. Neurons differ by a level of the
    chip's noise at most: 2 hertz either way, which adds 0.003 to it at 20 hertz.
    """
    n_steps, n_neurons = spikes.shape
    p = rate * dt
    assert spikes.sum() > 15000
    assert spikes.mean() / dt == pytest.approx(rate, rel=0.03)
    # intervals from one train of all neurons in turn, so that none is cut off
    intervals = np.diff(np.flatnonzero(spikes.T))
    assert intervals.std() / intervals.mean() == pytest.approx(np.sqrt(1 - p), abs=0.05)
    # independent of each other: the population's count is binomial in each step. The
    # variance of 4000 counts is known to 2.2 %
    counts = spikes.sum(axis=1)
    assert counts.var() == pytest.approx(n_neurons * p * (1 - p), rel=0.1)
    # no synchrony from step to step
    assert abs(np.corrcoef(counts[1:], counts[:-1])[0, 1]) < 5 / np.sqrt(n_steps)


@TARGETS
@pytest.mark.parametrize("neuron_type", [POISSON, STOCHASTIC], ids=["Poisson", "Stoch"])
def test_rates(neuron_type, options):
    net = populations(neuron_type, RATES, 200)
    sim = run(net, 4010, **options)
    for rate, probe in zip(RATES, net.probed):
        assert_bernoulli(sim.data[probe][10:] > 0, rate, DT)


def test_rates_of_input_current():
    """The same through a connection: weights lose no more than the threshold does."""
    net = populations(POISSON, RATES, 200, by_connection=True)
    sim = run(net, 4010)
    for rate, probe in zip(RATES, net.probed):
        assert_bernoulli(sim.data[probe][10:] > 0, rate, DT)


@pytest.mark.parametrize(
    "dt, currents", [(0.0005, (50, 500, 1500)), (0.002, (20, 300))]
)
def test_rates_at_other_time_steps(dt, currents):
    net = populations(POISSON, currents, 200)
    sim = run(net, round(4.01 / dt / (4 if dt < DT else 1)) + 10, dt=dt)
    for rate, probe in zip(currents, net.probed):
        spikes = sim.data[probe][10:] > 0
        # fewer spikes than above at the lowest of these rates: 4 sigma
        assert spikes.mean() / dt == pytest.approx(rate, rel=4 / np.sqrt(spikes.sum()))


def test_rates_are_linear_between_levels():
    """A level of the noise is 4 hertz, but over a population rates are continuous.

    One step of 0.5 hertz at 100 hertz, with 2000 neurons and 2 s: sigma is 0.15 hertz.
    """
    currents = 100 + np.arange(0, 4, 0.5)
    net = populations(POISSON, currents, 1000)
    sim = run(net, 4010)
    rates = [np.mean(sim.data[probe][10:] > 0) / DT for probe in net.probed]
    assert np.abs(rates - currents).max() < 0.65


def test_neurons_below_threshold_and_above_the_largest_rate():
    """Currents below 0 never make a spike; one spike in each step is the most."""
    net = populations(POISSON, (-300, -5, 0, 1200), 100)
    sim = run(net, 1010)
    low, just, zero, high = (sim.data[probe][10:] > 0 for probe in net.probed)
    assert not low.any() and not just.any()
    # neurons differ by half a level: 2 hertz in half of them at most, 0.5 on average
    assert zero.mean() / DT < 1
    assert high.all()


def test_amplitude():
    """It scales spikes, their decoded values and what they do to other neurons."""
    neuron_type = nengo.PoissonSpiking(nengo.RectifiedLinear(), amplitude=0.5)
    with nengo.Network(seed=0) as net:
        first, second = (
            nengo.Ensemble(
                200, 1, neuron_type=neuron_type, gain=np.ones(200), bias=np.full(200, b)
            )
            for b in (200.0, 0.0)
        )
        nengo.Connection(
            first.neurons,
            second.neurons,
            transform=np.full((200, 200), 1 / 200),
            synapse=0.005,
        )
        probes = [nengo.Probe(first.neurons), nengo.Probe(second.neurons)]
    sim = run(net, 2100)
    spikes = [sim.data[probe][100:] for probe in probes]
    assert set(np.unique(spikes[0])) == {0, 0.5 / DT}
    assert (spikes[0] > 0).mean() / DT == pytest.approx(200, rel=0.03)
    # 100 hertz: the mean of the first population times its amplitude
    assert (spikes[1] > 0).mean() / DT == pytest.approx(100, rel=0.03)


# --- the test bed of the published figures


def test_bed(seed, seconds, tau=0.1, d=6, **kwargs):
    """The usual one, with inputs of a bandwidth that the order is right for."""
    process = nengo.processes.WhiteSignal(seconds, high=d / 6, rms=0.3, y0=0, seed=seed)
    with nengo.Network(seed=seed) as net:
        stim = nengo.Node(process)
        lmu = LMU(
            1.0,
            d,
            n_neurons=100 * d,
            synapse=tau,
            max_rates=nengo.dists.Uniform(100, 120),
            **kwargs,
        )
        nengo.Connection(stim, lmu.input, synapse=None)
        net.u, net.m = nengo.Probe(stim), nengo.Probe(lmu.output)
    return net


test_bed.__test__ = False  # not a test, for all its name


def window_error(net, simulator, seconds, d, late):
    """RMS of the decoded window's error over the rms of the input, after ``theta``."""
    sim = run(net, round(seconds / DT), simulator)
    u = sim.data[net.u][:, 0]
    difference = sim.data[net.m][late:] - simulate(u, 1.0, d)[: len(u) - late]
    difference = difference[1000:] @ readout(d, POINTS).T
    return np.sqrt(np.mean(difference**2)) / np.sqrt(np.mean(u**2))


def compare_with_reference(seeds, seconds, tau=0.1, d=6):
    """The default memory on the chip, which takes one step more on the way.

    The reference has no error feedback, as the chip cannot.
    """
    reference, emulator = [], []
    for seed in seeds:
        net = test_bed(seed, seconds, tau, d, error_feedback=0)
        reference.append(window_error(net, nengo.Simulator, seconds, d, late=1))
        net = test_bed(seed, seconds, tau, d)
        emulator.append(window_error(net, nengo_loihi.Simulator, seconds, d, late=2))
    means = np.mean(reference), np.mean(emulator)
    print(f"d={d}, tau={tau}: reference {means[0]:.3f}, emulator {means[1]:.3f}")
    return means[1] / means[0]


def test_memory_is_as_good_as_in_the_reference_simulator():
    """Eight windows each: the ratio of the errors is known to about 20 %."""
    assert compare_with_reference(range(2), 5.0) <= 1.3


@pytest.mark.slow
@pytest.mark.parametrize("d", [6, 12, 24])
@pytest.mark.parametrize("tau", [0.05, 0.1, 0.2])
def test_memory_is_as_good_as_in_the_reference_simulator_at_length(tau, d):
    """Fifty windows each: the ratio of the errors is known to about 8 %."""
    assert compare_with_reference(range(5), 11.0, tau, d) <= 1.15


# --- how signals get to the memory and out of it


def assert_same_state(m, ideal, covariance, late=2, factor=1.7):
    """The error is that of the noise; ``factor`` is for its few independent values."""
    error = np.sqrt(np.mean((m[late:] - ideal[: len(m) - late]) ** 2, axis=0))
    expected = np.sqrt(np.diag(covariance))
    assert np.all(error < factor * np.tile(expected, len(error) // len(expected)))


def test_input_is_filtered_once():
    """The step response is that of the ideal memory, without a second low-pass.

    That would take a tenth of a second, in which the ideal state moves by 10 sigma.
    """
    u = np.where(np.arange(1000) < 100, 0.0, 0.5)[:, np.newaxis]
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 2, n_neurons=1000, error_feedback=0)
        nengo.Connection(played(u), lmu.input, synapse=None)
        probe = nengo.Probe(lmu.output)
    ideal = simulate(u, 0.5, 2).reshape(1000, -1)
    delayed = lmu.memory.synapse.filt(ideal, dt=DT)
    sigma = np.sqrt(np.diag(lmu.memory.noise_covariance))
    assert np.all(np.abs(ideal - delayed).max(axis=0) > 10 * sigma)
    for simulator, late in ((nengo.Simulator, 1), (nengo_loihi.Simulator, 2)):
        m = run(net, 1000, simulator).data[probe]
        assert_same_state(m, ideal, lmu.memory.noise_covariance, late)


def sines(size, amplitude=1.0):
    t = DT * np.arange(1, 1001)[:, np.newaxis]
    return amplitude * np.sin(2 * np.pi * t * (1 + 0.7 * np.arange(size)))


@pytest.mark.parametrize("amplitude", [0.02, 3.0, 50.0])
def test_input_of_another_size(amplitude):
    """The radius, which the memory is made for, is what on and off neurons carry."""
    u = sines(1, amplitude)
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 3, n_neurons=450, input_range=amplitude, error_feedback=0)
        nengo.Connection(played(u), lmu.input, synapse=None)
        probe = nengo.Probe(lmu.output)
    m = run(net, 1000).data[probe]
    ideal = simulate(u, 0.5, 3).reshape(1000, -1)
    assert_same_state(m, ideal, lmu.memory.noise_covariance, factor=2)


def test_synapse_of_the_users_connection():
    """It filters what goes into the memory, as in the reference simulator."""
    u = np.where(np.arange(1000) < 100, 0.0, 0.8)[:, np.newaxis]
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 2, n_neurons=500, error_feedback=0)
        nengo.Connection(played(u), lmu.input, synapse=0.2)
        probe = nengo.Probe(lmu.output)
    m = run(net, 1000).data[probe]
    # the low-pass that Nengo simulates is a step late
    filtered = np.roll(nengo.Lowpass(0.2).filt(u, dt=DT, y0=0), 0, axis=0)
    covariance = lmu.memory.noise_covariance
    assert_same_state(m, simulate(filtered, 0.5, 2).reshape(1000, -1), covariance)
    with pytest.raises(AssertionError):
        assert_same_state(m, simulate(u, 0.5, 2).reshape(1000, -1), covariance)


def test_several_inputs():
    """Two of them, from a node each, mixed by the encoders of the LMU."""
    x = sines(2, 0.6)
    e_x = np.array([[1.0, 0.5], [-0.5, 1.0]])
    with nengo.Network(seed=0) as net:
        lmu = LMU(
            0.5, 2, size_in=2, n_neurons=600, input_encoders=e_x, error_feedback=0
        )
        for i in range(2):
            nengo.Connection(played(x[:, [i]]), lmu.input[i], synapse=None)
        probe = nengo.Probe(lmu.output)
    m = run(net, 1000).data[probe]
    ideal = simulate(x @ e_x.T, 0.5, 2).reshape(1000, -1)
    assert_same_state(m, ideal, lmu.memory.noise_covariance, factor=2)


def test_everyone_sees_the_same_state():
    u = sines(1)
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 3, n_neurons=300)
        nengo.Connection(played(u), lmu.input, synapse=None)
        window = lmu.memory.add_window(POINTS)
        host = nengo.Node(lambda t, m: m, size_in=3)
        nengo.Connection(lmu.output, host, synapse=None)
        state, seen, of_window = (
            nengo.Probe(node) for node in (lmu.output, host, window)
        )
        doubled = lmu.memory.add_window([0.0, 1.0], function=lambda w: 2 * w)
        of_doubled = nengo.Probe(doubled)
        filtered = nengo.Probe(lmu.output, synapse=0.02)
    data = run(net, 300).data
    m = data[state]
    assert np.abs(m[-1]).max() > 0.1
    assert np.allclose(data[seen], m, atol=1e-9)
    assert np.allclose(data[of_window], m @ readout(3, POINTS).T, atol=1e-9)
    assert np.allclose(data[of_doubled], 2 * m @ readout(3, [0, 1]).T, atol=1e-9)
    # a probe's filter takes a step in Nengo
    later = nengo.Lowpass(0.02).filt(m, dt=DT, y0=0)
    assert np.allclose(data[filtered][1:], later[:-1], atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"trainable_theta": True}])
def test_state_is_of_spikes_and_the_input_that_they_know(options):
    """On the host the input is as late as on the chip, so a step behind itself."""
    u = np.random.RandomState(0).uniform(-1, 1, size=(200, 1))
    with nengo.Network(seed=0) as net:
        memory = LegendreMemory(
            0.5, 3, n_neurons=90, synapse=0.1, error_feedback=0, **options
        )
        nengo.Connection(played(u), memory.input, synapse=None)
        of_neurons = nengo.Probe(memory.ensembles[0].neurons)
        of_state = nengo.Probe(memory.output)
    data = run(net, 200).data
    with on_chip(memory):
        realization, p = memory.realization, memory.populations
    A, B = realization.to_neurons(
        *principle3(
            *state_space(0.5, 3), memory.synapse, DT, method=memory.discretization
        )
    )
    spikes = np.roll(data[of_neurons], 1, axis=0)  # on their way to the host
    for late, same in ((1, True), (0, False)):
        known = np.roll(u, late, axis=0)
        drive = spikes @ p.decoders.T @ A.T + known @ B.T
        state = np.zeros_like(drive)
        a = np.exp(-DT / 0.1)
        for t in range(2, len(u)):
            state[t] = a * state[t - 1] + (1 - a) * drive[t - 1]
        state = state @ realization.T.T
        # from anywhere: the first steps fade
        agree = np.allclose(data[of_state][20:], state[20:], atol=1e-3)
        assert agree is same


def test_network_is_unchanged_by_the_emulator():
    """One object, there and back: it does not matter where it ran before."""
    u = sines(1)
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 2, n_neurons=100)
        nengo.Connection(played(u), lmu.input, synapse=None)
        probe = nengo.Probe(lmu.output)
    before = run(net, 200, nengo.Simulator).data[probe]
    on_chip = run(net, 200).data[probe]
    # Nengo's optimizer merges products in an order that depends on addresses: the last
    # bit of a sum may differ
    after = run(net, 200, nengo.Simulator).data[probe]
    assert np.allclose(after, before, rtol=0, atol=1e-12)
    assert np.array_equal(run(net, 200).data[probe], on_chip)


# Nothing here needs TensorFlow, whose import would take most of the time.
SCRIPT = """
import sys
sys.modules["tensorflow"] = sys.modules["nengo_dl"] = None
import nengo

def network():
    from nengo_lmu import LMU
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.2, 2, n_neurons=100)
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
        net.probe = nengo.Probe(lmu.output)
    return net

{imports}
with nengo_loihi.Simulator(net, progress_bar=False) as sim:
    sim.run_steps(300)
state = sim.data[net.probe][-100:, 0].mean()
assert 0.3 < state < 0.7, state
"""


@pytest.mark.parametrize("hooked", [True, False], ids=["hooked", "not hooked"])
@pytest.mark.parametrize(
    "imports",
    [
        "import nengo_lmu; import nengo_loihi; net = network()",
        "import nengo_loihi; import nengo_lmu; net = network()",
        "net = network(); import nengo_loihi",
        "import nengo_loihi; net = network()",
        "import nengo_lmu.loihi; import nengo_loihi; net = network()",
        "from nengo_lmu.loihi.resources import resources; net = network(); "
        "import nengo_loihi",
    ],
)
def test_import_orders(imports, hooked):
    """Where the start-up file is not installed, NengoLoihi may warn, but it works."""
    start = "__import__('_nengo_lmu_hook').install()\n" if hooked else ""
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(SCRIPT.format(imports=imports))],
        env={**os.environ, "PYTHONPATH": ROOT, "NENGO_LMU_NO_HOOK": "1"},
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    if hooked:
        assert done.stderr == ""


# --- hidden units on the chip


@pytest.mark.parametrize(
    "neuron_type",
    [
        POISSON,
        STOCHASTIC,
        nengo.LIF(**AT_ZERO),
        nengo.SpikingRectifiedLinear(**AT_ZERO),
        nengo.RegularSpiking(nengo.RectifiedLinear(), **AT_ZERO),
    ],
    ids=lambda neuron_type: type(neuron_type).__name__,
)
@pytest.mark.parametrize("feedback", [True, False], ids=["feedback", "feed-forward"])
def test_hidden_units(neuron_type, feedback):
    """Their mean rates are those of the reference simulator, and of the algebra.

    A Poisson rate of 100 hertz over 2 s has an error of 5 % (one sigma) for a neuron,
    and the memory's noise one of 2 to 4 %, shared by neurons with similar kernels.
    The others have intervals of whole steps on the chip.
    """
    rng = np.random.RandomState(1)
    kernel = rng.uniform(-0.5, 1, size=(30, 2))
    bias = np.linspace(-0.1, 0.4, 30)
    encoders = {"hidden_encoders": 0, "memory_encoders": 0} if feedback else {}
    with nengo.Network(seed=0) as net:
        lmu = LMU(
            0.5,
            2,
            units=30,
            n_neurons=400,
            hidden_neuron_type=neuron_type,
            memory_kernel=kernel,
            hidden_bias=bias,
            **encoders,
        )
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
        spikes, output = nengo.Probe(lmu.hidden.neurons), nengo.Probe(lmu.output)
    rates = []
    for simulator in (nengo.Simulator, nengo_loihi.Simulator):
        data = run(net, 2600, simulator).data
        rates.append(np.mean(data[spikes][600:] > 0, axis=0) / DT)
        # but for the last spikes, which are still on their way
        h = data[spikes] / lmu.unit
        assert np.abs(np.sum(data[output] - h, axis=0)).max() <= 1.001 * h.max()
    reference, emulator = rates
    # the state of a constant input of 0.5 is (0.5, 0)
    current = (0.5 * kernel[:, 0] + bias)[np.newaxis]
    expected = lmu.hidden.neuron_type.rates(current, lmu.hidden.gain, lmu.hidden.bias)
    if isinstance(neuron_type, nengo.LIF):
        expected = nengo.LIFRate().rates(current, lmu.hidden.gain, lmu.hidden.bias)
    assert expected.max() > 100
    bernoulli = neuron_type in (POISSON, STOCHASTIC)
    # noise lets neurons around their threshold fire
    for measured in rates if bernoulli else rates[:1]:
        assert np.abs(measured - expected).max() < 35
        assert abs(np.mean(measured - expected)) < 8
    assert np.abs(emulator - reference).max() < (35 if bernoulli else 25)
    assert np.sqrt(np.mean((emulator - reference) ** 2)) < (12 if bernoulli else 8)
    assert np.mean(emulator) == pytest.approx(np.mean(reference), rel=0.1)


def test_recurrent_hidden_units():
    """Hidden kernel and all encoders: the whole cell is on the chip, and it runs."""
    with nengo.Network(seed=0) as net:
        lmu = LMU(
            0.3,
            2,
            units=10,
            n_neurons=200,
            input_kernel=1.0 * np.ones((10, 1)),
            hidden_kernel=-0.02 * np.ones((10, 10)),
            memory_kernel=0.3 * np.ones((10, 2)),
            hidden_encoders=0.02 * np.ones((1, 10)),
            memory_encoders=0.05 * np.ones((1, 2)),
        )
        nengo.Connection(nengo.Node(0.4), lmu.input, synapse=None)
        probes = nengo.Probe(lmu.output), nengo.Probe(lmu.memory.output)
    reference, emulator = (
        [data[probe][1000:].mean(axis=0) for probe in probes]
        for data in (
            run(net, 3000, simulator).data
            for simulator in (nengo.Simulator, nengo_loihi.Simulator)
        )
    )
    # ten units of 100 hertz and more in 2 s: 2 % (one sigma), and the memory's noise
    assert 0.3 < reference[0].mean() < 0.8
    assert emulator[0].mean() == pytest.approx(reference[0].mean(), rel=0.1)
    # the feedback raises the state above that of the input alone
    assert reference[1][0] > 0.45
    assert emulator[1][0] == pytest.approx(reference[1][0], rel=0.08)


# --- fixed point


def built(net, dt=DT, **options):
    """Return the blocks, by label, of a network as NengoLoihi has built it."""
    with nengo_loihi.Simulator(net, dt=dt, progress_bar=False, **options) as sim:
        return {re.sub(" at 0x[0-9a-f]+", "", b.label): b for b in sim.model.blocks}


def memory_network(n_neurons=200, size_in=1, **kwargs):
    with nengo.Network(seed=0) as net:
        net.lmu = LMU(0.5, 2, size_in=size_in, n_neurons=n_neurons, **kwargs)
        nengo.Connection(nengo.Node(np.ones(size_in)), net.lmu.input, synapse=None)
        nengo.Probe(net.lmu.output)
    return net


def levels(block):
    """The ``k`` of the noise, and of the threshold that goes with it."""
    level = block.compartment.noise_exp - 7
    return level, 127.5 * 2.0**level


def dense(synapse, n_neurons):
    """What each axon adds to each neuron's current: one row for each axon."""
    rows = np.zeros((synapse.n_axons, n_neurons))
    for row, axon in zip(rows, range(synapse.n_axons)):
        weights, indices = synapse.axon_weights_indices(axon)
        row[indices] = np.ravel(weights)
    return rows


@pytest.mark.parametrize("dt", [0.0005, 0.001, 0.002])
def test_threshold_fits_the_noise(dt):
    blocks = built(memory_network(dt=dt), dt=dt)
    blocks.update(built(populations(POISSON, (10, 400), 5), dt=dt))
    assert len(blocks) >= 2
    for block in blocks.values():
        level, threshold = levels(block)
        assert np.all(block.compartment.vth == threshold)
        # head-room: noise and twice the largest current stay below 2^23
        assert 4 * threshold <= 2**23
        assert level >= 7


def in_whole_time(model, conn):
    """As `in_time`, as if decays were whole numbers in floating point too."""
    ours(model).whole_decays = True
    return in_time(model, conn)


def discretized(net, dt=DT):
    """Yield each block with the one that it is made from and the voltage of 1 hertz."""
    integer = built(net, dt)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "in_time", in_whole_time)
        exact = built(net, dt, target="simreal")
    assert exact.keys() == integer.keys()
    for label, block in integer.items():
        level, threshold = levels(block)
        yield exact[label], block, 2 * dt * threshold


def recurrent_weights(blocks, neurons):
    """What a spike of each neuron adds to the current of each, over all blocks.

    Parameters
    ----------
    blocks : list of LoihiBlock
    neurons : list of list of int
        Which of the neurons each block has.
    """
    total = np.zeros((sum(map(len, neurons)),) * 2)
    for source, senders in zip(blocks, neurons):
        for axon in source.axons:
            for target, receivers in zip(blocks, neurons):
                if axon.target in target.synapses:
                    rows = dense(axon.target, target.n_neurons)
                    spikes = axon.map_spikes(np.arange(source.n_neurons))
                    for sender, spike in zip(senders, spikes):
                        if spike is not None:
                            total[sender, receivers] += rows[spike.axon_idx]
    return total


def recurrent_matrix(block, memory):
    """Return what the weights from the neurons to themselves do to the state."""
    with on_chip(memory):
        p = memory.populations
    total = recurrent_weights([block], [range(block.n_neurons)])
    from_state = np.linalg.pinv((p.gain * p.encoders).T) * DT  # a spike is 1 / DT high
    return from_state @ total.T @ np.linalg.pinv(p.decoders)


@pytest.mark.parametrize("tau", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("options", [{}, {"trainable_theta": True}, {"d": 1}])
def test_memory_keeps_its_time(tau, options, monkeypatch):
    """Principle 3 for the decay that the chip has, whatever the synapse asks for."""
    options = {"d": 2, **options}
    with nengo.Network(seed=0) as net:
        memory = LegendreMemory(
            0.5, n_neurons=40, synapse=tau, error_feedback=0, **options
        )
        nengo.Connection(nengo.Node(1.0), memory.input, synapse=None)
        nengo.Probe(memory.output)
    A, B = state_space(0.5, options["d"])
    a = chip_decay(tau, DT)
    A_bar, _ = discretize(A, B, DT, method=memory.discretization)
    A_h = (A_bar - a * np.eye(len(A))) / (1 - a)
    with on_chip(memory):
        realization = memory.realization
    expected, _ = realization.to_neurons(A_h, B)

    monkeypatch.setattr(connections, "in_time", in_whole_time)
    (block,) = built(net, target="simreal").values()
    assert np.allclose(recurrent_matrix(block, memory), expected, rtol=1e-4, atol=1e-4)
    # the emulator's own decay, of which a current loses that part in a step
    (block,) = built(net).values()
    assert a == 1 - (block.compartment.decay_u[0] + 1) / 2**12
    # in floating point, everything is as it was
    monkeypatch.undo()
    (block,) = built(net, target="simreal").values()
    plain, _ = realization.to_neurons(
        principle3(A, B, tau, DT, method=memory.discretization)[0], B
    )
    assert np.allclose(recurrent_matrix(block, memory), plain, rtol=1e-4, atol=1e-4)


def grid(synapse):
    """The least step of a synapse's weights."""
    return 2 * synapse.synapse_cfg.scale


def pairs_of_synapses(net):
    """Yield each synapse in integers beside the one that it is made from, scaled."""
    for exact, block, v_scale in discretized(net):
        # what a current of many spikes comes to, of which a part is lost in each step
        gain = 2**12 / (block.compartment.decay_u[0] + 1)
        assert len(exact.synapses) == len(block.synapses)
        # NengoLoihi adds connections in the order of a set: look for the nearest
        wanted = [dense(s, block.n_neurons) * v_scale / gain for s in exact.synapses]
        for after in block.synapses:
            given = dense(after, block.n_neurons)
            same = [w for w in wanted if w.shape == given.shape]
            yield after, min(same, key=lambda w: np.abs(w - given).sum()), given


@pytest.mark.parametrize("size_in", [1, 2])
def test_weights_are_right_over_populations(size_in):
    """So is what a population does to a neuron, and what a spike does to a population.

    With 200 neurons each weight has all the versions that it could have: the mean over
    a population (of one sign) is right to half a spike's step for each neuron.
    """
    n_found = 0
    for after, wanted, given in pairs_of_synapses(memory_network(200, size_in=size_in)):
        step = grid(after)
        # each weight on the grid, no bits lost
        assert np.all(given % step == 0)
        assert np.abs(given - wanted).max() <= step * 1.001
        # seven bits are used, or there are no finer steps
        assert np.abs(given).max() >= 63 * step or step == 64
        for row in np.unique(np.round(wanted / step, 3), axis=0):
            same = np.all(np.abs(wanted / step - row) < 1e-3, axis=1)
            error = (given - wanted)[same].sum(axis=0) / step
            assert np.abs(error).max() < 1.01
            # over a run of neurons errors do not add up
            assert np.abs(np.cumsum(error)).max() < 1.01
            n_found += same.sum() > 2
    assert n_found >= 4 * size_in


def test_weights_of_on_and_off_neurons_cancel():
    """Those of the input, both active at 0, and those of a population's two halves."""
    n_found = 0
    for _, wanted, given in pairs_of_synapses(memory_network(400, size_in=2)):
        for i, row in enumerate(wanted):
            # as many axons have the opposite weights, and the same versions of them
            same = np.all(wanted == row, axis=1)
            opposite = np.all(wanted == -row, axis=1)
            if i == np.flatnonzero(same)[0] and same.sum() == opposite.sum():
                n_found += 1
                total = given[same].sum(axis=0) + given[opposite].sum(axis=0)
                assert not np.any(total) and np.any(given[same])
    assert n_found >= 8


@pytest.mark.parametrize("d", [6, 12, 24])
def test_no_bits_are_lost(d):
    """NengoLoihi would warn of it, and warnings are errors here."""
    with nengo.Network(seed=0) as net:
        lmu = LMU(1.0, d)
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
        nengo.Probe(lmu.output)
    for block in built(net).values():
        for synapse in block.synapses:
            step = grid(synapse)
            assert step >= 64  # below, a chip's weight loses its last bits
            assert all(np.all(weights % step == 0) for weights in synapse.weights)
            assert max(np.abs(weights).max() for weights in synapse.weights) >= step


def test_biases_are_right_over_populations():
    """They differ by up to half a level, evenly, so that the mean is right."""
    for exact, block, v_scale in discretized(populations(POISSON, (3, 99, 321), 90)):
        quantum = 2.0 ** levels(block)[0]
        error = (block.compartment.bias - exact.compartment.bias * v_scale) / quantum
        assert np.abs(error).max() <= 0.52
        assert error.std() == pytest.approx(1 / np.sqrt(12), rel=0.1)
        for first in range(0, 90, 30):
            assert abs(error[first : first + 30].mean()) < 0.04


def test_largest_bias():
    for current in (1000.0, 10000.0):
        net = populations(POISSON, (current,), 10)
        assert np.all(run(net, 20).data[net.probed[0]][5:] > 0)
    with pytest.raises(BuildError, match=r"largest bias, 2000\d\.?\d* Hz.*keep biases"):
        built(populations(POISSON, (20000.0,), 10))


def test_largest_weight():
    with nengo.Network(seed=0) as net:
        one, other = (
            nengo.Ensemble(1, 1, neuron_type=POISSON, gain=np.ones(1), bias=np.zeros(1))
            for _ in range(2)
        )
        nengo.Connection(one.neurons, other.neurons, transform=1000.0)
    with pytest.raises(BuildError, match="too large for Loihi; lower the gain"):
        built(net)


def test_block_shape_of_the_user():
    net = memory_network(200)
    memory = net.lmu.memory
    ensemble = memory.ensembles[0]
    nengo_loihi.add_params(memory)
    memory.config[ensemble].block_shape = nengo_loihi.BlockShape((50,), (200,))
    assert [block.n_neurons for block in built(net).values()] == [50] * 4


def other_neurons():
    """A network of other neurons: decoded, recurrent, neuron to neuron, learned."""
    with nengo.Network(seed=4) as net:
        stim = nengo.Node(lambda t: np.sin(9 * t))
        lif = nengo.Ensemble(60, 1, neuron_type=nengo.LIF(**AT_ZERO), label="lif")
        relu = nengo.Ensemble(
            60,
            2,
            neuron_type=nengo.SpikingRectifiedLinear(**AT_ZERO),
            max_rates=nengo.dists.Uniform(100, 200),
            label="relu",
        )
        nengo.Connection(stim, lif)
        nengo.Connection(lif, relu, transform=[[1], [0.5]], synapse=0.005)
        nengo.Connection(
            relu, relu, solver=nengo.solvers.LstsqL2(weights=True), synapse=0.005
        )
        nengo.Connection(lif.neurons, relu.neurons, transform=1e-4, synapse=0.005)
        error = nengo.Node(lambda t, x: 0.1 * x, size_in=1)
        learned = nengo.Connection(
            lif, error, function=lambda x: 0, learning_rule_type=nengo.PES()
        )
        nengo.Connection(error, learned.learning_rule)
        net.probed = [
            nengo.Probe(lif.neurons),
            nengo.Probe(relu.neurons),
            nengo.Probe(relu, synapse=0.02),
            nengo.Probe(error),
            nengo.Probe(lif.neurons, "voltage"),
        ]
    return net


def assert_same_integers(ours, theirs):
    for name, value in vars(theirs.compartment).items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(getattr(ours.compartment, name), value), name
        elif name not in ("discretize_info", "label"):
            assert getattr(ours.compartment, name) == value, name
    assert len(ours.synapses) == len(theirs.synapses)
    for one, other in zip(ours.synapses, theirs.synapses):
        assert len(one.weights) == len(other.weights)
        for a, b in zip(one.weights, other.weights):
            assert np.array_equal(a, b)
        assert vars(one.synapse_cfg) == vars(other.synapse_cfg)


# what has nothing to do with a memory is NengoLoihi's own business
@pytest.mark.filterwarnings("ignore:Lost . extra bits in weight rounding")
def test_other_neurons_beside_a_memory():
    """Their blocks have the integers that NengoLoihi gives them, to the last bit."""
    net = other_neurons()
    with net:
        lmu = LMU(0.5, 2, n_neurons=100)
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
    ours, exact = built(net), built(net, target="simreal")
    others = [label for label in ours if "'neurons'" not in label]
    assert len(others) >= 3 and len(others) == len(ours) - 1
    for label in others:
        discretize_block(exact[label])
        assert_same_integers(ours[label], exact[label])


@pytest.mark.filterwarnings("ignore:Lost . extra bits in weight rounding")
@TARGETS
def test_networks_without_a_memory(monkeypatch, options):
    """The very same spikes and values with our builders and with NengoLoihi's."""

    def result():
        net = other_neurons()
        data = run(net, 200, **options).data
        return [data[probe] for probe in net.probed]

    ours = result()
    monkeypatch.setitem(Builder.builders, nengo.Connection, build_connection)
    monkeypatch.setitem(Builder.builders, nengo.Network, build_network)
    theirs = result()
    assert np.any(ours[0]) and np.any(ours[1])
    for a, b in zip(ours, theirs):
        assert np.array_equal(a, b)


# --- what Loihi cannot do


def refused(neuron_type, **kwargs):
    with nengo.Network(seed=0) as net:
        lmu = LMU(0.5, 2, n_neurons=40, neuron_type=neuron_type, **kwargs)
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
    with pytest.raises(BuildError) as error:
        built(net)
    return str(error.value)


@pytest.mark.parametrize("kind", [nengo.PoissonSpiking, nengo.StochasticSpiking])
@pytest.mark.parametrize("base", [nengo.LIFRate, nengo.Sigmoid, nengo.Tanh])
def test_other_base_types(kind, base):
    message = refused(kind(base()))
    for part in (
        f"{kind.__name__} neurons with {base.__name__}",
        f"use nengo.{kind.__name__}(nengo.RectifiedLinear())",
        "on_chip = False",
    ):
        assert part in message


def test_amplitude_of_the_base_type():
    message = refused(nengo.PoissonSpiking(nengo.RectifiedLinear(amplitude=2.5)))
    assert "amplitude=2.5" in message
    assert "set amplitude on PoissonSpiking itself" in message


@pytest.mark.parametrize("neuron_type", [nengo.Tanh(), nengo.RectifiedLinear()])
def test_neuron_types_that_do_not_spike(neuron_type):
    message = refused(neuron_type)
    assert type(neuron_type).__name__ in message
    assert "switch to a supported neuron type" in message
    assert "on_chip = False" in message


def test_synapses_other_than_a_lowpass():
    with nengo.Network(), pytest.raises(ValidationError, match="must be an nengo.Low"):
        LMU(0.5, 2, synapse=nengo.Alpha(0.1))


def test_another_time_step():
    net = memory_network(40)
    for dt, remedy in ((0.002, "dt=0.002"), (0.0005, "dt=0.0005")):
        with pytest.raises(BuildError, match=f"made for dt=0.001 s.*{remedy}, or"):
            built(net, dt=dt)


def test_memory_off_the_chip():
    """Where the memory is told to stay on the host, it is Nengo's own."""
    u = sines(1)
    with nengo.Network(seed=0) as net:
        memory = LegendreMemory(0.5, 2, n_neurons=100)
        nengo.Connection(played(u), memory.input, synapse=None)
        probe = nengo.Probe(memory.output)
        other = nengo.Ensemble(10, 1, neuron_type=nengo.LIF(**AT_ZERO))
        nengo.Connection(memory.output[0], other)
    nengo_loihi.add_params(net)
    net.config[memory.ensembles[0]].on_chip = False
    m = run(net, 300).data[probe]
    # but for the last bit: Nengo's optimizer merges products in the order of addresses
    reference = run(net, 300, nengo.Simulator).data[probe]
    assert np.allclose(m, reference, rtol=0, atol=1e-12)
