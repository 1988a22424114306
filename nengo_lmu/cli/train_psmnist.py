"""Permuted sequential MNIST: digits of 784 pixels, one at a time, in shuffled order.

Three networks of an ideal Legendre memory and a hidden layer, trained by

  --route static   without time, since nothing feeds back into the memory and only its
                   last state is read: rectified linear units, a minute or two of a core
  --route scan     recurrent hidden units, tanh, and a memory that nothing feeds back
                   into: all that comes from the memory at once, then a short scan
  --route time     the paper's network, all of it recurrent, by backpropagation through
                   784 steps of NengoDL; interrupted, the same command goes on

or, with --spiking, a network of Poisson neurons and spiking hidden units, trained as
"static" is, with the noise of spikes, and run in spikes: in NengoDL and, on a network
with fewer neurons and more time, on the Loihi emulator.

Of 60,000 digits 50,000 are for training and 10,000 choose the epoch; the 10,000 test
digits are read once, at the end. A table goes to the screen, the record
(train-psmnist.json) to a folder, and so do the trained parameters (psmnist.npz, as
nengo_dl.Simulator.save_params writes them, and psmnist.json):
nengo_lmu.experiments.pretrained.load("psmnist", "DIR") makes the network with them. Of
the spiking network there is a figure instead (train-psmnist.png).
"""

import json
import sys
import time

from nengo_lmu.analysis.errors import ArgumentError
from nengo_lmu.experiments.options import (
    add_output,
    as_options,
    one_of,
    refuse_others,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "handwritten digits, pixel by pixel in shuffled order; with spikes, on Loihi"

ROUTES = ("static", "scan", "time")
N_TEST = 10_000


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train psmnist``."""
    parser.add_argument(
        "--mnist",
        metavar="FILE",
        help="MNIST as an npz file of x_train, y_train, x_test and y_test (default: "
        "downloaded by Keras, once)",
    )
    parser.add_argument(
        "--route",
        metavar="ROUTE",
        type=one_of(ROUTES),
        help=f"{', '.join(ROUTES)} (default: static)",
    )
    parser.add_argument(
        "--no-augmentation",
        action="store_true",
        help="train on the digits as they are (static: by default they are shifted, "
        "turned, stretched and slanted a little, in each epoch otherwise)",
    )
    parser.add_argument("--spiking", action="store_true", help="spikes, see above")
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(1, N_TEST),
        help="test digits for the spiking network (default: 1000)",
    )
    parser.add_argument(
        "--loihi-digits",
        metavar="N",
        type=whole_number(0, N_TEST),
        help="test digits for the Loihi emulator (default: 50)",
    )
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(1), help="of the training"
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, 2**31 - 2),
        default=0,
        help="of the split, the weights and the spikes (default: %(default)s)",
    )
    add_output(parser, "the record and the parameters", default="nengo-lmu-psmnist")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    if arguments.spiking:
        refuse_others(
            arguments,
            "--spiking",
            ("route", "no_augmentation"),
            "spikes have a training of their own",
        )
    for option in ("digits", "loihi_digits"):
        if getattr(arguments, option) is not None and not arguments.spiking:
            raise ArgumentError(
                f"argument --{option.replace('_', '-')}",
                "is for spikes; give --spiking too, or leave it out",
            )
    route = arguments.route or "static"
    if arguments.no_augmentation and route != "static":
        refuse_others(
            arguments,
            "--no-augmentation",
            ("route",),
            "other routes train on the digits as they are",
        )

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments import pretrained
    from nengo_lmu.experiments.psmnist import experiment as psmnist_runs
    from nengo_lmu.experiments.psmnist.report import draw_psmnist

    out = arguments.out
    with as_options(path="--mnist"):
        if arguments.spiking:
            record, traces, classifier = psmnist_runs.run_spiking(
                arguments.mnist,
                arguments.digits or 1000,
                50 if arguments.loihi_digits is None else arguments.loihi_digits,
                arguments.seed,
                arguments.epochs,
            )
        else:
            out.mkdir(parents=True, exist_ok=True)
            record, classifier = psmnist_runs.run(
                arguments.mnist,
                route,
                arguments.seed,
                arguments.epochs,
                not arguments.no_augmentation,
                checkpoint=out / "checkpoint.npz" if route == "time" else None,
            )
    if arguments.spiking:
        figures.save(draw_psmnist(traces, classifier), out / "train-psmnist.png")
    else:
        command = f"nengo-lmu train psmnist --route {route} --seed {arguments.seed}"
        details = {"command": command, "test": record["test"]}
        pretrained.save("psmnist", classifier, details, out)
    record["total_seconds"] = time.perf_counter() - started
    records.write_json(out / "train-psmnist.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_spiking_table(record) if arguments.spiking else _table(record))
    print(f"\nRecord in {out} ({record['total_seconds']:.0f} s)")


def _percent(result):
    return f"{100 * result['accuracy']:.2f} +- {100 * result['standard_error']:.2f} %"


def _table(record):
    difference, processor = record["difference"], record["processor_seconds"]
    rows = [
        ["parameters", f"{record['parameters']:,}"],
        ["validation", f"{100 * record['validation_accuracy']:.2f} %"],
        [f"test, {record['test']['digits']:,} digits", _percent(record["test"])],
        ["training", f"{record['seconds']:.0f} s"],
        *([["of a processor", f"{processor:.0f} s"]] if processor else []),
        *([f"in time, {name}", f"{value:.0e}"] for name, value in difference.items()),
    ]
    settings = record["settings"]
    text = (
        f"\nLMU(theta={settings['theta']:g}, d={settings['d']}, "
        f"units={settings['units']}), {settings['coupling']}, by route "
        f"{record['route']}\n\n" + format_table(["psMNIST", ""], rows)
    )
    return text + (
        "\n\nIn time: the largest difference of a score, step by step, from what was "
        "trained."
    )


def _spiking_table(record):
    def cells(row):
        settings = row["settings"]
        return [
            row["backend"],
            str(row["digits"]),
            _percent(row),
            f"{row['neurons']:,}",
            str(settings["steps_per_pixel"]),
            f"{row['spikes']:,.0f}",
            f"{row['seconds']:.2g} s",
        ]

    header = ["run in", "digits", "correct", "neurons", "steps", "spikes", "time"]
    settings = record["results"][0]["settings"]
    return (
        f"\nLMU(d={settings['d']}, units={settings['units']}), Poisson memory, "
        f"{record['parameters']:,} parameters trained in {record['seconds']:.0f} s\n\n"
        + format_table(header, [cells(row) for row in record["results"]])
        + "\n\nSteps of a pixel; spikes and computing time of a digit."
    )
