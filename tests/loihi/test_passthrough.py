"""What leads to the chip, from it and around it is what the network says."""

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError
from varied_networks import LIF, best_error

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu import LMU, LegendreMemory  # noqa: E402
from nengo_lmu.loihi import resources  # noqa: E402

DT = 0.001
POINTS = [0, 0.25, 0.5, 0.75, 1]
# What the emulator may be worse than the reference simulator. The runs are of 8 windows
# of different spikes, after which either error is known to some 10 %, so that 1.5 is
# three times the error of their ratio. `test_varied_networks` has longer ones.
WORSE = 1.5


def noise(seed=0, rms=0.3, high=1.0):
    return nengo.Node(nengo.processes.WhiteSignal(10.0, high=high, rms=rms, seed=seed))


def memory(**kwargs):
    options = {"n_neurons": 600, "error_feedback": 0} | kwargs
    return LegendreMemory(0.5, 6, **options)


class Pair:
    """A memory of neurons and an ideal one, for the same network around either."""

    def __init__(self, **kwargs):
        self.spiking, self.ideal = memory(**kwargs), memory(n_neurons=0)

    def connect(self, pre, **kwargs):
        for one in (self.spiking, self.ideal):
            nengo.Connection(pre, one.input, synapse=None, **kwargs)

    def probes(self):
        return [nengo.Probe(m.add_window(POINTS)) for m in (self.spiking, self.ideal)]


def error(simulator, net, probe, ideal, seconds=4.5, seed=0, dt=DT, late=6, **options):
    """Relative error at the best of a few delays, since the chip is some steps late."""
    with simulator(net, dt=dt, seed=seed, progress_bar=False, **options) as sim:
        sim.run(seconds)
    return best_error(sim.data[probe], sim.data[ideal], int(0.5 / dt), late)


def assert_as_good(net, probes, worse=WORSE, **options):
    reference = error(nengo.Simulator, net, *probes)
    assert reference < 0.15
    assert error(nengo_loihi.Simulator, net, *probes, **options) < worse * reference


# --- the host's part


@pytest.mark.parametrize("remove_passthrough", [True, False])
def test_nodes_may_stay(remove_passthrough):
    """What leads from neurons to neurons goes around a memory's nodes in any case."""
    with nengo.Network(seed=0) as net:
        pair = Pair()
        pair.connect(noise())
        probes = pair.probes()
    assert_as_good(net, probes, remove_passthrough=remove_passthrough)
    assert resources(net, remove_passthrough=remove_passthrough).fits


def test_a_second_filter_on_the_host_comes_after_the_memorys():
    """It comes after the memory's, where time constants were added up before."""
    with nengo.Network(seed=0) as net:
        pair = Pair()
        pair.connect(noise())
        probes = []
        for one in (pair.spiking, pair.ideal):
            node = nengo.Node(lambda t, x: x, size_in=5)
            nengo.Connection(one.add_window(POINTS), node, synapse=0.05)
            probes.append(nengo.Probe(node))
    assert_as_good(net, probes)


# --- back into a memory


def from_window(one):
    return one.add_window(1)


def from_decoded(one):
    return one.decoded[0]


@pytest.mark.parametrize("read", [from_window, from_decoded])
def test_a_memory_may_feed_itself(read):
    with nengo.Network(seed=0) as net:
        pair = Pair()
        pair.connect(noise())
        for one in (pair.spiking, pair.ideal):
            nengo.Connection(
                read(one), one.add_feedback(), transform=-0.3, synapse=None
            )
        probes = pair.probes()
    # what is read of the spikes of a step has their noise, on the chip as elsewhere
    assert_as_good(net, probes)


def into_input(one):
    return one.input


def into_feedback(one):
    return one.add_feedback()


@pytest.mark.parametrize("way_in", [into_input, into_feedback])
def test_a_memory_may_feed_another(way_in):
    with nengo.Network(seed=0) as net:
        first, second = Pair(), Pair()
        first.connect(noise(rms=0.2))
        for a, b in ((first.spiking, second.spiking), (first.ideal, second.ideal)):
            nengo.Connection(a.add_window(1), way_in(b), synapse=None)
        probes = second.probes()
    assert_as_good(net, probes)


def test_feedback_may_come_from_everywhere():
    """From the host, from an ensemble, filtered or not, by several nodes and slices."""
    with nengo.Network(seed=0) as net:
        pair = Pair(size_in=1)
        pair.connect(noise(rms=0.15))
        other, ensemble = (
            noise(seed=3, rms=0.15),
            nengo.Ensemble(300, 1, neuron_type=LIF, seed=2),
        )
        nengo.Connection(other, ensemble, synapse=None)
        heard = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(ensemble, heard, synapse=0.01)
        for one, said in ((pair.spiking, ensemble), (pair.ideal, heard)):
            first, second = one.add_feedback(), one.add_feedback()
            nengo.Connection(other, first, synapse=None)
            between = nengo.Node(size_in=2)
            nengo.Connection(other, between[1], synapse=None)
            nengo.Connection(one.decoded[0], between[0], synapse=None)
            nengo.Connection(between, second, transform=[[-0.1, 0.2]], synapse=None)
            synapse = 0.01 if said is ensemble else None
            nengo.Connection(said, second, transform=0.5, synapse=synapse)
        probes = pair.probes()
    assert_as_good(net, probes)


def test_hidden_units_on_the_host_have_their_rates():
    """They are numbers, where each that is not 0 was taken for a spike before."""
    kernels = {"hidden_encoders": np.full((1, 20), 0.02), "seed": 5}
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        stim, probes = noise(), []
        for n_neurons in (600, 0):
            cell = LMU(
                0.5,
                6,
                units=20,
                n_neurons=n_neurons,
                error_feedback=0,
                hidden_neuron_type=nengo.Tanh(tau_ref=1),
                **kernels,
            )
            net.config[cell.hidden].on_chip = False
            nengo.Connection(stim, cell.input, synapse=None)
            probes.append(nengo.Probe(cell.memory.add_window(POINTS)))
    assert_as_good(net, probes)


# --- read by ensembles on the chip


@pytest.mark.parametrize("synapse", [None, 0.005, 0.05])
def test_ensembles_read_a_window(synapse):
    """About as well as ensembles of NengoLoihi read each other there.

    In quadrature, 0.065 are what an ensemble makes of what another one says, and 0.03
    are the memory's (measured with NengoLoihi alone, and as elsewhere here).
    """
    with nengo.Network(seed=0) as net:
        pair = Pair(n_neurons=1200)
        pair.connect(noise())
        probes = []
        told = nengo.networks.EnsembleArray(400, 5, neuron_type=LIF, seed=1)
        nengo.Connection(pair.spiking.add_window(POINTS), told.input, synapse=synapse)
        probes.append(nengo.Probe(told.output, synapse=0.02))
        ideal = nengo.Node(size_in=5)
        nengo.Connection(pair.ideal.add_window(POINTS), ideal, synapse=synapse)
        probes.append(nengo.Probe(ideal, synapse=0.02))
    assert error(nengo_loihi.Simulator, net, *probes, late=30) < 0.1


def test_ensembles_read_all_dimensions_and_slices():
    """The last dimensions are small, in front of parts of their sum that are not."""
    with nengo.Network(seed=0) as net:
        pair = Pair(n_neurons=1200)
        pair.connect(noise())
        told = nengo.Ensemble(800, 6, neuron_type=LIF, seed=1)
        nengo.Connection(pair.spiking.output[2:], told[:4], synapse=None)
        nengo.Connection(pair.spiking.output[:2], told[[5, 4]], synapse=0.005)
        order = [2, 3, 4, 5, 1, 0]
        ideal = nengo.Node(size_in=6)
        nengo.Connection(pair.ideal.output[order], ideal, synapse=None)
        probes = nengo.Probe(told, synapse=0.03), nengo.Probe(ideal, synapse=0.03)
    assert error(nengo_loihi.Simulator, net, *probes, late=30) < 0.25


# --- inputs beyond their range


@pytest.mark.parametrize("size_in", [1, 2])
def test_input_beyond_its_range_is_cut_off_for_everybody(size_in):
    with nengo.Network(seed=0) as net:
        stim = nengo.Node([1.5] + [0.5] * (size_in - 1))
        lmu = LMU(0.5, 6, size_in=size_in, n_neurons=600 * size_in)
        nengo.Connection(stim, lmu.input, synapse=None)
        probe = nengo.Probe(lmu.memory.add_window(POINTS), synapse=0.1)
        raw = nengo.Probe(lmu.input)
    with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
        with pytest.warns(UserWarning, match=r"input was beyond .* 1 in 2000 of 2000"):
            sim.run(2.0)
    wanted = np.repeat([1.0] + [0.5] * (size_in - 1), len(POINTS))
    # 0.06 is twice the error of a signal of this size in the window of 600 neurons
    assert np.allclose(sim.data[probe][-500:].mean(axis=0), wanted, atol=0.06)
    assert np.all(sim.data[raw][:, 0] == 1.5)


def test_cut_off_is_told_when_it_has_doubled():
    with nengo.Network(seed=0) as net:
        stim = nengo.Node(lambda t: 2.0 if t > 0.0105 else 0.5)
        lmu = LMU(0.5, 2, n_neurons=40, error_feedback=0)
        nengo.Connection(stim, lmu.input, synapse=None)
    told = []
    with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
        for _ in range(20):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                sim.step()
            told += [str(one.message) for one in caught]
    # of 1, 3 and 7 steps
    assert len(told) == 3 and "in 7 of 17 steps (41 %), up to 2" in told[-1]


# --- what the chip can have


def test_rates_follow_the_time_step():
    """They are as many as can be, and the user is told of it."""
    with nengo.Network(seed=0) as net:
        stim = nengo.Node(nengo.processes.WhiteSignal(30.0, high=1.0, rms=0.3, seed=0))
        pair = LegendreMemory(1.0, 6, dt=0.005, error_feedback=0)
        ideal = LegendreMemory(1.0, 6, dt=0.005, n_neurons=0)
        for one in (pair, ideal):
            nengo.Connection(stim, one.input, synapse=None)
        probes = [nengo.Probe(one.add_window(POINTS)) for one in (pair, ideal)]
    with pytest.warns(UserWarning, match="they are given 165 Hz .* instead of 220 Hz"):
        measured = error(nengo_loihi.Simulator, net, *probes, seconds=20, dt=0.005)
    assert measured < 0.08  # 0.72 with the rates of shorter steps


def test_rates_that_the_chip_cannot_have_are_refused():
    with nengo.Network() as net:
        LMU(0.5, 2, n_neurons=40, max_rates=nengo.dists.Choice([1200.0]))
    with pytest.raises(BuildError, match="max_rates.* at most 1000 Hz.*1200 Hz.*lower"):
        nengo_loihi.Simulator(net)


def test_other_bands_have_room():
    """Dimensions that a slower input hardly moves do not reach the largest rate."""
    with nengo.Network(seed=0) as net:
        stim = nengo.Node(nengo.processes.WhiteSignal(30.0, high=2.0, rms=0.3, seed=2))
        spiking = LegendreMemory(1.0, 8, error_feedback=0)
        ideal = LegendreMemory(1.0, 8, n_neurons=0)
        for one in (spiking, ideal):
            nengo.Connection(stim, one.input, synapse=None)
        probes = [nengo.Probe(one.add_window(POINTS)) for one in (spiking, ideal)]
    reference, emulator = (
        error(simulator, net, *probes, seconds=8)
        for simulator in (nengo.Simulator, nengo_loihi.Simulator)
    )
    assert emulator < WORSE * reference


def test_neurons_at_their_limit_are_told_of():
    """A sample says that nothing else is to be expected; so there is no room for it."""
    sample = nengo.processes.WhiteSignal(5.0, high=1.0, rms=0.3, seed=0)
    with nengo.Network(seed=0) as net:
        spiking = LegendreMemory(1.0, 8, n_neurons=400, input_range=sample)
        spiking.input.radius = 1.5
        nengo.Connection(noise(high=2), spiking.input, synapse=None)
        nengo.Probe(spiking.output)
    with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
        with pytest.warns(UserWarning, match="should have spiked more than once"):
            sim.run(2.0)


def test_long_windows_take_a_synapse_that_the_chip_can_have():
    """The synapse is one that the chip can have, and its weights are told of."""
    with nengo.Network() as net:
        LMU(24.0, 6, n_neurons=60)
    with pytest.warns(UserWarning, match="4.1 s is 4100 time steps.*longer dt"):
        resources(net)
    with nengo.Network() as net:
        LMU(24.0, 6, n_neurons=60, synapse=9.0)
    with pytest.raises(BuildError, match="synapse.*9 s is too long.*shorter"):
        resources(net)


def test_transforms_that_cannot_be_multiplied_are_refused():
    with nengo.Network() as net:
        one = memory()
        ensemble = nengo.Ensemble(10, 6, neuron_type=LIF)
        nengo.Connection(
            one.output, ensemble, transform=nengo.dists.Uniform(-1, 1), synapse=None
        )
    with pytest.raises(BuildError, match="distribution.*give an array"):
        nengo_loihi.Simulator(net)
