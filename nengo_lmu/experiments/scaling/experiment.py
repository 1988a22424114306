"""How the error of a spiking memory depends on its size, order, window, synapse and dt.

A plan in, one record out, from which the figure and the tables are made.
"""

from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np
from scipy import stats

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import measure
from nengo_lmu.analysis.published import ChannelSetting, measure_channel
from nengo_lmu.analysis.records import versions
from nengo_lmu.experiments.scaling.plan import AXES
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.planner import quietest

# those whose power law is fitted; the error is not one of tau
FITTED = ("m", "d", "theta", "dt")

# of the published experiment: from 100 to 20,010 neurons
CHANNEL_SIZES = (100, 300, 1000, 3000, 10000, 20010)

# of a curve of the theory, but for that of m: it is straight
_CURVE_POINTS = 13


def run(plan, folder=None, workers=None, dask=None, show_progress=None):
    """Measure what is planned, and return the record of it.

    Parameters
    ----------
    plan : Plan
    folder, workers, dask, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        For JSON: ``plan``, ``base``, ``series`` (a list of dict, each with ``axis``,
        ``neuron_type``, ``recipe``, ``error_feedback``, ``points``, and ``curve``,
        which is that of the theory or None), ``exponents`` (a list of dict) and
        ``versions``. Points and curves have the ``floor`` of the error too, where
        there is one and neurons hear their error.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If something of the plan cannot be measured.
    nengo_lmu.analysis.errors.MeasurementError
        If a measurement failed.
    """
    series = plan.series()
    memories = list(dict.fromkeys(one for _, settings in series for one in settings))
    channel = [ChannelSetting(m) for m in CHANNEL_SIZES]
    options = {
        "folder": folder,
        "workers": workers,
        "dask": dask,
        "cost": lambda setting: setting.cost,
        "show_progress": show_progress,
    }
    results = sweep.run_seeds(
        measure, memories, plan.seeds, description="memories", **options
    )
    results |= sweep.run_seeds(
        measure_channel, channel, plan.seeds, description="feed-forward", **options
    )

    found = [_describe(axis, settings, results) for axis, settings in series]
    found.append(
        {
            "axis": "m",
            "neuron_type": "poisson-lif",
            "recipe": "feed-forward",
            "error_feedback": 0.0,
            "points": [_point(one.n_neurons, results[one]) for one in channel],
            "curve": None,
        }
    )
    return {
        "experiment": "scaling",
        "plan": asdict(plan),
        "base": asdict(plan.base),
        "series": found,
        "exponents": [
            exponent for one in found if (exponent := _exponent(one)) is not None
        ],
        "versions": versions(),
    }


def predict(setting):
    """Return the window error that the theory predicts, None where it has none.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    window : float or None
        Relative to the rms of the input.
    """
    return _theory(setting)[0]


def floor(setting):
    """Return the window error that the spikes of a step leave by themselves.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    window : float or None
        Relative to the rms of the input; None where the theory has none, and for
        neurons that do not hear their error.
    """
    return _theory(setting)[1]


@cache
def _theory(setting):
    """Return what the theory says of the error, and of its floor."""
    if setting.recipe != "default" or setting.stimulus != "design":
        return None, None
    try:
        populations, counts = quietest(
            setting.theta, setting.d, setting.n_neurons, **setting.for_theory
        )
    except ArgumentError as error:
        if error.name != "spiking":
            raise
        return None, None
    window = populations.error(counts).window
    if not populations.error_feedback or populations.spiking == "regular":
        return window, None
    return window, populations.floor(counts).window


@dataclass(frozen=True)
class Exponent:
    """An exponent of a power law with its confidence interval."""

    value: float
    low: float
    high: float


def fit_exponents(errors, factors, blocks=None, confidence=0.95):
    """Fit ``error = c * x1^e1 * x2^e2 ...`` by least squares of the logarithms.

    Parameters
    ----------
    errors : (n,) array_like
        Greater than 0.
    factors : dict of (n,) array_like
        ``x1, x2, ...`` by name, greater than 0.
    blocks : (n,) array_like, optional
        Errors with the same value here have a ``c`` of their own, as those that were
        measured with the same input: what that input does to all of them is then not
        taken for scatter.
    confidence : float
        Of the intervals, by Student's t distribution: as if the logarithms of the
        errors scattered about the power law independently and normally, all alike.

    Returns
    -------
    exponents : dict of Exponent

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there are too few errors, or the factors do not vary independently.
    """
    y = np.log(errors)
    blocks = np.zeros(len(y)) if blocks is None else np.asarray(blocks)
    X = np.column_stack(
        [
            *(np.log(values) for values in factors.values()),
            *(blocks == block for block in np.unique(blocks)),
        ]
    )
    freedom = len(y) - X.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(X) < X.shape[1]:
        raise ArgumentError(
            "factors",
            f"of {len(y)} errors cannot tell {len(factors)} exponents; vary each "
            "factor by itself, with more seeds or values",
        )
    solution, *_ = np.linalg.lstsq(X, y, rcond=None)
    variance = np.sum((y - X @ solution) ** 2) / freedom
    deviation = np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X)))
    half = stats.t.ppf((1 + confidence) / 2, freedom) * deviation
    return {
        name: Exponent(float(value), float(value - width), float(value + width))
        for name, value, width in zip(factors, solution, half)
    }


def _point(x, results, predicted=None, floor=None):
    errors = [result["window"] for result in results]
    return {
        "x": x,
        "errors": errors,
        **sweep.mean_and_error(errors),
        "predicted": predicted,
        "floor": floor,
    }


def _describe(axis, settings, results):
    """Return the record of a series."""
    field = AXES[axis]
    x = [getattr(setting, field) for setting in settings]
    points = []
    for setting in settings:
        x_here = getattr(setting, field)
        point = _point(x_here, results[setting], predict(setting), floor(setting))
        for name in ("delay", "spikes_per_second", "tau"):
            values = [one[name] for one in results[setting]]
            # of neurons that do not spike, there are no spikes to report
            point[name] = None if None in values else float(np.mean(values))
        points.append(point)
    curve = None
    if points[0]["predicted"] is not None:
        along = x
        if axis != "m":
            along = np.geomspace(min(x), max(x), _CURVE_POINTS)
            if axis == "d":
                along = np.unique(np.round(along).astype(int))
            along = along.tolist()
        drawn = [replace(settings[0], **{field: value}) for value in along]
        curve = {
            "x": along,
            "window": [predict(one) for one in drawn],
            "floor": None if floor(drawn[0]) is None else [floor(one) for one in drawn],
        }
    return {
        "axis": axis,
        "neuron_type": settings[0].neuron_type,
        "recipe": settings[0].recipe,
        "error_feedback": settings[0].error_feedback,
        "points": points,
        "curve": curve,
    }


def _exponent(series):
    """Return the exponent of a series, None where there is none to fit."""
    axis, points = series["axis"], series["points"]
    n_seeds = len(points[0]["errors"])
    # one exponent and a factor for each seed must leave something to tell the scatter
    if axis not in FITTED or (len(points) - 1) * n_seeds < 2:
        return None
    found = fit_exponents(
        np.ravel([point["errors"] for point in points]),
        {axis: np.repeat([point["x"] for point in points], n_seeds)},
        blocks=np.tile(np.arange(n_seeds), len(points)),
    )[axis]
    theory = None
    if series["curve"] is not None:
        x, predicted = zip(*((point["x"], point["predicted"]) for point in points))
        theory = float(np.polyfit(np.log(x), np.log(predicted), 1)[0])
    return {
        "axis": axis,
        "neuron_type": series["neuron_type"],
        "recipe": series["recipe"],
        "error_feedback": series["error_feedback"],
        **asdict(found),
        "theory": theory,
    }
