"""psMNIST with spikes: a memory of Poisson neurons, and spiking hidden units.

Each pixel is held for some steps. The noise of the memory falls with the number of
spikes that tell of a pixel, that is with neurons x rate x time, and the theory says by
how much: hidden units and scores are trained on ideal states with noise of that
covariance.
"""

import time
from dataclasses import dataclass

import nengo
import numpy as np
from tqdm import tqdm

from nengo_lmu.experiments.digits.network import Row, neuron_type
from nengo_lmu.experiments.psmnist.distortion import distorted
from nengo_lmu.experiments.psmnist.without_time import train_on_states
from nengo_lmu.networks import LMU, XavierNormal
from nengo_lmu.tasks.mnist import N_CLASSES, N_PIXELS

# Scores are low-pass filtered, so the states of some time before the end count as well:
# training takes them at so many quantiles of the filter's exponential distribution.
_DELAYS = 8

# relative to those without noise, which leave less to be learned
_DISTORTION = 2 / 3

# time steps of the sample of digits that the memory is designed for
_SAMPLE_STEPS = 60 * N_PIXELS


@dataclass(frozen=True)
class Settings:
    """Settings of the network.

    Attributes
    ----------
    d : int
        Order of the memory.
    n_neurons : int
        Of the memory.
    max_rate : float
        Of the memory's neurons at the edge of their range (hertz). Poisson neurons may
        spike more than once a step: one of 5000 hertz is five of 1000 hertz.
    units : int
        Hidden neurons.
    hidden : str
        Their type, of `nengo_lmu.experiments.digits.network.NEURONS`.
    error_feedback : float or None
        Gain with which the memory's neurons hear their own error; None for the best.
    hidden_rate : float
        Of the hidden neurons for an input of 1 (hertz).
    steps_per_pixel : int
        How long each pixel is presented (time steps).
    dt : float
        Time step (seconds).
    tau, readout_tau : float
        Of the memory's synapse and of the scores', in pixels.
    epochs : int
    seed : int
        Of the weights, the split and the spikes.
    """

    d: int = 128
    n_neurons: int = 3000
    max_rate: float = 5000.0
    error_feedback: float | None = None
    units: int = 600
    hidden: str = "nengo-regular"
    hidden_rate: float = 1000.0
    steps_per_pixel: int = 4
    dt: float = 0.001
    tau: float = 34.0
    readout_tau: float = 1.5
    epochs: int = 20
    seed: int = 0

    @property
    def n_steps(self):
        """(int) Time steps of a digit."""
        return N_PIXELS * self.steps_per_pixel

    @property
    def pixel(self):
        """(float) How long a pixel is presented (seconds)."""
        return self.steps_per_pixel * self.dt

    @property
    def theta(self):
        """(float) Length of a digit and of the memory (seconds)."""
        return self.n_steps * self.dt


# Rates that the chip has: one spike a step is the most there, so those of hidden
# neurons have to stay well below. A tenth of the spikes, since on the emulator each of
# them meets all neurons; a lower order is about as quiet with those.
ON_CHIP = Settings(
    d=56,
    n_neurons=800,
    max_rate=800.0,
    # the chip has none, so that it is not trained for less noise than there is
    error_feedback=0.0,
    units=400,
    hidden="poisson",
    hidden_rate=250.0,
    steps_per_pixel=8,
    tau=80.0,
    readout_tau=3.0,
    epochs=8,
)


class SpikingClassifier:
    """The network, with what is needed to train it and to run it.

    Pixels are presented less their mean over the training digits, which leaves less for
    neurons to represent.

    Parameters
    ----------
    settings : Settings
    mnist : nengo_lmu.tasks.mnist.Mnist

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    lmu : nengo_lmu.LMU
    sample : (n_steps,) ndarray
        The stimulus that the memory is designed for.
    scores, window, spikes : nengo.Probe
        Of the classes; the pixels that the memory holds; the spikes so far.
    """

    def __init__(self, settings, mnist):
        self.settings = s = settings
        self.mean = mnist.train.pixels.mean(axis=0)
        rng = np.random.RandomState(s.seed)
        n_sample = max(_SAMPLE_STEPS // s.n_steps, 10)
        sample = rng.permutation(len(mnist.train))[:n_sample]
        self.sample = self.signal(mnist.train.pixels[sample]).ravel()
        with nengo.Network(seed=s.seed, label="spiking psMNIST") as self.network:
            self.network.config[nengo.Ensemble].max_rates = nengo.dists.Choice(
                [s.hidden_rate]
            )
            self.stimulus = nengo.Node([0.0], label="pixel")
            self.lmu = LMU(
                s.theta,
                s.d,
                units=s.units,
                n_neurons=s.n_neurons,
                max_rates=nengo.dists.Uniform(0.9 * s.max_rate, 1.1 * s.max_rate),
                hidden_neuron_type=neuron_type(s.hidden),
                synapse=s.tau * s.pixel,
                dt=s.dt,
                input_range=self.sample,
                error_feedback=s.error_feedback,
                input_kernel=None,
                hidden_kernel=None,
                hidden_encoders=None,
                memory_encoders=None,
                hidden_bias=0,
                seed=s.seed,
            )
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            scores = nengo.Node(size_in=N_CLASSES, label="class scores")
            self.readout = nengo.Connection(
                self.lmu.output,
                scores,
                transform=XavierNormal().sample(N_CLASSES, s.units, rng=rng),
                synapse=s.readout_tau * s.pixel,
            )
            one = nengo.Node([1.0], label="one")
            self.bias = nengo.Connection(
                one, scores, transform=np.zeros((N_CLASSES, 1)), synapse=None
            )
            window = self.lmu.memory.add_window(
                1 - (np.arange(N_PIXELS) + 0.5) / N_PIXELS
            )
            spikes = nengo.Node(size_in=1, label="spikes so far")
            nengo.Connection(spikes, spikes, synapse=0)
            (self.memory_neurons,) = self.lmu.memory.ensembles
            for source in (self.memory_neurons.neurons, self.lmu.hidden.neurons):
                nengo.Connection(
                    source,
                    spikes,
                    transform=np.full((1, source.size_out), s.dt),
                    synapse=None,
                )
            self.scores = nengo.Probe(scores)
            self.window = nengo.Probe(window)
            self.spikes = nengo.Probe(spikes)

    @property
    def parameters(self):
        """(dict of nengo.Connection) What is trained, by name."""
        return {
            "memory_kernel": self.lmu.memory_kernel,
            "hidden_bias": self.lmu.hidden_bias,
            "readout": self.readout,
            "bias": self.bias,
        }

    def signal(self, pixels):
        """Return digits as the stimulus of a simulation, ``(n, n_steps, 1)``."""
        held = np.repeat(pixels - self.mean, self.settings.steps_per_pixel, axis=1)
        return held[..., np.newaxis]

    def train(self, mnist, show_progress=None):
        """Train on states with the memory's noise, and Poisson hidden units' own.

        Returns
        -------
        history : dict from str to list of float
            As of `nengo_lmu.experiments.psmnist.without_time.train_on_states`.
        """
        from nengo_lmu.dl.feedforward import SpikeNoise
        from nengo_lmu.legendre import last_step

        s = self.settings
        quantiles = (np.arange(_DELAYS) + 0.5) / _DELAYS
        delays = -s.readout_tau * s.steps_per_pixel * np.log1p(-quantiles)
        matrices = [
            last_step(
                N_PIXELS, s.theta, s.d, s.dt, s.steps_per_pixel, delay=int(delay)
            ).astype(np.float32)
            for delay in np.round(delays)
        ]
        variances, axes = np.linalg.eigh(self.lmu.memory.noise_covariance)
        noise = np.sqrt(np.maximum(variances, 0))[:, np.newaxis] * axes.T
        noise = noise.astype(np.float32)

        def states(split, rng):
            pixels = split.pixels
            if split is not mnist.validation:
                pixels = distorted(pixels, rng, _DISTORTION)
            # each digit at another delay than the next
            m = np.empty((len(split), s.d), np.float32)
            for k, matrix in enumerate(matrices):
                m[k::_DELAYS] = (pixels[k::_DELAYS] - self.mean) @ matrix
            return m + rng.standard_normal(m.shape).astype(np.float32) @ noise

        # what regular spikes leave behind the scores' filter is a few percent
        noisy = s.hidden == "poisson"
        layer = SpikeNoise(self.lmu.unit, s.readout_tau * s.pixel) if noisy else None
        return train_on_states(
            self,
            mnist,
            states,
            layer,
            epochs=s.epochs,
            noisy=True,
            description="spiking psMNIST",
            show_progress=show_progress,
        )

    def simulate_nengo_dl(self, split, minibatch_size=100, show_progress=None):
        """Classify digits in NengoDL, many at once, each from rest.

        Parameters
        ----------
        split : nengo_lmu.tasks.digits.Split
        minibatch_size : int
            What is left after the last full minibatch is left out.
        show_progress : bool, optional

        Returns
        -------
        row : nengo_lmu.experiments.digits.network.Row
        """
        import nengo_dl

        s = self.settings
        with self.network:
            nengo_dl.configure_settings(stateful=False, keep_history=False)
        n_batches = len(split) // minibatch_size
        guesses, spikes, seconds = [], [], []
        with nengo_dl.Simulator(
            self.network,
            dt=s.dt,
            minibatch_size=minibatch_size,
            progress_bar=False,
            seed=s.seed,
        ) as sim:
            for k in _bar(range(n_batches), "NengoDL", "minibatch", show_progress):
                part = slice(k * minibatch_size, (k + 1) * minibatch_size)
                started = time.perf_counter()
                found = sim.predict(
                    {self.stimulus: self.signal(split.pixels[part])}, verbose=0
                )
                seconds.append(time.perf_counter() - started)
                guesses.append(found[self.scores][:, -1].argmax(axis=1))
                spikes.append(found[self.spikes][:, -1, 0].mean())
        # the first call also compiles
        spent = float(np.mean(seconds[1:] or seconds)) / minibatch_size
        labels = split.labels[: n_batches * minibatch_size]
        return Row.from_guesses(
            "NengoDL", np.concatenate(guesses), labels, float(np.mean(spikes)), spent
        )

    def simulate(self, simulator, name, split, show_progress=None, **kwargs):
        """Classify digits in a simulator, one after another without a pause.

        Parameters
        ----------
        simulator : callable
            `nengo.Simulator` or `nengo_loihi.Simulator`.
        name : str
            For the row.
        split : nengo_lmu.tasks.digits.Split
        show_progress : bool, optional
        **kwargs
            For the simulator.

        Returns
        -------
        row : nengo_lmu.experiments.digits.network.Row
        """
        s = self.settings
        self.stimulus.output = nengo.processes.PresentInput(
            (split.pixels - self.mean).reshape(-1, 1), s.pixel
        )
        guesses = []
        try:
            with simulator(self.network, dt=s.dt, seed=s.seed, **kwargs) as sim:
                started = time.perf_counter()
                for _ in _bar(range(len(split)), name, "digit", show_progress):
                    sim.run_steps(s.n_steps)
                    guesses.append(sim.data[self.scores][-1].argmax())
                    spikes = float(sim.data[self.spikes][-1, 0])
                    sim.clear_probes()
                spent = time.perf_counter() - started
        finally:
            self.stimulus.output = [0.0]
        n = len(split)
        return Row.from_guesses(name, guesses, split.labels, spikes / n, spent / n)

    def trace(self, pixels, n_neurons=100):
        """Present a digit in the reference simulator, and return what happens.

        Parameters
        ----------
        pixels : (784,) array_like
        n_neurons : int
            How many of each population to follow.

        Returns
        -------
        traces : dict of ndarray
            ``scores``, ``window`` (pixels that the memory holds at the end),
            ``memory_spikes`` and ``hidden_spikes``, one row a step.
        """
        s = self.settings
        populations = {
            "memory_spikes": self.memory_neurons,
            "hidden_spikes": self.lmu.hidden,
        }
        with self.network:
            probes = {
                name: nengo.Probe(
                    ensemble.neurons[
                        np.linspace(0, ensemble.n_neurons - 1, n_neurons).astype(int)
                    ]
                )
                for name, ensemble in populations.items()
            }
        self.stimulus.output = nengo.processes.PresentInput(
            (pixels - self.mean)[:, np.newaxis], s.pixel
        )
        try:
            with nengo.Simulator(
                self.network, dt=s.dt, seed=s.seed, progress_bar=False
            ) as sim:
                sim.run_steps(s.n_steps)
        finally:
            self.stimulus.output = [0.0]
            for probe in probes.values():
                self.network.probes.remove(probe)
        traces = {name: np.array(sim.data[probe]) for name, probe in probes.items()}
        traces["scores"] = np.array(sim.data[self.scores])
        traces["window"] = sim.data[self.window][-1] + self.mean
        return traces


def _bar(iterable, name, unit, show_progress):
    hidden = None if show_progress is None else not show_progress
    return tqdm(iterable, desc=name, unit=unit, disable=hidden)
