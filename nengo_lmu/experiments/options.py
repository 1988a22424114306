"""Types of arguments that say what they take, and arguments of several commands."""

import argparse
import math
from contextlib import contextmanager
from pathlib import Path

from nengo_lmu.analysis.errors import ArgumentError

# They are more than any computer can count, and far more than any quantity in seconds,
# hertz or units of the input, so that squares of them are still numbers.
_MOST = 10**12
_LARGEST = 1e30


def whole_number(low, high=None):
    """Return a type for whole numbers of at least ``low`` and at most ``high``."""

    def convert(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        most = _MOST if high is None else high
        if value is None or not low <= value <= most:
            remedy = f"a whole number of at least {low}"
            if high is not None or (value is not None and value > most):
                remedy = f"a whole number from {low} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} was given; give {remedy}")
        return value

    return convert


def above_zero(what):
    """Return a type for numbers greater than 0, of which the user is told what."""

    def convert(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise argparse.ArgumentTypeError(
                f"{text!r} was given; give {what} greater than 0"
            )
        if not 1 / _LARGEST <= value <= _LARGEST:
            raise argparse.ArgumentTypeError(
                f"{text!r} was given; give {what} from {1 / _LARGEST:g} to {_LARGEST:g}"
            )
        return value

    return convert


# Each is a run, and a list of them is made beforehand.
number_of_runs = whole_number(1, 10**5)
positive_number = above_zero("a number")
seconds = above_zero("a number of seconds")


def number_from_zero(text):
    """Convert text to a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LARGEST:
        most = f" and at most {_LARGEST:g}" if value > _LARGEST else ""
        raise argparse.ArgumentTypeError(
            f"{text!r} was given; give a number of at least 0{most}"
        )
    return value


def one_of(choices):
    """Return a type for one of some words."""

    def convert(text):
        if text not in choices:
            raise argparse.ArgumentTypeError(
                f"{text!r} was given; give one of {', '.join(choices)}"
            )
        return text

    return convert


def folder(text):
    """Convert text to the path of a folder, which need not exist."""
    path = Path(text)
    try:
        is_file = path.exists() and not path.is_dir()
    except OSError as error:  # a name may be too long
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be a folder: {error.strerror}; give another"
        ) from None
    if is_file:
        raise argparse.ArgumentTypeError(f"{text!r} is a file; give a folder")
    return path


@contextmanager
def named_as_options(flags):
    """Name the command's option in an error of what it calls.

    Parameters
    ----------
    flags : dict of str
        Options, by the name of the argument; others are left as they are.
    """
    try:
        yield
    except ArgumentError as error:
        if error.name not in flags:
            raise
        raise ArgumentError(f"argument {flags[error.name]}", error.problem) from None


@contextmanager
def resumable(out):
    """Tell who interrupts a sweep how to go on.

    Parameters
    ----------
    out : Path or None
        Where the records are, if anywhere.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if out is None or str(interrupt):
            raise
        raise type(interrupt)(
            f"the same command continues from the records in {out}"
        ) from None
