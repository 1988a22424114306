"""Speed, reset, and what is not finite: signals that act on a memory while it runs."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, SimulationError, ValidationError
from scipy.integrate import solve_ivp

from nengo_lmu import LMU, LegendreMemory
from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.checks import ArgumentError
from nengo_lmu.legendre.feedback import with_feedback
from nengo_lmu.legendre.speed import at_speed, checked_speed, largest_speed

THETA, D, DT = 0.2, 4, 0.001
STEPS = 400
RATES = nengo.RectifiedLinear()  # neurons without noise

# memories without noise, and what they are to agree to
EXACT = [
    {"n_neurons": 0},
    {"n_neurons": 0, "trainable_theta": True},
    {"neuron_type": RATES},
    {"neuron_type": RATES, "error_feedback": 0},
    {"neuron_type": RATES, "feedback_delay": 0.002},
    {"neuron_type": RATES, "trainable_theta": True},
    {"neuron_type": RATES, "discretization": "euler"},
]


def make(theta=THETA, d=D, **memory):
    """Return a network with nodes for all signals of a memory, and their data."""
    with nengo.Network(seed=0) as net:
        net.u, net.g, net.r = nengo.Node([0.0]), nengo.Node([1.0]), nengo.Node([0.0])
        net.memory = LegendreMemory(theta, d, seed=1, **memory)
        nengo.Connection(net.u, net.memory.input, synapse=None)
        if net.memory.speed is not None:
            nengo.Connection(net.g, net.memory.speed, synapse=None)
        if net.memory.reset is not None:
            nengo.Connection(net.r, net.memory.reset, synapse=None)
        net.probe = nengo.Probe(net.memory.output)
    return net


def run(net, u, g=None, r=None, seed=0, simulator=nengo.Simulator):
    """Return the states for an input, speeds and resets of each step."""
    for node, values in ((net.u, u), (net.g, g), (net.r, r)):
        if values is not None:
            node.output = nengo.processes.PresentInput(values[:, np.newaxis], DT)
    with simulator(net, progress_bar=False, seed=seed) as sim:
        sim.run_steps(len(u))
    return sim.data[net.probe]


def recursion(net, u, g=None, r=None):
    """Return the same states by NumPy alone; neurons are a step behind."""
    memory = net.memory
    method = memory.discretization
    A, B = state_space(memory.initial_theta, memory.d)
    A_bar, B_bar = discretize(A, B, DT, method=method)
    m, states = np.zeros(memory.d), []
    for t in range(len(u)):
        speed = 1 if g is None else g[t]
        m = m + speed * (A_bar @ m - m + B_bar[:, 0] * u[t])
        if r is not None:
            m = (1 - r[t]) * m
        states.append(m)
    if memory.ensembles:
        states = [np.zeros(memory.d), *states[:-1]]
    return np.array(states)


@pytest.fixture
def signals():
    """An input, speeds with a pause, and resets, some of them partial."""
    rng = np.random.RandomState(0)
    u = np.clip(np.cumsum(0.1 * rng.randn(STEPS)), -1, 1)
    g = 1 + np.sin(np.arange(STEPS) / 20)
    g[100:150] = 0
    r = np.zeros(STEPS)
    r[200:260:30], r[300:310] = 1, 0.2
    return u, g, r


# --- the mathematics


def test_largest_speed_is_where_the_memory_becomes_unstable():
    A_bar, _ = discretize(*state_space(THETA, D), DT)
    for gain, delay in ((0, 0), (0.8, 0), (1.5, 0), (0.2, 2)):
        bound = largest_speed(A_bar, gain, delay)
        radius = [
            np.abs(
                np.linalg.eigvals(with_feedback(at_speed(A_bar, g), gain, delay))
            ).max()
            for g in (0.99 * bound, 1.01 * bound)
        ]
        assert radius[0] < 1 < radius[1]
    with pytest.raises(ArgumentError, match="must be below .* smaller dt"):
        checked_speed(1.01 * largest_speed(A_bar), A_bar)


def test_a_speed_beyond_the_memory_is_refused_with_the_bound():
    with pytest.raises(
        ValidationError, match="largest_speed: must be below 48, .* but 100"
    ):
        LegendreMemory(0.5, 6, n_neurons=0, largest_speed=100)
    with pytest.raises(ValidationError, match="largest_speed: must be a number"):
        LMU(0.5, 6, n_neurons=0, largest_speed=-1)


# --- speed and reset in nengo.Simulator


@pytest.mark.parametrize("memory", EXACT)
def test_speed_and_reset_are_those_of_the_recursion(memory, signals):
    u, g, r = signals
    net = make(**memory, largest_speed=2.0, reset=True)
    states, expected = run(net, u, g, r), recursion(net, u, g, r)
    scale = np.abs(expected).max()
    assert scale > 0.3
    assert np.abs(states - expected).max() < 1e-10 * scale


@pytest.mark.parametrize("memory", EXACT)
def test_with_a_speed_of_one_and_no_reset_it_is_the_same_memory(memory, signals):
    u, ones = signals[0], np.ones(STEPS)
    with_both = make(**memory, largest_speed=2.0, reset=True)
    states = run(with_both, u, ones, 0 * ones)
    expected = run(make(**memory), u)
    assert np.abs(states - expected).max() < 1e-10 * np.abs(expected).max()


def test_the_speed_is_that_of_the_differential_equation():
    """To the first order in dt: half the step, half the error."""
    A, B = state_space(THETA, D)

    def u(t):
        return np.sin(30 * t)

    def g(t):
        return 1 + np.sin(20 * t)

    solution = solve_ivp(
        lambda t, m: g(t) * (A @ m + B[:, 0] * u(t)),
        (0, 0.4),
        np.zeros(D),
        rtol=1e-9,
        atol=1e-9,
        dense_output=True,
    )
    errors = []
    for dt in (0.001, 0.0005):
        with nengo.Network() as net:
            memory = LegendreMemory(THETA, D, n_neurons=0, dt=dt, largest_speed=2.0)
            # in the middle of each step, as the integral over it has them
            for signal, node in ((u, memory.input), (g, memory.speed)):
                early = nengo.Node(lambda t, f=signal, dt=dt: f(t - dt / 2))
                nengo.Connection(early, node, synapse=None)
            probe = nengo.Probe(memory.output)
        with nengo.Simulator(net, dt=dt, progress_bar=False) as sim:
            sim.run(0.4)
        error = sim.data[probe] - solution.sol(sim.trange()).T
        errors.append(np.abs(error).max() / np.abs(solution.y).max())
    assert errors[0] < 0.02
    assert errors[1] < 0.6 * errors[0]


def test_twice_the_speed_is_half_the_window(signals):
    """But for g (g - 1) (A dt)^2 / 2 of each step, summed over a window."""
    u = signals[0]
    fast = run(make(n_neurons=0, largest_speed=2.0), u, np.full(STEPS, 2.0))
    short = run(make(THETA / 2, n_neurons=0), u)
    rates = np.linalg.eigvals(state_space(THETA / 2, D)[0])
    bound = np.abs(rates).max() * DT
    difference = np.sqrt(np.mean((fast - short) ** 2) / np.mean(short**2))
    assert 1e-4 < difference < bound


def test_a_pause_keeps_the_state_exactly(signals):
    u, g, _ = signals
    states = run(make(n_neurons=0, largest_speed=2.0), u, g)
    assert np.abs(states[99]).max() > 0.1
    assert np.all(states[100:150] == states[99])


def test_neurons_that_hear_their_error_do_not_drift_in_a_pause():
    """Without, the state is a random walk of steps (1 - a) eta.

    Its deviation after 2000 steps is that of one step times sqrt(2000) = 45; with
    feedback the one of a step or two is left. Over three seeds and the dimensions the
    ratio was 30 to 60.
    """
    drifts = {}
    for feedback in (None, 0):
        net = make(error_feedback=feedback, largest_speed=1.0)
        g = np.ones(2400)
        g[400:] = 0
        states = [run(net, np.full(2400, 0.7), g, seed=seed) for seed in range(3)]
        drifts[feedback] = np.sqrt(np.mean([(m[-1] - m[402]) ** 2 for m in states]))
    assert drifts[None] < 0.01
    assert drifts[0] > 8 * drifts[None]


@pytest.mark.parametrize("neurons", [nengo.PoissonSpiking(RATES), nengo.LIF()])
def test_spiking_memories_follow_speed_and_reset(neurons, signals):
    """As well as they remember without either: 1.5 times that, over three seeds."""
    u, g, r = signals
    with_both = make(neuron_type=neurons, largest_speed=2.0, reset=True)
    without = make(neuron_type=neurons)

    def error(net, *signals):
        states = [run(net, *signals, seed=seed) for seed in range(3)]
        return np.sqrt(np.mean((states - recursion(net, *signals)) ** 2))

    # twice the speed makes twice the noise of a step
    assert error(with_both, u, g, r) < 2 * 1.5 * error(without, u)


@pytest.mark.parametrize("memory", [*EXACT, {}, {"neuron_type": nengo.LIF()}])
def test_a_reset_clears_the_state(memory, signals):
    u, r = signals[0], np.zeros(STEPS)
    late = 1 if memory.get("n_neurons") != 0 else 0
    r[200] = 1
    net = make(**memory, reset=True)
    states = run(net, u, r=r)
    before, cleared = np.abs(states[195:200]).max(), np.abs(states[200 + late]).max()
    assert before > 0.1
    assert cleared < 1e-12 * before


@pytest.mark.parametrize("memory", [{}, {"neuron_type": nengo.LIF()}])
def test_after_a_reset_spiking_memories_are_like_fresh_ones(memory, signals):
    """In the error that they make, over 12 runs.

    Both errors are rms values of the 12 x 199 x 4 values, most of them of a memory that
    is correlated over some 100 steps: of about 100 independent ones, so that their
    ratio has a deviation of 10 %, and 1.4 is four of them.
    """
    u, r = signals[0], np.zeros(STEPS)
    u = np.concatenate([u[:200], u[:200]])
    r[199] = 1
    net = make(**memory, reset=True)
    expected = recursion(net, u[:200])
    runs = np.array([run(net, u, r=r, seed=seed) for seed in range(12)])

    def error(states):
        return np.sqrt(np.mean((states[:, 1:] - expected[1:]) ** 2))

    fresh, after = error(runs[:, :200]), error(runs[:, 200:])
    assert 1 / 1.4 < after / fresh < 1.4


def test_the_cell_passes_both_on_to_its_memory():
    lmu = LMU(0.1, 3, units=4, n_neurons=0, largest_speed=1.5, reset=True)
    assert lmu.memory.speed.size_in == lmu.memory.reset.size_in == 1
    assert LMU(0.1, 3, n_neurons=0).memory.speed is None


# --- in NengoDL and on Loihi


@pytest.mark.parametrize(
    "hidden, most",
    [(nengo.Tanh(tau_ref=1), 0.0), (nengo.SpikingRectifiedLinear(), 1.0)],
)
def test_hidden_units_keep_their_voltages_after_a_reset(hidden, most, signals):
    """Without ``W_x`` and ``W_h``: nothing for rates, a spike more or less for others.

    Against a cell that has had no input before.
    """
    u, _, _ = signals
    n = len(u)

    def activity(before):
        with nengo.Network(seed=0) as net:
            r = np.zeros((2 * n, 1))
            r[n - 1] = 1
            played = np.concatenate([before * u, u])[:, np.newaxis]
            lmu = LMU(
                THETA,
                D,
                units=5,
                n_neurons=0,
                hidden_neuron_type=hidden,
                input_kernel=None,
                hidden_kernel=None,
                reset=True,
                seed=1,
            )
            for values, post in ((played, lmu.input), (r, lmu.memory.reset)):
                node = nengo.Node(nengo.processes.PresentInput(values, DT))
                nengo.Connection(node, post, synapse=None)
            probe = nengo.Probe(lmu.output)
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(2 * n)
        assert np.any(sim.data[probe][n:])
        # the number of spikes after the reset, or the sum of what is put out
        return sim.data[probe][n:].cumsum(axis=0) * lmu.unit * DT

    difference = np.abs(activity(before=1) - activity(before=0)).max()
    # Sums of some hundred values of order 1 are rounded, by each processor otherwise.
    rounding = 1e-9
    assert difference <= most + rounding
    assert (difference > rounding) == (most > 0)


@pytest.mark.parametrize("memory", [EXACT[0], EXACT[1], EXACT[4], EXACT[5]])
def test_each_item_of_a_minibatch_has_its_own_speed_and_reset(memory, signals):
    nengo_dl = pytest.importorskip("nengo_dl")
    net = make(**memory, largest_speed=2.0, reset=True)
    items = [signals, [one[::-1] for one in signals]]
    nodes = net.u, net.g, net.r
    data = {
        node: np.array([item[i] for item in items])[:, :, np.newaxis]
        for i, node in enumerate(nodes)
    }
    expected = np.array([recursion(net, *item) for item in items])
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        states = sim.predict(data, verbose=0)[net.probe]
        # single precision, and sums of rates that are hundreds of times the state
        assert np.abs(states - expected).max() < 1e-4 * np.abs(expected).max()
        data[net.g][1, 150] = 2.1
        is_nan = np.isnan(sim.predict(data, verbose=0)[net.probe]).any(axis=-1)
    assert not is_nan[0].any()
    late = 0 if memory.get("n_neurons") == 0 else 1
    assert np.flatnonzero(is_nan[1])[0] == 150 + late


def test_spiking_minibatches_are_cleared_one_by_one(signals):
    nengo_dl = pytest.importorskip("nengo_dl")
    net = make(reset=True)
    u = np.tile(signals[0][:300], (2, 1))[:, :, np.newaxis]
    r = np.zeros_like(u)
    r[0, 200] = 1
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        states = sim.predict({net.u: u, net.r: r}, verbose=0)[net.probe]
    assert np.abs(states[:, 200]).max(axis=-1).min() > 0.1
    assert np.abs(states[0, 201]).max() < 1e-5 < 0.1 < np.abs(states[1, 201]).max()


def test_nengo_dl_trains_through_speed_and_reset(signals):
    """The gradient for the input is that of a small change of it."""
    nengo_dl = pytest.importorskip("nengo_dl")
    import tensorflow as tf

    u, g, r = (one[:60] for one in (signals[0], signals[1], np.zeros(60)))
    r[20] = 0.5
    net = make(n_neurons=0, largest_speed=2.0, reset=True)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        feed = [
            tf.constant(one[np.newaxis, :, np.newaxis], tf.float32) for one in (u, g, r)
        ]

        def total(speed):
            values = dict(zip((net.u, net.g, net.r), (feed[0], speed, feed[2])))
            inputs = {sim.get_name(node): value for node, value in values.items()}
            inputs["n_steps"] = tf.constant([[60]])
            out = sim.keras_model(inputs)
            out = out[sim.get_name(net.probe)] if isinstance(out, dict) else out[0]
            return tf.reduce_sum(out[:, -1])

        with tf.GradientTape() as tape:
            tape.watch(feed[1])
            value = total(feed[1])
        gradient = tape.gradient(value, feed[1])[0, :, 0].numpy()

    def by_numpy(step, change):
        changed = g.copy()
        changed[step] += change
        return recursion(net, u, changed, r)[-1].sum()

    for step in (10, 40):
        expected = (by_numpy(step, 1e-3) - by_numpy(step, -1e-3)) / 2e-3
        assert gradient[step] == pytest.approx(expected, rel=1e-2, abs=1e-4)
    assert np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize("memory", [{"n_neurons": 0}, {}])
def test_nengo_dl_refuses_data_that_is_not_finite(memory):
    nengo_dl = pytest.importorskip("nengo_dl")
    net = make(**memory, label="wm")
    with net:
        other = nengo.Node([0.0])  # a mask, for instance
        nengo.Connection(other, nengo.Node(size_in=1), synapse=None)
    u = np.zeros((2, 50, 1))
    u[1, 20] = np.nan
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        with pytest.raises(SimulationError, match=r"wm.input .* 0.021 s of item 1"):
            sim.predict({net.u: u}, verbose=0)
        zeros = np.zeros_like(u)
        states = sim.predict({net.u: zeros, other: u}, verbose=0)[net.probe]
    assert np.all(np.isfinite(states))


def test_poisson_numbers_of_nan_are_nan():
    """TensorFlow's generator would never return."""
    pytest.importorskip("nengo_dl")
    from nengo_lmu.dl.poisson import poisson

    for size in (3, 2000):
        mean = np.full(size, 0.5, dtype=np.float32)
        mean[1] = np.nan
        number = poisson(mean * np.ones(1, dtype=np.float32)).numpy()
        assert np.flatnonzero(np.isnan(number)).tolist() == [1]


def test_neurons_on_the_chip_have_no_speed_and_those_on_the_host_do(signals):
    nengo_loihi = pytest.importorskip("nengo_loihi")
    with pytest.raises(BuildError, match="cannot multiply the state by .*speed"):
        nengo_loihi.Simulator(make(largest_speed=2.0), progress_bar=False)
    net = make(neuron_type=RATES, largest_speed=2.0, reset=True)
    nengo_loihi.add_params(net)
    net.config[net.memory.ensembles[0]].on_chip = False
    with net:
        # NengoLoihi needs something on the chip
        nengo.Ensemble(1, 1, neuron_type=nengo.PoissonSpiking(RATES))
    states = run(net, *signals, simulator=nengo_loihi.Simulator)
    expected = recursion(net, *signals)
    assert np.abs(states - expected).max() < 1e-10 * np.abs(expected).max()


def test_a_memory_with_speed_or_reset_is_not_unrolled():
    pytest.importorskip("nengo_dl")
    from nengo_lmu.dl.unrolled import UnrolledLMU

    arguments = {
        "units": 2,
        "n_neurons": 0,
        "input_encoders": 1.0,
        "hidden_bias": 0,
        **dict.fromkeys(("hidden_kernel", "hidden_encoders", "memory_encoders")),
    }
    UnrolledLMU(LMU(0.1, 3, **arguments))
    for name, options in (
        ("speed", {"largest_speed": 2.0}),
        ("reset", {"reset": True}),
    ):
        with pytest.raises(ValidationError, match=f"its memory has a {name}"):
            UnrolledLMU(LMU(0.1, 3, **arguments, **options))


# --- what is refused


@pytest.mark.filterwarnings("ignore:.*less accurate on Loihi")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "memory",
    [
        {"n_neurons": 0},
        {"n_neurons": 40},
        {"n_neurons": 40, "neuron_type": nengo.LIF()},
        {"n_neurons": 40, "neuron_type": nengo.SpikingRectifiedLinear()},
    ],
)
def test_an_input_that_is_not_finite_ends_the_simulation(Simulator, memory, value):
    u = np.full(100, 0.1)
    u[51:] = value
    net = make(label="wm", **memory)
    with net:
        # NengoLoihi needs something on the chip
        nengo.Ensemble(1, 1, neuron_type=nengo.PoissonSpiking(RATES))
    says = rf"wm.input (is|would get) {value} at t = 0.052 s"
    with pytest.raises(SimulationError, match=says):
        run(net, u, simulator=Simulator)


def test_the_dimension_and_the_way_in_are_named():
    with nengo.Network() as net:
        lmu = LMU(0.1, 3, size_in=2, units=2, n_neurons=0, label="cell")
        nan = nengo.Node(nengo.processes.PresentInput([[0, np.nan]], 1))
        nengo.Connection(nan, lmu.input, synapse=None)
    sim = nengo.Simulator(net, progress_bar=False)
    with (
        sim,
        pytest.raises(SimulationError, match=r"cell.input\[1\] is nan at t = 0.0"),
    ):
        sim.step()
    with nengo.Network() as net:
        feedback = LegendreMemory(0.1, 3, n_neurons=0).add_feedback()
        inf = nengo.Node(nengo.processes.PresentInput([[np.inf]], 1))
        nengo.Connection(inf, feedback, synapse=None)
    sim = nengo.Simulator(net, progress_bar=False)
    with sim, pytest.raises(SimulationError, match="LegendreMemory.feedback is inf"):
        sim.step()


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("g", 2.01, "speed is 2.01 at t = 0.006 s, but must be from 0 to 2"),
        ("g", -0.01, "speed is -0.01 .* numpy.clip"),
        ("g", np.nan, "speed is nan"),
        ("r", 1.1, "reset is 1.1 .* from 0 to 1"),
        ("r", -1, "reset is -1"),
    ],
)
def test_speeds_and_resets_out_of_range_end_the_simulation(name, value, message):
    values = np.ones(10)
    values[5] = value
    net = make(n_neurons=0, largest_speed=2.0, reset=True)
    with pytest.raises(SimulationError, match=message):
        run(net, np.zeros(10), **{name: values})


def test_what_rounding_puts_out_of_range_is_let_pass():
    net = make(n_neurons=0, largest_speed=2.0, reset=True)
    run(net, np.zeros(3), g=np.array([-1e-9, 2 + 1e-9, 1]), r=np.full(3, -1e-12))


def test_a_speed_that_nothing_leads_to_is_refused():
    with nengo.Network() as net:
        LegendreMemory(THETA, D, n_neurons=0, largest_speed=2.0, label="wm")
    with pytest.raises(BuildError, match="wm.speed: nothing is connected to it"):
        with nengo.Simulator(net, progress_bar=False):
            pass
