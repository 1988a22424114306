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


def low_passed_variance(neuron_type, rates, decay, dt):
    """Return what `spike_variance` has for low-pass filters, for any number of rates.

    In closed form, which is quick and, for spikes that are not drawn, takes no notice
    that they are at whole time steps.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Spikes that are drawn are taken for Poisson spikes; all others for regular ones
        at an unknown time of their interval.
    rates : ndarray
        Hertz.
    decay : float or None
        Of the filter, per step.
    dt : float
        Time step (seconds).

    Returns
    -------
    variance : ndarray
        ``r / dt (1 - a) / (1 + a)`` for a Poisson process. Spikes at intervals of ``T``
        leave ``coth(T / 2 tau)`` times that, less the square of the rate. 0 for neurons
        that do not spike.
    """
    if not neuron_type.spiking:
        return 0.0 * rates
    held = 1.0 if decay is None else (1 - decay) / (1 + decay)
    poisson = rates / dt * held
    if isinstance(neuron_type, (nengo.PoissonSpiking, nengo.StochasticSpiking)):
        return poisson
    steps = 1 / np.maximum(rates * dt, 1e-9)
    left = np.zeros_like(rates) if not decay else decay**steps
    return np.maximum(poisson * (1 + left) / (1 - left) - rates**2, 0.0)


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
