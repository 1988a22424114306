"""How many cores a block of Bernoulli neurons takes.

NengoLoihi cuts a block that is too large for a core into pieces by the weight memory of
the whole. Memory is allotted in units, to each axon for every 64 weights: pieces take
more than their share of it, and many a population would not fit by a few percent.
"""

from nengo_loihi.block import (
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_OUT_AXONS,
    MAX_SYNAPSE_BITS,
)
from nengo_loihi.config import BlockShape

from nengo_lmu.loihi.neurons import is_bernoulli


class FittingShapes(dict):
    """What NengoLoihi looks up a block's pieces in; the user's choice comes first.

    Parameters
    ----------
    shapes : dict
        From `nengo_loihi.block.LoihiBlock` to the user's `nengo_loihi.BlockShape` or
        None.
    """

    def get(self, block, default=None):
        """Return the shape of the pieces; ours where the user has not given one."""
        shape = super().get(block, default)
        if shape is None and is_bernoulli(block.compartment):
            shape = self[block] = BlockShape(
                (largest_piece(block),), (block.n_neurons,)
            )
        return shape


def largest_piece(block):
    """Return the number of neurons in each piece of a block that has to be cut.

    Parameters
    ----------
    block : nengo_loihi.block.LoihiBlock
        As long as it is in floating point.
    """
    n_neurons = block.n_neurons
    out_axons = sum(axon.axon_slots() for axon in block.axons)
    pieces = max(
        _ceil(n_neurons, MAX_COMPARTMENTS),
        _ceil(sum(synapse.n_axons for synapse in block.synapses), MAX_IN_AXONS),
        _ceil(out_axons, MAX_OUT_AXONS),
        1,
    )
    # at one neuron in each there is nothing left to cut: NengoLoihi then says so
    while pieces < n_neurons:
        size = _ceil(n_neurons, pieces)
        if _synapse_bits(block, size) <= MAX_SYNAPSE_BITS:
            break
        pieces += 1
    return _ceil(n_neurons, pieces)


def _synapse_bits(block, n_neurons):
    """Return the weight memory of a piece, if every axon leads to all of it."""
    return sum(
        synapse.synapse_cfg.bits_per_axon(min(weights.size, n_neurons))
        for synapse in block.synapses
        for weights in (
            synapse.weights[synapse.axon_weight_idx(axon)]
            for axon in range(synapse.n_axons)
        )
    )


def _ceil(a, b):
    return -(-a // b)
