"""A faster emulator: the spikes of a step go through the weights all at once.

NengoLoihi 1.1.0 makes a Python object of each spike on each axon and adds its weights
on its own, which is most of the time of a run. Here the weights of all that leads to a
block are rows of a matrix, one for each neuron (or input from the host) that sends
spikes, and a step adds up the rows of those that spiked.

The results are the same to the last bit. The chip's integers, of 32 bits, have the same
sum in any order, also where it overflows. In floating point ("simreal") rows are in the
order in which NengoLoihi goes through its spikes, and NumPy adds them one by one.
"""

from collections import defaultdict

import numpy as np
from nengo_loihi.emulator.interface import SynapseState

# The weights of a block, at most, which is 4 MB with the zeros of a matrix. A core has
# 2^20 bits for weights of 8 bits: there are more only where axons share them, as in
# convolutions, since here each neuron that sends spikes has rows of its own.
MAX_WEIGHTS = 2**18

# Rows are kept as a matrix, zeros and all, if it is at least this large, so that it is
# worth a few calls of NumPy, and if this part of it is weights; else as lists.
DENSE_SIZE = 2**12
DENSE_PART = 0.25


class MatrixSynapses(SynapseState):
    """The emulator's synapses, which take the spikes of a step all at once.

    The weights are read when the first step is run. What they cannot be used for is
    left to NengoLoihi: blocks with synapses that learn, with more than `MAX_WEIGHTS`
    weights, or with an axon that leads to a compartment twice, of which the emulator
    only counts the last; and steps in which spikes of an input come in an order of
    their own, or twice.

    Attributes
    ----------
    rows : list of Matrix and Lists, or None
        All blocks' rows of weights, once the first step is run.
    left : set of nengo_loihi.block.Synapse
        Those that are left to NengoLoihi in every step.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rows = None
        self._fired = None  # inputs that have spiked come first, then compartments
        self._first = {}  # an input begins there in `_fired`
        self.left = set()
        self._left_axons = {}
        self._regular = True  # spikes of the inputs are in order in this step

    def inject_current(self, t, spike_inputs, all_axons, spiked):
        """Note who has spiked; NengoLoihi makes spikes of what is left to it.

        Parameters
        ----------
        t : int
            Number of the step.
        spike_inputs : list of nengo_loihi.inputs.SpikeInput
        all_axons : nengo_loihi.emulator.interface.AxonState
        spiked : (n_compartments,) ndarray of bool
        """
        if self.rows is None:
            self._read_weights(spike_inputs, all_axons)
        n_inputs = len(self._fired) - self.n_compartments
        self._fired[:n_inputs] = False
        self._fired[n_inputs:] = spiked
        self._regular = True
        arrived = []
        if t >= 2:  # spikes from the host take a step to arrive
            for spike_input in spike_inputs:
                idxs = np.asarray(spike_input.spike_idxs(t - 1), dtype=int)
                if len(idxs) == 0:
                    continue
                arrived.append(_Arrived(idxs, spike_input.axons))
                if _is_regular(idxs, spike_input.n_neurons):
                    self._fired[self._first[spike_input] + idxs] = True
                else:
                    self._regular = False

        if not self._regular:
            super().inject_current(t, arrived, all_axons, spiked)
        elif self.left:
            for spikes in arrived:
                spikes.axons = [a for a in spikes.axons if a.target in self.left]
            super().inject_current(t, arrived, self._left_axons, spiked)

    def update_input(self, input):
        """Add the weights of the step's spikes to the input of the compartments.

        Parameters
        ----------
        input : (delay, n_compartments) ndarray
        """
        if self.left or not self._regular:
            super().update_input(input)
        if self._regular:
            for rows in self.rows:
                rows.add(self._fired, input[0])

    def _read_weights(self, spike_inputs, all_axons):
        """Make rows of the weights of all blocks but for those that are left out."""
        feeds = defaultdict(list)  # those to a synapse are in the emulator's order
        n_sources = 0
        for spike_input in spike_inputs:
            self._first[spike_input] = n_sources
            for axon in spike_input.axons:
                feeds[axon.target].append((axon, n_sources, spike_input.n_neurons))
            n_sources += spike_input.n_neurons
        for axon, a_slice in all_axons.items():
            n_neurons = a_slice.stop - a_slice.start
            feeds[axon.target].append((axon, n_sources + a_slice.start, n_neurons))
        self._fired = np.zeros(n_sources + self.n_compartments, dtype=bool)

        blocks = defaultdict(list)  # those with the same sources come together
        for block in dict.fromkeys(self.block_map.values()):
            rows = _rows_of_block(block, feeds)
            if rows is None:
                self.left.update(block.synapses)
            elif rows:
                start = self.slices[block.synapses[0]].start
                sources = np.array([source for source, *_ in rows])
                if self.dtype == np.int32:  # integers add up in any order
                    sources = np.unique(sources)
                # Blocks in which sources share rows stay on their own.
                key = start if any(map(_shares, block.synapses)) else -1
                blocks[key, sources.tobytes()].append((start, block.n_neurons, rows))
        self._left_axons = {
            axon: a_slice
            for axon, a_slice in all_axons.items()
            if axon.target in self.left
        }

        self.rows, listed = [], []
        for (_, key), same in blocks.items():
            sources = np.frombuffer(key, dtype=int)
            n_weights = sum(row[-1].size for *_, rows in same for row in rows)
            n_columns = sum(n_neurons for _, n_neurons, _ in same)
            size = len(sources) * n_columns
            # NumPy adds up a single column in another order
            if n_columns > 1 and size >= DENSE_SIZE and n_weights >= DENSE_PART * size:
                self.rows.append(Matrix(sources, same, self.dtype))
            else:
                listed.extend((start, row) for start, _, rows in same for row in rows)
        if listed:
            self.rows.append(Lists(listed))


class _Arrived:
    """Spikes of an input, for NengoLoihi to make Spikes of."""

    def __init__(self, idxs, axons):
        self.idxs = idxs
        self.axons = axons

    def spike_idxs(self, ti):
        """Return the indices, which the input itself gives away only once."""
        return self.idxs


def _is_regular(idxs, n_neurons):
    """Return whether spikes of an input are in order, each of another neuron."""
    in_range = 0 <= idxs[0] and idxs[-1] < n_neurons
    return bool(in_range and np.all(idxs[1:] > idxs[:-1]))


def _rows_of_block(block, feeds):
    """Return the source, name, indices and weights of each row; None to leave it out.

    Sources that share a row have rows of the same name.
    """
    if any(map(_is_special, block.synapses)):
        return None
    rows, n_weights, names = [], 0, set()
    for synapse in block.synapses:
        for axon, first, n_neurons in feeds[synapse]:
            for i, spike in enumerate(axon.map_spikes(np.arange(n_neurons))):
                base = spike and synapse.axon_compartment_base(spike.axon_idx)
                if base is None:
                    continue
                weights, indices = synapse.axon_weights_indices(
                    spike.axon_idx, atom=spike.atom
                )
                row = synapse.axon_weight_idx(spike.axon_idx)
                name = (id(synapse), row, spike.atom, base)
                if name not in names:
                    names.add(name)
                    n_weights += len(weights)
                if n_weights > MAX_WEIGHTS:
                    return None
                if len(weights) > 0:
                    rows.append((first + i, name, base + indices, weights))
    return rows


def _shares(synapse):
    """Return whether axons share rows of weights."""
    return synapse.axon_to_weight_map is not None


def _is_special(synapse):
    """Return whether weights change, or an axon has two for a compartment."""
    if synapse.learning:
        return True
    populations = [row for indices in synapse.indices for row in indices]
    if not populations:
        return False
    # Each compartment of each axon gets another number.
    flat = np.concatenate(populations).astype(np.int64)
    flat += (flat.max(initial=0) + 1) * np.repeat(
        np.arange(len(populations)), [len(row) for row in populations]
    )
    in_order = np.all(flat[1:] > flat[:-1])  # they mostly are
    return not in_order and len(np.unique(flat)) < len(flat)


class Matrix:
    """Rows of weights, and of zeros for compartments that a source does not lead to.

    Sources that share their weights share a row.

    Parameters
    ----------
    sources : (n_rows,) ndarray of int
    blocks : list of tuple
        Of each, the index of its first compartment, the number of its compartments and
        its rows.
    dtype : dtype
    """

    def __init__(self, sources, blocks, dtype):
        self._sources = _as_slice(sources)
        self._columns = _as_slice(
            np.concatenate([start + np.arange(size) for start, size, _ in blocks])
        )
        size = sum(size for _, size, _ in blocks)
        # A row of the matrix is a sum of parts: for integers, of all rows of a source.
        merged = dtype == np.int32
        parts = [[] for _ in sources]
        first = 0
        for _, n_neurons, rows in blocks:
            places = range(len(rows))
            if merged:
                places = np.searchsorted(sources, [source for source, *_ in rows])
            for i, (_, name, indices, weights) in zip(places, rows):
                parts[i].append((name, first + indices, weights))
            first += n_neurons
        rows = {}  # a row has its number here, and the parts of a source that has it
        for part in parts:
            rows.setdefault(tuple(name for name, *_ in part), (len(rows), part))
        self.matrix = np.zeros((len(rows), size), dtype=dtype)
        for row, part in rows.values():
            for _, indices, weights in part:
                self.matrix[row, indices] += weights
        self._row_of = np.array([rows[tuple(n for n, *_ in part)][0] for part in parts])

    def add(self, fired, total):
        """Add the rows of those who have fired, one after the other."""
        sources = fired[self._sources].nonzero()[0]
        if len(sources) > 0:
            chosen = self.matrix.take(self._row_of[sources], axis=0)
            total[self._columns] += np.add.reduce(chosen, axis=0, dtype=chosen.dtype)


class Lists:
    """Rows of weights, without any zeros.

    Parameters
    ----------
    rows : list of tuple
        Of each row, the first compartment of its block, and the row itself.
    """

    def __init__(self, rows):
        self._sources = np.array([source for _, (source, *_) in rows])
        self._columns = [
            (start + indices).astype(np.intp) for start, (*_, indices, _) in rows
        ]
        self._weights = [weights.copy() for _, (*_, weights) in rows]

    def add(self, fired, total):
        """Add the rows of those who have fired, one after the other."""
        rows = fired[self._sources].nonzero()[0].tolist()
        if rows:
            np.add.at(
                total,
                np.concatenate([self._columns[row] for row in rows]),
                np.concatenate([self._weights[row] for row in rows]),
            )


def _as_slice(indices):
    """Return a slice in the place of indices without gaps, which is faster."""
    first, last = indices[0], indices[-1]
    if len(indices) == last - first + 1 and np.all(np.diff(indices) == 1):
        return slice(first, last + 1)
    return indices
