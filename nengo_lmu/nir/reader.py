"""A NIR graph as a network with a memory."""

from dataclasses import fields
from pathlib import Path

import nengo
import nir
import numpy as np
from nengo.exceptions import ValidationError

from nengo_lmu.legendre.checks import shown
from nengo_lmu.legendre.statistics import StateStatistics
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.memory import LegendreMemory
from nengo_lmu.nir.conventions import CONVENTIONS
from nengo_lmu.nir.writer import NEURONS, to_nir

# Graphs are the same if no number differs by more than this, relative to the largest of
# its array: some readers write single precision.
_ALIKE = 1e-6


def from_nir(graph, seed=None, label=None):
    """Return a network of a NIR graph that `to_nir` wrote.

    Parameters
    ----------
    graph : nir.NIRGraph, str or Path
        Or the file with it. Trained matrices around the memory may be others than those
        that were written.
    seed : int, optional
        Of the network, and of the neurons' noise.
    label : str, optional

    Returns
    -------
    network : nengo.Network
        With the `LMU` or `LegendreMemory` as ``cell``, whose nodes ``input`` and
        ``output`` are those of the graph.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the graph has no metadata of `to_nir`, or its memory is not what these say.

    Notes
    -----
    What was lost in a graph is in its metadata, so that Poisson neurons come back as
    such. A graph with `nir.IF` neurons whose memory was designed otherwise, by another
    version of this package, is refused rather than changed.

    Examples
    --------
    >>> from nengo_lmu import LegendreMemory
    >>> from nengo_lmu.nir import from_nir, to_nir
    >>> with nengo.Network(seed=0):
    ...     memory = LegendreMemory(theta=0.1, d=4, n_neurons=80)
    >>> graph = to_nir(memory, lossy=["noise", "negative currents"])
    >>> from_nir(graph).cell.summary == memory.summary
    True
    """
    if isinstance(graph, (str, Path)):
        try:
            graph = nir.read(graph)
        except OSError as error:
            raise _refused(f"{graph} is not to be read ({error})") from None
    if not isinstance(graph, nir.NIRGraph):
        raise _refused(
            f"must be a nir.NIRGraph or a file, but {shown(graph)} was given"
        )
    m = graph.metadata
    if not str(m.get("written_by", "")).startswith("nengo_lmu"):
        raise _refused(
            "has no metadata of nengo_lmu.nir.to_nir, by which a memory is known in it"
        )
    try:
        network, readout = _make_network(m, graph.nodes, seed, label)
        options = _options(m)
    except KeyError as error:
        raise _refused(f"has metadata or nodes that lack {error}") from None
    _compare(to_nir(network, readout, **options, lossy=True), graph)
    return network


def _make_network(m, nodes, seed, label):
    with nengo.Network(seed=seed, label=label) as network:
        network.cell = _make_cell(m, nodes)
        network.input, network.output = network.cell.input, network.cell.output
        readout = None
        if "readout" in nodes:
            readout = network.output = _make_readout(m, nodes, network.cell)
    return network, readout


def _options(m):
    options = {"form": str(m["form"]), "reader": str(m["reader"])}
    if m["neurons"] == "none":
        options["synapse"] = float(m["tau"])
    return options


def _make_cell(m, nodes):
    arguments = {
        "theta": float(m["initial_theta"]),
        "d": int(m["d"]),
        "dt": float(m["dt"]),
        "discretization": str(m["discretization"]),
        "trainable_theta": bool(m["trainable_theta"]),
        "n_neurons": 0,
    }
    if m["neurons"] != "none":
        signs = np.asarray(m["signs"])
        kind, scaling = str(m["basis"]), np.asarray(m["scaling"])
        arguments |= {
            "n_neurons": len(signs),
            "neuron_type": _neuron_type(m, ""),
            "max_rates": np.asarray(m["max_rates"]),
            "intercepts": np.asarray(m["intercepts"]),
            "encoders": signs,
            "synapse": float(m["tau"]),
            "realization": scaling if kind == "custom" else kind,
            "error_feedback": float(m["error_feedback"]),
            "input_range": StateStatistics(**m["expected"]),
        }
    size_in = int(m["size_in"])
    input_encoders = None
    if "input_encoders" in nodes:
        input_encoders = nodes["input_encoders"].weight
    if not m["units"] and input_encoders is None:
        cell = LegendreMemory(size_in=size_in, **arguments)
    else:
        cell = _make_lmu(m, nodes, size_in, input_encoders, arguments)
    if arguments["trainable_theta"]:
        getattr(cell, "memory", cell).theta = float(m["theta"])
    return cell


def _make_lmu(m, nodes, size_in, input_encoders, arguments):
    if input_encoders is not None:
        size_in = input_encoders.shape[1]
    hidden, config = {}, nengo.Config(nengo.Ensemble)
    if m["units"]:
        # hidden neurons take their rates from the config alone
        gain = np.asarray(m["hidden_gain"])
        config[nengo.Ensemble].max_rates = gain
        kernel = nodes["memory_kernel"]
        per_step = float(m["dt"]) * gain[:, np.newaxis]
        hidden = {
            "units": int(m["units"]),
            "coupling": "feed-forward",
            "hidden_neuron_type": _neuron_type(m, "hidden_"),
            "memory_kernel": kernel.weight / per_step,
        }
        if m["has_hidden_bias"]:
            hidden["hidden_bias"] = kernel.bias / per_step[:, 0]
    with config:
        return LMU(
            size_in=size_in, input_encoders=input_encoders, **hidden, **arguments
        )


def _neuron_type(m, prefix):
    kind = str(m[f"{prefix}neurons"])
    if kind != "regular":
        return NEURONS[kind](nengo.RectifiedLinear())
    if m[f"{prefix}voltages"] == "random":
        return nengo.SpikingRectifiedLinear()
    return nengo.SpikingRectifiedLinear(
        initial_state={"voltage": nengo.dists.Choice([0])}
    )


def _make_readout(m, nodes, cell):
    weight, bias = nodes["readout"].weight, nodes["readout"].bias
    synapse = None
    if "filtered" in nodes:
        synapse = float(m["readout_tau"])
        weight = weight / CONVENTIONS[str(m["reader"])](synapse, float(m["dt"]))[1]
    if "constant" in nodes:
        bias = nodes["constant"].bias
    node = nengo.Node(size_in=len(weight), label="readout")
    nengo.Connection(cell.output, node, transform=weight, synapse=synapse)
    if np.any(bias):
        nengo.Connection(nengo.Node(bias), node, synapse=None)
    return node


def _compare(expected, graph):
    """Refuse a graph that is not the one of the network that its metadata describe."""
    if set(expected.nodes) != set(graph.nodes) or set(expected.edges) != set(
        graph.edges
    ):
        raise _refused("has other nodes or edges than its metadata say")
    for name, node in expected.nodes.items():
        there = graph.nodes[name]
        if type(there) is not type(node):
            raise _refused(f"has a {type(there).__name__} as its node {name!r}")
        for field in fields(node):
            ours, theirs = getattr(node, field.name), getattr(there, field.name)
            if not isinstance(ours, np.ndarray):
                continue
            if np.shape(theirs) != ours.shape:
                raise _refused(f"has {field.name} of another shape in node {name!r}")
            largest = np.abs(ours).max(initial=0.0)
            difference = np.abs(theirs - ours).max(initial=0.0)
            if not difference <= _ALIKE * largest:
                raise _refused(
                    f"has another {field.name} in node {name!r} than the memory that "
                    f"its metadata describe, by up to {difference:.3g} where the "
                    f"largest is {largest:.3g}"
                )


def _refused(problem):
    return ValidationError(
        f"{problem}; give a graph that to_nir wrote, as it was written, and the "
        "version of nengo_lmu that wrote it",
        attr="graph",
    )
