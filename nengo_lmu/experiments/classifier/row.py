"""What came out of a classification, and how two of them compare."""

from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Row:
    """How one way of running a network did.

    Attributes
    ----------
    backend : str
    digits : int
        How many were classified.
    guesses, correct : list of int and list of bool
        For each, in the order of the test set.
    spikes : float or None
        A digit, over all neurons.
    seconds : float
        Of computing time a digit, without building.
    """

    backend: str
    digits: int
    guesses: list = field(repr=False)
    correct: list = field(repr=False)
    spikes: float
    seconds: float

    @property
    def accuracy(self):
        """(float) Fraction of digits that were classified correctly."""
        return fraction(self.correct)["accuracy"]

    @property
    def record(self):
        """(dict) All of it, with the accuracy and its standard error."""
        return asdict(self) | fraction(self.correct)

    @classmethod
    def from_guesses(cls, backend, guesses, labels, spikes, seconds):
        """Return a row for an array of guesses and the right labels."""
        correct = np.asarray(guesses) == labels
        return cls(
            backend,
            len(correct),
            np.asarray(guesses).tolist(),
            correct.tolist(),
            spikes,
            seconds,
        )


def fraction(correct):
    """Return how many of the digits were classified correctly.

    Parameters
    ----------
    correct : (n_digits,) array_like of bool

    Returns
    -------
    fraction : dict
        ``digits``, how many there are; ``accuracy``, the fraction that is correct; and
        its ``standard_error``, from the binomial distribution.
    """
    accuracy = float(np.mean(correct))
    return {
        "digits": len(correct),
        "accuracy": accuracy,
        "standard_error": float(np.sqrt(accuracy * (1 - accuracy) / len(correct))),
    }


def compare(row, other):
    """Compare the records of two rows on the digits that both have classified.

    Parameters
    ----------
    row, other : dict
        With ``digits``, ``guesses`` and ``correct``.

    Returns
    -------
    n_digits : int
    accuracy, other_accuracy, agreement : float
        The fractions that either classified correctly, and alike.
    """
    n = min(row["digits"], other["digits"])
    return (
        n,
        float(np.mean(row["correct"][:n])),
        float(np.mean(other["correct"][:n])),
        float(np.mean(np.equal(row["guesses"][:n], other["guesses"][:n]))),
    )
