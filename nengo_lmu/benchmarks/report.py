"""The figure of how long a minibatch takes."""

import itertools

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
)

# whose a network is, by the first word of its name
_OWNERS = {
    "ours": (BLUE, "o"),
    "NengoDL": (VERMILION, "s"),
    "keras-lmu": (GREEN, "^"),
    "LSTM": (BLACK, "D"),
}


def draw_training(record):
    """Draw times of training, of inference and until the first step is done.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.benchmarks.training.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    rows = record["rows"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 1.0 + 0.19 * len(rows)), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        for y, row in enumerate(rows):
            colour, marker = _OWNERS[row["name"].split()[0]]
            style = {"color": colour, "marker": marker, "ms": 3, "lw": 1, "capsize": 2}
            for axes, what in zip(panels, ("train", "infer")):
                low, median, high = (
                    row[what][key] for key in ("low", "median", "high")
                )
                whiskers = [[median - low], [high - median]]
                axes.errorbar([median], [y], xerr=whiskers, **style)
            panels[2].errorbar([row["start"]], [y], **style)
        for axes, title in zip(
            panels, ("a  Training", "b  Inference", "c  Building, first step")
        ):
            axes.set_xscale("log")
            low, high = np.log10(axes.get_xlim())
            # whole decades, so that there are at least two numbers
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
        As `nengo_lmu.benchmarks.steps.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    colours = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
    orders = dict.fromkeys(row["d"] for row in record["rows"])
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for d, colour in zip(orders, itertools.cycle(colours)):
            rows = [row for row in record["rows"] if row["d"] == d]
            m = [row["m"] for row in rows]
            low, median, high = (
                1e6 * np.array([row["step"][key] for row in rows])
                for key in ("low", "median", "high")
            )
            style = {"marker": "o", "ms": 3, "lw": 1, "color": colour}
            left.errorbar(m, median, [median - low, high - median], **style)
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
        # what is proportional to m, over a decade and a little apart from the lines
        largest = max(record["rows"], key=lambda row: row["m"])
        m = np.array([largest["m"] / 10, largest["m"]])
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
        As `nengo_lmu.benchmarks.emulator.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    names = {
        "ours": "ours",
        "example": "NengoLoihi's example",
        "notebook": "published notebook",
    }
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 3.0), layout="constrained")
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
                m = [row["m"] for row in rows]
                low, median, high = (
                    1e6 * np.array([row["step"][key] for row in rows])
                    for key in ("low", "median", "high")
                )
                style = {"marker": "o", "ms": 3, "lw": 1, "ls": line, "color": colour}
                left.errorbar(m, median, [median - low, high - median], **style)
                right.plot(m, [row["build"] for row in rows], **style)
        right.plot([], [], color="0.4", lw=1, label="fast emulator")
        right.plot([], [], "--", color="0.4", lw=1, label="NengoLoihi's own")
        left.set_ylabel("time of a step (\u00b5s)")
        left.set_title("a  Steps", loc="left")
        right.set_ylabel("time to build (s)")
        right.set_title("b  Building", loc="left")
        sizes = sorted({row["m"] for row in record["rows"]})
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xticks(sizes, [str(m) for m in sizes])
            axes.set_xticks([], minor=True)
            axes.set_xlabel("neurons m")
        figure.legend(loc="outside right upper")
    return figure
