"""What the noise theory says of a measurement, and power laws of errors."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import stdtrit

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.planner import quietest

# Memories with errors below the limit are those that somebody would use; for them the
# theory has to hold this closely.
LIMIT = 0.3


TOLERANCE = 0.15


def predict(setting):
    """Return the window error that the theory predicts, None where it has none.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    window : float or None
        Relative to the rms of the input.

    Examples
    --------
    >>> from nengo_lmu.analysis import Setting
    >>> setting = Setting(theta=0.1, d=3, n_neurons=60)
    >>> round(predict(setting), 3)
    0.03
    """
    return _theory(setting)[0]


def floor(setting):
    """Return the window error that the spikes of a step leave by themselves.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    window : float or None
        Relative to the rms of the input; None where the theory has none, and for
        neurons that do not hear their error.

    Examples
    --------
    >>> from nengo_lmu.analysis import Setting
    >>> setting = Setting(theta=0.1, d=3, n_neurons=60)
    >>> 0 < floor(setting) < predict(setting)
    True
    """
    return _theory(setting)[1]


@cache
def _theory(setting):
    """Return what the theory says of the error, and of its floor."""
    if setting.recipe != "default" or setting.stimulus != "design":
        return None, None
    try:
        populations, counts = quietest(
            setting.theta, setting.d, setting.n_neurons_each, **setting.for_theory
        )
    except ArgumentError as error:
        if error.name != "spiking":
            raise
        return None, None
    window = populations.error(counts).window
    if not populations.error_feedback or populations.spiking == "regular":
        return window, None
    return window, populations.floor(counts).window


@dataclass(frozen=True)
class Exponent:
    """An exponent of a power law with its confidence interval."""

    value: float
    low: float
    high: float


def fit_exponents(errors, factors, blocks=None, confidence=0.95):
    """Fit ``error = c * x1^e1 * x2^e2 ...`` by least squares of the logarithms.

    Parameters
    ----------
    errors : (n,) array_like
        Greater than 0.
    factors : dict of (n,) array_like
        ``x1, x2, ...`` by name, greater than 0.
    blocks : (n,) array_like, optional
        Errors with the same value here have a ``c`` of their own, as those that were
        measured with the same input: what that input does to all of them is then not
        taken for scatter.
    confidence : float
        Of the intervals, by Student's t distribution: as if the logarithms of the
        errors scattered about the power law independently and normally, all alike.

    Returns
    -------
    exponents : dict of Exponent

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there are too few errors, or the factors do not vary independently.

    Examples
    --------
    >>> m = np.array([100, 300, 1000, 3000])
    >>> exponent = fit_exponents(5 / np.sqrt(m), {"m": m})["m"]
    >>> round(exponent.value, 6)
    -0.5
    """
    y = np.log(errors)
    blocks = np.zeros(len(y)) if blocks is None else np.asarray(blocks)
    X = np.column_stack(
        [
            *(np.log(values) for values in factors.values()),
            *(blocks == block for block in np.unique(blocks)),
        ]
    )
    freedom = len(y) - X.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(X) < X.shape[1]:
        raise ArgumentError(
            "factors",
            f"of {len(y)} errors cannot tell {len(factors)} exponents; vary each "
            "factor by itself, with more seeds or values",
        )
    solution, *_ = np.linalg.lstsq(X, y, rcond=None)
    variance = np.sum((y - X @ solution) ** 2) / freedom
    deviation = np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X)))
    half = stdtrit(freedom, (1 + confidence) / 2) * deviation
    return {
        name: Exponent(float(value), float(value - width), float(value + width))
        for name, value, width in zip(factors, solution, half)
    }
