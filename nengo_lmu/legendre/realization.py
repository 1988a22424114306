"""Which states the neurons represent: the basis and the range of each dimension.

The state ``m`` of the memory may be represented in any basis, ``m = T x``. Neurons are
quietest when each ``x_i`` just fills the range [-1, 1] that they represent, so a
realization is made from the statistics of the states that a typical input causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre.checks import (
    LARGEST_SQUARE,
    ArgumentError,
    finite_array,
    instance,
    one_of,
    shown,
)
from nengo_lmu.legendre.statistics import (
    GAUSSIAN_RANGE,
    StateStatistics,
    variance_along,
)

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array, Kind


KINDS = ("balanced", "principal", "legendre")

# An input that the design did not foresee must not drive a neglected dimension far
# outside its range: the states are taken to have, in every direction, at least this
# fraction of the deviation that they have in the direction where it is largest.
LEAST_DEVIATION = 0.02


@dataclass(frozen=True)
class Realization:
    """The coordinates in which neurons represent the state, ``m = T x``.

    Attributes
    ----------
    T : (d, d) ndarray
        Column ``i`` is the state that ``x_i = 1`` stands for.
    kind : str
        How it was made.
    """

    T: np.ndarray
    kind: str = "custom"

    def __post_init__(self):
        object.__setattr__(self, "T", invertible("T", self.T))

    def to_neurons(self, A: Array, B: Array) -> tuple[Array, Array]:
        """Return ``T^-1 A T`` and ``T^-1 B``."""
        return self.seen(A, "within"), self.seen(B, "into")

    def seen(self, block, place):
        """Return a matrix for states in true units as one for the neurons' coordinates.

        Parameters
        ----------
        block : (k, l) ndarray
        place : {"into", "out of", "within"}
            What it leads to, what it starts from, or both, are states.

        Returns
        -------
        block : (k, l) ndarray
            ``T^-1 block``, ``block T`` or ``T^-1 block T``.
        """
        if place != "into":
            block = block @ self.T
        return block if place == "out of" else np.linalg.solve(self.T, block)


def basis(
    statistics: StateStatistics,
    kind: Kind = "legendre",
    amplification: Array | None = None,
    noise: Array | None = None,
) -> Realization:
    """Return a realization whose dimensions each just fill the range [-1, 1].

    Parameters
    ----------
    statistics : StateStatistics
        Of the states that a typical input causes.
    kind : {"balanced", "principal", "legendre"} or (d, d) array_like
        Keep the Legendre coefficients; rotate to the principal components of the
        states; balance the size of the states against what the memory makes of noise,
        which is the quietest of all bases (see Notes); or an invertible matrix of your
        own, whose columns are then scaled to their ranges.
    amplification : (d, d) array_like, optional
        For "balanced": ``e^T amplification e`` is the mean squared error of the window
        that white noise along ``e`` causes.
    noise : (d, d) array_like, optional
        Covariance of the noise of the states, which needs room in the ranges too.

    Returns
    -------
    realization : Realization

    Raises
    ------
    ArgumentError
        If the kind is unknown, or a matrix has the wrong shape, is not finite or has to
        be inverted and cannot.

    Notes
    -----
    Let ``S`` be the covariance of the states and ``G`` the amplification. Noise of
    dimension ``i``, with the state ``t_i`` for ``x_i = 1`` and ``x_i = w_i^T m``, has a
    variance proportional to its range times its mean absolute value over ``n_i``
    neurons, so for Gaussian states to ``w_i^T S w_i / n_i``. With the best ``n_i`` the
    mean squared error is proportional to::

        (sum_i |G^1/2 t_i| |S^1/2 w_i|)^2  >=  (sum of singular values of G^1/2 S^1/2)^2

    because each term is the nuclear norm of ``G^1/2 t_i w_i^T S^1/2``, and these
    matrices add up to ``G^1/2 S^1/2`` for any basis (and for any overcomplete one).
    With the singular value decomposition ``G^1/2 S^1/2 = U D V^T`` the basis
    ``T = G^-1/2 U D^1/2`` attains the bound. It is the realization with the least
    round-off noise of a digital filter ([1]_, [2]_), with neurons for bits.

    References
    ----------
    .. [1] Mullis, C. T., & Roberts, R. A. (1976). Synthesis of minimum roundoff noise
       fixed point digital filters. IEEE Trans. Circuits and Systems 23(9).
    .. [2] Hwang, S. Y. (1977). Minimum uncorrelated unit noise in state-space digital
       filtering. IEEE Trans. Acoustics, Speech, and Signal Processing 25(4).

    Examples
    --------
    >>> from nengo_lmu.legendre import basis, white_noise_statistics
    >>> made = basis(
    ...     white_noise_statistics(1.0, 6, rms=0.3, bandwidth=1.0), "principal"
    ... )
    >>> made.T.shape
    (6, 6)
    """
    instance("statistics", statistics, StateStatistics, "make them of the input")
    d = len(statistics.covariance)
    kind, columns = checked_kind("kind", kind, d)
    if amplification is not None:
        amplification = _square("amplification", amplification, d)
    if noise is not None:
        noise = _square("noise", noise, d)
    # The least deviation and noise need room besides the typical states.
    least = LEAST_DEVIATION**2 * statistics.largest_square
    extra = least * np.eye(d) + (0.0 if noise is None else noise)
    if kind == "legendre":
        columns = np.eye(d)
    elif kind == "principal":
        columns = np.linalg.eigh(statistics.covariance)[1][:, ::-1]
    elif kind == "balanced" and amplification is None:
        raise ArgumentError(
            "amplification",
            "is needed for the 'balanced' basis; give that of SpikingPopulations, or "
            "use 'principal' or 'legendre'",
        )
    elif kind == "balanced":
        columns = _balanced(amplification, statistics.covariance + extra)
    rows = np.linalg.inv(columns)
    room = GAUSSIAN_RANGE * np.sqrt(variance_along(rows, extra))
    span = np.hypot(statistics.span(rows), room)
    return Realization(T=columns * span, kind=kind)


def checked_kind(name: str, kind: Kind, d: int) -> tuple[str, Any]:
    """Return the kind of a realization, and its columns where they are given.

    Parameters
    ----------
    name : str
        Of the argument.
    kind : str or (d, d) array_like
        As for `basis`.
    d : int
        Order of the memory.

    Returns
    -------
    kind : str
    columns : (d, d) ndarray or None
    """
    if isinstance(kind, str):
        return one_of(name, kind, KINDS), None
    return "custom", invertible(name, kind, shape=(d, d))


def invertible(name, value, shape=None):
    """Return a matrix as an array if it is invertible."""
    T = finite_array(name, value, ndim=2, shape=shape)
    lengths = np.linalg.norm(T, axis=0)
    # Columns get the same length, since the unit of each does not matter for the rank.
    columns = T / np.where(lengths > 0, lengths, 1)
    if T.shape[0] != T.shape[1] or np.linalg.matrix_rank(columns) < len(T):
        raise ArgumentError(
            name,
            "is singular; give a matrix with independent columns instead of "
            f"{shown(T)}",
        )
    return T


def _square(name, value, d):
    return finite_array(name, value, shape=(d, d), largest=LARGEST_SQUARE)


def _balanced(amplification, covariance):
    """Return the columns of the balanced basis, in no particular scale."""
    # where the synapse decays just as the memory does in some direction, noise along it
    # is not amplified at all: a floor keeps the root invertible
    values, vectors = np.linalg.eigh(amplification)
    roots = np.sqrt(np.maximum(values, 1e-12 * values[-1] if values[-1] > 0 else 1.0))
    U, D, _ = np.linalg.svd((vectors * roots).T @ _root(covariance))
    return vectors @ ((U * np.sqrt(D)) / roots[:, np.newaxis])


def _root(covariance):
    """Return ``R`` with ``R R^T = covariance``."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))
