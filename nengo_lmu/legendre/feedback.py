"""A memory that hears its own error: the gains with which that is stable.

Neurons are to say ``x``; decoding the spikes of a step says ``s``. They are given
``x + f`` in place of ``x``. The feedback ``f`` remembers what has gone wrong, in the
same way as the memory itself does (``m = T x``, ``A_x = T^-1 A_bar T``):

    f[t+1] = A_x f[t] + k (x - s)[t - D],        s = x + f + eta

with noise ``eta`` and ``D`` more steps of delay, 0 in Nengo. The signal passes as
before, since there is no feedback without an error. The error of the state passes
through the same dynamics as the feedback, so that the one is known from the other:
``f`` takes back the fraction ``k`` of it in the next step,

    e[t+1] = A_bar e[t] - k e[t - D] + (A_bar - a I) T eta[t].

For ``k = 1`` and no delay nothing is left but the noise of the last step. To the
neurons it is first-order noise shaping, as in a delta-sigma modulator: ``T (s - x) =
(z I - A_bar) (z I - A_bar + k z^-D I)^-1 T eta``. Neurons that are conditionally
independent stay so; it is their sum that becomes precise ([1]_, [2]_, [3]_).

References
----------
.. [1] Boerlin, M., Machens, C. K., & Denève, S. (2013). Predictive coding of dynamical
   variables in balanced spiking networks. PLoS Computational Biology 9(11).
.. [2] Rullán Buxó, C. E., & Pillow, J. W. (2020). Poisson balanced spiking networks.
   PLoS Computational Biology 16(11), e1008261.
.. [3] Mar, D. J., Chow, C. C., Gerstner, W., Adams, R. W., & Collins, J. J. (1999).
   Noise shaping in populations of coupled model neurons. PNAS 96(18).
"""

import numpy as np
from scipy.linalg import schur

from nengo_lmu.legendre.checks import ArgumentError, not_negative, time_steps
from nengo_lmu.legendre.lyapunov import edges_of_blocks, eigenvalues

# Errors that wait are dimensions of the theory's equations.
MOST_ERRORS = 1024

# Angles are halved so often, until they are known to rounding.
_HALVINGS = 54


def feedback_steps(name, feedback_delay, d, dt):
    """Return a delay of the feedback in time steps, if the theory can follow it.

    Parameters
    ----------
    name : str
        Of the argument.
    feedback_delay : float
        Seconds.
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).

    Returns
    -------
    delay : int
    """
    return time_steps(name, feedback_delay, dt, high=max(MOST_ERRORS // d - 1, 1))


def with_feedback(A_bar, gain, delay=0):
    """Return the dynamics of errors that are taken back.

    Parameters
    ----------
    A_bar : (d, d) ndarray
        The dynamics of errors that are not.
    gain : float
        ``k``.
    delay : int
        ``D``, time steps.

    Returns
    -------
    F : (d * (delay + 1), d * (delay + 1)) ndarray
        Of the errors of a step and of the ``delay`` steps before, newest first.
    """
    d = len(A_bar)
    F = np.zeros((d * (delay + 1), d * (delay + 1)))
    F[:d, :d] = A_bar
    F[:d, d * delay :] -= gain * np.eye(d)
    F[d:, : d * delay] = np.eye(d * delay)
    return F


def schur_with_feedback(S, Q, gain, delay=0):
    """Return the real Schur decomposition of `with_feedback` from that without.

    Next to the states of each block on the diagonal are put those that they were in
    earlier steps. So the dynamics stay triangular but for blocks that are small.

    Parameters
    ----------
    S, Q : (d, d) ndarray
        ``A_bar = Q S Q^T``.
    gain, delay
        As for `with_feedback`.

    Returns
    -------
    S, Q : (d * (delay + 1), d * (delay + 1)) ndarray
        The same for ``F``.
    """
    if delay == 0:
        return S - gain * np.eye(len(S)), Q
    d, n = len(S), len(S) * (delay + 1)
    late, now, steps = np.zeros((n, n)), np.zeros((d, n)), np.zeros((delay + 1, d, n))
    between = S.copy()
    edges = edges_of_blocks(S, 1)
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        own = slice(start, stop)
        wide = slice(start * (delay + 1), stop * (delay + 1))
        late[wide, wide], U = schur(with_feedback(S[own, own], gain, delay))
        U = U.reshape(delay + 1, stop - start, -1)
        now[own, wide], steps[:, :, wide] = U[0], Q[:, own] @ U
        between[own, own] = 0
    # Blocks act on each other only in this step, not in those before.
    late += now.T @ (between @ now)
    return late, steps.reshape(n, n)


def largest_gain(A_bar, delay=0):
    """Return the gain from which the error feedback of a memory is unstable.

    Parameters
    ----------
    A_bar : (d, d) ndarray
        Of the memory.
    delay : int
        Time steps besides the one that the synapse takes.

    Returns
    -------
    gain : float
        A little less than 2 without a delay, and than ``pi / (2 delay + 1)`` with one.

    Notes
    -----
    Where ``z = exp(i phi)`` solves ``z + k z^-D = rate``, the gain is ``k = (rate - z)
    z^D``, which is a real number at ``2 (D + 1)`` angles: one between any two
    neighbours of those at which ``sin((D + 1) phi)`` is 1 or -1. The least of these
    gains above 0 is where errors begin to grow.

    It is the limit of the matrix as it is, with rounded entries. Eigenvalues of the
    memory are ill-conditioned: from an order of about 30, rounding moves those that
    decay fast, outwards. In exact arithmetic the limit would be 6 % higher at an order
    of 64 and 1000 steps a window, but in a memory of rounded numbers errors grow there.
    """
    rates = eigenvalues(schur(A_bar)[0])[:, np.newaxis]
    n = delay + 1
    low = np.tile((np.arange(2 * n) - 0.5) * np.pi / n, (len(rates), 1))
    high = low + np.pi / n

    def gains(phi):
        z = np.exp(1j * phi)
        return (rates - z) * z**delay

    rising = gains(low).imag < 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        before = (gains(middle).imag < 0) == rising
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    candidates = gains(high).real
    return float(np.min(candidates, where=candidates > 0, initial=np.inf))


def is_stable(rate, gain, delay):
    """Return whether ``e[t+1] = rate e[t] - gain e[t - delay]`` dies away."""
    coefficients = np.zeros(delay + 2, dtype=complex)
    coefficients[:2] = 1, -rate
    coefficients[-1] += gain
    return np.abs(np.roots(coefficients)).max() < 1


def checked_gain(gain, bound, delay=0):
    """Return a gain if the feedback is stable with it.

    Parameters
    ----------
    gain : float
        ``k``, at least 0.
    bound : float
        The `largest_gain`.
    delay : int
        Time steps besides the one that the synapse takes.

    Returns
    -------
    gain : float

    Raises
    ------
    ArgumentError
        With the bound and the remedy.
    """
    gain = not_negative("error_feedback", gain)
    if gain >= bound:
        late = f" with a delay of {delay} time steps" if delay else ""
        raise ArgumentError(
            "error_feedback",
            f"must be below {bound:.3g}, or errors are taken back too often and "
            f"grow{late}, but {gain:g} was given; use None for the best gain, or 0 "
            "for neurons that do not hear their error",
        )
    return gain
