"""Tasks of the field: arrays in, arrays out, the same for the same seed."""

from nengo_lmu.tasks import capacity, digits, mackey_glass, mnist, series
from nengo_lmu.tasks.digits import load_digits
from nengo_lmu.tasks.mnist import load_mnist

__all__ = [
    "capacity",
    "digits",
    "load_digits",
    "load_mnist",
    "mackey_glass",
    "mnist",
    "series",
]
