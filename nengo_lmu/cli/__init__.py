"""The ``nengo-lmu`` command: one subcommand a module."""

import argparse
import errno
import os
import signal
import sys
import threading
from contextlib import contextmanager

from nengo_lmu import startup
from nengo_lmu.analysis.errors import USER_ERRORS, MeasurementError, Terminated
from nengo_lmu.cli import bench, demo, feedback, loihi, plan, scaling, theory, train
from nengo_lmu.version import version

SUBCOMMANDS = (demo, plan, theory, feedback, scaling, train, loihi, bench)


# What shells make of SIGPIPE and SIGTERM, the signals that end other tools then.
BROKEN_PIPE = 141
TERMINATED = 143


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line and exits with 2."""

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
                arguments = _parser().parse_args(argv)
                prog = arguments.prog
                arguments.run(arguments)
            finally:
                _flush()  # or Python fails to at its end
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
            what = "terminated" if by_kill else "interrupted"
            advice = f"; {interrupt}" if str(interrupt) else ""
            print(file=sys.stderr)  # below a progress bar, and ^C
            status = TERMINATED if by_kill else startup.INTERRUPTED
            return _say(prog, what + advice, status)
    return 0


def _parser():
    parser = Parser(
        prog=startup.PROG,
        description="Legendre Memory Units in Poisson neurons, for Nengo, NengoDL and "
        "NengoLoihi.",
    )
    parser.add_argument("--version", action="version", version=version)
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    for module in SUBCOMMANDS:
        name = module.__name__.rpartition(".")[-1].replace("_", "-")
        subparser = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run, prog=subparser.prog)
    return parser


def _say(prog, what, status):
    """Say it in one line, and return the status."""
    print(f"{prog}: {' '.join(str(what).split())}", file=sys.stderr)
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
