"""The tables and the figure of neurons that hear their own error."""

import numpy as np
from matplotlib.ticker import NullFormatter

from nengo_lmu.analysis.style import BLACK, BLUE, GREEN, VERMILION, page_figure
from nengo_lmu.experiments.feedback.spikes import INTERVAL_EDGES
from nengo_lmu.utils.table import format_table

# Each kind of memory has a colour, a marker and a name.
KINDS = {
    "without": (VERMILION, "X", "without feedback"),
    "with": (BLUE, "o", "with feedback"),
}


def draw_feedback(record):
    """Draw single neurons, their sum, its spectrum, and errors by size and by delay.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.experiments.feedback.experiment.Feedback`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with page_figure(4.9) as figure:
        panels = figure.subplot_mosaic(
            [["raster", "intervals", "counts"], ["spectrum", "sizes", "delays"]]
        )
        neurons, sums = record["neurons"], record["sums"]
        _draw_raster(panels["raster"], neurons["with"])
        _draw_intervals(panels["intervals"], neurons)
        _draw_counts(panels["counts"], neurons["with"], sums)
        _draw_spectra(panels["spectrum"], sums)
        _draw_sizes(panels["sizes"], record["sizes"])
        _draw_delays(panels["delays"], record["delays"])
        settings = record["settings"]
        note = (
            f"$d = {settings['d']}$, $\\theta = {settings['theta']:g}$ s; but in e, "
            f"$m = {record['n_neurons']}$. a to d: the largest population, single "
            "neurons while the input is held.\nLines: theory"
        )
        if settings["seeds"] > 1:
            note += f"; bars: standard error over {settings['seeds']} seeds"
        figure.supxlabel(f"{note}.", fontsize=7, color="0.3")
    return figure


def _points(axes, kind, x, mean, error, **options):
    colour, marker, _ = KINDS[kind]
    style = {"color": colour, "marker": marker, "ls": "none", "ms": 4.5} | options
    return axes.errorbar(
        x, mean, yerr=error, mec="white", mew=0.4, elinewidth=1, zorder=3, **style
    )


def _make_room(axes, factor):
    """Make room for a legend below what is drawn, on a logarithmic axis."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom / factor, top)


def _draw_raster(axes, neurons):
    raster = neurons["raster"]
    axes.eventplot(
        [1000 * np.array(times) for times in raster],
        lineoffsets=np.arange(1, len(raster) + 1),
        colors=BLUE,
        linewidths=0.6,
        linelengths=0.75,
    )
    axes.set_ylim(0.2, len(raster) + 0.8)
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("neuron")
    axes.set_title("a  Spikes, with feedback", loc="left")


def _draw_intervals(axes, neurons):
    width = np.diff(INTERVAL_EDGES)
    middle = INTERVAL_EDGES[:-1] + width / 2
    # It is the mean of the density over each bin, as it is measured.
    expected = -np.diff(np.exp(-INTERVAL_EDGES)) / width
    axes.plot(middle, expected, color=BLACK, lw=0.8, label="Poisson")
    for kind in KINDS:
        counts = np.array(neurons[kind]["histogram"], dtype=float)
        if not counts.any():
            continue
        density = counts / (counts.sum() * width)
        # Beyond the last bin lies what an exponential has there.
        density *= 1 - np.exp(-INTERVAL_EDGES[-1])
        seen = density > 0
        marks = _points(axes, kind, middle[seen], density[seen], None, ms=3.5)
        marks.set_label(kind)
    axes.set_yscale("log")
    axes.set_xticks(np.arange(0, INTERVAL_EDGES[-1] + 1, 2))
    axes.set_xlabel("interval between spikes / mean")
    axes.set_ylabel("probability density")
    axes.set_title("b  Single neurons", loc="left")
    axes.legend(loc="lower left", handletextpad=0.3)


def _draw_counts(axes, neurons, sums):
    error = neurons["fano"]["standard_error"]
    axes.errorbar(
        1000 * np.array(neurons["windows"]),
        neurons["fano"]["mean"],
        yerr=error,
        color=GREEN,
        marker="s",
        ms=6.5,
        mfc="none",
        mew=0.9,
        ls="none",
        elinewidth=1,
        zorder=4,
        label="a neuron, with",
    )
    for kind in KINDS:
        totals, largest = sums[kind], np.argmax(sums[kind]["counts"])
        x = 1000 * np.array(totals["windows"])
        mean, error = _column(totals["variance"], largest)
        axes.plot(
            x, np.array(totals["predicted"])[:, largest], color=KINDS[kind][0], lw=1
        )
        marks = _points(axes, kind, x, mean, error)
        marks.set_label(f"sum, {kind}")
    axes.set(xscale="log", yscale="log")
    _make_room(axes, 30)
    axes.set_xlabel("window of counting (ms)")
    axes.set_ylabel("variance / Poisson's")
    axes.set_title("c  Neurons and their sum", loc="left")
    axes.legend(loc="lower left", handletextpad=0.3)


def _draw_spectra(axes, sums):
    for kind in KINDS:
        totals, largest = sums[kind], np.argmax(sums[kind]["counts"])
        mean, error = _column(totals["spectrum"], largest)
        predicted = np.array(totals["predicted_spectrum"])[:, largest]
        axes.plot(totals["frequency"], predicted, color=KINDS[kind][0], lw=1)
        _points(axes, kind, totals["frequency"], mean, error, ms=3.5)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("power of $s - x$ / Poisson's")
    axes.set_title("d  Noise, shaped", loc="left")


def _draw_sizes(axes, sizes):
    m = [size["n_neurons"] for size in sizes]
    for kind in KINDS:
        errors = [size[kind] for size in sizes]
        predicted = [error["predicted"] for error in errors]
        axes.plot(m, predicted, color=KINDS[kind][0], lw=1)
        for x, error in zip(m, errors):
            marks = _points(axes, kind, x, error["mean"], error["standard_error"])
        marks.set_label(KINDS[kind][2])
    floor = [size["floor"] for size in sizes]
    axes.plot(m, floor, color=BLACK, lw=0.9, ls=":", label="floor (one step's spikes)")
    axes.set(xscale="log", yscale="log")
    _make_room(axes, 25)
    # Beside the ticks of whole powers there is no room for others.
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("neurons, $m$")
    axes.set_ylabel("window error / rms of input")
    axes.set_title("e  Error of the memory", loc="left")
    axes.legend(loc="lower left", handletextpad=0.4)


def _draw_delays(axes, delays):
    x = 1000 * np.array([row["feedback_delay"] for row in delays])
    predicted = np.array([row["predicted"] for row in delays])
    order = np.argsort(x)
    axes.plot(x[order], 1000 * predicted[order], color=BLUE, lw=1)
    for at, row in zip(x, delays):
        error = row["standard_error"] and 1000 * row["standard_error"]
        _points(axes, "with", at, 1000 * row["mean"], error)
        if row["ratio"] is None:
            continue
        axes.annotate(
            f"{row['ratio']:.1f} ×",
            (at, 1000 * row["mean"]),
            xytext=(5, -3),
            textcoords="offset points",
            va="top",
        )
    axes.set_xlim(-0.05 * max(x.max(), 1), 1.22 * max(x.max(), 1))
    if predicted.max() > 0:
        axes.set_ylim(0, 1.15 * 1000 * predicted.max())
    axes.set_xlabel("more delay of the feedback (ms)")
    axes.set_ylabel("window error / rms (10$^{-3}$)")
    axes.set_title("f  Late feedback", loc="left")
    axes.annotate(
        "×: less error than without",
        (0.97, 0.04),
        xycoords="axes fraction",
        ha="right",
        color="0.3",
    )


def _column(statistics, i):
    """Return mean and standard error, if there is one, of one dimension."""
    error = statistics["standard_error"]
    mean = np.array(statistics["mean"])[:, i]
    return mean, None if error is None else np.array(error)[:, i]


def feedback_tables(record):
    """Return tables of neurons, of their sum, and of errors by size, delay and type."""
    settings, m = record["settings"], record["n_neurons"]
    neurons = record["neurons"]
    return (
        f"theta={settings['theta']:g} s, d={settings['d']}, Poisson neurons, mean of "
        f"{settings['seeds']} seeds\n\n"
        f"Single neurons, {m} in all, of the populations that stand still while the\n"
        "input is held: coefficient of variation of their intervals, variance over "
        "mean\nof their counts (Fano), and of the sum of those, in windows of "
        f"{_milliseconds(neurons['with']['counted'])} ms\n\n"
        f"{_neurons_table(neurons)}\n\n"
        "Variance of what the largest population says wrongly, s - x, summed over\n"
        "windows, relative to as many Poisson spikes\n\n"
        f"{_sums_table(record['sums'])}\n\n"
        "Window error against the number of neurons, and spikes with feedback\n"
        "relative to those without\n\n"
        f"{_sizes_table(record['sizes'])}\n\n"
        f"Window error of {m} neurons if the feedback is late\n\n"
        f"{_delays_table(record['delays'])}\n\n"
        f"Window error of {m} neurons of each type\n\n"
        f"{_types_table(record['types'])}"
    )


def _milliseconds(value):
    return f"{1000 * value:.3g}"


def _neurons_table(neurons):
    def number(statistic, digits=3):
        return "-" if statistic is None else f"{statistic['mean']:.{digits}f}"

    rows = [
        [
            f"{kind} feedback",
            f"{population['n']}",
            number(population["rate"], 0),
            number(population["cv"]),
            number(population["fano"]),
            number(population["sum_fano"]),
            number(population["correlation"], 4),
            f"{-1 / population['n']:.4f}",
        ]
        for kind, group in neurons.items()
        for population in group["populations"]
        if population["standing"]
    ]
    header = ["", "neurons", "Hz", "CV", "Fano", "sum's", "correlation", "-1/n"]
    return format_table(header, rows)


def _sums_table(sums):
    rows = []
    for i, window in enumerate(sums["with"]["windows"]):
        row = [f"{_milliseconds(window)} ms"]
        for totals in sums.values():
            largest = totals["counts"].index(max(totals["counts"]))
            for values in (totals["variance"]["mean"], totals["predicted"]):
                row.append(f"{values[i][largest]:.4f}")
        rows.append(row)
    header = ["window", "without", "predicted", "with feedback", "predicted"]
    return format_table(header, rows)


def _error(statistic):
    text = f"{statistic['mean']:.5f}"
    if statistic["standard_error"] is not None:
        text += f" +- {statistic['standard_error']:.5f}"
    return text


def _ratio(row):
    return "-" if row["ratio"] is None else f"{row['ratio']:.1f}"


def _sizes_table(sizes):
    rows = []
    for size in sizes:
        without, fed = size["without"], size["with"]
        rows.append(
            [
                f"{size['n_neurons']}",
                f"{fed['error_feedback']:g}",
                f"{without['mean']:.4f}",
                f"{without['predicted']:.4f}",
                _error(fed),
                f"{fed['predicted']:.5f}",
                f"{size['floor']:.5f}",
                _ratio(size),
                f"{fed['spikes_per_second'] / without['spikes_per_second']:.2f}",
            ]
        )
    header = ["m", "gain", "without", "theory", "with", "theory", "floor"]
    return format_table([*header, "ratio", "spikes"], rows)


def _delays_table(delays):
    rows = [
        [
            f"{_milliseconds(row['feedback_delay'])} ms",
            f"{row['error_feedback']:g}",
            _error(row),
            f"{row['predicted']:.5f}",
            _ratio(row),
        ]
        for row in delays
    ]
    header = ["delay", "gain", "measured", "predicted", "better than without"]
    return format_table(header, rows)


def _types_table(types):
    rows = []
    for row in types:
        without, fed = row["without"], row["with"]
        spikes = "-"
        if fed["spikes_per_second"] is not None:
            spikes = f"{fed['spikes_per_second'] / without['spikes_per_second']:.2f}"
        rows.append(
            [
                row["neuron_type"],
                f"{fed['error_feedback']:g}",
                _error(without),
                _error(fed),
                _ratio(row),
                spikes,
            ]
        )
    header = ["neurons", "gain", "without", "with", "ratio", "spikes"]
    return format_table(header, rows)
