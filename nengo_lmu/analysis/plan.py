"""What a memory of a given error takes: neurons, spikes, arithmetic and storage."""

from dataclasses import dataclass, replace
from importlib.util import find_spec

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import Setting, measure
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.legendre import ArgumentError, neurons_for_error
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
        Predicted error of the window, and of the delay by theta, relative to the rms of
        the input.
    error_feedback : float
        Gain with which the neurons hear their own error; 0 for not at all.
    floor : float or None
        Error of the window that the spikes of a single step leave by themselves, below
        which no feedback gets; None for regular neurons, which have none.
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
        The window error that is wanted.

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
    if setting.spiking not in SPIKING:
        raise ArgumentError(
            "neuron_type",
            f"{setting.neuron_type!r} is not covered by the theory; give one of "
            f"{', '.join(SPIKING)}, or measure with nengo-lmu scaling",
        )
    theory = setting.for_theory
    theta, d, dt = setting.theta, setting.d, setting.dt
    n_neurons = setting.n_neurons
    if error is not None:
        n_neurons = neurons_for_error(error, theta, d, **theory)
    populations, counts = quietest(theta, d, n_neurons, **theory)
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
        error_feedback=gain,
        floor=floor,
        neurons=[int(n) for n in counts],
        spikes_per_second=float(populations.rates(counts) @ counts),
        multiply_adds_per_second=multiply_adds(n_neurons, d, delay is not None) / dt,
        neuron_bytes=BYTES * NUMBERS_A_NEURON * n_neurons,
        coupling_bytes=BYTES * coupling_numbers(d, delay),
    )


def coupling_numbers(d, feedback_delay=None):
    """Return how many numbers nengo.Simulator keeps besides those of the neurons.

    Parameters
    ----------
    d : int
    feedback_delay : int, optional
        Time steps of the error feedback besides that of the synapse; None for neurons
        that do not hear their error.

    Returns
    -------
    numbers : int
        The recurrent matrix and that of the output, the weights of the input, ten
        signals of ``d`` dimensions on the way round, the input before and behind the
        check that it is finite, the time and the step.
        For the feedback another recurrent matrix, eight signals, the gain of either
        sign, and two signals for each step of delay.
    """
    numbers = 2 * d**2 + d + 10 * d + 4
    if feedback_delay is not None:
        numbers += d**2 + 8 * d + 2 + 2 * feedback_delay * d
    return numbers


def multiply_adds(n_neurons, d, error_feedback=False):
    """Return how many multiplications with addition a step takes.

    Parameters
    ----------
    n_neurons, d : int
    error_feedback : bool
        Whether the neurons hear their own error.

    Returns
    -------
    multiply_adds : int
        Into and out of each neuron, the coupling of the dimensions, the input, the
        low-pass synapse, and the output in true units. For the feedback the gains of
        the state and of the spikes, another coupling and another synapse.
    """
    count = 2 * n_neurons + d**2 + d + 2 * d + d**2
    return count + (2 * d + d**2 + 2 * d if error_feedback else 0)


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
    setting = plan.setting
    emulated = setting.simulator != "reference"
    if emulated and find_spec("nengo_loihi") is None:
        setting = replace(setting, simulator="reference", neuron_type=setting.spiking)
        emulated = False
    results = sweep.run_seeds(
        measure, [setting], seeds, workers=workers, description="Simulating"
    )[setting]
    names = {
        "window": "aligned" if emulated else "window",
        "delay": "aligned_delay" if emulated else "delay",
        "spikes_per_second": "spikes_per_second",
    }
    return {
        name: mean_and_error([result[measured] for result in results])
        for name, measured in names.items()
    } | {"simulator": setting.simulator}
