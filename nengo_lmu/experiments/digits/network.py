"""The network for sequential handwritten digits, and ways to train and run it.

A digit is presented one pixel at a time. A spiking memory holds the last 64 pixels, so
the whole digit when its last pixel has been seen; a layer of spiking neurons reads the
memory, and ten outputs read that. Digits follow one another without a pause and nothing
is reset in between.
"""

import time
from dataclasses import dataclass, field, replace

import nengo
import numpy as np
from tqdm import tqdm

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.networks import LMU
from nengo_lmu.tasks.digits import N_CLASSES, N_PIXELS, load_digits, stream_states

TRACES = ("scores", "window", "memory_spikes", "hidden_spikes")

# Makes the rates of LIF neurons differentiable at their threshold, as NengoDL does it.
LIF_SMOOTHING = 0.1

# how neurons may spike
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


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    steps_per_pixel : int
        How long each pixel is presented (time steps).
    dt : float
        Time step (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        Neurons of the memory.
    units : int
        Hidden neurons.
    neuron_type, hidden : str
        Names of the neuron types of the memory and of the hidden layer, of `NEURONS`.
    max_rate : float
        Of the memory's neurons (hertz).
    error_feedback : float or None
        Gain with which they hear their own error; None for the memory's default.
    hidden_rate : float
        Of the hidden neurons for an input of 1 (hertz). Their largest rate is some
        times as high, and must stay below the one spike a step that ends it on Loihi.
    tau : float
        Of the memory's and the hidden layer's synapse (seconds).
    readout_tau : float
        Of the outputs' synapse (seconds).
    epochs : int
        Of which the best is kept.
    copies : int
        How often each training digit is seen in an epoch, with other noise and after
        another digit each time.
    minibatch_size : int
    learning_rate : float
        Of Adam.
    seed : int
        Of the split, the weights, the order of the data, and the spikes.
    """

    steps_per_pixel: int = 16
    dt: float = 0.001
    d: int = 22
    n_neurons: int = 400
    units: int = 200
    neuron_type: str = "poisson"
    hidden: str = "poisson"
    max_rate: float = 500.0
    error_feedback: float | None = None
    hidden_rate: float = 200.0
    tau: float = 0.2
    readout_tau: float = 0.03
    epochs: int = 40
    copies: int = 24
    minibatch_size: int = 128
    learning_rate: float = 2e-3
    seed: int = 0

    @property
    def n_steps(self):
        """(int) Time steps of a digit."""
        return N_PIXELS * self.steps_per_pixel

    @property
    def theta(self):
        """(float) Length of a digit and of the memory (seconds)."""
        return self.n_steps * self.dt

    def delays(self, copies):
        """Return how many steps ago the readout's filter looks, by equal weight.

        Parameters
        ----------
        copies : int

        Returns
        -------
        delays : (copies,) ndarray of int
            Quantiles of the filter's exponential distribution, in ascending order.
        """
        quantiles = (np.arange(copies) + 0.5) / copies
        steps = -self.readout_tau / self.dt * np.log1p(-quantiles)
        return np.round(steps).astype(int)


@dataclass(frozen=True)
class Row:
    """How one way of running the network did.

    Attributes
    ----------
    backend : str
    digits : int
        How many were classified.
    guesses, correct : list of int and list of bool
        For each, in the order of the test set.
    spikes : float or None
        A digit, over all neurons.
    seconds : float
        Of computing time a digit, without building.
    """

    backend: str
    digits: int
    guesses: list = field(repr=False)
    correct: list = field(repr=False)
    spikes: float
    seconds: float

    @property
    def accuracy(self):
        """(float) Fraction of digits that were classified correctly."""
        return float(np.mean(self.correct))

    @property
    def standard_error(self):
        """(float) Of the accuracy, from the binomial distribution."""
        return float(np.sqrt(self.accuracy * (1 - self.accuracy) / self.digits))

    @classmethod
    def from_guesses(cls, backend, guesses, labels, spikes, seconds):
        """Return a row for an array of guesses and the right labels."""
        correct = np.asarray(guesses) == labels
        return cls(
            backend,
            len(correct),
            np.asarray(guesses).tolist(),
            correct.tolist(),
            spikes,
            seconds,
        )


class DigitClassifier:
    """The network, with what is needed to train it and to run it.

    Parameters
    ----------
    settings : Settings
    digits : nengo_lmu.tasks.digits.Digits, optional

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    lmu : nengo_lmu.LMU
    memory_arguments : dict
        Of its memory, besides ``theta``, ``d`` and ``n_neurons``.
    scores, window, spikes, memory_spikes, hidden_spikes : nengo.Probe
        Outputs, decoded pixels of the last digit, number of spikes so far, and the
        spikes of either population.
    """

    def __init__(self, settings, digits=None):
        self.settings = s = settings
        self.digits = load_digits(s.seed) if digits is None else digits
        rng = np.random.RandomState(s.seed)
        sample = self.digits.train.pixels[rng.permutation(len(self.digits.train))[:60]]
        with nengo.Network(seed=s.seed) as self.network:
            self.network.config[nengo.Ensemble].max_rates = _rates(s.hidden_rate)
            self.stimulus = nengo.Node([0.0], label="pixels")
            self.memory_arguments = {
                "neuron_type": neuron_type(s.neuron_type),
                "max_rates": _rates(s.max_rate),
                "synapse": s.tau,
                "dt": s.dt,
                "input_range": self._signal(sample),
                "error_feedback": s.error_feedback,
            }
            self.lmu = LMU(
                s.theta,
                s.d,
                units=s.units,
                n_neurons=s.n_neurons,
                **self.memory_arguments,
                hidden_neuron_type=neuron_type(s.hidden),
                input_kernel=None,
                hidden_kernel=None,
                hidden_encoders=None,
                memory_encoders=None,
                hidden_bias=0.1,
            )
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            outputs = nengo.Node(size_in=N_CLASSES, label="class scores")
            self.readout = nengo.Connection(
                self.lmu.output,
                outputs,
                transform=rng.standard_normal((N_CLASSES, s.units)) / np.sqrt(s.units),
                synapse=s.readout_tau,
            )
            # the middle of each pixel's presentation, first pixel first
            pixels = 1 - (np.arange(N_PIXELS) + 0.5) / N_PIXELS
            window = self.lmu.memory.add_window(pixels)
            spikes = nengo.Node(size_in=1, label="spikes so far")
            nengo.Connection(spikes, spikes, synapse=0)
            (neurons,) = self.lmu.memory.ensembles
            for source in (neurons.neurons, self.lmu.hidden.neurons):
                nengo.Connection(
                    source,
                    spikes,
                    transform=np.full((1, source.size_out), s.dt),
                    synapse=None,
                )
            self.scores = nengo.Probe(outputs)
            self.window = nengo.Probe(window)
            self.spikes = nengo.Probe(spikes)
            self.memory_spikes = nengo.Probe(neurons.neurons)
            self.hidden_spikes = nengo.Probe(self.lmu.hidden.neurons)

    @property
    def parameters(self):
        """(dict of nengo.Connection) What is trained, by name."""
        return {
            "memory_kernel": self.lmu.memory_kernel,
            "hidden_bias": self.lmu.hidden_bias,
            "readout": self.readout,
        }

    @property
    def matrices(self):
        """(dict of ndarray) The values of the parameters, by name."""
        return {
            name: np.array(connection.transform.init)
            for name, connection in self.parameters.items()
        }

    def at(self, dt):
        """Return the network as trained, for another time step.

        All times are the same in seconds: pixels, memory and synapses.

        Parameters
        ----------
        dt : float
            Time step (seconds).

        Returns
        -------
        classifier : DigitClassifier

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If a pixel is not a whole number of such time steps.
        """
        s = self.settings
        steps = s.steps_per_pixel * s.dt / dt
        if round(steps) < 1 or not np.isclose(steps, round(steps)):
            pixel = s.steps_per_pixel * s.dt
            raise ArgumentError(
                "dt",
                f"{dt:g} was given, but a pixel takes {pixel:g} s; give a whole "
                "fraction of it",
            )
        other = DigitClassifier(
            replace(s, dt=dt, steps_per_pixel=round(steps)), self.digits
        )
        for name, matrix in self.matrices.items():
            other.parameters[name].transform = matrix
        return other

    def _signal(self, pixels):
        return np.repeat(np.ravel(pixels), self.settings.steps_per_pixel)

    def states(self, split, copies, rng=None, before=None, covariance=None):
        """Return ideal states about the end of digits, with the noise of spikes.

        The outputs at the end of a digit are low-pass filtered, so they look at states
        some time before it too: each copy is taken that much earlier, by quantiles of
        the filter's exponential distribution.

        Parameters
        ----------
        split : nengo_lmu.tasks.digits.Split
        copies : int
        rng : numpy.random.RandomState, optional
            Adds noise.
        before : (n, 64) array_like, optional
            The digits that came before; by default others of the split, drawn anew
            for each copy.
        covariance : (d, d) array_like, optional
            Of the noise; by default what the theory gives for the memory.

        Returns
        -------
        m : (copies * n, d) ndarray
        labels : (copies * n,) ndarray
        """
        s = self.settings
        m = np.concatenate(
            [
                stream_states(
                    split.pixels,
                    split.pixels[rng.permutation(len(split))]
                    if before is None
                    else before,
                    s.theta,
                    s.d,
                    s.steps_per_pixel,
                    s.dt,
                    delay=delay,
                )
                for delay in s.delays(copies)
            ]
        )
        if rng is not None:
            if covariance is None:
                covariance = self.lmu.memory.noise_covariance
            variances, axes = np.linalg.eigh(covariance)
            deviations = np.sqrt(np.maximum(variances, 0))
            m += (rng.standard_normal(m.shape) * deviations) @ axes.T
        return m, np.tile(split.labels, copies)

    def train(
        self,
        states=None,
        validation=None,
        checkpoint=None,
        description="training",
        show_progress=None,
    ):
        """Train the hidden layer and the outputs in NengoDL.

        Nothing feeds back into the memory, so its states at the end of the digits are
        computed beforehand, given the noise that the neurons will have, and learned
        from in a network of a single step. The weights are then put into `network`.
        The epoch is chosen by the digits of the validation set.

        Parameters
        ----------
        states, validation : tuple of (n, d) and (n,) ndarray, optional
            States to train on and to choose the epoch by, and their labels; by default
            those of the two splits with noise of the covariance that the theory gives.
        checkpoint : str or Path, optional
            File from which a training that was stopped goes on.
        description : str
            For the progress bar.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        history : dict from str to list of float
            As `nengo_lmu.dl.training.fit` returns it.
        """
        import tensorflow as tf

        from nengo_lmu.dl import feedforward

        s = self.settings
        rng = np.random.RandomState(s.seed)
        if states is None:
            states = self.states(self.digits.train, s.copies, rng)
            validation = self.states(self.digits.validation, s.copies, rng)
        # the hidden units' inputs are of order 1 to begin with
        scale = 1 / (states[0].std(axis=0) * np.sqrt(s.d))
        self.lmu.memory_kernel.transform = rng.standard_normal((s.units, s.d)) * scale

        return feedforward.train(
            self.lmu,
            self.readout,
            *states,
            validation=validation,
            optimizer=tf.optimizers.Adam(s.learning_rate),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            epochs=s.epochs,
            seed=s.seed,
            minibatch_size=s.minibatch_size,
            dt=s.dt,
            settings={"lif_smoothing": LIF_SMOOTHING},
            checkpoint=checkpoint,
            description=description,
            show_progress=show_progress,
        )

    def ideal(self):
        """Classify the test digits with an ideal memory and rates instead of spikes.

        Returns
        -------
        row : Row
        """
        started = time.perf_counter()
        test = self.digits.test
        # a stream, as in the simulators: nothing came before the first digit
        before = np.vstack([np.zeros((1, N_PIXELS)), test.pixels[:-1]])
        m, _ = self.states(test, 32, before=before)
        x = m @ self.lmu.memory_kernel.transform.init.T
        x += self.lmu.hidden_bias.transform.init[:, 0]
        hidden = self.lmu.hidden
        h = hidden.neuron_type.rates(x, hidden.gain, hidden.bias) / self.lmu.unit
        scores = (h @ self.readout.transform.init.T).reshape(32, len(test), -1).mean(0)
        spent = time.perf_counter() - started
        return Row.from_guesses(
            "ideal memory, rates",
            scores.argmax(axis=1),
            test.labels,
            None,
            spent / len(test),
        )

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
        n_traces : int
            Of how many digits to return what was probed.
        seed : int, optional
            Of the spikes; by default that of the settings.
        **kwargs
            For the simulator.

        Returns
        -------
        row : Row
        traces : dict of ndarray
            ``scores``, ``window``, ``memory_spikes`` and ``hidden_spikes``, one row a
            step.
        """
        s = self.settings
        test = self.digits.test
        self.stimulus.output = nengo.processes.PresentInput(
            test.pixels[:n_digits].reshape(-1, 1), s.steps_per_pixel * s.dt
        )
        probes = {name: getattr(self, name) for name in TRACES}
        guesses, traces = [], []
        # neurons draw from the network's seed in Nengo, from the simulator's on Loihi
        self.network.seed = seed = s.seed if seed is None else seed
        with simulator(self.network, dt=s.dt, seed=seed, **kwargs) as sim:
            started = time.perf_counter()
            for digit in _bar(range(n_digits), name, show_progress):
                sim.run_steps(s.n_steps)
                guesses.append(sim.data[self.scores][-1].argmax())
                spikes = float(sim.data[self.spikes][-1, 0])
                if digit < n_traces:
                    traces.append({k: np.array(sim.data[p]) for k, p in probes.items()})
                sim.clear_probes()  # or memory grows by a hundred megabytes a second
            spent = time.perf_counter() - started
        row = Row.from_guesses(
            name, guesses, test.labels[:n_digits], spikes / n_digits, spent / n_digits
        )
        traces = {k: np.concatenate([t[k] for t in traces]) for k in probes if traces}
        return row, traces

    def simulate_nengo_dl(self, n_digits, show_progress=None):
        """Classify test digits in NengoDL, in several streams at once.

        Parameters
        ----------
        n_digits : int
        show_progress : bool, optional

        Returns
        -------
        row : Row
        """
        import nengo_dl

        s = self.settings
        n_chunks = min(5, n_digits)
        n_streams = n_digits // n_chunks
        n_digits = n_streams * n_chunks
        test = self.digits.test
        chunks = test.pixels[:n_digits].reshape(n_streams, n_chunks, N_PIXELS)
        with self.network:
            nengo_dl.configure_settings(keep_history=False)
        guesses = np.empty((n_streams, n_chunks), dtype=int)
        seconds = []
        with nengo_dl.Simulator(
            self.network,
            dt=s.dt,
            minibatch_size=n_streams,
            progress_bar=False,
            seed=s.seed,
        ) as sim:
            for k in _bar(range(n_chunks), "NengoDL", show_progress):
                signal = np.repeat(chunks[:, k], s.steps_per_pixel, axis=1)
                started = time.perf_counter()
                found = sim.predict(
                    {self.stimulus: signal[..., np.newaxis]},
                    n_steps=s.n_steps,
                    stateful=True,
                    verbose=0,
                )
                seconds.append(time.perf_counter() - started)
                guesses[:, k] = found[self.scores][:, -1].argmax(axis=1)
            spikes = float(np.mean(found[self.spikes][:, -1, 0])) / n_chunks
        # the first call also compiles
        spent = float(np.mean(seconds[1:] or seconds)) / n_streams
        return Row.from_guesses(
            "NengoDL", guesses.ravel(), test.labels[:n_digits], spikes, spent
        )


def _rates(rate):
    return nengo.dists.Uniform(0.9 * rate, 1.1 * rate)


def _bar(iterable, name, show_progress):
    return tqdm(iterable, desc=name, unit="digit", disable=_hidden(show_progress))


def _hidden(show_progress):
    return None if show_progress is None else not show_progress
