"""How long a memory has to be for some series, and of which order: from the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import pade_error
from nengo_lmu.legendre.checks import whole

if TYPE_CHECKING:
    from typing import Literal

    from nengo_lmu.legendre.types import Array


# of the power, at frequencies below the bandwidth
POWER = 0.95

# of the delay by the whole window, at the bandwidth
DELAY_ERROR = 0.1

MOST_ORDERS = 64


@dataclass(frozen=True)
class Window:
    """A window and an order that suit some series.

    Attributes
    ----------
    theta : int
        Length of the window (samples).
    d : int
        Order.
    reasons : tuple of str
        Why, in a sentence each.
    """

    theta: int
    d: int
    reasons: tuple


def choose_window(
    sequences: list[Array],
    read: Literal["last", "every"] = "every",
    theta: int | None = None,
) -> Window:
    """Return the window and the order that a memory of some series should have.

    Where a sequence is read at its end, the window is the longest sequence: what tells
    of it may be at its beginning. Where every sample is read, it is four times the lag
    at which the autocorrelation falls to 0: a period, of what is periodic. The order is
    the lowest whose Pade approximant delays the bandwidth by the window with an error
    of a tenth, since the approximant is what a memory can tell at best.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray
        Training data, scaled.
    read : {"last", "every"}
    theta : int, optional
        The window (samples), where that is known.

    Returns
    -------
    window : Window

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import choose_window
    >>> wave = np.sin(2 * np.pi * np.arange(400) / 40)[:, np.newaxis]
    >>> window = choose_window([wave])
    >>> window.theta, window.d
    (44, 6)
    """
    longest = max(map(len, sequences))
    if theta is not None:
        why = f"theta is {theta} samples, as was asked for"
    elif read == "last":
        theta = longest
        why = (
            f"theta is {theta} samples, the longest sequence, since a sequence is read "
            "at its end and may tell of its class at its beginning"
        )
    else:
        lag = zero_of_autocorrelation(sequences)
        if lag is None:
            theta = max(longest // 4, 2)
            why = (
                f"theta is {theta} samples, a quarter of the longest sequence, since "
                "the autocorrelation does not fall to 0 within as much"
            )
        else:
            theta = max(min(4 * lag, longest), 2)
            why = (
                f"theta is {theta} samples, since the autocorrelation falls to 0 at a "
                f"lag of {lag}, a quarter of a period of what is periodic"
            )
    frequency = bandwidth(sequences)
    d = _order(theta, frequency)
    return Window(
        theta,
        d,
        (
            why,
            f"d is {d}, since {POWER:.0%} of the power is below {frequency:.3g} cycles "
            f"a sample, {theta * frequency:.2g} in a window",
        ),
    )


def zero_of_autocorrelation(sequences: list[Array]) -> int | None:
    """Return the lag at which the autocorrelation falls to 0 (samples).

    Of all sequences and features together, each less its mean.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray

    Returns
    -------
    lag : int or None
        None where it is not among the first half of lags.
    """
    longest = max(map(len, sequences))
    total = np.zeros(longest)
    for x in sequences:
        power = np.abs(np.fft.rfft(x - x.mean(axis=0), 2 * len(x), axis=0)) ** 2
        total[: len(x)] += np.fft.irfft(power.sum(axis=1))[: len(x)]
    below = np.flatnonzero(total[: longest // 2 + 1] <= 0)
    return int(below[0]) if len(below) and total[0] > 0 else None


def bandwidth(sequences: list[Array]) -> float:
    """Return the frequency below which nearly all of the power is.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray

    Returns
    -------
    frequency : float
        Cycles a sample, 1/2 at most.
    """
    longest = max(map(len, sequences))
    power = np.zeros(longest // 2 + 1)
    for x in sequences:
        # the window keeps the jump from a sequence's end to its beginning out
        tapered = (x - x.mean(axis=0)) * np.hanning(len(x) + 2)[1:-1, np.newaxis]
        power += (np.abs(np.fft.rfft(tapered, longest, axis=0)) ** 2).sum(axis=1)
    share = np.cumsum(power) / max(power.sum(), np.finfo(float).tiny)
    place = min(int(np.searchsorted(share, POWER)), len(power) - 1)
    return float(max(np.fft.rfftfreq(longest)[place], 1 / (2 * longest)))


def _order(theta, frequency):
    """Return the lowest order that delays a frequency well enough.

    It is no larger than the number of samples, which as many coefficients tell.
    """
    highest = max(1, min(int(theta), MOST_ORDERS))
    for d in range(1, highest):
        if pade_error(float(theta), d, frequency) <= DELAY_ERROR:
            return d
    return highest


def checked_window(theta, longest):
    """Return a window in samples as an int, if there are sequences as long."""
    return whole("theta", theta, 2, max(longest, 2))
