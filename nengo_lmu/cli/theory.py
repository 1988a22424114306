"""Hold the theory of the noise against simulations.

A grid of memories, wherever the predicted window error is below 0.3: for each
theta and d, the smallest, mean and largest ratio of the measured error, which
is the mean over the seeds, to the predicted one.

Then input that the memory is not designed for: white noise that is 3 times as
loud or 3 times as fast, and steps. The memory is compared with one by the usual
recipe, with as many neurons, of the same rates, and the same synapse.

The tables go to the screen; the record (theory.json), a figure (theory.png) and
a record of each measurement to a folder. When it was interrupted, the same
command continues where it was.

By default a part of the grid, some 5 minutes on two cores. --full is all of it,
over an hour.
"""

import json
import sys
import time
from dataclasses import replace

from nengo_lmu.cli.arguments import (
    add_output,
    add_workers,
    as_options,
    one_of,
    resumable,
    seconds,
    whole_number,
)
from nengo_lmu.cli.table import format_table

HELP = "the theory against simulations, and memories with input unlike the design's"

NEURON_TYPES = ("poisson", "stochastic", "regular")


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu theory``."""
    parser.add_argument(
        "--full",
        action="store_true",
        help="with 5 seeds, theta 0.1 1 10 and 50 200 800 neurons a dimension, but for "
        "what is given",
    )
    # None is where the plan has its own
    parser.add_argument(
        "--theta",
        metavar="S",
        type=seconds,
        nargs="+",
        help="windows, in seconds (default: 0.1 1)",
    )
    parser.add_argument(
        "--d",
        metavar="D",
        type=whole_number(1),
        nargs="+",
        help="orders (default: 3 6 12 24)",
    )
    parser.add_argument(
        "--per-dimension",
        metavar="N",
        type=whole_number(2),
        nargs="+",
        help="numbers of neurons for each of the d dimensions (default: 50 200)",
    )
    parser.add_argument(
        "--tau",
        metavar="S",
        type=seconds,
        nargs="+",
        help="time constants of the synapse, in seconds (default: 0.05 0.1 0.2 0.4)",
    )
    parser.add_argument(
        "--neuron-type",
        metavar="TYPE",
        type=one_of(NEURON_TYPES),
        help=f"{', '.join(NEURON_TYPES)} (default: poisson)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=whole_number(1),
        help="how often each is measured (default: 3)",
    )
    parser.add_argument(
        "--windows",
        metavar="N",
        type=whole_number(1),
        help="length of a measurement in theta (default: 10 to 40, by d and theta, for "
        "a standard error of about 3 %% with 5 seeds)",
    )
    add_workers(parser)
    add_output(parser, "all records and the figure", default="nengo-lmu-theory")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import figures, records, theory_check
    from nengo_lmu.analysis.theory_figure import draw_theory

    several = ("theta", "d", "per_dimension", "tau")
    names = (*several, "neuron_type", "seeds", "windows")
    given = {
        name: tuple(value) if name in several else value
        for name in names
        if (value := getattr(arguments, name)) is not None
    }
    plan = theory_check.FULL if arguments.full else theory_check.Plan()
    with as_options(n_neurons="--per-dimension"), resumable(out):
        record = theory_check.run(
            replace(plan, **given), out, arguments.workers, arguments.dask
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "theory.json", record)
    figures.save(draw_theory(record), out / "theory.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    plan = record["plan"]
    print(
        f"\nMeasured over predicted window error, {plan['neuron_type']} neurons, mean "
        f"of {plan['seeds']} seeds\n"
    )
    print(_grid_table(record["cells"]))
    print(f"\n{_agreement(record['cells'], theory_check.TOLERANCE)}")
    print(
        "\nInput unlike the design's: window error relative to the rms of what is\n"
        "presented, by the usual recipe and by default, and spikes per second\n"
    )
    print(_unforeseen_table(record["unforeseen"]))
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _grid_table(cells):
    rows = []
    for theta, d in dict.fromkeys((cell["theta"], cell["d"]) for cell in cells):
        ratios = [
            cell["ratio"] for cell in cells if (cell["theta"], cell["d"]) == (theta, d)
        ]
        mean = sum(ratios) / len(ratios)
        found = [f"{value:.3f}" for value in (min(ratios), mean, max(ratios))]
        rows.append([f"theta={theta:g} s", f"{d}", f"{len(ratios)}", *found])
    return format_table(["", "d", "cells", "smallest", "mean", "largest"], rows)


def _agreement(cells, tolerance):
    inside = sum(abs(cell["ratio"] - 1) <= tolerance for cell in cells)
    return f"{inside} of {len(cells)} within {100 * tolerance:g} %"


def _unforeseen_table(found):
    def error(recipe):
        text = f"{recipe['mean']:.4f}"
        if recipe["standard_error"] is not None:
            text += f" +- {recipe['standard_error']:.4f}"
        return text

    return format_table(
        ["input", "d", "usual", "default", "ratio", "spikes, usual", "default"],
        [
            [
                one["stimulus"],
                f"{one['d']}",
                error(one["usual"]),
                error(one["default"]),
                f"{one['ratio']:.3f}",
                f"{one['usual']['spikes_per_second']:,.0f}",
                f"{one['default']['spikes_per_second']:,.0f}",
            ]
            for one in found
        ],
    )
