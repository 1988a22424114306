"""What of a network and of its model on the chip is ours: marked when it is built."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from nengo_loihi.splitter import HostChipSplit

from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.members import members


@dataclass
class Ours:
    """What is known of a model since it was built.

    Attributes
    ----------
    whole_decays : bool
        Whether decays are those of the chip, which are whole numbers.
    in_time : set of LegendreMemory
        Whose recurrent connection has had its matrix made for these decays.
    cut_off : dict
        From input nodes to nodes on the host that keep within their range what enters.
    without_feedback : list
        `nengo_lmu.loihi.builder.on_chip.LeftOut` of memories.
    saturation : list of nengo_lmu.loihi.told.Saturation
        Of memories.
    bernoulli : set of nengo_loihi.block.LoihiBlock
        Of neurons that draw their spikes, and the pieces of these.
    inputs : dict
        From inputs of the chip with spikes of ours to the input node that they are
        from, and which of its dimensions they carry.
    currents : dict
        From pieces of blocks to the largest currents to be expected in them
        (`nengo_lmu.loihi.builder.headroom`): in units of the neurons' input, then in
        those of the chip, with biases and noise.
    begin_last : dict
        From pieces of memories to whether each neuron is one of those that are the last
        of their population to begin.
    """

    whole_decays: bool = False
    in_time: set = field(default_factory=set)
    cut_off: dict = field(default_factory=dict)
    without_feedback: list = field(default_factory=list)
    saturation: list = field(default_factory=list)
    bernoulli: set = field(default_factory=set)
    inputs: dict = field(default_factory=dict)
    currents: dict = field(default_factory=dict)
    begin_last: dict = field(default_factory=dict)


_OURS = WeakKeyDictionary()


def ours(model):
    """Return what is ours of a `nengo_loihi.builder.Model`."""
    return _OURS.setdefault(model, Ours())


def memories_on_chip(network, on_chip=None):
    """Return the memories of a network whose neurons are on the chip.

    Parameters
    ----------
    network : nengo.Network
    on_chip : callable, optional
        Whether an ensemble is there, where a `nengo_loihi.splitter.HostChipSplit` has
        been made already.

    Returns
    -------
    memories : list of LegendreMemory
    """
    memories = members(network, LegendreMemory)
    if memories and on_chip is None:
        on_chip = HostChipSplit(network).on_chip
    return [memory for memory in memories if any(map(on_chip, memory.ensembles))]


def memory_of(model, ensemble):
    """Return the memory that an ensemble on the chip is the neurons of, or None."""
    for memory in memories_on_chip(model.toplevel, model.split.on_chip):
        if ensemble in memory.ensembles:
            return memory
    return None


def is_in(classes, model, ensemble):
    """Whether an ensemble is one of a network of some class."""
    return any(
        ensemble in network.ensembles for network in members(model.toplevel, classes)
    )


def blocks_of_memories(model):
    """Return the memories whose neurons are on the chip, by their blocks."""
    return {
        model.objs[ensemble.neurons]["in"]: memory
        for memory in memories_on_chip(model.toplevel, model.split.on_chip)
        for ensemble in memory.ensembles
    }


def sent_by_us(model):
    """Return the synapses that neurons which draw their spikes, or inputs, lead to."""
    # an input's spikes are ours if `connections` has made them
    from nengo_lmu.loihi.builder.connections import InputSpikes

    inputs = [source for source in model.inputs if isinstance(source, InputSpikes)]
    sources = [*ours(model).bernoulli, *inputs]
    return {axon.target for source in sources for axon in source.axons}


def is_plain(synapse):
    """Whether a synapse neither learns nor has the weights of a convolution."""
    return not synapse.learning and synapse.pop_type == 0
