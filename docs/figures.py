"""Draw the pictures that explain: ``make -C docs figures``.

    python docs/figures.py [FOLDER]

What a memory holds, how it is built in neurons, what a hidden unit makes of it, and how
the package is put together. All values are those of the package, not drawn by hand.
"""

import re
import sys
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nengo
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from nengo_lmu import LegendreMemory, legendre, plots
from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    page_figure,
    save,
)

HERE = Path(__file__).parent
THETA, D, DT = 1.0, 6, 0.001
QUIET = "seed=0, progress_bar=False) as sim"


def signal(seconds, high=1.5, seed=5):
    process = nengo.processes.WhiteSignal(seconds, high=high, rms=0.4, y0=0, seed=seed)
    return process.run(seconds, dt=DT)[:, 0]


def first_plot():
    """What the code of the page on the first plot draws."""
    page = (HERE / "get_started" / "first_plot.rst").read_text(encoding="utf-8")
    code = re.search(r"code-block:: python\n\n((?:   .*\n)+)", page).group(1)
    plt.figure(figsize=(7, 2.4), layout="constrained")
    code = code.replace("plt.savefig", "str").replace("seed=0) as sim", QUIET)
    exec(textwrap.dedent(code), {})  # noqa: S102
    plt.gca().set(xlabel="time (s)", ylabel="signal")
    return plt.gcf()


def delay():
    """What the example of a delay draws."""
    script = HERE.parent / "examples" / "delay.py"
    exec(script.read_text(encoding="utf-8").replace("plt.show()", ""), {})  # noqa: S102
    return plt.gcf()


def window():
    """A signal, its last second, and the six numbers that stand for it."""
    u = signal(4.0)
    states = legendre.simulate(u, THETA, D, DT)
    end = 2800
    points = np.linspace(0, 1, 200)
    held = legendre.readout(D, points) @ states[end]
    times = end * DT - points * THETA
    with page_figure(2.6) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=[2.2, 0.8, 1.6])
        t = DT * np.arange(len(u))
        left.plot(t, u, color="0.75", lw=1)
        left.plot(t[: end + 1], u[: end + 1], color=BLACK, lw=1)
        left.plot(times, held, color=VERMILION, lw=2)
        left.axvspan(end * DT - THETA, end * DT, color=SKY, alpha=0.25, lw=0)
        left.annotate(
            "now", (end * DT, left.get_ylim()[1]), ha="center", va="bottom", fontsize=8
        )
        left.set(xlabel="time (s)", ylabel="input")
        left.set_title("1. a signal, and its last second", loc="left", pad=16)
        middle.barh(np.arange(D), states[end], color=BLUE)
        middle.axvline(0, color=BLACK, lw=0.8)
        middle.set_yticks(np.arange(D), [f"$m_{i}$" for i in range(D)])
        middle.invert_yaxis()
        middle.set(xlabel="value")
        middle.set_title("2. six numbers", loc="left", pad=16)
        parts = legendre.readout(D, points) * states[end]
        for i in range(D):
            right.plot(points, parts[:, i], color="0.7", lw=0.9)
        right.plot(
            points,
            np.interp(end * DT - points * THETA, t, u),
            color=BLACK,
            lw=1,
            label="input",
        )
        right.plot(points, held, color=VERMILION, lw=2, label="sum of six curves")
        right.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)
        right.set(xlabel="how long ago (s)", ylabel="input")
        right.set_title("3. the curve from them", loc="left", pad=16)
        return figure


def order():
    """What memories of more and fewer numbers hold of the same second."""
    u = signal(4.0, high=3.0)
    end, points = 2800, np.linspace(0, 1, 200)
    past = np.interp(end * DT - points * THETA, DT * np.arange(len(u)), u)
    with page_figure(2.0) as figure:
        axes = figure.subplots(1, 4, sharey=True)
        for ax, d in zip(axes, (2, 4, 8, 16)):
            state = legendre.simulate(u, THETA, d, DT)[end]
            ax.plot(points, past, color=BLACK, lw=1)
            ax.plot(points, legendre.readout(d, points) @ state, color=VERMILION, lw=2)
            ax.set_title(f"d = {d}")
            ax.set_xlabel("how long ago (s)")
        axes[0].set_ylabel("input")
        return figure


def spikes():
    """The same memory in neurons: the state, the spikes, and what they tell."""
    with nengo.Network(seed=0) as net:
        u = signal(4.0)
        stimulus = nengo.Node(nengo.processes.PresentInput(u[:, np.newaxis], DT))
        memory = LegendreMemory(THETA, D)
        nengo.Connection(stimulus, memory.input, synapse=None)
        delayed = nengo.Probe(memory.add_window(points=[1.0]))
        neurons = nengo.Probe(memory.ensembles[0].neurons)
    with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
        sim.run(4.0)
    wanted = np.concatenate([np.zeros(1000), u[:-1000]])
    with page_figure(3.2) as figure:
        axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.2])
        plots.spikes_and_window(
            sim.trange(), sim.data[neurons], sim.data[delayed], wanted, axes=axes
        )
        axes[1].plot(sim.trange(), u, color="0.7", lw=1, label="input", zorder=0)
        axes[1].set_xlim(0, 4)
        axes[1].legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.25))
        return figure


def box(ax, x, y, width, height, text, colour, size=8):
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=colour + "33",
            edgecolor=colour,
            lw=1.3,
        )
    )
    ax.text(
        x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size
    )


def arrow(ax, start, end, text="", bend=0.0, place=(0, 0.12), dashed=False):
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=10,
            lw=1.2,
            color="0.25",
            linestyle="--" if dashed else "-",
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
        )
    )
    if text:
        middle = (np.add(start, end)) / 2 + np.asarray(place)
        ax.text(*middle, text, ha="center", va="bottom", fontsize=8)


def canvas(figure, width, height):
    ax = figure.subplots()
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return ax


def cell():
    """Input, memory, hidden units and readout; what feeds back is dashed."""
    with page_figure(2.5) as figure:
        ax = canvas(figure, 14, 5)
        box(ax, 0.1, 1.6, 1.8, 1.2, "input\n$x$", BLACK)
        box(
            ax,
            4.0,
            1.2,
            3.0,
            2.0,
            "memory\n$m$: $d$ numbers\nof the last $\\theta$ s",
            BLUE,
        )
        box(ax, 9.0, 1.2, 2.2, 2.0, "hidden units\n$h = f(W_m m)$", ORANGE)
        box(ax, 12.3, 1.6, 1.6, 1.2, "readout", GREEN)
        arrow(ax, (1.9, 2.2), (4.0, 2.2), "$e_x$")
        arrow(ax, (7.0, 2.2), (9.0, 2.2), "$W_m$")
        arrow(ax, (11.2, 2.2), (12.3, 2.2))
        arrow(ax, (6.3, 3.2), (4.7, 3.2), "fixed: $A$, $B$", bend=1.3, place=(0, 1.05))
        arrow(ax, (9.6, 1.2), (5.4, 1.2), bend=-0.28, dashed=True)
        ax.text(
            7.6,
            0.05,
            "$e_h$ (and $e_m$, of the memory itself): the paper's full cell only",
            ha="center",
            fontsize=8,
        )
        arrow(
            ax, (10.8, 3.2), (9.4, 3.2), "$W_h$", bend=1.3, place=(0, 0.95), dashed=True
        )
        return figure


ROWS = (
    # what, of which colour, what it holds, what it needs besides the rows before it
    (
        "legendre",
        BLUE,
        "the mathematics: A, B, windows, the theory of noise",
        "NumPy, SciPy",
    ),
    ("networks", BLUE, "LegendreMemory and LMU, which users connect", "Nengo"),
    (
        "tasks    compat",
        BLUE,
        "arrays of the field's tasks; mends of others' releases",
        "",
    ),
    (
        "dl    loihi    nir",
        VERMILION,
        "training and fast plans; the chip and its emulator; graphs",
        "NengoDL, NengoLoihi, nir",
    ),
    (
        "analysis",
        GREEN,
        "a library that measures: errors, stimuli, plans, sweeps",
        "joblib",
    ),
    (
        "plots    series",
        GREEN,
        "figures; from your data to a network in spikes",
        "Matplotlib",
    ),
    (
        "experiments    benchmarks",
        ORANGE,
        "one folder a question, measured and drawn",
        "",
    ),
    ("cli", PURPLE, "the nengo-lmu command: a table of experiments", ""),
)


def architecture():
    """The parts of the package: each imports from those above it, never below."""
    with page_figure(4.8) as figure:
        ax = canvas(figure, 14, 9.8)
        for i, (name, colour, holds, needs) in enumerate(ROWS):
            y = 8.8 - 1.2 * i
            box(ax, 0.1, y, 4.0, 0.8, name, colour)
            ax.text(4.5, y + 0.4, holds, va="center", fontsize=8)
            ax.text(
                13.9, y + 0.4, needs, va="center", ha="right", fontsize=8, color="0.35"
            )
            if i:
                arrow(ax, (2.1, y + 1.2), (2.1, y + 0.8))
        ax.text(
            13.9,
            9.7,
            "needs besides",
            ha="right",
            fontsize=8,
            color="0.35",
            style="italic",
        )
        return figure


PICTURES = {
    "delay": delay,
    "lmu_first_plot": first_plot,
    "lmu_window": window,
    "lmu_order": order,
    "lmu_spikes": spikes,
    "lmu_cell": cell,
    "architecture": architecture,
}


def main(folder):
    for name, draw in PICTURES.items():
        # sizes of fonts are looked up when a figure is drawn, which is when it is saved
        with plt.rc_context(STYLE):
            save(draw(), Path(folder) / f"{name}.png")
        print(f"{name}.png: {draw.__doc__}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
