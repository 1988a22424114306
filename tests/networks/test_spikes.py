"""The noise of spikes behind synapses."""

import nengo
import numpy as np
import pytest

from nengo_lmu.networks.spikes import low_passed_variance, spike_variance

DT = 0.001
POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())


@pytest.mark.parametrize("tau", [None, 0.02, 0.1])
@pytest.mark.parametrize(
    "neuron_type, tolerance",
    # Regular spikes of 170 Hz at whole steps are off by up to 3 %.
    [(POISSON, 1e-6), (nengo.LIF(), 0.05), (nengo.RectifiedLinear(), 0.0)],
)
def test_the_closed_form_is_that_of_any_synapse(neuron_type, tolerance, tau):
    rates = np.array([5.0, 50.0, 170.0])
    synapse = None if tau is None else nengo.Lowpass(tau)
    decay = None if tau is None else np.exp(-DT / tau)
    expected = spike_variance(neuron_type, rates, synapse, DT)
    variance = low_passed_variance(neuron_type, rates, decay, DT)
    np.testing.assert_allclose(variance, expected, rtol=tolerance)
