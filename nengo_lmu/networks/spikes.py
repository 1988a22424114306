"""The noise that spikes leave behind a synapse, by the rate of a neuron."""

import nengo
import numpy as np

# A regularly spiking neuron may be at so many phases of its interval, for all the steps
# that a synapse remembers.
_PHASES_AND_STEPS = 2**15

# A synapse has forgotten a spike of which no more is left than this.
_FORGOTTEN = 1e-4


def spike_variance(neuron_type, rates, synapse, dt):
    """Return the variance of what comes out of a synapse for the spikes of a neuron.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Neurons that draw their spikes from a rate are independent from step to step.
        Others are taken to spike at regular intervals, wherever they are in one; those
        that do not spike have no noise.
    rates : (n,) array_like
        Constant ones, in hertz.
    synapse : nengo.synapses.Synapse or None
    dt : float
        Time step (seconds).

    Returns
    -------
    variance : (n,) ndarray
        Of spikes that are ``1 / dt`` high, as Nengo's are with an amplitude of 1. For
        Poisson neurons and `nengo.Lowpass` it is about ``rates / (2 tau)``.

    Examples
    --------
    >>> from nengo_lmu.networks.spikes import spike_variance
    >>> poisson = nengo.PoissonSpiking(nengo.RectifiedLinear())
    >>> spike_variance(poisson, [100.0], nengo.Lowpass(0.1), 0.001).round(1)
    array([500.])
    """
    rates = np.abs(np.asarray(rates, dtype=float))
    if not neuron_type.spiking:
        return np.zeros_like(rates)
    response = _response(synapse, dt)
    if isinstance(neuron_type, nengo.PoissonSpiking):
        return rates / dt * np.sum(response**2)
    if isinstance(neuron_type, nengo.StochasticSpiking):
        part = rates * dt % 1
        return part * (1 - part) / dt**2 * np.sum(response**2)
    n_phases = max(32, _PHASES_AND_STEPS // len(response))
    phases = (np.arange(n_phases)[:, np.newaxis] + 0.5) / n_phases
    ends = np.arange(len(response) + 1)

    def counts(rate):
        return np.diff(np.floor(phases + rate * dt * ends))

    return np.array([np.var(counts(rate) @ response) for rate in rates]) / dt**2


def _response(synapse, dt):
    """Return what a synapse makes of an impulse, until it has forgotten it."""
    if synapse is None:
        return np.ones(1)
    n = 64
    while True:
        response = synapse.filt(np.eye(n, 1), dt=dt, y0=0)[:, 0]
        total = np.cumsum(np.abs(response))
        if total[n // 2] > (1 - _FORGOTTEN) * total[-1] > 0:
            return response
        n *= 2
