"""The ``nengo-lmu`` command: one subcommand a module."""

import argparse
import sys

from nengo_lmu.analysis.errors import USER_ERRORS, MeasurementError
from nengo_lmu.cli import bench, demo, feedback, loihi, plan, scaling, theory, train
from nengo_lmu.version import version

SUBCOMMANDS = (demo, plan, theory, feedback, scaling, train, loihi, bench)


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
        make no sense; 130 when interrupted.
    """
    parser = Parser(
        prog="nengo-lmu",
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
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (ImportError, MeasurementError) as error:
        print(f"{arguments.prog}: {error}", file=sys.stderr)
        return 1
    except USER_ERRORS as error:
        print(f"{arguments.prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        advice = f"; {interrupt}" if str(interrupt) else ""
        print(f"\n{arguments.prog}: interrupted{advice}", file=sys.stderr)
        return 130
    return 0
