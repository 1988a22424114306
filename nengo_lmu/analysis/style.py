"""Figures, drawn from records and traces.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

from contextlib import contextmanager

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

CYCLE = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK]

STYLE = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 150,
    # in place of Matplotlib's own, of which red and green are alike to some
    "axes.prop_cycle": f"cycler(color={CYCLE})",
}


# A page of the documentation is so wide (inches).
WIDTH = 7.0


@contextmanager
def page_figure(height):
    """Make a figure as wide as a page, to be drawn in our style within.

    Parameters
    ----------
    height : float
        Inches.

    Yields
    ------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def label_values(axis, values, labels):
    """Let an axis, logarithmic or not, have ticks at these values and nowhere else.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
    values : sequence of float
    labels : iterable of str
    """
    axis.set_ticks(values, list(labels))
    axis.set_ticks([], minor=True)


def range_bars(means, values):
    """Return error bars from means to the least and the largest of their values.

    Parameters
    ----------
    means : (n,) ndarray
    values : (n, n_seeds) ndarray

    Returns
    -------
    bars : list of two lists of float
        As ``axes.errorbar`` takes them. Matplotlib takes an array of a single bar for a
        number.
    """
    below, above = means - values.min(axis=1), values.max(axis=1) - means
    return [below.tolist(), above.tolist()]


def save(figure, path):
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
    """
    write_atomically(path, lambda file: figure.savefig(file, format="png"), mode="wb")
