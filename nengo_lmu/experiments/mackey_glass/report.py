"""The figure of the experiment with the Mackey-Glass series."""

import numpy as np

from nengo_lmu.analysis.style import BLACK, BLUE, GREEN, ORANGE, STYLE, VERMILION

NAMES = {"lstm": "LSTM", "lmu": "LMU", "hybrid": "both", "paper": "paper's LMU"}
COLOURS = {"lstm": ORANGE, "lmu": BLUE, "hybrid": GREEN, "paper": VERMILION}


def draw_mackey_glass(record):
    """Draw predictions, and errors of networks, of time steps and of spikes.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.experiments.mackey_glass.experiment.run` returns it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 4.6), layout="constrained")
        grid = figure.add_gridspec(2, 3)
        _draw_series(figure.add_subplot(grid[0, :]), record["series"])
        _draw_networks(figure.add_subplot(grid[1, 0]), record["networks"])
        _draw_scaled(figure.add_subplot(grid[1, 1]), record["scaled"])
        _draw_spiking(figure.add_subplot(grid[1, 2]), record["spiking"])
    return figure


def _draw_series(axes, series):
    model = "lmu" if "lmu" in series else next(iter(series))
    wanted, predicted = (series[model][key] for key in ("wanted", "predicted"))
    axes.plot(wanted, color=BLACK, lw=1.5, label="series, 15 samples later")
    axes.plot(
        predicted, "--", color=COLOURS[model], lw=1, label=f"prediction, {NAMES[model]}"
    )
    axes.set_xlim(0, len(wanted))
    axes.set_xlabel("sample")
    axes.set_ylabel("series (squashed)")
    axes.set_title("a  A test sequence", loc="left")
    axes.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0)


def _draw_networks(axes, networks):
    for i, row in enumerate(networks):
        values = [100 * one["nrmse"] for one in row["seeds"]]
        axes.bar(i, np.mean(values), color=COLOURS[row["model"]], width=0.6)
        axes.plot(np.full(len(values), i), values, "o", color=BLACK, ms=2.5)
        if row["published"] is not None:
            y = 100 * row["published"]
            axes.plot([i - 0.4, i + 0.4], [y, y], ":", color=BLACK, lw=1.2)
    axes.plot([], [], "o", color=BLACK, ms=2.5, label="each seed")
    axes.plot([], [], ":", color=BLACK, lw=1.2, label="published")
    axes.set_xticks(range(len(networks)), [NAMES[row["model"]] for row in networks])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.set_ylabel("NRMSE (%)")
    axes.set_title("b  Networks", loc="left")
    axes.legend(loc="upper right")


def _draw_scaled(axes, scaled):
    dt = 1000 * np.array(scaled[0]["dt"])
    for one in scaled:
        axes.plot(dt, 100 * np.array(one["nrmse"]), "o-", color=BLUE, ms=3, lw=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks(dt, [f"{x:g}" for x in dt])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.set_xlabel("time step (ms)")
    axes.set_ylabel("NRMSE (%)")
    axes.set_title("c  Trained at 1 ms", loc="left")


def _draw_spiking(axes, spiking):
    for key, colour, name in (
        ("spikes", VERMILION, "spikes"),
        ("rates", BLUE, "rates"),
    ):
        m = [row["n_neurons"] for row in spiking]
        values = [[100 * one[key] for one in row["seeds"]] for row in spiking]
        mean = np.array([np.mean(one) for one in values])
        low = np.array([np.min(one) for one in values])
        high = np.array([np.max(one) for one in values])
        axes.errorbar(
            m,
            mean,
            [mean - low, high - mean],
            fmt="o-",
            color=colour,
            ms=3,
            lw=1,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([row["n_neurons"] for row in spiking])
    axes.set_xticklabels([f"{row['n_neurons']:,}" for row in spiking])
    axes.set_xticks([], minor=True)
    ticks = [2, 5, 10, 20, 50]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("neurons of the memory")
    axes.set_ylabel("NRMSE (%)")
    axes.set_title("d  Poisson neurons", loc="left")
    axes.legend(loc="best")
