"""The tables and the figure of the capacity task, made of its record."""

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    page_figure,
    range_bars,
)
from nengo_lmu.analysis.summary import mean_and_error
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
    """Draw the error against T, that of spikes against neurons, and how LSTMs learned.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.capacity.experiment.Capacity`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    spiking = [row for row in record["rows"] if row["predicted"]]
    parts = [
        part
        for part, data in ((_draw_spiking, spiking), (_draw_learning, record["lstm"]))
        if data
    ]
    with page_figure(6.0 if parts else 3.8) as figure:
        grid = figure.add_gridspec(2 if parts else 1, max(len(parts), 1))
        axes = figure.add_subplot(grid[0, :])
        _draw_recall(axes, record, spiking)
        for k, part in enumerate(parts):
            below = figure.add_subplot(grid[1, k])
            part(below, record)
            below.set_title(f"{'bc'[k]}  {below.get_title('left')}", loc="left")
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside upper center", ncols=3
        )
    return figure


def _draw_recall(axes, record, spiking):
    published = {int(T): bounds for T, bounds in record["published"].items()}
    axes.fill_between(
        list(published),
        *zip(*published.values()),
        color="0.85",
        label="LMU, range of the paper",
    )
    most = max((row["n_neurons"] for row in spiking), default=None)
    for name, (colour, marker, label) in CURVES.items():
        rows = [row for row in record["rows"] if row["name"] == name]
        if name == "spiking":
            rows = [row for row in rows if row["n_neurons"] == most]
        if rows:
            _draw_range(
                axes,
                [row["length"] for row in rows],
                [row["mse"] for row in rows],
                color=colour,
                marker=marker,
                label=label.format(n_neurons=rows[0]["n_neurons"]),
            )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="T (time steps in the window)",
        ylabel="mean squared error of 5 delays",
    )
    axes.set_title("a  Recall of the last T steps", loc="left")


def _draw_range(axes, x, summaries, **style):
    """Draw means of seeds, with bars from the least to the largest of them."""
    means = np.array([one["mean"] for one in summaries])
    values = np.array([one["values"] for one in summaries])
    axes.errorbar(
        x,
        means,
        yerr=range_bars(means, values),
        ms=4,
        capsize=2,
        **{"lw": 1} | style,
    )


def _draw_spiking(axes, record):
    colours = (ORANGE, GREEN, PURPLE)
    spiking = [row for row in record["rows"] if row["predicted"]]
    lengths = sorted({row["length"] for row in spiking})[-len(colours) :]
    for colour, length in zip(colours[-len(lengths) :], lengths):
        rows = [row for row in spiking if row["length"] == length]
        m = [row["n_neurons"] for row in rows]
        _draw_range(
            axes,
            m,
            [row["settled"] for row in rows],
            color=colour,
            marker="D",
            lw=0,
            elinewidth=1,
            label=f"T = {length:,}",
        )
        axes.plot(m, [row["predicted"]["settled"] for row in rows], color=colour, lw=1)
    axes.plot([], [], color=BLACK, lw=1, label="theory")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Poisson neurons",
        ylabel="mean squared error, settled",
    )
    low, _ = axes.get_ylim()
    axes.set_ylim(low / 30, None)  # the legend is below the lines
    axes.set_title("Neurons that hold T steps", loc="left")
    axes.legend(loc="lower left", ncols=2)


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
    axes.set_title("The LSTM learning", loc="left")
    axes.legend()


def title(record):
    """Return what stands above the errors."""
    return (
        "Mean squared error of the test: over 5 delays, of the best and the worst\n"
        "of them, and over all when the start of the sequence is forgotten (from\n"
        f"1.5 T on); means of {record['settings']['seeds']} sequences for the LMU, of "
        "100 for the\nLSTM. Published: for the smallest and the largest delay but 0."
    )


def _name(row):
    if row["predicted"]:
        return f"LMU, {row['n_neurons']:,} neurons"
    return row["name"] if row["name"] == "LSTM" else f"LMU, {row['name']}"


def error_table(record):
    """Return a table of the errors of all readouts."""

    def cells(row):
        bounds = record["published"].get(str(row["length"]))
        comparable = row["name"] not in ("LSTM", "spiking") and bounds
        return [
            _name(row),
            f"{row['length']:,}",
            *(f"{row[key]['mean']:.1e}" for key in ("mse", "best", "worst", "settled")),
            f"{bounds[0]:.0e} to {bounds[1]:.0e}" if comparable else "-",
        ]

    header = ["", "T", "error", "best", "worst", "settled", "published"]
    return format_table(header, [cells(row) for row in record["rows"]])


def spiking_table(record):
    """Return a table of spiking memories beside the theory, and slopes; or no text."""
    rows = [row for row in record["rows"] if row["predicted"]]
    if not rows:
        return ""
    runs = {(run["length"], run["n_neurons"]): run for run in record["runs"]}

    def cells(row):
        run = runs[row["length"], row["n_neurons"]]
        error = row["settled"]["standard_error"]
        spread = "" if error is None else f" +- {error:.0e}"
        return [
            f"{row['length']:,}",
            f"{row['n_neurons']:,}",
            str(run["d"]),
            f"{run['spikes_per_step']:,.0f}",
            f"{row['settled']['mean']:.2e}{spread}",
            f"{row['predicted']['settled']:.2e}",
            f"{row['predicted']['mse']:.1e}",
        ]

    header = ["T", "neurons", "d", "spikes/step", "settled", "theory", "from T on"]
    listed = format_table(header, [cells(row) for row in rows])
    text = (
        "Spiking memories: settled errors, measured and as the theory says, and what\n"
        f"it says of all from T on:\n\n{listed}\n\n"
    )
    for row in record["slopes"]:
        measured = mean_and_error(row["measured"])
        error = measured["standard_error"]
        spread = "" if error is None else f" +- {error:.3f}"
        text += (
            f"T = {row['length']:,}: the root of it goes as neurons to the power "
            f"{measured['mean']:.3f}{spread}\n({row['predicted']:.3f} by the theory)\n"
        )
    return f"{text}\n"


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
