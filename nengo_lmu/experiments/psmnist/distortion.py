"""Digits for training, another one each time.

Each is shifted, turned, stretched and slanted a little, and bent as if it were drawn on
rubber [1]_: every place is moved by noise that is smoothed, so that neighbours move
together. All of it is one interpolation, at places that some digits share.

References
----------
.. [1] Simard, P. Y., Steinkraus, D., & Platt, J. C. (2003). Best practices for
   convolutional neural networks applied to visual document analysis. ICDAR.
"""

import numpy as np

from nengo_lmu.tasks.mnist import SIDE, pixel_order

# Distortions are at most so large (pixels, radians, and fractions).
SHIFT, ROTATION, STRETCH, SHEAR = 1.0, 0.1, 0.08, 0.1

# Places are moved by so much besides (standard deviation, in pixels), alike within
# about this distance (pixels).
ELASTIC, REACH = 0.7, 4.0

# So many digits share a distortion, with others in each epoch: that is several times
# faster than one of their own.
_TOGETHER = 25

# Images have an edge of paper, where all is found that comes from outside.
_WIDTH = SIDE + 2


def distorted(pixels, rng, elastic=None):
    """Return digits a little distorted, each otherwise.

    Parameters
    ----------
    pixels : (n, 784) array_like
        In the order in which they are presented.
    rng : numpy.random.RandomState
    elastic : float, optional
        By how much places are moved besides, by default `ELASTIC`.

    Returns
    -------
    pixels : (n, 784) ndarray
        What comes in from outside is 0.
    """
    pixels = np.asarray(pixels, dtype=np.float32)
    result = np.empty_like(pixels)
    groups = np.array_split(rng.permutation(len(pixels)), -(-len(pixels) // _TOGETHER))
    x, y = _origins(len(groups), rng, ELASTIC if elastic is None else elastic)
    column, row = (np.minimum(place.astype(np.intp), _WIDTH - 2) for place in (x, y))
    order = pixel_order()
    own = (order // SIDE + 1) * _WIDTH + order % SIDE + 1
    for digits, place, right, down in zip(
        groups,
        row * _WIDTH + column,
        (x - column)[..., np.newaxis],
        (y - row)[..., np.newaxis],
    ):
        paper = np.zeros((_WIDTH**2, len(digits)), np.float32)
        paper[own] = pixels[digits].T
        above, below = (
            paper[at] + right * (paper[at + 1] - paper[at])
            for at in (place, place + _WIDTH)
        )
        result[digits] = (above + down * (below - above)).T
    return result


def _origins(n, rng, elastic):
    """Return where on the paper pixels come from, in the order of presentation.

    Returns
    -------
    x, y : (n, 784) ndarray
        Columns and rows, for each distortion.
    """

    def spread(largest, *shape):
        return rng.uniform(-largest, largest, size=(*shape, n, 1, 1))

    angle, shear, (wide, high) = spread(ROTATION), spread(SHEAR), spread(STRETCH, 2)
    wide, high, cos, sin = np.exp(wide), np.exp(high), np.cos(angle), np.sin(angle)
    across = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = across, across[:, np.newaxis]
    right, down = spread(SHIFT, 2)
    origins = (
        wide * (cos + shear * sin) * x + wide * sin * y + right,
        high * (shear * cos - sin) * x + high * cos * y + down,
    )
    apart = (across - y) / REACH
    smooth = np.exp(-(apart**2) / 2)
    # Noise of a standard deviation of 1 has one in both directions.
    smooth /= np.linalg.norm(smooth, axis=1, keepdims=True)
    bent = (
        origin + elastic * smooth @ rng.standard_normal((n, SIDE, SIDE)) @ smooth.T
        for origin in origins
    )
    return tuple(
        np.clip(place + (_WIDTH - 1) / 2, 0, _WIDTH - 1)
        .astype(np.float32)
        .reshape(n, -1)[:, pixel_order()]
        for place in bent
    )
