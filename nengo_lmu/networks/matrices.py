"""What connections multiply by, as arrays."""

import numpy as np


def matrix_of(connection):
    """Return the matrix of a connection with a dense transform.

    Parameters
    ----------
    connection : nengo.Connection
        Its transform is an array, or one number for all dimensions or one for each, as
        Nengo allows.

    Returns
    -------
    matrix : (size_out, size_mid) ndarray
    """
    array = np.asarray(connection.transform.init, dtype=float)
    if array.ndim < 2:
        array = array * np.eye(connection.size_out, connection.size_mid)
    return array
