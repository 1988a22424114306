"""What a memory of a given error takes: neurons, spikes, arithmetic and storage."""

from dataclasses import asdict, dataclass, replace

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory_error import Setting, measure
from nengo_lmu.legendre import ArgumentError, neurons_for_error
from nengo_lmu.legendre.noise import SPIKING
from nengo_lmu.legendre.planner import quietest

# 64-bit floating point, as nengo.Simulator has it
BYTES = 8

# the weights to and from its dimension, its input and its output, and what a neuron
# keeps from step to step (the rate, or the voltage)
NUMBERS_A_NEURON = 5


@dataclass(frozen=True)
class Plan:
    """A memory, what the theory says of it, and what it takes.

    Attributes
    ----------
    setting : Setting
        Of the memory and its input; ``n_neurons`` and ``tau`` as chosen.
    window, delay : float
        Predicted error of the window, and of the delay by theta, relative to the rms of
        the input.
    neurons : list of int
        In each dimension of the state.
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
        The window error that is wanted.

    Returns
    -------
    plan : Plan

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For neurons that the theory does not cover, or an error that cannot be had.
    """
    if setting.neuron_type not in SPIKING:
        raise ArgumentError(
            "neuron_type",
            f"{setting.neuron_type!r} is not covered by the theory; give one of "
            f"{', '.join(SPIKING)}, or measure with nengo-lmu scaling",
        )
    options = {
        "tau": setting.tau,
        "max_rate": setting.mean_max_rate,
        "dt": setting.dt,
        "input": setting.input_statistics,
        "spiking": setting.neuron_type,
    }
    theta, d, dt = setting.theta, setting.d, setting.dt
    n_neurons = setting.n_neurons
    if error is not None:
        n_neurons = neurons_for_error(error, theta, d, **options)
    populations, counts = quietest(theta, d, n_neurons, **options)
    predicted = populations.error(counts)
    return Plan(
        setting=replace(setting, n_neurons=n_neurons, tau=populations.tau),
        window=predicted.window,
        delay=predicted.delay,
        neurons=[int(n) for n in counts],
        spikes_per_second=float(populations.rates(counts) @ counts),
        multiply_adds_per_second=multiply_adds(n_neurons, d) / dt,
        neuron_bytes=BYTES * NUMBERS_A_NEURON * n_neurons,
        coupling_bytes=BYTES * coupling_numbers(d),
    )


def coupling_numbers(d):
    """Return how many numbers nengo.Simulator keeps besides those of the neurons.

    The recurrent matrix and that of the output, the weights of the input, ten signals
    of ``d`` dimensions on the way round, the input, the time and the step.
    """
    return 2 * d**2 + d + 10 * d + 3


def multiply_adds(n_neurons, d):
    """Return how many multiplications with addition a step takes.

    Parameters
    ----------
    n_neurons, d : int

    Returns
    -------
    multiply_adds : int
        Into and out of each neuron, the coupling of the dimensions, the input, the
        low-pass synapse, and the output in true units.
    """
    return 2 * n_neurons + d**2 + d + 2 * d + d**2


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
        ``spikes_per_second``.
    """
    results = sweep.run_seeds(
        measure, [plan.setting], seeds, workers=workers, description="Simulating"
    )[plan.setting]
    return {
        name: sweep.mean_and_error([result[name] for result in results])
        for name in ("window", "delay", "spikes_per_second")
    }


def record(plan, measured=None):
    """Return a plan as JSON can hold it."""
    return asdict(plan) | ({} if measured is None else {"measured": measured})
