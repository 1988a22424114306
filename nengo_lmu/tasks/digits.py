"""Handwritten digits, one pixel at a time."""

from dataclasses import dataclass

import numpy as np

SIDE = 8
N_PIXELS = SIDE**2
N_CLASSES = 10

# Pixels lie in [0, 1]; taking off their mean leaves less for neurons to represent.
MEAN_PIXEL = 0.3


@dataclass(frozen=True)
class Split:
    """Some of the digits.

    Attributes
    ----------
    pixels : (n_digits, n_pixels) ndarray
        In the order in which they are presented.
    labels : (n_digits,) ndarray of int
    """

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True)
class Digits:
    """The digits in three parts; the last is only for the final figures."""

    train: Split
    validation: Split
    test: Split


def scan_order():
    """Return the order of the pixels: row by row, every other row backwards.

    The path of a pen that is never lifted: without jumps from the end of one row to the
    start of the next, the signal holds lower frequencies, so a memory of lower order
    keeps as much of it.

    Returns
    -------
    order : (64,) ndarray of int
        Indices into an image flattened row by row.

    Examples
    --------
    >>> scan_order()[:16]
    array([ 0,  1,  2,  3,  4,  5,  6,  7, 15, 14, 13, 12, 11, 10,  9,  8])
    """
    order = np.arange(N_PIXELS).reshape(SIDE, SIDE)
    order[1::2] = order[1::2, ::-1]
    return order.ravel()


def load_digits(seed=0):
    """Load the 1,797 digits of 8 x 8 pixels that come with scikit-learn.

    They are the test set of the Optical Recognition of Handwritten Digits data
    (Alpaydin & Kaynak, 1998; UCI Machine Learning Repository).

    Parameters
    ----------
    seed : int
        Of the split: 60 % train, 10 % validation, 30 % test.

    Returns
    -------
    digits : Digits
        64 pixels each, from -0.3 (paper) to 0.7 (ink).

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Examples
    --------
    >>> digits = load_digits()
    >>> len(digits.train), len(digits.validation), len(digits.test)
    (1078, 179, 540)
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError(
            "the digits come with scikit-learn; install it with "
            "pip install 'nengo-lmu[demo]'"
        ) from None
    pixels, labels = datasets.load_digits(return_X_y=True)
    pixels = pixels[:, scan_order()] / 16 - MEAN_PIXEL
    order = np.random.RandomState(seed).permutation(len(labels))
    bounds = (np.array([0.6, 0.7]) * len(labels)).astype(int)
    return Digits(
        *[Split(pixels[part], labels[part]) for part in np.split(order, bounds)]
    )


def to_image(pixels):
    """Return pixels in scan order as images.

    Parameters
    ----------
    pixels : (..., 64) array_like

    Returns
    -------
    images : (..., 8, 8) ndarray

    Examples
    --------
    >>> to_image(np.arange(64))[1]
    array([15, 14, 13, 12, 11, 10,  9,  8])
    """
    pixels = np.asarray(pixels)
    image = np.empty_like(pixels)
    image[..., scan_order()] = pixels
    return image.reshape(*pixels.shape[:-1], SIDE, SIDE)


def stream_states(pixels, before, theta, d, steps_per_pixel, dt, delay=0):
    """Return the ideal states of the memory at the end of digits in a stream.

    Parameters
    ----------
    pixels : (n, 64) array_like
        Digits.
    before : (n, 64) array_like
        The digits that preceded each; zeros where nothing did.
    theta, d, dt
        Of the memory.
    steps_per_pixel : int
        How long each pixel is presented (time steps).
    delay : int
        Steps before the end at which to take the state.

    Returns
    -------
    m : (n, d) ndarray

    Examples
    --------
    >>> pixels = load_digits().test.pixels[:5]
    >>> stream_states(pixels, np.zeros((5, 64)), 0.064, 12, 1, dt=0.001).shape
    (5, 12)
    """
    from nengo_lmu.legendre import impulse_response

    n_steps = 2 * N_PIXELS * steps_per_pixel - delay
    response = impulse_response(n_steps, theta, d, dt=dt)
    u = np.repeat(np.hstack([before, pixels]), steps_per_pixel, axis=1)[:, :n_steps]
    return u @ response[::-1]
