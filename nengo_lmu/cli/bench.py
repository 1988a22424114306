"""Measure what a memory of Poisson neurons costs.

steps: time and memory of nengo.Simulator against the number of neurons, and the time of
the neurons alone.

simulators: how fast each simulator steps a memory.

emulator: time of NengoLoihi's emulator, the fast one and its own, against the number of
neurons, for our memory and those of others.

training: time of a minibatch of psMNIST, of our networks, of NengoDL's example, of
keras-lmu and of an LSTM.
"""

import json
import sys

from nengo_lmu.experiments.options import add_output, as_options, one_of, whole_number
from nengo_lmu.utils.table import format_table

HELP = "time and memory against the number of neurons"

STEPS = """Time and memory of nengo.Simulator against the number of neurons m.

A memory of a second gets white noise and no probes. Times are medians over short
rounds in which all sizes take turns; the neurons alone are the step functions of their
operators, in the same simulator, with the same input, ours and Nengo's own; the ratio
is of the whole step to Nengo's own neurons, and feedback that to a step of a memory
that does not hear its error. Memory is the most that making,
building and running takes, in a process of its own."""

SIMULATORS = """Time and memory of all simulators against the neurons m and the order d.

A memory of a second gets white noise, and its state is probed once a second, in Nengo's
reference simulator, in NengoDL, one run and 32 side by side, and in NengoLoihi's
emulator. Times are medians over short rounds in which all take turns; a step is one of
all runs, and ratios are of steps of single runs in a second to those of Nengo, within a
round; feedback is the time of a step relative to that of a memory that does not hear
its error. Memory is the most that making and running takes beyond the packages, in a
process of its own. Some ten minutes, most of it for the emulator."""

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

Our networks of the paper's size in NengoDL, as they come and step by step, the LMU of
NengoDL's documentation with NengoDL's plan and ours, the layers of keras-lmu where that
is installed, and a Keras LSTM of about as many parameters. --kinds chooses:

  recurrent      W_x, W_h and W_m trained; scan: all that comes from the memory at
                 once, over all steps, and over the last 112
  full           e_h and e_m trained, too
  feed-forward   hidden units read nothing but the memory
  without-time   the same from states that one matrix computes, in epochs of 60,000
  every-step     feed-forward, with a target at every step and not at the last one only

Times are medians over rounds in which all take turns. Ratios are to the first of a
kind, within a round, with their quartiles. The first minibatch includes tracing.

Some 10 minutes, most of them for NengoDL's example."""

# without and with --full: sizes, and the largest for all but ours on the fast emulator
EMULATOR_M = [300, 600, 1200, 2400, 4800]
EMULATOR_FULL_M = [*EMULATOR_M, 9600]
SLOW_UP_TO = 1200
SLOW_UP_TO_FULL = 4800

# what can be compared of training
KINDS = ("recurrent", "full", "feed-forward", "without-time", "every-step")

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
    _add_sizes(steps, [100, 1000, 10_000, 30_000, 100_000])
    _add_rounds(steps, 100)
    add_output(steps, "bench.json and bench.png")
    steps.set_defaults(bench=run_steps)

    simulators = subparsers.add_parser(
        "simulators",
        help="time of a step of all simulators",
        description=SIMULATORS,
        formatter_class=parser.formatter_class,
    )
    _add_sizes(simulators, [1000, 10_000])
    _add_rounds(simulators, 10)
    add_output(simulators, "simulators.json")
    simulators.set_defaults(bench=run_simulators)

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
    training.add_argument(
        "--steps",
        metavar="N",
        type=whole_number(2),
        default=784,
        help="pixels of a digit (default: %(default)s)",
    )
    training.add_argument(
        "--kinds",
        metavar="KIND",
        nargs="+",
        type=one_of(KINDS),
        help="what to compare, see above (default: all)",
    )
    training.add_argument(
        "--unrolled",
        action="store_true",
        help="NengoDL's example unrolled by 16 steps, too, which takes long to trace",
    )
    training.add_argument(
        "--memory",
        action="store_true",
        help="peak memory, too, each in a process of its own; some 10 minutes more",
    )
    _add_rounds(training, 5)
    add_output(training, "training.json and training.png")
    training.set_defaults(bench=run_training)


def _add_sizes(parser, m):
    parser.add_argument(
        "--m",
        metavar="M",
        nargs="+",
        type=whole_number(2),
        default=m,
        help=f"neurons (default: {' '.join(map(str, m))})",
    )
    parser.add_argument(
        "--d",
        metavar="D",
        nargs="+",
        type=whole_number(1),
        default=[6, 32],
        help="orders of the memory (default: 6 32)",
    )


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

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.benchmarks import steps as bench

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


def run_simulators(arguments):
    """Run ``nengo-lmu bench simulators``."""
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.benchmarks import simulators as bench_simulators

    with as_options():
        record = bench_simulators.run(arguments.m, arguments.d, arguments.rounds)
    if out is not None:
        records.write_json(out / "simulators.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_simulators_table(record["rows"]))
    for name in record["missing"]:
        print(f"\nNot installed: {name}")
    if out is not None:
        print(f"\nRecord in {out}")


def run_emulator(arguments):
    """Run ``nengo-lmu bench emulator``."""
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.benchmarks import emulator as bench_emulator

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

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.benchmarks import training as bench_training
    from nengo_lmu.benchmarks.report import draw_training

    with as_options():
        record = bench_training.run(
            bench_training.Sizes(arguments.d, arguments.units, arguments.steps),
            arguments.kinds,
            arguments.rounds,
            arguments.unrolled,
            arguments.memory,
        )
    if out is not None:
        records.write_json(out / "training.json", record)
        figures.save(draw_training(record), out / "training.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_training_table(record["rows"]))
    for kind in record["kinds"]:
        print(f"\n{_ratio_table(kind)}")
    for one in record["left_out"]:
        print(f"\nLeft out: {one['name']}, since {one['reason']}", end="")
    if record["left_out"]:
        print()
    if out is not None:
        print(f"\nRecord and figure in {out}")


def _training_table(rows):
    def cells(row):
        seconds = [row["train"]["median"], row["infer"]["median"], row["cpu"]["train"]]
        return [
            row["name"],
            f"{row['parameters']:,}",
            f"{row['build']:.1f}",
            f"{row['first']['train']:.1f}",
            *(_short(1000 * one) for one in seconds),
            *([] if row["peak"] is None else [f"{row['peak'] / 2**20:.0f}"]),
        ]

    header = ["", "params", "build", "first", "train", "infer", "cpu"]
    header += [] if rows[0]["peak"] is None else ["MiB"]
    return (
        format_table(header, [cells(row) for row in rows])
        + "\n\nSeconds to build and of the first minibatch of training; then "
        "milliseconds of a\nminibatch, and of all processors in training."
    )


def _ratio_table(kind):
    def cells(row):
        spreads = [
            [_short(ratio[key]) for key in ("median", "low", "high")]
            for ratio in (row["train"], row["infer"])
        ]
        return [
            row["name"],
            _short(row["start"]),
            *(f"{median} ({low}-{high})" for median, low, high in spreads),
        ]

    header = [f"x {kind['rows'][0]['name']}", "start", "train", "infer"]
    return format_table(header, [cells(row) for row in kind["rows"]])


def _short(value):
    """Return a number with about three digits."""
    for low, decimals in ((100, 0), (10, 1), (1, 2)):
        if value >= low:
            return f"{value:,.{decimals}f}"
    return f"{value:.3f}"


def _simulators_table(rows):
    def cells(row):
        step = row["step"]
        return [
            row["simulator"],
            str(row["d"]),
            str(row["m"]),
            f"{row['build']:.2f}",
            f"{1e6 * step['median']:.0f}",
            f"{1e6 * (step['high'] - step['low']) / 2:.0f}",
            f"{row['throughput']['median']:.0f}",
            f"{row['ratio']['median']:.2f}",
            "-" if row["feedback"] is None else f"{row['feedback']['median']:.2f}",
            "-" if row["peak"] is None else f"{row['peak'] / 2**20:.0f}",
        ]

    header = ["simulator", "d", "m", "build (s)", "step (us)", "+-", "steps/s", "ratio"]
    return format_table([*header, "feedback", "MiB"], [cells(row) for row in rows])


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
            f"{1e6 * row['nengo']['median']:.0f}",
            f"{row['ratio']['median']:.2f}",
            f"{row['feedback']['median']:.2f}",
            f"{row['make']:.2f}",
            f"{row['build']:.3f}",
            f"{row['peak'] / 2**20:.1f}",
        ]

    header = ["d", "m", "step (us)", "neurons", "Nengo's", "ratio", "feedback"]
    header += ["make (s)", "build (s)", "MiB"]
    return format_table(header, [cells(row) for row in rows])
