"""The tables and the figure of the scaling experiment, made of its record."""

from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    page_figure,
)
from nengo_lmu.utils.table import format_table

# A series has a colour, a marker and a name, those of our memory by type of neuron.
LOOKS = {
    "poisson": (BLUE, "o", "Poisson"),
    "stochastic": (SKY, "s", "stochastic"),
    "regular": (GREEN, "D", "regular"),
    "lif": (ORANGE, "^", "LIF"),
    "poisson-lif": (PURPLE, "v", "Poisson LIF"),
    "adaptive-lif": (BLACK, "<", "adaptive LIF"),
    "izhikevich": ("#999933", ">", "Izhikevich"),
    "sigmoid": ("#882255", "h", "sigmoid rates"),
    "tanh": ("#332288", "p", "tanh rates"),
    "poisson-sigmoid": ("#44AA99", "d", "Poisson sigmoid"),
    "usual": (VERMILION, "X", "usual recipe"),
    "feed-forward": ("0.5", "P", "feed-forward, 1-D"),
}

TITLES = {
    "m": ("Neurons", "neurons $m$"),
    "d": ("Order", "order $d$"),
    "theta": ("Window", r"window $\theta$ (s)"),
    "tau": ("Synapse", r"synapse $\tau$ (s)"),
    "dt": ("Time step", "time step $dt$ (s)"),
}

SYMBOLS = {"d": "d", "theta": r"\theta", "dt": "dt"}


def draw_scaling(record):
    """Draw measured errors over the theory's curves, a panel for each thing varied.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.experiments.scaling.experiment.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    varied = {series["axis"] for series in record["series"]}
    first, *others = [axis for axis in TITLES if axis in varied]
    n_rows = -(-len(others) // 2)
    with page_figure(3.8 + 2.4 * n_rows) as figure:
        above, *below = figure.subfigures(
            1 + bool(others),
            1,
            squeeze=False,
            height_ratios=[3.4, 2.4 * n_rows] if others else None,
        )[:, 0]
        axes = above.subplots()
        _draw_panel(axes, record, first, "a")
        axes.legend(
            handles=_legend(record, first),
            title="type of neuron, exponent of $m$",
            alignment="left",
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            labelspacing=0.7,
        )
        if others:
            panels = below[0].subplots(
                n_rows, min(2, len(others)), sharey=True, squeeze=False
            )
            for axes, axis, letter in zip(panels.flat, others, "bcde"):
                _draw_panel(axes, record, axis, letter)
                if axis in SYMBOLS:
                    _write_exponents(axes, record, axis)
            for axes in panels.flat[len(others) :]:
                axes.set_axis_off()
            for axes in panels[:, 1:].flat:
                axes.set_ylabel("")
        figure.supxlabel(_conditions(record), fontsize=7, color="0.3")
    return figure


def _without(series):
    """Return whether neurons that can hear their error do not."""
    return series["recipe"] == "default" and series["error_feedback"] == 0


def _look(series):
    if series["recipe"] != "default":
        return LOOKS[series["recipe"]]
    colour, marker, name = LOOKS[series["neuron_type"]]
    return colour, marker, f"{name}, no feedback" if _without(series) else name


def _draw_panel(axes, record, axis, letter):
    drawn = [series for series in record["series"] if series["axis"] == axis]
    axes.set(xscale="log", yscale="log", xlabel=TITLES[axis][1])
    axes.set_ylabel("window error / rms of input")
    for series in drawn:
        colour, marker, _ = _look(series)
        x, mean = zip(*((point["x"], point["mean"]) for point in series["points"]))
        curve = series["curve"]
        if curve is None:
            axes.plot(x, mean, color=colour, lw=0.8, ls=":")
        else:
            dashes = "--" if _without(series) else "-"
            axes.plot(curve["x"], curve["window"], color=colour, lw=1.2, ls=dashes)
        axes.errorbar(
            x,
            mean,
            yerr=[point["standard_error"] or 0 for point in series["points"]],
            color=colour,
            **_marker(marker, _without(series)),
            elinewidth=1,
            capsize=2,
            zorder=3,
        )
    floor = _floor(record, axis)
    if floor is not None:
        axes.plot(*floor, **_FLOOR)
    if axis != "m":  # values are few, and seldom powers of ten
        x = sorted({point["x"] for series in drawn for point in series["points"]})
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="0.92", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_title(f"{letter}  {TITLES[axis][0]}", loc="left")


# The floor is drawn above the curve that comes near it.
_FLOOR = {"color": BLACK, "lw": 0.8, "ls": "-.", "zorder": 4}


def _floor(record, axis):
    """Return the line of the floor where neurons are varied, None elsewhere."""
    for series in record["series"]:
        curve = series["curve"]
        if series["axis"] == axis == "m" and curve and curve["floor"]:
            return curve["x"], curve["floor"]
    return None


def _write_exponents(axes, record, axis):
    """Write each exponent above the panel, in the colour of what it is of."""
    written = []
    for series in record["series"]:
        exponent = _exponent(record, series)
        if series["axis"] == axis and exponent:
            colour, marker, _ = _look(series)
            text = f"${SYMBOLS[axis]}^{{\\,{exponent}}}$"
            look = _marker(marker, _without(series))
            written.append(Line2D([], [], color=colour, label=text, **look))
    axes.legend(
        handles=written,
        loc="lower right",
        bbox_to_anchor=(1, 0.98),
        ncols=len(written),
        handletextpad=0.1,
        columnspacing=0.6,
        fontsize=7,
    )


def _marker(marker, hollow=False):
    # Squares are hollow, so that another marker at the same place is seen.
    hollow = hollow or marker == "s"
    face = {"mfc": "none", "mew": 1.2} if hollow else {"mec": "white", "mew": 0.4}
    return {"marker": marker, "ms": 5.0, "ls": "none", **face}


# These fields tell series from each other.
_KINDS = ("axis", "neuron_type", "recipe", "error_feedback")


def _exponent(record, series):
    """Return the exponent of a series, with half its interval, if there is one."""
    for fit in record["exponents"]:
        if all(fit[key] == series[key] for key in _KINDS):
            half = (fit["high"] - fit["low"]) / 2
            text = f"{fit['value']:.3f} \u00b1 {half:.3f}"
            return text.replace("-", "\u2212")
    return None


def _legend(record, axis):
    handles = []
    for series in record["series"]:
        if series["axis"] != axis:
            continue
        colour, marker, name = _look(series)
        if series["recipe"] == "usual":
            name += f", {LOOKS[series['neuron_type']][2]}"
        exponent = _exponent(record, series)
        if exponent:
            name += f": {exponent}"
        look = _marker(marker, _without(series))
        handles.append(Line2D([], [], color=colour, label=name, **look))
    lines = [
        {"color": BLACK, "lw": 1.2, "label": "theory"},
        {"color": BLACK, "lw": 1.2, "ls": "--", "label": "theory, no feedback"},
        {"color": BLACK, "lw": 0.8, "ls": ":", "label": "guide to the eye"},
    ]
    if _floor(record, axis) is not None:
        lines.insert(2, _FLOOR | {"label": "floor: spikes of one step"})
    return [*handles, *(Line2D([], [], **line) for line in lines)]


def _conditions(record):
    base, settings = record["base"], record["settings"]
    tau = "by default" if base["tau"] is None else f"= {base['tau']:g} s"
    text = (
        f"What is not varied: m = {base['n_neurons']}, d = {base['d']}, "
        f"\u03b8 = {base['theta']:g} s, \u03c4 {tau}, dt = {1000 * base['dt']:g} ms."
    )
    if settings["seeds"] > 1:
        text += f"\nBars: standard error of the mean over {settings['seeds']} seeds."
    if record["exponents"]:
        text += " Exponents: 95 % confidence."
    return text


def title(record):
    """Return what the errors of the table are of."""
    base, seeds = record["base"], record["settings"]["seeds"]
    tau = "default" if base["tau"] is None else f"{base['tau']:g} s"
    return (
        "\nWindow error relative to the rms of the input, mean and standard error over"
        f"\n{seeds} seeds: d={base['d']}, theta={base['theta']:g} s, "
        f"tau {tau}, dt={1000 * base['dt']:g} ms\n"
    )


def _name(row):
    if row["recipe"] != "default":
        return f"{row['neuron_type']}, {row['recipe']}"
    if row["error_feedback"] == 0:
        return f"{row['neuron_type']}, no feedback"
    return row["neuron_type"]


def error_table(record):
    """Return measured errors against neurons, and those of the theory."""

    def cells(series, point):
        measured = f"{point['mean']:.6f}"
        if point["standard_error"] is not None:
            measured += f" +- {point['standard_error']:.6f}"
        theory = point["predicted"], point["floor"]
        return [
            _name(series),
            f"{point['x']:,}",
            measured,
            *("-" if x is None else f"{x:.6f}" for x in theory),
        ]

    return format_table(
        ["neurons", "m", "measured", "theory", "floor"],
        [
            cells(series, point)
            for series in record["series"]
            if series["axis"] == "m"
            for point in series["points"]
        ],
    )


def exponent_table(record):
    """Return the exponents of power laws, and those of the theory."""
    return format_table(
        ["neurons", "of", "measured", "from", "to", "theory"],
        [
            [
                _name(row),
                row["axis"],
                *(f"{row[key]:.3f}" for key in ("value", "low", "high")),
                "-" if row["theory"] is None else f"{row['theory']:.3f}",
            ]
            for row in record["exponents"]
        ],
    )
