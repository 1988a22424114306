"""Digits for training, another one each time."""

import numpy as np

from nengo_lmu.tasks.mnist import SIDE, to_images, to_pixels

# Distortions are at most so large (pixels, radians, and fractions).
SHIFT, ROTATION, STRETCH, SHEAR = 1.5, 0.15, 0.12, 0.15


def distorted(pixels, rng, size=1.0):
    """Return digits a little shifted, turned, stretched and slanted, each otherwise.

    Parameters
    ----------
    pixels : (n, 784) array_like
        In the order in which they are presented.
    rng : numpy.random.RandomState
    size : float
        Of the distortions, relative to the largest.

    Returns
    -------
    pixels : (n, 784) ndarray
        What is shifted in from outside is 0.
    """
    import tensorflow as tf

    n = len(pixels)

    def spread(largest, *shape):
        return size * rng.uniform(-largest, largest, size=(*shape, n))

    angle, shear, (x, y) = spread(ROTATION), spread(SHEAR), np.exp(spread(STRETCH, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    A = np.array(
        [[x * (cos + shear * sin), y * sin], [x * (shear * cos - sin), y * cos]]
    ).transpose(2, 0, 1)
    middle = np.full(2, (SIDE - 1) / 2)
    origin = middle - A @ middle + spread(SHIFT, 2).T
    # They say where each pixel comes from, and are the first two rows of a projective
    # map, whose third, (0, 0, 1), is implied.
    rows = np.concatenate([A, origin[..., np.newaxis]], axis=2).reshape(n, 6)
    images = tf.raw_ops.ImageProjectiveTransformV3(
        images=to_images(pixels)[..., np.newaxis].astype(np.float32),
        transforms=np.hstack([rows, np.zeros((n, 2))]).astype(np.float32),
        output_shape=(SIDE, SIDE),
        fill_value=0.0,
        interpolation="BILINEAR",
    )
    return to_pixels(images.numpy()[..., 0])
