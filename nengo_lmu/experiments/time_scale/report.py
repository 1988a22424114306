"""The tables of learned time-scales, and the figure: windows against epochs."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from nengo_lmu.analysis.style import BLUE, GREEN, VERMILION, page_figure
from nengo_lmu.utils.table import format_table

_COLOURS = (VERMILION, BLUE, GREEN)


def draw_time_scale(record):
    """Draw how windows approach the true ones.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.time_scale.experiment.TimeScale`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(2.8) as figure:
        sizes = sorted({row["setting"]["n_neurons"] for row in record["recovery"]})
        panels = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
        for axes, letter, n_neurons in zip(panels, "abc", sizes):
            shown = [
                row
                for row in record["recovery"]
                if row["setting"]["n_neurons"] == n_neurons
            ]
            for colour, row in zip(_COLOURS, shown):
                setting = row["setting"]
                _draw(
                    axes,
                    [[setting["start"] * setting["theta"]]],
                    [
                        [[theta] for theta in result["theta"]]
                        for result in row["results"]
                    ],
                    [colour],
                    [f"from {setting['start']:g} theta"],
                )
            _finish(axes, [shown[0]["setting"]["theta"]])
            title = f"{n_neurons} Poisson neurons" if n_neurons else "Ideal memory"
            axes.set_title(f"{letter}  {title}", loc="left")
        panels[0].set_ylabel("length of the window (ms)")
        axes, row = panels[-1], record["stack"][-1]
        thetas = row["setting"]["thetas"]
        _draw(
            axes,
            [[row["setting"]["start"]] * len(thetas)],
            [result["theta"] for result in row["results"]],
            _COLOURS,
            [f"layer {k}" for k in range(1, len(thetas) + 1)],
        )
        _finish(axes, thetas)
        letter = "abc"[len(sizes)]
        axes.set_title(f"{letter}  {len(thetas)} layers, ideal", loc="left")
    return figure


def _draw(axes, before, runs, colours, labels):
    """Draw the windows of some layers, in one run for each seed."""
    for number, run in enumerate(runs):
        for colour, label, values in zip(colours, labels, zip(*(before + run))):
            in_ms = [1e3 * value for value in values]
            axes.plot(in_ms, color=colour, lw=0.8, label=None if number else label)


def _finish(axes, thetas):
    for theta in thetas:
        axes.axhspan(950 * theta, 1050 * theta, color="0.88", zorder=0)
        axes.axhline(1e3 * theta, color="0.4", lw=0.6, ls=":", zorder=1)
    axes.set(yscale="log", xlabel="epoch")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend()


def title(record):
    """Return what stands above the windows."""
    return (
        "Length of the window in milliseconds: mean over "
        f"{record['settings']['seeds']} seeds, and the largest\nerror of any."
    )


def window_table(record):
    """Return a table of the windows that were learned, and of the true ones."""
    rows = []
    for row in record["recovery"]:
        setting = row["setting"]
        m, theta = setting["n_neurons"], setting["theta"]
        rows.append(
            _window_row(
                f"{m} Poisson neurons" if m else "ideal",
                setting["start"] * theta,
                [result["theta"][-1] for result in row["results"]],
                theta,
            )
        )
    for row in record["stack"]:
        setting = row["setting"]
        for k, theta in enumerate(setting["thetas"]):
            rows.append(
                _window_row(
                    f"layer {k + 1} of {len(setting['thetas'])}",
                    setting["start"],
                    [result["theta"][-1][k] for result in row["results"]],
                    theta,
                )
            )
    return format_table(["memory", "start", "learned", "true", "error"], rows)


def _window_row(name, start, learned, true):
    error = np.abs(np.divide(learned, true) - 1).max()
    return [
        name,
        f"{1e3 * start:.1f}",
        f"{1e3 * np.mean(learned):.2f}",
        f"{1e3 * true:g}",
        f"{100 * error:.2g} %",
    ]


def matrix_table(record):
    """Return a table of errors before and after A and B were trained."""
    return format_table(
        ["memory", "before", "after", "NengoDL - Nengo"],
        [
            [
                f"d={row['setting']['d']}, input up to "
                f"{row['setting']['bandwidth']:g} Hz, seed {seed}",
                f"{result['before']:.4f}",
                f"{result['after']:.4f}",
                f"{result['difference']:.1e}",
            ]
            for row in record["fine_tuning"]
            for seed, result in enumerate(row["results"])
        ],
    )
