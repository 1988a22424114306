"""Fixed points of maps that are known by what they make of a vector."""

import numpy as np

# So many steps back are combined; more of them do not help.
_DEPTH = 4

# Zeros have logarithms too.
_TINY = np.finfo(float).tiny


def fixed_point(g, x, tolerance, most):
    """Return a vector that a map hardly changes, by Anderson's acceleration.

    Each step takes the combination of the last few for which ``g(x) - x`` would be
    least if ``g`` were linear ([1]_), instead of ``g(x)`` itself. That is done with
    logarithms, of which powers are linear functions.

    Parameters
    ----------
    g : callable
        From a vector of numbers that are at least 0 to another.
    x : (n,) ndarray
        Where to start.
    tolerance : float
        Of ``g(x) - x``, relative to ``g(x)``, in each element.
    most : int
        Steps at most.

    Returns
    -------
    x : (n,) ndarray
        The last ``g(x)``. Where numbers overflow, they do so in it too.

    References
    ----------
    .. [1] Walker, H. F., & Ni, P. (2011). Anderson acceleration for fixed-point
       iterations. SIAM Journal on Numerical Analysis 49(4).

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.legendre.fixed_point import fixed_point
    >>> fixed_point(lambda x: 1 + np.sqrt(x), np.zeros(1), 1e-9, most=20).round(6)
    array([2.618034])
    """
    images, residuals = [], []
    for _ in range(most):
        image = g(x)
        if np.all(np.abs(image - x) <= tolerance * np.abs(image)):
            break
        if not np.all(np.isfinite(image)):
            break
        images = [*images, np.log(image + _TINY)][-_DEPTH - 1 :]
        residuals = [*residuals, images[-1] - np.log(x + _TINY)][-_DEPTH - 1 :]
        changes = np.diff(residuals, axis=0)
        weights = np.linalg.lstsq(changes.T, residuals[-1], rcond=None)[0]
        x = np.exp(images[-1] - weights @ np.diff(images, axis=0))
    return image
