"""How long a step of NengoLoihi's emulator takes, against the number of neurons.

Our memory and those of others (`nengo_lmu.analysis.published`), each by the fast
emulator of `nengo_lmu.loihi` and by NengoLoihi's own, which have the same results. All
that are compared take turns in one process, in many short rounds.
"""

import time
import warnings
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import nengo
import numpy as np
from nengo.exceptions import BuildError
from tqdm import tqdm

from nengo_lmu.analysis.published import example_memory, notebook_memory
from nengo_lmu.analysis.summary import quartiles
from nengo_lmu.benchmarks.memories import measured_times
from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.options import whole_number
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.networks import LegendreMemory

THETA = 1.0
D = 6
TAU = 0.1
MAX_RATES = nengo.dists.Uniform(100, 120)
DT = 0.001

CONSTRUCTIONS = {
    "ours": LegendreMemory,
    "example": example_memory,
    "notebook": notebook_memory,
}
EMULATORS = ("fast", "own")

# Every ratio is to this one, of the same size.
REFERENCE = ("ours", "fast")

# These are numbers of neurons, one more with --full, and the largest for all but the
# reference.
SIZES = (300, 600, 1200, 2400, 4800)
LARGEST = 9600
SLOW_UP_TO = 1200
SLOW_UP_TO_FULL = 4800

# Each simulator has so long in a round (seconds), and at least so many steps.
ROUND = 0.02
_STEPS = 10

# The memories fill before times are taken, so that neurons spike as they do from then
# on (steps).
_WARM = 1000


@dataclass(frozen=True)
class Setting:
    """What to measure.

    Attributes
    ----------
    construction : str
        A key of `CONSTRUCTIONS`.
    emulator : str
        One of `EMULATORS`: that of nengo_lmu, or NengoLoihi's own.
    n_neurons : int
    """

    construction: str
    emulator: str
    n_neurons: int

    def make(self):
        """Return a simulator of nothing but the memory, its input and its state."""
        import nengo_loihi

        from nengo_lmu.loihi import fast_emulator

        with nengo.Network(seed=0) as network:
            process = nengo.processes.WhiteSignal(10, high=1, rms=0.3, y0=0, seed=0)
            memory = CONSTRUCTIONS[self.construction](
                THETA,
                D,
                n_neurons=self.n_neurons,
                synapse=TAU,
                max_rates=MAX_RATES,
                dt=DT,
            )
            nengo.Connection(nengo.Node(process), memory.input, synapse=None)
            # What nobody reads is not decoded, and a value a second fills no memory.
            nengo.Probe(memory.output, sample_every=1.0)
        model = nengo_loihi.builder.Model(dt=DT)
        if self.construction == "notebook":
            model.decode_tau = TAU
        fast_emulator(self.emulator == "fast")
        try:
            with warnings.catch_warnings():
                if self.construction != "ours":
                    # It warns of the few bits that weights have.
                    warnings.simplefilter("ignore", UserWarning)
                return nengo_loihi.Simulator(
                    network, dt=DT, model=model, seed=0, target="sim"
                )
        finally:
            fast_emulator()


@dataclass(frozen=True)
class Emulator(Experiment):
    """Time of NengoLoihi's emulator against the number of neurons.

    Memories of a second and order 6 get white noise, and their state is decoded:
    ours, that of NengoLoihi's example, and the one that was published as a
    notebook. Each runs on the fast emulator and on NengoLoihi's own. Times are
    medians over short rounds in which all take turns; ratios are to our memory of
    the same size on the fast emulator, within a round. Parts of a step are what
    synapses, compartments and the host take; the rest is mostly the exchange with
    the host. Building, which is done once, includes making the network.

    Some 5 minutes; --full is half an hour, and some GB.
    """

    name = "bench emulator"
    keeps = "record and figure"
    always_kept = False

    n_neurons: tuple | None = option(
        None,
        whole_number(2 * D),
        f"neurons, in multiples of {D} (default: {' '.join(map(str, SIZES))})",
        "M",
        nargs="+",
        formerly=("--m",),
    )
    full: bool = switch(
        f"{LARGEST} neurons too, and all but ours on the fast emulator for up to "
        f"{SLOW_UP_TO_FULL} instead of {SLOW_UP_TO}"
    )
    rounds: int = measured_times(50)

    def __post_init__(self):
        super().__post_init__()
        if self.n_neurons is None:
            sizes = (*SIZES, LARGEST) if self.full else SIZES
            object.__setattr__(self, "n_neurons", sizes)
        for size in self.n_neurons:
            if size % D or size < 2 * D:
                raise ArgumentError(
                    "n_neurons",
                    f"must be a multiple of {D}, of at least {2 * D}, an on and an off "
                    f"neuron for each of {D} dimensions, but {size} was given; use "
                    f"{max(2 * D, size - size % D + D)}",
                )

    def memories(self):
        """Return what is measured.

        Returns
        -------
        settings : list of Setting
            For large memories there is `REFERENCE` only. The others take minutes to
            build, where they fit at all, and NengoLoihi's own emulator tens of
            milliseconds a step.
        """
        slow_up_to = SLOW_UP_TO_FULL if self.full else SLOW_UP_TO
        return [
            Setting(construction, emulator, size)
            for size in sorted(set(self.n_neurons))
            for construction in CONSTRUCTIONS
            for emulator in EMULATORS
            if size <= slow_up_to or (construction, emulator) == REFERENCE
        ]

    def measure(self, run):
        """Measure the emulators with memories of all sizes.

        Returns
        -------
        measured : dict
            ``rows``, one for each size, construction and emulator: ``build``, the
            seconds of making the network and the simulator; seconds a step, in
            ``step``, and their ``ratio`` to that of `REFERENCE`, each as median and
            quartiles over rounds; ``parts``, the fractions of a step that are spent on
            the ``host``, for ``synapses`` and for ``compartments``; the ``rest`` is
            mostly the exchange with the host. What does not fit Loihi has no row but is
            one of ``misfits``.
        """
        import nengo_lmu.loihi  # noqa: F401  which takes longer than the first build

        settings = self.memories()
        rows, misfits, simulators = [], [], []
        total = len(settings) + self.rounds
        with (
            tqdm(total=total, desc=self.name, disable=None) as bar,
            ExitStack() as stack,
        ):
            for setting in settings:
                started = time.perf_counter()
                try:
                    simulator = stack.enter_context(setting.make())
                except BuildError:
                    misfits.append(asdict(setting))
                else:
                    seconds = time.perf_counter() - started
                    rows.append(asdict(setting) | {"build": seconds})
                    simulator.run_steps(_WARM)
                    simulators.append(simulator)
                bar.update()
            times, n_steps = _step_times(simulators, self.rounds, bar.update)
            base = {
                row["n_neurons"]: times[:, j]
                for j, row in enumerate(rows)
                if (row["construction"], row["emulator"]) == REFERENCE
            }
            for j, (row, simulator) in enumerate(zip(rows, simulators)):
                row["step"] = quartiles(times[:, j])
                row["ratio"] = quartiles(times[:, j] / base[row["n_neurons"]])
                row["parts"] = parts_of_a_step(simulator, 10 * n_steps[j])
        return {"rows": rows, "misfits": misfits}

    table = shown_by("benchmarks.report.emulator_tables")
    figure = shown_by("benchmarks.report.draw_emulator")


def _step_times(simulators, rounds, tick):
    """Return the times of each round and simulator, and how many steps they are of."""
    n_steps = [
        max(_STEPS, int(ROUND / _step_time(simulator, _STEPS)))
        for simulator in simulators
    ]
    times = np.empty((rounds, len(simulators)))
    for i in range(rounds):
        for j, simulator in enumerate(simulators):
            times[i, j] = _step_time(simulator, n_steps[j])
        tick()
    return times, n_steps


def parts_of_a_step(simulator, n_steps):
    """Measure what the time of a step is spent on.

    Parameters
    ----------
    simulator : nengo_loihi.Simulator
        On the emulator.
    n_steps : int

    Returns
    -------
    parts : dict of float
        Fractions of the time.
    """
    chip = simulator.sims["emulator"]
    spent = defaultdict(float)

    def clock(part, obj, name):
        function = getattr(obj, name)

        def timed(*args, **kwargs):
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[part] += time.perf_counter() - started

        setattr(obj, name, timed)  # other objects keep theirs

    for name in ("host_pre", "host"):  # the host steps before and after the chip
        if name in simulator.sims:
            clock("host", simulator.sims[name], "step")
    clock("synapses", chip.synapses, "inject_current")
    clock("synapses", chip.synapses, "update_input")
    clock("compartments", chip.compartment, "update")
    total = _step_time(simulator, n_steps) * n_steps
    parts = {part: seconds / total for part, seconds in spent.items()}
    return parts | {"rest": 1 - sum(parts.values())}


def _step_time(simulator, n_steps):
    started = time.perf_counter()
    simulator.run_steps(n_steps)
    return (time.perf_counter() - started) / n_steps
