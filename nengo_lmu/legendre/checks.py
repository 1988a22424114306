"""Argument checks that name the argument, the value and the remedy."""

import numbers

import numpy as np


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


def positive(name, value, unit=""):
    """Return ``value`` as a float if it is a finite number above zero."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value <= 0:
        unit = f" {unit}" if unit else ""
        raise ArgumentError(
            name, f"must be a number{unit} greater than 0, but {value!r} was given"
        )
    return float(value)


def not_negative(name, value):
    """Return ``value`` as a float if it is a finite number of at least zero."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value < 0:
        raise ArgumentError(
            name, f"must be a number of at least 0, but {value!r} was given"
        )
    return float(value)


def whole(name, value, low):
    """Return ``value`` as an int if it is a whole number of at least ``low``."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or value < low:
        raise ArgumentError(
            name, f"must be a whole number of at least {low}, but {value!r} was given"
        )
    return int(value)


def time_steps(name, value, dt):
    """Return a time in seconds, which may be 0, as a whole number of time steps."""
    return int(round(not_negative(name, value) / dt))


def finite_array(name, value, ndim=None, shape=None):
    """Return ``value`` as a float64 array if it is finite and of the given shape."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(
            name, f"must be an array of numbers, but {value!r} was given"
        ) from None
    if ndim is not None and array.ndim not in np.atleast_1d(ndim):
        wanted = " or ".join(str(n) for n in np.atleast_1d(ndim))
        raise ArgumentError(
            name,
            f"must have {wanted} dimensions, but its shape is {array.shape}; "
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
    return array


def one_of(name, value, choices):
    """Return ``value`` if it is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        wanted = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(name, f"must be one of {wanted}, but {value!r} was given")
    return value
