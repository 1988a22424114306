"""The network that reads digits in spikes, and the ways to run it.

A digit is presented one pixel at a time. A spiking memory holds the pixels of a digit;
hidden spiking neurons read the memory, and class scores read those through a filter.
Nothing is reset between one digit and the next.
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.analysis.simulators import spike_counter
from nengo_lmu.experiments.classifier.presentation import Presenter, Timing
from nengo_lmu.experiments.classifier.row import Row
from nengo_lmu.networks import LMU
from nengo_lmu.series.network import rates_about
from nengo_lmu.tasks.digits import N_CLASSES
from nengo_lmu.utils.progress import progress_bar

# Neurons may spike in these ways.
NEURONS = ("poisson", "regular", "lif", "nengo-regular", "nengo-lif")


def neuron_type(name):
    """Return a neuron type that runs on Loihi, by its name in `NEURONS`.

    Loihi's intervals are whole time steps, so neurons that integrate have rates in
    steps there. NengoLoihi's types have them in every simulator, and in training;
    Nengo's own do not, and are trained with other rates than those on the chip.
    """
    if name in ("regular", "lif"):
        import nengo_loihi

        return {
            "regular": nengo_loihi.LoihiSpikingRectifiedLinear,
            "lif": nengo_loihi.LoihiLIF,
        }[name]()
    return {
        "poisson": nengo.PoissonSpiking(nengo.RectifiedLinear()),
        "nengo-regular": nengo.SpikingRectifiedLinear(),
        "nengo-lif": nengo.LIF(),
    }[name]


@dataclass(frozen=True, kw_only=True)
class Settings(Timing):
    """Settings of the network; those of particular digits have more defaults.

    Attributes
    ----------
    d : int
        Order of the memory.
    n_neurons : int
        Neurons of the memory.
    max_rate : float
        Of the memory's neurons at the edge of their range (hertz). Poisson neurons may
        spike more than once a step: one of 5000 hertz is five of 1000 hertz.
    error_feedback : float or None
        Gain with which they hear their own error; None for the memory's default.
    units : int
        Hidden neurons.
    hidden : str
        Name of their type, of `NEURONS`.
    hidden_rate : float
        Of the hidden neurons for an input of 1 (hertz). Their largest rate is some
        times as high, and must stay below the one spike a step that ends it on Loihi.
    steps_per_pixel : int
        How long each pixel is presented (time steps).
    dt : float
        Time step (seconds).
    tau : float
        Of the memory's and the hidden layer's synapse (in units of `tau_unit`).
    readout_tau : float
        Of the scores' synapse (in units of `tau_unit`).
    epochs : int
        Of which the best is kept.
    seed : int
        Of the split, the weights, the order of the data, and the spikes.
    """

    d: int
    n_neurons: int
    max_rate: float
    error_feedback: float | None = None
    units: int
    hidden: str
    hidden_rate: float
    steps_per_pixel: int
    dt: float = 0.001
    tau: float
    readout_tau: float
    epochs: int
    seed: int = 0

    @property
    def tau_unit(self):
        """(float) What time constants are given in (seconds)."""
        return 1.0

    def delays(self, n):
        """Return how many steps ago the scores' filter looks, by equal weight.

        Parameters
        ----------
        n : int

        Returns
        -------
        delays : (n,) ndarray of int
            Quantiles of the filter's exponential distribution, in ascending order.
        """
        quantiles = (np.arange(n) + 0.5) / n
        steps = self.readout_tau * self.tau_unit / self.dt
        return np.round(-steps * np.log1p(-quantiles)).astype(int)


class SpikingClassifier(Presenter):
    """The network, with what is needed to run it.

    Parameters
    ----------
    settings : Settings
    digits : object
        With the parts ``train``, ``validation`` and ``test``, each a
        `nengo_lmu.tasks.digits.Split`.
    n_sample : int
        How many training digits the memory is designed for.
    readout : callable
        Takes a `numpy.random.RandomState` and a shape, and returns the weights of the
        scores before training.
    hidden_rates : nengo.dists.Distribution
        Of hidden neurons for an input of 1 (hertz).
    bias : bool
        Whether scores have a bias.
    mean : float or (n_pixels,) ndarray
        What is taken off pixels before they are presented.
    memory : dict, optional
        More arguments of the memory.
    **kwargs
        More for the LMU.

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    stimulus : nengo.Node
        The pixel that is presented.
    lmu : nengo_lmu.LMU
    memory_arguments : dict
        Of its memory, besides ``theta``, ``d`` and ``n_neurons``.
    readout, bias : nengo.Connection
        Weights and biases of the scores; the bias may be None.
    scores, window, spikes : nengo.Probe
        Of the classes; the pixels that the memory holds; the spikes so far.
    """

    def __init__(
        self,
        settings,
        digits,
        *,
        n_sample,
        readout,
        hidden_rates,
        bias=False,
        mean=0.0,
        memory=None,
        **kwargs,
    ):
        self.settings = s = settings
        self.digits = digits
        self.mean = mean
        rng = np.random.RandomState(s.seed)
        sample = rng.permutation(len(digits.train))[:n_sample]
        self.memory_arguments = {
            "max_rates": rates_about(s.max_rate),
            "synapse": s.tau * s.tau_unit,
            "dt": s.dt,
            "input_range": self.signal(digits.train.pixels[sample]).ravel(),
            "error_feedback": s.error_feedback,
            **(memory or {}),
        }
        with nengo.Network(seed=s.seed, label="spiking classifier") as self.network:
            self.network.config[nengo.Ensemble].max_rates = hidden_rates
            self.stimulus = nengo.Node([0.0], label="pixel")
            self.lmu = LMU(
                s.theta,
                s.d,
                units=s.units,
                n_neurons=s.n_neurons,
                **self.memory_arguments,
                hidden_neuron_type=neuron_type(s.hidden),
                **kwargs,
            )
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            self._read(readout(rng, (N_CLASSES, s.units)), bias)
            # Its points are the middle of each pixel's presentation, first pixel first.
            window = self.lmu.memory.add_window(
                1 - (np.arange(s.n_pixels) + 0.5) / s.n_pixels
            )
            self.scores = nengo.Probe(self.readout.post)
            self.window = nengo.Probe(window)
            self.spikes = nengo.Probe(spike_counter(self._populations.values(), s.dt))

    def _read(self, weights, with_bias):
        """Let hidden units tell of classes."""
        s = self.settings
        scores = nengo.Node(size_in=N_CLASSES, label="class scores")
        self.readout = nengo.Connection(
            self.lmu.output,
            scores,
            transform=weights,
            synapse=s.readout_tau * s.tau_unit,
        )
        self.bias = None
        if with_bias:
            self.bias = nengo.Connection(
                nengo.Node([1.0], label="one"),
                scores,
                transform=np.zeros((N_CLASSES, 1)),
                synapse=None,
            )

    @property
    def _populations(self):
        """(dict of nengo.Ensemble) By the names that the traces have for them."""
        (memory,) = self.lmu.memory.ensembles
        return {"memory_spikes": memory, "hidden_spikes": self.lmu.hidden}

    def minibatches(self, n_digits):
        """Return which test digits NengoDL reads at once, and what comes between.

        Returns
        -------
        minibatches : (n_rounds, size) ndarray of int
            A permutation of the first digits.
        stateful : bool
            Whether a digit follows the one above it; or each begins at rest.
        """
        raise NotImplementedError

    @property
    def matrices(self):
        """(dict of ndarray) The values of the parameters, by name."""
        return {
            name: np.array(connection.transform.init)
            for name, connection in self.parameters.items()
        }

    def simulate(
        self,
        simulator,
        name,
        n_digits,
        show_progress=None,
        n_traces=0,
        seed=None,
        **kwargs,
    ):
        """Classify test digits in a simulator with a stream of them.

        Parameters
        ----------
        simulator : callable
            `nengo.Simulator` or `nengo_loihi.Simulator`.
        name : str
            For the row.
        n_digits : int
        show_progress : bool, optional
            By default on terminals.
        n_traces : int
            Of how many digits to return what happened.
        seed : int, optional
            Of the spikes; by default that of the settings.
        **kwargs
            For the simulator.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        traces : dict of ndarray
            ``scores``, ``window``, ``memory_spikes`` and ``hidden_spikes``, one row a
            step.
        """
        s, test = self.settings, self.digits.test
        guesses, traces = [], []
        # Neurons draw from the network's seed in Nengo, from the simulator's on Loihi.
        self.network.seed = seed = s.seed if seed is None else seed
        with (
            self.presented(test.pixels[:n_digits]),
            self._traced(n_traces > 0) as probes,
            simulator(self.network, dt=s.dt, seed=seed, **kwargs) as sim,
        ):
            started = time.perf_counter()
            for digit in progress(range(n_digits), name, "digit", show_progress):
                sim.run_steps(s.n_steps)
                guesses.append(sim.data[self.scores][-1].argmax())
                spikes = float(sim.data[self.spikes][-1, 0])
                if digit < n_traces:
                    traces.append({k: np.array(sim.data[p]) for k, p in probes.items()})
                sim.clear_probes()  # memory would grow by a hundred megabytes a second
            spent = time.perf_counter() - started
        row = Row.from_guesses(
            name, guesses, test.labels[:n_digits], spikes / n_digits, spent / n_digits
        )
        return row, {k: np.concatenate([t[k] for t in traces]) for k in probes}

    @contextmanager
    def _traced(self, is_traced):
        """Probe all spikes for a while; return the probes of the traces, if wanted."""
        if not is_traced:
            yield {}
            return
        with self.network:
            of_spikes = {
                name: nengo.Probe(ensemble.neurons)
                for name, ensemble in self._populations.items()
            }
        try:
            yield {"scores": self.scores, "window": self.window, **of_spikes}
        finally:
            for probe in of_spikes.values():
                self.network.probes.remove(probe)

    def simulate_nengo_dl(self, n_digits, show_progress=None):
        """Classify test digits in NengoDL, many at once.

        Parameters
        ----------
        n_digits : int
            What is left over by full minibatches is left out.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        """
        import nengo_dl

        s, test = self.settings, self.digits.test
        minibatches, stateful = self.minibatches(n_digits)
        n_rounds, minibatch_size = minibatches.shape
        with self.network:
            nengo_dl.configure_settings(stateful=stateful, keep_history=False)
        guesses = np.empty(minibatches.size, dtype=int)
        spikes, seconds = [], []
        with nengo_dl.Simulator(
            self.network,
            dt=s.dt,
            minibatch_size=minibatch_size,
            progress_bar=False,
            seed=s.seed,
        ) as sim:
            for part in progress(minibatches, "NengoDL", "minibatch", show_progress):
                signal = {self.stimulus: self.signal(test.pixels[part])}
                started = time.perf_counter()
                probed = sim.predict(signal, stateful=stateful, verbose=0)
                seconds.append(time.perf_counter() - started)
                guesses[part] = probed[self.scores][:, -1].argmax(axis=1)
                spikes.append(probed[self.spikes][:, -1, 0].mean())
        return Row.from_guesses(
            "NengoDL",
            guesses,
            test.labels[: minibatches.size],
            float(spikes[-1]) / n_rounds if stateful else float(np.mean(spikes)),
            # The first call also compiles.
            float(np.mean(seconds[1:] or seconds)) / minibatch_size,
        )


def progress(iterable, description, unit, show_progress):
    """Return a progress bar around something; None shows it on terminals."""
    return progress_bar(show_progress, iterable=iterable, desc=description, unit=unit)
