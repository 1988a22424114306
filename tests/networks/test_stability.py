"""Whether what a cell says comes back to it larger, against what networks do."""

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import NengoWarning, ValidationError

from nengo_lmu import LMU
from nengo_lmu.legendre import discretize, state_space

GROWS = "grows without end, .*-fold in a window of 0.1 s, since it comes back through"


def network(scale, units=50, seed=0, **kwargs):
    """A cell that feeds back what its hidden units say, after a short input."""
    rng = np.random.RandomState(seed)
    encoders = scale * rng.standard_normal((1, units))
    kernel = rng.standard_normal((units, 6)) / np.sqrt(units)
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(lambda t: np.sin(20 * t) if t < 0.2 else 0)
        net.lmu = LMU(
            0.1,
            6,
            units=units,
            **{
                "n_neurons": 0,
                "hidden_neuron_type": nengo.RectifiedLinear(),
                "coupling": "feed-forward",
                "hidden_encoders": encoders,
                "memory_kernel": kernel,
                **kwargs,
            },
        )
        nengo.Connection(stimulus, net.lmu.input, synapse=None)
        net.state = nengo.Probe(net.lmu.memory.output)
    return net


def growth(net, seconds=(1.0, 3.0)):
    """By how much a step multiplied the state's size, from one time to another."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", f".*{GROWS}")
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run(seconds[1] + 0.2)
    size = np.linalg.norm(sim.data[net.state], axis=1)
    # the state turns as it grows: means over two windows
    early, late = (size[int(1000 * t) :][:200].mean() for t in seconds)
    return (late / early) ** (1 / (1000 * (seconds[1] - seconds[0]))), size


def assert_alike(gain, measured):
    """Compare the logarithms of growths in a window of 100 steps."""
    log_gain, log_measured = 100 * np.log([gain, measured])
    assert log_gain == pytest.approx(log_measured, rel=0.05, abs=0.15)


KERNELS = {
    "memory alone": {},
    "units that hear each other": {
        "hidden_kernel": 0.05 * np.random.RandomState(9).standard_normal((50, 50))
    },
    "state fed back": {"memory_encoders": [[0.1, -0.1, 0.1, 0.0, 0.05, 0.1]]},
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_loop_gain_is_the_growth_of_the_network(name, seed):
    """Above 1 and below, for matrices of three seeds.

    Where units take turns in being active, growth differs from window to window; means
    over some windows are within 15 %, or 5 % of the logarithm.
    """
    for scale in (0.5, 3.0):
        net = network(scale, seed=seed, **KERNELS[name])
        measured, _ = growth(net)
        assert_alike(net.lmu.loop_gain(), measured)


def test_spiking_cell_grows_as_its_rates_say():
    """Poisson units hear each other through a synapse; the mean grows all the same."""
    units = {
        "n_neurons": 200,
        "hidden_neuron_type": nengo.PoissonSpiking(nengo.RectifiedLinear()),
        "hidden_kernel": KERNELS["units that hear each other"]["hidden_kernel"],
    }
    net = network(1.2, seed=1, **units)
    measured, size = growth(net, (1.0, 2.0))
    assert size[-1] > 100 * size[:200].max()
    assert measured > 1.002
    assert_alike(net.lmu.loop_gain(), measured)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"hidden_neuron_type": nengo.Tanh()},
        {"hidden_neuron_type": nengo.Sigmoid()},
        {"hidden_neuron_type": nengo.LIFRate()},
        {"n_neurons": 100, "hidden_neuron_type": nengo.LIF()},
    ],
)
def test_units_that_saturate_are_bounded(kwargs):
    """However much they feed back: what is left for large states is the memory's."""
    net = network(100.0, **kwargs)
    A_bar, _ = discretize(*state_space(0.1, 6), 0.001)
    radius = np.abs(np.linalg.eigvals(A_bar)).max()
    assert net.lmu.loop_gain() == pytest.approx(radius, rel=1e-9)
    _, size = growth(net, (0.5, 0.6))
    assert np.all(np.isfinite(size))


def test_state_that_is_fed_back_alone():
    """Linear, so that the loop gain is a spectral radius, with units that saturate."""
    e_m = np.array([[0.4, 0.2, -0.3, 0.1, 0.0, 0.3]])
    A_bar, B_bar = discretize(*state_space(0.1, 6), 0.001)
    radius = np.abs(np.linalg.eigvals(A_bar + B_bar @ e_m)).max()
    tanh = {"hidden_neuron_type": nengo.Tanh(), "hidden_encoders": None}
    net = network(1.0, memory_encoders=e_m, **tanh)
    assert net.lmu.loop_gain() == pytest.approx(radius)


def test_long_windows_are_followed_in_fewer_steps():
    """The same cell at a tenth of the time step grows as much in a window."""
    gains = [
        network(3.0, seed=1, dt=dt).lmu.loop_gain() ** (0.1 / dt)
        for dt in (0.001, 0.0001, 0.00002)
    ]
    assert gains[0] > 2
    # 100 steps, then 1000, and 5000 of which five are held at a time
    assert gains[1] == pytest.approx(gains[2], rel=0.03)


def test_feed_forward_cells_are_stable():
    with nengo.Network(seed=0):
        lmu = LMU(0.1, 6, units=20)
        alone = LMU(0.1, 6)
    assert lmu.loop_gain() < 1
    assert alone.loop_gain() == lmu.loop_gain()


def test_building_warns_of_growth_and_says_what_to_do():
    net = network(3.0, seed=1)
    with pytest.warns(NengoWarning, match=f'{GROWS} hidden_encoders.*"feed-forward"'):
        nengo.Simulator(net, progress_bar=False).close()


@pytest.mark.parametrize("scale", [0, 0.1])
def test_building_says_nothing_of_stable_cells(scale):
    with nengo.Simulator(network(scale), progress_bar=False) as sim:
        sim.run_steps(1)


def test_nothing_is_said_of_memories_that_are_trained():
    """A and B may be anything then, so that there is no answer, and none is given."""
    net = network(3.0, seed=1)
    net.lmu.memory.config[nengo.Connection].trainable = True
    with nengo.Simulator(net, progress_bar=False):
        pass
    with pytest.raises(ValidationError, match="matrices that are trained.*leave"):
        net.lmu.loop_gain()
