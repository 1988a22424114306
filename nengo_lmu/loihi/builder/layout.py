"""How the neurons of a block are laid out over cores, and which share their weights.

A core of the chip has memory for 2^20 bits of weights, and takes spikes of 4096
neurons. The neurons of a memory all lead to each other: with weights of their own they
take memory that grows with their number squared. Here two things keep it in proportion
to the number of neurons.

Rows are shared
    All neurons of a population (of one sign) do the same to the rest of the memory,
    which depends on their sum only. So they may share one row of weights, of which the
    chip keeps a pointer for each of them. As whole numbers the weights of one row
    would be off for all of them; some versions of it, as many as there is memory for,
    are rounded so that their mean is right (`nengo_lmu.loihi.builder.fixed_point`).

Memories are copied
    A memory with more neurons than a core takes spikes from is made of copies, each of
    some neurons of every population, that are connected to each other only. The copies
    get the same input, and what is decoded is their mean. The noise of a copy is
    larger, by the square root of their number, and independent of that of others: their
    mean has the noise that the whole would have.
"""

from copy import copy
from itertools import count

import numpy as np
from nengo.exceptions import BuildError
from nengo_loihi.block import (
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_OUT_AXONS,
    MAX_SYNAPSE_BITS,
    Synapse,
)

# With fewer versions of a row than this, a block takes one core more.
LEAST_VERSIONS = 4

# The weights of a synapse share an exponent. Rows get one for each power of two of
# their size, but for this many and smaller ones, which have the last together.
MAGNITUDES = 4

# Rows of weights are the same if they differ by no more than this, relative to their
# size: NengoLoihi keeps them in single precision.
SAME = 1e-5


class Rows:
    """The rows of weights of a synapse, sorted into classes of equal ones.

    Parameters
    ----------
    synapse : nengo_loihi.block.Synapse
    block : nengo_loihi.block.LoihiBlock
        That it leads to.
    gain : (n_neurons,) ndarray
        Of the neurons of the block.

    Attributes
    ----------
    labels : (n_axons,) ndarray of int
        The class of each axon.
    dense : (n_classes, n_neurons) ndarray
        The weights of each class.
    senders : (n_axons,) ndarray of int or None
        The neurons of the same block that the axons come from, if they do.
    gain : (n_axons,) ndarray
        How much a neuron takes part in what its class says: its gain, or 1.
    """

    def __init__(self, synapse, block, gain):
        self.synapse = synapse
        self.gain = np.ones(synapse.n_axons)
        dense = np.zeros((synapse.n_axons, block.n_neurons), dtype=np.float32)
        for axon in range(synapse.n_axons):
            weights, indices = synapse.axon_weights_indices(axon)
            dense[axon, indices] = weights
        self.labels, first = _classes(dense)
        self.dense = dense[first]
        self.senders = None
        for axon in block.axons:
            if axon.target is synapse:
                senders = np.full(synapse.n_axons, -1)
                neurons = np.arange(block.n_neurons)
                axons = np.asarray(axon.map_axon(neurons))
                senders[axons[axons >= 0]] = neurons[axons >= 0]
                self.senders = senders
                self.gain = gain[senders]


def _classes(rows):
    """Return the class of each row, and the first row of each class."""
    rng = np.random.RandomState(0)
    mark = rows @ rng.uniform(0.5, 1.5, size=rows.shape[1]).astype(rows.dtype)
    size = np.abs(rows).max(axis=1, initial=0)
    labels = np.zeros(len(rows), dtype=int)
    first = []
    for row in np.argsort(mark, kind="stable"):
        close = first and np.allclose(
            rows[row], rows[first[-1]], rtol=0, atol=SAME * size[row]
        )
        if not close:
            first.append(row)
        labels[row] = len(first) - 1
    return labels, np.array(first, dtype=int)


class Part:
    """The part of a synapse that leads to a piece of its block.

    Parameters
    ----------
    rows : Rows
    neurons : (n,) ndarray of int
        The piece, of one copy.
    copy_of : (n_neurons,) ndarray of int

    Attributes
    ----------
    axons : (n_axons,) ndarray of int
        Those of the whole that lead here.
    """

    def __init__(self, rows, neurons, copy_of):
        self._label = rows.synapse.label
        reaches = np.any(rows.dense[:, neurons] != 0, axis=1)[rows.labels]
        if rows.senders is not None:
            # populations with too few neurons for all copies lead to all of them
            few = np.bincount(rows.labels) <= copy_of.max()
            own = copy_of[rows.senders] == copy_of[neurons[0]]
            reaches &= own | few[rows.labels]
        self.axons = np.flatnonzero(reaches)
        classes, self._labels = np.unique(rows.labels[reaches], return_inverse=True)
        self._n_axons = np.bincount(self._labels, minlength=len(classes))
        # the axons that lead here stand for all of their class
        scale = np.bincount(rows.labels, rows.gain)[classes] / np.bincount(
            self._labels, rows.gain[reaches], minlength=len(classes)
        )
        weights = rows.dense[np.ix_(classes, neurons)]
        self._weights = np.float32(scale[:, np.newaxis]) * weights
        self._config = self._format()

    def _format(self):
        """Return the format of weights: all of them in a row, or some with indices."""
        synapse, n_neurons = Synapse(1), self._weights.shape[1]
        synapse.set_weights(np.ones((1, n_neurons)))
        n_weights = np.count_nonzero(self._weights, axis=1)
        all_of_them = synapse.synapse_cfg
        some = copy(all_of_them)
        some.set(compression=0)
        bits_of_all = len(n_weights) * all_of_them.bits_per_axon(n_neurons)
        if bits_of_all <= sum(map(some.bits_per_axon, n_weights)):
            self._n_weights = np.full(len(n_weights), n_neurons)
            return all_of_them
        self._n_weights = n_weights
        return some

    def bits(self, versions):
        """Return the memory that it takes with so many versions of each row."""
        return sum(
            min(versions, n_axons) * self._config.bits_per_axon(n_weights)
            for n_axons, n_weights in zip(self._n_axons, self._n_weights)
        )

    def synapses(self, versions):
        """Make a synapse for each magnitude of rows, whose weights share an exponent.

        Parameters
        ----------
        versions : int
            Of each row, at most.

        Returns
        -------
        synapses : {nengo_loihi.block.Synapse: list of int}
            And which axons of the whole are the axons of each.
        """
        largest = np.abs(self._weights).max(axis=1)
        magnitudes = np.floor(np.log2(largest.max(initial=0) / largest))
        magnitudes = np.minimum(magnitudes, MAGNITUDES - 1)
        synapses = {}
        for magnitude in np.unique(magnitudes):
            members = np.flatnonzero(magnitudes[self._labels] == magnitude)
            synapses[self._synapse(members, versions)] = self.axons[members].tolist()
        return synapses

    def _synapse(self, members, versions):
        """Make a synapse of some of the axons."""
        version = np.zeros(len(members), dtype=int)
        for label in np.unique(self._labels[members]):
            same = self._labels[members] == label
            version[same] = _dealt(shares(same.sum(), versions))
        # Rows are in the order of the axons.
        rows = {}
        keys = zip(self._labels[members].tolist(), version.tolist())
        row_of = np.array([rows.setdefault(key, len(rows)) for key in keys])
        rows = self._weights[[label for label, _ in rows]]
        if self._config.compression == 0:
            indices = [np.flatnonzero(row) for row in rows]
        else:
            indices = [np.arange(len(row)) for row in rows]
        synapse = Synapse(len(members), label=self._label)
        synapse._set_weights_indices(
            [row[i] for row, i in zip(rows, indices)],
            indices,
            compression=self._config.compression,
        )
        # synapses of one exponent are to have one format, of which a core has fifteen
        synapse.format(idx_bits=self._config.idx_bits)
        if len(rows) < len(members):
            synapse.axon_to_weight_map = row_of
        return synapse


def shares(n_axons, versions):
    """Return how many axons use each version of a row.

    Half of the versions are used by about as many axons each, and the others by half as
    many as the one before. Rounded up in some of them and down in the others, a weight
    is right to ``2 ** (-versions / 2)`` of a step in the mean.

    Parameters
    ----------
    n_axons, versions : int

    Returns
    -------
    shares : ndarray of int
        Adding up to ``n_axons``; none is 0.
    """
    if versions >= n_axons:
        return np.ones(n_axons, dtype=int)
    halved = versions // 2
    parts = np.ones(versions)
    parts[versions - halved :] = 0.5 ** np.arange(1, halved + 1)
    ends = np.round(np.cumsum(parts) * n_axons / parts.sum()).astype(int)
    shares = np.diff(ends, prepend=0)
    return shares[shares > 0]


def _dealt(shares):
    """Return the version of each axon, all versions spread evenly over the axons."""
    places = np.concatenate([(np.arange(n) + 0.5) / n for n in shares])
    return np.repeat(np.arange(len(shares)), shares)[np.argsort(places, kind="stable")]


class Layout:
    """Which neurons are in which copy and piece, and the memory that it takes.

    Parameters
    ----------
    rows : list of Rows
    copy_of : (n_neurons,) ndarray of int
        The copy that each neuron belongs to.
    pieces : list of ndarray of int
        The neurons of each core.

    Attributes
    ----------
    parts : list of list of Part
        For each piece, those of all synapses.
    """

    def __init__(self, rows, copy_of, pieces):
        self.pieces = pieces
        self._rows = rows
        self._n_neurons = len(copy_of)
        self.parts = [[Part(r, piece, copy_of) for r in rows] for piece in pieces]

    def fits_axons(self, free_out):
        """Whether no piece has more axons than a core can take.

        Parameters
        ----------
        free_out : int
            Of the axons that leave a core, those that are left for its own block.
        """
        most_in = max(sum(len(part.axons) for part in parts) for parts in self.parts)
        leaving = np.zeros(self._n_neurons, dtype=int)
        for parts in self.parts:
            for rows, part in zip(self._rows, parts):
                if rows.senders is not None:
                    leaving[rows.senders[part.axons]] += 1
        most_out = max(leaving[neurons].sum() for neurons in self.pieces)
        return most_in <= MAX_IN_AXONS and most_out <= free_out

    def versions(self, parts):
        """Return the largest number of versions that there is memory for, or 0."""
        low, high = 0, self._n_neurons
        while low < high:
            middle = (low + high + 1) // 2
            if sum(part.bits(middle) for part in parts) <= MAX_SYNAPSE_BITS:
                low = middle
            else:
                high = middle - 1
        return low


def choose_layout(block, rows, memory, probed):
    """Return the layout with the fewest copies, then cores, that fits.

    Parameters
    ----------
    block : nengo_loihi.block.LoihiBlock
    rows : list of Rows
        Of its synapses.
    memory : LegendreMemory or None
        That the block has the neurons of.
    probed : bool
        Whether some of its neurons are probed without the others.

    Returns
    -------
    layout : Layout
        If none fits, the last that was tried.

    Raises
    ------
    nengo.exceptions.BuildError
        For more copies than there are neurons for.
    """
    n_neurons = block.n_neurons
    recurrent = [r for r in rows if r.senders is not None]
    # what goes elsewhere leaves no more than these axons for the block's own
    elsewhere = sum(
        axon.axon_slots()
        for axon in block.axons
        if all(axon.target is not r.synapse for r in recurrent)
    )
    requested, most = None, 1
    if memory is not None and recurrent:
        requested = getattr(memory.config[memory.ensembles[0]], "copies", None)
        most = max(n_neurons // (2 * memory.size_state), 1)
    if requested is not None and requested > most:
        raise BuildError(
            f"{memory}: {requested} copies were asked for, but {n_neurons} neurons are "
            f"enough for {most} with an on and an off neuron for each of "
            f"{memory.size_state} dimensions; use fewer copies, or more neurons"
        )
    for n_copies in [requested] if requested else range(1, most + 1):
        copy_of = _copies(recurrent, n_neurons, n_copies)
        for n_cores in count(_ceil(copy_of.tolist().count(0), MAX_COMPARTMENTS)):
            pieces = [
                piece
                for copy in range(n_copies)
                for piece in np.array_split(_in_copy(copy_of, copy, probed), n_cores)
            ]
            layout = Layout(rows, copy_of, pieces)
            free_out = MAX_OUT_AXONS - _ceil(elsewhere, len(pieces))
            if not layout.fits_axons(free_out):
                break
            versions = min(map(layout.versions, layout.parts))
            if versions >= LEAST_VERSIONS or max(map(len, pieces)) == 1:
                return layout
    return layout


def _copies(recurrent, n_neurons, n_copies):
    """Deal the neurons of each class out to copies."""
    copy_of = np.zeros(n_neurons, dtype=int)
    dealt = 0
    for rows in recurrent:
        for label in range(len(rows.dense)):
            members = rows.senders[rows.labels == label]
            copy_of[members] = (dealt + np.arange(len(members))) % n_copies
            dealt += len(members)
    return copy_of


def _in_copy(copy_of, copy, probed):
    """Return the neurons of a copy.

    Each copy begins with others. It is not known whether the cores of a board draw the
    same noise; if they did, copies with their neurons in the same order would be the
    same, spike for spike. Where some of the neurons are probed, NengoLoihi wants them
    in order.
    """
    neurons = np.flatnonzero(copy_of == copy)
    if probed:
        return neurons
    return np.roll(neurons, copy * len(neurons) // (copy_of.max() + 1))


def _ceil(a, b):
    return -(-a // b)
