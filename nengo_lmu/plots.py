"""Figures of memories: axes in, axes out.

Each function draws into the ``axes`` that it is given, or into new ones where that is
None, and returns them, so that figures are put together, changed and saved as any of
Matplotlib's. Axes have labels with units; colours are those of Okabe and Ito, which
colour-blind readers can tell apart, in `nengo_lmu.analysis.style`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nengo
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
)
from nengo_lmu.legendre import ArgumentError, error_floor, predicted_error, readout
from nengo_lmu.legendre.checks import finite_array, instance, order, positive, whole
from nengo_lmu.networks import LegendreMemory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from nengo_lmu.legendre.types import Array, ArrayLike


__all__ = [
    "basis",
    "decoded",
    "error",
    "spikes",
    "spikes_and_window",
    "tuning",
    "window",
]

# Lines are drawn through so many points.
_N_POINTS = 201

# Tuning curves from -1 to 1 begin so far from each other.
_PITCH = 2.6

# Black is for what is wanted.
_COLOURS = (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW)

# Of a population, so many spike trains are drawn.
MOST_TRAINS = 100


def basis(d: int, theta: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the functions whose sum the state says is the window.

    Parameters
    ----------
    d : int
        Order of the memory.
    theta : float, optional
        Length of the window (seconds), for an axis in seconds.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    ax : matplotlib.axes.Axes

    Examples
    --------
    >>> from nengo_lmu import plots
    >>> ax = plots.basis(d=4, theta=0.5)
    >>> len(ax.lines), ax.get_xlabel()
    (4, 'time ago (s)')
    """
    d = order(d)
    points = np.linspace(0, 1, _N_POINTS)
    ax = _axes(ax)
    for i, curve in enumerate(readout(d, points).T):
        _line(ax, _ages(points, theta), curve, i, label=f"$P_{{{i}}}$")
    ax.set(xlabel=_age_label(theta), ylabel="Legendre polynomial")
    ax.legend(ncols=min(d, 6), loc="upper center", bbox_to_anchor=(0.5, 1.18))
    return ax


def window(
    states: ArrayLike,
    theta: float,
    dt: float = 0.001,
    points: int = 50,
    ax: Axes | None = None,
) -> Axes:
    """Draw how the window, read out of the state, goes by.

    Parameters
    ----------
    states : (n_steps, d) array_like
        Of one signal, such as the data of a probe of `LegendreMemory.output`.
    theta : float
        Length of the window (seconds).
    dt : float
        Time from one row to the next (seconds).
    points : int
        How many of the window.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    ax : matplotlib.axes.Axes
        With an image, in ``ax.images``, whose colours are explained by a colour bar.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu import legendre, plots
    >>> u = np.sin(np.arange(2000) * 0.01)
    >>> ax = plots.window(legendre.simulate(u, theta=0.5, d=6), theta=0.5)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'time ago (s)')
    """
    states = finite_array("states", states, ndim=2)
    theta, dt = positive("theta", theta, "of seconds"), positive("dt", dt)
    places = np.linspace(0, 1, whole("points", points, 2))
    read = readout(states.shape[1], places) @ states.T
    largest = np.abs(read).max() or 1.0
    ax = _axes(ax)
    image = ax.imshow(
        read,
        aspect="auto",
        origin="lower",
        extent=(0, len(states) * dt, 0, theta),
        cmap="PuOr",  # colour-blind readers can tell its ends apart
        vmin=-largest,
        vmax=largest,
        interpolation="nearest",
    )
    ax.figure.colorbar(image, ax=ax, label="decoded input")
    ax.set(xlabel="time (s)", ylabel="time ago (s)")
    return ax


def spikes(
    t: ArrayLike,
    trains: ArrayLike,
    ax: Axes | None = None,
    colour: str = BLUE,
    size: float = 0.5,
) -> Axes:
    """Draw spikes.

    Parameters
    ----------
    t : (n_steps,) array_like
        Seconds.
    trains : (n_steps, n_neurons) array_like
        Not 0 where a neuron spikes. Of more than a hundred neurons, as many are drawn,
        evenly spaced.
    ax : matplotlib.axes.Axes, optional
    colour : str
    size : float
        Of a spike, as for `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu import plots
    >>> trains = np.random.RandomState(0).rand(100, 30) < 0.05
    >>> plots.spikes(np.arange(100) * 0.001, trains).get_ylabel()
    'neuron'
    """
    t = finite_array("t", t, ndim=1)
    trains = _of_times("trains", trains, t)
    if trains.ndim != 2 or not trains.size:
        raise ArgumentError(
            "trains",
            f"must have a column for each neuron, but its shape is {trains.shape}; "
            "give what a probe of the neurons has",
        )
    ax = _axes(ax)
    n_neurons = trains.shape[1]
    shown = np.linspace(0, n_neurons - 1, min(MOST_TRAINS, n_neurons)).astype(int)
    step, train = np.nonzero(trains[:, shown])
    ax.scatter(
        t[step], shown[train], s=size, color=colour, linewidths=0, rasterized=True
    )
    ax.set(xlabel="time (s)", ylabel="neuron")
    return ax


def decoded(
    t: ArrayLike,
    values: ArrayLike,
    wanted: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what is decoded from a memory, over what it should be.

    Parameters
    ----------
    t : (n_steps,) array_like
        Seconds.
    values : (n_steps,) or (n_steps, n_points) array_like
        Such as the data of a probe of `LegendreMemory.add_window`.
    wanted : like ``values``, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    ax : matplotlib.axes.Axes
        What is wanted in wide black lines, what is decoded on them, in a colour for
        each point.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu import plots
    >>> t = np.arange(100) * 0.001
    >>> len(plots.decoded(t, np.sin(20 * t), wanted=np.sin(20 * t)).lines)
    2
    """
    t = finite_array("t", t, ndim=1)
    ax = _axes(ax)
    if wanted is not None:
        columns = _of_times("wanted", wanted, t).reshape(len(t), -1)
        # wide, to be seen on both sides of what lies on it
        lines = ax.plot(t, columns, color=BLACK, lw=3)
        lines[0].set_label("wanted")
    columns = _of_times("values", values, t).reshape(len(t), -1)
    for i, column in enumerate(columns.T):
        _line(ax, t, column, i, label=None if i else "decoded")
    ax.set(xlabel="time (s)", ylabel="signal")
    ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def spikes_and_window(
    t: ArrayLike,
    trains: ArrayLike,
    values: ArrayLike,
    wanted: ArrayLike | None = None,
    axes: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes]:
    """Draw spikes, and below them what is decoded from them.

    Parameters
    ----------
    t, trains
        As for `spikes`.
    values, wanted
        As for `decoded`.
    axes : pair of matplotlib.axes.Axes, optional

    Returns
    -------
    axes : tuple of matplotlib.axes.Axes
        The upper and the lower one.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu import plots
    >>> t = np.arange(100) * 0.001
    >>> trains = np.random.RandomState(0).rand(100, 30) < 0.05
    >>> upper, lower = plots.spikes_and_window(t, trains, np.sin(20 * t))
    """
    if axes is None:
        axes = _subplots(2, 1, sharex=True)
    upper, lower = axes
    spikes(t, trains, ax=upper)
    upper.set_xlabel("")
    decoded(t, values, wanted, ax=lower)
    return upper, lower


def tuning(
    memory: LegendreMemory,
    dimensions: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the tuning curves of a memory's neurons.

    Parameters
    ----------
    memory : LegendreMemory
        With neurons.
    dimensions : sequence of int, optional
        Of the state, as the neurons represent it; by default the first three.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    ax : matplotlib.axes.Axes
        With the dimensions side by side, each in a colour. Neurons at the right of one
        prefer large values, those at its left small ones.

    Examples
    --------
    >>> import nengo
    >>> from nengo_lmu import LegendreMemory, plots
    >>> with nengo.Network(seed=0):
    ...     memory = LegendreMemory(theta=0.5, d=4, n_neurons=40)
    >>> plots.tuning(memory).get_ylabel()
    'rate (Hz)'
    """
    instance("memory", memory, LegendreMemory, "give lmu.memory of an LMU")
    populations = memory.populations
    if populations is None:
        raise ArgumentError(
            "memory", "has no neurons to draw; give one with n_neurons above 0"
        )
    n_dims = len(populations.counts)
    if dimensions is None:
        dimensions = range(min(3, n_dims))
    dimensions = [whole("dimensions", i, 0, n_dims - 1) for i in dimensions]
    neuron_type = memory.neuron_type
    # the rates of neurons that spike by chance are those of their base
    neuron_type = getattr(neuron_type, "base_type", neuron_type)
    x = np.linspace(-1, 1, _N_POINTS)[:, np.newaxis]
    ax = _axes(ax)
    for k, i in enumerate(dimensions):
        of = populations.slices[i]
        signs, gain = populations.signs[of], populations.gain[of]
        rates = neuron_type.rates(x * signs, gain, populations.bias[of])
        for rate in rates.T:
            _line(ax, x[:, 0] + _PITCH * k, rate, k, width=0.7)
    per_second = neuron_type.spiking or neuron_type is not memory.neuron_type
    linear = isinstance(neuron_type, (nengo.RectifiedLinear, nengo.LIFRate))
    places = _PITCH * np.arange(len(dimensions))
    names = [f"0\ndimension {i}:\n{populations.counts[i]} neurons" for i in dimensions]
    ax.set_xticks(places, names)
    ends = np.concatenate([places - 1, places + 1])
    ax.set_xticks(ends, np.repeat(["-1", "1"], len(places)), minor=True)
    ax.set(
        xlabel="value (of its range)",
        ylabel="rate (Hz)" if per_second or linear else "output",
    )
    return ax


def error(
    theta: float,
    d: int,
    n_neurons: Sequence[int],
    measured: Mapping[int, Any] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the error of the window against the number of neurons.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : sequence of int
        At which the theory is asked.
    measured : dict, optional
        By numbers of neurons, errors relative to the rms of the input, of one or
        several runs. The bars are standard errors of the mean.
    ax : matplotlib.axes.Axes, optional
    **kwargs
        Of the theory, as for `nengo_lmu.legendre.predicted_error`.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Examples
    --------
    >>> from nengo_lmu import plots
    >>> ax = plots.error(1.0, 6, [50, 500], measured={100: [0.007, 0.0072]})
    >>> ax.get_xscale(), ax.get_yscale()
    ('log', 'log')
    """
    sizes = sorted({whole("n_neurons", n, 2 * order(d)) for n in n_neurons})
    predicted = [predicted_error(theta, d, n, **kwargs).window for n in sizes]
    ax = _axes(ax)
    ax.plot(sizes, predicted, color=BLUE, label="predicted")
    if kwargs.get("spiking") != "regular":
        floor = [error_floor(theta, d, n, **kwargs).window for n in sizes]
        ax.plot(sizes, floor, color=BLACK, ls=":", label="spikes of one step")
    if measured is not None:
        runs = {
            n: finite_array("measured", np.atleast_1d(values), ndim=1)
            for n, values in sorted(measured.items())
        }
        means = [np.mean(values) for values in runs.values()]
        bars = [
            np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
            for values in runs.values()
        ]
        ax.errorbar(
            list(runs), means, bars, color=VERMILION, fmt="o", ms=3, label="measured"
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="neurons",
        ylabel="window error (of the rms of the input)",
    )
    for axis, numbers in ((ax.xaxis, "{x:,.0f}"), (ax.yaxis, "{x:g}")):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter(numbers))
        axis.set_minor_formatter(NullFormatter())
    ax.legend()
    return ax


def _axes(ax):
    """Return the axes to draw into, which are new where there are none."""
    return _subplots() if ax is None else ax


def _subplots(*shape, **options):
    import matplotlib.pyplot as plt  # which programs without windows do without

    _, axes = plt.subplots(*shape, layout="constrained", **options)
    for ax in np.ravel(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return axes


def _line(ax, x, y, i, width=1.5, label=None):
    """Draw a line in the i-th colour, dashed where the colours begin anew."""
    turn, colour = divmod(i, len(_COLOURS))
    dashes = ("-", "--", ":")[turn % 3]
    ax.plot(x, y, color=_COLOURS[colour], ls=dashes, lw=width, label=label)


def _of_times(name: str, values: ArrayLike, t: Array) -> Array:
    """Return values as an array, if there is a row for each time."""
    array = np.asarray(values)
    if array.ndim not in (1, 2) or len(array) != len(t):
        raise ArgumentError(
            name,
            f"must have {len(t)} rows, one for each time, but its shape is "
            f"{array.shape}; give what a probe has for these times",
        )
    return finite_array(name, array.astype(float) if array.dtype == bool else array)


def _ages(points, theta):
    return points if theta is None else points * positive("theta", theta)


def _age_label(theta):
    return "point of the window (0 is now)" if theta is None else "time ago (s)"
