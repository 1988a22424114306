"""The ``nengo-lmu`` command: names of experiments, which are loaded when asked for."""

import argparse
import errno
import os
import signal
import sys
import threading
from contextlib import contextmanager

from nengo_lmu import startup
from nengo_lmu.analysis.errors import USER_ERRORS, MeasurementError, Terminated
from nengo_lmu.utils.lazy import load
from nengo_lmu.utils.renamed import say_renamed
from nengo_lmu.version import version

# Commands have a line of help and a class within `nengo_lmu`, or more commands.
COMMANDS = {
    "demo": (
        "handwritten digits: ideal, NengoDL, reference simulator, Loihi emulator",
        "experiments.digits.demo.Demo",
    ),
    "plan": (
        "how many neurons an error or a delay needs, and what they cost",
        "experiments.plan.PlanMemory",
    ),
    "theory": (
        "the theory against simulations, and memories with input unlike the design's",
        "experiments.theory.experiment.Theory",
    ),
    "feedback": (
        "neurons that hear their own error: single ones, their sum, size and delay",
        "experiments.feedback.experiment.Feedback",
    ),
    "learning": (
        "a readout that is learned while the memory runs: delay, prediction, product",
        "experiments.learning.experiment.Learning",
    ),
    "scaling": (
        "error against neurons, order, window, synapse and dt, over the theory's "
        "curves",
        "experiments.scaling.experiment.Scaling",
    ),
    "scale-invariance": (
        "the digits network at time steps that it was not trained at",
        "experiments.digits.scale_invariance.ScaleInvariance",
    ),
    "train": (
        "psMNIST, Mackey-Glass, capacity and others; real series; your own data",
        {
            "psmnist": (
                "handwritten digits, pixel by pixel in shuffled order; with spikes, on "
                "Loihi",
                "experiments.psmnist.experiment.PsMnist",
            ),
            "capacity": (
                "recall of the last 100 to 100,000 time steps: LMU and LSTM",
                "experiments.capacity.experiment.Capacity",
            ),
            "mackey-glass": (
                "prediction of a chaotic series: LSTM, LMU, both in turn, the paper's",
                "experiments.mackey_glass.experiment.MackeyGlass",
            ),
            "mackey-glass-spikes": (
                "the same in spikes: what limits it; echo-state networks",
                "experiments.mackey_glass.in_spikes.SpikingMackeyGlass",
            ),
            "ablation": (
                "psMNIST with a perturbed A: what the memory's matrix is good for",
                "experiments.psmnist.ablation.Ablation",
            ),
            "time-scale": (
                "learned time-scales: theta recovered from a wrong one, in one layer "
                "and in three",
                "experiments.time_scale.experiment.TimeScale",
            ),
            "digits": (
                "handwritten digits: trained in NengoDL, read in spikes",
                "experiments.digits.training.TrainDigits",
            ),
            "series": (
                "your own data, of a file: classes, forecasts, anomalies",
                "experiments.series.experiment.TrainSeries",
            ),
            "speakers": (
                "real series: nine speakers by two vowels (JapaneseVowels)",
                "experiments.series.real.Speakers",
            ),
            "motions": (
                "real series: four activities, as a stream (BasicMotions)",
                "experiments.series.real.Motions",
            ),
            "sunspots": (
                "real series: sunspots, a year ahead",
                "experiments.series.real.Sunspots",
            ),
            "pressure": (
                "real series: an anomaly in arterial pressure (InternalBleeding)",
                "experiments.series.real.Pressure",
            ),
            "ecg": (
                "real series: an electrocardiogram, in about real time",
                "experiments.series.real.ECG",
            ),
            "noise": (
                "training with the memory's noise against training by rates, digits",
                "experiments.digits.noise.TrainNoise",
            ),
        },
    ),
    "loihi": (
        "what memories need of Loihi, and how accurate they are there",
        {
            "resources": (
                "what an LMU needs of Loihi: cores, compartments, synapses, axons",
                "experiments.on_chip.needs.Resources",
            ),
            "fidelity": (
                "error on the emulator against the reference simulator and others",
                "experiments.on_chip.fidelity.Fidelity",
            ),
            "routes": (
                "ways for the state to the neurons: error, cores and synapses",
                "experiments.on_chip.routes.Routes",
            ),
            "agreement": (
                "how often the emulator reads a digit as the reference simulator does",
                "experiments.digits.agreement.Agreement",
            ),
        },
    ),
    "bench": (
        "time and memory, measured in turns",
        {
            "steps": (
                "time and memory of a step",
                "benchmarks.steps.Steps",
            ),
            "simulators": (
                "time of a step of all simulators",
                "benchmarks.simulators.Simulators",
            ),
            "emulator": (
                "time of a step of NengoLoihi's emulator",
                "benchmarks.emulator.Emulator",
            ),
            "training": (
                "time of a minibatch of psMNIST",
                "benchmarks.training.Training",
            ),
        },
    ),
}

# The release before called commands so: this stood first and somewhere behind it, and
# that stands there now.
FORMERLY = {
    ("train", "scale-invariance"): (["scale-invariance"], None),
    ("loihi", "--fidelity"): (["loihi", "fidelity"], None),
    ("loihi", "--routes"): (["loihi", "routes"], None),
    ("demo", "--agreement"): (["loihi", "agreement"], "--seeds"),
}

# Shells make these of SIGPIPE and SIGTERM, the signals that end other tools then.
BROKEN_PIPE = 141
TERMINATED = 143


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line and exits with 2.

    Parameters
    ----------
    experiment : str, optional
        Where the class is whose options the command has. It is imported when the
        command is given.
    """

    def __init__(self, *args, experiment=None, **kwargs):
        # "--seed" for "--seeds" would be another number without a word.
        super().__init__(*args, allow_abbrev=False, **kwargs)
        self.experiment = experiment

    def parse_known_args(self, args=None, namespace=None):
        """Parse arguments, once the options are known."""
        if self.experiment is not None:
            experiment = load(self.experiment)
            experiment.add_arguments(self)
            self.set_defaults(run=experiment.run_command, prog=self.prog)
            self.experiment = None
        return super().parse_known_args(args, namespace)

    def error(self, message):
        """Exit with the message, without the usage that argparse puts before it."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv=None):
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        By default the command line.

    Returns
    -------
    status : int
        0; 1 where a package is missing or a measurement failed; 2 for arguments that
        make no sense, and files that cannot be read or written; 130 when interrupted,
        143 when terminated, and 141 where nobody reads the output any more.
    """
    prog = startup.PROG
    with _terminated_as_exception():
        try:
            startup.end()
            try:
                argv = sys.argv[1:] if argv is None else argv
                arguments = _parser().parse_args(_as_called_now(argv))
                prog = arguments.prog
                arguments.run(arguments)
            finally:
                _flush()  # Python would fail to at its end
        except BrokenPipeError:
            _discard_output()
            return BROKEN_PIPE
        except (ImportError, MeasurementError) as error:
            return _say(prog, error, 1)
        except USER_ERRORS as error:
            if getattr(error, "errno", None) == errno.ENOSPC and not error.filename:
                error = f"standard output: {error.strerror}"  # files are named
            return _say(prog, error, 2)
        except KeyboardInterrupt as interrupt:
            by_kill = isinstance(interrupt, Terminated)
            event = "terminated" if by_kill else "interrupted"
            advice = f"; {interrupt}" if str(interrupt) else ""
            print(file=sys.stderr)  # the message stands below a progress bar, and ^C
            status = TERMINATED if by_kill else startup.INTERRUPTED
            return _say(prog, event + advice, status)
    return 0


def _parser():
    parser = Parser(
        prog=startup.PROG,
        description="Legendre Memory Units in Poisson neurons, for Nengo, NengoDL and "
        "NengoLoihi.",
    )
    parser.add_argument("--version", action="version", version=version)
    _add_commands(parser, COMMANDS, "COMMAND")
    return parser


def _add_commands(parser, commands, metavar):
    subparsers = parser.add_subparsers(
        dest=metavar.lower(), metavar=metavar, required=True, parser_class=Parser
    )
    for name, (help, content) in commands.items():
        more = isinstance(content, dict)
        subparser = subparsers.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            experiment=None if more else content,
        )
        if more:
            _add_commands(subparser, content, "WHAT")


def _as_called_now(argv):
    """Return a command line with today's names, and tell of others."""
    for (first, word), (command, flag) in FORMERLY.items():
        subcommand = argv[1:2] and not argv[1].startswith("--")
        if argv[:1] == [first] and word in (argv[1:2] if subcommand else argv):
            now = [*command, *([flag] if flag else [])]
            say_renamed(startup.PROG, f"{first} {word}", " ".join(now))
            i = argv.index(word)
            return [*command, *argv[1:i], *([flag] if flag else []), *argv[i + 1 :]]
    if argv[:1] == ["loihi"] and (argv[1:2] or ["--"])[0].startswith("--"):
        if argv[1:2] != ["--help"]:
            say_renamed(startup.PROG, "loihi", "loihi resources")
            return ["loihi", "resources", *argv[1:]]
    return argv


def _say(prog, message, status):
    """Say it in one line, and return the status."""
    print(f"{prog}: {' '.join(str(message).split())}", file=sys.stderr)
    return status


def _flush():
    """Write what is left of the output, once only if there is no room."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        _discard_output()
        raise


def _discard_output():
    """Let Python not try once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def _terminated_as_exception():
    """Let SIGTERM leave by way of what ends workers and removes unfinished files."""

    def terminate(signum, frame):
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
