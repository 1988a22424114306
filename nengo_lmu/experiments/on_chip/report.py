"""The tables of what memories need on the chip and how accurate they are there."""

from textwrap import fill

from nengo_lmu.utils.table import format_table

# --- what a network needs, and what it spends


def resources_tables(record):
    """Return what a network needs, and what it spends where it was run."""
    from nengo_lmu.analysis.activity import Activity, Source
    from nengo_lmu.loihi.resources import BlockResources, Resources, WithoutFeedback

    resources = record["resources"]
    blocks = [
        {name: value for name, value in block.items() if name != "fractions"}
        for block in resources["blocks"]
    ]
    needed = Resources(
        tuple(BlockResources(**block) for block in blocks),
        tuple(resources["problems"]),
        tuple(WithoutFeedback(**memory) for memory in resources["without_feedback"]),
    )
    if "activity" not in record:
        return str(needed)
    blocks, inputs = (
        tuple(Source(**source) for source in record["activity"][kind])
        for kind in ("blocks", "inputs")
    )
    activity = Activity(record["activity"]["seconds"], blocks, inputs)
    return f"{needed}\n\n{_activity_table(activity)}\n\n{_power(activity)}"


def _activity_table(activity):
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


# --- how accurate memories are


def fidelity_table(record):
    """Return the errors of each construction in each simulator."""
    settings = record["settings"]

    def cell(row):
        error = row["standard_error"]
        return f"{row['mean']:.3f}" + ("" if error is None else f" +- {error:.3f}")

    lines = {}
    for row in record["rows"]:
        lines.setdefault(row["construction"], {})[row["simulator"]] = row
    simulators = list(dict.fromkeys(row["simulator"] for row in record["rows"]))
    table = format_table(
        ["", *simulators, "late"],
        [
            [name, *map(cell, line.values()), f"{line['fixed point']['lag']:g}"]
            for name, line in lines.items()
        ],
    )
    return (
        "Window error relative to the rms of the input, mean and standard error of "
        f"{settings['seeds']}\nseeds, in the reference simulator and on the emulator, "
        "and how many steps late\nthe state is in fixed point: "
        f"{settings['n_neurons']} neurons, tau {settings['tau']:g} s\n\n{table}"
    )


# --- ways onto the chip


def routes_tables(record):
    """Return what each way onto the chip needs, its error, and other ideas."""
    settings = record["settings"]
    legend = (
        "What memories need on the chip, and their window error relative to the rms "
        f"of the input, tau {settings['tau']:g} s: in fixed point on the emulator "
        f"(mean and standard error of {settings['seeds']} seeds), in the reference "
        "simulator (ref.: mean) and by theory. Mbit: millions of bits of synapse "
        "memory; Mop: millions of synaptic operations a second; axons: into the core "
        "that has most. Weights of their own are counted, not run."
    )
    parts = [fill(legend, 80), on_chip_table(record["on_chip"])]
    for row in record["on_chip"]:
        for problem in row.get("problems", [])[:1]:
            size = f"d = {row['d']}, m = {row['n_neurons']}, {_weights(row)}"
            parts.append(fill(f"On the emulator only: {size}. {problem}", 80))
    parts += [
        "Other ideas, in the reference simulator: mean and standard error, and "
        "theory.\nRelays: so many for each dimension.",
        _ideas_table(record["ideas"]),
    ]
    return "\n\n".join(parts)


def on_chip_table(rows):
    """Return what the ways onto the chip need, and the error of those that are run."""

    def cells(row):
        return [
            str(row["d"]),
            str(row["n_neurons"]),
            _weights(row),
            "no fit" if row["cores"] is None else str(row["cores"]),
            f"{1e-6 * row['synapse_bits']:.1f}",
            str(row["input_axons"]),
            f"{1e-6 * row['synaptic_operations_per_second']:.0f}",
            *(_errors(row) if "chip" in row else ["-"] * 3),
        ]

    header = ["d", "m", "weights", "cores", "Mbit", "axons", "Mop"]
    return format_table(
        [*header, "chip", "ref.", "theory"], [cells(row) for row in rows]
    )


def _weights(row):
    return row["weights"] if row["copies"] == 1 else f"{row['copies']} copies"


def _errors(row):
    reference, theory = row["reference"]["mean"], row["theory"]
    return [_error(row["chip"]), f"{reference:.4f}", f"{theory:.4f}"]


def _ideas_table(rows):
    ours = {row["d"]: row["reference"]["mean"] for row in reversed(rows)}
    names = {"memory": "ours", "blocks": "blocks of two"}
    return format_table(
        ["d", "m", "", "reference", "to ours", "theory"],
        [
            [
                str(row["d"]),
                str(row["n_neurons"]),
                names.get(row["route"], f"{row['relays']} relays"),
                _error(row["reference"]),
                f"{row['reference']['mean'] / ours[row['d']]:.3g}",
                f"{row['theory']:.4f}",
            ]
            for row in rows
        ],
    )


def _error(row):
    error = row["standard_error"]
    return f"{row['mean']:.4f}" + ("" if error is None else f" +- {error:.4f}")
