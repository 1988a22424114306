"""Run a network that was trained at one time step at others.

All times stay what they are in seconds: the digits' pixels, the memory, the synapses.
The memory is made for each time step, and what was trained is put in as it is. The
digits of the test set are read with an ideal memory and rates, and from Poisson
spikes in the reference simulator.

The table goes to the screen; the record (scale-invariance.json) and a record of each
measurement to a folder. When it was interrupted, the same command continues where it
was.
"""

import json
import sys
import time

from nengo_lmu.cli.demo import N_TEST
from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    as_options,
    folder,
    number_of_runs,
    resumable,
    seconds,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "the digits network at time steps that it was not trained at"


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train scale-invariance``."""
    parser.add_argument(
        "--dt",
        metavar="S",
        type=seconds,
        nargs="+",
        default=(0.0005, 0.002),
        help="time steps, in seconds, besides that of training (default: 0.0005 0.002)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=5,
        help="how often each is run, with other spikes (default: %(default)s)",
    )
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(2, N_TEST),
        default=N_TEST,
        help="how many of the test set (default: all %(default)s)",
    )
    parser.add_argument(
        "--trained",
        metavar="DIR",
        type=folder,
        help="folder of seed-N that nengo-lmu train digits has written (default: the "
        "network that comes with the package)",
    )
    add_workers(parser)
    add_output(parser, "all records", default="nengo-lmu-train-scale-invariance")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.digits import scale_invariance

    with as_options(folder="--trained"), resumable(out):
        record = scale_invariance.run(
            arguments.dt,
            arguments.seeds,
            arguments.digits,
            arguments.trained,
            out,
            arguments.workers,
            arguments.dask,
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "scale-invariance.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(
        f"\n{record['rows'][0]['digits']} test digits, trained at a time step of "
        f"{1000 * record['trained_at']:g} ms; spikes: {record['seeds']} seeds\n"
    )
    print(_table(record))
    print(
        "\nLoss in points against the time step of training, over the same digits.\n"
        "Spikes/step: of the memory's fastest neuron, at its largest rate."
    )
    print(f"\nRecords in {out} ({record['seconds']:.0f} s)")


def _table(record):
    def percent(value, error, digits=2):
        return f"{100 * value:.{digits}f} +- {100 * error:.{digits}f}"

    rows = []
    for row in record["rows"]:
        cells = [f"{1000 * row['dt']:g} ms", f"{row['spikes_per_step']:.2f}"]
        for kind in ("ideal", "spiking"):
            found = row[kind]
            cells.append(percent(found["accuracy"], found["standard_error"], 1))
            loss = "loss" in found
            cells.append(percent(found["loss"], found["loss_error"]) if loss else "-")
        rows.append(cells)
    header = ["dt", "spikes/step", "ideal (%)", "loss", "spiking (%)", "loss"]
    return format_table(header, rows)
