"""The tables and the figures of the benchmarks, made of their records."""

import itertools

import numpy as np
from matplotlib.ticker import NullFormatter

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    label_values,
    page_figure,
)
from nengo_lmu.utils.table import format_table

# The first word of a network's name says whose it is.
_OWNERS = {
    "ours": (BLUE, "o"),
    "NengoDL": (VERMILION, "s"),
    "keras-lmu": (GREEN, "^"),
    "LSTM": (BLACK, "D"),
}

# The table has these names for the parts of a step.
_PARTS = {"synapses": "syn %", "compartments": "comp %", "host": "host %"}


def _whiskers(rows, key, unit=1.0):
    """Return medians of rows, and how far the quartiles are below and above them."""
    low, median, high = (
        unit * np.array([row[key][quartile] for row in rows])
        for quartile in ("low", "median", "high")
    )
    return median, np.array([median - low, high - median])


def draw_training(record):
    """Draw times of training, of inference and until the first step is done.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.benchmarks.training.Training`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    rows = record["rows"]
    with page_figure(1.0 + 0.19 * len(rows)) as figure:
        panels = figure.subplots(1, 3, sharey=True)
        for y, row in enumerate(rows):
            colour, marker = _OWNERS[row["name"].split()[0]]
            style = {"color": colour, "marker": marker, "ms": 3, "lw": 1, "capsize": 2}
            for axes, task in zip(panels, ("train", "infer")):
                median, whiskers = _whiskers([row], task)
                axes.errorbar(median, [y], xerr=whiskers, **style)
            panels[2].errorbar([row["start"]], [y], **style)
        for axes, title in zip(
            panels, ("a  Training", "b  Inference", "c  Building, first step")
        ):
            axes.set_xscale("log")
            low, high = np.log10(axes.get_xlim())
            # An axis of whole decades has at least two numbers.
            axes.set_xlim(10 ** np.floor(low), 10 ** np.ceil(high))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_major_formatter(lambda value, position: f"{value:g}")
            axes.set_title(title, loc="left")
            axes.grid(color="0.9", lw=0.5)
            axes.set_axisbelow(True)
            axes.set_xlabel("seconds a minibatch")
        panels[2].set_xlabel("seconds")
        panels[0].set_yticks(range(len(rows)), [row["name"] for row in rows])
        panels[0].invert_yaxis()
    return figure


def draw_steps(record):
    """Draw the time and memory of a step against the number of neurons.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.benchmarks.steps.Steps`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    colours = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
    orders = dict.fromkeys(row["d"] for row in record["rows"])
    with page_figure(3.0) as figure:
        left, right = figure.subplots(1, 2)
        for d, colour in zip(orders, itertools.cycle(colours)):
            rows = [row for row in record["rows"] if row["d"] == d]
            m = [row["n_neurons"] for row in rows]
            style = {"marker": "o", "ms": 3, "lw": 1, "color": colour}
            left.errorbar(m, *_whiskers(rows, "step", 1e6), **style)
            own = [1e6 * row["nengo"]["median"] for row in rows]
            left.plot(m, own, "--", lw=1, color=colour)
            peak = [row["peak"] / 2**20 for row in rows]
            right.plot(m, peak, **style, label=f"d = {d}")
        right.plot([], [], color="0.4", lw=1, label="whole step")
        right.plot([], [], "--", color="0.4", lw=1, label="Nengo's neurons alone")
        left.set_ylabel("time of a step (\u00b5s)")
        left.set_title("a  Time", loc="left")
        right.set_ylabel("peak memory (MiB)")
        right.set_title("b  Memory", loc="left")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("neurons m")
        # A line is proportional to m, over a decade and a little apart from the others.
        largest = max(record["rows"], key=lambda row: row["n_neurons"])
        m = np.array([largest["n_neurons"] / 10, largest["n_neurons"]])
        for axes, y in (
            (left, 1e6 * largest["step"]["median"]),
            (right, largest["peak"] / 2**20),
        ):
            axes.plot(m, 1.6 * y * m / m[1], ":", lw=1, color=BLACK)
        right.plot([], [], ":", lw=1, color=BLACK, label="proportional to m")
        figure.legend(loc="outside right upper")
    return figure


def draw_emulator(record):
    """Draw the time of the emulator's steps, and of building, against the neurons.

    Parameters
    ----------
    record : dict
        Of `nengo_lmu.benchmarks.emulator.Emulator`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    names = {
        "ours": "ours",
        "example": "NengoLoihi's example",
        "notebook": "published notebook",
    }
    with page_figure(3.0) as figure:
        left, right = figure.subplots(1, 2)
        for (construction, name), colour in zip(
            names.items(), (BLUE, VERMILION, GREEN)
        ):
            right.plot([], [], lw=1, color=colour, label=name)
            for emulator, line in (("fast", "-"), ("own", "--")):
                rows = [
                    row
                    for row in record["rows"]
                    if (row["construction"], row["emulator"])
                    == (construction, emulator)
                ]
                m = [row["n_neurons"] for row in rows]
                style = {"marker": "o", "ms": 3, "lw": 1, "ls": line, "color": colour}
                left.errorbar(m, *_whiskers(rows, "step", 1e6), **style)
                right.plot(m, [row["build"] for row in rows], **style)
        right.plot([], [], color="0.4", lw=1, label="fast emulator")
        right.plot([], [], "--", color="0.4", lw=1, label="NengoLoihi's own")
        left.set_ylabel("time of a step (\u00b5s)")
        left.set_title("a  Steps", loc="left")
        right.set_ylabel("time to build (s)")
        right.set_title("b  Building", loc="left")
        sizes = sorted({row["n_neurons"] for row in record["rows"]})
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_yscale("log")
            label_values(axes.xaxis, sizes, map(str, sizes))
            axes.set_xlabel("neurons m")
        figure.legend(loc="outside right upper")
    return figure


def steps_tables(record):
    """Return times and memory of steps, and the exponents of large memories."""
    lines = []
    for fit in record["exponents"]:
        step, m = fit["step"], fit["n_neurons"]
        lines.append(
            f"d = {fit['d']}, m from {m[0]} to {m[-1]}: "
            f"time ~ m^{step['median']:.2f} ({step['low']:.2f} to {step['high']:.2f}), "
            f"memory ~ m^{fit['peak']:.2f}"
        )
    return "\n\n".join([_steps_table(record["rows"]), "\n".join(lines)])


def simulators_tables(record):
    """Return times and memory of simulators, and those that are not installed."""
    missing = [f"Not installed: {name}" for name in record["missing"]]
    return "\n\n".join([_simulators_table(record["rows"]), *missing])


def emulator_tables(record):
    """Return times of the emulators, and the memories that do not fit the chip."""
    misfits = {(row["construction"], row["n_neurons"]) for row in record["misfits"]}
    too_large = [
        f"Too large for Loihi: {name}, {m} neurons" for name, m in sorted(misfits)
    ]
    return "\n\n".join([_emulator_table(record["rows"]), *too_large])


def training_tables(record):
    """Return times of minibatches, ratios of each kind, and what is left out."""
    tables = [_training_table(record["rows"]), *map(_ratio_table, record["kinds"])]
    left_out = [
        f"Left out: {row['name']}, since {row['reason']}" for row in record["left_out"]
    ]
    return "\n\n".join([*tables, "\n".join(left_out)])


def _steps_table(rows):
    def cells(row):
        step = row["step"]
        spread = (step["high"] - step["low"]) / 2
        return [
            str(row["d"]),
            str(row["n_neurons"]),
            f"{1e6 * step['median']:.0f} +- {1e6 * spread:.0f}",
            f"{1e6 * row['neurons']['median']:.0f}",
            f"{1e6 * row['nengo']['median']:.0f}",
            f"{row['ratio']['median']:.2f}",
            f"{row['feedback']['median']:.2f}",
            f"{row['make']:.2f}",
            f"{row['build']:.3f}",
            f"{row['peak'] / 2**20:.1f}",
        ]

    header = ["d", "m", "step (us)", "neurons", "Nengo's", "ratio", "feedback"]
    header += ["make (s)", "build (s)", "MiB"]
    return format_table(header, [cells(row) for row in rows])


def _simulators_table(rows):
    def cells(row):
        step = row["step"]
        return [
            row["simulator"],
            str(row["d"]),
            str(row["n_neurons"]),
            f"{row['build']:.2f}",
            f"{1e6 * step['median']:.0f}",
            f"{1e6 * (step['high'] - step['low']) / 2:.0f}",
            f"{row['throughput']['median']:.0f}",
            f"{row['ratio']['median']:.2f}",
            "-" if row["feedback"] is None else f"{row['feedback']['median']:.2f}",
            "-" if row["peak"] is None else f"{row['peak'] / 2**20:.0f}",
        ]

    header = ["simulator", "d", "m", "build (s)", "step (us)", "+-", "steps/s", "ratio"]
    return format_table([*header, "feedback", "MiB"], [cells(row) for row in rows])


def _emulator_table(rows):
    def cells(row):
        step = row["step"]
        parts = row["parts"]
        return [
            row["construction"],
            row["emulator"],
            str(row["n_neurons"]),
            f"{row['build']:.1f}",
            f"{1e6 * step['median']:.0f}",
            f"{1e6 * (step['high'] - step['low']) / 2:.0f}",
            f"{row['ratio']['median']:.2f}",
            *(f"{100 * parts[name]:.0f}" for name in _PARTS),
        ]

    header = ["memory", "emulator", "m", "build (s)", "step (us)", "+-", "ratio"]
    return format_table([*header, *_PARTS.values()], [cells(row) for row in rows])


def _training_table(rows):
    def cells(row):
        seconds = [row["train"]["median"], row["infer"]["median"], row["cpu"]["train"]]
        return [
            row["name"],
            f"{row['parameters']:,}",
            f"{row['build']:.1f}",
            f"{row['first']['train']:.1f}",
            *(_short(1000 * time) for time in seconds),
            *([] if row["peak"] is None else [f"{row['peak'] / 2**20:.0f}"]),
        ]

    header = ["", "params", "build", "first", "train", "infer", "cpu"]
    header += [] if rows[0]["peak"] is None else ["MiB"]
    return (
        format_table(header, [cells(row) for row in rows])
        + "\n\nSeconds to build and of the first minibatch of training; then "
        "milliseconds of a\nminibatch, and of all processors in training."
    )


def _ratio_table(kind):
    def cells(row):
        spreads = [
            [_short(ratio[key]) for key in ("median", "low", "high")]
            for ratio in (row["train"], row["infer"])
        ]
        return [
            row["name"],
            _short(row["start"]),
            *(f"{median} ({low}-{high})" for median, low, high in spreads),
        ]

    header = [f"x {kind['rows'][0]['name']}", "start", "train", "infer"]
    return format_table(header, [cells(row) for row in kind["rows"]])


def _short(value):
    """Return a number with about three digits."""
    for low, decimals in ((100, 0), (10, 1), (1, 2)):
        if value >= low:
            return f"{value:,.{decimals}f}"
    return f"{value:.3f}"
