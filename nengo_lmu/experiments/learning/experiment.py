"""How a readout is learned while the memory runs, and how close it comes."""

import warnings
from dataclasses import dataclass

import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.experiment import Experiment, option
from nengo_lmu.experiments.options import (
    number_of_runs,
    one_of,
    seconds,
    whole_number,
)

TASKS = ("delay", "prediction", "product")
SIMULATORS = {"reference": "reference", "emulator": "fixed point"}

THETA, D, DT = 1.0, 6, 0.001
HIGHEST, RMS = 1.0, 0.3

# A run is measured in so many parts, one after the other.
PARTS = 10

# The input is delayed by this for the memory that is to predict it (seconds).
AHEAD = 0.1

# It is held for so long afterwards, and the solved readout has so much to learn from
# (seconds).
HELD = 10.0
_EXAMPLES = 20.0


@dataclass(frozen=True)
class Learning(Experiment):
    """Learn a readout by PES while the memory runs, from nothing.

    The memory (theta=1 s, d=6) gets white noise up to 1 Hz. A readout of neurons
    learns what was half a second ago, what comes 0.1 s later, or the product of
    what was half a second and a second ago. The error is measured in ten parts of
    the run, while it learns, and for ten more seconds in which it is held as it is
    by then, relative to the standard deviation of the target. Beside it stands a
    readout of as many neurons that was solved before the run.

    The table goes to the screen; the record (learning.json), a record of each
    measurement and the figure (learning.png) to a folder. When it was interrupted,
    the same command continues where it was.
    """

    name = "learning"
    keeps = "records and figure"
    processes = "anywhere"
    resumes = True

    tasks: tuple = option(TASKS, one_of(TASKS), "what is learned", "TASK")
    simulators: tuple = option(
        ("reference",),
        one_of(tuple(SIMULATORS)),
        "reference, or the Loihi emulator",
        "NAME",
    )
    seconds: float = option(60.0, seconds, "how long it learns", "S")
    n_neurons: int = option(600, whole_number(2 * D), "of the memory")
    units: int = option(200, whole_number(1, 2**14), "neurons of the readout")
    seeds: int = option(3, number_of_runs, "how often each is measured")

    def measure(self, run):
        """Measure each task in each simulator.

        Returns
        -------
        measured : dict
            ``rows``, one for each task and simulator: ``learned``, of the parts,
            ``held`` and ``solved``, as means with their standard errors over the runs.
        """
        settings = [
            Setting(task, SIMULATORS[name], self.seconds, self.n_neurons, self.units)
            for name in self.simulators
            for task in self.tasks
        ]
        results = run.sweep_seeds(
            measure,
            settings,
            self.seeds,
            cost=lambda setting: 1 + 4 * (setting.simulator != "reference"),
            description="runs",
        )
        names = {one: name for name, one in SIMULATORS.items()}
        return {
            "rows": [
                {
                    "task": setting.task,
                    "simulator": names[setting.simulator],
                    "learned": [
                        mean_and_error(part)
                        for part in zip(*(one["learned"] for one in results[setting]))
                    ],
                    **{
                        kind: mean_and_error([one[kind] for one in results[setting]])
                        for kind in ("held", "solved")
                    },
                }
                for setting in settings
            ]
        }

    def table(self, record):
        """Return the errors at the beginning and at the end."""
        from nengo_lmu.experiments.learning.report import learning_table

        return learning_table(record)

    def figure(self, record):
        """Draw errors against time, over those of the solved readouts."""
        from nengo_lmu.experiments.learning.report import learning_figure

        return learning_figure(record)


@dataclass(frozen=True)
class Setting:
    """One run of a readout that learns.

    Attributes
    ----------
    task : str
    simulator : str
        As `nengo_lmu.analysis.simulators.make_simulator` knows it.
    seconds : float
    n_neurons, units : int
        Of the memory, and of the readout.
    seed : int
        Of the input, the neurons and the spikes.
    dt, recipe : float and str
        For the simulator.
    """

    task: str
    simulator: str
    seconds: float
    n_neurons: int
    units: int
    seed: int = 0
    dt: float = DT
    recipe: str = "default"


def signals(task, duration, seed):
    """Return what the memory is given, and what is to be learned of it.

    Parameters
    ----------
    task : str
    duration : float
        Seconds.
    seed : int

    Returns
    -------
    u, target : (n_steps, 1) ndarray
        With what was before the beginning from the signal's end, which is its beginning
        too.
    """
    import nengo

    process = nengo.processes.WhiteSignal(duration, high=HIGHEST, rms=RMS, seed=seed)
    u = process.run(duration, dt=DT)

    def ago(time):
        return np.roll(u, int(round(time / DT)), axis=0)

    if task == "delay":
        return u, ago(THETA / 2)
    if task == "prediction":
        return ago(AHEAD), u
    return u, ago(THETA / 2) * ago(THETA) / RMS


def measure(setting):
    """Learn a readout, and solve another.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``learned``, the error of each part of the run; ``held``, while it does not
        learn any more, and ``solved``, of the other readout in the same time. Relative
        to the standard deviation of the target.
    """
    import nengo

    from nengo_lmu.analysis.simulators import make_simulator
    from nengo_lmu.networks import LegendreMemory

    u, target = signals(setting.task, setting.seconds + HELD, setting.seed)
    with nengo.Network(seed=setting.seed) as net:
        signal = nengo.Node(nengo.processes.PresentInput(u, DT))
        teacher = nengo.Node(nengo.processes.PresentInput(target, DT))
        memory = LegendreMemory(THETA, D, n_neurons=setting.n_neurons)
        nengo.Connection(signal, memory.input, synapse=None)
        points = [0.5, 1.0] if setting.task == "product" else None
        learned = memory.add_learned_readout(
            points=points, n_neurons=setting.units, seed=setting.seed
        )
        nengo.Connection(teacher, learned.target, synapse=None)
        end = nengo.Node(lambda t: float(t > setting.seconds))
        nengo.Connection(end, learned.hold, synapse=None)
        solved = _solved(memory, setting)
        probes = [nengo.Probe(learned.node), nengo.Probe(solved)]
    with warnings.catch_warnings():
        # The chip's learning takes one spike of a neuron in two steps at most: what it
        # loses is a part of what is measured.
        for told in ("Synaptic trace spikes lost", "Clipping synapse trace"):
            warnings.filterwarnings("ignore", told, UserWarning)
        tau = memory.synapse.tau
        with make_simulator(setting, net, tau, setting.seed) as sim:
            sim.run_steps(len(u))
            missed = [sim.data[probe] - target for probe in probes]
    n_learning = int(round(setting.seconds / DT))
    parts = np.array_split(missed[0][:n_learning], PARTS)
    held, solved = (_rms(one[n_learning:]) / target.std() for one in missed)
    return {
        "learned": [_rms(part) / target.std() for part in parts],
        "held": held,
        "solved": solved,
    }


def _solved(memory, setting):
    """Add a readout of as many neurons that is solved, and return its node."""
    options = {
        "n_neurons": setting.units,
        "chip": setting.simulator != "reference",
        "seed": setting.seed,
    }
    if setting.task == "product":
        return memory.add_window([0.5, 1.0], lambda v: v[0] * v[1] / RMS, **options)
    u, target = signals(setting.task, _EXAMPLES, setting.seed + 1)
    washout = int(2 * THETA / DT)
    return memory.fit_readout(u, target, washout=washout, **options).node


def _rms(values):
    return float(np.sqrt(np.mean(values**2)))
