"""What a network needs on Loihi, and what it spends there.

Prints how many cores of the chip a Legendre memory takes, or a network of your own, and
how full they are. Then it runs on the emulator: from its spikes and synaptic operations
follows the least energy that the cores take.

  nengo-lmu loihi --theta 1 --d 6 --neurons 600
  nengo-lmu loihi --theta 1 --d 6 --neurons 600 --units 50 --no-run
  nengo-lmu loihi --network mine.py
  nengo-lmu loihi --fidelity
  nengo-lmu loihi --routes
"""

import json
import sys

from nengo_lmu.analysis.errors import ArgumentError
from nengo_lmu.cli import loihi_fidelity, loihi_routes
from nengo_lmu.experiments.options import (
    add_output,
    as_options,
    seconds,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "what a network needs on Loihi, and what it spends there"

# options of the memory, by the arguments that it is made with
MEMORY = {
    "theta": "--theta",
    "d": "--d",
    "n_neurons": "--neurons",
    "units": "--units",
    "tau": "--tau",
}

# how long a network runs
SECONDS = 5.0


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu loihi``."""
    parser.add_argument(
        "--theta", metavar="S", type=seconds, help="window, in seconds (default: 1)"
    )
    parser.add_argument(
        "--d",
        metavar="D",
        type=whole_number(1),
        help="order of the memory (default: 6)",
    )
    parser.add_argument(
        "--neurons",
        "--m",
        dest="n_neurons",
        metavar="M",
        type=whole_number(2),
        help="neurons of the memory (default: 100 for each of the d dimensions)",
    )
    parser.add_argument(
        "--units",
        metavar="N",
        type=whole_number(0),
        help="hidden units that read it, with random weights (default: 0)",
    )
    parser.add_argument(
        "--tau",
        metavar="S",
        type=seconds,
        help="time constant of the synapse, in seconds (default: the quietest)",
    )
    parser.add_argument(
        "--network",
        metavar="FILE.py",
        help="instead of a memory, the nengo.Network that this file defines as net",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, 2**31 - 2),
        help="of the memory and its input, or of the simulator of your own network",
    )
    parser.add_argument(
        "--dt",
        metavar="S",
        type=seconds,
        default=0.001,
        help="time step, in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=seconds,
        help="how long to run it on the emulator; a memory's first window is not "
        f"counted (default: {SECONDS:g})",
    )
    parser.add_argument(
        "--no-run", action="store_true", help="print only what the network needs"
    )
    add_output(parser, "loihi.json")
    loihi_fidelity.add_arguments(parser)
    loihi_routes.add_arguments(parser)


def run(arguments):
    """Print what the network needs, run it, and print what it spends."""
    if arguments.routes:
        loihi_routes.run(arguments)
        return
    if arguments.fidelity:
        loihi_fidelity.run(arguments)
        return

    from nengo_lmu.analysis import records
    from nengo_lmu.experiments.on_chip import networks as loihi_networks

    say = (lambda *_: None) if arguments.json else print
    subject = _subject(arguments, loihi_networks)
    needed = subject.resources()
    record = {"resources": needed.as_record()}
    say(needed)
    if needed.fits and not arguments.no_run:
        with as_options():
            activity = subject.activity(arguments.seconds or SECONDS)
        record["activity"] = activity.as_record()
        say(f"\n{_table(activity)}\n\n{_power(activity)}")
    record |= {"settings": subject.settings, "versions": records.versions()}
    if arguments.out is not None:
        records.write_json(arguments.out / "loihi.json", record)
        say(f"\nRecord in {arguments.out}")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
    needed.require_fit()


def _subject(arguments, loihi_networks):
    """Return the network to look at."""
    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in (*MEMORY, "seed") and value is not None
    }
    with as_options(n_neurons="--neurons"):
        if arguments.network is None:
            return loihi_networks.memory(dt=arguments.dt, **given)
        for name, option in MEMORY.items():
            if name in given:
                raise ArgumentError(
                    "network",
                    f"cannot be given together with {option}, which is for a memory; "
                    "leave one of them out",
                )
        return loihi_networks.from_file(
            arguments.network, given.get("seed"), arguments.dt
        )


def _table(activity):
    """Return a table of what the neurons did in a second, and the inputs."""
    rows = {}
    for source in (*activity.blocks, *activity.inputs):
        row = rows.setdefault(source.ensemble, [0, 0, 0])
        for i, amount in enumerate(
            (source.spikes, source.synaptic_operations, 1e6 * source.joules)
        ):
            row[i] += amount / activity.seconds
    header = ["in a second of", "spikes", "synaptic operations", "energy (uJ)"]
    cells = [
        [name[-28:], f"{spikes:,.0f}", f"{operations:,.0f}", f"{energy:.3g}"]
        for name, (spikes, operations, energy) in rows.items()
    ]
    return format_table(header, cells)


def _power(activity):
    watts = {kind: f"{1e6 * value:.3g}" for kind, value in activity.watts.items()}
    return (
        f"{1e6 * activity.total_watts:.3g} uW: synaptic operations "
        f"{watts['synaptic_operations']}, spikes {watts['spike_messages']}, "
        f"updates of neurons {watts['neuron_updates']}.\n"
        "Estimated for the cores alone while they compute: without idle power, the\n"
        "host, and the way of spikes between tiles."
    )
