"""Tables and figures of the experiments on digits, made of their records."""

import numpy as np

from nengo_lmu import plots
from nengo_lmu.analysis.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    label_values,
    page_figure,
)
from nengo_lmu.experiments.classifier.drawing import draw_scores
from nengo_lmu.experiments.digits.network import Settings
from nengo_lmu.tasks.digits import MEAN_PIXEL, to_image
from nengo_lmu.utils.table import format_table, percent

_LOOKS = (
    (VERMILION, "o", "-"),
    (ORANGE, "s", ":"),
    (BLUE, "D", "-"),
    (SKY, "v", "-."),
    (GREEN, "^", "--"),
)


def describe(network):
    """Return what the network is made of, in two lines, by its settings."""
    s = Settings(**network)
    return (
        f"LMU(theta={s.theta:g}, d={s.d}, units={s.units}), "
        f"{s.n_neurons} {s.neuron_type} neurons in the memory,\n"
        f"{s.hidden} hidden neurons, {s.n_steps} time steps a digit"
    )


def ways_table(record):
    """Return the table of the ways of running the network, of the demo's record."""

    def cells(row):
        spiking = row["spikes"] is not None
        return [
            row["backend"],
            str(row["digits"]),
            f"{percent(row['accuracy'], row['standard_error'])} %",
            str(record["n_neurons"]) if spiking else "-",
            f"{row['spikes']:,.0f}" if spiking else "-",
            f"{row['seconds']:.2g} s",
        ]

    header = ["run in", "digits", "correct", "neurons", "spikes/digit", "time/digit"]
    return format_table(header, [cells(row) for row in record["results"]])


def agreement_table(record):
    """Return the table of what the simulators agree on, and what it means."""
    result = record["result"]
    names = {
        "reference": "nengo.Simulator",
        "again": "the same, other seeds",
        "emulator": "Loihi emulator",
    }
    alike = {"again": result["yardstick"], "emulator": result["agreement"]}
    rows = [
        [
            label,
            f"{percent(result['accuracy'][name], result['standard_error'][name])} %",
            f"{100 * alike[name]:.0f} %" if name in alike else "-",
        ]
        for name, label in names.items()
    ]
    n_seeds, n_digits = len(record["guesses"]["reference"]), len(record["labels"])
    return (
        format_table(["run in", "correct", "alike"], rows)
        + f"\n\n{n_digits} digits, each under {n_seeds} seeds. Alike: what most seeds "
        "say is what they say\nin nengo.Simulator. Less often than with other seeds: "
        f"p = {result['p_value']:.2g} (one-sided)."
    )


def epoch_table(runs):
    """Return the table of every fifth epoch and of the best, over runs of training."""
    histories = [run["history"] for run in runs]
    n = len(histories[0]["val_probe_accuracy"])

    def cells(label, epochs):
        at = [epoch - 1 for epoch in epochs]
        return [label] + [
            f"{sum(h[key][i] for h, i in zip(histories, at)) / len(runs):{form}}"
            for key, form in (
                ("loss", ".3f"),
                ("probe_accuracy", ".2%"),
                ("val_probe_accuracy", ".2%"),
            )
        ]

    epochs_listed = sorted({1, *range(5, n, 5), n})
    rows = [cells(str(epoch), [epoch] * len(runs)) for epoch in epochs_listed]
    best = [run["best_epoch"] for run in runs]
    rows.append(cells("kept: " + ", ".join(map(str, best)), best))
    return format_table(["epoch", "loss", "training", "validation"], rows)


def accuracy_table(record):
    """Return the table of test digits that trained networks read, in each simulator."""
    runs = record["runs"]
    rows = []
    for i, (backend, over_seeds) in enumerate(record["summary"].items()):
        results = [run["results"][i] for run in runs]
        error = over_seeds["standard_error"]
        if error is None:  # one seed has the error of its digits
            error = results[0]["standard_error"]
        spikes = "-"
        if results[0]["spikes"] is not None:
            spikes = f"{sum(run['spikes'] for run in results) / len(results):,.0f}"
        rows.append(
            [
                backend,
                f"{len(runs)}",
                f"{results[0]['digits']}",
                f"{percent(over_seeds['mean'], error)} %",
                spikes,
            ]
        )
    header = ["run in", "seeds", "digits", "correct", "spikes/digit"]
    return format_table(header, rows)


def noise_tables(record):
    """Return tables of accuracies by the noise in training, and of what it adds."""
    ways, rows = record["ways"], record["rows"]
    baseline = next(iter(ways))
    best = max(row[baseline]["ideal"]["mean"] for row in rows)
    seeds, digits = record["settings"]["seeds"], rows[0]["digits"]
    return (
        "Test digits correct (%), by the noise in training; "
        f"{seeds} seeds, {digits} digits each\n\n"
        + "\n".join(
            f"Neurons {feedback} feedback of their error\n\n{_noise_table(ways, of_it)}"
            for feedback, of_it in _by_feedback(rows).items()
        )
        + f"\nBy an ideal memory and rates, without spikes: {100 * best:.1f} %"
    )


def _by_feedback(rows):
    """Return rows by whether the memory hears its error."""
    names = dict.fromkeys(row["feedback"] for row in rows)
    return {name: [row for row in rows if row["feedback"] == name] for name in names}


def _noise_table(ways, rows):
    """Return accuracies, and what is gained, of memories of one kind."""
    baseline = next(iter(ways))

    def table(kinds, kind):
        return format_table(
            ["neurons", *(ways[way] for way in kinds)],
            [
                [
                    f"{row['n_neurons']}",
                    *(
                        percent(
                            row[way][kind]["mean"], row[way][kind]["standard_error"]
                        )
                        for way in kinds
                    ),
                ]
                for row in rows
            ],
        )

    others = [way for way in ways if way != baseline]
    text = (
        f"{table(list(ways), 'spiking')}\n\n"
        f"More than with noise: {ways[baseline]} (points, paired by seed)\n\n"
        f"{table(others, 'gain')}\n"
    )
    for way in ("covariance", "hidden"):
        p_values = [row[way]["gain"]["p_value"] for row in rows]
        if None not in p_values:
            text += (
                f"\n{ways[way]} against none, two-sided paired t-tests:\n"
                "p = " + ", ".join(f"{p:.2g}" for p in p_values) + "\n"
            )
    return text


def time_step_table(record):
    """Return the table of a trained network at several time steps."""
    rows = []
    for row in record["rows"]:
        cells = [f"{1000 * row['dt']:g} ms", f"{row['spikes_per_step']:.2f}"]
        for kind in ("ideal", "spiking"):
            result = row[kind]
            cells.append(percent(result["accuracy"], result["standard_error"]))
            loss = "loss" in result
            cells.append(
                percent(result["loss"], result["loss_error"], 2) if loss else "-"
            )
        rows.append(cells)
    header = ["dt", "spikes/step", "ideal (%)", "loss", "spiking (%)", "loss"]
    return (
        f"{record['rows'][0]['digits']} test digits, trained at a time step of "
        f"{1000 * record['trained_at']:g} ms; spikes: {record['settings']['seeds']} "
        f"seeds\n\n{format_table(header, rows)}\n\n"
        "Loss in points against the time step of training, over the same digits.\n"
        "Spikes/step: of the memory's fastest neuron, at its largest rate."
    )


def draw_noise_training(record):
    """Draw accuracy in spikes against neurons, and what knowing the noise adds to it.

    Parameters
    ----------
    record : dict
        As `nengo_lmu.experiments.digits.noise.TrainNoise` measures it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    ways = record["ways"]
    baseline = next(iter(ways))
    memories = _by_feedback(record["rows"])

    def draw(axes, rows, way, look, kind):
        colour, marker, line = look
        summaries = [row[way][kind] for row in rows]
        axes.errorbar(
            [row["n_neurons"] for row in rows],
            [100 * summary["mean"] for summary in summaries],
            [100 * (summary["standard_error"] or 0) for summary in summaries],
            color=colour,
            marker=marker,
            ls=line,
            ms=4,
            lw=1,
            capsize=2,
            label=ways[way],
        )

    with page_figure(6.2) as figure:
        grid = figure.subplots(2, len(memories), sharey="row", squeeze=False)
        letters = iter("abcd")
        for (top, bottom), (feedback, rows) in zip(grid.T, memories.items()):
            m = [row["n_neurons"] for row in rows]
            ideal = 100 * max(row[baseline]["ideal"]["mean"] for row in rows)
            top.axhline(ideal, color=BLACK, lw=0.8, ls=(0, (6, 3)))
            top.annotate(
                "ideal memory, rates", (m[0], ideal), (0, 3), textcoords="offset points"
            )
            bottom.axhline(0, color=BLACK, lw=0.8, ls=(0, (6, 3)))
            for way, look in zip(ways, _LOOKS):
                draw(top, rows, way, look, "spiking")
                if way != baseline:
                    draw(bottom, rows, way, look, "gain")
            top.set_ylim(0, 105)
            top.set_title(f"{next(letters)}  {feedback} feedback", loc="left")
            for axes in (top, bottom):
                axes.set_xscale("log")
                label_values(axes.xaxis, m, map(str, m))
            bottom.set_xlabel("neurons of the memory")
        for axes in grid[1]:
            axes.set_title(f"{next(letters)}  the same spikes", loc="left")
        grid[0, 0].set_ylabel("test digits correct (%)")
        grid[0, 0].legend(title="noise in training", loc="lower right")
        grid[1, 0].set_ylabel(f"gain over noise: {ways[baseline]} (points)")
    return figure


def draw_digits(traces, classifier):
    """Draw how the network reads the first digits of the test set.

    Parameters
    ----------
    traces : dict of ndarray
        As `nengo_lmu.experiments.classifier.network.SpikingClassifier.simulate` returns
        them.
    classifier : nengo_lmu.experiments.digits.network.DigitClassifier

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    s = classifier.settings
    n_digits = len(traces["scores"]) // s.n_steps
    test = classifier.digits.test
    t = np.arange(1, len(traces["scores"]) + 1) * s.dt
    signal = np.repeat(test.pixels[:n_digits].ravel(), s.steps_per_pixel)

    with page_figure(7.4) as figure:
        rows = figure.subplots(4, 1, height_ratios=[1, 1.5, 1.2, 1.3])
        for axes in rows[[0, 1, 3]]:
            axes.set_xlim(0, t[-1])
            for end in np.arange(1, n_digits) * s.theta:
                axes.axvline(end, color="0.8", lw=0.8, zorder=0)

        axes = rows[0]
        axes.plot(t, signal + MEAN_PIXEL, color=BLACK, lw=0.8)
        axes.set_ylabel("pixel (0 to 1)")
        axes.set_title("a  Input: one pixel after another", loc="left")

        axes = rows[1]
        plots.spikes(t, traces["memory_spikes"], ax=axes, size=0.25).set_xlabel("")
        n_drawn = min(plots.MOST_TRAINS, s.n_neurons)
        axes.set_title(
            f"b  Spikes of {n_drawn} of the {s.n_neurons} Poisson neurons of the "
            "memory",
            loc="left",
        )

        axes = rows[2]
        axes.set_title(
            "c  Digits, and the window that the spikes hold at the end of each",
            loc="left",
        )
        axes.axis("off")
        for k in range(n_digits):
            decoded = traces["window"][(k + 1) * s.n_steps - 1]
            images = [test.pixels[k], decoded]
            for i, (image, name) in enumerate(zip(images, ("presented", "decoded"))):
                inset = axes.inset_axes(
                    [(k + 0.5) / n_digits - 0.145 + 0.15 * i, 0.02, 0.14, 0.9]
                )
                inset.imshow(
                    to_image(image) + MEAN_PIXEL, cmap="gray_r", vmin=0, vmax=1
                )
                inset.set_xticks([])
                inset.set_yticks([])
                inset.set_xlabel(name)

        axes = rows[3]
        draw_scores(axes, t, traces["scores"], 1)
        top = 1.02 * traces["scores"].max()
        for k in range(n_digits):
            end = (k + 1) * s.n_steps - 1
            guess = traces["scores"][end].argmax()
            axes.plot(t[end], traces["scores"][end, guess], "v", color=BLACK, ms=5)
            axes.annotate(
                f"a {test.labels[k]}, read as {guess}",
                (t[end], top),
                xytext=(-2, 6),
                textcoords="offset points",
                ha="right",
                va="bottom",
            )
        axes.set_title("d  Outputs, read at the end of each digit", loc="left", pad=16)
        axes.legend(
            title="digit", ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
    return figure
