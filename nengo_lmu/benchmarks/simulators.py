"""How fast each simulator steps a spiking memory, against its neurons and its order.

The same network everywhere: `nengo.Simulator`, NengoDL with one run at a time and with
32 side by side, and the emulator of NengoLoihi. What counts is how many steps of how
many runs are made in a second. All take turns in one process, in many short rounds;
memory is measured in a process of its own for each.
"""

import time
import warnings
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import nengo
import numpy as np
from tqdm import tqdm

from nengo_lmu.analysis.summary import quartiles
from nengo_lmu.analysis.timing import in_a_process, peak_resident
from nengo_lmu.benchmarks import memories
from nengo_lmu.benchmarks.memories import OfMemories
from nengo_lmu.experiments.experiment import shown_by

# NengoDL steps so many runs side by side.
MINIBATCH = 32

# Every ratio is to this simulator, for a memory of the same size.
REFERENCE = "Nengo"

# Loihi has no way to let neurons hear their error.
WITHOUT_FEEDBACK = ("emulator",)

# Each simulator has so long in a round, and NengoDL, which prepares each call, so many
# steps (seconds, steps).
ROUND = 0.05
_STEPS = 500


@dataclass(frozen=True)
class Setting:
    """A simulator with a memory.

    Attributes
    ----------
    simulator : str
        A key of `SIMULATORS`.
    n_neurons : int
    d : int
        Order.
    error_feedback : float or None
        Gain with which the neurons hear their own error; None for the default.
    """

    simulator: str
    n_neurons: int
    d: int
    error_feedback: float | None = None

    @property
    def runs(self):
        """(int) How many runs it steps side by side."""
        return SIMULATORS[self.simulator][1]

    def make(self):
        """Return a simulator of nothing but the memory, its input and its state."""
        size = memories.Setting(self.n_neurons, self.d, self.error_feedback)
        network = size.make()
        (memory,) = network.networks
        with network:
            # What nobody reads is not decoded, and a value a second fills no memory.
            nengo.Probe(memory.output, sample_every=1.0)
        return SIMULATORS[self.simulator][2](network, self.runs)


def _nengo(network, runs):
    return nengo.Simulator(network, progress_bar=False, seed=0)


def _nengo_dl(network, runs):
    import nengo_dl

    simulator = nengo_dl.Simulator(
        network, minibatch_size=runs, progress_bar=False, seed=0
    )
    # The stimulus is an array, since NengoDL steps each run's process in Python.
    (stimulus,) = network.nodes
    signal = stimulus.output.run_steps(_STEPS)
    simulator.run_steps = partial(
        simulator.run_steps, data={stimulus: np.tile(signal, (runs, 1, 1))}
    )
    return simulator


def _emulator(network, runs):
    import nengo_loihi

    return nengo_loihi.Simulator(network, seed=0, target="sim")


# A simulator has a package, runs side by side, and a function that makes it.
SIMULATORS = {
    REFERENCE: ("nengo", 1, _nengo),
    "NengoDL": ("nengo_dl", 1, _nengo_dl),
    f"NengoDL x{MINIBATCH}": ("nengo_dl", MINIBATCH, _nengo_dl),
    "emulator": ("nengo_loihi", 1, _emulator),
}


@dataclass(frozen=True)
class Simulators(OfMemories):
    """Time and memory of all simulators against the neurons and the order d.

    A memory of a second gets white noise, and its state is probed once a second,
    in Nengo's reference simulator, in NengoDL, one run and 32 side by side, and in
    NengoLoihi's emulator. Times are medians over short rounds in which all take
    turns; a step is one of all runs, and ratios are of steps of single runs in a
    second to those of Nengo, within a round; feedback is the time of a step
    relative to that of a memory that does not hear its error. Memory is the most
    that making and running takes beyond the packages, in a process of its own.
    Some ten minutes, most of it for the emulator.
    """

    name = "bench simulators"

    def measure(self, run):
        """Measure the simulators with memories of all sizes and orders.

        Returns
        -------
        measured : dict
            ``rows``, one for each order, size and simulator: ``runs`` that it steps
            side by side; ``build``, the seconds of making the network and the
            simulator; ``step``, the seconds of a step of all runs; ``throughput``,
            steps of single runs in a second, and its ``ratio`` to that of `REFERENCE`;
            ``feedback``, the ratio of the step to that of a memory without error
            feedback (None where there is none anyway); each as median and quartiles
            over rounds; ``peak``, the bytes that a process has at most for it, beyond
            what the packages take. ``missing`` are the simulators that are not
            installed.
        """
        sizes = self.sizes
        names = [
            name for name, (package, *_) in SIMULATORS.items() if find_spec(package)
        ]
        for name in names:
            # An import takes longer than the first build.
            import_module(SIMULATORS[name][0])
        rows = []
        total = len(sizes) * (2 * len(names) + self.rounds)
        with (
            tqdm(total=total, desc=self.name, disable=None) as bar,
            warnings.catch_warnings(),
        ):
            # NengoLoihi warns of currents that Loihi cuts off while a memory fills.
            warnings.simplefilter("ignore", UserWarning)
            for size in sizes:
                settings = [Setting(name, size.n_neurons, size.d) for name in names]
                rows += _measure_size(settings, self.rounds, bar.update)
        return {
            "rows": rows,
            "missing": [name for name in SIMULATORS if name not in names],
        }

    table = shown_by("benchmarks.report.simulators_tables")


def _measure_size(settings, rounds, tick):
    """Return the rows of memories of one size, in each of the simulators."""
    peaks = []
    for setting in settings:
        peaks.append(in_a_process(footprint, setting))
        tick()
    plain = [
        replace(setting, error_feedback=0.0)
        for setting in settings
        if setting.simulator not in WITHOUT_FEEDBACK
    ]
    with ExitStack() as stack:
        builds, simulators = [], []
        for setting in settings:
            started = time.perf_counter()
            simulators.append(stack.enter_context(setting.make()))
            builds.append(time.perf_counter() - started)
            tick()
        others = [stack.enter_context(setting.make()) for setting in plain]
        times = _step_times([*simulators, *others], rounds, tick)
    times, others = times[:, : len(settings)], times[:, len(settings) :].T
    plain = {setting.simulator: step for setting, step in zip(plain, others)}
    throughput = np.array([setting.runs for setting in settings]) / times
    names = [setting.simulator for setting in settings]
    ratio = throughput / throughput[:, [names.index(REFERENCE)]]
    return [
        asdict(setting)
        | {"runs": setting.runs, "build": builds[i], "peak": peaks[i]}
        | {"step": quartiles(times[:, i])}
        | {"throughput": quartiles(throughput[:, i])}
        | {"ratio": quartiles(ratio[:, i])}
        | {"feedback": _feedback(times[:, i], plain.get(setting.simulator))}
        for i, setting in enumerate(settings)
    ]


def footprint(setting):
    """Measure the memory that it takes to make a simulator and to run it.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    peak : int or None
        Bytes beyond what the process had after a small one had been made and run; None
        where the computer does not tell.
    """
    _make_and_run(Setting(setting.simulator, 12, 2))
    before = peak_resident()
    if before is None:
        return None
    _make_and_run(setting)
    return peak_resident() - before


def _feedback(step, plain):
    return None if plain is None else quartiles(step / plain)


def _make_and_run(setting):
    with warnings.catch_warnings(), setting.make() as simulator:
        warnings.simplefilter("ignore", UserWarning)
        simulator.run_steps(_STEPS)


def _step_times(simulators, rounds, tick):
    """Return the seconds of a step, for each round and simulator."""
    for simulator in simulators:
        _step_time(simulator, _STEPS)  # TensorFlow traces
    repeats = [
        max(1, int(ROUND / (_STEPS * _step_time(simulator, _STEPS))))
        for simulator in simulators
    ]
    times = np.empty((rounds, len(simulators)))
    for i in range(rounds):
        for j, simulator in enumerate(simulators):
            # NengoDL traces again for another number of steps in a call
            times[i, j] = np.mean(
                [_step_time(simulator, _STEPS) for _ in range(repeats[j])]
            )
        tick()
    return times


def _step_time(simulator, n_steps):
    started = time.perf_counter()
    simulator.run_steps(n_steps)
    return (time.perf_counter() - started) / n_steps
