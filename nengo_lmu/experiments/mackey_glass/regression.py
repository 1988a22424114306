"""Readouts that are solved for in closed form, and the error that they are chosen by.

The error of the benchmark is that of all samples of long sequences, the first ones too,
of which nothing can be known yet. These count for most of it and are few. So a part of
each sequence is enough: its beginning as it is, and some of what follows for all of it.
"""

from dataclasses import dataclass

import numpy as np

# A sequence has so many samples, of which the first are its beginning.
N_SAMPLES = 5000
BEGINNING = 100

# Weights are penalized by one of these times what a feature of size 1 would have.
PENALTIES = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class Errors:
    """Root mean square errors, relative to the root mean square of the series.

    Attributes
    ----------
    all : float
        Of all samples.
    settled : float
        Without the beginnings of sequences.
    """

    all: float
    settled: float


def weights_of_samples(n_samples):
    """Return how much each sample of a part counts for the whole sequence.

    Parameters
    ----------
    n_samples : int
        From the first on, more than `BEGINNING`.

    Returns
    -------
    counts : (n_samples,) ndarray
        They add up to 1.

    Examples
    --------
    >>> counts = weights_of_samples(200)
    >>> float(counts[0] * N_SAMPLES), round(float(counts[-1] * N_SAMPLES), 6)
    (1.0, 49.0)
    """
    counts = np.ones(n_samples)
    counts[BEGINNING:] = (N_SAMPLES - BEGINNING) / (n_samples - BEGINNING)
    return counts / N_SAMPLES


def errors(predicted, target, noise=0.0):
    """Return the errors of parts of sequences.

    Parameters
    ----------
    predicted, target : (n, n_samples) array_like
        From the first samples on.
    noise : float
        Variance that predictions will have besides.

    Returns
    -------
    errors : Errors
    """
    target = np.asarray(target)
    counts = weights_of_samples(target.shape[1])
    squares = np.mean((np.asarray(predicted) - target) ** 2, axis=0) + noise
    power = counts @ np.mean(target**2, axis=0)
    settled = np.mean(squares[BEGINNING:])
    return Errors(
        float(np.sqrt(counts @ squares / power)), float(np.sqrt(settled / power))
    )


def solve(features, targets, counts, check, noise=None):
    """Solve for the readout that is best in validation, of several penalties.

    Parameters
    ----------
    features : iterable of (n_rows, k) ndarray
        Of one sequence after the other.
    targets : iterable of (n_rows,) ndarray
    counts : (n_rows,) ndarray
        What rows count for; they add up to 1.
    check : tuple of (n, n_samples, k) ndarray and (n, n_samples) ndarray
        Features and targets of parts of sequences, to choose by.
    noise : (k, k) ndarray, optional
        Covariance of the features' noise.

    Returns
    -------
    weights : (k,) ndarray
    penalty : float
    """
    roots = np.sqrt(counts)[:, np.newaxis]
    G, c, n = 0.0, 0.0, 0
    for rows, target in zip(features, targets):
        rows = rows * roots
        G, c, n = G + rows.T @ rows, c + rows.T @ (target * roots[:, 0]), n + 1
    G, c = G / n, c / n
    noise = np.zeros_like(G) if noise is None else noise
    size = np.diag_indices_from(G)
    candidates = []
    for penalty in PENALTIES:
        regular = G + noise
        regular[size] += penalty + 1e-12 * G[size].max()
        weights = np.linalg.solve(regular, c)
        left = errors(check[0] @ weights, check[1], weights @ noise @ weights)
        candidates.append((left.all, penalty, weights))
    _, penalty, weights = min(candidates, key=lambda candidate: candidate[0])
    return weights, penalty
