"""The tables and the figure of the capacity task, made of its record."""

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    SKY,
    VERMILION,
    page_figure,
)
from nengo_lmu.utils.table import format_table

# The name of a row says how it is drawn, and what the legend calls it.
CURVES = {
    "LSTM": (VERMILION, "s", "LSTM, 100 units, trained"),
    "spiking": (PURPLE, "D", "LMU, {n_neurons:,} Poisson neurons"),
    "published": (BLACK, "x", "LMU, the paper's window and readout"),
    "Legendre": (SKY, "o", "LMU, Legendre readout"),
    "fitted": (BLUE, "^", "LMU, fitted readout"),
}


def draw_capacity(record):
    """Draw the error against T, and how the LSTM learned.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.capacity.experiment.Capacity`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(3.8) as figure:
        if record["lstm"]:
            axes, learning = figure.subplots(1, 2, width_ratios=[2, 1])
            _draw_learning(learning, record)
        else:
            axes = figure.subplots()
        published = {int(T): bounds for T, bounds in record["published"].items()}
        axes.fill_between(
            list(published),
            *zip(*published.values()),
            color="0.85",
            label="LMU, range of the paper",
        )
        for name, (colour, marker, label) in CURVES.items():
            rows = [row for row in record["rows"] if row["name"] == name]
            if not rows:
                continue
            means = [row["mse"]["mean"] for row in rows]
            axes.errorbar(
                [row["length"] for row in rows],
                means,
                yerr=np.transpose(
                    [
                        (
                            mean - min(row["mse"]["values"]),
                            max(row["mse"]["values"]) - mean,
                        )
                        for mean, row in zip(means, rows)
                    ]
                ),
                color=colour,
                marker=marker,
                ms=4,
                lw=1,
                capsize=2,
                label=label.format(n_neurons=rows[0]["n_neurons"]),
            )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="T (time steps in the window)",
            ylabel="mean squared error of 5 delays",
        )
        axes.set_title("a  Recall of the last T steps", loc="left")
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=3
        )
    return figure


def _draw_learning(axes, record):
    colours = (VERMILION, GREEN, BLUE, PURPLE, BLACK)
    for colour, training in zip(colours, record["lstm"]):
        epochs = np.arange(1, len(training["val_loss"]) + 1)
        axes.plot(
            epochs,
            training["val_loss"],
            color=colour,
            lw=1,
            label=f"T = {training['setting']['length']}",
        )
    axes.set(xlabel="epoch", ylabel="mean squared error, validation", ylim=(0, None))
    axes.set_title("b  The LSTM learning", loc="left")
    axes.legend()


def title(record):
    """Return what stands above the errors."""
    return (
        "Mean squared error of the test: over 5 delays, of the best and the worst\n"
        "of them, and over all when the start of the sequence is forgotten (from\n"
        f"1.5 T on); means of {record['settings']['seeds']} sequences for the LMU, of "
        "100 for the\nLSTM. Published: for the smallest and the largest delay but 0."
    )


def error_table(record):
    """Return a table of the errors of all readouts."""

    def cells(row):
        bounds = record["published"].get(str(row["length"]))
        comparable = row["name"] not in ("LSTM", "spiking") and bounds
        return [
            row["name"] if row["name"] == "LSTM" else f"LMU, {row['name']}",
            f"{row['length']:,}",
            *(f"{row[key]['mean']:.1e}" for key in ("mse", "best", "worst", "settled")),
            f"{bounds[0]:.0e} to {bounds[1]:.0e}" if comparable else "-",
        ]

    header = ["", "T", "error", "best", "worst", "settled", "published"]
    return format_table(header, [cells(row) for row in record["rows"]])


def cost_table(record):
    """Return a table of times and of memory."""
    rows = [
        [
            f"LMU, {row['n_neurons']:,} neurons" if row["n_neurons"] else "LMU",
            f"{row['length']:,}",
            str(row["d"]),
            f"{row['seconds']:.1f} s",
            "-" if row["peak_mib"] is None else f"{row['peak_mib']:.0f} MiB",
        ]
        for row in record["runs"]
    ]
    rows += [
        [
            f"LSTM, {row['setting']['epochs']} epochs",
            f"{row['setting']['length']:,}",
            "-",
            f"{row['seconds']:.0f} s",
            "-",
        ]
        for row in record["lstm"]
    ]
    return format_table(["", "T", "d", "time", "memory"], rows)
