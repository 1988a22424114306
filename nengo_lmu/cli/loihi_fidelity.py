"""``nengo-lmu loihi --fidelity``: the error of memories on the emulator."""

import json
import sys
from contextlib import nullcontext

from nengo_lmu.experiments.options import (
    add_workers,
    as_options,
    number_of_runs,
    refuse_others,
    resumable,
)
from nengo_lmu.utils.table import format_table

# of ``nengo-lmu loihi``, for what is the same for all memories that are compared
OTHERS = ("theta", "d", "units", "network", "seed")


def add_arguments(parser):
    """Add the arguments of the comparison."""
    group = parser.add_argument_group(
        "fidelity",
        "Compare the error of memories of 1 s and order 6, ours and others', in the "
        "reference simulator and on the emulator; --neurons, --tau (default: 0.1), "
        "--seconds (default: 11), --out and --json apply. With --out, the same command "
        "continues where it was interrupted. Some 5 minutes on two cores.",
    )
    group.add_argument("--fidelity", action="store_true", help="make the comparison")
    group.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=5,
        help="how often each is measured (default: %(default)s)",
    )
    add_workers(group, dask=False)


def run(arguments):
    """Make the comparison and print what came out."""
    refuse_others(
        arguments, "--fidelity", OTHERS, "the memories that are compared have their own"
    )
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.on_chip import fidelity

    given = {
        field: value
        for field, name in (("m", "n_neurons"), ("tau", "tau"), ("seconds", "seconds"))
        if (value := getattr(arguments, name)) is not None
    }
    goes_on = nullcontext() if out is None else resumable(out)
    with as_options(m="--neurons", n_neurons="--neurons"), goes_on:
        plan = fidelity.Plan(seeds=arguments.seeds, **given)
        record = fidelity.run(plan, out, arguments.workers)
    if out is not None:
        records.write_json(out / "fidelity.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(
        "Window error relative to the rms of the input, mean and standard error of "
        f"{plan.seeds}\nseeds, in the reference simulator and on the emulator, and how "
        "many steps late\nthe state is in fixed point: "
        f"{plan.m} neurons, tau {plan.tau:g} s\n"
    )
    print(_table(record["rows"]))
    if out is not None:
        print(f"\nRecords in {out}")


def _table(rows):
    def cell(row):
        error = row["standard_error"]
        return f"{row['mean']:.3f}" + ("" if error is None else f" +- {error:.3f}")

    lines = {}
    for row in rows:
        lines.setdefault(row["construction"], {})[row["simulator"]] = row
    simulators = list(dict.fromkeys(row["simulator"] for row in rows))
    return format_table(
        ["", *simulators, "late"],
        [
            [name, *map(cell, line.values()), f"{line['fixed point']['lag']:g}"]
            for name, line in lines.items()
        ],
    )
