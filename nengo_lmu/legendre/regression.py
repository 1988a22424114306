"""Linear readouts of a noisy memory: the least squares that the noise is known for.

A readout sees the features ``f + e`` of a memory, with an error ``e`` of known
covariance. The weights of least expected squared error, over the noise and over ``n``
samples in the rows of ``F``, are those of ridge regression with the covariance in the
place of the usual multiple of one,

    (F^T F + n Sigma) W = F^T Y,

so that nothing has to be tuned. What is read is what there is in the network at the
time: the state of a spiking memory is a step late, and a synapse of the readout filters
it. Both are part of one linear system here, whose input may be held for many steps.
"""

from dataclasses import dataclass

import numpy as np

from nengo_lmu.legendre.checks import (
    LARGEST_SQUARE,
    ArgumentError,
    finite_array,
    real_array,
    shown,
    whole,
)

# Where leaving out a sample leaves less than this of its weight, nothing tells its
# error.
_LEAST_LEFT = 1e-9


@dataclass(frozen=True)
class LinearFit:
    """Weights for features with known noise, and the error to expect of them.

    Attributes
    ----------
    weights : (size_out, n_features) ndarray
    bias : (size_out,) ndarray
    error : (size_out,) ndarray
        Root mean square of what is left, of new samples with new noise: each sample's
        error is that of weights which were fitted without it. Infinite where there are
        not more samples than features that noise leaves.
    noise : (size_out,) ndarray
        The part of the noise alone in it.
    """

    weights: np.ndarray
    bias: np.ndarray
    error: np.ndarray
    noise: np.ndarray


def fit_with_noise(features, target, covariance):
    """Fit a linear readout of features that will have noise of a known covariance.

    Parameters
    ----------
    features : (n, k) array_like
        Without the noise.
    target : (n, size_out) array_like
    covariance : (k, k) array_like
        Of the noise.

    Returns
    -------
    fit : LinearFit

    Raises
    ------
    ArgumentError
        For arrays that do not fit together, or a single sample.

    Examples
    --------
    Noise of variance 1 in a feature of variance 1 halves its weight.

    >>> import numpy as np
    >>> from nengo_lmu.legendre.regression import fit_with_noise
    >>> f = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    >>> fit_with_noise(f, f, covariance=[[1.0]]).weights
    array([[0.5]])
    """
    features = finite_array("features", features, ndim=2)
    n, k = features.shape
    target = finite_array("target", target, ndim=2)
    if len(target) != n or n < 2:
        raise ArgumentError(
            "target",
            f"must have one row for each of the {n} samples, of which there must be 2 "
            f"at least, but its shape is {target.shape}; give more samples",
        )
    covariance = finite_array(
        "covariance", covariance, shape=(k, k), largest=LARGEST_SQUARE
    )
    center, level = features.mean(axis=0), target.mean(axis=0)
    variances, axes = np.linalg.eigh((covariance + covariance.T) / 2)
    root = np.sqrt(np.maximum(variances, 0))[:, np.newaxis] * axes.T
    # Rows of noise below the rows of samples make ridge regression of least squares,
    # which does not square the condition number.
    rows = np.vstack([features - center, np.sqrt(n) * root])
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0] = 1.0
    U, s, Vt = np.linalg.svd(rows / scale, full_matrices=False)
    kept = s > s[0] * max(rows.shape) * np.finfo(float).eps if k else s > 0
    U, s, Vt = U[:n, kept], s[kept], Vt[kept]
    wanted = target - level
    seen = U.T @ wanted
    weights = (Vt.T @ (seen / s[:, np.newaxis])) / scale[:, np.newaxis]
    left = 1 - 1 / n - np.sum(U**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        missed = (wanted - U @ seen) / left[:, np.newaxis]
    missed[left < _LEAST_LEFT] = np.inf
    noise = np.sum((root @ weights) ** 2, axis=0)
    return LinearFit(
        weights=weights.T,
        bias=level - center @ weights,
        error=np.sqrt(np.mean(missed**2, axis=0) + noise),
        noise=np.sqrt(noise),
    )


class SeenStates:
    """The states of an ideal memory as a readout sees them, at the end of each input.

    Parameters
    ----------
    A_bar, B_bar : (d, d) and (d, 1) ndarray
        Of the memory.
    steps : int
        How long each input is held (time steps).
    late : int
        Time steps by which the state is late: 1 for spiking memories.
    decay : float, optional
        ``exp(-dt / tau)`` of the readout's low-pass synapse, which is a step late; None
        for no synapse.

    Attributes
    ----------
    size : int
        ``d``.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.legendre import discretize, simulate, state_space
    >>> from nengo_lmu.legendre.regression import SeenStates
    >>> seen = SeenStates(*discretize(*state_space(0.1, d=4), dt=0.001), late=1)
    >>> u = np.random.RandomState(0).standard_normal(50)
    >>> z = seen.of(u[np.newaxis, :, np.newaxis])[0, :, 0]
    >>> np.allclose(z[1:], simulate(u, theta=0.1, d=4)[:-1])
    True
    """

    def __init__(self, A_bar, B_bar, steps=1, late=0, decay=None):
        d = self.size = len(A_bar)
        n_blocks = 1 + late + (decay is not None)
        F = np.kron(np.eye(n_blocks, k=-1), np.eye(d))
        F[:d, :d] = A_bar
        if decay is not None:
            F[-d:, -2 * d :] = np.hstack([(1 - decay) * np.eye(d), decay * np.eye(d)])
        # The input that is held is a state that stays.
        held = np.zeros((len(F) + 1, len(F) + 1))
        held[:-1, :-1] = F
        held[:d, -1] = B_bar[:, 0]
        held[-1, -1] = 1.0
        held = np.linalg.matrix_power(held, steps)
        self._F, self._G = held[:-1, :-1], held[:-1, -1]

    def rows(self, u):
        """Yield what is seen at the end of each input.

        Parameters
        ----------
        u : (n, n_rows, size_in) ndarray
            Sequences, each of which begins at rest.

        Yields
        ------
        z : (n, size_in, d) ndarray
        """
        x = np.zeros((u.shape[0], u.shape[2], len(self._F)))
        for j in range(u.shape[1]):
            x = x @ self._F.T + u[:, j, :, np.newaxis] * self._G
            yield x[..., -self.size :]

    def of(self, u):
        """Return what is seen of sequences, ``(n, n_rows, size_in, d)``."""
        return np.stack(list(self.rows(u)), axis=1)

    def input_noise(self):
        """Return the covariance of the state for inputs of white noise of variance 1.

        Returns
        -------
        covariance : (d, d) ndarray
            Of one input dimension.
        """
        P, power = np.outer(self._G, self._G), self._F
        while np.linalg.norm(power) > 1e-10:
            P = P + power @ P @ power.T
            power = power @ power
        return P[-self.size :, -self.size :]


@dataclass(frozen=True)
class Examples:
    """Sequences, and what is wanted at some of their rows.

    Attributes
    ----------
    u : (n, n_rows, size_in) ndarray
        Zeros after the end of a shorter sequence.
    chosen : (n, n_rows) ndarray of bool
        The rows at which there is a target.
    target : (n_chosen, size_out) ndarray or None
    """

    u: np.ndarray
    chosen: np.ndarray
    target: np.ndarray | None

    def pick(self, rows):
        """Return the chosen ones of the rows that an iterable has for all sequences.

        Parameters
        ----------
        rows : iterable of (n, ...) ndarray
            One for each row.

        Returns
        -------
        picked : (n_chosen, ...) ndarray
            In the order of ``target``: of sequences, then of rows.
        """
        order = np.cumsum(self.chosen).reshape(self.chosen.shape) - 1
        picked = None
        for j, row in enumerate(rows):
            some = self.chosen[:, j]
            if picked is None:
                picked = np.empty((self.chosen.sum(), *row.shape[1:]))
            picked[order[some, j]] = row[some]
        return picked


def examples(u, target, size_in, mask=None, washout=0):
    """Return sequences and targets in one form, whatever form they are given in.

    Parameters
    ----------
    u : array_like or list of ndarray
        ``(n_rows,)`` or ``(n_rows, size_in)`` for one sequence; ``(n, n_rows,
        size_in)`` for several, or a list of arrays of the former shapes.
    target : array_like, list of ndarray or None
        For one sequence, ``(n_rows,)`` or ``(n_rows, size_out)``. For several, ``(n,
        n_rows, size_out)`` or a list, with a target at every row; or ``(n,)`` or ``(n,
        size_out)``, with one at the last.
    size_in : int
        Of the memory.
    mask : (n_rows,) or (n, n_rows) array_like of bool, optional
        Rows that count. The last that counts is the last of its sequence.
    washout : int
        Rows at the beginning of each sequence that have no target.

    Returns
    -------
    examples : Examples

    Raises
    ------
    ArgumentError
        With the shapes that do not fit together.
    """
    washout = whole("washout", washout, 0)
    u, counted, several = _inputs(u, size_in)
    lengths = counted.sum(axis=1)
    counted &= _mask(mask, counted.shape, several)
    if np.any(~counted.any(axis=1)):
        raise ArgumentError(
            "mask",
            f"leaves nothing of sequence {np.argmin(counted.any(axis=1))}; leave out "
            "sequences without rows",
        )
    if target is None:
        return Examples(u, counted, None)
    y = _targets(target, u, lengths, several)
    if y.ndim < 3:
        return _last(u, counted, y, washout)
    chosen = counted.copy()
    chosen[:, :washout] = False
    return _some(Examples(u, chosen, y[chosen]), washout)


def _inputs(u, size_in):
    """Return inputs, which of their rows there are, and whether they are several.

    Returns
    -------
    u : (n, n_rows, size_in) ndarray
    counted : (n, n_rows) ndarray of bool
    several : bool
        Whether they were given as several sequences, be it one.
    """
    is_list = isinstance(u, (list, tuple)) and len(u) > 0
    if is_list and all(isinstance(one, np.ndarray) for one in u):
        u = [_sequence("u", one, size_in) for one in u]
        lengths = np.array([len(one) for one in u])
        u, several = _padded(u, lengths.max()), True
    else:
        u = finite_array("u", u, ndim=(1, 2, 3))
        several = u.ndim == 3
        u = u if several else _sequence("u", u, size_in)[np.newaxis]
        lengths = np.full(len(u), u.shape[1])
    if u.shape[2] != size_in or not u.size:
        raise ArgumentError(
            "u",
            f"must be sequences of {size_in} input dimensions, but its shape is "
            f"{u.shape}; give (n_rows, size_in) or (n, n_rows, size_in)",
        )
    return u, np.arange(u.shape[1]) < lengths[:, np.newaxis], several


def _padded(sequences, n_rows):
    """Return sequences of different lengths in one array, with zeros at their ends."""
    array = np.zeros((len(sequences), n_rows, sequences[0].shape[1]))
    for row, one in zip(array, sequences):
        row[: len(one)] = one
    return array


def _targets(target, u, lengths, several):
    """Return targets, with three dimensions if they are of each row.

    Parameters
    ----------
    target : array_like or list of ndarray
    u : (n, n_rows, size_in) ndarray
    lengths : (n,) ndarray
        How many of their rows there are.
    several : bool
        Whether inputs are several sequences.

    Returns
    -------
    target : (n, n_rows, size_out), (n,) or (n, size_out) ndarray
    """
    n, n_rows = u.shape[:2]
    if not several:
        y = finite_array("target", target, ndim=(1, 2))
        y = (y[:, np.newaxis] if y.ndim == 1 else y)[np.newaxis]
    elif isinstance(target, (list, tuple)) and any(np.ndim(one) for one in target):
        y = [finite_array("target", one, ndim=(1, 2)) for one in target]
        y = [one[:, np.newaxis] if one.ndim == 1 else one for one in y]
        columns = {one.shape[1] for one in y}
        if [len(one) for one in y] != lengths.tolist() or len(columns) > 1:
            raise ArgumentError(
                "target",
                f"must have an array for each of the {n} sequences, with as many rows "
                f"as it, {shown(lengths.tolist())}, and as many columns as the others, "
                f"but has the shapes {shown([one.shape for one in y])}; give (n, "
                "size_out) for one target at the end of each",
            )
        y = _padded(y, n_rows)
    else:
        y = finite_array("target", target, ndim=(1, 2, 3))
        if y.ndim < 3:
            return y
    if y.shape[:2] != (n, n_rows) or not y.shape[2]:
        first = 0 if several else 1
        raise ArgumentError(
            "target",
            f"must have one row for each of the {n_rows} of the input, but its shape "
            f"is {y.shape[first:]} where that of u is {u.shape[first:]}",
        )
    return y


def _last(u, counted, target, washout):
    """Return the examples of one target a sequence, at its last row."""
    n, n_rows = counted.shape
    if target.shape == (n, n_rows) and n_rows > 1:
        raise ArgumentError(
            "target",
            f"of shape {target.shape} may be {n_rows} targets at the end of each "
            "sequence or one at every row; give (n, n_rows, 1) for one at every row, "
            "or add a column of zeros",
        )
    if len(target) != n:
        raise ArgumentError(
            "target",
            f"must have one row for each of the {n} sequences, but its shape is "
            f"{target.shape}; give (n, size_out), or (n, n_rows, size_out) for a "
            "target at every row",
        )
    last = n_rows - 1 - np.argmax(counted[:, ::-1], axis=1)
    chosen = np.zeros_like(counted)
    chosen[np.arange(n), last] = last >= washout
    target = target[:, np.newaxis] if target.ndim == 1 else target
    return _some(Examples(u, chosen, target[last >= washout]), washout)


def _some(given, washout):
    """Return examples if there are two at least."""
    if len(given.target) < 2:
        raise ArgumentError(
            "washout",
            f"of {washout} leaves {len(given.target)} rows with a target; give longer "
            "or more sequences, or a shorter washout",
        )
    return given


def _sequence(name, one, size_in):
    """Return one sequence, ``(n_rows, size_in)``."""
    one = finite_array(name, one, ndim=(1, 2))
    one = one[:, np.newaxis] if one.ndim == 1 else one
    if one.shape[1] != size_in:
        raise ArgumentError(
            name,
            f"must have {size_in} columns, one for each input dimension, but the shape "
            f"of a sequence is {one.shape}; reshape it",
        )
    return one


def _mask(mask, shape, several):
    """Return which rows count."""
    if mask is None:
        return True
    mask = real_array("mask", np.asarray(mask) * 1)
    mask = mask if several else mask[np.newaxis]
    if mask.shape != shape or not np.all((mask == 0) | (mask == 1)):
        raise ArgumentError(
            "mask",
            f"must be True or False for each of the {shape} rows of the sequences, but "
            f"its shape is {mask.shape}; give (n, n_rows) for several sequences, or "
            "(n_rows,) for one",
        )
    return mask == 1
