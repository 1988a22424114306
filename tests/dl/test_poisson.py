"""Poisson spikes by thinning have the distribution of Nengo's, whatever the rates.

Seeds are fixed. With others, a test of a bound of z standard errors, or of a
probability p, fails by chance as rarely as its docstring says.
"""

import nengo
import numpy as np
import pytest
from nengo.builder import Builder
from nengo.builder.neurons import SimNeurons
from scipy import stats

from nengo_lmu import LegendreMemory
from nengo_lmu.benchmarks import steps as bench
from nengo_lmu.networks.poisson import Rectified, ThinnedPoisson, build_poisson

DT = 0.002
N = 2560

# in each block neurons of all rates, so that most spikes that are drawn are not kept
RATES = np.random.RandomState(0).permutation(np.tile([0, 15, 60, 120, 240], N // 5))


class Own(Exception):
    """Nengo's own step was asked for."""


@pytest.fixture
def thinning_only(monkeypatch):
    """Nengo's own step would pass all tests."""

    def refuse(*args):
        raise Own

    monkeypatch.setattr(nengo.PoissonSpiking, "step", refuse)


def spikes(rates, n_steps, seed=1, base=None, **kwargs):
    """Return the number of spikes, ``(n_steps, n_neurons)``, with their sign."""
    neurons = ThinnedPoisson(base or nengo.RectifiedLinear(), **kwargs)
    rng = np.random.RandomState(seed)
    rates = np.broadcast_to(np.asarray(rates, dtype=float), (n_steps, N))
    output = np.full((n_steps, N), np.nan)
    for i in range(n_steps):
        neurons.step(DT, rates[i], output[i], rng)
    return output * DT / neurons.amplitude


# --- the distribution


@pytest.mark.parametrize("rate", [15, 60, 120, 240])
def test_number_of_spikes_is_poisson(rate, thinning_only):
    """Chi-square over 0, 1, 2 and more spikes, by chance in 1 of 10,000."""
    counts = spikes(RATES, 400)[:, rate == RATES]
    mean = rate * DT
    n = [np.sum(counts == 0), np.sum(counts == 1), np.sum(counts >= 2)]
    p = stats.poisson(mean).pmf([0, 1])
    expected = counts.size * np.array([*p, 1 - p.sum()])
    assert sum(n) == counts.size and min(expected) > 50
    assert stats.chisquare(n, expected).pvalue > 1e-4


def test_silent_neurons_are_silent(thinning_only):
    counts = spikes(RATES, 100)
    assert not np.any(counts[:, RATES == 0]) and np.any(counts)
    assert not np.any(spikes(np.zeros(N), 3))


def test_every_neuron_has_its_own_mean_and_variance(thinning_only):
    """Both within 5 standard errors; by chance in less than 1 of 100.

    Of a Poisson number with mean a, variance and third moment are a too and the fourth
    is a + 3 a^2. A mean of n has the variance a / n, a variance about (a + 2 a^2) / n.
    The sums are over thousands, so nearly normal: 2048 neurons, two tails of 3e-7 and
    two tests make 2e-3.
    """
    n_steps = 4000
    counts = spikes(RATES, n_steps)[:, RATES > 0]
    a = RATES[RATES > 0] * DT
    assert np.all(np.abs(counts.mean(axis=0) - a) < 5 * np.sqrt(a / n_steps))
    error = np.abs(counts.var(axis=0) - a)
    # rare spikes have skewed variances: twice as much for the slowest
    bound = np.where(a < 0.1, 10, 5) * np.sqrt((a + 2 * a**2) / n_steps)
    assert np.all(error < bound)


def test_neurons_are_independent_of_each_other_and_of_the_past(thinning_only):
    """Within 5 standard errors; by chance in less than 1 of 10,000.

    Totals of independent Poisson numbers are Poisson, with a variance equal to their
    mean A and an error of it of sqrt((A + 2 A^2) / n). The mean product of the
    deviations of n independent pairs has the variance of the mean of a b, over n.
    """
    n_steps = 2000
    counts = spikes(RATES, n_steps)
    mean = RATES * DT
    for group in (slice(None), slice(0, N // 64), slice(5, 7), slice(None, None, 64)):
        A = mean[group].sum()
        total = counts[:, group].sum(axis=1)
        assert abs(total.var() - A) < 5 * np.sqrt((A + 2 * A**2) / n_steps)

    z = counts - mean
    for distance in (1, 2, N // 2):
        product = np.mean(z[:, distance:] * z[:, :-distance])
        pairs = mean[distance:] * mean[:-distance]
        assert abs(product) < 5 * np.sqrt(pairs.mean() / (n_steps * pairs.size))
    for delay in (1, 2):
        product = np.mean(z[delay:] * z[:-delay])
        assert abs(product) < 5 * np.sqrt(np.mean(mean**2) / z[delay:].size)


def test_rates_may_change_in_every_step(thinning_only):
    """Spikes in all, and at each of 4 levels of the rate, within 5 standard errors."""
    phase = np.linspace(0, 40, N) + np.linspace(0, 50, 500)[:, np.newaxis]
    rates = 120 * np.maximum(np.sin(phase), 0)
    counts = spikes(rates, len(rates))
    mean = rates * DT
    levels = np.digitize(rates, [1, 40, 80])
    for level in range(4):
        chosen = levels == level
        expected = mean[chosen].sum()
        assert abs(counts[chosen].sum() - expected) < 5 * np.sqrt(expected)
    assert not np.any(counts[rates == 0])


@pytest.mark.parametrize("n", [2000, 2001, 2047, 2111])
def test_any_number_of_neurons_is_drawn(n, thinning_only):
    """The first and the last neuron of each block spike; by chance not in 1e-9.

    Some 130 neurons fail to in 300 steps with probability exp(-0.1 * 300) each.
    """
    neurons = ThinnedPoisson(nengo.RectifiedLinear())
    rng = np.random.RandomState(0)
    output, total = np.empty(n), np.zeros(n)
    for _ in range(300):
        neurons.step(DT, np.full(n, 50.0), output, rng)
        total += output * DT
    assert np.all(total > 0)
    assert abs(total.sum() - 30 * n) < 5 * np.sqrt(30 * n)


def test_spikes_have_the_distribution_of_nengos_step():
    """How many neurons have 0, 1, 2, 3 spikes, by both: chi-square of homogeneity."""
    rng = np.random.RandomState(1)
    own, output = nengo.PoissonSpiking(nengo.RectifiedLinear()), np.empty(N)
    theirs = []
    for _ in range(400):
        own.step(DT, RATES, output, rng)
        theirs.append(output * DT)
    ours = spikes(RATES, 400)
    table = [
        np.bincount(np.minimum(np.rint(x), 3).astype(int).ravel())
        for x in (ours, theirs)
    ]
    assert stats.chi2_contingency(table).pvalue > 1e-4


# --- all else is Nengo's


class Signed(nengo.RectifiedLinear):
    """Rates of either sign."""

    negative = True


def test_negative_rates_have_negative_spikes(thinning_only):
    """As many of either sign as there should be, within 5 standard errors."""
    signs = np.where(np.arange(N) % 2, 1, -1)
    counts = spikes(signs * RATES, 200, base=Signed())
    assert not np.any(counts * signs < 0)
    expected = 200 * DT * RATES.sum() / 2
    for sign in (1, -1):
        of_sign = np.abs(counts[:, signs == sign]).sum()
        assert abs(of_sign - expected) < 6 * np.sqrt(expected)


def test_spikes_are_as_high_as_nengos(thinning_only):
    """``amplitude / dt``, times their number where there are several in a step."""
    neurons = ThinnedPoisson(nengo.RectifiedLinear(), amplitude=0.3)
    output = np.empty(N)
    neurons.step(0.0017, np.full(N, 240.0), output, np.random.RandomState(0))
    heights = {0.3 / 0.0017 * n for n in range(10)}
    assert sorted(heights)[2] in set(output) <= heights


@pytest.mark.parametrize(
    "rates",
    [np.full(N, 12 / DT), np.full(1000, 50.0), np.linspace(0, 3 / DT, N)],
    ids=["many spikes a step", "few neurons", "both"],
)
def test_nengos_own_step_is_taken_where_it_is_faster(rates):
    """The very same numbers from the same generator."""
    outputs = []
    for cls in (nengo.PoissonSpiking, ThinnedPoisson):
        output = np.empty(len(rates))
        cls(nengo.RectifiedLinear()).step(DT, rates, output, np.random.RandomState(3))
        outputs.append(output)
    assert np.array_equal(*outputs) and np.any(outputs[0])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_what_are_no_rates_is_refused_as_by_nengo(wrong):
    rates = RATES.astype(float)
    rates[5] = wrong
    with pytest.raises(ValueError, match="lam"):
        spikes(rates, 1)


@pytest.mark.parametrize("amplitude", [1, 0.7])
def test_rectified_rates_are_nengos(amplitude, rng):
    J = rng.standard_normal(100)
    outputs = []
    for cls in (nengo.RectifiedLinear, Rectified):
        output = np.full(100, np.nan)
        cls(amplitude).step(DT, J, output)
        outputs.append(output)
    assert np.array_equal(*outputs)


# --- in simulators


def memory(m=3000, **kwargs):
    """Return a memory of noise, with probes of its neurons and its state."""
    process = nengo.processes.WhiteSignal(1, high=20, rms=0.3, y0=0, seed=1)
    with nengo.Network(seed=3) as net:
        net.memory = LegendreMemory(0.2, 3, n_neurons=m, **kwargs)
        nengo.Connection(nengo.Node(process), net.memory.input, synapse=None)
        (ensemble,) = net.memory.ensembles
        nengo.Probe(ensemble.neurons)
        nengo.Probe(ensemble.neurons, "rate_out")
        nengo.Probe(net.memory.output)
    return net


def run(net, n_steps=300):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
    return [sim.data[probe] for probe in net.probes]


def neuron_types(net):
    """Return the types that the operators of a simulator step."""
    with nengo.Simulator(net, progress_bar=False) as sim:
        return {type(op.neurons) for op in sim.step_order if isinstance(op, SimNeurons)}


def test_spikes_of_a_memory_have_the_probed_rates(thinning_only):
    """Within 5 standard errors, in all and of those that fired in the last step.

    Given the past, the spikes of a step are Poisson numbers with the rates of the
    step, so their sum less that of the rates is a sum of uncorrelated terms.
    """
    spiking, rates, state = run(memory())
    counts, mean = spiking * 0.001, rates * 0.001
    after = np.zeros(counts.shape, dtype=bool)
    after[1:] = counts[:-1] > 0
    for chosen in (np.ones_like(after), after):
        expected = mean[chosen].sum()
        assert expected > 1000
        assert abs(counts[chosen].sum() - expected) < 5 * np.sqrt(expected)
    assert np.ptp(state) > 0.1


def test_equal_seeds_give_equal_spikes():
    net = memory()
    first, *_ = run(net)
    assert np.array_equal(run(net)[0], first)
    net.seed = 4
    assert not np.array_equal(run(net)[0], first)


def test_memories_are_thinned_and_others_are_not():
    assert neuron_types(memory()) == {Rectified, ThinnedPoisson}
    lif = nengo.PoissonSpiking(nengo.LIFRate())
    assert neuron_types(memory(neuron_type=lif)) == {nengo.LIFRate, ThinnedPoisson}

    class Mine(nengo.PoissonSpiking):
        """May have another step."""

    mine = Mine(nengo.RectifiedLinear())
    assert neuron_types(memory(neuron_type=mine)) == {nengo.RectifiedLinear, Mine}
    with nengo.Network() as other:
        nengo.Ensemble(3000, 1, neuron_type=lif)
    assert neuron_types(other) == {nengo.LIFRate, nengo.PoissonSpiking}


def test_the_network_has_nengos_type():
    net = memory()
    run(net)
    (ensemble,) = net.memory.ensembles
    assert ensemble.neuron_type == nengo.PoissonSpiking(nengo.RectifiedLinear())


def test_any_network_can_have_it(monkeypatch):
    monkeypatch.setitem(Builder.builders, nengo.PoissonSpiking, build_poisson)
    lif = nengo.PoissonSpiking(nengo.LIFRate(tau_rc=0.01), amplitude=0.5)
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(3000, 1, neuron_type=lif)
        nengo.Probe(ensemble.neurons)
    assert neuron_types(net) == {nengo.LIFRate, ThinnedPoisson}
    (counts,) = (out * 0.001 / 0.5 for out in run(net))
    assert np.any(counts) and np.array_equal(counts, np.rint(counts))


def test_nengo_dl_gets_nengos_type(monkeypatch):
    nengo_dl = pytest.importorskip("nengo_dl")
    monkeypatch.setitem(Builder.builders, nengo.PoissonSpiking, build_poisson)
    with nengo_dl.Simulator(memory(), progress_bar=False) as sim:
        types = {
            type(op.neurons)
            for group in sim.tensor_graph.plan
            for op in group
            if isinstance(op, SimNeurons)
        }
    assert types == {nengo.RectifiedLinear, nengo.PoissonSpiking}


def test_the_benchmark_compares_with_nengos_own(monkeypatch):
    """The step of Nengo's class, for neurons of ours."""
    assert bench.nengos_own(ThinnedPoisson(Rectified())) is nengo.PoissonSpiking
    assert bench.nengos_own(Rectified()) is nengo.RectifiedLinear
    assert bench.nengos_own(nengo.LIF()) is nengo.LIF
    calls = []

    def count(self, dt, J, output, rng):
        calls.append(output.size)

    monkeypatch.setattr(nengo.PoissonSpiking, "step", count)
    with nengo.Simulator(memory(), progress_bar=False) as sim:
        sim.run_steps(10)
    assert not calls
    bench.step_times([bench.Setting(3000, 3)], 1)
    assert set(calls) == {3000}


# --- in NengoDL


@pytest.mark.parametrize(
    "shape", [(32, 100), (15, 70), (3, 7)], ids=["whole blocks", "not", "few"]
)
@pytest.mark.parametrize("scale", [0.2, 2.0, 20.0], ids=["thin", "invert", "own"])
def test_numbers_of_nengo_dl_are_poisson(shape, scale):
    """Chi-square of each mean by chance in 1 of 10,000; all ways of drawing."""
    pytest.importorskip("nengo_dl")
    import tensorflow as tf

    from nengo_lmu.dl.poisson import poisson

    tf.random.set_seed(0)
    means = np.array([0, 0.1, 0.5, 1], dtype=np.float32) * np.float32(scale)
    mean = np.random.RandomState(0).choice(means, size=shape)
    draw = tf.function(lambda: poisson(tf.constant(mean)))
    n = max(300, 60_000 // mean.size)
    counts = np.array([draw().numpy() for _ in range(n)])
    assert counts.shape == (n, *shape)
    assert not np.any(counts[:, mean == 0])
    for a in means[1:]:
        found = counts[:, mean == a]
        assert np.array_equal(found, np.rint(found))
        numbers = np.arange(100)
        expected = found.size * stats.poisson(a).pmf(numbers)
        # numbers that are too rare are counted together with their neighbours
        likely = numbers[expected > 20]
        low, high = likely[0], likely[-1]
        found = np.clip(found, low, high).astype(int)
        expected[low] = expected[: low + 1].sum()
        expected[high] = found.size - expected[low:high].sum()
        observed = np.bincount(found.ravel() - low, minlength=high - low + 1)
        result = stats.chisquare(observed, expected[low : high + 1])
        assert result.pvalue > 1e-4


def test_neurons_of_nengo_dl_are_independent():
    """Totals of blocks have the variance of their mean, as above."""
    pytest.importorskip("nengo_dl")
    import tensorflow as tf

    from nengo_lmu.dl.poisson import poisson

    tf.random.set_seed(0)
    mean = np.tile(np.linspace(0, 0.24, 64, dtype=np.float32), (2, 10))
    draw = tf.function(lambda: poisson(tf.constant(mean)))
    n_steps = 1000
    counts = np.array([draw().numpy() for _ in range(n_steps)])
    for group in (slice(None), slice(0, 64), slice(60, 70), slice(63, None, 64)):
        A = mean[:, group].sum()
        total = counts[:, :, group].sum(axis=(1, 2))
        assert abs(total.mean() - A) < 5 * np.sqrt(A / n_steps)
        assert abs(total.var() - A) < 5 * np.sqrt((A + 2 * A**2) / n_steps)


def poisson_arrays(n_ensembles, base, **kwargs):
    """Ensembles of Poisson neurons, each with an input of its own."""
    with nengo.Network(seed=0) as net:
        for i in range(n_ensembles):
            ensemble = nengo.Ensemble(
                30,
                1,
                neuron_type=nengo.PoissonSpiking(base, **kwargs),
                gain=np.linspace(100, 300, 30),
                bias=np.full(30, 10 * i),
            )
            nengo.Connection(nengo.Node([0.5 - i]), ensemble, synapse=None)
            nengo.Probe(ensemble.neurons)
            nengo.Probe(ensemble.neurons, "rate_out")
    return net


@pytest.mark.parametrize("n_ensembles", [1, 10], ids=["alone", "merged"])
@pytest.mark.parametrize("leaky", [False, True], ids=["rectified", "leaky"])
def test_neurons_of_nengo_dl_are_poisson(n_ensembles, leaky):
    """Means of neurons within 5 standard errors, by chance in 1 of 5000.

    A mean of n Poisson numbers of mean a has the variance a / n; of 300 neurons. The
    variance of all is compared as above.
    """
    nengo_dl = pytest.importorskip("nengo_dl")
    from nengo_lmu.dl import fast
    from nengo_lmu.dl.poisson import FastPoisson

    base = nengo_dl.LeakyReLU(negative_slope=0.5) if leaky else nengo.RectifiedLinear()
    net = poisson_arrays(n_ensembles, base, amplitude=0.3)
    with net:
        nengo_dl.configure_settings(planner=fast.stepwise)
    n_steps, rows = 400, 8
    with nengo_dl.Simulator(net, minibatch_size=rows, progress_bar=False) as sim:
        groups = [g for g in sim.tensor_graph.plan if type(g[0]) is FastPoisson]
        assert [len(group) for group in groups] == [n_ensembles]
        sim.run_steps(n_steps)
        spikes, rates = (
            np.concatenate([sim.data[p] for p in net.probes[i::2]], axis=-1)
            for i in (0, 1)
        )
    counts, mean = spikes * 0.001 / 0.3, rates[0, 0] * 0.001
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-4)
    assert leaky == (mean.min() < 0)
    n = n_steps * rows
    a = np.abs(mean)
    assert np.all(np.abs(counts.mean(axis=(0, 1)) - mean) <= 5 * np.sqrt(a / n))
    error = counts.var(axis=(0, 1)).sum() - a.sum()
    assert abs(error) < 5 * np.sqrt(np.sum(a + 2 * a**2) / n)


def test_nengo_dl_trains_their_rates():
    """As it does with its own."""
    nengo_dl = pytest.importorskip("nengo_dl")
    from nengo_lmu.dl import fast

    net = poisson_arrays(2, nengo.RectifiedLinear(), amplitude=0.3)
    with net:
        nengo_dl.configure_settings(planner=fast.stepwise, learning_phase=True)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(3)
        spikes, rates, *_ = (sim.data[probe] for probe in net.probes)
    assert rates.max() > 10
    np.testing.assert_allclose(spikes, 0.3 * rates, rtol=1e-6)


@pytest.mark.parametrize("n", [50, N])
@pytest.mark.parametrize("rate", [1.0, 3000.0])
def test_silent_but_for_rounding_is_silent(n, rate):
    """A rate of 1e-14 takes no random number, as one of 0: the run is its seed's."""
    fires = np.arange(n) % 128 < 64  # some blocks are silent throughout
    drawn = []
    for silent in (0.0, 1e-14):
        neurons = ThinnedPoisson(nengo.RectifiedLinear())
        rng, output = np.random.RandomState(0), np.zeros((5, n))
        for spikes_of_step in output:
            rates = np.where(fires, rate, silent)
            neurons.step(DT, rates, spikes_of_step, rng)
        drawn.append(output)
    assert drawn[0].any()
    assert np.array_equal(*drawn)


@pytest.mark.parametrize("wrong", [np.nan, -1e-20])
def test_what_is_no_rate_is_refused_still(wrong):
    neurons = ThinnedPoisson(nengo.RectifiedLinear())
    rates = np.full(50, 10.0)
    rates[3] = wrong
    with pytest.raises(ValueError):
        neurons.step(DT, rates, np.zeros(50), np.random.RandomState(0))
