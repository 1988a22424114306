"""NengoDL for this package: training and what it needs.

NengoDL 3.6.0 runs on today's TensorFlow through `nengo_lmu.dl.compat`, which a finder
puts around the first ``import nengo_dl`` anywhere (see ``_nengo_lmu_hook``).  Import it
as always.
"""

from nengo_lmu.dl import compat

try:
    import nengo_dl
except ModuleNotFoundError as error:
    if error.name not in ("nengo_dl", "tensorflow"):
        raise
    raise ImportError(
        f"nengo_lmu.dl needs {error.name}: pip install 'nengo-lmu[dl]' (README.rst has "
        "the extra step for NengoDL on Python 3.12 and newer)",
        name=error.name,
    ) from error

__all__ = ["compat", "nengo_dl"]
