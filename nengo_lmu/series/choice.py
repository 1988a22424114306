"""What is chosen by validation, within the training data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.utils.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from nengo_lmu.legendre.types import Array


# how many others than the best candidate are told of
_TOLD = 3


@dataclass(frozen=True)
class Memory:
    """A memory to choose.

    Attributes
    ----------
    theta : int
        Window (samples).
    d : int
        Order.
    transform : str
        Of the scaling of samples.
    units : int or None
        Hidden neurons of a forecast.
    """

    theta: int
    d: int
    transform: str = "none"
    units: int | None = None

    def __str__(self):
        transform = "" if self.transform == "none" else f", transform {self.transform}"
        units = f", {self.units} units" if self.units else ""
        return f"theta {self.theta}, d {self.d}{transform}{units}"


def memories(thetas, orders, transforms=("none",), units=(None,)):
    """Return all memories, and what reads them, that make sense.

    A window holds no more coefficients than its samples tell.

    Parameters
    ----------
    thetas, orders : sequence of int
    transforms : sequence of str
    units : sequence of int

    Returns
    -------
    memories : list of Memory

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If all orders are larger than all windows.
    """
    every = [Memory(*values) for values in product(thetas, orders, transforms, units)]
    kept = [memory for memory in every if memory.d <= memory.theta]
    if not kept:
        raise ArgumentError(
            "d",
            f"must be at most theta, in samples, but {min(orders)} was given where "
            f"theta is {max(thetas)}; give a lower order or a longer window",
        )
    return kept


def tried(name: str, values: Sequence[int], reason: str | None = None) -> str:
    """Say of which values a setting is chosen, and why of these.

    Parameters
    ----------
    name : str
        Of the setting.
    values : sequence of int
    reason : str, optional
        A sentence on the value that they were taken about, unless the user gave them.
    """
    listed = ", ".join(map(str, values))
    if reason is None:
        return f"{name} is {'one of ' * (len(values) > 1)}{listed}, as was asked for"
    return f"{reason}; {listed} are tried" if len(values) > 1 else reason


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes
    ----------
    name : str
        Of the setting.
    value : object
    scores : dict from str to float
        In validation, by value.
    reasons : tuple of str
        In a sentence each.
    """

    name: str
    value: object
    scores: dict
    reasons: tuple


def best(
    candidates: Sequence[Any],
    score: Callable[..., Any],
    parts: Sequence[Any],
    name: str,
    show_progress: bool | None = None,
    largest: bool = True,
) -> tuple[Choice, list[Any]]:
    """Return the candidate that does best on what is left out of the training.

    Parameters
    ----------
    candidates : list
        In the order of preference where they do equally well.
    score : callable
        Of a candidate, and the indices to train on and to validate with; returns the
        score, and what else is to be known.
    parts : list of tuple of ndarray
        The indices: of all folds, or of one.
    name : str
        Of the setting.
    show_progress : bool, optional
        By default on terminals.
    largest : bool
        Whether large scores are good.

    Returns
    -------
    choice : Choice
    others : list
        What else is to be known of the candidate that was chosen, of each fold.
    """
    results: dict[Any, list[Any]] = {}
    with progress_bar(
        show_progress, total=len(candidates) * len(parts), desc="validation"
    ) as bar:
        for candidate in candidates:
            results[candidate] = []
            for part in parts:
                results[candidate].append(score(candidate, *part))
                bar.update()
    means = {
        candidate: float(np.mean([value for value, _ in rows]))
        for candidate, rows in results.items()
    }
    value = (max if largest else min)(means, key=means.__getitem__)
    ranked = sorted(means, key=means.__getitem__, reverse=largest)[1:]
    others = ", ".join(f"{means[one]:.3g} with {one}" for one in ranked[:_TOLD])
    reason = (
        f"{name} is {value}, by validation in {len(parts)} folds: {means[value]:.3g}"
    )
    if others:
        reason += f", and {others}" + (" at best" if len(ranked) > _TOLD else "")
    choice = Choice(
        name, value, {str(one): mean for one, mean in means.items()}, (reason,)
    )
    return choice, [other for _, other in results[value]]


def folds_of_groups(
    groups: Array, n_folds: int, seed: int
) -> list[tuple[Array, Array]]:
    """Return folds that have as many of each group as each other, nearly.

    Parameters
    ----------
    groups : (n,) ndarray of int
    n_folds : int
    seed : int

    Returns
    -------
    parts : list of tuple of ndarray
        Indices to train on, and to validate with, of each fold.
    """
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    fold = np.empty(len(groups), dtype=int)
    fold[order] = np.arange(len(groups)) % n_folds
    return [
        (np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(n_folds)
    ]


def folds_of_time(n: int, n_folds: int, gap: int) -> list[tuple[Array, Array]]:
    """Return folds of a series that are stretches of it.

    Parameters
    ----------
    n : int
        Samples.
    n_folds : int
    gap : int
        Samples on both sides of a stretch that are not trained on, since a state holds
        samples before, and a forecast is of one behind.

    Returns
    -------
    parts : list of tuple of ndarray
        Indices to train on, and to validate with, of each fold.
    """
    parts = []
    for stretch in np.array_split(np.arange(n), n_folds):
        near = np.arange(stretch[0] - gap, stretch[-1] + gap + 1)
        parts.append((np.setdiff1d(np.arange(n), near), stretch))
    return parts
