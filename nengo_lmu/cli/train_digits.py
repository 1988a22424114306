"""Train the network of nengo-lmu demo on handwritten digits, and keep it.

The digits (8 x 8 pixels, from scikit-learn; nothing is downloaded) are presented one
pixel at a time. Training is without time, from states of the memory with the noise
that its spikes will have; the digits of the validation set choose the epoch, and the
test set is classified once

  with an ideal memory and rates instead of spikes,
  in NengoDL and in the reference simulator with spikes.

Tables go to the screen, the record (train-digits.json) and the trained parameters
(seed-N/digits.npz, as nengo_dl.Simulator.save_params writes them, and digits.json)
to a folder: nengo_lmu.experiments.pretrained.load("digits", "DIR/seed-N") makes the
network with them. When it was interrupted, the same command continues where it was.
"""

import json
import shlex
import sys
import time

from nengo_lmu.cli.demo import N_TEST, add_network, describe, network_settings
from nengo_lmu.experiments.options import (
    add_output,
    number_of_runs,
    resumable,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "handwritten digits: trained in NengoDL, read in spikes"


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train digits``."""
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=1,
        help="how often to train, from --seed on (default: %(default)s)",
    )
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(1, N_TEST),
        default=100,
        help="how many to classify in the reference simulator (default: %(default)s)",
    )
    add_network(parser)
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(1), help="(default: 40)"
    )
    add_output(
        parser, "the record and the parameters", default="nengo-lmu-train-digits"
    )


def run(arguments):
    """Train, and print what came out."""
    started = time.perf_counter()
    out = arguments.out
    if not arguments.json:
        print("Loading TensorFlow and NengoDL ...")

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.digits import network as digits
    from nengo_lmu.experiments.digits import training as digits_training

    given = network_settings(arguments)
    if arguments.epochs is not None:
        given["epochs"] = arguments.epochs
    settings = digits.Settings(**given)
    with resumable(out):
        record = digits_training.run(
            settings,
            out,
            arguments.seeds,
            arguments.digits,
            _command(given),
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "train-digits.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(describe(settings))
    print(_epochs(record["runs"]))
    print("\nTest set\n")
    print(_tests(record))
    print(f"\nRecord and parameters in {out} ({record['seconds']:.0f} s)")


def _command(given):
    """Return the command that trains the same network, but for its seed."""
    words = ["nengo-lmu", "train", "digits"]
    for name, value in given.items():
        if name != "seed":
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _epochs(runs):
    """Return a table of every fifth epoch and of the best."""
    histories = [one["history"] for one in runs]
    n = len(histories[0]["val_probe_accuracy"])

    def cells(label, epochs):
        at = [epoch - 1 for epoch in epochs]
        return [label] + [
            f"{sum(h[key][i] for h, i in zip(histories, at)) / len(runs):{form}}"
            for key, form in (
                ("loss", ".3f"),
                ("probe_accuracy", ".2%"),
                ("val_probe_accuracy", ".2%"),
            )
        ]

    shown = sorted({1, *range(5, n, 5), n})
    rows = [cells(str(epoch), [epoch] * len(runs)) for epoch in shown]
    best = [one["best_epoch"] for one in runs]
    rows.append(cells("kept: " + ", ".join(map(str, best)), best))
    header = ["epoch", "loss", "training", "validation"]
    return format_table(header, rows)


def _tests(record):
    runs = record["runs"]
    rows = []
    for i, (backend, over_seeds) in enumerate(record["summary"].items()):
        found = [one["results"][i] for one in runs]
        error = over_seeds["standard_error"]
        if error is None:  # of one seed: that of its digits
            error = found[0]["standard_error"]
        spikes = found[0]["spikes"]
        if spikes is not None:
            spikes = f"{sum(one['spikes'] for one in found) / len(found):,.0f}"
        rows.append(
            [
                backend,
                f"{len(runs)}",
                f"{found[0]['digits']}",
                f"{100 * over_seeds['mean']:.1f} +- {100 * error:.1f} %",
                spikes or "-",
            ]
        )
    header = ["run in", "seeds", "digits", "correct", "spikes/digit"]
    return format_table(header, rows)
