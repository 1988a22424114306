"""A library to measure memories with: their errors, what they cost, and what is known.

What is measured of one memory is a `Setting`; `measure` runs it, `predict` has what the
noise theory says of it, and `sweep.run` does many of them on all cores, with records
from which an interrupted sweep continues. Modules are loaded when they are used.
"""

import importlib

# Each name of this package is in one of these modules.
_HOMES = {
    "memory": ("Setting", "measure", "window_errors", "windows_for"),
    "simulators": ("NEURON_TYPES", "SIMULATORS", "make_simulator"),
    "stimuli": ("STIMULI", "white_noise"),
    "published": ("example_memory", "notebook_memory", "usual_memory"),
    "theory": ("Exponent", "fit_exponents", "floor", "predict"),
    "activity": ("Activity", "measure_activity"),
    "summary": ("mean_and_error", "quartiles"),
    "errors": ("MeasurementError",),
}
_MODULES = ("plan", "records", "style", "sweep", "timing")

__all__ = sorted([*_MODULES, *(name for names in _HOMES.values() for name in names)])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
