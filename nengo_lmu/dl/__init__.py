"""NengoDL for this package: training, and what makes it fast.

NengoDL 3.6.0 runs on today's TensorFlow through `nengo_lmu.compat`, which a finder
puts around the first ``import nengo_dl`` anywhere (see ``_nengo_lmu_hook``).  Import it
as always. Simulators of networks with a memory are fast by themselves; `explain` says
how one is evaluated, `fit` trains with checkpoints, and a `FeedForwardTwin` is trained
in place of a network through which a signal only goes forwards.
"""

import sys

from nengo_lmu import compat

try:
    import nengo_dl
except ModuleNotFoundError as error:
    if error.name not in ("nengo_dl", "tensorflow"):
        raise
    remedy = (
        "pip install 'nengo-lmu[dl]' (README.rst has the extra step for NengoDL on "
        "Python 3.12 and newer)"
    )
    if sys.version_info >= (3, 14):
        remedy = (
            "the TensorFlow that it runs on, 2.16 to 2.21, has no wheel for Python "
            "3.14 or newer; use Python 3.10 to 3.13"
        )
    raise ImportError(
        f"nengo_lmu.dl needs {error.name}: {remedy}", name=error.name
    ) from error

if not compat.is_for_tensorflow():
    raise ImportError(
        f"nengo_lmu.dl needs NengoDL 3.6, which is written with TensorFlow, but "
        f"{nengo_dl.__file__} is another package of that name; install nengo-dl==3.6.0 "
        "in an environment without it",
        name="nengo_dl",
    )

# NengoDL is there, so that what needs it can be imported.
from nengo_lmu.compat import set_random_seed  # noqa: E402
from nengo_lmu.dl import fast  # noqa: E402
from nengo_lmu.dl.fast import explain  # noqa: E402
from nengo_lmu.dl.feedforward import FeedForwardTwin  # noqa: E402
from nengo_lmu.dl.lstm import LSTMProcess, UnrolledLSTM  # noqa: E402
from nengo_lmu.dl.noise import Dropout, SpikeNoise, StateNoise  # noqa: E402
from nengo_lmu.dl.training import fit  # noqa: E402
from nengo_lmu.dl.unrolled import UnrolledLMU, UnrolledReadout, unroll  # noqa: E402

__all__ = [
    "Dropout",
    "FeedForwardTwin",
    "LSTMProcess",
    "SpikeNoise",
    "StateNoise",
    "UnrolledLMU",
    "UnrolledLSTM",
    "UnrolledReadout",
    "explain",
    "fast",
    "fit",
    "set_random_seed",
    "unroll",
]
