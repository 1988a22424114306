"""Measure what a memory of Poisson neurons costs.

steps: time and memory of nengo.Simulator against the number of neurons, and the time of
the neurons alone.

emulator: time of NengoLoihi's emulator, the fast one and its own, against the number of
neurons, for our memory and those of others.

training: time of a minibatch of psMNIST in NengoDL, with our plan and its own, and of
an LSTM.
"""

import json
import sys

from nengo_lmu.cli.arguments import add_output, as_options, whole_number
from nengo_lmu.cli.table import format_table

HELP = "time and memory against the number of neurons"

STEPS = """Time and memory of nengo.Simulator against the number of neurons m.

A memory of a second gets white noise and no probes. Times are medians over short
rounds in which all sizes take turns; the neurons alone are the step functions of their
operators, in the same simulator, with the same input. Memory is the most that making,
building and running takes, in a process of its own."""

EMULATOR = """Time of NengoLoihi's emulator against the number of neurons m.

Memories of a second and order 6 get white noise, and their state is decoded: ours, that
of NengoLoihi's example, and the one that was published as a notebook. Each runs on the
fast emulator and on NengoLoihi's own. Times are medians over short rounds in which all
take turns; ratios are to our memory of the same size on the fast emulator, within a
round. Parts of a step are what synapses, compartments and the host take; the rest is
mostly the exchange with the host. Building, which is done once, includes making the
network.

Some 5 minutes; --full is half an hour, and some GB."""

TRAINING = """Time of a minibatch of psMNIST: 100 digits of 784 steps.

The paper's network in NengoDL, with our plan of its operators and with NengoDL's own,
and a Keras LSTM of about as many parameters. Times are medians over rounds in which all
take turns; ratios are to our plan, within a round. The first minibatch includes
tracing. Some 5 minutes."""

# without and with --full: sizes, and the largest for all but ours on the fast emulator
EMULATOR_M = [300, 600, 1200, 2400, 4800]
EMULATOR_FULL_M = [*EMULATOR_M, 9600]
SLOW_UP_TO = 1200
SLOW_UP_TO_FULL = 4800

# parts of a step, and what they are called in the table
PARTS = {"synapses": "syn %", "compartments": "comp %", "host": "host %"}


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
    _add_rounds(steps, 100)
    add_output(steps, "bench.json and bench.png")
    steps.set_defaults(bench=run_steps)

    emulator = subparsers.add_parser(
        "emulator",
        help="time of a step of NengoLoihi's emulator",
        description=EMULATOR,
        formatter_class=parser.formatter_class,
    )
    emulator.add_argument(
        "--m",
        metavar="M",
        nargs="+",
        type=whole_number(12),
        help=f"neurons (default: {' '.join(map(str, EMULATOR_M))})",
    )
    emulator.add_argument(
        "--full",
        action="store_true",
        help=f"{EMULATOR_FULL_M[-1]} neurons too, and all but ours on the fast "
        f"emulator for up to {SLOW_UP_TO_FULL} instead of {SLOW_UP_TO}",
    )
    _add_rounds(emulator, 50)
    add_output(emulator, "emulator.json and emulator.png")
    emulator.set_defaults(bench=run_emulator)

    training = subparsers.add_parser(
        "training",
        help="time of a minibatch of psMNIST",
        description=TRAINING,
        formatter_class=parser.formatter_class,
    )
    training.add_argument(
        "--d",
        metavar="D",
        type=whole_number(1),
        default=256,
        help="order of the memory (default: %(default)s)",
    )
    training.add_argument(
        "--units",
        metavar="N",
        type=whole_number(1),
        default=212,
        help="hidden units (default: %(default)s)",
    )
    _add_rounds(training, 5)
    add_output(training, "training.json")
    training.set_defaults(bench=run_training)


def _add_rounds(parser, default):
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=whole_number(1),
        default=default,
        help="how often each time is measured (default: %(default)s)",
    )


def run(arguments):
    """Run the benchmark and print what came out."""
    arguments.bench(arguments)


def run_steps(arguments):
    """Run ``nengo-lmu bench steps``."""
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


def run_emulator(arguments):
    """Run ``nengo-lmu bench emulator``."""
    out = arguments.out

    from nengo_lmu.analysis import bench_emulator, figures, records

    full = arguments.full
    with as_options():
        record = bench_emulator.run(
            arguments.m or (EMULATOR_FULL_M if full else EMULATOR_M),
            arguments.rounds,
            SLOW_UP_TO_FULL if full else SLOW_UP_TO,
        )
    if out is not None:
        records.write_json(out / "emulator.json", record)
        figures.save(figures.draw_emulator(record), out / "emulator.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_emulator_table(record["rows"]))
    misfits = {(one["construction"], one["m"]) for one in record["misfits"]}
    for construction, m in sorted(misfits):
        print(f"\nToo large for Loihi: {construction}, {m} neurons")
    if out is not None:
        print(f"\nRecord and figure in {out}")


def run_training(arguments):
    """Run ``nengo-lmu bench training``."""
    out = arguments.out

    from nengo_lmu.analysis import bench_training, records

    record = bench_training.run(arguments.d, arguments.units, arguments.rounds)
    if out is not None:
        records.write_json(out / "training.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_training_table(record["rows"]))
    if out is not None:
        print(f"\nRecord in {out}")


def _training_table(rows):
    def cells(row):
        ratios = [row["train_ratio"], row["infer_ratio"]]
        return [
            row["name"],
            f"{row['parameters']:,}",
            f"{row['build']:.1f}",
            f"{row['first']:.1f}",
            f"{row['train']['median']:.2f}",
            f"{row['infer']['median']:.2f}",
            *(f"{ratio['median']:.2f}" for ratio in ratios),
        ]

    header = ["network", "params", "build", "first", "train", "infer"]
    table = format_table([*header, "x train", "x infer"], [cells(row) for row in rows])
    return f"{table}\n\nSeconds, and times the first row's."


def _emulator_table(rows):
    def cells(row):
        step = row["step"]
        parts = row["parts"]
        return [
            row["construction"],
            row["emulator"],
            str(row["m"]),
            f"{row['build']:.1f}",
            f"{1e6 * step['median']:.0f}",
            f"{1e6 * (step['high'] - step['low']) / 2:.0f}",
            f"{row['ratio']['median']:.2f}",
            *(f"{100 * parts[name]:.0f}" for name in PARTS),
        ]

    header = ["memory", "emulator", "m", "build (s)", "step (us)", "+-", "ratio"]
    return format_table([*header, *PARTS.values()], [cells(row) for row in rows])


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
