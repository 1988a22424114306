"""Distributions that initialize kernels by the size of the matrix (Keras's names)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nengo.dists import Distribution

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array


class XavierNormal(Distribution):
    """Normal with variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio, 2010)."""

    def sample(self, n: int, d: int | None = None, rng: Any = np.random) -> Array:
        """Return an ``(n, d)`` matrix for ``d`` inputs and ``n`` outputs."""
        d = 1 if d is None else d
        return rng.standard_normal((n, d)) * np.sqrt(2 / (n + d))


class LecunUniform(Distribution):
    """Uniform with variance ``1 / fan_in`` (LeCun et al., 1998)."""

    def sample(self, n: int, d: int | None = None, rng: Any = np.random) -> Array:
        """Return an ``(n, d)`` matrix for ``d`` inputs and ``n`` outputs."""
        d = 1 if d is None else d
        limit = np.sqrt(3 / d)
        return rng.uniform(-limit, limit, size=(n, d))
