"""Measurements for sweeps: workers import functions by the name of this module."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from nengo_lmu.analysis import sweep

# a few of those that joblib sets
OF_OTHERS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class Setting:
    x: float
    name: str = "a / b"
    pair: tuple = (1, 2)
    nothing: float = None


def square(setting):
    if setting.x == 13:
        raise RuntimeError("thirteen is\nunlucky")
    return {"square": setting.x**2}


def die(setting):
    if setting.x == 2:
        os._exit(1)
    return {"square": setting.x**2}


def settings_of_threads(setting):
    names = (*sweep.TENSORFLOW_THREADS, *OF_OTHERS)
    return {name: os.environ.get(name) for name in names}


def threads_of_tensorflow(setting):
    """How many threads compute, as Linux names them."""
    import tensorflow as tf

    x = tf.ones((1000, 1000))
    (x @ x).numpy()
    names = [path.read_text().strip() for path in TASKS.glob("*/comm")]
    return {"threads": names.count("tf_Compute")}


_KEPT = []


@dataclass(frozen=True)
class Hoard:
    """So many megabytes."""

    megabytes: int
    seed: int


def hoard(setting):
    """Keep some memory, as TensorFlow keeps its graphs."""
    _KEPT.append(b"x" * (setting.megabytes * 2**20))
    time.sleep(1.1)  # joblib looks once a second
    return {"kept": len(_KEPT)}
