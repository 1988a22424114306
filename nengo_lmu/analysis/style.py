"""Figures, drawn from records and traces.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

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


def save(figure, path):
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
    """
    write_atomically(path, lambda file: figure.savefig(file, format="png"), mode="wb")
