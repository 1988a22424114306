"""Train psMNIST again with another number on the diagonal of A_bar.

The paper perturbs the diagonal by -0.01, -0.001, 0.001 and 0.01, trains again, and
finds every network worse. Here nothing feeds back into the memory and its last state
is read, so that a training takes seconds: once with the states as they are, once with
each dimension scaled to the same size.

A table goes to the screen; the record (ablation.json) and a record of each training to
a folder. When it was interrupted, the same command continues where it was.
"""

import json
import sys
import time
from pathlib import Path

from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    one_of,
    refuse_others,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "psMNIST with a perturbed A: what the memory's matrix is good for"

DATA = ("mnist", "digits")


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train ablation``."""
    parser.add_argument(
        "--data",
        metavar="DATA",
        type=one_of(DATA),
        default="mnist",
        help="mnist, or digits, which come with scikit-learn (default: %(default)s)",
    )
    parser.add_argument(
        "--mnist",
        metavar="FILE",
        type=Path,
        help="MNIST as an npz file (default: loaded by Keras)",
    )
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(100, 60_000),
        default=10_000,
        help="how many to train with, at most (default: %(default)s; the paper has "
        "50000)",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=whole_number(1),
        default=10,
        help="of each training (default: %(default)s, as in the paper)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=3,
        help="trainings of each (default: %(default)s)",
    )
    add_workers(parser, dask=False)
    add_output(parser, "all records", default="nengo-lmu-ablation")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out
    if arguments.data == "digits":
        refuse_others(
            arguments, "--data digits", ("mnist",), "it would not be looked at"
        )

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.psmnist import ablation

    with as_options(path="--mnist"), resumable(out):
        record = ablation.run(
            arguments.seeds,
            arguments.data,
            arguments.mnist,
            arguments.digits,
            arguments.epochs,
            out,
            arguments.workers,
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "ablation.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(
        "\nTest accuracy after training with A_bar + delta I, mean and standard error "
        f"over\n{arguments.seeds} seeds. First pixel: how strong it is in the last "
        "state, relative to delta = 0.\n"
    )
    print(_table(record))
    print(f"\nRecords in {out} ({record['seconds']:.0f} s)")


def _table(record):
    rows = {}
    for row in record["rows"]:
        setting = row["setting"]
        rows.setdefault(setting["delta"], {})[setting["scaled"]] = row

    def accuracy(row):
        found = row["accuracy"]
        text = f"{100 * found['mean']:.2f}"
        if found["standard_error"] is not None:
            text += f" +- {100 * found['standard_error']:.2f}"
        return f"{text} %"

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
