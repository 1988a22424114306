"""Cut blocks of neurons into pieces that fit on the cores of the chip.

Blocks of our neurons, and of those that read them, are cut as `layout.py` says;
NengoLoihi's own way is used for all other blocks, and where the user has given a
`nengo_loihi.BlockShape`, to cut along it.
"""

from collections import OrderedDict, defaultdict

import numpy as np
from nengo_loihi.block import LoihiBlock
from nengo_loihi.builder.split_blocks import (
    IndicesList,
    split_block,
    split_block_axons,
    split_input_axons,
    split_probe,
    split_synapse,
)

from nengo_lmu.loihi.builder.headroom import expected_currents
from nengo_lmu.loihi.builder.layout import Layout, Rows, choose_layout
from nengo_lmu.loihi.builder.ours import blocks_of_memories, is_plain, ours, sent_by_us


def split_model(model):
    """Cut the blocks of a model so that each fits on a core, in place.

    In the place of NengoLoihi's function of that name.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        In floating point.

    Returns
    -------
    block_map : {LoihiBlock: {LoihiBlock: IndicesList}}
        The pieces of each block, and which of its neurons they have.
    """
    our_blocks = _our_blocks(model)
    memory_of = blocks_of_memories(model)
    currents = expected_currents(model)
    for block in our_blocks:
        _merge_synapses(model, block)
    block_map, synapse_map = OrderedDict(), {}
    for block in model.blocks:
        if block in our_blocks:
            pieces, synapses = _lay_out(model, block, memory_of.get(block))
        else:
            pieces, synapses = _split_as_nengo_loihi(model, block)
        block_map[block] = pieces
        synapse_map.update(synapses)

    for block in model.blocks:
        split_block_axons(block, block_map, synapse_map)
    for spike_input in model.inputs:
        split_input_axons(spike_input, block_map, synapse_map)
    for probe in model.probes:
        split_probe(probe, block_map, synapse_map, validate=model.validation_level)
    bernoulli = ours(model).bernoulli
    for block in [block for block in block_map if block in bernoulli]:
        bernoulli.update(block_map[block])
    for block, memory in memory_of.items():
        last = memory.populations.begin_last
        ours(model).begin_last.update(_cut_along(block_map[block], last))
    for block, largest in currents.items():
        ours(model).currents.update(_cut_along(block_map[block], largest))
    pieces = [piece for pieces in block_map.values() for piece in pieces]
    model.blocks = OrderedDict((piece, i) for i, piece in enumerate(pieces))
    for parts in model.objs.values():
        for name, part in parts.items():
            if part in block_map:
                parts[name] = list(block_map[part])
    return block_map


def _our_blocks(model):
    """Return the blocks of Bernoulli neurons, and those that read them or an input."""
    bernoulli, read = ours(model).bernoulli, sent_by_us(model)
    return {
        block
        for block in model.blocks
        if all(map(is_plain, block.synapses))
        and (block in bernoulli or not read.isdisjoint(block.synapses))
    }


def _split_as_nengo_loihi(model, block):
    pieces = split_block(block, model.block_shapes, validate=model.validation_level)
    if len(pieces) == 1:
        return pieces, {synapse: None for synapse in block.synapses}
    return pieces, {
        synapse: split_synapse(block, synapse, pieces, validate=model.validation_level)
        for synapse in block.synapses
    }


def _merge_synapses(model, block):
    """Add up the weights from the same neurons, which would take an axon each."""
    sources = [*model.blocks, *model.inputs]
    feeds = defaultdict(list)
    for source in sources:
        for axon in source.axons:
            feeds[axon.target].append((source, axon))
    kept = {}
    for synapse in list(block.synapses):
        if len(feeds[synapse]) != 1 or synapse.axon_to_weight_map is not None:
            continue
        ((source, axon),) = feeds[synapse]
        if source not in model.blocks:
            continue
        key = (source, _as_bytes([axon.compartment_map]), _as_bytes(synapse.indices))
        if key not in kept:
            kept[key] = synapse
            continue
        for total, more in zip(kept[key].weights, synapse.weights):
            total += more
        source.axons.remove(axon)
        block.synapses.remove(synapse)


def _as_bytes(arrays):
    return b"".join(b"" if a is None else np.asarray(a).tobytes() for a in arrays)


def _lay_out(model, block, memory):
    """Cut a block of ours into pieces; return them and the pieces of its synapses."""
    gain = np.ones(block.n_neurons) if memory is None else memory.populations.gain
    rows = [Rows(synapse, block, gain) for synapse in block.synapses]
    shape = model.block_shapes.get(block, None)
    if shape is not None:
        blocks = split_block(block, model.block_shapes, validate=model.validation_level)
        pieces = [np.asarray(neurons.list) for neurons in blocks.values()]
        layout = Layout(rows, np.zeros(block.n_neurons, dtype=int), pieces)
    else:
        probed = any(
            block in probe.target and probe.slice != [slice(None)]
            for probe in model.probes
        )
        layout = choose_layout(block, rows, memory, probed)
        blocks = _cut(block, layout.pieces)

    old = list(block.synapses)
    block.synapses, block.named_synapses = [], {}
    synapses = {synapse: OrderedDict() for synapse in old}
    for piece, parts in zip(blocks, layout.parts):
        versions = max(layout.versions(parts), 1)
        for synapse, part in zip(old, parts):
            for new, axons in part.synapses(versions).items():
                piece.add_synapse(new)
                synapses[synapse][new] = axons
    return blocks, synapses


def _cut_along(pieces, values):
    """Return the values of the neurons of each piece of a block."""
    return {piece: values[neurons.list] for piece, neurons in pieces.items()}


def _cut(block, pieces):
    """Return a block for each piece; the block itself if there is one only."""
    if len(pieces) == 1:
        return OrderedDict([(block, IndicesList(pieces[0].tolist()))])
    blocks = OrderedDict()
    for neurons in pieces:
        label = f"{block.label}[{neurons.min()}:{neurons.max() + 1}]"
        piece = LoihiBlock(len(neurons), label=label)
        for name, value in vars(block.compartment).items():
            if np.shape(value) == (block.n_neurons,):
                value = value[neurons].copy()
            if name not in ("n_compartments", "label"):
                setattr(piece.compartment, name, value)
        blocks[piece] = IndicesList(neurons.tolist())
    return blocks
