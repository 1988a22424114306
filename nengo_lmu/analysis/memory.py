"""How far a memory of spiking neurons is from the ideal one, measured."""

import math
import time
from dataclasses import dataclass
from functools import partial

import nengo
import numpy as np

from nengo_lmu.analysis.published import (
    example_memory,
    notebook_memory,
    usual_memory,
)
from nengo_lmu.analysis.simulators import (
    NEURON_TYPES,
    ON_CHIP,
    SIMULATORS,
    make_simulator,
    spike_counter,
)
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.legendre import (
    ArgumentError,
    best_tau,
    readout,
    simulate,
    white_noise_statistics,
)
from nengo_lmu.legendre.checks import not_negative, one_of, positive, whole
from nengo_lmu.legendre.noise import WINDOW_POINTS
from nengo_lmu.legendre.statistics import TYPICAL_RMS
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.populations import MAX_RATES

RECIPES = ("default", "usual", "example", "notebook")


# `measure` finds a state that is no later than this (steps).
MAX_LAG = 100


@dataclass(frozen=True)
class Setting:
    """What one measurement is of.

    Attributes
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        All neurons.
    tau : float or None
        Time constant of the recurrent synapse (seconds); None for the memory's
        default.
    max_rates : (low, high) or None
        Of the neurons (hertz); None for the memory's default.
    neuron_type : str
        A key of `NEURON_TYPES`.
    recipe : {"default", "usual", "example", "notebook"}
        `nengo_lmu.networks.LegendreMemory` as it is, or one of
        `nengo_lmu.analysis.published`; the last two have neurons of their own.
    seed : int
        Of the input, the neurons and their spikes.
    rms : float
        Of the input that the memory is designed for, white noise.
    bandwidth : float or None
        Of that input (hertz); None for ``d / (6 theta)``, about the highest frequency
        that the memory reproduces well.
    windows : int
        How many ``theta`` are measured, after one more to warm up.
    dt : float
        Time step (seconds).
    stimulus : {"design", "louder", "faster", "steps", "onset", "silence"}
        What is presented to the memory, whatever it is designed for: the same white
        noise, one of 3 times the rms or of 3 times the bandwidth, steps, full range
        after silence, or nothing, as in `nengo_lmu.analysis.stimuli`.
    simulator : {"reference", "floating point", "fixed point"}
        `nengo.Simulator`, or NengoLoihi's emulator of the chip.
    error_feedback : float or None
        Gain with which the neurons hear their own error; None for the memory's default,
        0 for not at all. On the chip they never do.
    feedback_delay : float
        How long that takes besides a time step (seconds).
    size_in : int
        Signals, each with a memory of its own of an equal share of the neurons.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For a value that cannot be measured, naming it and the remedy.

    Examples
    --------
    >>> setting = Setting(theta=0.5, d=6, n_neurons=600)
    >>> setting.input_bandwidth, setting.recipe
    (2.0, 'default')
    """

    theta: float = 1.0
    d: int = 6
    n_neurons: int = 1200
    tau: float | None = None
    max_rates: tuple | None = None
    neuron_type: str = "poisson"
    recipe: str = "default"
    seed: int = 0
    rms: float = TYPICAL_RMS
    bandwidth: float | None = None
    windows: int = 10
    dt: float = 0.001
    stimulus: str = "design"
    simulator: str = "reference"
    error_feedback: float | None = None
    feedback_delay: float = 0.0
    size_in: int = 1

    def __post_init__(self):
        theta = positive("theta", self.theta, "of seconds")
        d = whole("d", self.d, 1)
        dt = positive("dt", self.dt, "of seconds")
        if self.tau is not None:
            positive("tau", self.tau, "of seconds")
        if self.max_rates is not None:
            for rate in self.max_rates:
                positive("max_rates", rate, "of hertz")
        positive("rms", self.rms)
        whole("windows", self.windows, 1)
        whole("seed", self.seed, 0)
        one_of("neuron_type", self.neuron_type, tuple(NEURON_TYPES))
        one_of("recipe", self.recipe, RECIPES)
        one_of("stimulus", self.stimulus, tuple(STIMULI))
        one_of("simulator", self.simulator, tuple(SIMULATORS))
        if self.error_feedback is not None:
            not_negative("error_feedback", self.error_feedback)
        not_negative("feedback_delay", self.feedback_delay)
        size_in = whole("size_in", self.size_in, 1)
        if size_in > 1 and self.recipe != "default":
            raise ArgumentError(
                "size_in",
                f"must be 1 for memories of others, but {size_in} was given where "
                f"recipe={self.recipe!r}; measure one signal",
            )
        least = 2 * d * size_in
        if whole("n_neurons", self.n_neurons, 1) < least:
            of = f" of {size_in} signals" if size_in > 1 else ""
            raise ArgumentError(
                "n_neurons",
                f"must be at least {least}, two neurons for each of the d = {d} "
                f"dimensions{of}, but {self.n_neurons} was given; use more neurons or "
                "a smaller d",
            )
        if self.bandwidth is None:
            least = STIMULI[self.stimulus].least_steps(d) * dt
            if theta < least:
                raise ArgumentError(
                    "theta",
                    f"must be at least {least:.3g} s, for the input of a memory of "
                    f"order {d} to fit time steps of {dt:g} s, but {theta:g} was "
                    "given; use a longer theta or a smaller d",
                )
        else:
            positive("bandwidth", self.bandwidth, "of hertz")

    @property
    def n_neurons_each(self):
        """(int) Neurons of each signal."""
        return self.n_neurons // self.size_in

    @property
    def input_bandwidth(self):
        """(float) The highest frequency that the memory is designed for (hertz)."""
        if self.bandwidth is None:
            return self.d / (6 * self.theta)
        return self.bandwidth

    @property
    def mean_max_rate(self):
        """(float) Mean of the neurons' maximum rates (hertz)."""
        return float(np.mean(self.max_rates or MAX_RATES))

    @property
    def input_statistics(self):
        """(StateStatistics) Of the states that the memory is designed for."""
        return white_noise_statistics(
            self.theta, self.d, self.rms, self.input_bandwidth
        )

    @property
    def spiking(self):
        """(str) How neurons spike, in the words of the noise theory.

        The neuron type, but for Poisson neurons on the chip, which have at most one
        spike a step there.
        """
        if self.simulator != "reference" and self.neuron_type == "poisson":
            return "stochastic"
        return self.neuron_type

    @property
    def for_theory(self):
        """(dict) What `predicted_error` takes besides theta, d and the neurons."""
        on_chip = self.simulator != "reference"
        return {
            "tau": self.tau,
            "max_rate": self.mean_max_rate,
            "dt": self.dt,
            "input": self.input_statistics,
            "spiking": self.spiking,
            "error_feedback": 0.0 if on_chip else self.error_feedback,
            "feedback_delay": self.feedback_delay,
            "largest_rate": 1 / self.dt if on_chip else None,
        }

    @property
    def warm_steps(self):
        """(int) Time steps before the measurement."""
        return int(round(self.theta / self.dt))

    @property
    def n_steps(self):
        """(int) Time steps of the simulation."""
        return int(round((self.windows + 1) * self.theta / self.dt))

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        # a step takes about as long as 2000 neurons even if there are none
        cost = self.n_steps * (2000 + self.n_neurons)
        return cost if self.simulator == "reference" else 10 * cost


def windows_for(theta, d, error_feedback=None):
    """Return how many windows tell the error to some 3 % with 5 seeds.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    error_feedback : float, optional
        Gain with which neurons hear their error; None for the memory's default.

    Returns
    -------
    windows : int

    Notes
    -----
    Without error feedback, errors last for about a window, and the more dimensions a
    memory has, the more errors are independent. The mean over 5 seeds then has a
    standard error of 2 to 3 %; above 1 s, where windows take long, of up to 4 %.

    With it, errors last for a few steps, and what scatters is how much the input makes
    neurons fire: it has some ``d / 3`` independent values in a window, and where these
    are few, they are not as Gaussian as the theory has them. Measured over 10 to 16
    seeds, with 50 neurons a dimension and windows of 0.1 and 1 s: a single error
    scatters by 4 % for d = 3 and 6, 3 to 4 % for d = 12 and 2 to 4 % for d = 24 with
    the windows that are returned, so that the mean over 5 seeds has a standard error
    of 2 %, and that over 3 of 2.5 %. With a quarter of these windows it is 7 to 10 %
    for d = 3, and the mean is 5 % above the theory's.

    Examples
    --------
    >>> windows_for(theta=1.0, d=24) < windows_for(theta=1.0, d=24, error_feedback=0)
    True
    """
    if error_feedback is None or error_feedback > 0:
        return int(np.clip(48 // d, 4, 12))
    most = 40 if theta <= 1 else 20
    return int(np.clip(240 // d, 10, most))


def counted_windows(seconds, theta):
    """Return how many windows of a measurement count: all but the first.

    Parameters
    ----------
    seconds, theta : float
        Of the measurement and of a window.

    Returns
    -------
    windows : int

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If it is not a whole number of windows, of two at least.
    """
    positive("seconds", seconds, "of seconds")
    if seconds < 2 * theta or seconds % theta:
        raise ArgumentError(
            "seconds",
            f"must be a whole number of windows of {theta:g} s, and at least two, "
            f"but {seconds:g} was given; use "
            f"{max(2, math.ceil(seconds / theta)) * theta:g}",
        )
    return int(round(seconds / theta)) - 1


def measure(setting):
    """Build a memory, run it and compare it with the ideal one.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict of float
        ``window`` and ``delay``: root-mean-square difference between the decoded
        window of the spiking and of the ideal memory, relative to the rms of what was
        presented, over 50 evenly spaced points of the window and at its oldest point.
        ``aligned`` and ``aligned_delay``: the same, for a spiking memory that may be as
        late as suits its window best, ``lag`` steps, instead of one step.
        ``spikes_per_second`` of the whole memory, None for neurons that do not spike;
        ``tau`` of its synapse (seconds), the gain of its ``error_feedback`` (0 for
        memories of others), ``build_seconds`` and ``run_seconds`` of computing time.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the network cannot be built.
    nengo.exceptions.BuildError
        If it cannot be emulated.
    ImportError
        If NengoLoihi is not installed, for its emulator.

    Examples
    --------
    >>> from nengo_lmu.analysis import predict
    >>> setting = Setting(theta=0.1, d=3, n_neurons=60, windows=12)
    >>> error = measure(setting)["window"]
    >>> 0.7 < error / predict(setting) < 1.4
    True
    """
    run = simulate_memory(setting)
    u, state = run.inputs, run.states
    # the synapse makes the spiking memory one step late
    errors = window_errors(setting, u, state)
    lag = int(np.argmin(errors))
    oldest = window_errors(setting, u, state, points=1.0, lags=[1, lag])
    return {
        "window": float(errors[1]),
        "delay": float(oldest[0]),
        "aligned": float(errors[lag]),
        "aligned_delay": float(oldest[1]),
        "lag": lag,
        "spikes_per_second": run.spikes_per_second,
        "tau": run.tau,
        "error_feedback": run.error_feedback,
        "build_seconds": run.build_seconds,
        "run_seconds": run.run_seconds,
    }


@dataclass(frozen=True)
class MemoryRun:
    """What a memory was given and what it did.

    Attributes
    ----------
    inputs : (n_steps, size_in) ndarray
    states : (n_steps, size_in * d) ndarray
    spikes_per_second : float or None
        Of all neurons, after the first window; None for neurons that do not spike.
    tau : float
        Of the synapse (seconds).
    error_feedback : float
        0 for memories of others.
    build_seconds, run_seconds : float
        Of computing time.
    """

    inputs: np.ndarray
    states: np.ndarray
    spikes_per_second: float | None
    tau: float
    error_feedback: float
    build_seconds: float
    run_seconds: float


def simulate_memory(setting):
    """Build a memory and run it, as `measure` does.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    run : MemoryRun
    """
    # Seeds are independent, since equal seeds of different things make them correlated.
    seeds = np.random.SeedSequence(setting.seed).generate_state(3) >> 1
    stimulus_seed, network_seed, simulator_seed = map(int, seeds)
    rng = np.random.RandomState(stimulus_seed)
    sample = STIMULI[setting.stimulus].sample
    u = np.column_stack([sample(setting, rng) for _ in range(setting.size_in)])
    started = time.perf_counter()
    with nengo.Network(seed=network_seed) as network:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, setting.dt))
        memory, tau = make_memory(setting)
        nengo.Connection(stimulus, memory.input, synapse=None)
        spikes = spike_counter(memory.all_ensembles, setting.dt)
        probes = [nengo.Probe(node) for node in (memory.output, spikes)]
    with make_simulator(setting, network, tau, simulator_seed) as sim:
        built = time.perf_counter()
        sim.run_steps(setting.n_steps)
        states, count = (np.array(sim.data[probe]) for probe in probes)
    finished = time.perf_counter()
    warm = setting.warm_steps
    spikes_per_second = None
    if all(ensemble.neuron_type.spiking for ensemble in memory.all_ensembles):
        spent = (setting.n_steps - warm) * setting.dt
        spikes_per_second = float((count[-1, 0] - count[warm - 1, 0]) / spent)
    return MemoryRun(
        inputs=u,
        states=states,
        spikes_per_second=spikes_per_second,
        tau=float(tau),
        error_feedback=float(getattr(memory, "error_feedback", 0.0)),
        build_seconds=built - started,
        run_seconds=finished - built,
    )


def window_errors(setting, u, states, points=WINDOW_POINTS, lags=None):
    """Return how far the windows of a memory are from those of the ideal one.

    Parameters
    ----------
    setting : Setting
    u : (n_steps,) or (n_steps, size_in) ndarray
        What was presented.
    states : (n_steps, d) or (n_steps, size_in * d) ndarray
        Of the spiking memory.
    points : array_like
        Of the window, from 0 to 1.
    lags : sequence of int, optional
        Steps that the memory may be late, by default all up to `MAX_LAG`.

    Returns
    -------
    errors : list of float
        For each lag, the root-mean-square difference after the first window, relative
        to the rms of what was presented, or after silence, of what the memory was
        designed for.

    Examples
    --------
    >>> setting = Setting(theta=0.1, d=3, windows=2)
    >>> u = np.random.RandomState(0).uniform(-1, 1, 300)
    >>> late = simulate(np.append(0, u), 0.1, 3, dt=0.001)[:-1]  # by a step
    >>> (error,) = window_errors(setting, u, late, lags=[1])
    >>> round(float(error), 6)
    0.0
    """
    warm = setting.warm_steps
    lags = range(min(MAX_LAG, warm) + 1) if lags is None else lags
    ideal = simulate(u, setting.theta, setting.d, dt=setting.dt)
    states = np.reshape(states, ideal.shape)
    D = readout(setting.d, points)
    # There are many lags, so the mean of D C D^T is taken over all points at once.
    G = D.T @ D / len(D)
    errors = []
    for lag in lags:
        difference = states[warm:] - ideal[warm - lag : len(ideal) - lag]
        errors.append(np.sqrt(np.mean(np.sum(difference @ G * difference, axis=-1))))
    presented = np.sqrt(np.mean(u[warm:] ** 2))
    return list(np.array(errors) / (presented if presented else setting.rms))


def make_memory(setting):
    """Make the memory, and return it with the time constant of its synapse."""
    emulated = setting.simulator != "reference"
    neuron_type = (ON_CHIP if emulated else NEURON_TYPES)[setting.neuron_type]
    low, high = setting.max_rates or MAX_RATES
    max_rates = nengo.dists.Uniform(low, high)
    if setting.recipe != "default":
        tau = setting.tau
        if tau is None:
            tau = best_tau(
                setting.theta, setting.d, setting.dt, setting.input_statistics
            )
        make = {
            "usual": partial(usual_memory, neuron_type=neuron_type),
            "example": example_memory,
            "notebook": partial(notebook_memory, on_chip=emulated),
        }[setting.recipe]
        memory = make(
            setting.theta,
            setting.d,
            setting.n_neurons,
            synapse=tau,
            max_rates=max_rates,
            dt=setting.dt,
        )
        return memory, tau
    options = {}
    if setting.max_rates is not None:
        options["max_rates"] = max_rates
    if (setting.rms, setting.bandwidth) != (TYPICAL_RMS, None):
        options["input_range"] = setting.input_statistics
    memory = LegendreMemory(
        setting.theta,
        setting.d,
        size_in=setting.size_in,
        n_neurons=setting.n_neurons,
        synapse=setting.tau,
        neuron_type=neuron_type,
        dt=setting.dt,
        error_feedback=setting.error_feedback,
        feedback_delay=setting.feedback_delay,
        **options,
    )
    return memory, memory.synapse.tau
