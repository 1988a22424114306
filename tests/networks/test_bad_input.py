"""Bad input is refused with the argument, the value and the remedy, as Nengo does."""

import pickle
import re
from fractions import Fraction

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError

from nengo_lmu import LMU, LegendreMemory
from nengo_lmu.legendre import ArgumentError, predicted_error, simulate
from nengo_lmu.legendre.checks import shown

# argument, what is given for it, what the message says of it, other arguments
OF_THE_MEMORY = [
    ("theta", 0, "greater than 0, but 0 was given", {}),
    ("theta", -1.5, "greater than 0, but -1.5 was given", {}),
    ("theta", np.nan, "number of seconds .* but nan", {}),
    ("theta", np.inf, "number of seconds .* but inf", {}),
    ("theta", "1", "number of seconds .* but '1'", {}),
    ("theta", None, "number of seconds .* but None", {}),
    ("theta", True, "number of seconds .* but True", {}),
    ("theta", [1.0], r"number of seconds .* but \[1.0\]", {}),
    ("d", 0, "whole number of at least 1, but 0", {}),
    ("d", -3, "whole number of at least 1, but -3", {}),
    ("d", 2.5, "whole number of at least 1, but 2.5", {}),
    ("d", 6.0, "whole number of at least 1, but 6.0", {}),
    ("d", True, "whole number of at least 1, but True", {}),
    ("d", "6", "whole number of at least 1, but '6'", {}),
    ("size_in", 0, "whole number of at least 1, but 0", {}),
    ("size_in", 1.5, "whole number of at least 1, but 1.5", {}),
    ("n_neurons", -1, "whole number of at least 0, but -1", {}),
    ("n_neurons", 60.0, "whole number of at least 0, but 60.0", {}),
    ("n_neurons", 5, "at least 6, an on and an off neuron .* but 5 .* smaller d", {}),
    ("n_neurons", 11, "at least 12, .* but 11", {"size_in": 2}),
    ("dt", 0, "number of seconds .* but 0", {}),
    ("dt", -0.001, "number of seconds .* but -0.001", {}),
    ("dt", "1 ms", "number of seconds .* but '1 ms'", {}),
    ("discretization", "tustin", "one of 'zoh', 'euler', but 'tustin'", {}),
    ("discretization", None, "one of 'zoh', 'euler', but None", {}),
    (
        "discretization",
        "euler",
        "dt=0.5 .* use a dt of at most .* or 'zoh'",
        {"dt": 0.5},
    ),
    ("synapse", 0, "number of seconds greater than 0, but 0", {}),
    ("synapse", -0.1, "number of seconds greater than 0, but -0.1", {}),
    ("synapse", np.nan, "number of seconds greater than 0, but nan", {}),
    ("synapse", "0.1", "Lowpass .* but '0.1' .*use nengo.Lowpass", {}),
    ("synapse", nengo.Alpha(0.1), r"Lowpass .* but Alpha.*use nengo.Lowpass", {}),
    ("synapse", nengo.Lowpass(0), "greater than 0, but Lowpass.*use nengo.Lowpass", {}),
    ("synapse", True, "but True", {}),
    ("input_range", 0, "greater than 0, but 0", {}),
    ("input_range", -1.0, "greater than 0, but -1.0", {}),
    ("input_range", np.nan, "but nan", {}),
    ("input_range", "1", "but '1'", {}),
    ("input_range", None, "but None", {}),
    ("input_range", [0.1, np.nan], "1 of its 2 values are NaN .*clean", {}),
    ("input_range", np.zeros(9), "zero throughout; give a sample", {}),
    ("input_range", np.ones((5, 3)), r"2 columns, .* \(5, 3\)", {"size_in": 2}),
    ("input_range", np.ones((5, 2, 2)), r"\(5, 2, 2\)", {}),
    ("input_range", np.ones(999), r"999 time steps, .* the 1000 .* \(min, max\)", {}),
    ("input_range", [1.0], "1 time steps, .* largest absolute value", {}),
    ("input_range", np.eye(2), r"2 time steps, .* one pair \(min,", {"size_in": 2}),
    ("input_range", np.ones((3, 2)), r"one pair \(min, max\)", {"size_in": 3}),
    ("input_range", (255, 0), r"\(255, 0\) was given; .* smaller number first", {}),
    ("input_range", [1.0, 1.0], r"min below max, but \[1.0, 1.0\]", {}),
    ("input_range", (0, np.inf), "1 of its 2 values are NaN or infinite", {}),
    ("input_range", ("0", "b"), "array of numbers, but", {}),
    ("input_range", np.ones(999), "999 time steps", {"n_neurons": 0}),
    ("input_range", (255, 0), "smaller number first", {"n_neurons": 0}),
    ("realization", "fourier", "one of 'balanced', .* but 'fourier'", {}),
    ("realization", np.eye(2), r"shape \(3, 3\), but its shape is \(2, 2\)", {}),
    ("realization", np.ones((3, 3)), "singular; give a matrix", {}),
    ("realization", np.full((3, 3), np.inf), "9 of its 9 values", {}),
    ("max_rates", np.ones(7), "each of the 60 neurons .* has 7; give 60 values", {}),
    ("max_rates", np.full(60, np.nan), "finite .* but nan", {}),
    ("max_rates", np.linspace(-1, 9, 60), "greater than 0, but -1 is", {}),
    ("max_rates", nengo.dists.Choice([0.0]), "greater than 0, but 0 is", {}),
    ("max_rates", ["fast"], r"distribution or an array .* but \['fast'\]", {}),
    ("max_rates", 200.0, "60 neurons .* has 1; give 60 values, or a distribution", {}),
    ("intercepts", "low", "distribution or an array .* but 'low'", {}),
    ("intercepts", nengo.dists.Uniform(0.5, 2), "below 1, .* but 1.9", {}),
    ("intercepts", np.zeros(61), "each of the 60 neurons .* has 61", {}),
    ("encoders", np.ones(3), "each of the 60 neurons .* has 3", {}),
    ("encoders", np.zeros(60), r"must not be 0; .* \+1 or -1", {}),
    ("encoders", nengo.dists.Choice([[1]]), "both signs .* dimension 0 have .1", {}),
    ("encoders", nengo.dists.Choice([[-1]]), "have -1, .* give half of them", {}),
    (
        "encoders",
        np.repeat([1.0, -1.0], [59, 1]),
        r"dimension 0 have \+1, with which LIF\(.* np.tile\(\[1, -1\]",
        {"neuron_type": nengo.LIF()},
    ),
    ("encoders", np.ones(60), "both signs", {"neuron_type": nengo.Sigmoid()}),
    ("encoders", np.ones(60), "both signs", {"neuron_type": nengo.RectifiedLinear()}),
    ("neuron_type", "LIF", "'LIF'", {}),
    ("neuron_type", nengo.LIF, "LIF", {}),
]


def check(error, name, says):
    message = str(error.value).replace("\n", " ")
    assert f".{name}: " in message or message.startswith(f"{name}: "), message
    assert re.search(says, message), message


@pytest.mark.parametrize("network", [LegendreMemory, LMU])
@pytest.mark.parametrize("name, value, says, others", OF_THE_MEMORY)
def test_memory(network, name, value, says, others):
    arguments = {"theta": 1.0, "d": 3, "n_neurons": 60, **others, name: value}
    with nengo.Network(seed=0), pytest.raises(ValidationError) as error:
        network(**arguments)
    check(error, name, says)


OF_THE_CELL = [
    ("units", -1, "whole number of at least 0, but -1"),
    ("units", 2.5, "whole number of at least 0, but 2.5"),
    ("units", True, "whole number of at least 0, but True"),
    ("hidden_neuron_type", nengo.Direct(), r"nonlinearity, but Direct\(\) .* units=0"),
    ("hidden_neuron_type", "tanh", "'tanh'"),
    ("coupling", "both", "one of 'full', 'feed-forward', but 'both' was given"),
    ("input_encoders", np.ones((1, 3)), r"shape \(1, 2\), .* \(1, 3\) was given; give"),
    ("input_encoders", "identity", "'identity'"),
    ("hidden_encoders", np.ones(4), r"shape \(2, 4\), .* \(4,\) was given; give"),
    ("hidden_encoders", 1.0, r"shape \(2, 4\), .* \(\) was given; give"),
    ("hidden_encoders", np.full((2, 4), np.nan), "8 of its 8 values are NaN"),
    ("memory_encoders", np.eye(6), r"shape \(2, 6\), .* \(6, 6\) was given; give"),
    ("input_kernel", np.ones((2, 4)), r"shape \(4, 2\), .* \(2, 4\) was given; give"),
    ("hidden_kernel", np.ones((3, 3)), r"shape \(4, 4\), .* \(3, 3\) was given; give"),
    ("hidden_kernel", np.inf, "1 of its 1 values"),
    ("memory_kernel", 2.0, r"shape \(4, 6\), .* \(\) was given; give"),
    ("memory_kernel", "xavier", "'xavier'"),
    ("hidden_bias", np.ones(3), r"shape \(4, 1\), .* \(3, 1\) was given; give"),
    ("hidden_bias", np.full(4, np.nan), "4 of its 4 values are NaN"),
    ("hidden_bias", "zeros", "'?zeros'?"),
]


@pytest.mark.parametrize("name, value, says", OF_THE_CELL)
def test_cell(name, value, says):
    arguments = {"units": 4, "n_neurons": 0, name: value}
    with nengo.Network(seed=0), pytest.raises(ValidationError) as error:
        LMU(1.0, 3, size_in=2, **arguments)
    check(error, name, says)


def test_unknown_argument():
    with nengo.Network(), pytest.raises(TypeError, match="thteta"):
        LMU(1.0, 3, thteta=2.0)


def test_trainable_theta_needs_stable_euler():
    """The remedy cannot be 'zoh' here, but the others hold."""
    with nengo.Network(), pytest.raises(ValidationError, match="a dt of at most"):
        LMU(0.01, 12, n_neurons=0, trainable_theta=True)


@pytest.mark.parametrize(
    "points, says",
    [
        (1.5, "1.5 .* divide a delay in seconds by theta"),
        ([-0.1], "-0.1"),
        (np.nan, "NaN"),
        ("now", "'now'"),
        (np.ones((2, 2)), r"\(2, 2\)"),
    ],
)
def test_points_of_the_window(points, says):
    with nengo.Network() as net:
        memory = LegendreMemory(1.0, 3, n_neurons=0)
        nodes = len(net.all_nodes)
        for read in (memory.decode, memory.add_window):
            with pytest.raises(ValidationError) as error:
                read(points)
            check(error, "points", says)
    assert len(net.all_nodes) == nodes  # nothing is left behind


def test_function_of_the_window():
    with nengo.Network():
        memory = LegendreMemory(1.0, 3, n_neurons=0)
        with pytest.raises(ValidationError) as error:
            memory.add_window([0, 1], function="max")
    check(error, "function", "callable, but 'max' was given; give a function of the 2")


# --- what shows when the network is built


@pytest.mark.parametrize("kwargs", [{}, {"n_neurons": 0}, {"units": 2}])
@pytest.mark.parametrize("backend", ["nengo", "nengo_dl"])
def test_other_dt_than_declared(backend, kwargs):
    simulator = pytest.importorskip(backend).Simulator
    with nengo.Network() as net:
        LMU(0.1, 3, dt=0.001, **kwargs)
    with pytest.raises(BuildError) as error:
        simulator(net, dt=0.002, progress_bar=False)
    message = str(error.value)
    assert "made for dt=0.001 s, but the simulator's dt is 0.002 s" in message
    assert "make the network with dt=0.002" in message
    # NengoDL alone would leave it at single precision after an error
    assert nengo.rc.get("precision", "bits") == "64"


def test_dt_is_compared_with_some_tolerance():
    with nengo.Network() as net:
        LMU(0.1, 3, n_neurons=0, dt=1 / 300)
    nengo.Simulator(net, dt=0.1 / 30, progress_bar=False).close()


def test_wrong_size_of_the_input():
    with nengo.Network():
        lmu = LMU(0.1, 3, size_in=2, n_neurons=0)
        with pytest.raises(ValidationError, match="not equal"):
            nengo.Connection(nengo.Node([0.0, 0, 0]), lmu.input)


# --- the checks themselves


@pytest.mark.parametrize(
    "value, short",
    [
        (1.5, "1.5"),
        ([1, 2], "[1, 2]"),
        (10**30, "1" + "0" * 30),
        (10**5000, "int with thousands of digits"),
        ("a" * 10**6, None),
        (np.zeros((10**4, 3)), None),
        (list(range(10**6)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
    ids=range(7),  # pytest would write the values out
)
def test_long_values_are_shortened(value, short):
    said = shown(value)
    assert len(said) <= 80 and "\n" not in said
    assert short is None or said == short


def test_errors_come_back_from_other_processes():
    error = ArgumentError("theta", "must be more")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is ArgumentError
    assert (again.name, again.problem, str(again)) == (
        "theta",
        "must be more",
        str(error),
    )


@pytest.mark.parametrize(
    "theta", [Fraction(1, 2), np.float32(0.5), np.array(0.5), np.longdouble(0.5)]
)
def test_all_ways_to_write_a_number(theta):
    """What is accepted means the same."""
    states = [
        simulate(np.ones(9), value, np.int8(3), dt=Fraction(1, 100))
        for value in (theta, 0.5)
    ]
    assert np.array_equal(*states)
    with nengo.Network(seed=0):
        memories = [
            LegendreMemory(value, np.array(3), n_neurons=np.uint16(60), seed=0)
            for value in (theta, 0.5)
        ]
    assert type(memories[0].theta) is float and type(memories[0].d) is int
    assert memories[0].synapse == memories[1].synapse
    assert np.array_equal(*[memory.realization.T for memory in memories])


@pytest.mark.parametrize("theta, accepted", [(0.001, True), (0.0009, False)])
def test_shortest_window(theta, accepted):
    """A window of one step is the shortest that there is."""
    if accepted:
        memory = LegendreMemory(theta, 2, n_neurons=0)
        assert memory.theta == theta
        # its mean is that of the last step, and it has forgotten all others
        assert np.allclose(simulate([5, 5, 5, 7], theta, 1)[-1], 7, rtol=0.3)
        return
    for call in (
        lambda: simulate(np.ones(9), theta, 2),
        lambda: predicted_error(theta, 2, 60),
        lambda: LegendreMemory(theta, 2),
    ):
        with pytest.raises(ValueError, match="theta: must be at least one time step"):
            call()


@pytest.mark.parametrize(
    "theta, dt", [(1e10, 0.001), (1.0, 1e-10), (10**30, 0.001), (1.0, 1e-308)]
)
def test_longest_window(theta, dt):
    with pytest.raises(ValidationError, match="at most|from 1e-24"):
        LegendreMemory(theta, 2, dt=dt)


@pytest.mark.parametrize("name", ["max_rates", "intercepts", "encoders"])
def test_samples_are_arrays(name):
    """A distribution with as many samples as there are neurons is as good as they."""
    values = {
        "max_rates": np.linspace(100, 200, 60),
        "intercepts": np.linspace(-0.5, 0.5, 60),
        "encoders": (-1.0) ** np.arange(60),
    }[name]
    with nengo.Network(seed=0):
        made = [
            LegendreMemory(1.0, 3, n_neurons=60, seed=0, **{name: given})
            for given in (values, nengo.dists.Samples(values))
        ]
        with pytest.raises(ValidationError, match=r"60 neurons .* has 59; give 60"):
            LegendreMemory(
                1.0, 3, n_neurons=60, **{name: nengo.dists.Samples(values[:-1])}
            )
    for attribute in ("gain", "bias", "signs", "weights"):
        first, second = (getattr(one.populations, attribute) for one in made)
        assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "bias", [0.5, np.float32(0.5), np.full(4, 0.5), np.full((4, 1), 0.5)]
)
def test_ways_to_write_a_bias(bias):
    with nengo.Network(seed=0):
        lmu = LMU(1.0, 3, units=4, n_neurons=0, hidden_bias=bias)
    assert np.array_equal(lmu.hidden_bias.transform.init, np.full((4, 1), 0.5))


def test_a_type_of_hidden_neurons_that_are_not_there():
    """It is refused for no units as it would be for any number of them."""
    with nengo.Network(), pytest.raises(ValidationError, match="hidden_neuron_type"):
        LMU(1.0, 6, n_neurons=0, hidden_neuron_type="tanh")


def test_the_one_number_that_is_none_is_named():
    rates = np.full(60, 200.0)
    rates[3] = np.inf
    with nengo.Network(), pytest.raises(ValidationError, match="but inf is among them"):
        LegendreMemory(1.0, 6, n_neurons=60, max_rates=rates)
