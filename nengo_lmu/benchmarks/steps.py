"""How much time and memory a memory takes, against its number of neurons.

Other work on the same computer disturbs times: all sizes take turns, in many short
rounds, and what is compared is compared within a round. Memory is measured in a process
of its own for each size.
"""

import math
import time
import tracemalloc
from dataclasses import asdict, dataclass, replace
from functools import partial

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from tqdm import tqdm

from nengo_lmu.analysis.summary import quartiles
from nengo_lmu.analysis.timing import in_a_process
from nengo_lmu.benchmarks.memories import (
    OfMemories,
    Setting,
    measured_times,
    numbers_of_neurons,
)
from nengo_lmu.experiments.experiment import shown_by

# Exponents are fitted from so many neurons on: below, Nengo's own time for each
# operator of a step counts.
LARGE = 10_000

# A step, or that of its neurons alone, is repeated for so long in a round (seconds).
ROUND = 0.004

# Each memory is made and built so often; the least time counts.
_BUILDS = 3


@dataclass(frozen=True)
class Steps(OfMemories):
    """Time and memory of nengo.Simulator against the number of neurons.

    A memory of a second gets white noise and no probes. Times are medians over
    short rounds in which all sizes take turns; the neurons alone are the step
    functions of their operators, in the same simulator, with the same input, ours
    and Nengo's own; the ratio is of the whole step to Nengo's own neurons, and
    feedback that to a step of a memory that does not hear its error. Memory is the
    most that making, building and running takes, in a process of its own.
    """

    name = "bench steps"
    keeps = "record and figure"

    n_neurons: tuple = numbers_of_neurons((100, 1000, 10_000, 30_000, 100_000))
    rounds: int = measured_times(100)

    def measure(self, run):
        """Measure `nengo.Simulator` with memories of all sizes and orders.

        Returns
        -------
        measured : dict
            ``rows``, one for each order and size: seconds a step, in ``step``, of its
            neurons' operators alone, in ``neurons``, and of Nengo's own operators for
            the same neurons, in ``nengo``; the ``ratio`` of the whole step to the
            latter, and ``feedback``, that to a step of a memory without error feedback;
            each as median and quartiles over rounds; ``make`` and ``build``, the
            seconds of making the network and the simulator; ``peak`` and ``resident``
            memory, the bytes that making, building and running take at most and in the
            end. ``exponents``, one for each order with two sizes of at least `LARGE`.
        """
        settings = self.sizes
        total = len(settings) + self.rounds
        with tqdm(total=total, desc=self.name, disable=None) as bar:
            rows = []
            for setting in settings:
                rows.append(asdict(setting) | in_a_process(footprint, setting))
                bar.update()
            step, neurons, own, plain = step_times(settings, self.rounds, bar.update)
        for i, row in enumerate(rows):
            row["step"] = quartiles(step[:, i])
            row["neurons"] = quartiles(neurons[:, i])
            row["nengo"] = quartiles(own[:, i])
            row["ratio"] = quartiles(step[:, i] / own[:, i])
            row["feedback"] = quartiles(step[:, i] / plain[:, i])
        return {"rows": rows, "exponents": exponents_of(settings, rows, step)}

    table = shown_by("benchmarks.report.steps_tables")
    figure = shown_by("benchmarks.report.draw_steps")


def step_times(settings, rounds, tick=lambda: None):
    """Measure the time of a step, and of parts of it.

    Parameters
    ----------
    settings : list of Setting
    rounds : int
    tick : callable
        Called after each round.

    Returns
    -------
    step, neurons, own, plain : (rounds, n_settings) ndarray
        Seconds: of a step; of its neurons alone, by our steps and by Nengo's, with the
        input that they had in the last step; of a memory without error feedback.
    """

    def simulator(setting):
        return nengo.Simulator(setting.make(), progress_bar=False, seed=0)

    simulators = [
        (simulator(setting), simulator(replace(setting, error_feedback=0.0)))
        for setting in settings
    ]
    try:
        all_steps = [
            (
                sim.step,
                _neurons_alone(sim, type),
                _neurons_alone(sim, nengos_own),
                plain.step,
            )
            for sim, plain in simulators
        ]
        # the first steps of a memory are those of an empty one
        repeats = [
            [max(1, math.ceil(ROUND / _seconds(step, 100))) for step in steps]
            for steps in all_steps
        ]
        times = np.empty((rounds, len(settings), 4))
        for i in range(rounds):
            for j, steps in enumerate(all_steps):
                for k, step in enumerate(steps):
                    times[i, j, k] = _seconds(step, repeats[j][k])
            tick()
    finally:
        for sim in (sim for pair in simulators for sim in pair):
            sim.close()
    return tuple(np.moveaxis(times, 2, 0))


def footprint(setting):
    """Measure what it takes to make, build and run a memory.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``make`` and ``build`` in seconds, ``peak`` and ``resident`` in bytes.
    """
    _make_and_build(Setting(20, 2))  # some modules are imported that late
    times = np.array([_make_and_build(setting) for _ in range(_BUILDS)])
    tracemalloc.start()
    with nengo.Simulator(setting.make(), progress_bar=False, seed=0) as simulator:
        for _ in range(10):
            simulator.step()
        resident, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    make, build = times.min(axis=0)
    return {"make": make, "build": build, "peak": peak, "resident": resident}


def _make_and_build(setting):
    start = time.perf_counter()
    network = setting.make()
    middle = time.perf_counter()
    nengo.Simulator(network, progress_bar=False, seed=0).close()
    return middle - start, time.perf_counter() - middle


def nengos_own(neurons):
    """Return the class of Nengo's that neurons are of, or are derived from."""
    return next(
        cls for cls in type(neurons).__mro__ if cls.__module__ == "nengo.neurons"
    )


def _neurons_alone(simulator, class_of):
    """Return a function that makes the step of the neurons, and nothing else.

    Parameters
    ----------
    simulator : nengo.Simulator
    class_of : callable
        Takes neurons and returns the class whose step they make.
    """
    steps = []
    for operator in simulator.step_order:
        if isinstance(operator, SimNeurons):
            state = {key: simulator.signals[s] for key, s in operator.state.items()}
            steps.append(
                partial(
                    class_of(operator.neurons).step,
                    operator.neurons,
                    simulator.dt,
                    simulator.signals[operator.J],
                    simulator.signals[operator.output],
                    **state,
                    **operator.state_extra,
                )
            )

    def step():
        for part in steps:
            part()

    return step


def _seconds(function, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def exponents_of(settings, rows, step):
    """Fit powers of m to what large memories take."""
    exponents = []
    for d in dict.fromkeys(setting.d for setting in settings):
        large = [i for i, s in enumerate(settings) if s.d == d and s.n_neurons >= LARGE]
        if len(large) > 1:
            m = [settings[i].n_neurons for i in large]
            exponents.append(
                {
                    "d": d,
                    "n_neurons": m,
                    "step": quartiles(_slopes(m, step[:, large])),
                    "peak": float(_slopes(m, [[rows[i]["peak"] for i in large]])[0]),
                }
            )
    return exponents


def _slopes(m, values):
    """Return the least-squares slope of each row, in logarithms."""
    x = np.log(m) - np.mean(np.log(m))
    return np.log(values) @ x / (x @ x)
