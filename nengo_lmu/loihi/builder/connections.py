"""The input of a Legendre memory from the host, and constants as biases."""

import nengo
import numpy as np
from nengo import Connection
from nengo_loihi.builder.connection import build_connection as build_other_connection
from nengo_loihi.builder.inputs import ChipReceiveNeurons, HostSendNode
from nengo_loihi.inputs import SpikeInput
from nengo_loihi.passthrough import base_obj

from nengo_lmu.loihi.builder.decays import in_time
from nengo_lmu.loihi.builder.input_code import VALUES, SpikeCode
from nengo_lmu.loihi.builder.ours import ours
from nengo_lmu.loihi.builder.relay import RelayConnection, build_relay_connection
from nengo_lmu.loihi.told import CutOff
from nengo_lmu.networks.objects import InputNode


class InputSpikes(SpikeInput):
    """Spikes from the host that carry the input of a memory."""


class InputReceiveNode(ChipReceiveNeurons):
    """The chip's end of a connection from the input of a memory."""


def build_input_receive_node(model, node):
    """Build an `InputReceiveNode`, whose spikes can be told from others."""
    spikes = InputSpikes(node.raw_dimensions, label=node.label)
    model.add_input(spikes)
    model.objs[node]["out"] = spikes
    model.spike_targets[node] = spikes


def build_connection(model, conn):
    """Build a connection; from the input of a memory to the chip in a way of our own.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    conn : nengo.Connection
    """
    _build_ends(model, conn)
    if isinstance(conn, RelayConnection):
        build_relay_connection(model, conn)
        return
    to_neurons = isinstance(conn.post_obj, nengo.ensemble.Neurons)
    if to_neurons and model.split.on_chip(base_obj(conn.post)):
        conn = in_time(model, conn)
        if isinstance(conn.pre_obj, InputNode):
            build_input_connection(model, conn)
            return
    if _is_known_later(model, conn):
        build_late_connection(model, conn)
    else:
        build_other_connection(model, conn)


def _build_ends(model, conn):
    """Build the ends of a connection that are not in the network."""
    unbuilt = getattr(model.split.passthrough, "unbuilt", set())
    for end in {base_obj(conn.pre), base_obj(conn.post)} & unbuilt:
        unbuilt.remove(end)
        model.seeds[end], model.seeded[end] = 0, False  # nothing of them is random
        # what goes around nodes is built when no network's configuration is at hand
        config, model.config = model.config, model.toplevel.config
        model.build(end)
        model.config = config


def _is_known_later(model, conn):
    """Return whether the host adds an input to what spikes from the chip tell of."""
    memory = getattr(model.split, "memory_of_input", {}).get(conn.pre_obj)
    return memory is not None and conn.post_obj in (
        memory.parts.entry,
        memory.parts.arriving,
        *memory.parts.fed_back,
    )


def build_late_connection(model, conn):
    """Build a connection on the host that is a step late.

    The input takes a step to the chip, and spikes tell of it that much later. Without a
    delay the host would add to them an input that they do not know of yet, which is an
    error of ``dt / theta`` times the change of the input, times ``d**2`` in a window.
    """
    host = model.host_model(base_obj(conn.pre))
    source = _within_range(model, conn.pre_obj)
    node = nengo.Node(
        size_in=source.size_out,
        label=f"{conn.pre_obj.label}_late",
        add_to_container=False,
    )
    to_node = Connection(source, node, synapse=0, add_to_container=False)
    from_node = Connection(
        node[conn.pre_slice],
        conn.post,
        transform=conn.transform,
        synapse=conn.synapse,
        label=conn.label,
        add_to_container=False,
    )
    for obj in (node, to_node, from_node):
        host.seeds[obj] = model.seeds[conn] or 0  # nothing here is random
        host.seeded[obj] = model.seeded[conn]
        host.build(obj)


def _within_range(model, node):
    """Return the node on the host with the part of an input that the chip can have."""
    if node not in ours(model).cut_off:
        host = model.host_model(node)
        cut_off = CutOff(f"{node.owner}.{node.label}", node.radius)
        within = nengo.Node(
            cut_off,
            size_in=node.size_out,
            size_out=node.size_out,
            label=f"{node.label}_within_range",
            add_to_container=False,
        )
        to_it = Connection(node, within, synapse=None, add_to_container=False)
        for obj in (within, to_it):
            host.seeds[obj], host.seeded[obj] = 0, False  # nothing here is random
            host.build(obj)
        ours(model).cut_off[node] = within
    return ours(model).cut_off[node]


def build_input_connection(model, conn):
    """Send a memory's input to the chip as spikes, filtered once and there.

    NengoLoihi would apply the connection's synapse on the host, and the synapse of the
    receiving block, which all its connections share, once more on the chip. Here the
    host only encodes, in on and off neurons that carry values in [-1, 1]; so the signal
    is scaled by the radius it was declared with, and the chip's weights undo that.
    """
    size = conn.size_mid
    radius = conn.pre_obj.radius
    host = model.host_model(base_obj(conn.pre))

    def label(suffix):
        return f"{conn.label or conn.pre_obj.label}_{suffix}"

    def inherit_seed(destination, obj):
        # connections that NengoLoihi merged have none; nothing here is random anyway
        destination.seeds[obj] = model.seeds[conn] or 0
        destination.seeded[obj] = model.seeded[conn]

    def build_on_host(pre, post, **kwargs):
        connection = Connection(
            pre,
            post,
            synapse=None,
            add_to_container=False,
            label=label("host"),
            **kwargs,
        )
        inherit_seed(host, connection)
        host.build(connection)

    code = nengo.Node(SpikeCode(size), label=label("code"), add_to_container=False)
    receive = InputReceiveNode(
        code.size_out, label=label("node"), add_to_container=False
    )
    model.builder.build(model, receive)
    model.split.hostchip.chip_objs.add(receive)
    dimensions = np.arange(conn.pre_obj.size_out)[conn.pre_slice]
    ours(model).inputs[model.objs[receive]["out"]] = conn.pre_obj, dimensions
    # a spike is 1 / dt high to NengoLoihi
    values = model.dt * radius * np.kron(np.eye(size), VALUES)
    for transform in _by_magnitude(conn.transform.sample() @ values):
        on_chip = Connection(
            receive,
            conn.post,
            transform=transform,
            synapse=conn.synapse,
            label=label("chip"),
            add_to_container=False,
        )
        inherit_seed(model, on_chip)
        build_other_connection(model, on_chip)

    inherit_seed(host, code)
    host.build(code)
    send = HostSendNode(code.size_out, label=label("send"), add_to_container=False)
    host.build(send)
    model.host2chip_senders[send] = receive
    source = _within_range(model, conn.pre_obj)
    build_on_host(source[conn.pre_slice], code, transform=1 / radius)
    build_on_host(code, send)


def _by_magnitude(matrix):
    """Split a matrix into sparse ones, each of rows of about the same size.

    All weights of one synapse of the chip share an exponent. The dimensions of a memory
    have ranges, and so weights, of very different size: the small ones would be lost.
    """
    largest = np.abs(matrix).max(axis=1)
    nonzero = largest > 0
    exponents = np.floor(np.log2(largest, where=nonzero, out=np.zeros(len(matrix))))
    for exponent in np.unique(exponents[nonzero]):
        rows = np.flatnonzero(nonzero & (exponents == exponent))
        columns = np.arange(matrix.shape[1])
        indices = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
        values = matrix[rows].ravel()
        yield nengo.Sparse(matrix.shape, indices=indices, init=values)


def build_bias_connection(model, conn):
    """Add a constant to the bias of neurons on the chip.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    conn : nengo_lmu.networks.objects.BiasConnection
    """
    if not model.split.on_chip(base_obj(conn.post)):
        build_other_connection(model, conn)
        return
    block = model.objs[conn.post_obj]["in"]
    gain = model.params[conn.post_obj.ensemble].gain
    constant = np.asarray(conn.pre_obj.output)
    block.compartment.bias[:] += gain * (conn.transform.sample() @ constant)
    model.params[conn] = None
