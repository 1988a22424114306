"""How long a memory without input takes to forget what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from nengo_lmu.legendre.checks import ArgumentError, order, positive
from nengo_lmu.legendre.statistics import input_statistics
from nengo_lmu.legendre.system import state_space

if TYPE_CHECKING:
    from nengo_lmu.legendre.statistics import StateStatistics
    from nengo_lmu.legendre.types import Input


# The state is looked at so many times a window. What is left has died away where it is
# this much smaller than asked for: its ripples do not come back from there.
_LOOKS = 100
_DIED_AWAY = 0.1


def forgetting_time(
    theta: float,
    d: int,
    fraction: float = 0.01,
    expected: Input | StateStatistics = 1.0,
    dt: float = 0.001,
) -> float:
    """Return how long a blank of zero input has to be for a memory to forget.

    The window is ``theta`` long, but what is left of it does not end there: the state
    decays with the slowest pole of the system. What is left is the root mean square of
    the decoded window, for the worst of all states that the expected input causes to
    the same measure (``m^T S^-1 m <= 1``, with their covariance ``S``), relative to the
    largest window among these.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    fraction : float
        What may be left, above 0 and below 1.
    expected, dt
        The input, as for `input_statistics`.

    Returns
    -------
    time : float
        Seconds, from which on no more than that is left, to a hundredth of the window.

    Raises
    ------
    ArgumentError
        If the fraction is not between 0 and 1, or as for `input_statistics`.

    Examples
    --------
    >>> from nengo_lmu.legendre import forgetting_time
    >>> float(round(forgetting_time(theta=1.0, d=6), 2))
    1.44
    """
    theta, d = positive("theta", theta, "of seconds"), order(d)
    fraction = positive("fraction", fraction)
    if fraction >= 1:
        raise ArgumentError(
            "fraction",
            f"must be below 1, which is all there is, but {fraction:g} was given; give "
            "0.01 for a hundredth",
        )
    S = input_statistics(theta, d, expected, dt).covariance
    variances, axes = np.linalg.eigh(S)
    states = axes * np.sqrt(np.maximum(variances, 0))
    # The mean square of a window is the sum of m_i^2 / (2 i + 1).
    weights = 1 / np.sqrt(2 * np.arange(d) + 1)[:, np.newaxis]
    A, _ = state_space(theta, d)
    step = expm(A * theta / _LOOKS)
    whole = np.linalg.norm(weights * states, 2)
    left, looks, last = 1.0, 0, 0
    while left > _DIED_AWAY * fraction:
        states = step @ states
        looks += 1
        left = float(np.linalg.norm(weights * states, 2) / whole)
        if left > fraction:
            last = looks
    return (last + 1) * theta / _LOOKS
