"""The feed-forward channel that was published, to compare memories with."""

import time
from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.legendre.checks import positive, whole


@dataclass(frozen=True)
class ChannelSetting:
    """What one measurement of the feed-forward channel is of.

    The defaults are those of the published experiment.

    Attributes
    ----------
    n_neurons : int
    seed : int
        Of the neurons and their spikes.
    frequency : float
        Of the sine wave (hertz).
    tau : float
        Time constant of the low-pass filter (seconds).
    max_rates : (low, high)
        Of the neurons (hertz).
    periods : int
        Of the wave, how many are measured.
    dt : float
        Time step (seconds).

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For a value that cannot be measured.
    """

    n_neurons: int = 100
    seed: int = 0
    frequency: float = 10.0
    tau: float = 0.001
    max_rates: tuple = (20.0, 40.0)
    periods: int = 1
    dt: float = 0.0001

    def __post_init__(self):
        whole("n_neurons", self.n_neurons, 1)
        whole("seed", self.seed, 0)
        positive("frequency", self.frequency, "of hertz")
        positive("tau", self.tau, "of seconds")
        for rate in self.max_rates:
            positive("max_rates", rate, "of hertz")
        whole("periods", self.periods, 1)
        positive("dt", self.dt, "of seconds")

    @property
    def n_steps(self):
        """(int) Time steps of the simulation."""
        return int(round(self.periods / (self.frequency * self.dt)))

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return self.n_steps * self.n_neurons


def feedforward_channel(setting):
    """Make the channel of [1]_: one ensemble that a sine wave passes through.

    Poisson neurons with the rates of leaky integrate-and-fire neurons. Nothing is fed
    back, so the noise of the spikes adds up nowhere, and there is one dimension only.

    Parameters
    ----------
    setting : ChannelSetting

    Returns
    -------
    network : nengo.Network
        With the nodes ``output`` (decoded and filtered) and ``ideal`` (the wave,
        filtered only).

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.
    """
    omega = 2 * np.pi * setting.frequency
    with nengo.Network(seed=setting.seed) as network:
        wave = nengo.Node(lambda t: np.sin(omega * t), label="sine wave")
        neurons = nengo.Ensemble(
            setting.n_neurons,
            1,
            neuron_type=nengo.PoissonSpiking(nengo.LIFRate()),
            max_rates=nengo.dists.Uniform(*setting.max_rates),
            n_eval_points=1000,
        )
        network.output = nengo.Node(size_in=1, label="output")
        network.ideal = nengo.Node(size_in=1, label="ideal")
        nengo.Connection(wave, neurons, synapse=None)
        nengo.Connection(neurons, network.output, synapse=setting.tau)
        nengo.Connection(wave, network.ideal, synapse=setting.tau)
    return network


def measure_channel(setting):
    """Run the feed-forward channel and compare it with one without neurons.

    Parameters
    ----------
    setting : ChannelSetting

    Returns
    -------
    result : dict of float
        ``window``: root-mean-square difference between the two, relative to the rms of
        the wave that goes in, as for memories; ``build_seconds`` and ``run_seconds``
        of computing time.
    """
    started = time.perf_counter()
    network = feedforward_channel(setting)
    with network:
        probes = [nengo.Probe(node) for node in (network.output, network.ideal)]
    with nengo.Simulator(
        network,
        dt=setting.dt,
        seed=setting.seed,
        model=nengo.builder.Model(dt=setting.dt),  # it has no decoder cache
        progress_bar=False,
    ) as sim:
        built = time.perf_counter()
        sim.run_steps(setting.n_steps)
        decoded, ideal = (np.array(sim.data[probe]) for probe in probes)
    finished = time.perf_counter()
    input_rms = np.sqrt(0.5)
    return {
        "window": float(np.sqrt(np.mean((decoded - ideal) ** 2)) / input_rms),
        "build_seconds": built - started,
        "run_seconds": finished - built,
    }
