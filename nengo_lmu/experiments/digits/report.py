"""The figure of `nengo_lmu.experiments.digits.noise`."""

from nengo_lmu.analysis.style import BLACK, BLUE, GREEN, ORANGE, STYLE, VERMILION

_LOOKS = (
    (VERMILION, "o", "-"),
    (ORANGE, "s", ":"),
    (BLUE, "D", "-"),
    (GREEN, "^", "--"),
)


def draw_noise_training(record):
    """Draw accuracy in spikes against neurons, and what knowing the noise adds to it.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.experiments.digits.noise.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    ways, rows = record["ways"], record["rows"]
    first = next(iter(ways))
    m = [row["n_neurons"] for row in rows]

    def draw(axes, way, look, kind, label):
        colour, marker, line = look
        found = [row[way][kind] for row in rows]
        axes.errorbar(
            m,
            [100 * one["mean"] for one in found],
            [100 * (one["standard_error"] or 0) for one in found],
            color=colour,
            marker=marker,
            ls=line,
            ms=4,
            lw=1,
            capsize=2,
            label=label,
        )

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        ideal = 100 * max(row[first]["ideal"]["mean"] for row in rows)
        left.axhline(ideal, color=BLACK, lw=0.8, ls=(0, (6, 3)))
        left.annotate(
            "ideal memory, rates", (m[0], ideal), (0, 3), textcoords="offset points"
        )
        right.axhline(0, color=BLACK, lw=0.8, ls=(0, (6, 3)))
        for (way, label), look in zip(ways.items(), _LOOKS):
            draw(left, way, look, "spiking", label)
            if way != first:
                draw(right, way, look, "gain", label)
        left.set_ylim(0, 105)
        left.set_ylabel("test digits correct (%)")
        left.set_title("a  Read from Poisson spikes", loc="left")
        left.legend(title="noise in training", loc="lower right")
        right.set_ylabel(f"gain over noise: {ways[first]} (points)")
        right.set_title("b  The same spikes, other training", loc="left")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xticks(m, [str(one) for one in m])
            axes.set_xticks([], minor=True)
            axes.set_xlabel("neurons of the memory")
    return figure
