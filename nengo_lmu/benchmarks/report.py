"""The figure of how long a minibatch takes."""

import numpy as np

from nengo_lmu.analysis.style import BLACK, BLUE, GREEN, STYLE, VERMILION

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
