"""The tables and the figure of the theory's check, made of its record."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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
from nengo_lmu.analysis.theory import TOLERANCE
from nengo_lmu.utils.table import format_table

# Orders have colours and windows have markers, in turn.
COLOURS = (BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

NAMES = {
    "design": "design",
    "louder": "3 × louder",
    "faster": "3 × faster",
    "steps": "steps",
    "onset": "onset",
    "silence": "silence",
}

# Each recipe has a colour, a marker and a name.
RECIPES = {
    "usual": (VERMILION, "X", "usual recipe"),
    "without": (SKY, "s", "without error feedback"),
    "default": (BLUE, "o", "LegendreMemory"),
}


def draw_theory(record):
    """Draw measured against predicted errors, and all recipes for each stimulus.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.theory.experiment.Theory`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(6.2) as figure:
        panels = figure.subplot_mosaic(
            [["errors", "ratios"], ["inputs", "inputs"]], height_ratios=[1.15, 1]
        )
        _draw_grid(panels["errors"], panels["ratios"], record["cells"])
        _draw_unforeseen(panels["inputs"], record["unforeseen"])
        if record["settings"]["seeds"] > 1:
            figure.supxlabel(
                "Bars: standard error of the mean over "
                f"{record['settings']['seeds']} seeds.",
                fontsize=7,
                color="0.3",
            )
    return figure


def _draw_grid(axes, below, cells):
    orders = _different(cells, "d")
    windows = _different(cells, "theta")
    steps = _different(cells, "dt")
    colours = {d: COLOURS[i % len(COLOURS)] for i, d in enumerate(orders)}
    markers = {theta: MARKERS[i % len(MARKERS)] for i, theta in enumerate(windows)}
    for cell in cells:
        # The same is drawn twice: as errors, and relative to what is predicted.
        for panel, unit in ((axes, 1), (below, cell["predicted"])):
            panel.errorbar(
                cell["predicted"],
                cell["mean"] / unit,
                yerr=cell["standard_error"] and cell["standard_error"] / unit,
                color=colours[cell["d"]],
                marker=markers[cell["theta"]],
                ms=3.5 + 1.2 * steps.index(cell["dt"]),
                mec="white",
                mew=0.3,
                elinewidth=0.8,
                zorder=3,
            )
    shown = [cell[name] for cell in cells for name in ("predicted", "mean")]
    ends = np.array([0.8 * min(shown), 1.25 * max(shown)])
    for panel, expected in ((axes, ends), (below, np.ones(2))):
        low, high = (1 - TOLERANCE) * expected, (1 + TOLERANCE) * expected
        panel.plot(ends, expected, color=BLACK, lw=0.8)
        panel.fill_between(ends, low, high, color="0.9", lw=0, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    below.set(xscale="log", xlim=ends)
    below.set_yticks([1 - TOLERANCE, 1, 1 + TOLERANCE])
    for panel in (axes, below):
        panel.set_xlabel("predicted window error / rms of input")
    axes.set_ylabel("measured window error / rms of input")
    below.set_ylabel("measured / predicted")
    axes.set_title("a  Theory against simulation", loc="left")
    dots = [
        Line2D([], [], color=colour, marker="o", ms=4, ls="none", label=f"$d = {d}$")
        for d, colour in colours.items()
    ]
    shapes = [
        Line2D(
            [],
            [],
            color="0.4",
            marker=marker,
            ms=4,
            ls="none",
            label=rf"$\theta = {theta:g}$ s",
        )
        for theta, marker in markers.items()
    ]
    if len(steps) > 1:
        shapes += [
            Line2D(
                [],
                [],
                color="0.4",
                marker="o",
                ms=3.5 + 1.2 * i,
                ls="none",
                label=f"$dt = {1000 * dt:g}$ ms",
            )
            for i, dt in enumerate(steps)
        ]
    first = axes.legend(handles=dots, loc="upper left", handletextpad=0.4)
    axes.add_artist(first)
    band = Patch(color="0.9", lw=0, label=f"±{100 * TOLERANCE:g} %")
    axes.legend(handles=[*shapes, band], loc="lower right", handletextpad=0.4)


def _draw_unforeseen(axes, rows):
    stimuli = _different(rows, "stimulus")
    orders = _different(rows, "d")
    spread = 0.6 / max(1, len(orders) - 1)
    ticks, labels = [], []
    axes.set_yscale("log")
    for row in rows:
        x = stimuli.index(row["stimulus"]) + spread * orders.index(row["d"]) - 0.3
        ticks.append(x)
        labels.append(f"{row['d']}")
        means = [mean for name in RECIPES if (mean := row[name]["mean"]) > 0]
        axes.plot([x] * len(means), means, color="0.8", lw=1, zorder=1)
        for name, (colour, marker, _) in RECIPES.items():
            look = {"color": colour, "marker": marker, "mec": "white", "mew": 0.4}
            if row[name]["mean"] > 0:
                axes.errorbar(
                    x,
                    row[name]["mean"],
                    yerr=row[name]["standard_error"],
                    ms=5,
                    elinewidth=1,
                    zorder=3,
                    **look,
                )
            else:  # 0 is below all that a logarithmic axis can show
                axes.plot(x, 0.03, ms=5, transform=axes.get_xaxis_transform(), **look)
    for name in stimuli:
        here = [row for row in rows if row["stimulus"] == name]
        if any(row[recipe]["mean"] == 0 for row in here for recipe in RECIPES):
            axes.annotate(
                "none",
                (stimuli.index(name), 0.06),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
            )
    axes.set_xticks(ticks, labels)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("order $d$", labelpad=2)
    for i, name in enumerate(stimuli):
        axes.annotate(
            NAMES[name],
            (i, 0.97),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
        )
    for i in range(1, len(stimuli)):
        axes.axvline(i - 0.5, color="0.92", lw=0.8, zorder=0)
    axes.set_ylabel("window error / rms of what is presented")
    axes.set_title("b  Input unlike the design's", loc="left")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom / 1.8, top * 1.8)
    handles = [
        Line2D([], [], color=colour, marker=marker, ms=5, ls="none", label=name)
        for colour, marker, name in RECIPES.values()
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        handletextpad=0.2,
    )


def _different(rows, name):
    return list(dict.fromkeys(row[name] for row in rows))


def theory_tables(record):
    """Return how well the theory holds, and what unforeseen input does."""
    settings = record["settings"]
    gain = settings["error_feedback"]
    heard = {None: "", 0: ", without error feedback"}.get(
        gain, f", error feedback {gain}"
    )
    cells, unforeseen = record["cells"], record["unforeseen"]
    return (
        f"Measured over predicted window error, mean of {settings['seeds']} seeds:\n"
        f"{settings['neuron_type']} neurons{heard}\n\n"
        f"{_grid_table(cells)}\n\n"
        f"{_agreement(cells)}\n\n"
        "Input unlike the design's: window error relative to the rms of what is\n"
        "presented (for silence, of what is expected), by the usual recipe, without\n"
        "error feedback and by default\n\n"
        f"{_unforeseen_table(unforeseen)}\n\n"
        "The default's error relative to the usual recipe's and to that without\n"
        "feedback, and thousands of spikes a second\n\n"
        f"{_costs_table(unforeseen)}\n\n"
        f"{_comparison(unforeseen)}"
    )


def _grid_table(cells):
    rows = []
    kinds = [(cell["theta"], cell["d"], cell["dt"]) for cell in cells]
    for kind in dict.fromkeys(kinds):
        ratios = [cell["ratio"] for cell, other in zip(cells, kinds) if other == kind]
        mean = sum(ratios) / len(ratios)
        summary = [f"{value:.3f}" for value in (min(ratios), mean, max(ratios))]
        theta, d, dt = kind
        names = [f"theta={theta:g} s", f"{d}", f"{1000 * dt:g} ms"]
        rows.append([*names, f"{len(ratios)}", *summary])
    return format_table(["", "d", "dt", "cells", "smallest", "mean", "largest"], rows)


def _agreement(cells):
    inside = sum(abs(cell["ratio"] - 1) <= TOLERANCE for cell in cells)
    return f"{inside} of {len(cells)} within {100 * TOLERANCE:g} %"


def _unforeseen_table(rows):
    def error(recipe):
        text = f"{recipe['mean']:.5f}"
        if recipe["standard_error"] is not None:
            text += f" +- {recipe['standard_error']:.5f}"
        return text

    return format_table(
        ["input", "d", *RECIPES],
        [
            [row["stimulus"], f"{row['d']}", *(error(row[name]) for name in RECIPES)]
            for row in rows
        ],
    )


def _costs_table(rows):
    def ratio(row, name):
        return "-" if row["ratios"][name] is None else f"{row['ratios'][name]:.3f}"

    others = [name for name in RECIPES if name != "default"]
    return format_table(
        [
            "input",
            "d",
            *(f"/ {name}" for name in others),
            *(f"{name}, k/s" for name in RECIPES),
        ],
        [
            [
                row["stimulus"],
                f"{row['d']}",
                *(ratio(row, name) for name in others),
                *(f"{row[name]['spikes_per_second'] / 1000:.1f}" for name in RECIPES),
            ]
            for row in rows
        ],
    )


def _comparison(rows):
    # At silence, both may be without any error.
    worse = sum(row["default"]["mean"] > row["without"]["mean"] for row in rows)
    ratios = [row["ratios"]["without"] for row in rows]
    largest = max((ratio for ratio in ratios if ratio is not None), default=None)
    text = f"worse than without feedback for {worse} of {len(rows)}"
    return text if largest is None else f"{text}; at most {largest:.3f} of its error"
