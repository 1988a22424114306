"""Argument checks that name the argument, the value and the remedy.

What they return is of Python's and NumPy's own types, whatever was given: numbers may
be NumPy scalars or fractions, arrays may be lists.
"""

from __future__ import annotations

import numbers
import reprlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array


# Units have prefixes from yocto to yotta. A number beyond is a mistake, and products of
# a few numbers within neither vanish nor overflow.
SMALLEST, LARGEST = 1e-24, 1e24

# The same for entries of arrays, some of which are such numbers times a few thousand.
# Single precision, which backends have, reaches as far.
LARGEST_ENTRY = 1e30
LARGEST_SQUARE = LARGEST_ENTRY**2

# Floating point tells whole numbers up to this from their neighbours.
LARGEST_WHOLE = 10**15

# In a window of so many steps, what a step changes is still ten million times larger
# than the rounding errors of its matrices.
LONGEST_WINDOW = 10**9

# Dense matrices between so many dimensions take 2 GiB each.
MOST_DIMENSIONS = 2**14


class _Repr(reprlib.Repr):
    def repr_int(self, x, level):
        """Raise Python's error of too many digits; from 3.14 on reprlib catches it."""
        repr(x)
        return super().repr_int(x, level)


_REPR = _Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60


class ArgumentError(ValueError):
    """An argument that the mathematics cannot work with.

    Parameters
    ----------
    name : str
        The argument.
    problem : str
        What is wrong with it, including the value, and what to do instead.
    """

    def __init__(self, name, problem):
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem

    def __reduce__(self):
        # An error has to come back from the processes of an experiment.
        return type(self), (self.name, self.problem)


@contextmanager
def renamed(**names):
    """Name arguments as the caller does, where what is called has other names.

    Parameters
    ----------
    **names
        The caller's names, by those of what it calls.
    """
    try:
        yield
    except ArgumentError as error:
        name = names.get(error.name, error.name)
        raise ArgumentError(name, error.problem) from None


def shown(value):
    """Return a value as in Python, in one line, shortened if it is long."""
    try:
        return " ".join(_REPR.repr(value).split())
    except ValueError:  # Python does not print integers of thousands of digits
        return f"{type(value).__name__} with thousands of digits"


def positive(name: str, value: Any, unit: str = "") -> float:
    """Return ``value`` as a float if it is a finite number above zero."""
    number = _real(value)
    unit = f" {unit}" if unit else ""
    if not 0 < number < np.inf:
        raise ArgumentError(
            name,
            f"must be a number{unit} greater than 0, but {shown(value)} was given",
        )
    if not SMALLEST <= number <= LARGEST:
        raise ArgumentError(
            name,
            f"must be a number{unit} from {SMALLEST:g} to {LARGEST:g}, but "
            f"{shown(value)} was given; give it in the unit that is meant",
        )
    return number


def relative_error(name: str, value: Any) -> float:
    """Return ``value`` as a float if it is an error that makes sense as a goal."""
    error = positive(name, value)
    if error >= 1:
        raise ArgumentError(
            name,
            f"must be below 1, which is the error of no memory at all, but "
            f"{shown(value)} was given; errors are relative to the rms of the input: "
            f"give {error / 100:g} for {error:g} %",
        )
    return error


def not_negative(name: str, value: Any) -> float:
    """Return ``value`` as a float if it is a finite number of at least zero."""
    number = _real(value)
    if not 0 <= number < np.inf:
        raise ArgumentError(
            name, f"must be a number of at least 0, but {shown(value)} was given"
        )
    if number > LARGEST:
        raise ArgumentError(
            name,
            f"must be a number of at most {LARGEST:g}, but {shown(value)} was given; "
            "give it in the unit that is meant",
        )
    return number


def whole(name: str, value: Any, low: float, high: float = LARGEST_WHOLE) -> int:
    """Return ``value`` as an int if it is a whole number from ``low`` to ``high``."""
    number = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    integral = isinstance(number, numbers.Integral) and not _is_no_number(number)
    if not integral or number < low:
        raise ArgumentError(
            name,
            f"must be a whole number of at least {low}, but {shown(value)} was given",
        )
    if number > high:
        raise ArgumentError(
            name,
            f"must be a whole number of at most {high}, but {shown(value)} was given",
        )
    return int(number)


def order(d: Any) -> int:
    """Return the order of a memory as an int if it is one."""
    return whole("d", d, 1, MOST_DIMENSIONS)


def flag(name: str, value: Any) -> bool:
    """Return ``value`` as a bool if it is one."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(
            name, f"must be True or False, but {shown(value)} was given"
        )
    return bool(value)


def window(theta: Any, dt: Any) -> tuple[float, float]:
    """Return a window and a time step, in seconds, if there are steps in the window."""
    theta, dt = positive("theta", theta, "of seconds"), positive("dt", dt, "of seconds")
    steps = theta / dt
    if steps < 1 - 1e-9:
        raise ArgumentError(
            "theta",
            f"must be at least one time step, but {theta:g} was given where dt={dt:g} "
            "s; give a longer window or a shorter dt",
        )
    if steps > LONGEST_WINDOW:
        raise ArgumentError(
            "theta",
            f"must be at most {LONGEST_WINDOW:g} time steps, since rounding leaves "
            f"little of what a shorter step changes, but {theta:g} was given where "
            f"dt={dt:g} s; give a shorter window or a longer dt",
        )
    return theta, dt


def time_steps(name, value, dt, high=LARGEST_WHOLE):
    """Return a time in seconds, which may be 0, as a whole number of time steps."""
    steps = not_negative(name, value) / dt
    if steps > high:
        raise ArgumentError(
            name,
            f"must be at most {high} time steps, but {shown(value)} s are {steps:.4g} "
            f"where dt={dt:g} s; give a shorter time",
        )
    return int(round(steps))


def finite_array(
    name: str,
    value: Any,
    ndim: Any = None,
    shape: Any = None,
    largest: float = LARGEST_ENTRY,
) -> Array:
    """Return ``value`` as a float64 array if it is finite and of the given shape."""
    array = real_array(name, value)
    if ndim is not None and array.ndim not in np.atleast_1d(ndim):
        dimensions = " or ".join(str(n) for n in np.atleast_1d(ndim))
        raise ArgumentError(
            name,
            f"must have {dimensions} dimensions, but its shape is {array.shape}; "
            "reshape it",
        )
    if shape is not None and array.shape != tuple(shape):
        raise ArgumentError(
            name, f"must have shape {tuple(shape)}, but its shape is {array.shape}"
        )
    bad = np.count_nonzero(~np.isfinite(array))
    if bad:
        raise ArgumentError(
            name,
            f"must be finite, but {bad} of its {array.size} values are NaN or "
            "infinite; clean the data first",
        )
    extreme = np.abs(array).max(initial=0)
    if extreme > largest:
        raise ArgumentError(
            name,
            f"must have values of at most {largest:g}, but {extreme:g} is among them; "
            "give it in the unit that is meant",
        )
    return array


def one_of(name, value, choices):
    """Return ``value`` if it is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(
            name, f"must be one of {names}, but {shown(value)} was given"
        )
    return value


def instance(name, value, cls, remedy):
    """Return ``value`` if it is of a class."""
    if not isinstance(value, cls):
        raise ArgumentError(
            name, f"must be a {cls.__name__}, but {shown(value)} was given; {remedy}"
        )
    return value


def _real(value):
    """Return a real number as a float, and NaN for anything else."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real) or _is_no_number(value):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _is_no_number(value):
    """Return whether a value only passes for a number, as True and times do."""
    return isinstance(value, (bool, np.bool_, np.timedelta64))


def real_array(name: str, value: Any, kind: str = "an array of numbers") -> Array:
    """Return ``value`` as a float64 array if it is one of real numbers, or of NaN."""
    hidden = np.ma.count_masked(value) if isinstance(value, np.ma.MaskedArray) else 0
    if hidden:
        raise ArgumentError(
            name,
            f"must have all its values, but {hidden} of {np.size(value)} are masked; "
            "fill them or leave them out first",
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # the list is ragged
        array = np.asarray(None)
    if array.dtype.kind == "O":
        array = np.array([_real(entry) for entry in array.flat]).reshape(array.shape)
        if value is None or np.any(np.isnan(array)):
            array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise ArgumentError(name, f"must be {kind}, but {shown(value)} was given")
    with np.errstate(over="ignore"):  # long doubles may overflow: inf is refused later
        return array.astype(np.float64)
