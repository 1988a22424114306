"""Discrete Lyapunov equations ``P = F P F^T + N`` with one ``F`` and many ``N``.

A design asks for the covariance that one dynamics makes of many noises, and many gains
of the error feedback change the dynamics in the same coordinates. So ``F = Q S Q^T`` is
taken apart once, by Schur's decomposition ([1]_, [2]_): with the Cayley transform ``H =
(S - I) (S + I)^-1`` what is left is ``H X + X H^T = -2 (S + I)^-1 Q^T N Q (S +
I)^-T``, which is solved block by block, from the last to the first. That takes about a
product of matrices, where adding up the powers of ``F`` takes two for each doubling of
their number.

References
----------
.. [1] Bartels, R. H., & Stewart, G. W. (1972). Solution of the matrix equation
   AX + XB = C. Communications of the ACM 15(9).
.. [2] Hammarling, S. J. (1982). Numerical solution of the stable, non-negative definite
   Lyapunov equation. IMA Journal of Numerical Analysis 2(3).
"""

import numpy as np
from scipy.linalg.lapack import dtrsyl

from nengo_lmu.legendre.checks import ArgumentError

# LAPACK's solver takes blocks of about so many dimensions, and products of matrices do
# the rest; it takes the same time from half to twice as many.
BLOCK = 32

# Closer to the edge of stability than this, rounding errors decide.
_EDGE = 1e-14


class LyapunovEquations:
    """The equations of one dynamics.

    Parameters
    ----------
    S, Q : (n, n) ndarray
        The real Schur decomposition ``F = Q S Q^T`` of stable dynamics.

    Raises
    ------
    ArgumentError
        If the dynamics are on the edge of stability or beyond.
    """

    def __init__(self, S, Q):
        self._Q = Q
        checked_stable(S)
        # (S - I) (S + I)^-1 = I - 2 (S + I)^-1
        self._H = np.eye(len(S)) - 2 * _inverse(S + np.eye(len(S)))

    def __len__(self):
        return len(self._H)

    def entered(self, columns):
        """Return columns along which noise enters the first states, for `covariance`.

        Parameters
        ----------
        columns : (m, k) ndarray
            Of the first ``m`` states.

        Returns
        -------
        entered : (n, k) ndarray
            ``sqrt(2) (S + I)^-1 Q^T columns``.
        """
        x = self._Q[: len(columns)].T @ columns
        return (x - self._H @ x) / np.sqrt(2)

    def read(self, rows):
        """Return rows that read the first states, as rows that read `covariance`.

        Parameters
        ----------
        rows : (k, m) ndarray
            Of the first ``m`` states.

        Returns
        -------
        read : (k, n) ndarray
        """
        return rows @ self._Q[: rows.shape[1]]

    def covariance(self, N):
        """Return the covariance of what white noise adds up to, to be `read`.

        Parameters
        ----------
        N : (n, n) ndarray
            Covariance of the noise of each step, between what has `entered`.

        Returns
        -------
        X : (n, n) ndarray
            ``Q X Q^T`` is the covariance of all states.
        """
        return _upper_lyapunov(self._H, N)

    def low_passed(self, X, decay):
        """Return the covariance of low-pass filtered states with the states themselves.

        Parameters
        ----------
        X : (n, n) ndarray
            What `covariance` has returned.
        decay : float
            ``a`` of the filter ``z[t+1] = a z[t] + (1 - a) y[t]`` of states ``y``.

        Returns
        -------
        low_passed : (n, n) ndarray
            To be `read` on both sides: ``(1 - a) X S^T (I - a S^T)^-1``.
        """
        # S is (I + H) (I - H)^-1, and commutes with what is made of it.
        identity = np.eye(len(self))
        shifted = (1 - decay) * identity - (1 + decay) * self._H
        late = np.linalg.solve(shifted, (identity + self._H) @ X)
        return (1 - decay) * late.T

    def energy(self, rows):
        """Return ``sum_k F^kT rows^T rows F^k`` of the first states.

        Parameters
        ----------
        rows : (k, d) ndarray

        Returns
        -------
        energy : (d, d) ndarray
        """
        x = self.read(rows)
        x = (x - x @ self._H) / np.sqrt(2)
        # The transpose is lower triangular, and upper triangular from behind.
        H, x = self._H.T[::-1, ::-1], x[:, ::-1]
        X = _upper_lyapunov(H, x.T @ x)[::-1, ::-1]
        first = self._Q[: rows.shape[1]]
        return first @ X @ first.T


def checked_stable(S):
    """Return a matrix in real Schur form if errors die away with it."""
    if not np.abs(eigenvalues(S)).max() < 1 - _EDGE:
        raise ArgumentError(
            "method", "leaves the memory on the edge of stability; use a shorter dt"
        )
    return S


def eigenvalues(S):
    """Return the eigenvalues of a matrix in real Schur form."""
    # A pair of conjugate ones has a block with its real part twice on the diagonal.
    imaginary = np.sqrt(np.abs(np.diagonal(S, -1) * np.diagonal(S, 1)))
    imaginary = np.append(imaginary, 0) - np.append(0, imaginary)
    return np.diagonal(S) + 1j * imaginary


def edges_of_blocks(S, size):
    """Return where blocks of about a size begin and end, without parting a pair."""
    edges = [0]
    while edges[-1] < len(S):
        end = min(edges[-1] + size, len(S))
        edges.append(end + bool(end < len(S) and S[end, end - 1]))
    return edges


def _inverse(S):
    """Return the inverse of a matrix in real Schur form, which has the same form."""
    if len(S) <= 2 * BLOCK:
        inverse = np.linalg.inv(S)
        # Rounding must leave zeros what they are.
        return np.where(np.triu(np.ones_like(S)) + (S != 0), inverse, 0)
    middle = edges_of_blocks(S, len(S) // 2)[1]
    inverse = np.zeros_like(S)
    first, last = _inverse(S[:middle, :middle]), _inverse(S[middle:, middle:])
    inverse[:middle, :middle], inverse[middle:, middle:] = first, last
    inverse[:middle, middle:] = -first @ S[:middle, middle:] @ last
    return inverse


def _upper_lyapunov(H, R):
    """Return the symmetric ``X`` with ``H X + X H^T + R = 0``, for ``H`` in Schur form.

    Blocks of columns from the last to the first, and up the rows of each: what a block
    depends on is below it, or beside it on the right.
    """
    edges = edges_of_blocks(H, BLOCK)
    blocks = list(zip(edges[:-1], edges[1:], strict=True))
    diagonal = [np.asfortranarray(H[i:j, i:j]) for i, j in blocks]
    X = np.zeros_like(R)
    for k in reversed(range(len(blocks))):
        i, j = blocks[k]
        rest = -R[:j, i:j] - H[:j, j:] @ X[j:, i:j] - X[:j, j:] @ H[i:j, j:].T
        for (top, bottom), block in zip(blocks[k::-1], diagonal[k::-1], strict=True):
            x, scale, _ = dtrsyl(block, diagonal[k], rest[top:bottom], tranb="T")
            X[top:bottom, i:j] = x / scale
            rest[:top] -= H[:top, top:bottom] @ X[top:bottom, i:j]
        X[i:j, :j] = X[:j, i:j].T
    return X
