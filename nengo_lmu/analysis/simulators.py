"""Neurons and simulators of measurements, by name."""

import warnings

import nengo
import numpy as np

NEURON_TYPES = {
    "poisson": nengo.PoissonSpiking(nengo.RectifiedLinear()),
    "stochastic": nengo.StochasticSpiking(nengo.RectifiedLinear()),
    "regular": nengo.SpikingRectifiedLinear(),
    "lif": nengo.LIF(),
    "poisson-lif": nengo.PoissonSpiking(nengo.LIFRate()),
    "adaptive-lif": nengo.AdaptiveLIF(),
    "izhikevich": nengo.Izhikevich(),
    "sigmoid": nengo.Sigmoid(),
    "tanh": nengo.Tanh(),
    "poisson-sigmoid": nengo.PoissonSpiking(nengo.Sigmoid()),
}


# Neurons that integrate start at a random voltage in Nengo, but at rest on Loihi.
AT_REST = {"voltage": nengo.dists.Choice([0])}


ON_CHIP = NEURON_TYPES | {
    "regular": nengo.SpikingRectifiedLinear(initial_state=AT_REST),
    "lif": nengo.LIF(initial_state=AT_REST),
}


# Each has a target of `nengo_loihi.Simulator`, which emulates the chip, or none.
SIMULATORS = {"reference": None, "floating point": "simreal", "fixed point": "sim"}


def make_simulator(setting, network, tau, seed):
    """Make the simulator of a measurement.

    Parameters
    ----------
    setting : Setting
    network : nengo.Network
    tau : float
        Time constant of the memory's synapse (seconds).
    seed : int

    Returns
    -------
    simulator : nengo.Simulator or nengo_loihi.Simulator

    Raises
    ------
    ImportError
        For the emulator, if NengoLoihi is not installed.
    """
    if setting.simulator == "reference":
        # A model of our own has no decoder cache: nothing is written to the user's,
        # and the time to build does not depend on it.
        model = nengo.builder.Model(dt=setting.dt)
        with warnings.catch_warnings():
            # Nengo merges the ensembles of other recipes. What it warns of is the rates
            # that Poisson neurons keep in between, which it merges just as well.
            warnings.filterwarnings("ignore", "Extra state has been", UserWarning)
            return nengo.Simulator(
                network, dt=setting.dt, seed=seed, model=model, progress_bar=False
            )
    import nengo_loihi

    model = nengo_loihi.builder.Model(dt=setting.dt)
    if setting.recipe == "notebook":
        model.decode_tau = tau
    with warnings.catch_warnings():
        # It warns of the chip's rates, and in other recipes of bits that weights lose:
        # both are part of what is measured.
        warnings.filterwarnings("ignore", ".*less accurate on Loihi", UserWarning)
        if setting.recipe != "default":
            warnings.simplefilter("ignore", UserWarning)
        return nengo_loihi.Simulator(
            network,
            dt=setting.dt,
            seed=seed,
            model=model,
            target=SIMULATORS[setting.simulator],
        )


def spike_counter(ensembles, dt):
    """Make a node that counts spikes on the way, which would fill gigabytes.

    Parameters
    ----------
    ensembles : list of nengo.Ensemble
    dt : float
        Time step (seconds).

    Returns
    -------
    spikes : nengo.Node
        How many there were so far, of all their neurons.
    """
    spikes = nengo.Node(size_in=1, label="spikes so far")
    nengo.Connection(spikes, spikes, synapse=0)
    for ensemble in ensembles:
        nengo.Connection(
            ensemble.neurons,
            spikes,
            transform=np.full((1, ensemble.n_neurons), dt),
            synapse=None,
        )
    return spikes
