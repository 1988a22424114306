"""The spiking network for a series, and the ways to run it.

A sample at a time is presented for some time steps. A memory of Poisson neurons, to
which nothing is fed back but its own state, holds a window of the samples; class scores
read it by hidden neurons that spike too, forecasts read it linearly.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import nengo
import numpy as np

from nengo_lmu.analysis.simulators import spike_counter
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import one_of, positive, whole
from nengo_lmu.networks import LMU
from nengo_lmu.series.data import one_series
from nengo_lmu.series.errors import ForecastError
from nengo_lmu.utils.progress import progress_bar

if TYPE_CHECKING:
    from nengo_lmu.legendre.types import Array, ArrayLike


TASKS = ("classify", "forecast", "detect")

# samples that NengoDL runs at once, since each call of it takes some time
_AT_ONCE = 50

# ways to run a network; "ideal" is without neurons in the memory, and with rates
SIMULATORS = ("ideal", "nengo", "nengo_dl", "emulator")

# A memory is designed for samples that are by so much larger than those of the
# training: what is larger than expected is cut off on its way to the chip.
_HEADROOM = 1.25


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a network for series.

    Attributes
    ----------
    task : {"classify", "forecast", "detect"}
    features : int
        Of a sample.
    outputs : int
        Classes, or features of a forecast.
    theta : int
        Window of the memory (samples).
    d : int
        Order of the memory.
    sample_time : float
        How long a sample is presented (seconds), of which a whole number of time steps
        is made. The noise of spikes falls with it.
    dt : float
        Time step (seconds).
    n_neurons : int
        Of the memory; 0 for an ideal one.
    max_rate : float
        Of its neurons at the edge of their range (hertz).
    units : int
        Hidden neurons; forecasts may do without.
    hidden_rate : float
        Of hidden neurons for an input of 1 (hertz).
    readout_tau : float
        Time constant of the filter of what hidden neurons say (samples).
    read : {"last", "every"}
        Whether class scores count at the end of a sequence, or at each of its samples.
    horizon : int
        How far a forecast is ahead (samples).
    smoothing : float
        Time constant of the filter of an anomaly's score (samples).
    seed : int
        Of weights and spikes.
    """

    task: str
    features: int
    outputs: int
    theta: int
    d: int
    sample_time: float = 0.02
    dt: float = 0.001
    n_neurons: int
    max_rate: float = 200.0
    units: int = 200
    hidden_rate: float = 200.0
    readout_tau: float = 1.0
    read: str = "last"
    horizon: int = 1
    smoothing: float = 1.0
    seed: int = 0

    def __post_init__(self):
        one_of("task", self.task, TASKS)
        one_of("read", self.read, ("last", "every"))
        positive("dt", self.dt, "of seconds")
        positive("sample_time", self.sample_time, "of seconds")
        positive("readout_tau", self.readout_tau, "of samples")
        positive("smoothing", self.smoothing, "of samples")
        whole("horizon", self.horizon, 1)
        whole("theta", self.theta, 1)
        if round(self.sample_time / self.dt) < 1:
            raise ArgumentError(
                "sample_time",
                f"must be a time step of {self.dt:g} s at least, but "
                f"{self.sample_time:g} was given",
            )

    @property
    def steps_per_sample(self):
        """(int) Time steps for which a sample is presented."""
        return round(self.sample_time / self.dt)

    @property
    def held(self):
        """(float) How long a sample is presented, in whole time steps (seconds)."""
        return self.steps_per_sample * self.dt


@dataclass(frozen=True)
class Outcome:
    """What a network said, and what it took.

    Attributes
    ----------
    outputs : (n_samples, outputs) ndarray
        At the end of each sample.
    spikes_per_second : float
        Of simulated time, over all neurons.
    seconds : float
        Of computing time, without building.
    """

    outputs: np.ndarray
    spikes_per_second: float
    seconds: float

    @property
    def cost(self):
        """(dict) All but the outputs, for records."""
        return {"spikes_per_second": self.spikes_per_second, "seconds": self.seconds}


class SeriesNetwork:
    """A network for series, with what is needed to run it.

    Parameters
    ----------
    settings : Settings
    scaling : nengo_lmu.series.Scaling
        Of samples to the range of the memory.
    sample : (n_samples, features) ndarray
        Of the training data, scaled, for which the memory is designed; longer than the
        window.
    classes : (n_classes,) ndarray, optional
        What the class scores are of.
    typical_error : (features,) ndarray, optional
        Of forecasts, scaled, by which those of a detector are measured.

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    stimulus : nengo.Node
        A sample, scaled. Give it an output, or use `run` or `stream`.
    lmu : nengo_lmu.LMU
    readout, direct, bias : nengo.Connection or None
        Weights of hidden neurons, weights of the state itself in forecasts, and biases,
        of what is read.
    output : nengo.Probe
        Class scores, a forecast (scaled), or an anomaly's score.
    spikes : nengo.Probe
        How many there were so far.
    threshold : float or None
        Above which a score is an anomaly.
    """

    def __init__(self, settings, scaling, sample, classes=None, typical_error=None):
        self.settings = s = settings
        self.scaling, self.sample, self.classes = scaling, sample, classes
        self.typical_error = typical_error
        self.threshold = None
        ideal = s.n_neurons == 0
        with nengo.Network(seed=s.seed, label=f"to {s.task} series") as self.network:
            self.network.config[nengo.Ensemble].max_rates = nengo.dists.Choice(
                [s.hidden_rate]
            )
            self.stimulus = nengo.Node(np.zeros(s.features), label="sample")
            hidden = {}
            if s.units:
                rectified = nengo.RectifiedLinear()
                hidden = {
                    "hidden_neuron_type": rectified
                    if ideal
                    else nengo.PoissonSpiking(rectified),
                    "coupling": "feed-forward",
                    "memory_kernel": 0,
                    "hidden_bias": 0,
                }
            self.lmu = LMU(
                s.theta * s.held,
                s.d,
                size_in=s.features,
                units=s.units,
                n_neurons=s.n_neurons,
                dt=s.dt,
                input_range=self._expected_input(),
                seed=s.seed,
                **({} if ideal else {"max_rates": rates_about(s.max_rate)}),
                **hidden,
            )
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            read = nengo.Node(size_in=s.outputs, label="readout")
            self.readout = self.direct = None
            if s.units:
                self.readout = self._connect(
                    self.lmu.output, read, s.readout_tau * s.held
                )
            if s.task != "classify":  # the state has passed a filter already
                self.direct = self._connect(self.lmu.memory.output, read, None)
            self.bias = self._connect(nengo.Node([1.0], label="one"), read, None)
            if s.task == "detect":
                read = self._compare(read)
            self.output = nengo.Probe(read)
            self.spikes = nengo.Probe(spike_counter(self.lmu.all_ensembles, s.dt))
            self._probes = self.output, self.spikes

    @staticmethod
    def _connect(pre, post, synapse):
        """Connect with weights that are to be trained."""
        weights = np.zeros((post.size_in, pre.size_out))
        return nengo.Connection(pre, post, transform=weights, synapse=synapse)

    def _expected_input(self):
        """Return what the memory is designed for, one row a time step."""
        held = np.repeat(self.sample, self.settings.steps_per_sample, axis=0)
        return _HEADROOM * held

    def _compare(self, forecast):
        """Compare forecasts with the samples that they are of, and return the score."""
        s = self.settings
        typical = np.ones(s.features)
        if self.typical_error is not None:
            typical = self.typical_error
        error = nengo.Node(
            ForecastError(
                s.features, s.steps_per_sample, s.horizon, s.theta, tuple(typical)
            ),
            label="forecast error",
        )
        nengo.Connection(self.stimulus, error[: s.features], synapse=None)
        nengo.Connection(forecast, error[s.features :], synapse=None)
        score = nengo.Node(size_in=1, label="score")
        nengo.Connection(error, score, synapse=s.smoothing * s.held)
        return score

    # --- what is trained

    @property
    def parameters(self) -> dict[str, nengo.Connection]:
        """(dict of nengo.Connection) What is trained, by name."""
        named = {
            "memory_kernel": self.lmu.memory_kernel,
            "hidden_bias": self.lmu.hidden_bias,
            "readout": self.readout,
            "direct": self.direct,
            "bias": self.bias,
        }
        return {name: conn for name, conn in named.items() if conn is not None}

    @property
    def matrices(self) -> dict[str, Array]:
        """(dict of ndarray) The values of the parameters, by name."""
        return {
            name: np.array(connection.transform.init)
            for name, connection in self.parameters.items()
        }

    def assign(self, matrices: dict[str, Array]) -> None:
        """Give the parameters other values, as `matrices` has them."""
        for name, connection in self.parameters.items():
            connection.transform = matrices[name]

    def noise_covariance(self, on_chip: bool = True) -> Array:
        """Return the covariance of the noise of the state that spikes make.

        Parameters
        ----------
        on_chip : bool
            That of neurons that do not hear their error, which Loihi's cannot: it is
            larger. What is trained with it is good for both.

        Returns
        -------
        covariance : (d, d) ndarray
            The same for each feature; 0 for an ideal memory.
        """
        s, memory = self.settings, self.lmu.memory
        if s.n_neurons == 0:
            return np.zeros((s.d, s.d))
        if not on_chip:
            return memory.noise_covariance
        return self._noise_on_chip

    @cached_property
    def _noise_on_chip(self):
        with self.lmu.memory.redesigned(error_feedback=0.0):
            return self.lmu.memory.noise_covariance

    def ideal(self):
        """Return the same network with an ideal memory, and rates instead of spikes."""
        other = SeriesNetwork(
            replace(self.settings, n_neurons=0),
            self.scaling,
            self.sample,
            self.classes,
            self.typical_error,
        )
        other.assign(self.matrices)
        other.threshold = self.threshold
        return other

    # --- how it is run

    def run(
        self,
        x: ArrayLike,
        simulator: str = "nengo",
        seed: int | None = None,
        show_progress: bool | None = None,
    ) -> Outcome:
        """Run the network on a stream of samples.

        Parameters
        ----------
        x : (n_samples, features) ndarray
            In the units of the data.
        simulator : {"ideal", "nengo", "nengo_dl", "emulator"}
            What runs the network: `nengo.Simulator`, the same with an ideal memory and
            rates, `nengo_dl.Simulator`, or `nengo_loihi.Simulator` with the emulator
            of the chip in fixed point.
        seed : int, optional
            Of the spikes; by default that of the settings.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        outcome : Outcome
        """
        return self.run_scaled(self.scaling.apply(x), simulator, seed, show_progress)

    def run_scaled(self, u, simulator="nengo", seed=None, show_progress=None):
        """Run the network on samples that are scaled, as `run` does."""
        one_of("simulator", simulator, SIMULATORS)
        if simulator == "ideal" and self.settings.n_neurons:
            return self.ideal().run_scaled(u, "nengo", seed, show_progress)
        outputs, seconds, count = [], 0.0, 0.0
        running = self._in_nengo_dl if simulator == "nengo_dl" else self._running
        at_once = _AT_ONCE if simulator == "nengo_dl" else 1
        with (
            progress_bar(
                show_progress,
                total=len(u),
                desc=simulator,
                unit="sample",
                leave=False,
            ) as bar,
            running(simulator, seed) as present,
        ):
            for i in range(0, len(u), at_once):
                started = time.perf_counter()
                output, count = present(u[i : i + at_once])
                seconds += time.perf_counter() - started
                outputs.append(output)
                bar.update(len(output))
        outputs = np.concatenate(outputs)
        # rates are not spikes, and are counted like them
        count = count if self.settings.n_neurons else 0.0
        return Outcome(outputs, count / (len(u) * self.settings.held), seconds)

    def stream(self, samples, simulator="nengo", seed=None):
        """Run the network on samples as they come, in bounded memory.

        Parameters
        ----------
        samples : iterable of (features,) array_like
            In the units of the data, of any number.
        simulator, seed
            As for `run`, but NengoDL.

        Yields
        ------
        output : (outputs,) ndarray
            At the end of each sample.

        Examples
        --------
        >>> import numpy as np
        >>> from nengo_lmu.series import forecast
        >>> wave = np.sin(np.arange(120) / 3)
        >>> model = forecast(wave, theta=12, d=4, n_neurons=200)
        >>> predicted = next(model.stream(iter([[0.0]])))
        >>> predicted.shape
        (1,)
        """
        one_of("simulator", simulator, ("ideal", "nengo", "emulator"))
        model = self
        if simulator == "ideal" and self.settings.n_neurons:
            model = self.ideal()
        with model._running(simulator, seed) as present:
            for sample in samples:
                sample = np.asarray(sample, float).reshape(1, -1)
                sample = one_series("samples", sample, self.settings.features)
                value = self.scaling.apply(sample)
                output, _ = present(value)
                yield self.in_units(output[0])

    def in_units(self, outputs: Array) -> Array:
        """Return forecasts in the units of the data, other outputs as they are."""
        if self.settings.task == "forecast":
            return self.scaling.invert(outputs)
        return outputs

    @contextmanager
    def _running(self, simulator, seed):
        """Make a simulator; return a function of a sample to what comes of it.

        It takes an array of one sample, and returns one of the output at its end, and
        how many spikes there were so far.
        """
        s = self.settings
        value = np.zeros(s.features)
        before = self.stimulus.output
        self.stimulus.output = lambda t: value
        try:
            with (
                self._seeded(seed) as seed,
                make_simulator(self.network, simulator, s.dt, seed) as sim,
            ):

                def present(sample):
                    value[:] = sample[0]
                    sim.run_steps(s.steps_per_sample)
                    output = np.array(sim.data[self.output][-1:])
                    spikes = float(sim.data[self.spikes][-1, 0])
                    sim.clear_probes()  # so that memory does not grow
                    return output, spikes

                yield present
        finally:
            self.stimulus.output = before

    @contextmanager
    def _in_nengo_dl(self, simulator, seed):
        """Do as `_running`, but for some samples at once."""
        s = self.settings
        with (
            self._seeded(seed) as seed,
            make_simulator(self.network, simulator, s.dt, seed) as sim,
        ):

            def present(samples):
                n = len(samples)
                u = np.zeros((_AT_ONCE, s.features))
                u[:n] = samples
                held = np.repeat(u, s.steps_per_sample, axis=0)[np.newaxis]
                data = sim.predict({self.stimulus: held}, stateful=True, verbose=0)
                ends = np.arange(1, n + 1) * s.steps_per_sample - 1
                output, spikes = (data[one][0, ends] for one in self._probes)
                return output, float(spikes[-1, 0])

            yield present

    @contextmanager
    def _seeded(self, seed):
        """Give the network the seed of a run, and return it.

        Neurons draw from the network's seed in Nengo, from the simulator's on Loihi.
        """
        before = self.network.seed
        self.network.seed = self.settings.seed if seed is None else seed
        try:
            yield self.network.seed
        finally:
            self.network.seed = before


def make_simulator(network, simulator, dt, seed):
    """Make a simulator by its name, of `SIMULATORS`."""
    if simulator == "emulator":
        import nengo_loihi

        import nengo_lmu.loihi  # noqa: F401

        return nengo_loihi.Simulator(network, dt=dt, seed=seed, target="sim")
    if simulator == "nengo_dl":
        import nengo_dl

        return nengo_dl.Simulator(network, dt=dt, seed=seed, progress_bar=False)
    return nengo.Simulator(network, dt=dt, seed=seed, progress_bar=False)


def rates_about(rate):
    """Return a distribution of rates (hertz), within a tenth of one."""
    return nengo.dists.Uniform(0.9 * rate, 1.1 * rate)
