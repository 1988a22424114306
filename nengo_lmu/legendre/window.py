"""Reading the window out of the state, and how good a delay of order d can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import eval_legendre

from nengo_lmu.legendre.checks import (
    ArgumentError,
    finite_array,
    order,
    positive,
)

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array, ArrayLike


def readout(d: int, points: ArrayLike) -> Array:
    """Return the matrix that decodes the window at the given points.

    Parameters
    ----------
    d : int
        Order of the memory.
    points : float or (n_points,) array_like
        Where in the window to read, relative to its length: 0 is now, 1 is ``theta``
        ago.

    Returns
    -------
    C : (n_points, d) ndarray
        ``u(t - points[k] theta) ~ (C m)[k]``, where ``C[k, i]`` is the shifted
        Legendre polynomial ``P_i(2 points[k] - 1)`` ([1]_, equation 3).

    Raises
    ------
    ArgumentError
        If a point is outside [0, 1] or not finite.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.

    Examples
    --------
    >>> from nengo_lmu.legendre import readout
    >>> readout(d=3, points=[0.0, 0.5, 1.0])
    array([[ 1. , -1. ,  1. ],
           [ 1. ,  0. , -0.5],
           [ 1. ,  1. ,  1. ]])
    """
    d = order(d)
    points = np.atleast_1d(finite_array("points", points, ndim=(0, 1)))
    if not points.size:
        raise ArgumentError(
            "points", f"must have a value at least, but {points} was given; give one"
        )
    outside = points[(points < 0) | (points > 1)]
    if outside.size:
        raise ArgumentError(
            "points",
            f"must lie in [0, 1], as a fraction of theta, but {outside[0]:g} was "
            "given; divide a delay in seconds by theta",
        )
    return eval_legendre(np.arange(d), 2 * points[:, np.newaxis] - 1)


def frequency_response(theta, d, frequency):
    """Return the ideal memory's state for the input ``exp(2 pi i f t)``.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    frequency : (n,) array_like
        Frequencies (Hz).

    Returns
    -------
    response : (n, d) complex ndarray
        ``(2 pi i f I - A)^-1 B`` for each frequency.
    """
    theta = positive("theta", theta, "of seconds")
    d = order(d)
    x = 2j * np.pi * theta * finite_array("frequency", frequency, ndim=1)
    # Rows of x m = theta (A m + B) that follow each other differ in few terms. Their
    # differences leave m[i-1] / (2i-1) = m[i+1] / (2i+3) - 2 m[i] / x, and at the end
    # the same with m[d] / (2d+1) = -m[d-1] / (2d-1). From the end on, the ratios
    # m[i] / m[i-1] are a continued fraction, whose denominators are never 0: real parts
    # all have the same sign.
    response = np.ones((len(x), d), dtype=complex)
    ratio = np.full(len(x), -(2 * d + 1) / (2 * d - 1), dtype=complex)
    for i in range(d - 1, 0, -1):
        ratio = x / ((2 * i - 1) * (x * ratio / (2 * i + 3) - 2))
        response[:, i] = ratio
    np.cumprod(response, axis=1, out=response)
    # The first row itself says that x m[0] = 1 - sum(m).
    response /= (x + response.sum(axis=1))[:, np.newaxis]
    return response


def pade_error(theta: float, d: int, frequency: ArrayLike) -> Any:
    """Return the error of the order-``d`` delay for a sine wave.

    The memory's delay of ``theta`` is the Padé approximant [d-1/d] of
    ``exp(-theta s)`` ([1]_); this is the distance between the two on the imaginary
    axis, relative to the amplitude of the wave.

    Parameters
    ----------
    theta : float
        The delay (seconds).
    d : int
        Order of the memory.
    frequency : float or array_like
        Frequency of the wave (Hz).

    Returns
    -------
    error : float or ndarray
        ``|C (sI - A)^-1 B - exp(-theta s)|`` at ``s = 2 pi i frequency``, of the shape
        of ``frequency``.

    References
    ----------
    .. [1] Voelker, A. R., & Eliasmith, C. (2018). Improving spiking dynamical networks.

    Examples
    --------
    >>> from nengo_lmu.legendre import pade_error
    >>> round(float(pade_error(theta=1.0, d=6, frequency=1.0)), 5)
    0.00704
    """
    frequency = finite_array("frequency", frequency)
    flat = np.ravel(frequency)
    delayed = frequency_response(theta, d, flat) @ readout(d, 1.0)[0]
    error = np.abs(delayed - np.exp(-2j * np.pi * flat * theta))
    return error.reshape(frequency.shape)[()]
