"""Several values in a few numbers."""

import numpy as np


def mean_and_error(values):
    """Return the mean of some values, and its standard error.

    Parameters
    ----------
    values : list of float

    Returns
    -------
    summary : dict
        ``mean`` and ``standard_error``, which is None for a single value.

    Examples
    --------
    >>> mean_and_error([1.0, 2.0, 3.0, 6.0])["mean"]
    3.0
    """
    n = len(values)
    return {
        "mean": float(np.mean(values)),
        "standard_error": float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else None,
    }


def quartiles(values):
    """Return the median of some values, and the quartiles as ``low`` and ``high``.

    Examples
    --------
    >>> quartiles([1, 2, 3, 4, 5])
    {'median': 3.0, 'low': 2.0, 'high': 4.0}
    """
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}
