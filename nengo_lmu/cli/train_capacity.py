"""Recall what was presented up to T steps ago: the capacity task.

The input is white noise up to 10 Hz, a window of one second in T steps, and what
was presented at 5 moments of it, from 0 to T steps ago, is to be told at every
step. The Legendre memory of order 100 needs no training for it; it runs in the
reference simulator, without and with Poisson neurons. An LSTM of 100 units is
trained, for as long as T and the epochs allow.

Readouts of the ideal memory: "published" is the paper's, half a step off;
"Legendre" reads in the middle of the steps; "fitted" is the best linear readout of
the discrete memory, in closed form.

A table goes to the screen; the record (capacity.json), a figure (capacity.png) and
a record of each measurement to a folder. When it was interrupted, the same command
continues where it was.
"""

import json
import sys
import time

from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    number_of_runs,
    refuse_others,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "recall of the last 100 to 100,000 time steps: LMU and LSTM"

SHORTEST = 21  # steps in a second, to sample 10 Hz
LENGTHS = (100, 1000, 10_000, 100_000)
LSTM_LENGTHS = (100, 200, 400)


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train capacity``."""
    parser.add_argument(
        "--lengths",
        metavar="T",
        type=whole_number(SHORTEST),
        nargs="+",
        default=LENGTHS,
        help="steps in the window of the LMU (default: 100 1000 10000 100000)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=3,
        help="sequences for the LMU (default: %(default)s)",
    )
    parser.add_argument(
        "--n-neurons",
        metavar="M",
        type=whole_number(0),
        default=10_000,
        help="of the spiking memory, for T up to 10000; 0 for none "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--lstm-lengths",
        metavar="T",
        type=whole_number(SHORTEST),
        nargs="+",
        help="steps in the window of the LSTM (default: 100 200 400)",
    )
    parser.add_argument(
        "--lstm-epochs",
        metavar="N",
        type=whole_number(1),
        help="of its training (default: 500, as in the paper; some ten minutes of a "
        "core for three lengths)",
    )
    parser.add_argument("--no-lstm", action="store_true", help="leave it out")
    add_workers(parser, dask=False)
    add_output(parser, "all records and the figure", default="nengo-lmu-capacity")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out
    if arguments.no_lstm:
        refuse_others(
            arguments,
            "--no-lstm",
            ("lstm_lengths", "lstm_epochs"),
            "there is no LSTM to train",
        )

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.capacity import experiment as capacity
    from nengo_lmu.experiments.capacity.report import draw_capacity

    with resumable(out):
        record = capacity.run(
            arguments.lengths,
            arguments.seeds,
            arguments.n_neurons,
            () if arguments.no_lstm else arguments.lstm_lengths or LSTM_LENGTHS,
            arguments.lstm_epochs or 500,
            out,
            arguments.workers,
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "capacity.json", record)
    figures.save(draw_capacity(record), out / "capacity.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(
        "\nMean squared error of the test: over 5 delays, of the best and the worst\n"
        "of them, and over all when the start of the sequence is forgotten (from\n"
        f"1.5 T on); means of {arguments.seeds} sequences for the LMU, of 100 for the\n"
        "LSTM. Published: for the smallest and the largest delay but 0.\n"
    )
    print(_error_table(record))
    print(
        "\nProcessor time of a sequence of 2.5 T steps, or of training, and the most\n"
        "memory that the process had taken by then:\n"
    )
    print(_cost_table(record))
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _error_table(record):
    def cells(row):
        bounds = record["published"].get(str(row["length"]))
        comparable = row["name"] not in ("LSTM", "spiking") and bounds
        return [
            row["name"] if row["name"] == "LSTM" else f"LMU, {row['name']}",
            f"{row['length']:,}",
            *(f"{row[key]['mean']:.1e}" for key in ("mse", "best", "worst", "settled")),
            f"{bounds[0]:.0e} to {bounds[1]:.0e}" if comparable else "-",
        ]

    header = ["", "T", "error", "best", "worst", "settled", "published"]
    return format_table(header, [cells(row) for row in record["rows"]])


def _cost_table(record):
    rows = [
        [
            f"LMU, {one['n_neurons']:,} neurons" if one["n_neurons"] else "LMU",
            f"{one['length']:,}",
            str(one["d"]),
            f"{one['seconds']:.1f} s",
            "-" if one["peak_mib"] is None else f"{one['peak_mib']:.0f} MiB",
        ]
        for one in record["runs"]
    ]
    rows += [
        [
            f"LSTM, {one['setting']['epochs']} epochs",
            f"{one['setting']['length']:,}",
            "-",
            f"{one['seconds']:.0f} s",
            "-",
        ]
        for one in record["lstm"]
    ]
    return format_table(["", "T", "d", "time", "memory"], rows)
