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

from nengo_lmu.legendre import principle3, state_space
from nengo_lmu.legendre.statistics import variance_along
from nengo_lmu.loihi.builder.input_code import VALUES
from nengo_lmu.loihi.builder.ours import blocks_of_memories, is_plain, ours

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
    currents = {}
    for block, memory in blocks_of_memories(model).items():
        covariance = _covariance(memory)
        p = memory.populations
        # each neuron is given the dimension that it takes part in
        currents[block] = p.gain * np.sqrt(np.repeat(np.diag(covariance), p.counts))
        readers = {_block_of(model, axon.target) for axon in block.axons} - {block}
        for reader in readers:
            if all(map(is_plain, reader.synapses)):
                deviation = _deviation(model, memory, block, reader, covariance)
                currents[reader] = np.hypot(currents.get(reader, 0.0), deviation)
    return {block: DEVIATIONS * deviation for block, deviation in currents.items()}


def _covariance(memory):
    """Return the covariance of what a memory's populations are given, with noise."""
    T_inverse = np.linalg.inv(memory.realization.T)
    covariance = memory.statistics.covariance + memory.noise_covariance
    return np.kron(np.eye(memory.size_in), T_inverse @ covariance @ T_inverse.T)


def _block_of(model, synapse):
    return next(block for block in model.blocks if synapse in block.synapses)


def _deviation(model, memory, block, reader, covariance):
    """Return the standard deviations of what a memory gives to another block.

    That is ``L (C x + D u)``, with the low-pass ``L`` of the memory's synapse, where
    ``x = L (A_h x + B_h u)`` is the state. Units that read the state have ``C = K A_h``
    and ``D = K B_h``, so that they are given ``K x``. Of other weights there is a rest,
    which ``L`` makes no larger.
    """
    C = _from_neurons(model, block, reader, memory.populations)
    D = _from_inputs(model, memory, reader)
    A_h, B_h = memory.realization.to_neurons(
        *principle3(
            *state_space(memory.initial_theta, memory.d),
            memory.synapse,
            memory.dt,
            method=memory.discretization,
        )
    )
    eye = np.eye(memory.size_in)
    system = np.hstack([np.kron(eye, A_h), np.kron(eye, B_h.reshape(-1, 1))])
    given = np.vstack([C, D])
    K = np.linalg.lstsq(system.T, given, rcond=None)[0]
    rest = np.split(given - system.T @ K, [len(C)])
    squares = variance_along(
        rest[0].T, covariance
    ) + memory.statistics.input_rms**2 * np.sum(rest[1] ** 2, axis=0)
    return np.sqrt(variance_along(K.T, covariance)) + np.sqrt(squares)


def _from_neurons(model, block, reader, populations):
    """Return what each dimension's ``x = 1`` adds to the input of a block's neurons."""
    n_dims = len(populations.counts)
    dimension = np.repeat(np.arange(n_dims), populations.counts)
    # a spike in each step is x for a neuron's weight over dt; 1 / n is a neuron's part
    share = model.dt / (populations.weights * populations.counts[dimension])
    added = np.zeros((n_dims, reader.n_neurons))
    for neuron, indices, weights in _weights(block, reader):
        added[dimension[neuron], indices] += share[neuron] * weights
    return added


def _from_inputs(model, memory, reader):
    """Return what an input of 1 adds to the input of a block's neurons."""
    added = np.zeros((memory.size_in, reader.n_neurons))
    for spikes, (node, dimensions) in ours(model).inputs.items():
        if node is memory.input:
            for neuron, indices, weights in _weights(spikes, reader):
                dimension, digit = divmod(neuron, len(VALUES))
                if digit == 0:  # the others say the same
                    one = node.radius * VALUES[digit]
                    added[dimensions[dimension], indices] += weights / one
    return added


def _weights(source, reader):
    """Yield the neurons of a source that lead to a block, with indices and weights."""
    neurons = np.arange(source.n_neurons)
    for axon in source.axons:
        if axon.target in reader.synapses:
            for neuron, target in zip(neurons, axon.map_axon(neurons)):
                if target >= 0:
                    yield neuron, *axon.target.axon_weights_indices(target)[::-1]
