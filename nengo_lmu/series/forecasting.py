"""Forecasts of a series by a spiking memory, and what departs from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import whole
from nengo_lmu.legendre.regression import fit_with_noise
from nengo_lmu.series.choice import best, folds_of_time, memories, tried
from nengo_lmu.series.data import one_series
from nengo_lmu.series.errors import nrmse
from nengo_lmu.series.network import Outcome, SeriesNetwork, Settings
from nengo_lmu.series.scaling import TRANSFORMS, Scaling
from nengo_lmu.series.states import (
    correlated_noise,
    ideal_states,
    noise_of_units,
    random_units,
    states_and_activity,
)
from nengo_lmu.series.window import checked_window, choose_window

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import ArrayLike


# of each state dimension, unless a number is given
_NEURONS = 200

# The least variance of a state's noise: an ideal memory's readout would follow the
# training data without it.
_LEAST_NOISE = 1e-6

# of the window that the data suggest, to choose from by validation: three octaves down
# and one up; and of the order for the longest of them
_THETAS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.125, 1.4, 2.0)
_ORDERS = (1.0, 0.7, 0.5, 0.35, 0.25)

# Readouts are fitted as if the noise had so many times its variance: the factor with
# the least error, each sample's by weights that were fitted without it. What there are
# few samples for needs more of a penalty than the noise alone.
_FACTORS = (1, 3, 10, 30, 100)

# Scores of anomalies are averaged over this part of the window that the data suggest, a
# period of what is periodic.
_SMOOTHING = 1 / 20


def forecast(
    x: Any,
    *,
    horizon: int = 1,
    theta: int | tuple[int, ...] | None = None,
    d: int | tuple[int, ...] | None = None,
    transform: str | tuple[str, ...] = ("none", "sqrt"),
    units: int | tuple[int, ...] = 0,
    n_neurons: int | None = None,
    sample_time: float = 0.02,
    folds: int = 5,
    seed: int = 0,
    show_progress: bool | None = None,
    **settings: Any,
) -> SeriesNetwork:
    """Fit a spiking network that forecasts a series.

    Parameters
    ----------
    x : (steps,) or (steps, features) array_like
        Training data.
    horizon : int
        How far ahead (samples).
    theta : int or tuple of int, optional
        Window of the memory (samples); of several the one that does best in
        validation. By default what `choose_window` says, from an eighth of it to twice.
    d : int or tuple of int, optional
        Order of the memory, likewise.
    transform : str or tuple of str
        Of `nengo_lmu.series.Scaling`, likewise; "sqrt" only where no value is below 0.
    units : int or tuple of int
        Hidden neurons that read the memory, likewise, besides the state itself: for
        what is not linear. Their weights are drawn, only what reads them is fitted.
    n_neurons : int, optional
        Of the memory, by default 200 for each dimension of its state.
    sample_time : float
        How long a sample is presented (seconds).
    folds : int
        Stretches of the training data, each of which is left out once, for validation.
    seed : int
        Of the spikes.
    show_progress : bool, optional
        By default on terminals.
    **settings
        More of `nengo_lmu.series.Settings`.

    Returns
    -------
    model : nengo_lmu.series.SeriesNetwork
        Fitted to the whole series. Its ``choice`` tells what was chosen, and why.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        Naming the argument, its value and the remedy.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import evaluate_forecast, forecast
    >>> wave = np.sin(np.arange(300) / 3)
    >>> model = forecast(wave[:200], theta=20, d=6, n_neurons=600)
    >>> evaluate_forecast(model, wave, start=200).nrmse < 0.1
    True
    """
    x = one_series("x", x)
    horizon = whole("horizon", horizon, 1, max(len(x) // 4, 1))
    folds = whole("folds", folds, 2)
    longest = len(x) // folds - horizon - 1
    candidates, reasons = _candidates(x, theta, d, transform, units, longest)
    base = Settings(
        features=x.shape[1],
        outputs=x.shape[1],
        theta=candidates[0].theta,
        d=candidates[0].d,
        n_neurons=0,
        horizon=horizon,
        sample_time=sample_time,
        seed=seed,
        **{"task": "forecast", **settings},
    )

    since = max(candidate.theta for candidate in candidates)

    @lru_cache(maxsize=1)
    def prepared(candidate):
        """Return a network, and the series as it gets it."""
        m = n_neurons
        if m is None:
            m = _NEURONS * candidate.d * base.features
        own = replace(
            base,
            theta=candidate.theta,
            d=candidate.d,
            units=candidate.units,
            n_neurons=m,
        )
        # the range of the series is that of all its stretches
        scaling = Scaling.fit([x], candidate.transform)
        u = scaling.apply(x)
        return SeriesNetwork(own, scaling, u), u

    def score(candidate, train_on, validate_on):
        model, u = prepared(candidate)
        _fit_readout(model, u, train_on, since)
        features, due, _ = _pairs(model, u, validate_on, since)
        # the noise that is expected, drawn, as it goes through the transform
        noise = correlated_noise(
            _covariance(model, features), len(features), np.random.RandomState(seed)
        )
        predicted = model.scaling.invert(_read(model, features + noise))
        # a share of the variance, since folds have different variances of their own
        error = np.mean((predicted - x[due]) ** 2) / np.mean(x.var(axis=0))
        return float(error), None

    # Errors of forecasts are alike for as long as the horizon. States of the training
    # may hold samples that are left out, as always in autoregression.
    parts = folds_of_time(len(x), folds, horizon)
    choice, _ = best(
        candidates, score, parts, "the memory", show_progress, largest=False
    )
    model, u = prepared(choice.value)
    fit = _fit_readout(model, u, np.arange(len(x)))
    if base.task == "detect":
        # of samples that the fit has not seen, and of the noise
        matrices = model.matrices
        model = SeriesNetwork(model.settings, model.scaling, u, typical_error=fit.error)
        model.assign(matrices)
    model.choice = replace(choice, reasons=(*reasons, *choice.reasons))
    return model


def detect(
    x: ArrayLike, *, smoothing: float | None = None, **options: Any
) -> SeriesNetwork:
    """Fit a spiking network that scores how far samples are from their forecast.

    Of the very next sample by default: what is amiss departs as much from a forecast of
    any horizon, and stands out most from the one with the least error.

    Parameters
    ----------
    x : (steps,) or (steps, features) array_like
        Training data without anomalies.
    smoothing : float, optional
        Time constant of the filter of scores (samples), by default a twentieth of the
        window that `choose_window` says, and 1 at least.
    **options
        More of `forecast`.

    Returns
    -------
    model : nengo_lmu.series.SeriesNetwork
        Its output is a score of about 1 for samples as usual; its ``threshold`` is the
        largest score of the training data, in spikes.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        As for `forecast`.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import detect
    >>> wave = np.sin(np.arange(400) / 5)
    >>> model = detect(wave[:300], horizon=3, theta=30, d=6, n_neurons=600)
    >>> wave[350:360] = 0.8
    >>> scores = model.run(wave[:, np.newaxis]).outputs[:, 0]
    >>> bool(scores[:345].max() < model.threshold * 1.5 < scores[350:365].max())
    True
    """
    x = one_series("x", x)
    if smoothing is None:
        suggested = choose_window([Scaling.fit([x]).apply(x)]).theta
        smoothing = max(suggested * _SMOOTHING, 1.0)
    options = {"transform": "none", **options}
    model = forecast(x, task="detect", smoothing=float(smoothing), **options)
    scores = model.run(x, show_progress=options.get("show_progress")).outputs
    model.threshold = float(scores.max())
    return model


def _candidates(x, theta, d, transform, units, longest):
    """Return the memories to choose from, of windows that folds have room for."""
    u = Scaling.fit([x]).apply(x)
    why_theta = why_d = None
    if theta is None:
        window = choose_window([u])
        why_theta = window.reasons[0]
        suggested = _about(window.theta, _THETAS, 2)
        thetas = [one for one in suggested if one <= longest]
    else:
        thetas = [checked_window(one, len(x)) for one in np.atleast_1d(theta).tolist()]
    if not thetas or max(thetas) > longest:
        raise ArgumentError(
            "x",
            f"must be long enough for a window of {max(thetas or suggested)} samples, "
            f"but has {len(x)}, and each fold has room for {longest}; give more of the "
            "series, a shorter theta or fewer folds",
        )
    if d is None:
        window = choose_window([u], theta=max(thetas))
        why_d = window.reasons[1]
        orders = _about(window.d, _ORDERS, 1)
    else:
        orders = [whole("d", one, 1) for one in np.atleast_1d(d).tolist()]
    reasons = tried("theta", thetas, why_theta), tried("d", orders, why_d)
    transforms = [transform] if isinstance(transform, str) else list(transform)
    for one in transforms:
        if one not in TRANSFORMS:
            raise ArgumentError(
                "transform",
                f"must be of {', '.join(TRANSFORMS)}, but {one!r} was given",
            )
    if len(transforms) > 1 and np.any(x < 0):
        transforms = [one for one in transforms if one != "sqrt"]
    units = [whole("units", one, 0) for one in np.atleast_1d(units).tolist()]
    return memories(thetas, orders, transforms, units), reasons


def _about(value, factors, least):
    """Return a value times some factors, as whole numbers that differ."""
    return list(dict.fromkeys(max(round(value * one), least) for one in factors))


def _pairs(model, u, where, since=0):
    """Return what is read at some samples, and the samples that are due then.

    Without those at which the memory has not seen a whole window, and earlier ones.

    Returns
    -------
    features : (n, size) ndarray
        States, and the activity of hidden units.
    due : (n,) ndarray of int
    target : (n, features) ndarray
    """
    s = model.settings
    at = where[(where + s.horizon < len(u)) & (where >= max(s.theta, since))]
    due = at + s.horizon
    return states_and_activity(model, u)[at], due, u[due]


def _covariance(model, features):
    """Return the covariance of the noise of what is read."""
    s = model.settings
    one = model.noise_covariance() + _LEAST_NOISE * np.eye(s.d)
    covariance = np.kron(np.eye(s.features), one)
    if not s.units:
        return covariance
    return noise_of_units(model, features, covariance)


def _fit_readout(model, u, where, since=0):
    """Fit the readout that is best for the noise of spikes, and return the fit."""
    s = model.settings
    if s.units:
        m = ideal_states(u, s)[where[where >= s.theta]]
        kernel, bias = random_units(m, s.units, np.random.RandomState(s.seed))
        model.lmu.memory_kernel.transform = kernel
        model.lmu.hidden_bias.transform = bias[:, np.newaxis]
    features, _, target = _pairs(model, u, where, since)
    covariance = _covariance(model, features)
    fit = min(
        (_regularized(features, target, covariance, factor) for factor in _FACTORS),
        key=lambda fit: np.mean(fit.error**2),
    )
    direct, readout = np.split(fit.weights, [s.features * s.d], axis=1)
    model.direct.transform = direct
    model.bias.transform = fit.bias[:, np.newaxis]
    if s.units:
        model.readout.transform = readout
    return fit


def _regularized(features, target, covariance, factor):
    """Fit as if there were more noise, and return the error with what there is."""
    fit = fit_with_noise(features, target, factor * covariance)
    noise = fit.noise / np.sqrt(factor)
    error = np.sqrt(fit.error**2 - fit.noise**2 + noise**2)
    return replace(fit, error=error, noise=noise)


def _read(model, features):
    """Return forecasts, scaled, of what is read."""
    matrices = model.matrices
    weights = [matrices[name] for name in ("direct", "readout") if name in matrices]
    return features @ np.hstack(weights).T + matrices["bias"][:, 0]


@dataclass(frozen=True)
class Forecast:
    """How a network forecast a series.

    Attributes
    ----------
    simulator : str
    predicted : (n, features) ndarray
        Of the samples from the first that counts.
    nrmse : float
        Over the standard deviation of those.
    outcome : nengo_lmu.series.Outcome
        What it took.
    """

    simulator: str
    predicted: np.ndarray
    nrmse: float
    outcome: Outcome


def evaluate_forecast(
    model: SeriesNetwork,
    x: ArrayLike,
    start: int,
    simulator: str = "nengo",
    seed: int | None = None,
    show_progress: bool | None = None,
) -> Forecast:
    """Let a network forecast a series, a sample after another.

    Parameters
    ----------
    model : nengo_lmu.series.SeriesNetwork
    x : (steps,) or (steps, features) array_like
        The series; what is before ``start`` is seen, but does not count.
    start : int
        The first sample whose forecast counts.
    simulator, seed, show_progress
        As for `nengo_lmu.series.SeriesNetwork.run`.

    Returns
    -------
    result : Forecast
    """
    h = model.settings.horizon
    x = one_series("x", x, model.settings.features)
    start = whole("start", start, h, len(x) - 1)
    outcome = model.run(x[: len(x) - h], simulator, seed, show_progress)
    predicted = model.in_units(outcome.outputs[start - h :])
    return Forecast(simulator, predicted, nrmse(predicted, x[start:]), outcome)
