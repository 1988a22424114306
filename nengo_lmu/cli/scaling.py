"""Measure how the error of spiking memories scales.

The error of the decoded window, against the ideal memory, is measured for
several numbers of neurons m, with each type of neuron. With the first type,
the order d, the window theta, the synapse's tau and the time step dt are
varied too, each by itself: the others then have the middle one of their values,
and tau its default (or the only value given). To compare with: neurons of that
type that do not hear their error, the recipe found in the literature, and the
feed-forward channel of one dimension that was published.

A table with fitted exponents goes to the screen; the record (scaling.json), a
figure (scaling.png) and a record of each measurement to a folder. When it was
interrupted, the same command continues where it was.
"""

import json
import sys
import time

from nengo_lmu.analysis.memory import NEURON_TYPES
from nengo_lmu.cli.arguments import (
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    one_of,
    resumable,
    seconds,
    whole_number,
)
from nengo_lmu.experiments.scaling.plan import Plan
from nengo_lmu.utils.table import format_table

HELP = "error against neurons, order, window, synapse and dt, over the theory's curves"


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu scaling``."""
    plan = Plan()

    def several(name, metavar, kind, text):
        values = getattr(plan, name)
        parser.add_argument(
            f"--{name.removesuffix('s').replace('_', '-')}",
            dest=name,
            metavar=metavar,
            type=kind,
            nargs="+",
            default=values,
            help=f"{text} (default: {' '.join(f'{value}' for value in values)})",
        )

    types = f"types of neurons: {', '.join(NEURON_TYPES)}"
    several("m", "M", whole_number(2), "numbers of neurons of the memory")
    several("d", "D", whole_number(1), "orders of the memory")
    several("theta", "S", seconds, "windows, in seconds")
    several("tau", "S", seconds, "time constants of the synapse, in seconds")
    several("dt", "S", seconds, "time steps, in seconds")
    several("neuron_types", "TYPE", one_of(tuple(NEURON_TYPES)), types)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        default=plan.seeds,
        help="how often each is measured (default: %(default)s)",
    )
    parser.add_argument(
        "--windows",
        metavar="N",
        type=whole_number(1),
        help="length of a measurement in theta (default: 10, and 4 to 12 by d where "
        "neurons hear their error)",
    )
    add_workers(parser)
    add_output(parser, "all records and the figure", default="nengo-lmu-scaling")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out
    plan = Plan(
        **{
            name: tuple(getattr(arguments, name))
            for name in ("m", "d", "theta", "tau", "dt", "neuron_types")
        },
        seeds=arguments.seeds,
        windows=arguments.windows,
    )

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.scaling import experiment as scaling
    from nengo_lmu.experiments.scaling.report import draw_scaling

    with as_options(n_neurons="--m"), resumable(out):
        record = scaling.run(plan, out, arguments.workers, arguments.dask)
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "scaling.json", record)
    figures.save(draw_scaling(record), out / "scaling.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    print(_describe(record))
    print(_error_table(record))
    if record["exponents"]:
        print("\nExponents, with 95 % confidence:\n")
        print(_exponent_table(record))
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _describe(record):
    base = record["base"]
    tau = "default" if base["tau"] is None else f"{base['tau']:g} s"
    return (
        "\nWindow error relative to the rms of the input, mean and standard error over"
        f"\n{record['plan']['seeds']} seeds: d={base['d']}, theta={base['theta']:g} s, "
        f"tau {tau}, dt={1000 * base['dt']:g} ms\n"
    )


def _name(found):
    if found["recipe"] != "default":
        return f"{found['neuron_type']}, {found['recipe']}"
    if found["error_feedback"] == 0:
        return f"{found['neuron_type']}, no feedback"
    return found["neuron_type"]


def _error_table(record):
    def cells(series, point):
        measured = f"{point['mean']:.6f}"
        if point["standard_error"] is not None:
            measured += f" +- {point['standard_error']:.6f}"
        theory = point["predicted"], point["floor"]
        return [
            _name(series),
            f"{point['x']:,}",
            measured,
            *("-" if x is None else f"{x:.6f}" for x in theory),
        ]

    return format_table(
        ["neurons", "m", "measured", "theory", "floor"],
        [
            cells(series, point)
            for series in record["series"]
            if series["axis"] == "m"
            for point in series["points"]
        ],
    )


def _exponent_table(record):
    return format_table(
        ["neurons", "of", "measured", "from", "to", "theory"],
        [
            [
                _name(found),
                found["axis"],
                *(f"{found[key]:.3f}" for key in ("value", "low", "high")),
                "-" if found["theory"] is None else f"{found['theory']:.3f}",
            ]
            for found in record["exponents"]
        ],
    )
