"""psMNIST with spikes: a memory of Poisson neurons, and spiking hidden units.

Each pixel is held for some steps. The noise of the memory falls with the number of
spikes that tell of a pixel, that is with neurons x rate x time, and the theory says by
how much: hidden units and scores are trained on ideal states with noise of that
covariance.
"""

from dataclasses import dataclass
from typing import ClassVar

import nengo
import numpy as np

from nengo_lmu.experiments.classifier import network
from nengo_lmu.experiments.psmnist.distortion import distorted
from nengo_lmu.experiments.psmnist.without_time import train_on_states
from nengo_lmu.networks import XavierNormal
from nengo_lmu.series.states import correlated_noise
from nengo_lmu.tasks.mnist import N_PIXELS

# Scores are low-pass filtered, so the states of some time before the end count as well:
# training takes them at so many quantiles of the filter's exponential distribution.
_DELAYS = 8

# Distortions are relative to those without noise, which leave less to be learned.
_DISTORTION = 2 / 3

# The memory is designed for a sample of digits of so many time steps.
_SAMPLE_STEPS = 60 * N_PIXELS

# NengoDL reads so many digits at once.
_MINIBATCH = 100


@dataclass(frozen=True, kw_only=True)
class Settings(network.Settings):
    """Settings of the network.

    They are those of `nengo_lmu.experiments.classifier.network.Settings`; time
    constants are in pixels.
    """

    d: int = 128
    n_neurons: int = 3000
    max_rate: float = 5000.0
    units: int = 600
    hidden: str = "nengo-regular"
    hidden_rate: float = 1000.0
    steps_per_pixel: int = 4
    tau: float = 34.0
    readout_tau: float = 1.5
    epochs: int = 20

    n_pixels: ClassVar[int] = N_PIXELS

    @property
    def tau_unit(self):
        """(float) What time constants are given in: how long a pixel is (seconds)."""
        return self.pixel


class SpikingClassifier(network.SpikingClassifier):
    """The network, with what is needed to train it and to run it.

    Pixels are presented less their mean over the training digits, which leaves less for
    neurons to represent.

    Parameters
    ----------
    settings : Settings
    mnist : nengo_lmu.tasks.mnist.Mnist
    """

    def __init__(self, settings, mnist):
        s = settings
        super().__init__(
            s,
            mnist,
            n_sample=max(_SAMPLE_STEPS // s.n_steps, 10),
            readout=lambda rng, size: XavierNormal().sample(*size, rng=rng),
            hidden_rates=nengo.dists.Choice([s.hidden_rate]),
            bias=True,
            mean=mnist.train.pixels.mean(axis=0),
            hidden_bias=0,
            seed=s.seed,
        )

    def train(self, checkpoint=None, show_progress=None):
        """Train on states with the memory's noise, and Poisson hidden units' own.

        Parameters
        ----------
        checkpoint : str or Path, optional
            File from which a training that was stopped goes on.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        history : dict from str to list of float
            As of `nengo_lmu.experiments.psmnist.without_time.train_on_states`.
        """
        from nengo_lmu.dl import SpikeNoise
        from nengo_lmu.legendre import last_step

        s = self.settings
        matrices = [
            last_step(
                N_PIXELS, s.theta, s.d, s.dt, s.steps_per_pixel, delay=int(delay)
            ).astype(np.float32)
            for delay in s.delays(_DELAYS)
        ]
        covariance = self.lmu.memory.noise_covariance

        def states(split, rng):
            pixels = split.pixels
            if split is not self.digits.validation:
                pixels = distorted(pixels, rng, _DISTORTION)
            # Each digit has another delay than the next.
            m = np.empty((len(split), s.d), np.float32)
            for k, matrix in enumerate(matrices):
                m[k::_DELAYS] = (pixels[k::_DELAYS] - self.mean) @ matrix
            return m + correlated_noise(covariance, len(m), rng, np.float32)

        # What regular spikes leave behind the scores' filter is a few percent.
        noisy = s.hidden == "poisson"
        layer = SpikeNoise(self.lmu.unit, s.readout_tau * s.pixel) if noisy else None
        return train_on_states(
            self,
            self.digits,
            states,
            layer,
            epochs=s.epochs,
            checkpoint=checkpoint,
            description="spiking psMNIST",
            show_progress=show_progress,
        )

    def minibatches(self, n_digits):
        """Return the digits in their order, each to begin at rest."""
        size = min(_MINIBATCH, n_digits)
        return np.arange(n_digits // size * size).reshape(-1, size), False
