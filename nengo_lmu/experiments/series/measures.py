"""What is measured of real series: by each network, and by what is beside it."""

import time
from dataclasses import asdict, dataclass

import numpy as np

from nengo_lmu.experiments.series import baselines
from nengo_lmu.series import (
    classify,
    detect,
    evaluate_classes,
    evaluate_forecast,
    forecast,
    nrmse,
)
from nengo_lmu.tasks import series


@dataclass(frozen=True)
class Setting:
    """A network that is trained on a real series, and measured.

    Attributes
    ----------
    series : str
        Of `MEASURES`.
    simulators : tuple of str
        Of `nengo_lmu.series.SIMULATORS`.
    memory : tuple of int or None
        Its window (samples) and order, where they have been chosen.
    quick : bool
        Whether a short training and a few test data do.
    seed : int
        Of the folds, the weights and the spikes.
    """

    series: str
    simulators: tuple
    memory: tuple | None = None
    quick: bool = False
    seed: int = 0


def measure(setting):
    """Train a network, and measure it once in each simulator.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``network`` (its settings), ``reasons``, ``training_seconds`` and ``results``,
        by simulator: ``value`` and what else there is to say.
    """
    return MEASURES[setting.series](setting)


def chosen_memory(result):
    """Return what validation has chosen, for networks of other seeds."""
    return tuple(result["memory"])


def _options(setting, options, quick):
    """Return the arguments of a training."""
    options = options | quick if setting.quick else options
    if setting.memory is not None:
        options = options | dict(zip(("theta", "d"), setting.memory))
    return options | {"seed": setting.seed}


def _result(model, spent, results, **more):
    memory = model.choice.value
    return {
        "memory": [memory.theta, memory.d],
        "network": asdict(model.settings),
        "neurons": model.network.n_neurons,
        "reasons": list(model.choice.reasons),
        "training_seconds": spent,
        "results": results,
        **more,
    }


# --- classes

# arguments of `classify`, by series; d is chosen by validation
CLASSIFIERS = {
    "speakers": {"read": "last", "sample_time": 0.02},
    "motions": {"read": "every", "d": (3, 6), "sample_time": 0.01},
}

LABELLED = {"speakers": series.japanese_vowels, "motions": series.basic_motions}


def _classes(setting):
    data = LABELLED[setting.series]()
    quick = {"d": 3, "folds": 2, "epochs": 3, "theta": 12}
    options = _options(setting, CLASSIFIERS[setting.series], quick)
    every = 20 if setting.quick else 1
    x_test, labels_test = data.x_test[::every], data.labels_test[::every]
    started = time.perf_counter()
    model = classify(data.x, data.labels, **options)
    spent = time.perf_counter() - started
    results = {}
    for simulator in setting.simulators:
        result = evaluate_classes(model, x_test, labels_test, simulator)
        results[simulator] = {
            "value": result.accuracy,
            "guesses": result.guesses.tolist(),
            **result.outcome.cost,
        }
    return _result(
        model, spent, results, classes=model.classes.tolist(), test=len(x_test)
    )


# --- forecasts

# Arguments of `forecast`, of which validation chooses among the lists. The square root
# is better for each of the memories for sunspots.
FORECASTS = {
    "sunspots": {
        "theta": (8, 10, 13, 16),
        "d": (5, 6, 8),
        "transform": "sqrt",
        "sample_time": 0.1,
    },
    "ecg": {"transform": "none", "sample_time": 0.008},
}


def forecast_data(name):
    """Return a series, when its samples are, and how many are to train with."""
    if name == "sunspots":
        years, x = series.sunspots()
        return x, years, series.SUNSPOT_YEARS
    data = series.electrocardiogram()
    return data.x, 3 * np.arange(len(data.x)) / series.ECG_RATE, data.n_train


def _forecasts(setting):
    x, _, n_train = forecast_data(setting.series)
    quick = {"theta": 8, "d": 6, "sample_time": 0.01}
    options = _options(setting, FORECASTS[setting.series], quick)
    started = time.perf_counter()
    model = forecast(x[:n_train], **options)
    spent = time.perf_counter() - started
    x = x[: n_train + 100] if setting.quick else x
    results = {}
    for simulator in setting.simulators:
        result = evaluate_forecast(model, x, n_train, simulator)
        results[simulator] = {
            "value": result.nrmse,
            "predicted": result.predicted[:, 0].tolist(),
            **result.outcome.cost,
        }
    return _result(model, spent, results)


def forecast_baselines(name):
    """Return the errors of autoregression, and of the sample before."""
    x, _, n = forecast_data(name)
    predicted = {"the sample before": np.concatenate([[np.nan], x[:-1]])}
    order = 9 if name == "sunspots" else baselines.best_order(x, n)
    predicted[f"AR({order})"] = baselines.autoregression(x, order, n)
    if name == "sunspots":
        root = baselines.autoregression(np.sqrt(x), order, n)
        predicted[f"AR({order}) of the square root"] = root**2
    return [
        {"name": name, "values": [nrmse(values[n:], x[n:])]}
        for name, values in predicted.items()
    ]


# --- anomalies

# arguments of `detect`, and how far from the anomaly a score still tells of it
# (samples)
DETECTORS = {"pressure": ({"sample_time": 0.01}, 100)}

WATCHED = {"pressure": series.internal_bleeding}


def _anomalies(setting):
    data = WATCHED[setting.series]()
    options, tolerance = DETECTORS[setting.series]
    quick = {"theta": 20, "d": 4, "folds": 2}
    options = _options(setting, options, quick)
    x = data.x[: data.n_train + 100] if setting.quick else data.x
    started = time.perf_counter()
    model = detect(data.x[: data.n_train], **options)
    spent = time.perf_counter() - started
    results = {}
    for simulator in setting.simulators:
        outcome = model.run(x[:, np.newaxis], simulator)
        scores = outcome.outputs[:, 0]
        results[simulator] = {
            **detection(scores, data, tolerance),
            "scores": np.round(scores, 4).tolist(),
            **outcome.cost,
        }
    return _result(model, spent, results)


def detection(scores, data, tolerance):
    """Return how well scores of all samples tell the anomaly among the test data.

    Parameters
    ----------
    scores : (steps,) ndarray
    data : nengo_lmu.tasks.series.Watched
        Of which ``scores`` may be of the first samples.
    tolerance : int
        How far from the anomaly a score still tells of it (samples).

    Returns
    -------
    result : dict
        ``value``, the largest score near the anomaly over the largest one elsewhere:
        above 1 the largest score of all is that of the anomaly, as the archive counts;
        ``area``, under the receiver operating characteristic; ``alarms``, how often the
        score rises elsewhere above the ``threshold``, the largest of the training data
        in the same simulator; and whether it does for the ``anomaly``.
    """
    n = data.n_train
    threshold = float(np.max(scores[:n]))
    anomaly = np.convolve(data.anomaly, np.ones(2 * tolerance + 1), "same") > 0
    test, near = scores[n:], anomaly[n : len(scores)]
    if not np.any(near):  # of a quick run
        return dict.fromkeys(("value", "area", "alarms", "anomaly"))
    above = test > threshold
    rises = above & ~np.concatenate([[False], above[:-1]])
    # the chance that a sample of the anomaly has a larger score than another
    marked = data.anomaly[n : len(scores)]
    order = np.empty(len(test))
    order[np.argsort(test, kind="stable")] = np.arange(1, len(test) + 1)
    n_marked = marked.sum()
    area = (order[marked].sum() - n_marked * (n_marked + 1) / 2) / (
        n_marked * (len(test) - n_marked)
    )
    return {
        "value": float(test[near].max() / test[~near].max()),
        "area": float(area),
        "alarms": int(np.sum(rises & ~near)),
        "anomaly": bool(np.any(above & near)),
        "threshold": threshold,
    }


def anomaly_baselines(name, smoothing):
    """Return how well errors of simple forecasts tell the anomaly.

    Parameters
    ----------
    name : str
        Of `WATCHED`.
    smoothing : float
        Time constant of the scores' filter (samples), as the network has it.

    Returns
    -------
    rows : list of dict
    """
    data, (_, tolerance) = WATCHED[name](), DETECTORS[name]
    order = baselines.best_order(data.x, data.n_train)
    width = baselines.best_width(data.x, data.n_train)
    predicted = {
        f"moving average of {width}": baselines.moving_average(data.x, width),
        f"AR({order})": baselines.autoregression(data.x, order, data.n_train),
    }
    rows = []
    for name, values in predicted.items():
        error = np.abs(np.nan_to_num(data.x - values))
        decay, scores, last = np.exp(-1 / smoothing), np.empty(len(error)), 0.0
        for i, one in enumerate(error):
            scores[i] = last = decay * last + (1 - decay) * one
        result = detection(scores, data, tolerance)
        rows.append({"name": name, "values": [result["value"]], **result})
    return rows


MEASURES = {
    "speakers": _classes,
    "motions": _classes,
    "sunspots": _forecasts,
    "ecg": _forecasts,
    "pressure": _anomalies,
}
