"""The resolvent ``(z I - A)^-1`` of a real matrix at many complex numbers ``z``.

With ``A = Q S Q^T`` in real Schur form, ``(S - z I) (S - conj(z) I)`` is a real matrix
of the same form. So a response takes the substitution of real numbers, and products of
real matrices for its real and imaginary parts: a quarter of what a complex linear
system of equations takes.
"""

import numpy as np
from scipy.linalg.blas import dtrsm


class Resolvent:
    """The resolvent of one matrix.

    Parameters
    ----------
    S, Q : (d, d) ndarray
        Its real Schur decomposition ``A = Q S Q^T``.
    """

    def __init__(self, S, Q):
        # Eigenvalues of long memories differ from 1 by little.
        self._Q, self._D = Q, S - np.eye(len(S))
        self._square = self._D @ self._D
        # Rows with their own block of 2 by 2 on the diagonal have each other.
        i = np.arange(len(S))
        pair = np.diagonal(S, -1) != 0
        self._partner = i + np.append(pair, False) - np.append(False, pair)

    def responses(self, rows, columns, points):
        """Yield ``rows (z I - A)^-1 columns`` for one ``z`` after the other.

        Parameters
        ----------
        rows : (m, d) ndarray
        columns : (d, k) ndarray
        points : (n,) array_like of complex

        Yields
        ------
        response : (m, k) ndarray of complex
        """
        columns, rows = self._Q.T @ columns, rows @ self._Q
        both = np.vstack([rows, rows @ self._D])
        for z in points:
            # (z - S)^-1 = (conj(z) - S) M^-1 with M = (S - z) (S - conj(z))
            away = 1 - z.real
            M = 2 * away * self._D
            M += self._square
            M[np.diag_indices_from(M)] += away**2 + z.imag**2
            read, changed = np.split(both @ self._solved(M, columns), 2)
            response = np.empty(read.shape, dtype=complex)
            response.real = -away * read - changed
            response.imag = -z.imag * read
            yield response

    def _solved(self, M, columns):
        """Return ``M^-1 columns`` for a matrix of the form that ``S`` has."""
        i, partner = np.arange(len(M)), self._partner
        own, beside = M[i, i], np.where(partner == i, 0, M[i, partner])
        determinant = own * own[partner] - beside * beside[partner]
        determinant = np.where(partner == i, own, determinant)
        # Multiplied by the inverse of its blocks, M has ones on the diagonal.
        first = (np.where(partner == i, 1, own[partner]) / determinant)[:, np.newaxis]
        second = (beside / determinant)[:, np.newaxis]
        solved = []
        for block in (M, columns):
            other = block[partner]
            other *= second
            solved.append(first * block)
            solved[-1] -= other
        M, columns = solved
        # BLAS has columns after each other, which is a transpose.
        return dtrsm(1.0, M.T, columns, lower=True, trans_a=True, diag=True)
