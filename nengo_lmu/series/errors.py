"""Errors of forecasts: of many at once, and of each as it comes due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nengo
import numpy as np

if TYPE_CHECKING:
    from nengo_lmu.legendre.types import Array


def nrmse(predicted: Array, series: Array) -> float:
    """Return the root mean square error over the standard deviation of a series.

    Parameters
    ----------
    predicted, series : array_like
        Of the same shape.

    Returns
    -------
    error : float
        1 for a forecast of the mean.

    Examples
    --------
    >>> from nengo_lmu.series import nrmse
    >>> nrmse([1.0, 1.0], [0.0, 2.0])
    1.0
    """
    predicted, series = np.asarray(predicted), np.asarray(series)
    error = np.sqrt(np.mean((predicted - series) ** 2))
    return float(error / np.sqrt(np.mean((series - series.mean(axis=0)) ** 2)))


class ForecastError(nengo.Process):
    """How far a sample is from what was forecast of it.

    Its input is the sample, and the forecast of the one that comes a horizon later;
    of forecasts those at the end of samples count. Its output, held for a sample, is
    the root mean square of the errors of all features over what is typical of each. It
    is 0 until the memory has seen a whole window.

    Parameters
    ----------
    features : int
    steps_per_sample : int
        How long a sample takes (time steps).
    horizon, window : int
        Samples.
    typical : tuple of float
        Error of each feature.
    """

    def __init__(self, features, steps_per_sample, horizon, window, typical):
        self.features = features
        self.steps_per_sample = steps_per_sample
        self.horizon, self.window, self.typical = horizon, window, typical
        super().__init__(default_size_in=2 * features, default_size_out=1)

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        """Return the forecasts that are not due yet, in a ring."""
        return {"due": np.zeros((self.horizon, self.features))}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the function of a time step."""
        due, typical = state["due"], np.asarray(self.typical)
        n, k = self.features, self.steps_per_sample
        silent = self.window + self.horizon

        def step(t, x):
            number = int(round(t / dt)) - 1
            sample, phase = divmod(number, k)
            error = (x[:n] - due[sample % self.horizon]) / typical
            error = 0.0 if sample < silent else np.sqrt(np.mean(error**2))
            if phase == k - 1:  # this forecast is of a sample a horizon later
                due[sample % self.horizon] = x[n:]
            return error

        return step
