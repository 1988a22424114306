"""Figures, drawn from records and traces.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

import itertools

import numpy as np

from nengo_lmu.tasks.digits import MEAN_PIXEL, N_CLASSES, to_image
from nengo_lmu.utils.files import write_atomically

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
CLASS_COLOURS = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE)

STYLE = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 150,
}


def draw_digits(traces, classifier):
    """Draw how the network reads the first digits of the test set.

    Parameters
    ----------
    traces : dict of ndarray
        As `nengo_lmu.experiments.digits.network.DigitClassifier.simulate` returns them.
    classifier : nengo_lmu.experiments.digits.network.DigitClassifier

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    s = classifier.settings
    n_digits = len(traces["scores"]) // s.n_steps
    test = classifier.digits.test
    t = np.arange(1, len(traces["scores"]) + 1) * s.dt
    signal = np.repeat(test.pixels[:n_digits].ravel(), s.steps_per_pixel)

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 7.4), layout="constrained")
        rows = figure.subplots(4, 1, height_ratios=[1, 1.5, 1.2, 1.3])
        for axes in rows[[0, 1, 3]]:
            axes.set_xlim(0, t[-1])
            for end in np.arange(1, n_digits) * s.theta:
                axes.axvline(end, color="0.8", lw=0.8, zorder=0)

        axes = rows[0]
        axes.plot(t, signal + MEAN_PIXEL, color=BLACK, lw=0.8)
        axes.set_ylabel("pixel (0 to 1)")
        axes.set_title("a  Input: one pixel after another", loc="left")

        axes = rows[1]
        spikes = traces["memory_spikes"]
        shown = np.linspace(0, spikes.shape[1] - 1, 100).astype(int)
        step, neuron = np.nonzero(spikes[:, shown])
        axes.scatter(t[step], neuron, s=0.25, color=BLUE, linewidths=0, rasterized=True)
        axes.set_ylabel("neuron")
        axes.set_ylim(-1, len(shown))
        axes.set_title(
            f"b  Spikes of 100 of the {spikes.shape[1]} Poisson neurons of the memory",
            loc="left",
        )

        axes = rows[2]
        axes.set_title(
            "c  Digits, and the window that the spikes hold at the end of each",
            loc="left",
        )
        axes.axis("off")
        for k in range(n_digits):
            decoded = traces["window"][(k + 1) * s.n_steps - 1]
            images = [test.pixels[k], decoded]
            for i, (image, name) in enumerate(zip(images, ("presented", "decoded"))):
                inset = axes.inset_axes(
                    [(k + 0.5) / n_digits - 0.145 + 0.15 * i, 0.02, 0.14, 0.9]
                )
                inset.imshow(
                    to_image(image) + MEAN_PIXEL, cmap="gray_r", vmin=0, vmax=1
                )
                inset.set_xticks([])
                inset.set_yticks([])
                inset.set_xlabel(name)

        axes = rows[3]
        for label in range(N_CLASSES):
            axes.plot(
                t,
                traces["scores"][:, label],
                color=CLASS_COLOURS[label % len(CLASS_COLOURS)],
                ls="-" if label < len(CLASS_COLOURS) else "--",
                lw=1,
                label=str(label),
            )
        top = 1.02 * traces["scores"].max()
        for k in range(n_digits):
            end = (k + 1) * s.n_steps - 1
            guess = traces["scores"][end].argmax()
            axes.plot(t[end], traces["scores"][end, guess], "v", color=BLACK, ms=5)
            axes.annotate(
                f"a {test.labels[k]}, read as {guess}",
                (t[end], top),
                xytext=(-2, 6),
                textcoords="offset points",
                ha="right",
                va="bottom",
            )
        axes.set_ylabel("class score")
        axes.set_xlabel("time (s)")
        axes.set_title("d  Outputs, read at the end of each digit", loc="left", pad=16)
        axes.legend(
            title="digit", ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
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


def save(figure, path):
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
    """
    write_atomically(path, lambda file: figure.savefig(file, format="png"), mode="wb")
