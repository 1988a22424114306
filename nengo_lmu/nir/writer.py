"""A network with a memory as a NIR graph."""

import nengo
import nir
import numpy as np
from nengo.exceptions import ValidationError

from nengo_lmu.legendre import best_tau
from nengo_lmu.legendre.checks import one_of, shown
from nengo_lmu.networks.arguments import lowpass, validated
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.matrices import DENSE, matrix_of
from nengo_lmu.networks.members import members
from nengo_lmu.networks.memory import LegendreMemory
from nengo_lmu.nir.conventions import (
    CONVENTIONS,
    LOSSES,
    SpikingMatrices,
    ideal_matrices,
)
from nengo_lmu.version import version

FORMS = ("low-rank", "recurrent")

# Neurons of these types are NIR's integrate-and-fire neurons, but for `LOSSES`.
NEURONS = {
    "poisson": nengo.PoissonSpiking,
    "stochastic": nengo.StochasticSpiking,
    "regular": nengo.SpikingRectifiedLinear,
}

# Readers that know no neurons without a leak get one of a time constant (seconds) that
# is long beside the intervals between spikes: at 10 Hz a rate is 0.05 % lower.
MEMBRANE = 100.0

# What the cell of a graph must not have: NIR has no products of signals, and matrices
# of a cell in a loop would need another delay than the memory's.
_LOOPS = ("hidden_encoders", "memory_encoders", "hidden_kernel", "input_kernel")


def to_nir(
    network, readout=None, form="low-rank", reader="exact", synapse=None, lossy=()
):
    """Return a memory or a cell, and what is read out of it, as a NIR graph.

    Parameters
    ----------
    network : LMU, LegendreMemory or nengo.Network
        One of these, or a network with one of them in it. Hidden units have to spike
        and to be fed forwards by the memory alone.
    readout : nengo.Node, optional
        What the graph gives: a passthrough node that the output of the cell leads to
        through dense transforms, constants and at most one `nengo.Lowpass`, such as
        ``memory.add_window(...)``. By default, the output itself.
    form : {"low-rank", "recurrent"}
        Of a memory with neurons. "low-rank" has a leaky integrator for each dimension
        of the state between matrices of as many rows or columns. "recurrent" is a layer
        of CubaLIF neurons with ``n_neurons**2`` weights between themselves, for readers
        without leaky integrators; it gives what the spikes of a step tell,
        `LegendreMemory.decoded`, to be filtered by the memory's synapse.
    reader : {"exact", "euler", "sinabs", "continuous"}
        How the reader steps leaky integrators (`nengo_lmu.nir.CONVENTIONS`).
    synapse : nengo.Lowpass or float, optional
        The integrators' of an ideal memory (time constant in seconds), which none of
        its results depends on; by default what neurons would have.
    lossy : bool or sequence of str
        What may be lost, by the names of `nengo_lmu.nir.LOSSES`, or True for whatever
        is.

    Returns
    -------
    graph : nir.NIRGraph
        For ``nir.write(path, graph)``. All of its numbers are for the time step ``dt``
        of the memory, spikes have a height of 1 for one, and its metadata say so, with
        ``theta``, ``d``, the basis, its scaling and what was lost.

    Raises
    ------
    nengo.exceptions.ValidationError
        For what NIR has no words for, naming it and the remedy.

    Notes
    -----
    All matrices are nodes of type ``Affine``, which is the one that all readers know.
    Each node's input is the sum of what leads to it, in the same step from what is
    before it and one step late around a loop, so that a memory with neurons is a step
    earlier than in Nengo.

    Examples
    --------
    >>> from nengo_lmu import LegendreMemory
    >>> from nengo_lmu.nir import to_nir
    >>> with nengo.Network(seed=0):
    ...     memory = LegendreMemory(theta=0.1, d=4, n_neurons=0)
    >>> graph = to_nir(memory)
    >>> sorted(graph.nodes), graph.metadata["theta"]
    (['entry', 'input', 'output', 'recurrent', 'state'], 0.1)
    """
    cell = _only_cell(network)
    memory = getattr(cell, "memory", cell)
    with validated(None):
        one_of("form", form, FORMS)
        one_of("reader", reader, CONVENTIONS)
    _check(cell, memory, form, reader)
    lost = _checked_losses(_losses(cell, memory, form), lossy)
    tau = _time_constant(memory, synapse)

    graph = _Graph(reader, tau, memory.dt)
    place = graph.add("input", nir.Input(np.array([cell.input.size_in])))
    if getattr(cell, "input_encoders", None) is not None:
        place = graph.affine("input_encoders", matrix_of(cell.input_encoders), place)
    if memory.populations is None:
        place = _add_ideal(graph, memory, place)
    else:
        add = {"low-rank": _add_low_rank, "recurrent": _add_recurrent}[form]
        place = add(graph, SpikingMatrices(memory), place)
    if getattr(cell, "hidden", None) is not None:
        place = _add_hidden(graph, cell, place)
    options = {"form": form, "reader": reader, "tau": tau, "lost": ", ".join(lost)}
    size = cell.output.size_out
    if readout is not None:
        weight, bias, readout_tau = _read_out(network, cell, readout)
        place = _add_readout(graph, weight, bias, readout_tau, place)
        size = len(weight)
        if readout_tau is not None:
            options["readout_tau"] = readout_tau
    graph.add("output", nir.Output(np.array([size])), place)
    metadata = _metadata(cell, memory, **options)
    return nir.NIRGraph(graph.nodes, graph.edges, metadata=metadata)


# --- what there is to write, and whether it can be


def _only_cell(network):
    if not isinstance(network, nengo.Network):
        raise ValidationError(
            f"must be an LMU, a LegendreMemory or a network with one of them, but "
            f"{shown(network)} was given",
            attr="network",
        )
    cells = members(network, LMU) or members(network, LegendreMemory)
    if len(cells) != 1:
        raise ValidationError(
            f"must have one LMU or LegendreMemory, but {network} has {len(cells)}; "
            "write each by itself, to_nir(lmu)",
            attr="network",
        )
    return cells[0]


def _check(cell, memory, form, reader):
    def refuse(problem):
        raise ValidationError(problem, attr="network", obj=cell)

    for name in ("speed", "reset"):
        if getattr(memory, name) is not None:
            refuse(
                f"has a node {name!r}, which multiplies signals, and NIR has no "
                f"products; make it without {name}"
            )
    if memory.feedback_delay:
        refuse(
            f"has a feedback_delay of {memory.feedback_delay:g} s, for which its "
            "neurons would hear of integrators of other steps; make it without"
        )
    loops = [name for name in _LOOPS if getattr(cell, name, None) is not None]
    if loops or memory.parts.fed_back:
        refuse(
            "has connections around the memory "
            f"({', '.join(loops) or 'add_feedback'}), but only what goes forwards is "
            "written; make it with coupling='feed-forward', or without them"
        )
    if memory.config[nengo.Connection].trainable or not memory.is_as_designed:
        refuse(
            "has a memory that was trained or changed itself, which is not what its "
            "theta and d say; train what is around it"
        )
    if memory.populations is None:
        if form == "recurrent":
            refuse("has no neurons to be recurrent; use form='low-rank'")
    else:
        _check_neurons(memory.neuron_type, "its memory", refuse)
        if reader == "continuous":
            refuse(
                "spikes, and what a spike adds is for one time step; use another "
                "reader than 'continuous'"
            )
    hidden = getattr(cell, "hidden", None)
    if hidden is not None:
        _check_neurons(hidden.neuron_type, "its hidden layer", refuse)
        if form == "recurrent":
            refuse(
                "has hidden units that read the filtered state, which the recurrent "
                "form has not; use form='low-rank'"
            )


def _check_neurons(neuron_type, whose, refuse):
    base = getattr(neuron_type, "base_type", nengo.RectifiedLinear())
    is_known = (
        type(neuron_type) in NEURONS.values()
        and type(base) is nengo.RectifiedLinear
        and neuron_type.amplitude == base.amplitude == 1
    )
    if not is_known:
        refuse(
            f"has neurons in {whose} that NIR has none of: {neuron_type}; use "
            "nengo.SpikingRectifiedLinear(), nengo.PoissonSpiking("
            "nengo.RectifiedLinear()) or, for the memory, n_neurons=0"
        )
    if type(neuron_type) is nengo.SpikingRectifiedLinear:
        voltage = initial_voltage(neuron_type)
        if voltage not in (nengo.dists.Uniform(0, 1), nengo.dists.Choice([0])):
            refuse(
                f"begins at voltages of its own, {voltage}; use none, or "
                "nengo.dists.Choice([0])"
            )


def initial_voltage(neuron_type):
    """Return the distribution of the voltages that neurons begin with."""
    return {**neuron_type.state, **(neuron_type.initial_state or {})}["voltage"]


def kind_of(neuron_type):
    """Return what neurons of a type are called in `NEURONS`."""
    return next(name for name, cls in NEURONS.items() if type(neuron_type) is cls)


def _losses(cell, memory, form):
    """Return the names of what a graph cannot say of a cell."""
    hidden = getattr(cell, "hidden", None)
    types = [] if memory.populations is None else [memory.neuron_type]
    types += [] if hidden is None else [hidden.neuron_type]
    lost = []
    for neuron_type in types:
        if type(neuron_type) is not nengo.SpikingRectifiedLinear:
            lost.append("noise")
        elif initial_voltage(neuron_type) != nengo.dists.Choice([0]):
            lost.append("voltages")
    p = memory.populations
    if hidden is not None or (p is not None and np.any(p.gain > p.bias * (1 + 1e-9))):
        lost.append("negative currents")
    if form == "recurrent" and memory.error_feedback:
        lost.append("error feedback")
    return [name for name in LOSSES if name in lost]


def _checked_losses(lost, lossy):
    if isinstance(lossy, (bool, np.bool_)):
        allowed = LOSSES if lossy else ()
    else:
        allowed = (lossy,) if isinstance(lossy, str) else tuple(lossy)
        for name in allowed:
            with validated(None):
                one_of("lossy", name, LOSSES)
    refused = [name for name in lost if name not in allowed]
    if refused:
        reasons = "; ".join(f"{name!r}: {LOSSES[name]}" for name in refused)
        raise ValidationError(
            f"the graph would not be the network. {reasons}. Give lossy={refused} "
            "to have it all the same",
            attr="lossy",
        )
    return lost


def _time_constant(memory, synapse):
    if memory.synapse is not None:
        if synapse is not None:
            raise ValidationError(
                f"is that of the memory's neurons, {memory.synapse.tau:g} s, but "
                f"{shown(synapse)} was given; leave it out",
                attr="synapse",
            )
        return memory.synapse.tau
    if synapse is not None:
        return lowpass("synapse", synapse, memory.dt, memory).tau
    return best_tau(
        memory.theta, memory.d, memory.dt, memory.statistics, memory.discretization
    )


def _read_out(network, cell, readout):
    """Return how a node is read out of the output of a cell.

    Returns
    -------
    weight : (size_out, cell.output.size_out) ndarray
    bias : (size_out,) ndarray
        Which is added behind the synapse.
    tau : float or None
        Of the synapse (seconds).
    """

    def refuse(problem):
        raise ValidationError(
            f"{problem}; give a passthrough node that leads from the output of the "
            "cell through dense transforms, constants and at most one nengo.Lowpass",
            attr="readout",
        )

    if not isinstance(readout, nengo.Node) or readout.output is not None:
        refuse(f"{shown(readout)} is no passthrough node")
    weight, bias, tau = np.eye(readout.size_in), np.zeros(readout.size_in), None
    node = readout
    while node is not cell.output:
        arriving = [c for c in network.all_connections if c.post_obj is node]
        for connection in arriving:
            if not _is_matrix(connection):
                refuse(f"{connection} is no dense matrix between nodes")
        constants = [
            c
            for c in arriving
            if isinstance(c.pre_obj.output, np.ndarray) and c.synapse is None
        ]
        signals = [c for c in arriving if c not in constants]
        if len(signals) != 1 or (constants and tau is not None):
            refuse(f"more or less than one signal leads to {node}")
        for connection in constants:
            bias = bias + weight @ matrix_of(connection) @ connection.pre_obj.output
        (connection,) = signals
        if connection.synapse is not None:
            if type(connection.synapse) is not nengo.Lowpass or tau is not None:
                refuse(f"{connection} has {connection.synapse}")
            tau = connection.synapse.tau
        weight = weight @ matrix_of(connection)
        node = connection.pre_obj
        if node is not cell.output and node.output is not None:
            refuse(f"it depends on {node}")
    return weight, bias, tau


def _is_matrix(connection):
    whole = slice(None)
    return (
        isinstance(connection.transform, DENSE)
        and connection.function is None
        and isinstance(connection.pre_obj, nengo.Node)
        and connection.pre_slice == connection.post_slice == whole
    )


# --- the graph


class _Graph:
    """Nodes and edges, in the order in which a reader is to step them.

    Parameters
    ----------
    reader : str
        Of `CONVENTIONS`.
    tau, dt : float
        The integrators' time constant and the time step (seconds).
    """

    def __init__(self, reader, tau, dt):
        self.reader, self.convention = reader, CONVENTIONS[reader]
        self.tau, self.dt = tau, dt
        self.nodes, self.edges = {}, []

    def add(self, name, node, *places):
        self.nodes[name] = node
        self.edges += [(place, name) for place in places]
        return name

    def affine(self, name, weight, *places, bias=None):
        bias = np.zeros(len(weight)) if bias is None else bias
        return self.add(name, nir.Affine(weight, bias), *places)

    def integrators(self, name, n, *places, tau=None):
        tau, _ = self.convention(self.tau if tau is None else tau, self.dt)
        leak = nir.LI(tau=np.full(n, tau), r=np.ones(n), v_leak=np.zeros(n))
        return self.add(name, leak, *places)

    def scale(self, tau=None):
        """Return what comes into integrators has to be multiplied by."""
        return self.convention(self.tau if tau is None else tau, self.dt)[1]

    def neurons(self, name, n, *places):
        # A current of 1 is a spike a step, in NIR's equation as for readers that leave
        # out R and the time step.
        fire = nir.IF(
            r=np.full(n, 1 / self.dt), v_threshold=np.ones(n), v_reset=np.zeros(n)
        )
        return self.add(name, fire, *places)


def _add_ideal(graph, memory, place):
    continuous = graph.reader == "continuous"
    recurrent, entry = ideal_matrices(memory, graph.tau, continuous)
    scale = graph.scale()
    graph.affine("entry", scale * entry, place)
    graph.integrators("state", memory.size_state, "entry", "recurrent")
    graph.affine("recurrent", scale * recurrent, "state")
    return "state"


def _add_low_rank(graph, m, place):
    scale = graph.scale()
    loops = ["recurrent"] + (["within"] if m.within is not None else [])
    graph.affine("entry", scale * m.entry, place)
    graph.integrators("v", len(m.entry), "entry", *loops)
    graph.affine("encode", m.encode, "v", bias=m.bias)
    graph.neurons("neurons", len(m.bias), "encode")
    graph.affine("recurrent", scale * m.recurrent, "neurons")
    if m.within is not None:
        graph.affine("within", scale * m.within, "v")
    return graph.affine("state", m.output, "v")


def _add_recurrent(graph, m, place):
    n = len(m.bias)
    tau, _ = graph.convention(graph.tau, graph.dt)
    membrane, _ = graph.convention(MEMBRANE, graph.dt)
    scale = graph.scale()
    # without error feedback, what there is of it is left out
    size = len(m.output)
    encode = m.encode[:, :size]
    graph.affine("entry", scale * encode @ m.entry[:size], place, bias=m.bias)
    layer = nir.CubaLIF(
        tau_syn=np.full(n, tau),
        tau_mem=np.full(n, membrane),
        r=np.full(n, membrane / graph.dt),
        v_leak=np.zeros(n),
        v_threshold=np.ones(n),
        v_reset=np.zeros(n),
        w_in=np.ones(n),
    )
    graph.add("neurons", layer, "entry", "recurrent")
    graph.affine("recurrent", scale * encode @ m.recurrent[:size], "neurons")
    return graph.affine("decoded", m.decode, "neurons")


def _add_hidden(graph, lmu, place):
    hidden, dt = lmu.hidden, graph.dt
    bias = hidden.bias * dt
    if lmu.hidden_bias is not None:
        bias = bias + dt * hidden.gain * matrix_of(lmu.hidden_bias)[:, 0]
    kernel = dt * hidden.gain[:, np.newaxis] * matrix_of(lmu.memory_kernel)
    graph.affine("memory_kernel", kernel, place, bias=bias)
    graph.neurons("hidden", lmu.units, "memory_kernel")
    return graph.affine("activity", np.eye(lmu.units) / (dt * lmu.unit), "hidden")


def _add_readout(graph, weight, bias, tau, place):
    if tau is None:
        return graph.affine("readout", weight, place, bias=bias)
    graph.affine("readout", graph.scale(tau) * weight, place)
    place = graph.integrators("filtered", len(weight), "readout", tau=tau)
    if np.any(bias):
        place = graph.affine("constant", np.eye(len(bias)), place, bias=bias)
    return place


def _metadata(cell, memory, **options):
    """Return what a graph says of itself, for people and for `from_nir`."""
    metadata = {
        "written_by": f"nengo_lmu {version}",
        "theta": memory.theta,
        "initial_theta": memory.initial_theta,
        "trainable_theta": memory.trainable_theta,
        "d": memory.d,
        "size_in": memory.size_in,
        "dt": memory.dt,
        "discretization": memory.discretization,
        "neurons": "none",
        "basis": "legendre",
        "scaling": np.eye(memory.d),
        "units": getattr(cell, "units", 0),
        **options,
    }
    if memory.populations is not None:
        metadata |= _of_neurons(memory.neuron_type)
        p, statistics = memory.populations, memory.statistics
        rates, intercepts = memory.neuron_type.max_rates_intercepts(p.gain, p.bias)
        metadata |= {
            "basis": memory.realization.kind,
            "scaling": memory.realization.T,
            "error_feedback": memory.error_feedback,
            "max_rates": rates,
            "intercepts": intercepts,
            "signs": p.signs,
            "expected": {
                name: value
                for name in ("covariance", "input_rms", "samples", "rise")
                if (value := getattr(statistics, name)) is not None
            },
        }
    if metadata["units"]:
        hidden = _of_neurons(cell.hidden.neuron_type)
        metadata |= {f"hidden_{name}": value for name, value in hidden.items()}
        metadata["hidden_gain"] = cell.hidden.gain
        metadata["has_hidden_bias"] = cell.hidden_bias is not None
    return metadata


def _of_neurons(neuron_type):
    described = {"neurons": kind_of(neuron_type)}
    if described["neurons"] == "regular":
        at_zero = initial_voltage(neuron_type) == nengo.dists.Choice([0])
        described["voltages"] = "zero" if at_zero else "random"
    return described
