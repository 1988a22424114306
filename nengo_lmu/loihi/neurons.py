"""Poisson neurons on Loihi.

A compartment whose voltage decays fully in each step and to which uniform noise on
``[-N, N]`` is added, with a threshold of ``N``, spikes in a step with probability
``J / (2 N)`` for an input ``J`` between 0 and ``2 N``. With ``N = 1 / (2 dt)`` that is
``J dt``: a Bernoulli neuron with a linear rate of ``J`` hertz, which is what Poisson
neurons with a rectified linear rate are at steps much shorter than their intervals.
"""

import nengo
import numpy as np
from nengo.exceptions import BuildError


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
    compartment.refract_delay[:] = 1  # none: the least that NengoLoihi counts with
    compartment.enable_noise[:] = True
    compartment.noise_at_membrane = 1
    compartment.noise_offset = 0
    compartment.noise_exp = np.log10(threshold)


def is_bernoulli(compartment):
    """Whether a floating-point compartment is one of `build_bernoulli_neurons`."""
    return bool(
        np.all(compartment.enable_noise)
        and compartment.noise_at_membrane == 1
        and np.all(compartment.decay_v == 1)
        and np.allclose(compartment.vth, 10.0**compartment.noise_exp)
    )
