"""What figures of the network have in common."""

from nengo_lmu.analysis.style import CLASS_COLOURS


def draw_scores(axes, t, scores, width):
    """Draw the score of each class in its colour, and name the axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    t : (n_steps,) ndarray
        Seconds.
    scores : (n_steps, n_classes) ndarray
    width : float
        Of lines.
    """
    n_colours = len(CLASS_COLOURS)
    for label, score in enumerate(scores.T):
        axes.plot(
            t,
            score,
            color=CLASS_COLOURS[label % n_colours],
            ls="-" if label < n_colours else "--",
            lw=width,
            label=str(label),
        )
    axes.set_ylabel("class score")
    axes.set_xlabel("time (s)")
