"""A memory whose time passes at another speed: how fast it may.

At the speed ``g`` a memory goes ``g`` times as far in each step,

    m[t+1] = m[t] + g[t] ((A_bar - I) m[t] + B_bar u[t]),

which is its own step for ``g = 1`` and none for ``g = 0``. For other speeds, the step
that is exact is ``A_bar^g``, of which this is the beginning of the binomial series; the
difference is ``g (g - 1) (A_bar - I)^2 / 2`` and smaller terms, so that a direction of
the state that decays with the rate ``r`` does so with ``r (1 + (1 - g) r dt / 2)``.

All these matrices have the same eigenvectors. So what is stable at two speeds is stable
while the speed changes between them, however it does.
"""

import numpy as np

from nengo_lmu.legendre.checks import ArgumentError, positive
from nengo_lmu.legendre.feedback import is_stable


def at_speed(A_bar, speed):
    """Return the dynamics of a memory at another speed.

    Parameters
    ----------
    A_bar : (d, d) ndarray
        At a speed of 1.
    speed : float
        ``g``.

    Returns
    -------
    A_g : (d, d) ndarray
        ``I + g (A_bar - I)``.
    """
    eye = np.eye(len(A_bar))
    return eye + speed * (A_bar - eye)


def largest_speed(A_bar, gain=0.0, delay=0):
    """Return the speed from which a memory is unstable.

    Parameters
    ----------
    A_bar : (d, d) ndarray
        Of the memory.
    gain : float
        Of its error feedback, with which it is stable at a speed of 1.
    delay : int
        Of its error feedback, time steps.

    Returns
    -------
    speed : float
    """
    slopes = np.linalg.eigvals(A_bar) - 1
    # |rest + g slope| = 1; with a delay of the feedback, only a start for the search
    rest = 1 - gain if delay == 0 else 1
    b, c = rest * slopes.real, np.abs(slopes) ** 2
    high = float(np.min((np.sqrt(b**2 + c * (1 - rest**2)) - b) / c))
    if delay == 0:
        return high
    low = 0.0
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if all(is_stable(1 + middle * slope, gain, delay) for slope in slopes):
            low = middle
        else:
            high = middle
    return low


def checked_speed(speed, A_bar, gain=0.0, delay=0):
    """Return a largest speed if the memory is stable with it.

    Parameters
    ----------
    speed : float
        The largest ``g``, greater than 0.
    A_bar, gain, delay
        As for `largest_speed`.

    Returns
    -------
    speed : float

    Raises
    ------
    ArgumentError
        With the bound and the remedy.
    """
    speed = positive("largest_speed", speed)
    bound = largest_speed(A_bar, gain, delay)
    if speed >= bound:
        raise ArgumentError(
            "largest_speed",
            f"must be below {bound:.3g}, or the state grows from step to step, but "
            f"{speed:g} was given; use a smaller one, or make the memory with a "
            "smaller dt, d or error_feedback",
        )
    return speed
