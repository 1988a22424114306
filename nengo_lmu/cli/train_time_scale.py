"""Let memories learn how long their windows should be.

With trainable_theta=True, NengoDL trains 1 / theta, one scalar a layer. The window
of one layer, too long or too short at first, is to become that of the delay in the
data: without neurons, and in Poisson neurons through their rates. Then those of
three layers, all alike at first, are to become those of a teacher of the same
kernels, from what its last layer says. At last, A and B themselves are trained, for
an input that is too fast for the order of the memory.

Tables go to the screen; the record (time-scale.json), a figure (time-scale.png) and
a record of each training to a folder. When it was interrupted, the same command
continues where it was.
"""

import json
import sys
import time

import numpy as np

from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    positive_number,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = (
    "learned time-scales: theta recovered from a wrong one, in one layer and in three"
)


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train time-scale``."""
    parser.add_argument(
        "--starts",
        metavar="X",
        type=positive_number,
        nargs="+",
        default=(4.0, 0.25),
        help="windows to begin with, relative to the true one (default: 4 0.25)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=3,
        help="trainings of each (default: %(default)s)",
    )
    parser.add_argument(
        "--n-neurons",
        metavar="M",
        type=whole_number(0),
        default=300,
        help="of the spiking memory; 0 for none (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=whole_number(1),
        help="for one layer (default: 50)",
    )
    add_workers(parser, dask=False)
    add_output(parser, "all records and the figure", default="nengo-lmu-time-scale")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.time_scale import experiment as time_scale
    from nengo_lmu.experiments.time_scale.report import draw_time_scale

    chosen = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    with as_options(start="--starts"), resumable(out):
        record = time_scale.run(
            arguments.starts,
            arguments.seeds,
            arguments.n_neurons,
            folder=out,
            workers=arguments.workers,
            **chosen,
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "time-scale.json", record)
    figures.save(draw_time_scale(record), out / "time-scale.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(
        f"\nLength of the window in milliseconds: mean over {arguments.seeds} seeds, "
        "and the largest\nerror of any.\n"
    )
    print(_window_table(record))
    print("\nA and B trained: mean squared error of the delay, relative to the input\n")
    print(_matrix_table(record))
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _window_table(record):
    rows = []
    for one in record["recovery"]:
        setting = one["setting"]
        m, theta = setting["n_neurons"], setting["theta"]
        rows.append(
            _window_row(
                f"{m} Poisson neurons" if m else "ideal",
                setting["start"] * theta,
                [result["theta"][-1] for result in one["results"]],
                theta,
            )
        )
    for one in record["stack"]:
        setting = one["setting"]
        for k, theta in enumerate(setting["thetas"]):
            rows.append(
                _window_row(
                    f"layer {k + 1} of {len(setting['thetas'])}",
                    setting["start"],
                    [result["theta"][-1][k] for result in one["results"]],
                    theta,
                )
            )
    return format_table(["memory", "start", "learned", "true", "error"], rows)


def _window_row(name, start, learned, true):
    error = np.abs(np.divide(learned, true) - 1).max()
    return [
        name,
        f"{1e3 * start:.1f}",
        f"{1e3 * np.mean(learned):.2f}",
        f"{1e3 * true:g}",
        f"{100 * error:.2g} %",
    ]


def _matrix_table(record):
    return format_table(
        ["memory", "before", "after", "NengoDL - Nengo"],
        [
            [
                f"d={one['setting']['d']}, input up to "
                f"{one['setting']['bandwidth']:g} Hz, seed {seed}",
                f"{result['before']:.4f}",
                f"{result['after']:.4f}",
                f"{result['difference']:.1e}",
            ]
            for one in record["fine_tuning"]
            for seed, result in enumerate(one["results"])
        ],
    )
