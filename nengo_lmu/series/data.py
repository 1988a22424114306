"""Series as arrays: their checks, padding, and streams of several of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import real_array, shown, whole

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array, ArrayLike


def sequences(name: str, x: Any, n_features: int | None = None) -> list[Array]:
    """Return sequences, which may be of different lengths, as a list of arrays.

    Parameters
    ----------
    name : str
        The argument, for errors.
    x : (n, steps, features) or (n, steps) array_like, or a list of arrays
        Each of shape ``(steps, features)`` or, with one feature, ``(steps,)``.
    n_features : int, optional
        How many there have to be.

    Returns
    -------
    sequences : list of (steps, features) ndarray

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        Naming the sequence, and where it has what is not finite, if there are none, one
        is empty or has another shape than the first, or other features than expected.

    Examples
    --------
    >>> from nengo_lmu.series import sequences
    >>> [s.shape for s in sequences("x", [[1.0, 2.0], [3.0, 4.0, 5.0]])]
    [(2, 1), (3, 1)]
    """
    try:
        n = len(x)
    except TypeError:
        n = 0
    if not n or isinstance(x, (str, bytes, dict)):
        raise ArgumentError(
            name,
            f"must be sequences, but {shown(x)} was given; give an array of shape (n, "
            "steps, features), or a list with one of shape (steps, features) for each",
        )
    arrays: list[Array] = []
    for i, sequence in enumerate(x):
        array = real_array(f"{name}[{i}]", sequence)
        array = array[:, np.newaxis] if array.ndim == 1 else array
        if array.ndim != 2 or not array.size:
            raise ArgumentError(
                f"{name}[{i}]",
                "must have samples in shape (steps, features), but its shape is "
                f"{np.shape(sequence)}; reshape it, or leave it out",
            )
        wanted = arrays[0].shape[1] if n_features is None and arrays else n_features
        if wanted is not None and array.shape[1] != wanted:
            raise ArgumentError(
                f"{name}[{i}]",
                f"must have {wanted} features, but has {array.shape[1]}; give all "
                "sequences the same features",
            )
        _require_finite(f"{name}[{i}]", array)
        arrays.append(array)
    return arrays


def one_series(name: str, x: ArrayLike, n_features: int | None = None) -> Array:
    """Return one long series as an array.

    Parameters
    ----------
    name : str
        The argument, for errors.
    x : (steps,) or (steps, features) array_like
    n_features : int, optional
        How many there have to be.

    Returns
    -------
    series : (steps, features) ndarray

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If it is no such array, or not finite, naming the sample.
    """
    array = real_array(name, x)
    array = array[:, np.newaxis] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise ArgumentError(
            name,
            f"must be one series of shape (steps, features), but its shape is "
            f"{np.shape(x)}; give a series at a time",
        )
    if n_features is not None and array.shape[1] != n_features:
        raise ArgumentError(
            name,
            f"must have {n_features} features, but has {array.shape[1]}; give those "
            "that the network was trained on",
        )
    _require_finite(name, array)
    return array


def labels_of(
    name: str, labels: ArrayLike, n: int, classes: Array | None = None
) -> tuple[Array, Array]:
    """Return labels as numbers of classes.

    Parameters
    ----------
    name : str
        The argument, for errors.
    labels : (n,) array_like
        Numbers or strings.
    n : int
        How many sequences there are.
    classes : (n_classes,) ndarray, optional
        By default those that there are.

    Returns
    -------
    numbers : (n,) ndarray of int
    classes : (n_classes,) ndarray
        Sorted.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there is not one for each sequence, or one that is not among the classes, or
        there are fewer than two classes.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) != n or labels.dtype.kind not in "biufUS":
        raise ArgumentError(
            name,
            f"must be {n} labels, one for each sequence, but shape {labels.shape} of "
            f"{labels.dtype} was given; give numbers or strings",
        )
    if labels.dtype.kind == "f" and np.any(np.isnan(labels)):
        i = np.flatnonzero(np.isnan(labels))[0]
        raise ArgumentError(name, f"label {i} is NaN; leave out what has no label")
    if classes is None:
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ArgumentError(
                name,
                "must be of two classes at least, but all are of "
                f"{shown(classes.tolist())}; give sequences of another class too",
            )
    unknown = ~np.isin(labels, classes)
    if np.any(unknown):
        first = np.flatnonzero(unknown)[0]
        raise ArgumentError(
            name,
            f"label {first} is {shown(labels.tolist()[first])}, "
            "which no sequence has that was trained on; give labels of "
            f"{shown(classes.tolist())}",
        )
    return np.searchsorted(classes, labels), classes


def pad(sequences: Any, length: int | None = None) -> tuple[Array, Array]:
    """Return sequences in one array, with zeros before the shorter ones.

    Before, not behind: all end at the same time then, when they are read.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray
    length : int, optional
        By default that of the longest.

    Returns
    -------
    x : (n, length, features) ndarray
    mask : (n, length) ndarray of bool
        Where there is a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import pad
    >>> x, mask = pad([np.ones((1, 2)), np.ones((3, 2))])
    >>> x.shape, mask.astype(int).tolist()
    ((2, 3, 2), [[0, 0, 1], [1, 1, 1]])
    """
    longest = max(map(len, sequences))
    length = longest if length is None else whole("length", length, longest)
    x = np.zeros((len(sequences), length, sequences[0].shape[1]))
    mask = np.zeros((len(sequences), length), dtype=bool)
    for i, sequence in enumerate(sequences):
        x[i, length - len(sequence) :] = sequence
        mask[i, length - len(sequence) :] = True
    return x, mask


@dataclass(frozen=True)
class Stream:
    """Sequences one after another, as a network in time gets them.

    Attributes
    ----------
    samples : (n_samples, features) ndarray
        0 between sequences.
    owner : (n_samples,) ndarray of int
        Which sequence each sample belongs to; -1 between them.
    ends : (n,) ndarray of int
        Where the last sample of each sequence is.
    """

    samples: np.ndarray
    owner: np.ndarray
    ends: np.ndarray


def stream(sequences: list[Array], window: int, order: Array | None = None) -> Stream:
    """Put sequences one after another, with zeros before those that are short.

    At the end of each, a window has passed since the one before: the memory holds
    nothing else, though nothing is reset.

    Parameters
    ----------
    sequences : list of (steps, features) ndarray
    window : int
        Of the memory (samples).
    order : sequence of int, optional
        In which they come.

    Returns
    -------
    stream : Stream

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import stream
    >>> stream([np.ones((2, 1)), np.ones((4, 1))], window=3).owner.tolist()
    [-1, 0, 0, 1, 1, 1, 1]
    """
    in_turn = range(len(sequences)) if order is None else order
    parts, owner = [], []
    ends = np.empty(len(sequences), dtype=int)
    total = 0
    for i in in_turn:
        x = sequences[i]
        blank = max(window - len(x), 0)
        parts += [np.zeros((blank, x.shape[1])), x]
        owner += [np.full(blank, -1), np.full(len(x), i)]
        total += blank + len(x)
        ends[i] = total - 1
    return Stream(np.concatenate(parts), np.concatenate(owner), ends)


def _require_finite(name, array):
    bad = ~np.isfinite(array)
    if np.any(bad):
        step, feature = np.argwhere(bad)[0]
        raise ArgumentError(
            name,
            f"must be finite, but {np.count_nonzero(bad)} of its {array.size} values "
            f"are NaN or infinite, the first at sample {step}, feature {feature}; fill "
            "them or leave them out",
        )
