"""The figure of learned time-scales: windows against epochs."""

from nengo_lmu.analysis.style import BLUE, GREEN, STYLE, VERMILION

_COLOURS = (VERMILION, BLUE, GREEN)


def draw_time_scale(record):
    """Draw how windows approach the true ones.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.experiments.time_scale.experiment.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 2.8), layout="constrained")
        sizes = sorted({one["setting"]["n_neurons"] for one in record["recovery"]})
        panels = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
        for axes, letter, n_neurons in zip(panels, "abc", sizes):
            shown = [
                one
                for one in record["recovery"]
                if one["setting"]["n_neurons"] == n_neurons
            ]
            for colour, one in zip(_COLOURS, shown):
                setting = one["setting"]
                _draw(
                    axes,
                    [[setting["start"] * setting["theta"]]],
                    [
                        [[theta] for theta in result["theta"]]
                        for result in one["results"]
                    ],
                    [colour],
                    [f"from {setting['start']:g} theta"],
                )
            _finish(axes, [shown[0]["setting"]["theta"]])
            what = f"{n_neurons} Poisson neurons" if n_neurons else "Ideal memory"
            axes.set_title(f"{letter}  {what}", loc="left")
        panels[0].set_ylabel("length of the window (ms)")
        axes, one = panels[-1], record["stack"][-1]
        thetas = one["setting"]["thetas"]
        _draw(
            axes,
            [[one["setting"]["start"]] * len(thetas)],
            [result["theta"] for result in one["results"]],
            _COLOURS,
            [f"layer {k}" for k in range(1, len(thetas) + 1)],
        )
        _finish(axes, thetas)
        letter = "abc"[len(sizes)]
        axes.set_title(f"{letter}  {len(thetas)} layers, ideal", loc="left")
    return figure


def _draw(axes, before, runs, colours, labels):
    """Draw the windows of some layers, in one run for each seed."""
    for number, run in enumerate(runs):
        for colour, label, values in zip(colours, labels, zip(*(before + run))):
            in_ms = [1e3 * value for value in values]
            axes.plot(in_ms, color=colour, lw=0.8, label=None if number else label)


def _finish(axes, thetas):
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    for theta in thetas:
        axes.axhspan(950 * theta, 1050 * theta, color="0.88", zorder=0)
        axes.axhline(1e3 * theta, color="0.4", lw=0.6, ls=":", zorder=1)
    axes.set(yscale="log", xlabel="epoch")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend()
