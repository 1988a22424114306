"""Legendre Memory Units in Poisson neurons, for Nengo, NengoDL and NengoLoihi."""

from _nengo_lmu_hook import install as _install
from _nengo_lmu_hook import uninstall
from nengo_lmu import startup

startup.begin()

from nengo_lmu import legendre  # noqa: E402
from nengo_lmu.networks import (  # noqa: E402
    LMU,
    LegendreMemory,
    load_weights,
    save_weights,
)
from nengo_lmu.utils.lazy import face  # noqa: E402
from nengo_lmu.version import version as __version__  # noqa: E402

__all__ = [
    "LMU",
    "LegendreMemory",
    "__version__",
    "legendre",
    "load_weights",
    "save_weights",
    "uninstall",
]

# These are imported when they are first used, since they load TensorFlow, NengoLoihi,
# NIR, Matplotlib or scikit-learn.
_LATE, __getattr__ = face(
    __name__, {}, ("analysis", "dl", "loihi", "nir", "plots", "series", "tasks")
)


def __dir__():
    return sorted([*__all__, *_LATE])


# Mends NengoDL and NengoLoihi, and tells them about us, when they are imported: before
# or later. Neither is imported here.
_install()
