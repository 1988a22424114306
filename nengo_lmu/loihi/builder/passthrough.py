"""What leads to the chip where there are memories: around passthrough nodes, exactly.

A memory is made of passthrough nodes around its neurons. Nodes are on the host, where a
signal would have to go from the chip and back in each step, so what leads from neurons
to neurons has to go around them. NengoLoihi does that by multiplying transforms and
adding up the time constants of synapses, and leaves a loop of nodes alone. A memory's
state has passed a filter already and is part of loops, so that its way is another one
here:

- What leads to neurons through the memory's synapse alone is a sum of spikes and of
  the input behind one filter. It goes to the chip as that sum, exactly.
- An ensemble is told of that sum by neurons in between (`relay.py`), since each filter
  on the chip needs neurons before it; where the filter is a long one, by the memory's
  own spikes, of which it takes the noise.
- What goes back into a memory is on the chip if it consists of spikes, such as hidden
  units' and `LegendreMemory.decoded`. What has passed a filter, such as a state or a
  window, the host reads and sends, with all that comes from the host, by an
  `nengo_lmu.networks.objects.InputNode` for each memory.
- What the host reads remains as the user made it, behind the nodes of the memory.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

import nengo
import numpy as np
from nengo import Dense, Sparse
from nengo.exceptions import BuildError
from nengo.transforms import NoTransform
from nengo_loihi.passthrough import (
    Cluster,
    PassthroughSplit,
    base_obj,
    is_passthrough,
)
from nengo_loihi.splitter import HostChipSplit, PrecomputableSplit, Split

from nengo_lmu.loihi.builder.ours import memories_on_chip
from nengo_lmu.loihi.builder.relay import RelayConnection, relay
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.objects import InputNode


def split(network, precompute=None, remove_passthrough=True):
    """Decide what is on the chip; in the place of `nengo_loihi.splitter.Split`.

    Parameters
    ----------
    network : nengo.Network
    precompute, remove_passthrough : bool
        As for `nengo_loihi.Simulator`.

    Returns
    -------
    split : nengo_loihi.splitter.Split
        NengoLoihi's own where no memory is on the chip.
    """
    memories = memories_on_chip(network)
    if not memories:
        return Split(network, precompute, remove_passthrough)
    hostchip = HostChipSplit(network)
    return MemorySplit(network, hostchip, memories, precompute, remove_passthrough)


class MemorySplit(Split):
    """What is on the chip, with memories there.

    Parameters
    ----------
    network : nengo.Network
    hostchip : nengo_loihi.splitter.HostChipSplit
    memories : list of LegendreMemory
        Those with neurons on the chip.
    precompute, remove_passthrough : bool
        As for `nengo_loihi.Simulator`.
    """

    def __init__(self, network, hostchip, memories, precompute, remove_passthrough):
        self.network = network
        self.memories = memories
        self.hostchip = hostchip
        self.passthrough = MemoryPassthroughSplit(
            network, hostchip, memories, remove_passthrough
        )
        self._precomputable = PrecomputableSplit(
            network, hostchip, self.passthrough, strict=precompute is True
        )
        self.precompute = self.precomputable() if precompute is None else precompute

    @cached_property
    def memory_of_input(self):
        """(dict) The memory of each node by which the host sends it something."""
        own = {
            node: memory
            for memory in self.memories
            for node in memory.nodes
            if isinstance(node, InputNode)
        }
        added = {node: memory for memory, node in self.passthrough.inputs.items()}
        return own | added


@dataclass(frozen=True)
class Path:
    """What arrives somewhere from outside of the passthrough nodes.

    Attributes
    ----------
    origin : nengo.Connection or LegendreMemory
        The connection into the first node, or the memory whose state (in the
        coordinates of its neurons) it is.
    transform : (size, size_mid of the origin) ndarray
        Of all the way, that of the origin included.
    synapses : tuple of nengo.synapses.Synapse
        On the way, that of the origin included.
    """

    origin: object
    transform: np.ndarray
    synapses: tuple = ()

    def along(self, conn):
        """Return the path that goes on along a connection, up to its ``post``."""
        transform = _matrix(conn) @ self.transform[conn.pre_slice]
        return Path(self.origin, transform, self.synapses + _passed(conn))

    def into(self, conn):
        """Return the path up to a connection's ``post`` as one to its ``post_obj``."""
        transform = np.zeros((conn.post_obj.size_in, self.transform.shape[1]))
        transform[conn.post_slice] = self.transform
        return Path(self.origin, transform, self.synapses)


class Loop(Exception):
    """Passthrough nodes lead back to themselves, and not through a memory."""


class MemoryPassthroughSplit(PassthroughSplit):
    """Which connections are taken out and put in, and the nodes that are made for it.

    Parameters
    ----------
    network : nengo.Network
    hostchip : nengo_loihi.splitter.HostChipSplit
    memories : list of LegendreMemory
        Those with neurons on the chip.
    remove_passthrough : bool
        Whether what leads to ensembles goes around the nodes too.

    Attributes
    ----------
    unbuilt : set
        Nodes and ensembles that are not in the network, to be built with it.
    inputs : dict
        Of memories to which the host sends what the network says: the one of these
        nodes by which it does.
    to_remove, to_add : set
        All that is left out, and the connections in its place.
    """

    def __init__(self, network, hostchip, memories, remove_passthrough):
        self.remove_passthrough = remove_passthrough
        self.unbuilt, self.inputs = set(), {}
        self._memory_of = {memory.parts.state: memory for memory in memories}
        self._fed_back = {node: m for m in memories for node in m.parts.fed_back}
        self._paths = {}  # the nodes of `_fed_back` get theirs when these are known
        self._incoming = defaultdict(list)
        self._order = {conn: i for i, conn in enumerate(network.all_connections)}
        for conn in network.all_connections:
            self._incoming[conn.post_obj].append(conn)
        super().__init__(network, hostchip)

    def _split_cluster(self, cluster):
        """Find what a cluster of passthrough nodes is replaced by."""
        if self._memory_of.keys().isdisjoint(cluster.objs):
            if self.remove_passthrough:
                super()._split_cluster(cluster)
            return
        self._already_split.add(cluster)
        for node, memory in self._fed_back.items():
            if node in cluster.objs:
                self._feed_back(node, memory)
        for conn in sorted(cluster.conns_out, key=self._order.get):
            if self._is_on_chip(conn.post):
                self._lead_to_chip(conn)
        self._remove_what_nobody_reads(cluster)

    def _is_on_chip(self, end):
        return self._on_chip(base_obj(end))

    # --- paths

    def _paths_along(self, conn, through=()):
        """Return the paths to the ``post`` of a connection, from the last states."""
        if not is_passthrough(conn.pre_obj):
            return [Path(conn, _matrix(conn), _passed(conn))]
        return [path.along(conn) for path in self._paths_into(conn.pre_obj, through)]

    def _paths_into(self, node, through=()):
        """Return the paths to a passthrough node, from the last states."""
        if node in self._memory_of:
            return [Path(self._memory_of[node], np.eye(node.size_in))]
        if node in self._paths:
            return self._paths[node]
        if node in through:
            raise Loop
        return [
            path.into(conn)
            for conn in self._incoming[node]
            for path in self._paths_along(conn, (*through, node))
        ]

    def _of_spikes(self, path):
        """Return the path of spikes that tell of a state, in the place of its own."""
        if not _is_state(path):
            return path
        (spikes,) = self._paths_into(path.origin.parts.spikes)
        return replace(
            path, origin=spikes.origin, transform=path.transform @ spikes.transform
        )

    # --- from the network into a memory

    def _feed_back(self, node, memory):
        """Sort what the network says to a memory by who tells the chip of it."""
        paths = []
        for conn in self._incoming[node]:
            try:
                arriving = self._paths_along(conn, (node,))
            except Loop:
                arriving = []
            stay = [path for path in arriving if self._stays(path)]
            paths += [path.into(conn) for path in stay]
            if not stay:
                self._replace(conn, [_copy(conn, self._input_of(memory))])
            elif len(stay) < len(arriving):
                sent = [path for path in arriving if not self._stays(path)]
                to_host = self._input_of(memory)[conn.post_slice]
                connections = [self._connection(path, conn.post) for path in stay]
                connections += [self._connection(path, to_host) for path in sent]
                self._replace(conn, connections)
        self._paths[node] = paths
        if memory in self.inputs and node is memory.parts.fed_back[-1]:
            sent = nengo.Connection(
                self.inputs[memory], node, synapse=None, add_to_container=False
            )
            self.to_add.add(sent)
            paths.append(Path(sent, np.eye(memory.size_in)))

    def _stays(self, path):
        """Return whether a path into a memory is on the chip, of spikes, unfiltered."""
        return not (_is_state(path) or path.synapses) and self._is_of_chip(path)

    def _input_of(self, memory):
        """Return the node by which the host tells a memory what the network says."""
        if memory not in self.inputs:
            own = memory.input
            self.inputs[memory] = self._make(
                self.hostchip.host_objs,
                InputNode,
                memory.size_in,
                memory.dt,
                own.radius,
                label="feedback from the host",
                owner=own.owner,
            )
        return self.inputs[memory]

    # --- to neurons

    def _lead_to_chip(self, conn):
        """Put connections around the nodes in the place of one to the chip."""
        to_neurons = isinstance(conn.post_obj, nengo.ensemble.Neurons)
        if not (to_neurons or self.remove_passthrough):
            return
        try:
            paths = self._paths_along(conn)
        except Loop:
            return
        if not any(map(self._is_of_chip, paths)):
            return  # the host sends the node's value, as that of any other node
        direct, relayed = [], defaultdict(list)
        for path in paths:
            if not _is_state(path):
                direct.append(path)
            elif to_neurons and not path.synapses:
                direct += self._behind_filter(path)
            elif not to_neurons and _is_short(path.synapses):
                relayed[path.origin] += self._behind_filter(path)
            else:
                direct.append(self._of_spikes(path))
        connections = [
            connection
            for path in _summed(direct)
            for connection in self._around(path, conn)
        ]
        for memory, parts in relayed.items():
            connections += self._relay(_summed(parts), conn, memory.dt)
        self._replace(conn, connections)

    def _is_of_chip(self, path):
        return _is_state(path) or self._is_on_chip(path.origin.pre)

    def _behind_filter(self, path):
        """Return the parts of a state's path that leads to neurons as it is."""
        return [
            replace(before, transform=path.transform @ before.into(conn).transform)
            for conn in self._incoming[path.origin.parts.state]
            for before in self._paths_along(conn)
        ]

    def _relay(self, parts, conn, dt):
        """Return the connections to and from neurons that tell of a state."""
        neurons = self._make(self.hostchip.chip_objs, relay, conn.size_out, dt)
        encoders = neurons.encoders / conn.post_obj.radius
        connections = [
            self._connection(
                replace(part, transform=encoders @ part.transform), neurons.neurons
            )
            for part in parts
        ]
        out = RelayConnection(
            neurons.neurons,
            conn.post,
            transform=neurons.encoders.T,
            synapse=None,
            add_to_container=False,
        )
        return [*connections, out]

    def _around(self, path, conn):
        """Yield the connections by which a path leads to the chip."""
        pre = path.origin.pre_obj
        is_rate = isinstance(pre, nengo.ensemble.Neurons) and not (
            pre.ensemble.neuron_type.spiking or self._is_on_chip(pre)
        )
        if not is_rate:
            yield self._connection(path, conn.post, conn.label)
            return
        # NengoLoihi takes what neurons of the host put out for spikes
        node = self._make(
            self.hostchip.host_objs,
            nengo.Node,
            size_in=len(path.transform),
            label="rates",
        )
        yield self._connection(replace(path, synapses=()), node)
        yield nengo.Connection(
            node, conn.post, synapse=_merged(path.synapses), add_to_container=False
        )

    # --- connections

    def _make(self, place, make, *args, **kwargs):
        """Make an object that is not in the network, on the host or on the chip."""
        # a network of its own is nobody's container, and has nobody's config
        with nengo.Network(add_to_container=False):
            obj = make(*args, **kwargs)
        place.add(obj)
        self.unbuilt.add(obj)
        return obj

    def _replace(self, conn, connections):
        self.to_remove.add(conn)
        self.to_add.update(connections)

    def _connection(self, path, post, label=None):
        """Return a connection that does what a path does."""
        origin, kwargs = path.origin, {}
        if _is_state(path):
            pre = origin.parts.state
        else:
            pre, label = origin.pre, label or origin.label
            kwargs = {name: getattr(origin, name) for name in _OF_ORIGIN}
        return nengo.Connection(
            pre,
            post,
            transform=path.transform,
            synapse=_merged(path.synapses),
            label=label,
            add_to_container=False,
            **kwargs,
        )

    def _remove_what_nobody_reads(self, cluster):
        """Remove the nodes of a cluster that lead to nothing on the host."""
        conns = cluster.conns_in | cluster.conns_mid | cluster.conns_out
        left = (conns - self.to_remove) | self.to_add
        read = cluster.probed_objs | {
            conn.pre_obj for conn in left if conn.post_obj not in cluster.objs
        }
        before = None
        while read != before:
            before = set(read)
            read |= {conn.pre_obj for conn in left if conn.post_obj in read}
        unread = cluster.objs - read
        self.to_remove |= unread
        for conn in left:
            if conn.post_obj in unread or conn.pre_obj in unread:
                self.to_add.discard(conn)
                self.to_remove.add(conn)


# NengoLoihi filters what leads from one ensemble to another with this (seconds).
DECODE_TAU = 0.005

# A connection that goes the way of another one has these of it.
_OF_ORIGIN = ("function", "eval_points", "scale_eval_points", "solver")


def _is_state(path):
    return isinstance(path.origin, LegendreMemory)


def _is_short(synapses):
    """Return whether a synapse is about as short as that behind decode neurons."""
    return sum(synapse.tau for synapse in synapses) <= 2 * DECODE_TAU


def _summed(paths):
    """Return one path in the place of all those with the same origin and synapses."""
    total = {}
    for path in paths:
        key = (path.origin, path.synapses)
        total[key] = total.get(key, 0.0) + path.transform
    return [
        Path(origin, transform, synapses)
        for (origin, synapses), transform in total.items()
        if np.any(transform)
    ]


def _passed(conn):
    return () if conn.synapse is None else (conn.synapse,)


def _merged(synapses):
    """Return one synapse for several, as NengoLoihi does it."""
    merged = None
    for synapse in synapses:
        merged = Cluster(None).merge_synapses(merged, synapse)
    return merged


def _matrix(conn):
    """Return the transform of a connection as a matrix."""
    transform = conn.transform
    if isinstance(transform, NoTransform):
        return np.eye(conn.size_mid)
    if not isinstance(transform, (Dense, Sparse)):
        raise BuildError(
            f"{conn}: on its way from or to the memory on the chip, a "
            f"{type(transform).__name__} transform goes through passthrough nodes, "
            "which only matrices can go around; give it as a matrix, or make the node "
            "one with a function, nengo.Node(lambda t, x: x, size_in=...)"
        )
    init = transform.init
    if isinstance(init, nengo.dists.Distribution):
        raise BuildError(
            f"{conn}: its transform is a distribution, which cannot be multiplied with "
            "those around it on the way from or to the memory on the chip; give an "
            "array, such as distribution.sample(size_out, size_in)"
        )
    if isinstance(transform, Sparse):
        return transform.sample().toarray()
    init = np.asarray(init)
    return init * np.eye(conn.size_mid) if init.ndim == 0 else init


def _copy(conn, post):
    """Return a connection with another ``post_obj``."""
    return nengo.Connection(
        conn.pre,
        post[conn.post_slice],
        transform=conn.transform,
        synapse=conn.synapse,
        label=conn.label,
        add_to_container=False,
        **{name: getattr(conn, name) for name in _OF_ORIGIN},
    )
