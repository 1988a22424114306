"""Measure what a memory of Poisson neurons costs.

steps: time and memory of nengo.Simulator against the number of neurons, and the time of
the neurons alone.
"""

import json
import sys

from nengo_lmu.cli.arguments import (
    add_output,
    whole_number,
)
from nengo_lmu.cli.table import format_table

HELP = "time and memory against the number of neurons"

STEPS = """Time and memory of nengo.Simulator against the number of neurons m.

A memory of a second gets white noise and no probes. Times are medians over short
rounds in which all sizes take turns; the neurons alone are the step functions of their
operators, in the same simulator, with the same input. Memory is the most that making,
building and running takes, in a process of its own."""


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu bench``."""
    subparsers = parser.add_subparsers(
        dest="benchmark", metavar="WHAT", required=True, parser_class=type(parser)
    )
    steps = subparsers.add_parser(
        "steps",
        help="time and memory of a step",
        description=STEPS,
        formatter_class=parser.formatter_class,
    )
    steps.add_argument(
        "--m",
        metavar="M",
        nargs="+",
        type=whole_number(2),
        default=[100, 1000, 10_000, 30_000, 100_000],
        help="neurons (default: 100 1000 10000 30000 100000)",
    )
    steps.add_argument(
        "--d",
        metavar="D",
        nargs="+",
        type=whole_number(1),
        default=[6, 32],
        help="orders of the memory (default: 6 32)",
    )
    steps.add_argument(
        "--rounds",
        metavar="N",
        type=whole_number(1),
        default=100,
        help="how often each time is measured (default: %(default)s)",
    )
    add_output(steps, "bench.json and bench.png")


def run(arguments):
    """Run the benchmark and print what came out."""
    out = arguments.out

    from nengo_lmu.analysis import bench, figures, records

    record = bench.run(arguments.m, arguments.d, arguments.rounds)
    if out is not None:
        records.write_json(out / "bench.json", record)
        figures.save(figures.draw_steps(record), out / "bench.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_table(record["rows"]))
    for fit in record["exponents"]:
        step = fit["step"]
        print(
            f"\nd = {fit['d']}, m from {fit['m'][0]} to {fit['m'][-1]}: "
            f"time ~ m^{step['median']:.2f} ({step['low']:.2f} to {step['high']:.2f}), "
            f"memory ~ m^{fit['peak']:.2f}",
            end="",
        )
    if record["exponents"]:
        print()
    if out is not None:
        print(f"\nRecord and figure in {out}")


def _table(rows):
    def cells(row):
        step = row["step"]
        spread = (step["high"] - step["low"]) / 2
        return [
            str(row["d"]),
            str(row["m"]),
            f"{1e6 * step['median']:.0f} +- {1e6 * spread:.0f}",
            f"{1e6 * row['neurons']['median']:.0f}",
            f"{row['ratio']['median']:.2f}",
            f"{row['make']:.2f}",
            f"{row['build']:.3f}",
            f"{row['peak'] / 2**20:.1f}",
        ]

    header = ["d", "m", "step (us)", "neurons (us)", "ratio", "make (s)", "build (s)"]
    return format_table([*header, "peak (MiB)"], [cells(row) for row in rows])
