"""Measure what neurons that hear their own error do, with and without it.

The tables: how regular and how independent single Poisson neurons are, while
the input is held; how much their sum varies; the window error against the
number of neurons, with what the theory says and the floor, which is what the
spikes of a single step leave by themselves; and the error if the feedback is
late; and the error of other types of neurons. Gains are those that the theory
chooses.

The tables go to the screen; the record (feedback.json), a figure
(feedback.png) and a record of each measurement to a folder. When it was
interrupted, the same command continues where it was.

By default some 4 minutes on two cores.
"""

import json
import sys
import time

from nengo_lmu.analysis.simulators import NEURON_TYPES
from nengo_lmu.experiments.options import (
    add_output,
    add_workers,
    as_options,
    number_of_runs,
    one_of,
    resumable,
    seconds,
    whole_number,
)
from nengo_lmu.utils.table import format_table

HELP = "neurons that hear their own error: single ones, their sum, size and delay"


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu feedback``."""
    # None is where the plan has its own
    parser.add_argument(
        "--m",
        metavar="M",
        type=whole_number(2),
        nargs="+",
        help="numbers of neurons to compare (default: 2 6 20 100 400 times d); all "
        "else is measured with 100 times d",
    )
    parser.add_argument(
        "--d", metavar="D", type=whole_number(1), help="order (default: 6)"
    )
    parser.add_argument(
        "--theta", metavar="S", type=seconds, help="window, in seconds (default: 1)"
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number_of_runs,
        help="how often each is measured (default: 3)",
    )
    parser.add_argument(
        "--windows",
        metavar="N",
        type=whole_number(1),
        help="length of a measurement in theta (default: 10 to 40, by d and theta)",
    )
    parser.add_argument(
        "--neuron-type",
        dest="neuron_types",
        metavar="TYPE",
        nargs="+",
        type=one_of(tuple(NEURON_TYPES)),
        help=f"other neurons: {', '.join(NEURON_TYPES)} (default: all)",
    )
    add_workers(parser)
    add_output(parser, "all records and the figure", default="nengo-lmu-feedback")


def run(arguments):
    """Run the experiment and print what came out."""
    started = time.perf_counter()
    out = arguments.out

    from nengo_lmu.analysis import records
    from nengo_lmu.analysis import style as figures
    from nengo_lmu.experiments.feedback import experiment as feedback_check
    from nengo_lmu.experiments.feedback.report import draw_feedback

    given = {
        name: tuple(value) if isinstance(value, list) else value
        for name in ("theta", "d", "m", "neuron_types", "seeds", "windows")
        if (value := getattr(arguments, name)) is not None
    }
    with as_options(n_neurons="--m"), resumable(out):
        record = feedback_check.run(
            feedback_check.Plan(**given), out, arguments.workers, arguments.dask
        )
    record["seconds"] = time.perf_counter() - started
    records.write_json(out / "feedback.json", record)
    figures.save(draw_feedback(record), out / "feedback.png")
    if arguments.json:
        json.dump(record, sys.stdout, indent=2)
        print()
        return
    plan = record["plan"]
    print(
        f"\ntheta={plan['theta']:g} s, d={plan['d']}, Poisson neurons, mean of "
        f"{plan['seeds']} seeds\n\nSingle neurons, {record['n_neurons']} in all, of "
        "the populations that stand still while the\ninput is held: coefficient of "
        "variation of their intervals, variance over mean\nof their counts (Fano), "
        "and of the sum of those, in windows of "
        f"{_milliseconds(record['neurons']['with']['counted'])} ms\n"
    )
    print(_neurons_table(record["neurons"]))
    print(
        "\nVariance of what the largest population says wrongly, s - x, summed over\n"
        "windows, relative to as many Poisson spikes\n"
    )
    print(_sums_table(record["sums"]))
    print(
        "\nWindow error against the number of neurons, and spikes with feedback\n"
        "relative to those without\n"
    )
    print(_sizes_table(record["sizes"]))
    print(f"\nWindow error of {record['n_neurons']} neurons if the feedback is late\n")
    print(_delays_table(record["delays"]))
    print(f"\nWindow error of {record['n_neurons']} neurons of each type\n")
    print(_types_table(record["types"]))
    print(f"\nRecords and figure in {out} ({record['seconds']:.0f} s)")


def _milliseconds(value):
    return f"{1000 * value:.3g}"


def _neurons_table(neurons):
    def number(found, digits=3):
        return "-" if found is None else f"{found['mean']:.{digits}f}"

    rows = [
        [
            f"{kind} feedback",
            f"{one['n']}",
            number(one["rate"], 0),
            number(one["cv"]),
            number(one["fano"]),
            number(one["sum_fano"]),
            number(one["correlation"], 4),
            f"{-1 / one['n']:.4f}",
        ]
        for kind, found in neurons.items()
        for one in found["populations"]
        if one["standing"]
    ]
    header = ["", "neurons", "Hz", "CV", "Fano", "sum's", "correlation", "-1/n"]
    return format_table(header, rows)


def _sums_table(sums):
    rows = []
    for i, window in enumerate(sums["with"]["windows"]):
        row = [f"{_milliseconds(window)} ms"]
        for one in sums.values():
            largest = one["counts"].index(max(one["counts"]))
            for values in (one["variance"]["mean"], one["predicted"]):
                row.append(f"{values[i][largest]:.4f}")
        rows.append(row)
    header = ["window", "without", "predicted", "with feedback", "predicted"]
    return format_table(header, rows)


def _error(found):
    text = f"{found['mean']:.5f}"
    if found["standard_error"] is not None:
        text += f" +- {found['standard_error']:.5f}"
    return text


def _ratio(found):
    return "-" if found["ratio"] is None else f"{found['ratio']:.1f}"


def _sizes_table(sizes):
    rows = []
    for one in sizes:
        without, fed = one["without"], one["with"]
        rows.append(
            [
                f"{one['n_neurons']}",
                f"{fed['error_feedback']:g}",
                f"{without['mean']:.4f}",
                f"{without['predicted']:.4f}",
                _error(fed),
                f"{fed['predicted']:.5f}",
                f"{one['floor']:.5f}",
                _ratio(one),
                f"{fed['spikes_per_second'] / without['spikes_per_second']:.2f}",
            ]
        )
    header = ["m", "gain", "without", "theory", "with", "theory", "floor"]
    return format_table([*header, "ratio", "spikes"], rows)


def _delays_table(delays):
    rows = [
        [
            f"{_milliseconds(one['feedback_delay'])} ms",
            f"{one['error_feedback']:g}",
            _error(one),
            f"{one['predicted']:.5f}",
            _ratio(one),
        ]
        for one in delays
    ]
    header = ["delay", "gain", "measured", "predicted", "better than without"]
    return format_table(header, rows)


def _types_table(types):
    rows = []
    for one in types:
        without, fed = one["without"], one["with"]
        spikes = "-"
        if fed["spikes_per_second"] is not None:
            spikes = f"{fed['spikes_per_second'] / without['spikes_per_second']:.2f}"
        rows.append(
            [
                one["neuron_type"],
                f"{fed['error_feedback']:g}",
                _error(without),
                _error(fed),
                _ratio(one),
                spikes,
            ]
        )
    header = ["neurons", "gain", "without", "with", "ratio", "spikes"]
    return format_table(header, rows)
