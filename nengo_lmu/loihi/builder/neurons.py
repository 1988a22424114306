"""Poisson neurons on Loihi.

A compartment whose voltage decays fully in each step and to which uniform noise on
``[-N, N]`` is added, with a threshold of ``N``, spikes in a step with probability
``J / (2 N)`` for an input ``J`` between 0 and ``2 N``. With ``N = 1 / (2 dt)`` that is
``J dt``: a Bernoulli neuron with a linear rate of ``J`` hertz, which is what Poisson
neurons with a rectified linear rate are at steps much shorter than their intervals.

Neurons that integrate are built by NengoLoihi. They start with a voltage of 0 on Loihi,
where Nengo starts them with random ones unless told otherwise. Their intervals are
whole steps there, so that their rates are below what the decoders of a memory assume.
"""

import warnings

import nengo
import numpy as np
from nengo.exceptions import BuildError
from nengo_loihi import LoihiLIF, LoihiSpikingRectifiedLinear
from nengo_loihi.builder.ensemble import build_lif, build_regularspiking, build_relu

from nengo_lmu.loihi.builder.ours import is_in, ours
from nengo_lmu.networks import LMU, LegendreMemory

# NengoLoihi builds neurons that have a voltage to start with so.
INTEGRATING = {
    nengo.LIF: build_lif,
    nengo.RegularSpiking: build_regularspiking,
    nengo.SpikingRectifiedLinear: build_relu,
}


def build_bernoulli_neurons(model, neuron_type, neurons, block):
    """Build Poisson or stochastic neurons with a rectified linear rate.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    neuron_type : nengo.PoissonSpiking or nengo.StochasticSpiking
    neurons : nengo.ensemble.Neurons
    block : nengo_loihi.block.LoihiBlock

    Raises
    ------
    nengo.exceptions.BuildError
        If the rate is not rectified linear, or not in units of hertz.
    """
    name = type(neuron_type).__name__
    base = neuron_type.base_type
    if type(base) is not nengo.RectifiedLinear:
        raise BuildError(
            f"{neurons}: {name} neurons with {type(base).__name__} as their base type "
            "cannot be simulated on Loihi, whose noisy compartments have a rectified "
            f"linear rate; use nengo.{name}(nengo.RectifiedLinear()), or keep the "
            "ensemble off the chip with net.config[ensemble].on_chip = False"
        )
    if base.amplitude != 1:
        raise BuildError(
            f"{neurons}: the base type of {name} neurons has amplitude="
            f"{base.amplitude:g}, which Loihi cannot simulate, since it changes their "
            f"rates; set amplitude on {name} itself, or scale max_rates or gain"
        )

    threshold = 1 / (2 * model.dt)
    compartment = block.compartment
    compartment.decay_v[:] = 1.0
    compartment.scale_v = False
    compartment.vth[:] = threshold
    compartment.vmin = 0
    compartment.vmax = np.inf
    compartment.refract_delay[:] = 1  # 1 is none at all on Loihi
    compartment.enable_noise[:] = True
    compartment.noise_at_membrane = 1
    compartment.noise_offset = 0
    compartment.noise_exp = np.log10(threshold)
    ours(model).bernoulli.add(block)


def build_integrating_neurons(model, neuron_type, neurons, block):
    """Build neurons as NengoLoihi does, which start at a voltage of 0 on the chip.

    NengoLoihi warns of other initial voltages. It is right to where a user has asked
    for them; Nengo's random default is nobody's wish for the neurons of an LMU. What
    users of an LMU need to know instead, since there are better neurons on the chip, is
    where a memory has other rates there than its decoders assume.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    neuron_type : nengo.LIF, nengo.RegularSpiking or nengo.SpikingRectifiedLinear
    neurons : nengo.ensemble.Neurons
    block : nengo_loihi.block.LoihiBlock
    """
    build = next(INTEGRATING[c] for c in type(neuron_type).__mro__ if c in INTEGRATING)
    with warnings.catch_warnings():
        ours = is_in((LMU, LegendreMemory), model, neurons.ensemble)
        if neuron_type.initial_state is None and ours:
            warnings.filterwarnings("ignore", ".*does not support initial values")
        build(model, neuron_type, neurons, block)
    own = isinstance(neuron_type, (LoihiLIF, LoihiSpikingRectifiedLinear))
    if not own and is_in(LegendreMemory, model, neurons.ensemble):
        _warn_of_rates(neuron_type, neurons.ensemble)


def _warn_of_rates(neuron_type, ensemble):
    """Say that the chip has other rates than the decoders of a memory assume."""
    name = type(neuron_type).__name__
    problem = f"intervals of {name} neurons are whole time steps there"
    if isinstance(neuron_type, nengo.AdaptiveLIF):
        problem += ", and they do not adapt"
    base = getattr(neuron_type, "base_type", neuron_type)
    lif = isinstance(base, nengo.LIFRate)
    better = "LIF" if lif else "SpikingRectifiedLinear"
    warnings.warn(
        f"{ensemble}: this memory is less accurate on Loihi than elsewhere: {problem}, "
        "so that their rates are not those that its decoders are made for; use the "
        "default, Poisson neurons, which are the most accurate on the chip, or "
        f"nengo_loihi.Loihi{better}, which has the chip's rates everywhere",
        stacklevel=2,
    )
