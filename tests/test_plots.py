"""Figures of memories show what they are given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import nengo  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

from nengo_lmu import LegendreMemory, plots  # noqa: E402
from nengo_lmu.legendre import (  # noqa: E402
    ArgumentError,
    error_floor,
    predicted_error,
    readout,
    simulate,
)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def memory():
    with nengo.Network(seed=0):
        return LegendreMemory(theta=0.5, d=4, n_neurons=40)


T = np.arange(200) * 0.001
TRAINS = np.random.RandomState(0).rand(200, 30) < 0.05


def test_what_is_given_axes_returns_them(memory):
    """New figures are made only where no axes are given."""
    _, (upper, lower) = plt.subplots(2)
    before = plt.get_fignums()
    states = simulate(np.sin(20 * T), 0.1, 3)
    shown = [
        plots.basis(3, ax=upper),
        plots.window(states, 0.1, ax=upper),
        plots.spikes(T, TRAINS, ax=upper),
        plots.decoded(T, np.sin(T), ax=upper),
        plots.tuning(memory, ax=upper),
        plots.error(1.0, 3, [10, 100], ax=upper),
    ]
    assert all(ax is upper for ax in shown)
    both = plots.spikes_and_window(T, TRAINS, np.sin(T), axes=(upper, lower))
    assert both == (upper, lower)
    assert plt.get_fignums() == before
    assert plots.basis(3).figure.number not in before


def test_polynomials_of_the_basis_are_drawn():
    ax = plots.basis(4, theta=0.5)
    curves = np.array([line.get_ydata() for line in ax.lines]).T
    points = ax.lines[0].get_xdata() / 0.5
    assert np.allclose(curves, readout(4, points))


def test_a_window_is_drawn_over_time():
    """A signal passes through the window: what is now 0.1 s old was new then."""
    u = np.sin(np.arange(2000) * 0.005)
    ax = plots.window(simulate(u, 0.4, 8), 0.4, points=5)
    (image,) = ax.images
    values = image.get_array()
    assert values.shape == (5, 2000) and list(image.get_extent()) == [0, 2.0, 0, 0.4]
    assert np.allclose(values[1, 900:], values[0, 800:-100], atol=0.02)
    assert image.norm.vmin == -image.norm.vmax


def test_spikes_are_where_they_are():
    ax = plots.spikes(T, TRAINS)
    offsets = ax.collections[0].get_offsets()
    step, neuron = np.nonzero(TRAINS)
    assert np.allclose(offsets, np.column_stack([T[step], neuron]))


def test_of_many_neurons_some_are_drawn():
    offsets = plots.spikes(T[:2], np.ones((2, 1000))).collections[0].get_offsets()
    shown = np.unique(offsets[:, 1])
    assert len(shown) == plots.MOST_TRAINS and (shown[0], shown[-1]) == (0, 999)


def test_the_decoded_signal_lies_on_what_is_wanted():
    values = np.column_stack([np.sin(T), np.cos(T)])
    ax = plots.decoded(T, values, wanted=values + 1)
    shown = np.array([line.get_ydata() for line in ax.lines])
    assert np.allclose(shown, np.concatenate([values.T + 1, values.T]))


def test_tuning_is_that_of_the_neurons(memory):
    ax = plots.tuning(memory, dimensions=[1])
    populations = memory.populations
    n = populations.counts[1]
    assert len(ax.lines) == n
    at_edges = np.array([line.get_ydata()[[0, -1]] for line in ax.lines])
    # half prefer either edge, where all have their maximum rates of 200 to 240 Hz
    assert np.all((at_edges.max(axis=1) >= 200) & (at_edges.max(axis=1) <= 240))
    assert np.count_nonzero(at_edges[:, 0]) == np.count_nonzero(at_edges[:, 1]) == n / 2
    assert ax.get_ylabel() == "rate (Hz)"


def test_error_is_that_of_the_theory():
    runs = {40: [0.02, 0.03], 100: 0.01}
    ax = plots.error(1.0, 3, [100, 10], measured=runs, error_feedback=0.5)
    predicted, floor, points = ax.lines[:3]
    expected = [
        predicted_error(1.0, 3, n, error_feedback=0.5).window for n in (10, 100)
    ]
    assert np.allclose(predicted.get_ydata(), expected)
    expected = [error_floor(1.0, 3, n, error_feedback=0.5).window for n in (10, 100)]
    assert np.allclose(floor.get_ydata(), expected)
    assert np.allclose(points.get_ydata(orig=False), [0.025, 0.01])
    (container,) = ax.containers
    (bars,) = container[2]
    ends = [segment[:, 1] for segment in bars.get_segments()]
    assert np.allclose(ends, [[0.02, 0.03], [0.01, 0.01]])


@pytest.mark.parametrize(
    "draw, name, problem",
    [
        (lambda memory: plots.basis(0), "d", "0 was given"),
        (lambda memory: plots.window(np.ones(3), 1.0), "states", "2 dimensions"),
        (lambda memory: plots.spikes(T, TRAINS[:5]), "trains", "must have 200 rows"),
        (lambda memory: plots.spikes(T, T), "trains", "a column for each neuron"),
        (lambda memory: plots.decoded(T, T[:3]), "values", "must have 200 rows"),
        (
            lambda memory: plots.tuning("it"),
            "memory",
            "'it' was given; give lmu.memory",
        ),
        (lambda memory: plots.tuning(memory, [4]), "dimensions", "at most 3"),
        (lambda memory: plots.error(1.0, 3, [5]), "n_neurons", "at least 6"),
    ],
)
def test_bad_arguments_are_refused(draw, name, problem, memory):
    with pytest.raises(ArgumentError, match=problem) as error:
        draw(memory)
    assert error.value.name == name


def test_an_ideal_memory_has_no_tuning():
    with nengo.Network():
        ideal = LegendreMemory(theta=0.5, d=4, n_neurons=0)
    with pytest.raises(ArgumentError, match="has no neurons to draw"):
        plots.tuning(ideal)
