"""Series in the range that a memory expects, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import one_of

if TYPE_CHECKING:
    from nengo_lmu.legendre.types import Array


# what comes first: nothing, or the square root, which makes the variance of counts the
# same whatever their mean is
TRANSFORMS = ("none", "sqrt")


@dataclass(frozen=True)
class Scaling:
    """Features less their mean, over their largest distance from it in training data.

    So training data are from -1 to 1, and 0, between sequences, is their mean.

    Attributes
    ----------
    middle, extent : (features,) ndarray
    transform : {"none", "sqrt"}
        What comes before.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import Scaling
    >>> scaling = Scaling.fit([np.array([[1.0], [5.0]]), np.array([[3.0]])])
    >>> scaling.apply(np.array([[5.0], [7.0]])).tolist()
    [[1.0], [2.0]]
    """

    middle: np.ndarray
    extent: np.ndarray
    transform: str = "none"

    @classmethod
    def fit(cls, sequences: list[Array], transform: str = "none") -> Scaling:
        """Return the scaling of training data.

        Parameters
        ----------
        sequences : list of (steps, features) ndarray
            Training data only.
        transform : {"none", "sqrt"}

        Returns
        -------
        scaling : Scaling

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            For the square root of what is below 0.
        """
        one_of("transform", transform, TRANSFORMS)
        values = _transformed(np.concatenate(sequences), transform)
        middle = values.mean(axis=0)
        extent = np.abs(values - middle).max(axis=0)
        # a feature that does not vary is 0 throughout
        constant = extent <= 1e-12 * np.maximum(np.abs(middle), 1)
        return cls(middle, np.where(constant, 1.0, extent), transform)

    def apply(self, x: Array) -> Array:
        """Return samples, ``(..., features)``, in the range of the memory."""
        return (_transformed(x, self.transform) - self.middle) / self.extent

    def invert(self, x: Array) -> Array:
        """Return scaled samples in their own units."""
        values = x * self.extent + self.middle
        if self.transform == "sqrt":
            return np.maximum(values, 0) ** 2
        return values


def _transformed(x, transform):
    if transform == "none":
        return x
    if np.any(x < 0):
        raise ArgumentError(
            "transform",
            f"'sqrt' is for values of at least 0, but {np.min(x):g} is among them; "
            "give 'none'",
        )
    return np.sqrt(x)
