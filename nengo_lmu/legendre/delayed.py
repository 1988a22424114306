"""Covariances of errors that are taken back late, by equations of one step's errors.

Errors ``e[t+1] = A e[t] - k e[t - D] + w[t]`` and those that wait have the state ``s =
(e[t], ..., e[t - D])`` with ``s[t+1] = F s[t] + (w[t], 0)``. Their Lyapunov equation
has ``((D + 1) d)^2`` unknowns. But ``e[t - D]`` does not depend on noise that came
later, so that ``E[s[t] e[t - D]^T] = F^D Y`` for ``Y = E[s e^T]``, and ``s[t+1]
e[t+1]^T`` makes Sylvester's equation of ``Y`` alone:

    Y = F (Y A^T - k F^D Y) + (N, 0),    so    M Y - Y A^T = F^-1 (N, 0)

with ``M = F^-1 + k F^D``. Bartels and Stewart's method, as in
`nengo_lmu.legendre.lyapunov`, solves it with the real Schur decompositions of ``A`` and
of ``F``, in which ``M`` is triangular too.
"""

import numpy as np
from scipy.linalg.lapack import dtrsyl

from nengo_lmu.legendre.feedback import schur_with_feedback
from nengo_lmu.legendre.lyapunov import BLOCK, checked_stable, edges_of_blocks


class DelayedEquations:
    """The equations of errors with late feedback, as `LyapunovEquations` of others.

    States are the errors of this step and those that the feedback is about, ``(e[t],
    e[t - D])``.

    Parameters
    ----------
    S, Q : (d, d) ndarray
        Real Schur decomposition ``A = Q S Q^T`` of the dynamics without feedback.
    gain : float
        ``k``, above 0. Digits are lost as it becomes small, about as many as it has.
    delay : int
        ``D``, at least 1 time step.

    Raises
    ------
    ArgumentError
        If the dynamics are on the edge of stability or beyond.
    """

    def __init__(self, S, Q, gain, delay):
        d = len(S)
        self._S, self._Q, self._gain = S, Q, gain
        T, U = schur_with_feedback(S, np.eye(d), gain, delay)
        checked_stable(T)
        # e[t], ..., e[t - D] in the coordinates of T, and e[t + 1], ..., e[t + D]
        waiting = U.reshape(delay + 1, d, -1)
        self._now, self._late = waiting[0], waiting[-1]
        later = [self._now]
        for step in range(delay):
            later.append(S @ later[-1] - gain * waiting[delay - step])
        # F^-1 goes a step back, and F^D that many forth.
        earlier = [*waiting[1:], (S @ waiting[1] - waiting[0]) / gain]
        both = [x + gain * y for x, y in zip(earlier, later[::-1], strict=True)]
        self._M = self._triangular(waiting, np.array(both), T)

    def _triangular(self, waiting, both, T):
        """Return ``U^T both``, of which each row of blocks has few rows of ``U``."""
        n_steps = len(waiting)
        M = np.zeros_like(T)
        edges = edges_of_blocks(self._S, 1)
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            wide = slice(start * n_steps, stop * n_steps)
            U = waiting[:, start:stop, wide].reshape(-1, wide.stop - wide.start)
            M[wide] = U.T @ both[:, start:stop].reshape(len(U), -1)
        # Rounding must leave zeros what they are.
        return np.where(np.triu(np.ones_like(T)) + (T != 0), M, 0)

    def __len__(self):
        return 2 * len(self._S)

    def entered(self, columns):
        """Return columns along which noise enters, for `covariance`.

        Parameters
        ----------
        columns : (d, k) ndarray

        Returns
        -------
        entered : (d, k) ndarray
        """
        return self._Q.T @ columns

    def read(self, rows):
        """Return rows that read the states, as rows that read `covariance`.

        Parameters
        ----------
        rows : (k, d) or (k, 2 d) ndarray
            Of the errors of this step, or of the late ones too.

        Returns
        -------
        read : (k, 2 d) ndarray
        """
        read, d = np.zeros((len(rows), len(self))), len(self._S)
        read[:, :d] = rows[:, :d] @ self._Q
        if rows.shape[1] > d:
            read[:, d:] = rows[:, d:] @ self._Q
        return read

    def covariance(self, N):
        """Return the covariance of what white noise adds up to, to be `read`.

        Parameters
        ----------
        N : (d, d) ndarray
            Covariance of the noise of each step, between what has `entered`.

        Returns
        -------
        X : (2 d, 2 d) ndarray
        """
        # F^-1 takes what is new for what is late: it goes a step back.
        Y = _upper_sylvester(self._M, self._S, self._late.T @ N / -self._gain)
        now, late = self._now @ Y, self._late @ Y
        now = (now + now.T) / 2
        return np.block([[now, late.T], [late, now]])

    def energy(self, rows):
        """Return the sum of squares that rows read of all errors after an error ``e``.

        Parameters
        ----------
        rows : (k, d) ndarray

        Returns
        -------
        energy : (d, d) ndarray
            ``e^T energy e`` is that sum.
        """
        read = rows @ self._Q
        # The adjoint: transposes are upper triangular from behind.
        M, S = self._M.T[::-1, ::-1], self._S.T[::-1, ::-1]
        asked = self._now.T @ (read.T @ read)
        Y = _upper_sylvester(M, S, asked[::-1, ::-1])[::-1, ::-1]
        X = self._late @ Y / -self._gain
        return self._Q @ ((X + X.T) / 2) @ self._Q.T


def _upper_sylvester(M, S, R):
    """Return ``X`` with ``M X - X S^T = R``, for matrices in real Schur form."""
    rows, columns = edges_of_blocks(M, BLOCK), edges_of_blocks(S, BLOCK)
    rows = list(zip(rows[:-1], rows[1:], strict=True))
    diagonal = [np.asfortranarray(M[i:j, i:j]) for i, j in rows]
    X = np.zeros_like(R)
    for i, j in list(zip(columns[:-1], columns[1:], strict=True))[::-1]:
        rest, own = R[:, i:j] + X[:, j:] @ S[i:j, j:].T, np.asfortranarray(S[i:j, i:j])
        for (top, bottom), block in zip(rows[::-1], diagonal[::-1], strict=True):
            x, scale, _ = dtrsyl(block, own, rest[top:bottom], tranb="T", isgn=-1)
            X[top:bottom, i:j] = x / scale
            rest[:top] -= M[:top, top:bottom] @ X[top:bottom, i:j]
    return X
