"""The table and the figure of the Mackey-Glass series in spikes."""

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILION,
    label_values,
    page_figure,
    range_bars,
)
from nengo_lmu.experiments.mackey_glass.regression import BEGINNING, N_SAMPLES
from nengo_lmu.utils.table import format_table

HIDDEN = {
    "rates": "rates",
    "poisson": "Poisson",
    "regular": "regular",
    "fast": "fast regular",
}
COLOURS = {"rates": BLUE, "poisson": VERMILION, "regular": GREEN, "fast": PURPLE}


def _spread(values):
    text = f"{100 * np.mean(values):.2f}"
    if len(values) > 1:
        text += f" ({100 * min(values):.2f}-{100 * max(values):.2f})"
    return text


def _of(row, key, *keys):
    values = [result[key] for result in row["seeds"]]
    for further in keys:
        values = [value[further] for value in values]
    return np.array(values)


def table(record):
    """Return the errors of all networks, what is expected, and what they cost."""
    base, rows = record["settings_of_networks"], []
    for row in record["rows"]:
        rows.append(
            [
                f"{row['n_neurons']:,}" if row["n_neurons"] else "ideal",
                f"{row['units']:,} {HIDDEN[row['hidden']]}",
                _spread(_of(row, "all")),
                _spread(_of(row, "settled")),
                f"{100 * np.mean(_of(row, 'expected', 'settled')):.2f}",
                f"{np.mean(_of(row, 'spikes_per_sample')):,.0f}",
            ]
        )
    for row in record["echo_state"]:
        rows.append(
            [
                "echo state",
                f"{row['units']:,} rates",
                _spread(_of(row, "all")),
                _spread(_of(row, "settled")),
                "-",
                "-",
            ]
        )
    header = ["memory", "hidden", "all", "settled", "theory", "spikes"]
    return (
        f"Error (%) on the first {base['n_tested']} samples of {base['sizes'][2]} test "
        f"sequences, which count as\nall {N_SAMPLES:,} of each do, and without the "
        f"first {BEGINNING} (the theory's, too):\nmean and range over "
        f"{record['settings']['seeds']} seeds; spikes a sample, of "
        f"{base['steps_per_sample']} steps.\n\n{format_table(header, rows)}"
    )


def draw(record):
    """Draw a prediction in spikes, and errors against spikes, beside other networks.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.mackey_glass.in_spikes.SpikingMackeyGlass`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(3.6) as figure:
        series, errors = figure.subplots(1, 2, width_ratios=[3, 2])
        spiking = [row for row in record["rows"] if row["n_neurons"]]
        _draw_series(series, spiking)
        _draw_errors(errors, record)
    return figure


def _draw_series(axes, spiking):
    target = spiking[0]["seeds"][0]["series"]["wanted"]
    axes.plot(target, color=BLACK, lw=1.5, label="series, 15 samples later")
    for hidden in ("poisson", "fast"):
        row = [row for row in spiking if row["hidden"] == hidden][-1]
        predicted = row["seeds"][0]["series"]["predicted"]
        axes.plot(
            predicted,
            "--",
            color=COLOURS[hidden],
            lw=1,
            label=f"{row['units']:,} {HIDDEN[hidden]} units",
        )
    axes.set(xlabel="sample", ylabel="series (squashed)", xlim=(0, len(target)))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # the legend is above the lines
    axes.set_title("a  The beginning of a test sequence, in spikes", loc="left")
    axes.legend(loc="upper right")


def _draw_errors(axes, record):
    shown = set()
    # All kinds are of the same numbers of units, side by side.
    for hidden, beside in (("poisson", 0.9), ("regular", 1.0), ("fast", 1.1)):
        rows = [
            row
            for row in record["rows"]
            if row["hidden"] == hidden and row["n_neurons"]
        ]
        units = beside * np.array([row["units"] for row in rows])
        shown.update(row["units"] for row in rows)
        for key, marker in (("all", "o"), ("settled", "s")):
            values = 100 * np.array([_of(row, key) for row in rows])
            mean = values.mean(axis=1)
            axes.errorbar(
                units,
                mean,
                range_bars(mean, values),
                fmt=marker,
                color=COLOURS[hidden],
                ms=4,
                capsize=2,
                label=f"{HIDDEN[hidden]}, {key}",
            )
            expected = [100 * np.mean(_of(row, "expected", key)) for row in rows]
            axes.plot(units, expected, "_-", color=COLOURS[hidden], lw=1, ms=12)
    rates = [row for row in record["rows"] if row["hidden"] == "rates"][-2]
    best = [("rates", rates, BLUE)]
    if record["echo_state"]:
        best.append(("echo state", record["echo_state"][-1], ORANGE))
    for name, row, colour in best:
        for key, style in (("all", "-"), ("settled", ":")):
            axes.axhline(
                100 * np.mean(_of(row, key)),
                color=colour,
                ls=style,
                lw=1,
                label=f"{name}, {key}",
            )
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(min(shown) / 2, max(shown) * 2),
        xlabel="hidden units",
        ylabel="NRMSE (%); -: theory",
    )
    label_values(axes.xaxis, sorted(shown), [f"{units:,}" for units in sorted(shown)])
    axes.set_title("b  Errors", loc="left")
    axes.legend(fontsize=6, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.22))
