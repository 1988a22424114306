"""Train one network on handwritten digits, and run it in four ways.

The digits (8 x 8 pixels, from scikit-learn; nothing is downloaded) are presented one
pixel at a time. A Legendre memory of spiking neurons holds the last 64 pixels, hidden
spiking neurons read it, and ten outputs read those. Trained in NengoDL, the network
classifies digits that it has not seen

  with an ideal memory and rates instead of spikes,
  in NengoDL, in the reference simulator and on the Loihi emulator with spikes.

A table goes to the screen; records (demo.json) and a figure (demo.png) to a folder.

With --pretrained, the network is the one that comes with the package, trained by
nengo-lmu train digits.

With --agreement, the digits are shown to the reference simulator and the emulator under
several seeds instead, and the table says how often they agree (agreement.json).
"""

import json
import sys
import time

from nengo_lmu.experiments.digits.network import NEURONS
from nengo_lmu.experiments.options import (
    add_error_feedback,
    add_output,
    one_of,
    refuse_others,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "handwritten digits: ideal, NengoDL, reference simulator, Loihi emulator"

N_TEST = 540

# what `add_network` adds
NETWORK = ("n_neurons", "error_feedback", "d", "neurons", "hidden", "seed")


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu demo``."""
    parser.add_argument(
        "--digits",
        metavar="N",
        type=whole_number(1, N_TEST),
        default=100,
        help="how many to classify in the reference simulator (default: %(default)s)",
    )
    parser.add_argument(
        "--loihi-digits",
        metavar="N",
        type=whole_number(1, N_TEST),
        default=100,
        help="how many to classify on the Loihi emulator (default: %(default)s)",
    )
    add_network(parser)
    parser.add_argument(
        "--pretrained",
        action="store_true",
        help="take the network that comes with the package instead of training one",
    )
    parser.add_argument(
        "--agreement",
        metavar="SEEDS",
        type=whole_number(2, 10**5),
        help="compare the simulators on --digits digits under this many seeds",
    )
    add_output(parser, "demo.json and demo.png", default="nengo-lmu-demo")


def add_network(parser):
    """Add the arguments of the network, from which `network_settings` are."""
    parser.add_argument(
        "--n-neurons",
        metavar="M",
        type=whole_number(1),
        help="neurons of the memory (default: 400)",
    )
    add_error_feedback(parser)
    parser.add_argument(
        "--d", metavar="D", type=whole_number(1), help="order of the memory"
    )
    for option, whose in (("--neurons", "memory's"), ("--hidden", "hidden")):
        parser.add_argument(
            option,
            metavar="TYPE",
            type=one_of(NEURONS),
            help=f"of the {whose} neurons: {', '.join(NEURONS)} (default: poisson)",
        )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, 2**31 - 2),
        help="of the split, the weights and the spikes (default: 0)",
    )


def network_settings(arguments):
    """Return the settings of the network as keywords, as far as they were given."""
    given = {name: getattr(arguments, name) for name in NETWORK}
    return {name: value for name, value in given.items() if value is not None}


def run(arguments):
    """Run the demo and print what came out."""
    started = time.perf_counter()
    say = (lambda *_: None) if arguments.json else print
    say("Loading TensorFlow, NengoDL and NengoLoihi ...")

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments import pretrained
    from nengo_lmu.experiments.digits import agreement
    from nengo_lmu.experiments.digits import network as digits

    if arguments.pretrained:
        refuse_others(arguments, "--pretrained", NETWORK, "its network is made already")
        classifier = pretrained.load("digits").model
        settings = classifier.settings
    else:
        classifier = None
        settings = digits.Settings(**network_settings(arguments))
    if arguments.agreement:
        record = agreement.measure(
            settings, arguments.digits, arguments.agreement, classifier=classifier
        )
        record["seconds"] = time.perf_counter() - started
        records.write_json(arguments.out / "agreement.json", record)
        if arguments.json:
            _print_json(record)
        else:
            print(describe(settings), _agreement(record), sep="\n")
            print(f"\nRecord in {arguments.out} ({record['seconds']:.0f} s)")
        return
    rows, traces, classifier = digits.run(
        settings, arguments.digits, arguments.loihi_digits, classifier=classifier
    )
    record = digits.record(settings, rows)
    record["seconds"] = time.perf_counter() - started
    records.write_json(arguments.out / "demo.json", record)
    figures.save(figures.draw_digits(traces, classifier), arguments.out / "demo.png")
    if arguments.json:
        _print_json(record)
        return
    say(describe(settings))
    say(_table(rows, classifier.network.n_neurons))
    n, reference, emulated, alike = digits.compare(rows[-2], rows[-1])
    say(
        f"\nThe first {n} digits: {100 * reference:.1f} % correct in nengo.Simulator, "
        f"{100 * emulated:.1f} % on the\nemulator; {100 * alike:.0f} % read alike."
    )
    say(f"\nRecords and figure in {arguments.out} ({record['seconds']:.0f} s)")


def _print_json(record):
    json.dump(record, sys.stdout, indent=2)
    print()


def describe(settings):
    """Return what the network is made of, in three lines."""
    return (
        f"\nLMU(theta={settings.theta:g}, d={settings.d}, units={settings.units}), "
        f"{settings.n_neurons} {settings.neurons} neurons in the memory,\n"
        f"{settings.hidden} hidden neurons, {settings.n_steps} time steps a digit\n"
    )


def _agreement(record):
    result = record["result"]
    names = {
        "reference": "nengo.Simulator",
        "again": "the same, other seeds",
        "emulator": "Loihi emulator",
    }
    alike = {"again": result["yardstick"], "emulator": result["agreement"]}
    rows = [
        [
            label,
            f"{100 * result['accuracy'][name]:.1f} "
            f"+- {100 * result['standard_error'][name]:.1f} %",
            f"{100 * alike[name]:.0f} %" if name in alike else "-",
        ]
        for name, label in names.items()
    ]
    n_seeds, n_digits = len(record["guesses"]["reference"]), len(record["labels"])
    return (
        format_table(["run in", "correct", "alike"], rows)
        + f"\n\n{n_digits} digits, each under {n_seeds} seeds. Alike: what most seeds "
        "say is what they say\nin nengo.Simulator. Less often than with other seeds: "
        f"p = {result['p_value']:.2g} (one-sided)."
    )


def _table(rows, n_neurons):
    def cells(row):
        return [
            row.backend,
            str(row.digits),
            f"{100 * row.accuracy:.1f} +- {100 * row.standard_error:.1f} %",
            "-" if row.spikes is None else str(n_neurons),
            "-" if row.spikes is None else f"{row.spikes:,.0f}",
            f"{row.seconds:.2g} s",
        ]

    header = ["run in", "digits", "correct", "neurons", "spikes/digit", "time/digit"]
    return format_table(header, [cells(row) for row in rows])
