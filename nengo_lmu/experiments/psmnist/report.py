"""The figure of the spiking psMNIST network."""

import numpy as np

from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    STYLE,
    VERMILION,
)
from nengo_lmu.tasks.mnist import N_CLASSES, to_images


def draw_psmnist(traces, classifier):
    """Draw how the spiking network reads a digit.

    Parameters
    ----------
    traces : dict of ndarray
        As of `nengo_lmu.experiments.psmnist.spiking.SpikingClassifier.trace`, with the
        ``digit`` and its ``label``.
    classifier : nengo_lmu.experiments.psmnist.spiking.SpikingClassifier

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    s = classifier.settings
    t = np.arange(1, s.n_steps + 1) * s.dt
    guess = traces["scores"][-1].argmax()
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 6.6), layout="constrained")
        grid = figure.add_gridspec(
            4, 2, width_ratios=[4, 1], height_ratios=[1, 1.3, 1.3, 1.5]
        )
        rows = [figure.add_subplot(grid[k, 0]) for k in range(4)]
        rows[0].plot(
            t, np.repeat(traces["digit"], s.steps_per_pixel), color=BLACK, lw=0.5
        )
        rows[0].set_ylabel("pixel (0 to 1)")
        rows[0].set_title("a  Input: 784 pixels in shuffled order", loc="left")
        for axes, key, colour, title in (
            (rows[1], "memory_spikes", BLUE, "b  Poisson neurons of the memory"),
            (rows[2], "hidden_spikes", VERMILION, "c  Hidden neurons"),
        ):
            step, neuron = np.nonzero(traces[key])
            axes.scatter(
                t[step], neuron, s=0.15, color=colour, linewidths=0, rasterized=True
            )
            axes.set_ylabel("neuron")
            axes.set_title(f"{title}, {traces[key].shape[1]} of them", loc="left")
        for label in range(N_CLASSES):
            rows[3].plot(
                t,
                traces["scores"][:, label],
                color=CLASS_COLOURS[label % len(CLASS_COLOURS)],
                ls="-" if label < len(CLASS_COLOURS) else "--",
                lw=0.8,
                label=str(label),
            )
        rows[3].set_ylabel("class score")
        rows[3].set_xlabel("time (s)")
        rows[3].set_title(
            f"d  Scores; at the end a {traces['label']} is read as {guess}", loc="left"
        )
        for axes in rows:
            axes.set_xlim(0, t[-1])
        for k, (key, name) in enumerate(
            (("digit", "presented"), ("window", "held by the\nspikes at the end"))
        ):
            axes = figure.add_subplot(grid[k, 1])
            axes.imshow(to_images(traces[key]), cmap="gray_r", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel(name)
        axes = figure.add_subplot(grid[3, 1])
        axes.axis("off")
        axes.legend(
            *rows[3].get_legend_handles_labels(), title="digit", ncols=2, loc="center"
        )
    return figure
