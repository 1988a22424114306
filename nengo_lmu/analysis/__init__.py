"""A library to measure memories with: their errors, what they cost, and what is known.

What is measured of one memory is a `Setting`; `measure` runs it, `predict` has what the
noise theory says of it, and `sweep.run` does many of them on all cores, with records
from which an interrupted sweep continues. Modules are loaded when they are used.
"""

from nengo_lmu.utils.lazy import face

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

__all__, __getattr__ = face(__name__, _HOMES, _MODULES)


def __dir__():
    return __all__
