"""Which states the neurons represent: the basis and the range of each dimension.

The state ``m`` of the memory may be represented in any basis, ``m = T x``. Neurons are
quietest when each ``x_i`` just fills the range [-1, 1] that they represent, so a
realization is made from the statistics of the states that a typical input causes.
"""

from dataclasses import dataclass

import numpy as np

from nengo_lmu.legendre.checks import (
    ArgumentError,
    finite_array,
    one_of,
    positive,
    whole,
)
from nengo_lmu.legendre.system import simulate
from nengo_lmu.legendre.window import frequency_response

KINDS = ("legendre", "principal")

# A Gaussian state is taken to fill its range at this many standard deviations. Linear
# neurons do not saturate there: they only fire above their nominal maximum rates.
GAUSSIAN_RANGE = 2.5

# No dimension's range is below this fraction of the largest: an input that the design
# did not foresee must not drive a neglected dimension far outside its range.
RANGE_FLOOR = 0.02


@dataclass(frozen=True)
class StateStatistics:
    """Second-order statistics of the memory's states for a typical input.

    Attributes
    ----------
    covariance : (d, d) ndarray
        Mean of ``m m^T`` (not centred).
    input_rms : float
        Root mean square of the input.
    samples : (n, d) ndarray or None
        States of a sampled input; None for a Gaussian one in closed form.
    """

    covariance: np.ndarray
    input_rms: float
    samples: np.ndarray = None

    def along(self, directions):
        """Return the range and the mean absolute value of ``directions.T @ m``.

        Parameters
        ----------
        directions : (d, k) array_like

        Returns
        -------
        span, mean_abs : (k,) ndarray
        """
        if self.samples is not None:
            projected = np.abs(self.samples @ directions)
            return projected.max(axis=0), projected.mean(axis=0)
        variance = np.einsum("ik,ij,jk->k", directions, self.covariance, directions)
        deviation = np.sqrt(np.maximum(variance, 0))
        return GAUSSIAN_RANGE * deviation, np.sqrt(2 / np.pi) * deviation


def white_noise_statistics(theta, d, rms, bandwidth):
    """Return the state statistics for band-limited Gaussian white noise.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    rms : float
        Root mean square of the noise.
    bandwidth : float
        Highest frequency of its flat spectrum (Hz).

    Returns
    -------
    statistics : StateStatistics
        With the covariance ``rms^2`` times the mean of ``H(f) H(f)^*`` over the band,
        where ``H`` is the memory's frequency response.
    """
    theta = positive("theta", theta, "of seconds")
    d = whole("d", d, 1)
    rms = positive("rms", rms)
    bandwidth = positive("bandwidth", bandwidth, "of hertz")
    # H oscillates about theta * f times over the band: Gauss-Legendre nodes at several
    # times that rate integrate it to rounding error
    n_nodes = 64 + int(np.ceil(8 * theta * bandwidth))
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    covariance = np.zeros((d, d))
    for chunk in np.array_split(np.arange(n_nodes), 1 + n_nodes * d**2 // 10**6):
        frequencies = bandwidth * (nodes[chunk] + 1) / 2
        response = frequency_response(theta, d, frequencies)
        weighted = response * (weights[chunk] / 2)[:, np.newaxis]
        covariance += np.real(weighted.T @ response.conj())
    return StateStatistics(covariance=rms**2 * covariance, input_rms=rms)


def sampled_statistics(theta, d, u, dt=0.001):
    """Return the state statistics for a sample of a typical input.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    u : (n_steps,) or (n_steps, size_in) array_like
        The sample; the dimensions of a multi-dimensional input are pooled.
    dt : float
        Its time step (seconds).

    Returns
    -------
    statistics : StateStatistics
    """
    u = finite_array("u", u, ndim=(1, 2))
    if not np.any(u):
        raise ArgumentError("u", "is zero throughout; give a sample of a real input")
    m = simulate(u, theta, d, dt=dt).reshape(-1, d)
    return StateStatistics(
        covariance=m.T @ m / len(m),
        input_rms=float(np.sqrt(np.mean(u**2))),
        samples=m,
    )


@dataclass(frozen=True)
class Realization:
    """The coordinates in which neurons represent the state, ``m = T x``.

    Attributes
    ----------
    T : (d, d) ndarray
        Column ``i`` is the state that ``x_i = 1`` stands for.
    mean_abs : (d,) ndarray
        Expected ``|x_i|`` for the typical input; the noise of Poisson neurons grows
        with it.
    kind : str
        How it was made.
    """

    T: np.ndarray
    mean_abs: np.ndarray
    kind: str = "custom"

    def to_neurons(self, A, B):
        """Return ``T^-1 A T`` and ``T^-1 B``."""
        return np.linalg.solve(self.T, A @ self.T), np.linalg.solve(self.T, B)


def basis(statistics, kind="legendre"):
    """Return a realization whose dimensions each just fill the range [-1, 1].

    Parameters
    ----------
    statistics : StateStatistics
        Of the states that a typical input causes.
    kind : {"legendre", "principal"} or (d, d) array_like
        Keep the Legendre coefficients, or rotate to the principal components of the
        states; or an invertible matrix of your own, whose columns are then scaled to
        their ranges.

    Returns
    -------
    realization : Realization

    Raises
    ------
    ArgumentError
        If the kind is unknown, or the matrix has the wrong shape, is not finite or is
        not invertible.
    """
    d = len(statistics.covariance)
    if isinstance(kind, str):
        one_of("realization", kind, KINDS)
        if kind == "legendre":
            directions = np.eye(d)
        else:
            directions = np.linalg.eigh(statistics.covariance)[1][:, ::-1]
        columns, rows = directions, directions
    else:
        columns = finite_array("realization", kind, shape=(d, d))
        if np.linalg.matrix_rank(columns) < d:
            raise ArgumentError(
                "realization", "is singular; give a matrix with independent columns"
            )
        rows, kind = np.linalg.inv(columns).T, "custom"
    span, mean_abs = statistics.along(rows)
    span = np.maximum(span, RANGE_FLOOR * span.max())
    return Realization(T=columns * span, mean_abs=mean_abs / span, kind=kind)
