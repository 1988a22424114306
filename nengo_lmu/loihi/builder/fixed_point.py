"""The chip's integers for Bernoulli neurons.

The chip adds noise of ``x * 2^k`` with ``x`` a whole number in [-127, 127]. For rates
that are right, three things have to fit together:

- The threshold has to be ``127.5 * 2^k``. Then ``J`` hertz, ``255 J dt`` levels of
  ``2^k``, make ``round(255 J dt)`` of the 255 values of ``x`` cross it. NengoLoihi
  scales voltages by the largest weight, which leaves the two apart by up to 40 %.
- The sum of current, noise and bias has to stay below 2^23, or it overflows.
- Levels and weights have to be fine enough. A level is 4 hertz at ``dt`` = 1 ms, so
  each neuron's bias is moved by a different fraction of a level: over a population the
  staircase becomes a straight line. Weights are rounded together, so that over a
  population they add up to what they should (`nengo_lmu.loihi.builder.rounding`).
"""

from contextlib import contextmanager

import numpy as np
from nengo.exceptions import BuildError
from nengo_loihi.block import SynapseConfig
from nengo_loihi.builder.discretize import (
    BIAS_MAX,
    Q_BITS,
    VTH_MAX,
    decay_magnitude,
    discretize_block,
    discretize_compartment,
    discretize_probe,
    discretize_weights,
)
from nengo_loihi.builder.network import build_network as build_float_network
from nengo_loihi.builder.validate import validate_model

from nengo_lmu.loihi.builder.decays import stored_decay
from nengo_lmu.loihi.builder.headroom import LARGEST_CURRENT
from nengo_lmu.loihi.builder.on_chip import as_on_chip
from nengo_lmu.loihi.builder.ours import is_plain, memories_on_chip, ours, sent_by_us
from nengo_lmu.loihi.builder.rounding import round_rows
from nengo_lmu.loihi.resources import warn_of_currents
from nengo_lmu.loihi.told import Saturation

# The largest k gives a threshold of 2^21, so that with noise of the same size a current
# of twice the one that makes a neuron spike in each step does not reach 2^23.
LARGEST_LEVEL = 14

# The input of a step has 21 bits. What has to fit is the sum of all absolute weights
# times this fraction: twice as many neurons as fire at 250 hertz, all of one sign.
BUSY_FRACTION = 0.5

# The smallest k for which 127.5 * 2^k is a multiple of 2^6, as thresholds have to be.
SMALLEST_LEVEL = 7

# A core has so many different thresholds.
_THRESHOLDS = 16

# Weights have 7 bits and a sign; with excitatory and inhibitory ones in one synapse,
# the least step is 2^(7 + weight_exp), and none of it is lost from weight_exp = -1 on.
# The largest weight, 127 * 2^14, just fits into the 21 bits of the synaptic input.
WEIGHT_MAX = 127
WEIGHT_EXPONENTS = range(-1, 8)


def build_network(
    model, network, precompute=None, remove_passthrough=True, discretize=True
):
    """Build a network as NengoLoihi does, but for the integers of Bernoulli neurons.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    network : nengo.Network
    precompute, remove_passthrough, discretize : bool
        As for `nengo_loihi.builder.network.build_network`.
    """
    options = {
        "precompute": precompute,
        "remove_passthrough": remove_passthrough,
        "discretize": False,
    }
    if model.toplevel is not None:
        build_float_network(model, network, **options)
        return
    record = ours(model)
    record.whole_decays = discretize
    with as_on_chip(network, model.dt) as record.without_feedback:
        build_float_network(model, network, **options)
    record.saturation = [
        Saturation(
            memory.input.owner,
            {
                # Of pieces that others have cut, all neurons are looked at.
                piece.compartment: record.begin_last.get(piece, slice(None))
                for ensemble in memory.ensembles
                for piece in model.objs[ensemble]["in"]
            },
        )
        for memory in memories_on_chip(network, model.split.on_chip)
    ]
    if discretize:
        discretize_model(model)
        validate_model(model)
        warn_of_currents(model)


def discretize_model(model):
    """Turn the floating-point blocks of a model into integer ones, in place."""
    bernoulli, read = ours(model).bernoulli, sent_by_us(model)
    currents = ours(model).currents
    v_scale = {}
    for block in model.blocks:
        expected = currents.get(block, 0.0)
        with _weights_that_fit(block):
            if block in bernoulli:
                v_scale[block] = discretize_bernoulli_block(block, model.dt, expected)
            elif read.isdisjoint(block.synapses) or not all(
                map(is_plain, block.synapses)
            ):
                v_scale[block] = discretize_block(block)
            else:
                v_scale[block] = discretize_receiving_block(block)
        if block in currents:
            currents[block] = _as_integers(block.compartment, expected)
    for probe in model.probes:
        for i, block in enumerate(probe.target):
            discretize_probe(probe, i, v_scale[block])


@contextmanager
def _weights_that_fit(block):
    """Say what to do where NengoLoihi finds no common scale for a block."""
    largest = max((synapse.max_abs_weight() for synapse in block.synapses), default=0)
    bias = np.abs(block.compartment.bias).max()
    try:
        yield
    except BuildError as error:
        if "weight exponent" not in str(error):
            raise
        raise BuildError(
            f"{error}: the largest weight that leads to it, {largest:.3g}, is too "
            f"small beside its thresholds and its largest bias, {bias:.3g}, to be a "
            "whole number on Loihi too; give it larger weights (the kernels of an "
            "LMU), or a smaller bias (hidden_bias), or keep it off the chip with "
            "net.config[ensemble].on_chip = False"
        ) from error


def _as_integers(compartment, currents):
    """Return the largest currents of an integer block, with its biases and noise."""
    scale = np.ravel(compartment.discretize_info["b_scale"])[0]
    noise = 2.0**compartment.noise_exp * np.any(compartment.enable_noise)
    return currents * scale + np.abs(compartment.bias) + noise


def discretize_receiving_block(block):
    """Turn a block of other neurons that read a memory into an integer one, in place.

    Each spike of a memory has little effect on a neuron that reads it, so the weights
    have few bits, all neurons of a population the same ones. NengoLoihi rounds them all
    in the same way, and warns that it has "lost extra bits"; here the errors cancel.

    Parameters
    ----------
    block : nengo_loihi.block.LoihiBlock

    Returns
    -------
    v_scale : float
        Integer voltage for a voltage of 1.
    """
    w_max = max(synapse.max_abs_weight() for synapse in block.synapses)
    info = discretize_compartment(block.compartment, w_max)
    scale = np.ravel(info["w_scale"])[0] * SynapseConfig.get_scale(info["w_exp"])
    for synapse in block.synapses:
        _discretize_synapse(synapse, scale)
    return info["v_scale"]


def discretize_bernoulli_block(block, dt, currents=0.0):
    """Turn a floating-point block of Bernoulli neurons into an integer one, in place.

    Parameters
    ----------
    block : nengo_loihi.block.LoihiBlock
    dt : float
        Time step (seconds).
    currents : float or (n_neurons,) ndarray
        The largest that are expected (hertz).

    Returns
    -------
    v_scale : float
        Integer voltage for one hertz.
    """
    compartment = block.compartment
    current_gain = _current_gain(compartment)
    level = _largest_level(block, current_gain, dt, currents)
    v_scale = 255 * dt * 2.0**level
    # Each neuron gets a fraction of a level; multiples of the golden ratio spread
    # evenly over any run of neighbours, and so over each population.
    spread = _fractions(block.n_neurons) - 0.5
    compartment.bias[:] += (spread * 2.0**level + _lost(compartment)) / v_scale
    # NengoLoihi derives v_scale from the largest weight: this one leads to ours, with
    # its own idea of the gain, of single spikes that fade away
    w_max = 255 * 2**6 * _gain_of_one_spike(compartment) / v_scale
    info = discretize_compartment(compartment, w_max)
    if not np.isclose(info["v_scale"], v_scale, rtol=1e-6):
        raise BuildError(
            f"{block}: the voltage scale is {info['v_scale']:g} instead of "
            f"{v_scale:g}; this version of nengo-loihi scales voltages in another way "
            "than the versions tested with nengo-lmu"
        )
    for synapse in block.synapses:
        _discretize_synapse(synapse, v_scale / current_gain)
    return v_scale


def _largest_level(block, current_gain, dt, currents):
    """Return the largest k at which biases, currents and a busy step's input fit.

    Biases that do not fit at the level that all else does are made smaller, and their
    neurons' thresholds larger instead.
    """
    compartment = block.compartment
    busy = np.zeros(block.n_neurons)
    for synapse in block.synapses:
        for axon in range(synapse.n_axons if synapse.pop_type == 0 else 0):
            weights, indices = synapse.axon_weights_indices(axon)
            busy[indices] += BUSY_FRACTION * np.abs(weights)
    for level in range(LARGEST_LEVEL, SMALLEST_LEVEL - 1, -1):
        v_scale = 255 * dt * 2.0**level
        input_fits = busy.max() * v_scale / current_gain < 2**Q_BITS
        current = np.max(np.abs(compartment.bias) + currents) + 0.5 / dt
        current_fits = current * v_scale <= LARGEST_CURRENT
        if not (input_fits and current_fits) and level > SMALLEST_LEVEL:
            continue
        # a large scale is for currents that are known to fit
        if _biases_fit(compartment, v_scale, dt, may_raise=np.ndim(currents) > 0):
            return level
    largest_bias = np.abs(compartment.bias).max() + 0.5 / (255 * dt)
    raise BuildError(
        f"{block}: the largest bias, {largest_bias:g} Hz, does not fit on Loihi; "
        f"keep biases below {BIAS_MAX / (255 * dt * 2.0**SMALLEST_LEVEL):g} Hz"
    )


def _biases_fit(compartment, v_scale, dt, may_raise):
    """Make biases fit by larger thresholds, as far as that is possible; say whether.

    A neuron with a bias of ``-b`` spikes as one whose threshold is larger by ``b``. A
    core has few different thresholds, so they are whole multiples of some hertz.
    """
    spare = 0.5 / (255 * dt)  # by which biases will be spread

    def fit(bias):
        return (np.abs(bias).max() + spare) * v_scale <= BIAS_MAX

    if fit(compartment.bias) or not may_raise:
        return bool(fit(compartment.bias))
    most = max(1 - compartment.bias.min() * dt, 1)
    step = np.ceil(most / _THRESHOLDS) / dt
    raised = step * np.floor(np.maximum(-compartment.bias, 0) / step)
    largest = (compartment.vth + raised).max() * v_scale
    if not fit(compartment.bias + raised) or largest > VTH_MAX:
        return False
    compartment.bias[:] += raised
    compartment.vth[:] += raised
    return True


def _current_gain(compartment):
    """Return the sum of the current that a unit input leaves in the chip's decay.

    Among many others: what rounding takes from all of them is made up for by a bias.
    """
    if not compartment.scale_u:
        return 1.0
    return float(2**12 / (stored_decay(compartment.decay_u)[0] + 1))


def _gain_of_one_spike(compartment):
    if not compartment.scale_u:
        return 1.0
    stored = stored_decay(compartment.decay_u)
    return float(decay_magnitude(stored, x0=2**21, offset=1)[0])


def _lost(compartment):
    """Return what rounding towards zero takes from a steady current of the chip.

    Half a unit a step, which adds up to that over the decay. For a synapse of seconds
    it is a small part of the current, but a memory's state loses it in each step of its
    window. Neurons that are active have a current above zero.
    """
    if not compartment.scale_u:
        return 0.0
    decay = (stored_decay(compartment.decay_u) + 1) / 2**12
    return np.where(decay < 1, 0.5 / decay, 0.0)


def _fractions(n):
    return np.arange(1, n + 1) * (np.sqrt(5) - 1) / 2 % 1


def _discretize_synapse(synapse, scale):
    """Round weights to integers, with the least exponent that the largest allows."""
    largest = synapse.max_abs_weight() * scale
    for exponent in WEIGHT_EXPONENTS:
        step = 2.0 ** (7 + exponent)
        if largest <= WEIGHT_MAX * step:
            break
    else:
        raise BuildError(
            f"{synapse}: a weight of {largest / scale:g} is too large for Loihi; "
            "lower the gain of the neurons, or use more of them"
        )
    synapse.format(weight_exp=exponent)
    exact = [weights * (scale / step) for weights in synapse.weights]
    rows = [synapse.axon_weight_idx(axon) for axon in range(synapse.n_axons)]
    n_axons = np.bincount(rows, minlength=len(exact))
    rounded = round_rows(exact, synapse.indices, n_axons)
    # NengoLoihi counts mixed-sign weights in half steps
    synapse.weights = [
        discretize_weights(synapse.synapse_cfg, 2 * np.clip(w, -WEIGHT_MAX, WEIGHT_MAX))
        for w in rounded
    ]
