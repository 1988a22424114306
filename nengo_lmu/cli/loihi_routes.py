"""``nengo-lmu loihi --routes``: ways to get a memory's recurrence onto the chip."""

import json
import sys
from contextlib import nullcontext
from textwrap import fill

from nengo_lmu.cli.loihi_fidelity import OTHERS
from nengo_lmu.experiments.options import as_options, refuse_others, resumable
from nengo_lmu.utils.table import format_table


def add_arguments(parser):
    """Add the argument that asks for the comparison."""
    group = parser.add_argument_group(
        "routes",
        "Compare ways to get the recurrence of a memory onto the chip, for memories of "
        "1 s, of several sizes and orders; with --neurons, of that size and order 6. "
        "--tau (default: 0.1), --seconds (default: 6), --seeds, --workers, --out and "
        "--json apply. With --out, the same command continues where it was "
        "interrupted. Some 5 minutes on two cores.",
    )
    group.add_argument("--routes", action="store_true", help="make the comparison")


def run(arguments):
    """Make the comparison and print what came out."""
    refuse_others(
        arguments,
        "--routes",
        (*OTHERS, "fidelity"),
        "it compares memories of its own",
    )
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.on_chip import routes

    given = {
        name: value
        for name in ("tau", "seconds")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.n_neurons is not None:
        given["sizes"] = ((6, arguments.n_neurons),)
    goes_on = nullcontext() if out is None else resumable(out)
    with as_options(n_neurons="--neurons"), goes_on:
        plan = routes.Plan(seeds=arguments.seeds, **given)
        record = routes.run(plan, out, arguments.workers)
    if out is not None:
        records.write_json(out / "routes.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    legend = (
        "What memories need on the chip, and their window error relative to the rms "
        f"of the input, tau {plan.tau:g} s: in fixed point on the emulator (mean and "
        f"standard error of {plan.seeds} seeds), in the reference simulator (ref.: "
        "mean) and by theory. Mbit: millions of bits of synapse memory; Mop: millions "
        "of synaptic operations a second; axons: into the core that has most. Weights "
        "of their own are counted, not run."
    )
    print(fill(legend, 80), end="\n\n")
    print(_table_on_chip(record["on_chip"]))
    for row in record["on_chip"]:
        for problem in row.get("problems", [])[:1]:
            size = f"d = {row['d']}, m = {row['m']}, {_name(row)}"
            print("\n" + fill(f"On the emulator only: {size}. {problem}", 80))
    print(
        "\nOther ideas, in the reference simulator: mean and standard error, and "
        "theory.\nRelays: so many for each dimension.\n"
    )
    print(_table_of_ideas(record["ideas"]))
    if out is not None:
        print(f"\nRecords in {out}")


def _table_on_chip(rows):
    def cells(row):
        return [
            str(row["d"]),
            str(row["m"]),
            _name(row),
            "no fit" if row["cores"] is None else str(row["cores"]),
            f"{1e-6 * row['synapse_bits']:.1f}",
            str(row["input_axons"]),
            f"{1e-6 * row['synaptic_operations_per_second']:.0f}",
            *(_errors(row) if "chip" in row else ["-"] * 3),
        ]

    header = ["d", "m", "weights", "cores", "Mbit", "axons", "Mop"]
    return format_table(
        [*header, "chip", "ref.", "theory"], [cells(row) for row in rows]
    )


def _name(row):
    return row["weights"] if row["copies"] == 1 else f"{row['copies']} copies"


def _errors(row):
    reference, theory = row["reference"]["mean"], row["theory"]
    return [_error(row["chip"]), f"{reference:.4f}", f"{theory:.4f}"]


def _table_of_ideas(rows):
    ours = {row["d"]: row["reference"]["mean"] for row in reversed(rows)}
    names = {"memory": "ours", "blocks": "blocks of two"}
    return format_table(
        ["d", "m", "", "reference", "to ours", "theory"],
        [
            [
                str(row["d"]),
                str(row["m"]),
                names.get(row["route"], f"{row['relays']} relays"),
                _error(row["reference"]),
                f"{row['reference']['mean'] / ours[row['d']]:.3g}",
                f"{row['theory']:.4f}",
            ]
            for row in rows
        ],
    )


def _error(found):
    error = found["standard_error"]
    return f"{found['mean']:.4f}" + ("" if error is None else f" +- {error:.4f}")
