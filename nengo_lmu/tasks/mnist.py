"""Permuted sequential MNIST: handwritten digits, one pixel at a time, shuffled.

One permutation of the pixels, the same for all digits, takes away what neighbouring
pixels have in common, so that all of the sequence has to be remembered (Le, Jaitly &
Hinton, 2015).
"""

import contextlib
import sys
import zipfile
from dataclasses import dataclass

import numpy as np

from nengo_lmu.compat import quietly
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.tasks.digits import Split

SIDE = 28
N_PIXELS = SIDE**2
N_CLASSES = 10

# The permutation has its own, apart from the split's: digits of any seed are one task.
PERMUTATION_SEED = 0

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Mnist:
    """The digits in three parts; the last is only for the final figures."""

    train: Split
    validation: Split
    test: Split


def pixel_order():
    """Return the order in which pixels are presented.

    Returns
    -------
    order : (784,) ndarray of int
        Indices into an image flattened row by row.

    Examples
    --------
    >>> pixel_order()[:3]
    array([693,  85, 647])
    """
    return np.random.RandomState(PERMUTATION_SEED).permutation(N_PIXELS)


def load_mnist(path=None, seed=0, n_validation=None):
    """Load MNIST as permuted sequences.

    Parameters
    ----------
    path : str or Path, optional
        An npz file with the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``
        of ``tf.keras.datasets.mnist``. Without it, Keras downloads them once.
    seed : int
        Of the split of the training digits, and of the order of the test digits, of
        which any first ones are a fair sample then.
    n_validation : int, optional
        How many of the training digits are for validation, by default a sixth.

    Returns
    -------
    mnist : Mnist
        50,000, 10,000 and 10,000 digits. Pixels, in the order of `pixel_order`, are
        single precision numbers from 0 (paper) to 1 (ink).

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If the file does not exist or does not hold the arrays, there are not more
        training digits than ``n_validation``, or nothing can be downloaded.
    OSError
        If the file cannot be read.
    ImportError
        If TensorFlow is needed and not installed.

    Examples
    --------
    >>> mnist = load_mnist("mnist.npz")  # doctest: +SKIP
    >>> len(mnist.train), len(mnist.validation), len(mnist.test)  # doctest: +SKIP
    (50000, 10000, 10000)
    """
    x, y, x_test, y_test = _download() if path is None else _read(path)
    n_validation = len(x) // 6 if n_validation is None else n_validation
    if not 0 < n_validation < len(x):
        raise ArgumentError(
            "n_validation",
            f"must be above 0 and below the {len(x)} digits for training, but "
            f"{n_validation} was given",
        )
    rng = np.random.RandomState(seed)
    validation, train = np.split(rng.permutation(len(x)), [n_validation])
    return Mnist(
        train=_sequences(x[train], y[train]),
        validation=_sequences(x[validation], y[validation]),
        test=_sequences(*_shuffled(x_test, y_test, rng)),
    )


def to_images(pixels):
    """Return pixels in the order of presentation as images.

    Parameters
    ----------
    pixels : (..., 784) array_like

    Returns
    -------
    images : (..., 28, 28) ndarray

    Examples
    --------
    >>> pixels = np.arange(784)
    >>> to_images(pixels).shape, bool((to_pixels(to_images(pixels)) == pixels).all())
    ((28, 28), True)
    """
    pixels = np.asarray(pixels)
    images = np.empty_like(pixels)
    images[..., pixel_order()] = pixels
    return images.reshape(*pixels.shape[:-1], SIDE, SIDE)


def to_pixels(images):
    """Return images as pixels in the order of presentation.

    Parameters
    ----------
    images : (..., 28, 28) array_like

    Returns
    -------
    pixels : (..., 784) ndarray

    Examples
    --------
    >>> to_pixels(np.zeros((5, 28, 28))).shape
    (5, 784)
    """
    images = np.asarray(images)
    return images.reshape(*images.shape[:-2], N_PIXELS)[..., pixel_order()]


def _sequences(images, labels):
    return Split(to_pixels(images.astype(np.float32) / 255), labels.astype(np.int64))


def _shuffled(images, labels, rng):
    order = rng.permutation(len(images))
    return images[order], labels[order]


def _read(path):
    remedy = (
        f"give an npz file with the arrays {', '.join(ARRAYS)} of "
        "tf.keras.datasets.mnist"
    )
    try:
        with np.load(path) as file:
            arrays = [file[name] for name in ARRAYS]
    except FileNotFoundError:
        raise ArgumentError("path", f"{str(path)!r} does not exist; {remedy}") from None
    except (ValueError, KeyError, zipfile.BadZipFile):
        raise ArgumentError("path", f"{str(path)!r} is not MNIST; {remedy}") from None
    for images, labels in (arrays[:2], arrays[2:]):
        if images.shape != (len(labels), SIDE, SIDE) or labels.ndim != 1:
            raise ArgumentError(
                "path",
                f"{str(path)!r} has images of shape {images.shape} and labels of shape "
                f"{labels.shape}; {remedy}",
            )
    return arrays


def _download():
    try:
        with quietly():
            import tensorflow as tf
    except ImportError:
        raise ImportError(
            "MNIST is downloaded by TensorFlow's Keras; install it with pip install "
            "'nengo-lmu[dl]', or give a file with the digits"
        ) from None
    try:
        # Keras reports progress on stdout, where a record may be wanted.
        with contextlib.redirect_stdout(sys.stderr):
            train, test = tf.keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare one
        raise ArgumentError(
            "path",
            f"no file was given, and MNIST could not be downloaded ({error}); give an "
            f"npz file with the arrays {', '.join(ARRAYS)}",
        ) from None
    return (*train, *test)
