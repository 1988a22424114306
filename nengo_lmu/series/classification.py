"""Classes of sequences, told by a spiking network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import whole
from nengo_lmu.series.choice import best, folds_of_groups, memories, tried
from nengo_lmu.series.data import labels_of, sequences, stream
from nengo_lmu.series.network import Outcome, SeriesNetwork, Settings
from nengo_lmu.series.scaling import Scaling
from nengo_lmu.series.training import train
from nengo_lmu.series.window import checked_window, choose_window

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Literal

    from nengo_lmu.legendre.types import ArrayLike


# of the training stream, for which a memory is designed (samples)
_SAMPLE = 1000

# of each state dimension, unless a number is given
_NEURONS = 50


def classify(
    x: Any,
    labels: ArrayLike,
    *,
    read: Literal["last", "every"] = "last",
    theta: int | tuple[int, ...] | None = None,
    d: int | tuple[int, ...] | None = None,
    n_neurons: int | None = None,
    units: int = 200,
    sample_time: float = 0.02,
    folds: int = 3,
    epochs: int = 10,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    show_progress: bool | None = None,
    **settings: Any,
) -> SeriesNetwork:
    """Train a spiking network to tell the classes of sequences.

    Parameters
    ----------
    x : (n, steps, features) array_like, or list of (steps, features) array_like
        Training sequences.
    labels : (n,) array_like
        Numbers or strings.
    read : {"last", "every"}
        Whether the class is read at the end of a sequence, or at each of its samples,
        of which the scores are averaged.
    theta : int or tuple of int, optional
        Window of the memory (samples); of several the one that does best in validation.
        By default what `choose_window` says.
    d : int or tuple of int, optional
        Order of the memory, likewise; by default what `choose_window` says, a half, a
        quarter and an eighth of it.
    n_neurons : int, optional
        Of the memory, by default 50 for each dimension of its state.
    units : int
        Hidden neurons.
    sample_time : float
        How long a sample is presented (seconds).
    folds : int
        Of the training data, for validation: each fold is left out once.
    epochs : int
    seed : int
        Of the folds, the weights and the spikes.
    checkpoint : str or Path, optional
        File from which the last training goes on, if it was stopped.
    show_progress : bool, optional
        By default on terminals.
    **settings
        More of `nengo_lmu.series.Settings`.

    Returns
    -------
    model : nengo_lmu.series.SeriesNetwork
        Trained on all sequences. Its ``choice`` tells what was chosen, and why.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        Naming the argument, or the sequence, its value and the remedy.
    """
    x = sequences("x", x)
    numbers, classes = labels_of("labels", labels, len(x))
    folds = whole("folds", folds, 2)
    fewest = np.bincount(numbers).min()
    if fewest < 2:
        raise ArgumentError(
            "labels",
            f"class {classes[np.bincount(numbers).argmin()]} has one sequence only; "
            "give two of each at least, to train on and to validate with",
        )
    scaling = Scaling.fit(x)
    scaled = [scaling.apply(one) for one in x]
    longest = max(map(len, x))
    if theta is None:
        window = choose_window(scaled, read)
        thetas = [window.theta]
    else:
        thetas = [checked_window(one, longest) for one in np.atleast_1d(theta).tolist()]
        window = choose_window(scaled, read, max(thetas))
    if d is None:
        orders = list(dict.fromkeys(max(window.d // k, 1) for k in (1, 2, 4, 8)))
    else:
        orders = [whole("d", one, 1) for one in np.atleast_1d(d).tolist()]
    candidates = memories(thetas, orders)
    reasons = (
        tried("theta", thetas, window.reasons[0] if theta is None else None),
        tried("d", orders, window.reasons[1] if d is None else None),
    )
    base = Settings(
        task="classify",
        features=scaled[0].shape[1],
        outputs=len(classes),
        theta=candidates[0].theta,
        d=candidates[0].d,
        n_neurons=0,
        units=units,
        read=read,
        sample_time=sample_time,
        seed=seed,
        **settings,
    )

    def make(memory, scaling, scaled):
        m = n_neurons
        if m is None:
            m = _NEURONS * memory.d * base.features
        own = replace(base, theta=memory.theta, d=memory.d, n_neurons=m)
        sample = stream(scaled, own.theta).samples[: max(_SAMPLE, 2 * own.theta)]
        return SeriesNetwork(own, scaling, sample, classes)

    def score(memory, train_on, validate_on):
        # the scaling, too, is of the training data alone
        scaling = Scaling.fit([x[i] for i in train_on])
        parts = [
            ([scaling.apply(x[i]) for i in part], numbers[part])
            for part in (train_on, validate_on)
        ]
        model = make(memory, scaling, parts[0][0])
        history = train(
            model,
            *parts[0],
            validation=parts[1],
            epochs=epochs,
            show_progress=show_progress,
        )
        best_epoch = int(np.argmin(history["val_probe_loss"]))
        return history["val_probe_accuracy"][best_epoch], best_epoch + 1

    parts = folds_of_groups(numbers, min(folds, fewest), seed)
    choice, lengths = best(candidates, score, parts, "the memory", show_progress)
    model = make(choice.value, scaling, scaled)
    model.choice = replace(choice, reasons=(*reasons, *choice.reasons))
    model.history = train(
        model,
        scaled,
        numbers,
        epochs=max(round(np.mean(lengths)), 1),
        checkpoint=checkpoint,
        show_progress=show_progress,
    )
    return model


@dataclass(frozen=True)
class Classification:
    """How a network classified sequences.

    Attributes
    ----------
    simulator : str
    guesses : (n,) ndarray
        Classes.
    accuracy, standard_error : float
        Fraction that is right, and its error by the binomial distribution.
    outcome : nengo_lmu.series.Outcome
        What it took.
    """

    simulator: str
    guesses: np.ndarray
    accuracy: float
    standard_error: float
    outcome: Outcome


def evaluate_classes(
    model: SeriesNetwork,
    x: Any,
    labels: ArrayLike,
    simulator: str = "nengo",
    seed: int | None = None,
    show_progress: bool | None = None,
) -> Classification:
    """Let a network classify sequences that come one after another.

    Parameters
    ----------
    model : nengo_lmu.series.SeriesNetwork
    x, labels
        As for `classify`.
    simulator, seed, show_progress
        As for `nengo_lmu.series.SeriesNetwork.run`.

    Returns
    -------
    result : Classification
    """
    s = model.settings
    x = sequences("x", x, s.features)
    numbers, _ = labels_of("labels", labels, len(x), model.classes)
    together = stream([model.scaling.apply(one) for one in x], s.theta)
    outcome = model.run_scaled(together.samples, simulator, seed, show_progress)
    if s.read == "last":
        scores = outcome.outputs[together.ends]
    else:
        scores = np.array(
            [outcome.outputs[together.owner == i].mean(axis=0) for i in range(len(x))]
        )
    guesses = scores.argmax(axis=1)
    accuracy = float(np.mean(guesses == numbers))
    return Classification(
        simulator,
        model.classes[guesses],
        accuracy,
        float(np.sqrt(accuracy * (1 - accuracy) / len(x))),
        outcome,
    )
