"""Rounding weights so that they are right for populations, where none of them is.

The chip's weights have few bits. What counts in a memory is not what one neuron does to
another, but what a population does to a neuron, and what a neuron does to a population.
So neurons of a population have rows of weights that are rounded in different ways, and
what rounding takes from one neuron the next gets. Errors of single weights, of half a
step, come down to that over the number of neurons that have a say.
"""

import numpy as np


def round_rows(exact, indices, n_axons):
    """Round so that sums come out right.

    Parameters
    ----------
    exact : list of (1, n) ndarray
        In steps of the weights.
    indices : list of (1, n) ndarray of int
        The neurons that they lead to. Rows that are equal are versions of each other.
    n_axons : (n_rows,) ndarray of int
        That use each row.

    Returns
    -------
    rounded : list of (1, n) ndarray
        The mean over all axons with versions of a row is next to the row, for each
        neuron, and nearer still for the sum of any run of neurons. All versions do the
        same to a run of neurons, as far as there is a choice. Rows that cancel each
        other, as those of on and off neurons, still do so.
    """
    versions = {}
    for i in sorted(range(len(exact)), key=lambda i: -n_axons[i]):
        key = (indices[i].tobytes(), (exact[i] + 0.0).tobytes())
        versions.setdefault(key, []).append(i)
    for rows in versions.values():
        _spread(rows, n_axons)
    same_size, opposite = {}, []
    for (neurons, _), rows in versions.items():
        others = versions.get((neurons, (0.0 - exact[rows[0]]).tobytes()))
        if (
            others
            and others[0] < rows[0]
            and np.array_equal(n_axons[others], n_axons[rows])
        ):
            opposite.append((others, rows))
        else:
            key = (exact[rows[0]].size, len(rows))
            same_size.setdefault(key, []).append(rows)

    rounded = [None] * len(exact)
    for classes in same_size.values():
        first = np.stack([exact[rows[0]][0] for rows in classes])
        whole = round_versions(first, n_axons[np.array(classes)])
        for rows, of_class in zip(classes, whole):
            for i, row in zip(rows, of_class):
                rounded[i] = row[np.newaxis]
    for others, rows in opposite:
        for i, j in zip(others, rows):
            rounded[j] = -rounded[i]
    return rounded


def _spread(rows, n_axons):
    """Put versions of a row in an order in which those next to each other are not.

    Of versions with as many axons, those that are rounded up for a neuron come next to
    each other. Staggered neurons are in the order in which they begin, and the sum over
    those that have begun is to be right: so the order is that of multiples of the
    golden ratio, any run of which is spread evenly.
    """
    place = np.arange(1, len(rows) + 1) * (np.sqrt(5) - 1) / 2 % 1
    order = np.lexsort([place, -n_axons[rows]])
    rows[:] = [rows[k] for k in order]


def round_versions(exact, n_axons):
    """Round rows that all have as many versions, one neuron after the other.

    Parameters
    ----------
    exact : (n_rows, n) ndarray
    n_axons : (n_rows, n_versions) ndarray of int
        The largest first.

    Returns
    -------
    rounded : (n_rows, n_versions, n) ndarray
    """
    n_rows, n_versions = n_axons.shape
    total = n_axons.sum(axis=1)
    least = n_axons[:, -1]
    # This version may leave so much to those after it.
    left = total[:, np.newaxis] - np.cumsum(n_axons, axis=1) + least[:, np.newaxis]
    rounded = np.empty((n_rows, n_versions, exact.shape[1]))
    over = np.zeros(n_rows)  # the neurons before have had so much too little
    owed = np.zeros((n_rows, n_versions))  # each version has had so much too little
    for i, weight in enumerate(exact.T):
        target = total * weight + over
        base = np.floor(target / total)
        # So many of the axons have to have one more.
        rest = target - total * base
        share = rest / total
        rest += least / 2
        for k in range(n_versions):
            can = rest >= n_axons[:, k]
            must = rest > left[:, k]
            owed[:, k] += share
            up = can & (must | (owed[:, k] >= 0.5))
            owed[:, k] -= up
            rest -= np.where(up, n_axons[:, k], 0)
            rounded[:, k, i] = base + up
        over = rest - least / 2
    return rounded
