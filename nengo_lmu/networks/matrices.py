"""What connections multiply by, as arrays."""

import nengo
import numpy as np

# Transforms that are a matrix, one number for all dimensions, or nothing at all.
DENSE = (nengo.Dense, nengo.transforms.NoTransform)


def matrix_of(connection):
    """Return the matrix of a connection with one of the transforms `DENSE`.

    Parameters
    ----------
    connection : nengo.Connection
        Its weights may be an array, or one number for all dimensions or one for each,
        as Nengo allows.

    Returns
    -------
    matrix : (size_out, size_mid) ndarray
    """
    array = np.asarray(getattr(connection.transform, "init", 1.0), dtype=float)
    if array.ndim < 2:
        array = array * np.eye(connection.size_out, connection.size_mid)
    return array
