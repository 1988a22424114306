"""Predict the Mackey-Glass series, a chaotic one, 15 samples ahead.

Networks of four layers and some 18,000 parameters are trained on 32 sequences of
5000 samples, and tried on 64 others: LSTMs, LMUs and layers of both in turn. If asked
for, also "paper", the paper's LMU, in which everything feeds back: it is trained in
time, which takes eight times as long. The error is the root mean square one over all
samples, relative to the root mean square of the series.

Besides: LMUs that were trained at a time step of 1 ms, run at others; LMUs of Poisson
neurons; and how long training takes.

Tables go to the screen; the record (mackey-glass.json), a figure
(mackey-glass.png) and checkpoints to a folder. When it was interrupted, the same
command continues where it was.
"""

import json
import sys
import time

import numpy as np

from nengo_lmu.experiments.mackey_glass.network import MODELS
from nengo_lmu.experiments.options import (
    add_output,
    number_of_runs,
    one_of,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "prediction of a chaotic series: LSTM, LMU, both in turn, spiking LMU"

NAMES = {
    "lstm": "LSTM",
    "keras": "LSTM, as Keras runs it",
    "lmu": "LMU",
    "hybrid": "LMU and LSTM in turn",
    "paper": "LMU of the paper",
}


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train mackey-glass``."""
    parser.add_argument(
        "--models",
        metavar="MODEL",
        type=one_of(MODELS),
        nargs="+",
        default=MODELS[:3],
        help=f"of {', '.join(MODELS)} (default: {' '.join(MODELS[:3])})",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=3,
        help="how often each is trained, with other sequences and weights (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(1), help="of the four-layer networks"
    )
    parser.add_argument(
        "--neurons",
        metavar="M",
        type=whole_number(16),
        nargs="*",
        help="of memories that spike (default: 200 1000 5000)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer and shorter sequences and a few epochs, to see that it works",
    )
    add_output(
        parser,
        "the record, the figure and checkpoints",
        default="nengo-lmu-mackey-glass",
    )


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from dataclasses import replace

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.mackey_glass import experiment as mackey_glass_training
    from nengo_lmu.experiments.mackey_glass.report import draw_mackey_glass

    plan = mackey_glass_training.Plan(
        models=tuple(dict.fromkeys(arguments.models)), seeds=arguments.seeds
    )
    if arguments.quick:
        plan = plan.quick()
    if arguments.neurons is not None:
        plan = replace(plan, neurons=tuple(arguments.neurons))
    if arguments.epochs is not None:
        plan = replace(plan, settings=replace(plan.settings, epochs=arguments.epochs))
    with resumable(out):
        record = mackey_glass_training.run(plan, out)
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "mackey-glass.json", record)
    figures.save(draw_mackey_glass(record), out / "mackey-glass.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    settings = record["plan"]["settings"]
    print(
        f"\nError on {settings['sizes'][2]} test sequences after {settings['epochs']} "
        f"epochs: mean and range over {plan.seeds} seeds,\nbeside what was published. "
        "An epoch's time is that of a processor.\n"
    )
    print(_network_table(record))
    print("\nTrained at a time step of 1 ms, run at others:\n")
    print(_scaled_table(record))
    if record["spiking"]:
        print("\nOne LMU of Poisson neurons, and the same with rates:\n")
        print(_spiking_table(record))
    print(f"\nRecord and figure in {out} ({record['seconds']:.0f} s)")


def _spread(values):
    text = f"{100 * np.mean(values):.2f}"
    if len(values) > 1:
        text += f" ({100 * min(values):.2f} to {100 * max(values):.2f})"
    return f"{text} %"


def _network_table(record):
    times = dict(record["seconds_per_epoch"])
    rows = []
    for row in record["networks"]:
        seeds, published = row["seeds"], row["published"]
        rows.append(
            [
                NAMES[row["model"]],
                f"{seeds[0]['parameters']:,}",
                _spread([one["nrmse"] for one in seeds]),
                "-" if published is None else f"{100 * published:.2f} %",
                f"{times.pop(row['model']):.2f} s",
            ]
        )
    rows += [
        [NAMES[model], "-", "-", "-", f"{seconds:.2f} s"]
        for model, seconds in times.items()
    ]
    return format_table(["", "parameters", "error", "published", "epoch"], rows)


def _scaled_table(record):
    seeds = record["scaled"]
    base = np.array([one["nrmse"][1] for one in seeds])
    rows = []
    for i, dt in enumerate(seeds[0]["dt"]):
        values = np.array([one["nrmse"][i] for one in seeds])
        lost = values / base - 1
        rows.append(
            [f"{1000 * dt:g} ms", _spread(values), f"{100 * lost.max():+.1f} %"]
        )
    return format_table(["time step", "error", "most lost, relative"], rows)


def _spiking_table(record):
    rows = []
    for row in record["spiking"]:
        seeds = row["seeds"]
        rows.append(
            [
                f"{row['n_neurons']:,}",
                _spread([one["spikes"] for one in seeds]),
                _spread([one["rates"] for one in seeds]),
                f"{np.mean([one['spikes_per_second'] for one in seeds]):,.0f}",
            ]
        )
    return format_table(["memory neurons", "spikes", "rates", "spikes/s"], rows)
