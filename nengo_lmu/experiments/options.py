"""Kinds of options, which say what they take, and how commands tell of errors."""

import argparse
import math
import numbers
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR

from nengo_lmu.analysis.errors import ArgumentError
from nengo_lmu.legendre.checks import shown

# They are more than any computer can count, and far more than any quantity in seconds,
# hertz or units of the input, so that squares of them are still numbers.
_MOST = 10**12
_LARGEST = 1e30


class Kind:
    """What an option takes: values in Python, and text on the command line.

    Parameters
    ----------
    type : {int, float, str, Path}
        That of the values. It makes them of text, or raises `ValueError`.
    problem : callable
        Returns what is wrong with a value, and what to give; None where it is good.
    """

    def __init__(self, type, problem):
        self.type = type
        self._problem = problem

    def __call__(self, text):
        """Return the value of text, as `argparse` asks for it."""
        try:
            value = self.type(text)
        except ValueError:
            value = None
        problem = self._problem(value)
        if problem is not None:
            raise argparse.ArgumentTypeError(f"{text!r} {problem}")
        return value

    def validated(self, name, value):
        """Return a value, if it is of this kind, of its type.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If it is not, with the name of the option.
        """
        problem = self._problem(value)
        if problem is not None:
            raise ArgumentError(name, f"{shown(value)} {problem}")
        return self.type(value)


def _is_number(value, kind=numbers.Real):
    return isinstance(value, kind) and not isinstance(value, bool)


def whole_number(low, high=None):
    """Return the kind of whole numbers of at least ``low`` and at most ``high``."""
    most = _MOST if high is None else high

    def problem(value):
        is_whole = _is_number(value, numbers.Integral)
        if is_whole and low <= value <= most:
            return None
        if high is not None or (is_whole and value > most):
            return f"was given; give a whole number from {low} to {most}"
        return f"was given; give a whole number of at least {low}"

    return Kind(int, problem)


def above_zero(what):
    """Return the kind of numbers greater than 0, of which the user is told what."""

    def problem(value):
        if not (_is_number(value) and 0 < value < math.inf):
            return f"was given; give {what} greater than 0"
        if not 1 / _LARGEST <= value <= _LARGEST:
            return f"was given; give {what} from {1 / _LARGEST:g} to {_LARGEST:g}"
        return None

    return Kind(float, problem)


# Each is a run, and a list of them is made beforehand.
number_of_runs = whole_number(1, 10**5)
positive_number = above_zero("a number")
seconds = above_zero("a number of seconds")


def _problem_from_zero(value):
    if _is_number(value) and 0 <= value <= _LARGEST:
        return None
    is_larger = _is_number(value) and value > _LARGEST
    most = f" and at most {_LARGEST:g}" if is_larger else ""
    return f"was given; give a number of at least 0{most}"


number_from_zero = Kind(float, _problem_from_zero)


def one_of(choices):
    """Return the kind of some words."""

    def problem(value):
        if isinstance(value, str) and value in choices:
            return None
        return f"was given; give one of {', '.join(choices)}"

    return Kind(str, problem)


def _problem_of_file(value):
    return None if isinstance(value, (str, Path)) else "was given; give a path"


def _problem_of_folder(value):
    if not isinstance(value, (str, Path)):
        return _problem_of_file(value)
    try:
        # from Python 3.14 on, `Path.exists` tells nothing of a name that is too long
        is_folder = S_ISDIR(Path(value).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None  # whoever makes it tells what is wrong
    except OSError as error:
        return f"cannot be a folder: {error.strerror}; give another"
    return None if is_folder else "is a file; give a folder"


# Whether there is such a file, those tell who read it.
file = Kind(Path, _problem_of_file)
folder = Kind(Path, _problem_of_folder)


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
