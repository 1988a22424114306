"""From somebody's series to a spiking network: classes, forecasts, anomalies.

`classify`, `forecast` and `detect` take arrays and return a `SeriesNetwork`, which runs
in any simulator; `save` writes it to a file and `load` reads it. All that they do is
public: `sequences` and `pad` for arrays, `Scaling`, `choose_window` for theta and d,
`train` for hidden units; readouts are `nengo_lmu.legendre.regression.fit_with_noise`'s.
Modules are loaded when they are used.
"""

from nengo_lmu.utils.lazy import face

# Each name of this package is in one of these modules.
_HOMES = {
    "choice": ("Choice", "best", "folds_of_groups", "folds_of_time"),
    "classification": ("Classification", "classify", "evaluate_classes"),
    "data": ("Stream", "labels_of", "one_series", "pad", "sequences", "stream"),
    "errors": ("ForecastError", "nrmse"),
    "files": ("Part", "read"),
    "forecasting": ("Forecast", "detect", "evaluate_forecast", "forecast"),
    "network": ("SIMULATORS", "Outcome", "SeriesNetwork", "Settings"),
    "scaling": ("Scaling",),
    "states": ("correlated_noise", "hidden_activity", "ideal_states"),
    "store": ("load", "save"),
    "training": ("train",),
    "window": ("Window", "bandwidth", "choose_window", "zero_of_autocorrelation"),
}

__all__, __getattr__ = face(__name__, _HOMES)


def __dir__():
    return __all__
