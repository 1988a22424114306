"""What a memory of a given error takes: neurons, spikes, arithmetic and storage."""

from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import MAX_LAG, Setting, measure, simulate_memory
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.legendre import (
    ArgumentError,
    neurons_for_error,
    plan_delay,
    simulate,
    truncation_error,
)
from nengo_lmu.legendre.checks import relative_error
from nengo_lmu.legendre.noise import SPIKING
from nengo_lmu.legendre.planner import quietest

# nengo.Simulator has 64-bit floating point.
BYTES = 8

# A neuron has the weights to and from its dimension, its input and its output, and what
# it keeps from step to step (the rate, or the voltage).
NUMBERS_A_NEURON = 5


@dataclass(frozen=True)
class Plan:
    """A memory, what the theory says of it, and what it takes.

    Attributes
    ----------
    setting : Setting
        Of the memory and its input; ``n_neurons``, ``tau`` and ``error_feedback`` as
        chosen.
    window, delay : float
        Predicted difference to the ideal memory's window, and to its delay by theta,
        relative to the rms of the input.
    ideal_window, ideal_delay : float
        How far the ideal memory's own are from what the input was, for white noise.
    error_feedback : float
        Gain with which the neurons hear their own error; 0 for not at all.
    floor : float or None
        Error of the window that the spikes of a single step leave by themselves, below
        which no feedback gets; None for regular neurons, which have none.
    neurons : list of int
        In each dimension of the state of a signal.
    spikes_per_second : float
        Of all neurons, for the input.
    multiply_adds_per_second : float
        Of a computer that multiplies by each weight in each step.
    neuron_bytes, coupling_bytes : int
        For the parameters and states of the neurons, which go as their number, and for
        what couples the dimensions, which goes as ``d^2``.
    """

    setting: Setting
    window: float
    delay: float
    ideal_window: float
    ideal_delay: float
    error_feedback: float
    floor: float | None
    neurons: list
    spikes_per_second: float
    multiply_adds_per_second: float
    neuron_bytes: int
    coupling_bytes: int


def plan(setting, error=None):
    """Plan a memory.

    Parameters
    ----------
    setting : Setting
        Of the memory and its input. ``n_neurons`` is not looked at if an error is
        given.
    error : float, optional
        The window error that is wanted, below 1.

    Returns
    -------
    plan : Plan

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For neurons that the theory does not cover, or an error that cannot be had.

    Examples
    --------
    >>> from nengo_lmu.analysis import Setting
    >>> planned = plan(Setting(theta=0.1, d=3), error=0.05)
    >>> planned.window <= 0.05, sum(planned.neurons) == planned.setting.n_neurons
    (True, True)
    """
    _check_neurons(setting)
    theory = setting.for_theory
    theta, d = setting.theta, setting.d
    n_neurons = setting.n_neurons_each
    if error is not None:
        error = relative_error("error", error)
        n_neurons = neurons_for_error(error, theta, d, **theory)
    return _plan_of(setting, *quietest(theta, d, n_neurons, **theory))


def _check_neurons(setting):
    if setting.spiking not in SPIKING:
        raise ArgumentError(
            "neuron_type",
            f"{setting.neuron_type!r} is not covered by the theory; give one of "
            f"{', '.join(SPIKING)}, or measure with nengo-lmu scaling",
        )


def _plan_of(setting, populations, counts):
    """Return the plan of a memory whose signals have populations of such sizes."""
    size_in, n_neurons = setting.size_in, setting.size_in * int(np.sum(counts))
    theta, d = setting.theta, setting.d
    predicted = populations.error(counts)
    floor = None
    if populations.spiking != "regular":
        floor = populations.floor(counts).window
    gain = populations.error_feedback
    # None is for neurons that do not hear their error
    delay = populations.feedback_delay if gain else None
    return Plan(
        setting=replace(
            setting, n_neurons=n_neurons, tau=populations.tau, error_feedback=gain
        ),
        window=predicted.window,
        delay=predicted.delay,
        ideal_window=truncation_error(theta, d, setting.input_bandwidth),
        ideal_delay=truncation_error(theta, d, setting.input_bandwidth, 1.0),
        error_feedback=gain,
        floor=floor,
        neurons=[int(n) for n in counts],
        spikes_per_second=size_in * float(populations.rates(counts) @ counts),
        multiply_adds_per_second=multiply_adds(n_neurons, d, delay is not None, size_in)
        / setting.dt,
        neuron_bytes=BYTES * NUMBERS_A_NEURON * n_neurons,
        coupling_bytes=BYTES * coupling_numbers(d, delay, size_in),
    )


def coupling_numbers(d, feedback_delay=None, size_in=1):
    """Return how many numbers nengo.Simulator keeps besides those of the neurons.

    Parameters
    ----------
    d : int
    feedback_delay : int, optional
        Time steps of the error feedback besides that of the synapse; None for neurons
        that do not hear their error.
    size_in : int
        Signals.

    Returns
    -------
    numbers : int
        The recurrent matrix and that of the output, the weights of the input, ten
        signals of all dimensions on the way round, the input before and behind the
        check that it is finite, the time and the step. Matrices are between the
        dimensions of all signals, and mostly 0 if there are several.
        For the feedback another recurrent matrix, eight signals, the gain of either
        sign, and two signals for each step of delay.
    """
    n_dims = size_in * d
    numbers = 2 * n_dims**2 + size_in * n_dims + 10 * n_dims + 2 * size_in + 2
    if feedback_delay is not None:
        numbers += n_dims**2 + 8 * n_dims + 2 + 2 * feedback_delay * n_dims
    return numbers


def multiply_adds(n_neurons, d, error_feedback=False, size_in=1):
    """Return how many multiplications with addition a step takes.

    Parameters
    ----------
    n_neurons, d : int
    error_feedback : bool
        Whether the neurons hear their own error.
    size_in : int
        Signals.

    Returns
    -------
    multiply_adds : int
        Into and out of each neuron, the coupling of the dimensions, the input, the
        low-pass synapse, and the output in true units. For the feedback the gains of
        the state and of the spikes, another coupling and another synapse.
    """
    n_dims = size_in * d
    count = 2 * n_neurons + 2 * n_dims**2 + size_in * n_dims + 2 * n_dims
    return count + (n_dims**2 + 4 * n_dims if error_feedback else 0)


def verify(plan, seeds=5, workers=None):
    """Build the planned memory, run it and measure its error.

    Parameters
    ----------
    plan : Plan
    seeds : int
        How many runs, each with its own input and spikes.
    workers : int, optional
        Processes; by default one for each core.

    Returns
    -------
    measured : dict
        Mean and standard error (None for a single seed) of ``window``, ``delay`` and
        ``spikes_per_second``, and the ``simulator`` as `Setting` has it. A memory for
        the chip is emulated, and may be as late as its way takes; without NengoLoihi
        it is simulated, with stochastic neurons.
    """
    setting, emulated = _for_simulation(plan.setting)
    results = sweep.run_seeds(
        measure, [setting], seeds, workers=workers, description="Simulating"
    )[setting]
    names = {
        "window": "aligned" if emulated else "window",
        "delay": "aligned_delay" if emulated else "delay",
        "spikes_per_second": "spikes_per_second",
    }
    return _summary(results, names) | {"simulator": setting.simulator}


def _for_simulation(setting):
    """Return a setting that can be simulated here, and whether it is emulated."""
    emulated = setting.simulator != "reference"
    if emulated and find_spec("nengo_loihi") is None:
        setting = replace(setting, simulator="reference", neuron_type=setting.spiking)
        emulated = False
    return setting, emulated


def _summary(results, names):
    return {
        name: mean_and_error([result[measured] for result in results])
        for name, measured in names.items()
    }


# --- delays


@dataclass(frozen=True)
class PlannedDelay:
    """A memory for a delay of its input, and how to read it.

    Attributes
    ----------
    memory : Plan
        ``window`` and ``delay`` in it are about reading by Legendre polynomials.
    delay : float
        Seconds.
    point : float
        Where in the window that is: 1 is its end.
    readout : tuple of float
        Of each signal's state, as `nengo_lmu.legendre.DelayPlan` has it.
    error : float
        Of the delay, relative to the rms of the input: how far what is read is from
        what the input was.
    ideal, noise : float
        What that is made of: the error of the ideal memory, and of spikes.
    """

    memory: Plan
    delay: float
    point: float
    readout: tuple
    error: float
    ideal: float
    noise: float


def plan_for_delay(setting, delay, error, progress=None):
    """Plan a memory for a delay.

    Parameters
    ----------
    setting : Setting
        Of the input, the neurons and the time step, with a ``bandwidth``. ``theta``,
        ``d`` and ``n_neurons`` are not looked at.
    delay : float
        Seconds.
    error : float
        That is wanted, relative to the rms of the input.
    progress : callable, optional
        As for `nengo_lmu.legendre.plan_delay`.

    Returns
    -------
    planned : PlannedDelay

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        As for `plan` and `nengo_lmu.legendre.plan_delay`.
    """
    _check_neurons(setting)
    theory = setting.for_theory
    del theory["input"]
    choice = plan_delay(
        error,
        delay,
        bandwidth=setting.bandwidth,
        size_in=setting.size_in,
        progress=progress,
        **theory,
    )
    setting = replace(
        setting, theta=choice.theta, d=choice.d, n_neurons=choice.n_neurons
    )
    return PlannedDelay(
        memory=_plan_of(setting, choice.populations, choice.counts),
        delay=choice.delay,
        point=choice.point,
        readout=tuple(map(float, choice.readout)),
        error=choice.error,
        ideal=choice.ideal,
        noise=choice.noise,
    )


@dataclass(frozen=True)
class DelaySetting:
    """What the measurement of a delay is of.

    Attributes
    ----------
    memory : Setting
        Whose ``seed`` does not count.
    delay : float
        Seconds.
    readout : tuple of float
        Of each signal's state.
    seed : int
        Of the input, the neurons and their spikes.
    """

    memory: Setting
    delay: float
    readout: tuple
    seed: int = 0

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return self.memory.cost


def measure_delay(setting):
    """Build a memory, run it and compare what is read with what the input was.

    Parameters
    ----------
    setting : DelaySetting

    Returns
    -------
    result : dict of float
        ``error``, relative to the rms of what was presented, and what it is made of:
        ``ideal``, that of the same readout of the ideal memory, and ``noise``, the
        difference of the two. ``aligned``: the error if the memory may be as many steps
        later as suits it best, ``late``. ``spikes_per_second`` of the whole memory.
    """
    memory = replace(setting.memory, seed=setting.seed)
    run = simulate_memory(memory)
    shape = len(run.inputs), memory.size_in, memory.d
    ideal = simulate(run.inputs, memory.theta, memory.d, dt=memory.dt)
    # neurons are a time step late
    ideal = np.concatenate([np.zeros((1, *shape[1:])), ideal[:-1]]) @ setting.readout
    read = run.states.reshape(shape) @ setting.readout
    warm, steps = memory.warm_steps, int(round(setting.delay / memory.dt))

    def rms(difference):
        presented = np.sqrt(np.mean(run.inputs[warm:] ** 2))
        return float(np.sqrt(np.mean(difference**2)) / presented)

    def error(read, late=0):
        delayed = run.inputs[warm - steps : len(run.inputs) - steps - late]
        return rms(read[warm + late :] - delayed)

    errors = [error(read, late) for late in range(min(MAX_LAG, warm) + 1)]
    late = int(np.argmin(errors))
    return {
        "error": errors[0],
        "ideal": error(ideal),
        "noise": rms((read - ideal)[warm:]),
        "aligned": errors[late],
        "late": late,
        "spikes_per_second": run.spikes_per_second,
    }


def verify_delay(planned, seeds=5, workers=None):
    """Build the memory that is planned for a delay, run it and measure its error.

    Parameters
    ----------
    planned : PlannedDelay
    seeds, workers
        As for `verify`.

    Returns
    -------
    measured : dict
        As for `verify`, of ``error``, ``ideal``, ``noise`` and ``spikes_per_second``.
        On the emulator the memory may be later than the delay, by ``late`` steps.
    """
    memory, emulated = _for_simulation(planned.memory.setting)
    setting = DelaySetting(memory, planned.delay, planned.readout)
    results = sweep.run_seeds(
        measure_delay, [setting], seeds, workers=workers, description="Simulating"
    )[setting]
    names = {
        "error": "aligned" if emulated else "error",
        "ideal": "ideal",
        "noise": "noise",
        "spikes_per_second": "spikes_per_second",
    }
    if emulated:
        names["late"] = "late"
    return _summary(results, names) | {"simulator": memory.simulator}
