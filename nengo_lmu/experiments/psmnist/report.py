"""The tables of psMNIST, and the figure of its spiking network."""

import numpy as np

from nengo_lmu import plots
from nengo_lmu.analysis.style import BLACK, BLUE, VERMILION, page_figure
from nengo_lmu.experiments.classifier.drawing import draw_scores
from nengo_lmu.tasks.mnist import to_images
from nengo_lmu.utils.table import format_table, percent


def draw_psmnist(traces, classifier, results):
    """Draw how the spiking network reads a digit, and what spikes are worth.

    Parameters
    ----------
    traces : dict of ndarray
        Of the first test digit, as
        `nengo_lmu.experiments.classifier.network.SpikingClassifier.simulate` returns
        them.
    classifier : nengo_lmu.experiments.psmnist.spiking.SpikingClassifier
    results : list of dict
        Of networks of all numbers of spikes, as
        `nengo_lmu.experiments.psmnist.networks.measure` returns them.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    s = classifier.settings
    t = np.arange(1, s.n_steps + 1) * s.dt
    test = classifier.digits.test
    guess = traces["scores"][-1].argmax()
    window = traces["window"][-1] + classifier.mean
    with page_figure(8.6) as figure:
        grid = figure.add_gridspec(
            5, 2, width_ratios=[4, 1], height_ratios=[1, 1.3, 1.3, 1.5, 1.8]
        )
        rows = [figure.add_subplot(grid[k, 0]) for k in range(4)]
        rows[0].plot(
            t, np.repeat(test.pixels[0], s.steps_per_pixel), color=BLACK, lw=0.5
        )
        rows[0].set_ylabel("pixel (0 to 1)")
        rows[0].set_title("a  Input: 784 pixels in shuffled order", loc="left")
        for axes, key, colour, title in (
            (rows[1], "memory_spikes", BLUE, "b  Poisson neurons of the memory"),
            (rows[2], "hidden_spikes", VERMILION, "c  Hidden neurons"),
        ):
            plots.spikes(t, traces[key], axes, colour, 0.15).set_xlabel("")
            n_drawn = min(plots.MOST_TRAINS, traces[key].shape[1])
            axes.set_title(f"{title}, {n_drawn} of them", loc="left")
        draw_scores(rows[3], t, traces["scores"], 0.8)
        rows[3].set_title(
            f"d  Scores; at the end a {test.labels[0]} is read as {guess}", loc="left"
        )
        for axes in rows:
            axes.set_xlim(0, t[-1])
        for k, (pixels, name) in enumerate(
            (
                (test.pixels[0], "presented"),
                (window, "held by the\nspikes at the end"),
            )
        ):
            axes = figure.add_subplot(grid[k, 1])
            axes.imshow(to_images(pixels), cmap="gray_r", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel(name)
        axes = figure.add_subplot(grid[3, 1])
        axes.axis("off")
        axes.legend(
            *rows[3].get_legend_handles_labels(), title="digit", ncols=2, loc="center"
        )
        below = grid[4, :].subgridspec(1, 2)
        _draw_worth(*(figure.add_subplot(below[0, k]) for k in range(2)), results)
    return figure


def _draw_worth(accuracy, lost, results):
    """Draw accuracy and what is lost of the pixels against spikes of a digit."""
    spikes = np.array([result["spikes"] for result in results]) / 1000
    wrong = [100 * (1 - result["accuracy"]) for result in results]
    errors = [100 * result["standard_error"] for result in results]
    accuracy.errorbar(spikes, wrong, errors, fmt="o", color=BLUE, ms=4, capsize=2)
    accuracy.set_yscale("log")
    accuracy.set_ylabel("test digits (%)")
    accuracy.set_title("e  Not read correctly", loc="left")
    for key, marker, colour, label in (
        ("lost", "o", VERMILION, "with the noise of spikes (theory)"),
        ("lost_ideally", "_", BLACK, "by an ideal memory"),
    ):
        values = [100 * result[key] for result in results]
        lost.plot(spikes, values, marker, color=colour, ms=4, label=label)
    lost.set_ylabel("variance of pixels (%)")
    lost.set_ylim(0, None)
    lost.set_title("f  What the memory cannot tell", loc="left")
    lost.legend()
    for axes in (accuracy, lost):
        axes.set_xlabel("spikes for a digit (thousands)")


def ablation_table(record):
    """Return a table of accuracies with a perturbed A_bar."""
    rows = {}
    for row in record["rows"]:
        setting = row["setting"]
        rows.setdefault(setting["delta"], {})[setting["scaled"]] = row

    def accuracy(row):
        summary = row["accuracy"]
        return f"{percent(summary['mean'], summary['standard_error'], 2)} %"

    return format_table(
        ["delta", "radius", "state rms", "first pixel", "as they are", "scaled"],
        [
            [
                f"{delta:+g}",
                f"{pair[False]['radius']:.4f}",
                f"{pair[False]['state']:.3g}",
                f"{pair[False]['first']:.2g}",
                accuracy(pair[False]),
                accuracy(pair[True]),
            ]
            for delta, pair in rows.items()
        ],
    )


def _percent(result):
    return f"{percent(result['accuracy'], result['standard_error'], 2)} %"


def route_table(record):
    """Return a table of the network that was trained by a route."""
    difference, processor = record["difference"], record["processor_seconds"]
    rows = [
        ["parameters", f"{record['parameters']:,}"],
        ["validation", f"{100 * record['validation_accuracy']:.2f} %"],
        [f"test, {record['test']['digits']:,} digits", _percent(record["test"])],
        ["training", f"{record['training_seconds']:.0f} s"],
        *([["of a processor", f"{processor:.0f} s"]] if processor else []),
        *([f"in time, {name}", f"{value:.0e}"] for name, value in difference.items()),
    ]
    network = record["network"]
    return (
        f"LMU(theta={network['theta']:g}, d={network['d']}, "
        f"units={network['units']}), {network['coupling']}, by route "
        f"{record['settings']['route']}\n\n"
        f"{format_table(['psMNIST', ''], rows)}\n\n"
        "In time: the largest difference of a score, step by step, from what was "
        "trained."
    )


def spiking_table(record):
    """Return tables of digits that were read in spikes."""

    def cells(row):
        settings = row["settings"]
        return [
            row["backend"],
            str(row["digits"]),
            _percent(row),
            f"{row['neurons']:,}",
            str(settings["steps_per_pixel"]),
            f"{row['spikes']:,.0f}",
            f"{row['seconds']:.2g} s",
        ]

    header = ["run in", "digits", "correct", "neurons", "steps", "spikes", "time"]
    first = record["results"][0]
    settings = first["settings"]
    parts = [
        f"LMU(d={settings['d']}, units={settings['units']}), Poisson memory, "
        f"{record['parameters']:,} parameters trained in "
        f"{record['training_seconds']:.0f} s",
        format_table(header, [cells(row) for row in record["results"]]),
        "Steps of a pixel; spikes and computing time of a digit.",
    ]
    if "summary" not in record:  # that is of networks for NengoDL
        return "\n\n".join(parts)
    rates, summary = first["rates"], record["summary"]["accuracy"]
    if summary["standard_error"] is not None:
        mean = percent(summary["mean"], summary["standard_error"], 2)
        parts.append(f"Mean of the networks: {mean} %.")
    parts += [
        f"Largest rates (hertz): memory {rates['memory']:.0f} over a digit, "
        f"{rates['memory_designed']:.0f} at the edge\nof its range; hidden "
        f"{rates['hidden_free']:.0f} while they are let go.",
    ]
    if record["curve"]:
        parts.append(curve_table(record["curve"]))
    return "\n\n".join(parts)


def curve_table(results):
    """Return a table of accuracy, spikes, and what the theory says of the memory."""
    rows = [
        [
            f"{result['spikes']:,.0f}",
            f"{result['settings']['max_rate']:.0f}",
            f"{result['error_feedback']:.2g}",
            str(result["digits"]),
            _percent(result),
            f"{result['window_error']:.3f}",
            f"{100 * result['lost']:.1f} %",
            f"{100 * result['lost_ideally']:.1f} %",
        ]
        for result in results
    ]
    header = ["spikes", "Hz", "gain", "digits", "correct", "window", "lost", "ideally"]
    return (
        f"{format_table(header, rows)}\n\n"
        "Of the theory: the error of the window, and the part of the pixels' variance\n"
        "that hidden units cannot see, with noise and without."
    )
