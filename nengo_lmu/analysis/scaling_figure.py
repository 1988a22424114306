"""The figure of the scaling experiment, drawn from its record."""

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from nengo_lmu.analysis.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
)

# colour, marker and name of each series, by type of neuron for our memory
LOOKS = {
    "poisson": (BLUE, "o", "Poisson"),
    "stochastic": (SKY, "s", "stochastic"),
    "regular": (GREEN, "D", "regular"),
    "lif": (ORANGE, "^", "LIF"),
    "poisson-lif": (PURPLE, "v", "Poisson LIF"),
    "usual": (VERMILION, "X", "usual recipe"),
    "feed-forward": ("0.5", "P", "feed-forward, 1-D"),
}

TITLES = {
    "m": ("Neurons", "neurons $m$"),
    "d": ("Order", "order $d$"),
    "theta": ("Window", r"window $\theta$ (s)"),
    "tau": ("Synapse", r"synapse $\tau$ (s)"),
}

SYMBOLS = {"d": "d", "theta": r"\theta"}


def draw_scaling(record):
    """Draw measured errors over the theory's curves, a panel for each thing varied.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.analysis.scaling.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    varied = {series["axis"] for series in record["series"]}
    first, *others = [axis for axis in TITLES if axis in varied]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 6.2 if others else 3.8), layout="constrained")
        rows = figure.subfigures(2 if others else 1, 1, squeeze=False)[:, 0]
        axes = rows[0].subplots()
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
            panels = rows[1].subplots(1, len(others), sharey=True, squeeze=False)[0]
            for axes, axis, letter in zip(panels, others, "bcd"):
                _draw_panel(axes, record, axis, letter)
                axes.label_outer()
        figure.supxlabel(_conditions(record), fontsize=7, color="0.3")
    return figure


def _look(series):
    if series["recipe"] == "default":
        return LOOKS[series["neuron_type"]]
    return LOOKS[series["recipe"]]


def _draw_panel(axes, record, axis, letter):
    drawn = [series for series in record["series"] if series["axis"] == axis]
    axes.set(xscale="log", yscale="log", xlabel=TITLES[axis][1])
    axes.set_ylabel("window error / rms of input")
    title = f"{letter}  {TITLES[axis][0]}"
    for series in drawn:
        colour, marker, _ = _look(series)
        x, mean = zip(*((point["x"], point["mean"]) for point in series["points"]))
        curve = series["curve"]
        if curve is None:
            axes.plot(x, mean, color=colour, lw=0.8, ls=":")
        else:
            axes.plot(curve["x"], curve["window"], color=colour, lw=1.2)
        axes.errorbar(
            x,
            mean,
            yerr=[point["standard_error"] or 0 for point in series["points"]],
            color=colour,
            **_marker(marker),
            elinewidth=1,
            capsize=2,
            zorder=3,
        )
        exponent = _exponent(record, series)
        if exponent and axis in SYMBOLS and series["recipe"] == "default":
            title += f": $\\propto {SYMBOLS[axis]}^{{\\,{exponent}}}$"
    if axis != "m":  # few values, and seldom powers of ten
        x = sorted({point["x"] for series in drawn for point in series["points"]})
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="0.92", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title, loc="left")


def _marker(marker):
    # hollow squares, so that another marker at the same place is seen
    face = (
        {"mfc": "none", "mew": 1.2} if marker == "s" else {"mec": "white", "mew": 0.4}
    )
    return {"marker": marker, "ms": 5.0, "ls": "none", **face}


def _exponent(record, series):
    """Return the exponent of a series, with half its interval, if there is one."""
    for found in record["exponents"]:
        if all(found[key] == series[key] for key in ("axis", "neuron_type", "recipe")):
            half = (found["high"] - found["low"]) / 2
            text = f"{found['value']:.2f} \u00b1 {half:.2f}"
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
        handles.append(Line2D([], [], color=colour, label=name, **_marker(marker)))
    theory = {"lw": 1.2, "label": "theory"}
    guide = {"lw": 0.8, "ls": ":", "label": "guide to the eye"}
    return [*handles, *(Line2D([], [], color=BLACK, **one) for one in (theory, guide))]


def _conditions(record):
    base, plan = record["base"], record["plan"]
    tau = "by default" if base["tau"] is None else f"= {base['tau']:g} s"
    text = (
        f"What is not varied: m = {base['n_neurons']}, d = {base['d']}, "
        f"\u03b8 = {base['theta']:g} s, \u03c4 {tau}."
    )
    if plan["seeds"] > 1:
        text += f"\nBars: standard error of the mean over {plan['seeds']} seeds."
    if record["exponents"]:
        text += " Exponents: 95 % confidence."
    return text
