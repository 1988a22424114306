"""Hold the theory of the noise against simulations.

A grid of memories, wherever the predicted window error is below 0.3: for each
theta, d and time step, the smallest, mean and largest ratio of the measured
error, which is the mean over the seeds, to the predicted one.

Then input that the memory is not designed for: white noise that is 3 times as
loud or 3 times as fast, steps, full range after silence, and silence. The
memory is compared with one whose neurons do not hear their error, and with one
by the usual recipe, all with as many neurons, of the same rates, and the same
synapse.

The tables go to the screen; the record (theory.json), a figure (theory.png) and
a record of each measurement to a folder. When it was interrupted, the same
command continues where it was.

By default a part of the grid, some 5 minutes on two cores. --full is all of it,
two to three hours.
"""

import json
import sys
import time
from dataclasses import replace

from nengo_lmu.experiments.options import (
    add_error_feedback,
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    one_of,
    resumable,
    seconds,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "the theory against simulations, and memories with input unlike the design's"

NEURON_TYPES = ("poisson", "stochastic", "regular")

# the usual one, and ours without error feedback and with it
RECIPES = ("usual", "without", "default")


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu theory``."""
    parser.add_argument(
        "--full",
        action="store_true",
        help="with 5 seeds, theta 0.1 1 10, 20 50 200 800 neurons a dimension and time "
        "steps of 0.0005 0.001 0.002, but for what is given",
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
        help="numbers of neurons for each of the d dimensions (default: 20 200)",
    )
    parser.add_argument(
        "--tau",
        metavar="S",
        type=seconds,
        nargs="+",
        help="time constants of the synapse, in seconds (default: 0.05 0.1 0.2 0.4)",
    )
    parser.add_argument(
        "--dt",
        metavar="S",
        type=seconds,
        nargs="+",
        help="time steps, in seconds (default: 0.001)",
    )
    parser.add_argument(
        "--neuron-type",
        metavar="TYPE",
        type=one_of(NEURON_TYPES),
        help=f"{', '.join(NEURON_TYPES)} (default: poisson)",
    )
    add_error_feedback(parser)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        help="how often each is measured (default: 3)",
    )
    parser.add_argument(
        "--windows",
        metavar="N",
        type=whole_number(1),
        help="length of a measurement in theta (default: 4 to 12, or 10 to 40 without "
        "error feedback, by d and theta, for a standard error of some 3 %% with 5 "
        "seeds)",
    )
    add_workers(parser)
    add_output(parser, "all records and the figure", default="nengo-lmu-theory")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.theory import experiment as theory_check
    from nengo_lmu.experiments.theory.report import draw_theory

    several = ("theta", "d", "per_dimension", "tau", "dt")
    names = (*several, "neuron_type", "error_feedback", "seeds", "windows")
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
    heard = {None: "", 0: ", without error feedback"}.get(
        plan["error_feedback"], f", error feedback {plan['error_feedback']}"
    )
    print(
        f"\nMeasured over predicted window error, mean of {plan['seeds']} seeds:\n"
        f"{plan['neuron_type']} neurons{heard}\n"
    )
    print(_grid_table(record["cells"]))
    print(f"\n{_agreement(record['cells'], theory_check.TOLERANCE)}")
    print(
        "\nInput unlike the design's: window error relative to the rms of what is\n"
        "presented (for silence, of what is expected), by the usual recipe, without\n"
        "error feedback and by default\n"
    )
    print(_unforeseen_table(record["unforeseen"]))
    print(
        "\nThe default's error relative to the usual recipe's and to that without\n"
        "feedback, and thousands of spikes a second\n"
    )
    print(_costs_table(record["unforeseen"]))
    print(f"\n{_comparison(record['unforeseen'])}")
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _grid_table(cells):
    rows = []
    kinds = [(cell["theta"], cell["d"], cell["dt"]) for cell in cells]
    for kind in dict.fromkeys(kinds):
        ratios = [cell["ratio"] for cell, one in zip(cells, kinds) if one == kind]
        mean = sum(ratios) / len(ratios)
        found = [f"{value:.3f}" for value in (min(ratios), mean, max(ratios))]
        theta, d, dt = kind
        what = [f"theta={theta:g} s", f"{d}", f"{1000 * dt:g} ms"]
        rows.append([*what, f"{len(ratios)}", *found])
    return format_table(["", "d", "dt", "cells", "smallest", "mean", "largest"], rows)


def _agreement(cells, tolerance):
    inside = sum(abs(cell["ratio"] - 1) <= tolerance for cell in cells)
    return f"{inside} of {len(cells)} within {100 * tolerance:g} %"


def _unforeseen_table(found):
    def error(recipe):
        text = f"{recipe['mean']:.5f}"
        if recipe["standard_error"] is not None:
            text += f" +- {recipe['standard_error']:.5f}"
        return text

    return format_table(
        ["input", "d", *RECIPES],
        [
            [one["stimulus"], f"{one['d']}", *(error(one[name]) for name in RECIPES)]
            for one in found
        ],
    )


def _costs_table(found):
    def ratio(one, name):
        return "-" if one["ratios"][name] is None else f"{one['ratios'][name]:.3f}"

    others = [name for name in RECIPES if name != "default"]
    return format_table(
        [
            "input",
            "d",
            *(f"/ {name}" for name in others),
            *(f"{name}, k/s" for name in RECIPES),
        ],
        [
            [
                one["stimulus"],
                f"{one['d']}",
                *(ratio(one, name) for name in others),
                *(f"{one[name]['spikes_per_second'] / 1000:.1f}" for name in RECIPES),
            ]
            for one in found
        ],
    )


def _comparison(found):
    # at silence, both may be without any error
    worse = sum(one["default"]["mean"] > one["without"]["mean"] for one in found)
    ratios = [one["ratios"]["without"] for one in found]
    largest = max((ratio for ratio in ratios if ratio is not None), default=None)
    text = f"worse than without feedback for {worse} of {len(found)}"
    return text if largest is None else f"{text}; at most {largest:.3f} of its error"
