"""Plan a memory: how many neurons an error needs, or what error neurons give.

By the noise theory, for rectified linear neurons and white noise as input. The
window error is the root-mean-square difference between the decoded window and
that of the ideal memory, relative to that of the input.

  nengo-lmu plan --theta 1 --d 6 --error 0.05
  nengo-lmu plan --theta 1 --d 6 --m 1000 --verify

--verify builds the memory, runs it in nengo.Simulator and prints what it
measured.

--chip plans a memory for Loihi: its neurons do not hear their error there, and
Poisson neurons have at most one spike a step. --verify then runs it in
NengoLoihi's fixed-point emulator, or where NengoLoihi is not installed, in
nengo.Simulator without error feedback and with such neurons.
"""

import json
import sys

from nengo_lmu.experiments.options import (
    add_error_feedback,
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    one_of,
    positive_number,
    refuse_others,
    seconds,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "how many neurons an error needs, and what they cost"

NEURON_TYPES = ("poisson", "stochastic", "regular")


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu plan``."""
    parser.add_argument(
        "--theta", metavar="S", type=seconds, required=True, help="window, in seconds"
    )
    parser.add_argument(
        "--d",
        metavar="D",
        type=whole_number(1),
        required=True,
        help="order of the memory",
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--error",
        metavar="E",
        type=positive_number,
        help="the window error that is wanted, such as 0.05",
    )
    wanted.add_argument(
        "--m", metavar="M", type=whole_number(2), help="or the number of neurons"
    )
    parser.add_argument(
        "--tau",
        metavar="S",
        type=seconds,
        help="time constant of the synapse, in seconds (default: the quietest)",
    )
    parser.add_argument(
        "--max-rates",
        metavar="HZ",
        nargs=2,
        type=positive_number,
        help="of the neurons, from and to, in hertz (default: 200 240)",
    )
    parser.add_argument(
        "--neuron-type",
        metavar="TYPE",
        type=one_of(NEURON_TYPES),
        help=f"{', '.join(NEURON_TYPES)} (default: poisson)",
    )
    add_error_feedback(parser)
    parser.add_argument(
        "--chip",
        action="store_true",
        help="for Loihi: without error feedback, and with at most one spike a step "
        "(stochastic, as Poisson neurons are there)",
    )
    parser.add_argument(
        "--rms",
        metavar="U",
        type=positive_number,
        default=0.3,
        help="of the input (default: %(default)s)",
    )
    parser.add_argument(
        "--bandwidth",
        metavar="HZ",
        type=positive_number,
        help="highest frequency of the input, in hertz (default: d / (6 theta))",
    )
    parser.add_argument(
        "--dt",
        metavar="S",
        type=seconds,
        default=0.001,
        help="time step, in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="simulate the memory, and print the measured error beside the predicted",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=5,
        help="simulations of --verify (default: %(default)s)",
    )
    parser.add_argument(
        "--windows",
        metavar="N",
        type=whole_number(1),
        default=20,
        help="length of each in theta (default: %(default)s)",
    )
    add_workers(parser, dask=False)
    add_output(parser, "plan.json")


def run(arguments):
    """Plan, and print the plan."""
    out = arguments.out
    if arguments.chip:
        refuse_others(
            arguments,
            "--chip",
            ("error_feedback", "neuron_type"),
            "on the chip, neurons are Poisson neurons that do not hear their error",
        )

    from nengo_lmu.analysis import memory as memory_error
    from nengo_lmu.analysis import plan, records

    with as_options(n_neurons="--m"):
        planned = plan.plan(
            memory_error.Setting(
                theta=arguments.theta,
                d=arguments.d,
                n_neurons=2 * arguments.d if arguments.m is None else arguments.m,
                tau=arguments.tau,
                max_rates=arguments.max_rates and tuple(arguments.max_rates),
                neuron_type=arguments.neuron_type or "poisson",
                rms=arguments.rms,
                bandwidth=arguments.bandwidth,
                windows=arguments.windows,
                dt=arguments.dt,
                simulator="fixed point" if arguments.chip else "reference",
                error_feedback=0.0 if arguments.chip else arguments.error_feedback,
            ),
            arguments.error,
        )
    measured = None
    if arguments.verify:
        measured = plan.verify(planned, arguments.seeds, arguments.workers)
    record = plan.record(planned, measured) | {"versions": records.versions()}
    if out is not None:
        records.write_json(out / "plan.json", record)
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_table(planned, measured))
    if measured is not None and arguments.chip:
        print(f"\nMeasured in {_SIMULATORS[measured['simulator']]}")
    if out is not None:
        print(f"\nRecord in {out}")


_SIMULATORS = {
    "fixed point": "NengoLoihi's fixed-point emulator",
    "reference": "nengo.Simulator, stochastic neurons (NengoLoihi is not installed)",
}


def _table(plan, measured):
    s = plan.setting
    floor = "none" if plan.floor is None else f"{plan.floor:.4f}"
    rows = [
        ["window error", f"{plan.window:.4f}", "", "window"],
        ["delay error", f"{plan.delay:.4f}", "", "delay"],
        ["spikes", f"{_si(plan.spikes_per_second)}/s", "", "spikes_per_second"],
        ["neurons", f"{s.n_neurons:,}"],
        ["neurons a dimension", _range(plan.neurons)],
        ["synapse", f"{s.tau:.3g} s"],
        [
            "error feedback",
            f"{plan.error_feedback:g}" if plan.error_feedback else "none",
        ],
        ["input up to", f"{s.input_bandwidth:.3g} Hz"],
    ]
    on_chip = s.simulator != "reference"
    if not on_chip:
        # on the chip there is no feedback that could get near the floor, and what a
        # memory takes there, nengo-lmu loihi says
        rows.insert(2, ["window error, floor", floor])
        rows += [
            ["multiply-adds", f"{_si(plan.multiply_adds_per_second)}/s"],
            ["memory, neurons", f"{_si(plan.neuron_bytes, 1024)}B"],
            ["memory, coupling", f"{_si(plan.coupling_bytes, 1024)}B"],
        ]
    cells = []
    for name, predicted, *of in rows:
        value = ""
        if measured is not None and of:
            found = measured[of[1]]
            text = (lambda x: f"{_si(x)}/s") if "spikes" in of[1] else "{:.4f}".format
            value = text(found["mean"])
            if found["standard_error"] is not None:
                value += f" +- {text(found['standard_error'])}"
        cells.append([name, predicted, value] if measured else [name, predicted])
    title = f"theta={s.theta:g} s, d={s.d}, {s.neuron_type}"
    title += " on Loihi" if on_chip else ""
    header = [title, "predicted", "measured"] if measured else [title, "predicted"]
    return format_table(header, cells)


def _range(neurons):
    low, high = min(neurons), max(neurons)
    return str(low) if low == high else f"{low} to {high}"


def _si(value, base=1000):
    """Return a number with a prefix."""
    for prefix in ("", "k", "M", "G", "T"):
        if value < 999.5 or prefix == "T":
            break
        value /= base
    return f"{value:.3g} {prefix}{'i' if base == 1024 and prefix else ''}"
