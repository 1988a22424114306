"""How large the currents of neurons on the chip will be, before any of them flows.

A current of the chip has 23 bits and a sign. What is beyond wraps around: a neuron that
should be silent spikes in each step, and all that it leads to is wrong. So the scale of
a block is chosen by the largest current that is to be expected in it.

A memory's neurons are given its state. The theory knows the covariances of the states
of a typical input and of their noise; other neurons that read the memory are given
linear functions of the same state.
"""

import numpy as np
from nengo_loihi.builder.discretize import U_BITS

from nengo_lmu.legendre.statistics import variance_along
from nengo_lmu.loihi.builder.ours import blocks_of_memories, is_plain

# A current has to be below this.
LARGEST_CURRENT = 2**U_BITS - 1

# Currents are to fit up to so many standard deviations. Those of a Gaussian are beyond
# once in 500 million steps; those of digits, which are not, seldom are.
DEVIATIONS = 6


def expected_currents(model):
    """Return the largest currents to be expected, of blocks where they are known.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        In floating point, before its blocks are cut into pieces.

    Returns
    -------
    currents : {nengo_loihi.block.LoihiBlock: (n_neurons,) ndarray}
        Absolute values, in units of the neurons' input, without their bias. Those of
        other neurons are what they are given by memories; what else leads to them is
        not known.
    """
    variances = {}
    for block, memory in blocks_of_memories(model).items():
        p = memory.populations
        covariance = _covariance(memory)
        # each neuron is given the dimension that it takes part in
        state = np.repeat(np.diag(covariance), p.counts)
        variances[block] = p.gain**2 * state
        for axon in block.axons:
            reader = _block_of(model, axon.target)
            if reader is not block and is_plain(axon.target):
                read = variance_along(_read(model, block, axon, p).T, covariance)
                variances[reader] = variances.get(reader, 0.0) + read
    return {
        block: DEVIATIONS * np.sqrt(variance) for block, variance in variances.items()
    }


def _covariance(memory):
    """Return the covariance of what a memory's populations are given, with noise."""
    T_inverse = np.linalg.inv(memory.realization.T)
    covariance = memory.statistics.covariance + memory.noise_covariance
    return np.kron(np.eye(memory.size_in), T_inverse @ covariance @ T_inverse.T)


def _block_of(model, synapse):
    return next(block for block in model.blocks if synapse in block.synapses)


def _read(model, block, axon, populations):
    """Return what each dimension's ``x = 1`` adds to the currents of another block.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    block : nengo_loihi.block.LoihiBlock
        Of a memory.
    axon : nengo_loihi.block.Axon
        Of that block.
    populations : Populations
        Of the memory.

    Returns
    -------
    read : (n_dims, n_neurons) ndarray
    """
    synapse = axon.target
    read = np.zeros((len(populations.counts), _block_of(model, synapse).n_neurons))
    neurons = np.arange(block.n_neurons)
    dimension = np.repeat(np.arange(len(populations.counts)), populations.counts)
    for neuron, target in zip(neurons, axon.map_axon(neurons)):
        if target < 0:
            continue
        weights, indices = synapse.axon_weights_indices(target)
        # a spike a step is x for a neuron's weight times 1 / dt, and that is 1 / n
        share = 1 / populations.counts[dimension[neuron]]
        slope = model.dt / populations.weights[neuron]
        read[dimension[neuron], indices] += share * slope * weights
    return read
