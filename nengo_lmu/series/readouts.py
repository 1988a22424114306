"""Linear readouts of a noisy memory."""

import numpy as np


def ridge(m, y, covariance):
    """Return the readout that is best for states with noise of a known covariance.

    The noise is not drawn: what it adds to the mean square error of a readout ``w`` is
    ``w covariance w``, so that it takes the place of ridge regression's penalty.

    Parameters
    ----------
    m : (n, size) ndarray
        Ideal states.
    y : (n, k) ndarray
        What to read.
    covariance : (size, size) ndarray
        Of the noise of states.

    Returns
    -------
    weights : (k, size) ndarray
    bias : (k,) ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.series import ridge
    >>> m = np.array([[-1.0], [1.0]])
    >>> weights, bias = ridge(m, 2 * m + 1, covariance=np.eye(1))
    >>> weights.item(), bias.item()
    (1.0, 1.0)
    """
    means = m.mean(axis=0), y.mean(axis=0)
    m, y = m - means[0], y - means[1]
    gram = m.T @ m / len(m) + covariance
    # what does not vary, as a constant feature, leaves the Gram matrix singular
    weights = np.linalg.lstsq(gram, m.T @ y / len(m), rcond=1e-12)[0].T
    return weights, means[1] - weights @ means[0]
