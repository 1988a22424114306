"""The table and the figure of learned readouts."""

import numpy as np

from nengo_lmu.analysis import style
from nengo_lmu.experiments.learning.experiment import PARTS
from nengo_lmu.utils.table import format_table, percent

COLOURS = {
    "delay": style.BLUE,
    "prediction": style.VERMILION,
    "product": style.GREEN,
}


def learning_table(record):
    """Return the errors of the first and the last part of a run, and of readouts."""
    settings = record["settings"]
    length = settings["seconds"] / PARTS
    shown = 0, PARTS - 1
    ends = [f"{k * length:g}-{(k + 1) * length:g} s" for k in shown]
    rows = [
        [
            f"{row['task']}, {row['simulator']}",
            *(_cell(row["learned"][k]) for k in shown),
            _cell(row["held"]),
            _cell(row["solved"]),
        ]
        for row in record["rows"]
    ]
    return (
        f"{settings['n_neurons']} neurons in the memory, {settings['units']} in the "
        f"readout, {settings['seeds']} runs\n"
        "error of the readout in % of the target's deviation\n\n"
        + format_table(["learned", *ends, "held", "solved"], rows)
    )


def _cell(value):
    return percent(value["mean"], value["standard_error"])


def learning_figure(record):
    """Draw errors against time, one panel for each simulator."""
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(row["simulator"] for row in record["rows"]))
    length = record["settings"]["seconds"] / PARTS
    t = (np.arange(PARTS) + 0.5) * length
    with plt.rc_context(style.STYLE):
        figure, panels = plt.subplots(
            1,
            len(names),
            figsize=(3.4 * len(names) + 1.2, 2.8),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for panel, name in zip(panels[0], names):
            for row in record["rows"]:
                if row["simulator"] == name:
                    _draw(panel, t, row)
            panel.set(title=name, xlabel="time (s)", yscale="log")
        panels[0, 0].set_ylabel("error / deviation of the target")
        panels[0, 0].legend(
            loc="center left", title="learned (square: held;\ndashed: solved)"
        )
        plt.close(figure)
    return figure


def _draw(panel, t, row):
    colour = COLOURS[row["task"]]
    mean = [part["mean"] for part in row["learned"]]
    error = [part["standard_error"] or 0 for part in row["learned"]]
    panel.errorbar(
        t, mean, error, color=colour, marker="o", markersize=3, label=row["task"]
    )
    end = t[-1] + (t[1] - t[0])
    panel.plot(end, row["held"]["mean"], color=colour, marker="s", markersize=4)
    panel.axhline(row["solved"]["mean"], color=colour, linestyle="--", linewidth=1)
