"""Random arguments of networks, good and bad, and what each set must lead to."""

import datetime
import numbers
import re
from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import nengo
import numpy as np
from hypothesis import HealthCheck, settings
from nengo.exceptions import BuildError, ValidationError
from nengo.params import Default

from nengo_lmu import legendre
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import shown

N_STEPS = 20

# A derandomized search is the same each time, and the same everywhere.
quick = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class Broken(nengo.dists.Distribution):
    """A user's distribution, with a mistake."""

    def sample(self, n, d=None, rng=np.random):
        raise IndexError("index 7 is out of bounds")


class WrongShape(nengo.dists.Distribution):
    def sample(self, n, d=None, rng=np.random):
        return np.ones(3 if d is None else (d, n + 1))


NO_NUMBERS = [
    1j,
    np.complex64(1),
    "1",
    b"1",
    "a" * 5000,
    datetime.date(2020, 1, 1),
    np.datetime64("2020-01-01"),
    np.timedelta64(1, "s"),
    True,
    np.True_,
    np.array(True),
    Decimal("1"),
    np.ma.masked,
    object(),
    {},
    nengo.LIF,
    float("nan"),
    np.float32("inf"),
    -np.inf,
    10**400,
    10**5000,
    np.longdouble("1e4000"),
]
NO_SCALARS = [[1.0], np.ones(2), [], [[1], [1, 2]], np.ma.array([1.0], mask=[True])]
NOT_POSITIVE = [0, -1, -0.5, np.float64(-3), Fraction(-1, 3), 1e300, 1e-300, 10**30]
NO_COUNTS = [*NO_SCALARS, -1, 2.0, 1e300, 1e-300, Fraction(4, 2), 10**30, None]
_LARGE = [0.1, 1e300]
NO_ARRAYS = [
    [[1], [1, 2]],
    [1.0, "a"],
    [1.0, 1j],
    np.array(["2020-01-01"], dtype="M8[s]"),
    np.ma.array([1.0, 2.0], mask=[False, True]),
    np.array([1.0, None], dtype=object),
    np.array([True, False]),
    [0.1, np.nan],
    [0.1, np.inf],
    _LARGE,
    [0.1, 10**400],
]

_numbers = [*NO_NUMBERS, *NO_SCALARS, *NOT_POSITIVE]
# there is a default for None where a number is asked for
_matrices = [*NO_NUMBERS, *NO_ARRAYS, np.ones((2, 2, 2)), Broken(), WrongShape()]
_tunings = [*NO_ARRAYS, *NO_NUMBERS, Broken(), WrongShape()]

BAD_OF_MEMORY = {
    "theta": [*_numbers, None, 1e-5, Fraction(1, 10**6)],
    "d": [*NO_NUMBERS, *NO_COUNTS, 0],
    "size_in": [*NO_NUMBERS, *NO_COUNTS, 0],
    "n_neurons": [*NO_NUMBERS, *NO_COUNTS[:-1], 1],
    "neuron_type": [*NO_NUMBERS, None, nengo.LIF],
    "max_rates": [
        *_tunings,
        nengo.dists.Choice([[1, 2]]),
        nengo.dists.Choice([0.0]),
        nengo.dists.Uniform(-10, 10),
        nengo.dists.Samples([np.nan]),
        [1e300],
        [1e-300],
        [-1.0],
    ],
    "intercepts": [*_tunings, nengo.dists.Choice([1.5]), [2.0], [-1e300], [1e300]],
    # however large, they are signs
    "encoders": [
        *(one for one in _tunings if one is not _LARGE),
        nengo.dists.Choice([[0.0]]),
        [0.0],
    ],
    "synapse": [*_numbers, 1e-12, nengo.Alpha(0.1), nengo.Lowpass(0), nengo.Lowpass],
    "dt": [*_numbers, None, 1e308, 1e-308, 1e6],
    "discretization": [*NO_NUMBERS, None, ["zoh"], "tustin"],
    "input_range": [
        *NO_NUMBERS,
        *NO_ARRAYS,
        *NOT_POSITIVE,
        None,
        np.zeros(20000),
        np.full(20000, 1e-300),
        np.ones((9, 2, 2)),
        nengo.processes.WhiteSignal,
        nengo.processes.PresentInput([[np.nan]], 0.1),
    ],
    "realization": [*NO_NUMBERS, *NO_ARRAYS, None, "Legendre", np.ones((7, 7)), 1.0],
    "trainable_theta": [1, "no", None, np.nan, [True]],
    "seed": [*NO_NUMBERS, *NO_SCALARS, -1, 1.5, 2**32, 10**30],
    "error_feedback": [*NO_NUMBERS, *NO_SCALARS, -0.1, 2.5, 10**30, 1e300],
    "feedback_delay": [*NO_NUMBERS, *NO_SCALARS, None, -0.1, 10**30, 1e300, 100.0],
}
BAD_OF_CELL = {
    **BAD_OF_MEMORY,
    "units": [*NO_NUMBERS, *NO_COUNTS],
    "hidden_neuron_type": [*NO_NUMBERS, None, nengo.LIF],
    "coupling": ["Full", "none", 1, True, ["full"]],
    "input_encoders": [*_matrices, np.ones((0, 2)), np.ones((2, 9))],
    **{
        name: _matrices
        for name in (
            "hidden_encoders",
            "memory_encoders",
            "input_kernel",
            "hidden_kernel",
            "memory_kernel",
            "hidden_bias",
        )
    },
}

_ORDERS = [*NO_NUMBERS, *NO_COUNTS, 0]
_WHOLE = [*NO_NUMBERS, *NO_COUNTS, 0]
_SQUARE = [*NO_NUMBERS, *NO_ARRAYS, 1.0, np.ones((2, 3)), []]
_NOT_LEGENDRE = [*NO_NUMBERS, None, "tustin", ["zoh"]]
_INPUTS = [*NO_NUMBERS, *NO_ARRAYS, *NOT_POSITIVE, None, np.zeros(9), "white"]
_NEURONS = {
    "theta": [*_numbers, None, 1e-5],
    "d": _ORDERS,
    "n_neurons": [*NO_NUMBERS, *NO_COUNTS, 0, 5],
    "tau": _numbers,
    "max_rate": _numbers,
    "dt": [*_numbers, None, 1e308, 1e-308, 10.0],
    "input": _INPUTS,
    "realization": [*NO_NUMBERS, *NO_ARRAYS, None, "fourier", np.ones((3, 3))],
    "method": _NOT_LEGENDRE,
    "spiking": _NOT_LEGENDRE,
    "error_feedback": [*NO_NUMBERS, *NO_SCALARS, -0.1, 2.5, 1e300],
    "feedback_delay": [*NO_NUMBERS, *NO_SCALARS, None, -0.1, 1e300, 10.0],
}


def _of_neurons(*without):
    return {name: bad for name, bad in _NEURONS.items() if name not in without}


_STATISTICS = legendre.white_noise_statistics(1.0, 3, 0.3, 1.0)
_POPULATIONS = legendre.SpikingPopulations(
    1.0, 3, _STATISTICS, legendre.Realization(np.eye(3)), 0.4, 220.0
)
_MEMORY = {"theta": 1.0, "d": 3}
_SYSTEM = dict(zip("AB", legendre.state_space(1.0, 3)))
_SEQUENCE = {
    "theta": _NEURONS["theta"],
    "d": _ORDERS,
    "dt": _NEURONS["dt"],
    "method": _NOT_LEGENDRE,
}
_MATRICES = {
    "A": [*_SQUARE, np.full((3, 3), 1e300), np.full((3, 3), 1e20)],
    "B": [*NO_NUMBERS, *NO_ARRAYS, np.ones((2, 1)), np.full((3, 1), 1e300)],
    "dt": [*_numbers],
    "method": _NOT_LEGENDRE,
}
_COUNTS = [*NO_NUMBERS, *NO_ARRAYS, None, [0, 1, 1], [-1, 1, 1], [2, 2], 4]

# function, good arguments, and bad ones in the place of each
OF_THE_MATHEMATICS = {
    "state_space": (_MEMORY, {"theta": [*_numbers, None], "d": _ORDERS}),
    "discretize": ({**_SYSTEM, "dt": 0.001}, _MATRICES),
    "principle3": (
        {**_SYSTEM, "synapse": 0.1, "dt": 0.001},
        {**_MATRICES, "synapse": [*_numbers, None, 1e8]},
    ),
    "simulate": (
        {"u": np.ones(9), **_MEMORY},
        {"u": [*NO_NUMBERS, *NO_ARRAYS, None, 1.0, np.ones((2, 2, 2))], **_SEQUENCE},
    ),
    "impulse_response": ({"n_steps": 9, **_MEMORY}, {"n_steps": _WHOLE, **_SEQUENCE}),
    "last_step": (
        {"n_inputs": 9, **_MEMORY},
        {
            "n_inputs": _WHOLE,
            "steps": [*_WHOLE, -1],
            "delay": [*NO_NUMBERS, *NO_COUNTS, -1, 10, 100],
            **_SEQUENCE,
        },
    ),
    "readout": (
        {"d": 3, "points": 0.5},
        {"d": _ORDERS, "points": [*NO_NUMBERS, *NO_ARRAYS, None, [], -0.1, 1.1]},
    ),
    "pade_error": (
        {**_MEMORY, "frequency": 1.0},
        {
            "theta": [*_numbers, None],
            "d": _ORDERS,
            "frequency": [*NO_NUMBERS, *NO_ARRAYS, None],
        },
    ),
    "white_noise_statistics": (
        {**_MEMORY, "rms": 0.3, "bandwidth": 1.0},
        {
            "theta": [*_numbers[:-1], None],
            "d": _ORDERS,
            "rms": [*_numbers, None],
            "bandwidth": [*_numbers[:-1], None],
        },
    ),
    "sampled_statistics": (
        {**_MEMORY, "u": np.sin(np.arange(2000) / 50)},
        {
            "u": [*NO_NUMBERS, *NO_ARRAYS, None, 1.0, np.zeros(9), []],
            **{name: _SEQUENCE[name] for name in ("theta", "d", "dt")},
        },
    ),
    "input_statistics": (
        _MEMORY,
        {
            "expected": [*_INPUTS, legendre.white_noise_statistics(1.0, 2, 0.3, 1.0)],
            **{name: _SEQUENCE[name] for name in ("theta", "d", "dt")},
        },
    ),
    "StateStatistics": (
        {"covariance": np.eye(3), "input_rms": 1.0, "samples": np.ones((5, 3))},
        {
            "covariance": [*_SQUARE, np.tri(3)],
            "input_rms": [*NO_NUMBERS, *NO_SCALARS, -1, None],
            "samples": [*NO_NUMBERS, *NO_ARRAYS, np.ones((5, 2)), np.ones((0, 3))],
        },
    ),
    "Realization": ({"T": np.eye(3)}, {"T": [*_SQUARE, np.zeros((3, 3)), None]}),
    "basis": (
        {"statistics": _STATISTICS, "kind": "balanced", "amplification": np.eye(3)},
        {
            "statistics": [1.0, None, np.eye(3)],
            "kind": [*_SQUARE, "fourier", None, np.ones((7, 7))],
            "amplification": [*_SQUARE, None],
            "noise": _SQUARE,
        },
    ),
    "SpikingPopulations": (
        {
            **_MEMORY,
            "statistics": _STATISTICS,
            "realization": legendre.Realization(np.eye(3)),
            "tau": 0.4,
            "max_rate": 220.0,
            "error_feedback": 0.5,
        },
        {
            **_of_neurons("n_neurons", "input", "realization", "feedback_delay"),
            "statistics": [1.0, None, legendre.StateStatistics(np.eye(2), 1.0)],
            "realization": [np.eye(3), "balanced", legendre.Realization(np.eye(2))],
            "start": [1.0, "near", np.eye(2), np.full((3, 3), np.nan)],
            "feedback_delay": [*NO_NUMBERS, *NO_COUNTS, -1],
            "error_feedback": [*_NEURONS["error_feedback"], None],
        },
    ),
    "split_neurons": (
        {"n_neurons": 12, "weights": np.ones(3)},
        {
            "n_neurons": _NEURONS["n_neurons"],
            "weights": [*NO_NUMBERS, *NO_ARRAYS, None, [], [0, 0], [-1, 1]],
        },
    ),
    "best_tau": (
        _MEMORY,
        _of_neurons(
            "n_neurons",
            "tau",
            "max_rate",
            "realization",
            "spiking",
            "error_feedback",
            "feedback_delay",
        ),
    ),
    "best_error_feedback": (
        {**_MEMORY, "n_neurons": 60},
        _of_neurons("spiking", "error_feedback"),
    ),
    "predicted_error": ({**_MEMORY, "n_neurons": 60}, _of_neurons()),
    "error_floor": ({**_MEMORY, "n_neurons": 60}, _of_neurons()),
    "neurons_for_error": (
        {"error": 0.1, **_MEMORY},
        {"error": [*_numbers, None, 1e-9], **_of_neurons("n_neurons")},
    ),
    **{
        name: ({"self": _POPULATIONS, "counts": [20, 20, 20]}, {"counts": _COUNTS})
        for name in ("error", "floor", "rates", "covariance")
    },
    **{
        name: (
            {"self": _POPULATIONS, "covariance": np.eye(3)},
            {"covariance": [*_SQUARE, None]},
        )
        for name in ("error_of", "estimator")
    },
    "split": (
        {"self": _POPULATIONS, "n_neurons": 60},
        {"n_neurons": _NEURONS["n_neurons"]},
    ),
}

NEURON_TYPES = [
    nengo.PoissonSpiking(nengo.RectifiedLinear()),
    nengo.PoissonSpiking(nengo.LIFRate()),
    nengo.StochasticSpiking(nengo.RectifiedLinear()),
    nengo.RegularSpiking(nengo.RectifiedLinear()),
    nengo.SpikingRectifiedLinear(),
    nengo.RectifiedLinear(),
    nengo.LIF(),
    nengo.AdaptiveLIF(),
    nengo.LIFRate(),
    nengo.Sigmoid(),
    nengo.Tanh(),
    nengo.Direct(),
]


def same_number(value):
    """Return a number in one of the ways in which there are numbers."""
    return st.sampled_from(
        [value, np.float64(value), np.array(value), Fraction(str(value))]
    )


@st.composite
def good_arguments(draw, cell, neuron_types=NEURON_TYPES, ideal=True):
    """Draw arguments that go together: of an LMU, or of a LegendreMemory."""
    d = draw(st.integers(1, 6))
    size_in = draw(st.integers(1, 3))
    dt = draw(st.sampled_from([0.001, 0.002]))
    theta = draw(st.sampled_from([0.05, 0.3, 1.0, 7.0]))
    euler = d <= 4 and theta >= 0.3
    e_x = None
    if cell:
        rows = draw(st.integers(1, 2))
        e_x = draw(
            st.sampled_from(
                [None, 1.0, np.float32(0.5), nengo.dists.Uniform(-1, 1)]
                + [np.full((rows, size_in), 0.4)]
            )
        )
    signals = size_in
    if isinstance(e_x, np.ndarray):
        signals = len(e_x)
    elif isinstance(e_x, nengo.dists.Distribution):
        signals = 1
    n = draw(st.integers(2, 8)) * 2 * signals * d + draw(st.integers(0, 1))
    none = [0] if ideal else []
    sample = np.sin(np.arange(0, 2 * theta, dt) * 7 / theta)
    n_given = draw(st.sampled_from([n, n, n, np.int32(n), *none]))
    values = {
        "theta": same_number(theta),
        "d": st.sampled_from([d, np.int64(d), np.array(d)]),
        "size_in": st.sampled_from([size_in, np.uint8(size_in)]),
        "n_neurons": st.just(n_given),
        "neuron_type": st.sampled_from([Default, Default, *neuron_types]),
        "max_rates": st.sampled_from(
            [Default, nengo.dists.Uniform(100, 200), nengo.dists.Choice([150])]
            + [np.full(n, 120), nengo.dists.Samples(np.full(n, 130.0))]
        ),
        "intercepts": st.sampled_from(
            [Default, nengo.dists.Uniform(-0.5, 0.5), list(np.linspace(-0.5, 0.5, n))]
        ),
        "encoders": st.sampled_from(
            [Default, (-1) ** np.arange(n), 2.0 * (-1) ** np.arange(n)[:, np.newaxis]]
        ),
        "synapse": st.one_of(
            st.sampled_from([None, nengo.Lowpass(0.1)]), same_number(0.2)
        ),
        "dt": same_number(dt),
        "discretization": st.sampled_from(["zoh", "euler"] if euler else ["zoh"]),
        "input_range": st.one_of(
            same_number(0.5),
            st.sampled_from(
                [
                    3,
                    nengo.processes.WhiteSignal(1.0, high=5, seed=0),
                    sample,
                    sample[:, np.newaxis],
                    np.tile(sample[:, np.newaxis], (1, signals)),
                ]
            ),
        ),
        "realization": st.sampled_from(
            ["balanced", "principal", "legendre", np.eye(d) + 0.1 * np.ones((d, d))]
        ),
        "trainable_theta": st.sampled_from([False, euler, np.bool_(euler)]),
        "seed": st.sampled_from([None, 0, 2**32 - 1, np.int64(3)]),
        "error_feedback": st.one_of(st.none(), st.just(0), same_number(0.3)),
        "feedback_delay": st.sampled_from([0, 0.0, dt, np.float32(2 * dt)]),
    }
    if cell:
        units = draw(st.integers(0, 4))
        values |= {
            "units": st.just(units),
            "hidden_neuron_type": st.sampled_from(
                [Default, nengo.Tanh(), nengo.LIF(), nengo.RectifiedLinear()]
            ),
            "coupling": st.sampled_from([None, "full", "feed-forward"]),
            "input_encoders": st.just(e_x),
            "hidden_encoders": _kernel(signals, units),
            "memory_encoders": _kernel(signals, signals * d),
            "input_kernel": _kernel(units, size_in),
            "hidden_kernel": _kernel(units, units),
            "memory_kernel": _kernel(units, signals * d),
            "hidden_bias": st.one_of(
                st.sampled_from([None, np.full(units, 0.1), nengo.dists.Choice([0.1])]),
                same_number(0.5),
            ),
        }
    return {name: draw(value) for name, value in values.items()}


def _kernel(rows, columns):
    return st.sampled_from(
        [
            None,
            0,
            np.float32(0),
            np.full((rows, columns), 0.01),
            np.full((rows, columns), 1 / 100).tolist() if rows else 0,
            nengo.dists.Uniform(-0.01, 0.01),
        ]
    )


@st.composite
def argument_sets(draw, cell, **good):
    """Draw arguments of which some may be bad, and the names of those."""
    arguments = draw(good_arguments(cell, **good))
    bad = BAD_OF_CELL if cell else BAD_OF_MEMORY
    how_many = draw(st.sampled_from([0, 0, 1, 1, 1, 2]))
    names = draw(
        st.lists(
            st.sampled_from(sorted(bad)),
            min_size=how_many,
            max_size=how_many,
            unique=True,
        )
    )
    for name in names:
        arguments[name] = draw(st.sampled_from(bad[name]))
    return arguments, names


def check(network, simulator, arguments, names, refusals=()):
    """Hold what is drawn: it runs and stays finite, or says what is wrong with it.

    Parameters
    ----------
    network : type
    simulator : backends.Backend
    arguments : dict
    names : list of str
        Arguments that are bad.
    refusals : iterable of str
        What a backend may say of good arguments: regular expressions.
    """
    dt = arguments["dt"]
    try:
        with nengo.Network(seed=1) as net:
            lmu = network(**arguments)
            stimulus = nengo.Node(lambda t: np.full(lmu.size_in, np.sin(9 * t) / 3))
            nengo.Connection(stimulus, lmu.input, synapse=None)
            probe = nengo.Probe(lmu.output)
        with simulator(net, dt=float(dt), seed=0) as sim:
            sim.run_steps(N_STEPS)
        data = sim.data[probe]
    except (ValidationError, ArgumentError, BuildError) as error:
        if any(re.search(one, str(error)) for one in refusals):
            return
        assert names, error
        check_message(str(error), arguments, names)
    else:
        assert not names, f"{names} was accepted: {[arguments[n] for n in names]}"
        assert np.shape(data)[-2] == N_STEPS
        assert np.all(np.isfinite(data))


# what is refused because of another argument, by the name of that
TOGETHER = {
    "dt": {"theta", "synapse", "feedback_delay"},
    "d": {"realization"},
}


def check_message(message, arguments, names):
    """Hold that a message names the argument, its value and the remedy."""
    message = " ".join(message.split())
    name = re.match(r"(?:\w+\.)?(\w+): ", message)
    assert name, message
    name = name[1]
    blamed = set(names).union(*(TOGETHER.get(one, set()) for one in names))
    assert name in blamed, (message, names)
    assert len(message) < 500, message
    assert "must" in message or "; " in message, message
    told = [" ".join(shown(arguments[name]).split())]
    told += [f"{one:g}" for one in _some_numbers(arguments[name])]
    told += _sizes(arguments[name])
    told += ["masked", "NaN", "zero throughout", "singular", "among them", "is needed"]
    told += re.findall(r"shape (?:is )?\([\d, ]*\)", message)
    assert any(one in message for one in told), (message, told)


def _some_numbers(value):
    try:
        if type(value) is np.ndarray and value.dtype.kind == "f" and value.size:
            return [value.max()]
        return [float(value)] if isinstance(value, numbers.Real) else []
    except (OverflowError, TypeError):  # np.timedelta64 is an integer to Python
        return []


def _sizes(value):
    try:
        sizes = [str(np.shape(value)), f"has {np.size(value)}"]
    except ValueError:  # a ragged list
        return []
    is_list = isinstance(value, list) and np.asarray(value).dtype.kind == "i"
    return [*sizes, shown(np.array(value, dtype=float))] if is_list else sizes
