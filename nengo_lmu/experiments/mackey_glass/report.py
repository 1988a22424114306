"""The tables and the figure of the Mackey-Glass series, made of the record."""

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    page_figure,
)
from nengo_lmu.utils.table import format_table

NAMES = {
    "lstm": "LSTM",
    "keras": "LSTM, as Keras runs it",
    "lmu": "LMU",
    "hybrid": "LMU and LSTM in turn",
    "paper": "LMU of the paper",
}
# They are called so where there is less room.
SHORT_NAMES = {"lstm": "LSTM", "lmu": "LMU", "hybrid": "both", "paper": "paper's LMU"}
COLOURS = {"lstm": ORANGE, "lmu": BLUE, "hybrid": GREEN, "paper": VERMILION}


def draw_mackey_glass(record):
    """Draw predictions, and errors of networks and of time steps.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.mackey_glass.experiment.MackeyGlass`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(4.6) as figure:
        grid = figure.add_gridspec(2, 2)
        _draw_series(figure.add_subplot(grid[0, :]), record["series"])
        _draw_networks(figure.add_subplot(grid[1, 0]), record["networks"])
        _draw_scaled(figure.add_subplot(grid[1, 1]), record["scaled"])
    return figure


def _draw_series(axes, series):
    model = "lmu" if "lmu" in series else next(iter(series))
    target, predicted = (series[model][key] for key in ("wanted", "predicted"))
    axes.plot(target, color=BLACK, lw=1.5, label="series, 15 samples later")
    axes.plot(
        predicted,
        "--",
        color=COLOURS[model],
        lw=1,
        label=f"prediction, {SHORT_NAMES[model]}",
    )
    axes.set_xlim(0, len(target))
    axes.set_xlabel("sample")
    axes.set_ylabel("series (squashed)")
    axes.set_title("a  A test sequence", loc="left")
    axes.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0)


def _draw_networks(axes, networks):
    for i, row in enumerate(networks):
        values = [100 * result["nrmse"] for result in row["seeds"]]
        axes.bar(i, np.mean(values), color=COLOURS[row["model"]], width=0.6)
        axes.plot(np.full(len(values), i), values, "o", color=BLACK, ms=2.5)
        if row["published"] is not None:
            y = 100 * row["published"]
            axes.plot([i - 0.4, i + 0.4], [y, y], ":", color=BLACK, lw=1.2)
    axes.plot([], [], "o", color=BLACK, ms=2.5, label="each seed")
    axes.plot([], [], ":", color=BLACK, lw=1.2, label="published")
    axes.set_xticks(
        range(len(networks)), [SHORT_NAMES[row["model"]] for row in networks]
    )
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.set_ylabel("NRMSE (%)")
    axes.set_title("b  Networks", loc="left")
    axes.legend(loc="upper right")


def _draw_scaled(axes, scaled):
    dt = 1000 * np.array(scaled[0]["dt"])
    for result in scaled:
        axes.plot(dt, 100 * np.array(result["nrmse"]), "o-", color=BLUE, ms=3, lw=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks(dt, [f"{x:g}" for x in dt])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.set_xlabel("time step (ms)")
    axes.set_ylabel("NRMSE (%)")
    axes.set_title("c  Trained at 1 ms", loc="left")


def _spread(values):
    text = f"{100 * np.mean(values):.2f}"
    if len(values) > 1:
        text += f" ({100 * min(values):.2f} to {100 * max(values):.2f})"
    return f"{text} %"


def title(record):
    """Return what stands above the networks."""
    network, settings = record["base"]["network"], record["settings"]
    return (
        f"Error on {network['sizes'][2]} test sequences after {network['epochs']} "
        f"epochs: mean and range over {settings['seeds']} seeds,\nbeside what was "
        "published. An epoch's time is that of a processor."
    )


def network_table(record):
    """Return a table of the four-layer networks."""
    times = dict(record["seconds_per_epoch"])
    rows = []
    for row in record["networks"]:
        seeds, published = row["seeds"], row["published"]
        rows.append(
            [
                NAMES[row["model"]],
                f"{seeds[0]['parameters']:,}",
                _spread([result["nrmse"] for result in seeds]),
                "-" if published is None else f"{100 * published:.2f} %",
                f"{times.pop(row['model']):.2f} s",
            ]
        )
    rows += [
        [NAMES[model], "-", "-", "-", f"{seconds:.2f} s"]
        for model, seconds in times.items()
    ]
    return format_table(["", "parameters", "error", "published", "epoch"], rows)


def scaled_table(record):
    """Return a table of errors at other time steps."""
    seeds = record["scaled"]
    base = np.array([result["nrmse"][1] for result in seeds])
    rows = []
    for i, dt in enumerate(seeds[0]["dt"]):
        values = np.array([result["nrmse"][i] for result in seeds])
        loss = values / base - 1
        rows.append(
            [f"{1000 * dt:g} ms", _spread(values), f"{100 * loss.max():+.1f} %"]
        )
    return format_table(["time step", "error", "most lost, relative"], rows)
