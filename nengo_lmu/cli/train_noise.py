"""Train with the noise of the memory's neurons, and without.

The same network learns handwritten digits from states of its memory, as nengo-lmu
demo does, with four kinds of noise: none (the neurons' rates); as much as the
neurons have, but uncorrelated; noise of the covariance that the theory knows; and
that of the neurons themselves, from a simulation of the spiking memory. All four then
read the same Poisson spikes in the reference simulator, for several numbers of
neurons.

Tables go to the screen; the record (noise.json), a figure (noise.png) and a record of
each measurement to a folder. When it was interrupted, the same command continues
where it was.
"""

import json
import sys
import time

from nengo_lmu.cli.demo import N_TEST
from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    number_of_runs,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "training with the memory's noise against training by rates, digits"


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train noise``."""
    # None is where the plan has its own
    parser.add_argument(
        "--n-neurons",
        metavar="M",
        type=whole_number(44),
        nargs="+",
        help="neurons of the memory (default: 100 200 400 800 1600)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        help="how often each is measured, with other digits, weights and spikes "
        "(default: 5)",
    )
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(1, N_TEST),
        help="how many of the test set each time (default: 320)",
    )
    add_workers(parser)
    add_output(parser, "all records and the figure", default="nengo-lmu-train-noise")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.digits import noise as noise_training
    from nengo_lmu.experiments.digits.report import draw_noise_training

    given = {
        name: value
        for name in ("n_neurons", "seeds", "digits")
        if (value := getattr(arguments, name)) is not None
    }
    if "n_neurons" in given:
        given["n_neurons"] = tuple(sorted(set(given["n_neurons"])))
    with resumable(out):
        record = noise_training.run(
            noise_training.Plan(**given), out, arguments.workers, arguments.dask
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "noise.json", record)
    figures.save(draw_noise_training(record), out / "noise.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    plan, ways, rows = record["plan"], record["ways"], record["rows"]
    first = next(iter(ways))
    print(
        f"\nTest digits correct (%), by the noise in training; {plan['seeds']} seeds, "
        f"{rows[0]['digits']} digits each\n"
    )
    print(_table(ways, rows, ways, lambda row, way: row[way]["spiking"]))
    print(f"\nMore than with noise: {ways[first]} (points, paired by seed)\n")
    others = [way for way in ways if way != first]
    print(_table(ways, rows, others, lambda row, way: row[way]["gain"]))
    p_values = [row["covariance"]["gain"]["p_value"] for row in rows]
    if None not in p_values:
        print(
            "\nKnown covariance against none, two-sided paired t-tests:\n"
            "p = " + ", ".join(f"{p:.2g}" for p in p_values)
        )
    best = max(row[first]["ideal"]["mean"] for row in rows)
    print(f"\nBy an ideal memory and rates, without spikes: {100 * best:.1f} %")
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _table(names, rows, ways, value):
    def cell(found):
        text = f"{100 * found['mean']:.1f}"
        if found["standard_error"] is not None:
            text += f" +- {100 * found['standard_error']:.1f}"
        return text

    return format_table(
        ["neurons", *(names[way] for way in ways)],
        [
            [f"{row['n_neurons']}", *(cell(value(row, way)) for way in ways)]
            for row in rows
        ],
    )
