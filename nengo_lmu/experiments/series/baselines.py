"""What simpler methods make of the same series."""

import numpy as np

from nengo_lmu.series import folds_of_time, nrmse, pad

# orders of autoregression, and widths of moving averages, to choose from
ORDERS = (1, 2, 3, 5, 9, 12, 20, 30)
WIDTHS = (2, 5, 10, 20, 50)


def classifiers(data, seeds):
    """Return how often classifiers of all samples at once are right.

    Sequences are padded with zeros behind them, and each sample of each feature is
    standardized.

    Parameters
    ----------
    data : nengo_lmu.tasks.series.Labelled
    seeds : int
        Of the perceptron, whose mean counts.

    Returns
    -------
    rows : list of dict
        ``name`` and ``values``, accuracies.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise ImportError(
            "the baselines are scikit-learn's; install it with "
            "pip install 'nengo-lmu[demo]'"
        ) from None
    longest = max(map(len, [*data.x, *data.x_test]))
    train, test = (
        # behind, as is usual where samples have no time
        pad([one[::-1] for one in part], longest)[0][:, ::-1].reshape(len(part), -1)
        for part in (data.x, data.x_test)
    )

    def accuracy(classifier):
        made = make_pipeline(StandardScaler(), classifier).fit(train, data.labels)
        return float(np.mean(made.predict(test) == data.labels_test))

    return [
        {
            "name": "logistic regression",
            "values": [accuracy(LogisticRegression(max_iter=1000))],
        },
        {
            "name": "multilayer perceptron",
            "values": [
                accuracy(MLPClassifier((200,), max_iter=500, random_state=seed))
                for seed in range(seeds)
            ],
        },
    ]


def autoregression(x, order, n_train):
    """Return the forecasts of the next sample by the last ones, linearly.

    Parameters
    ----------
    x : (steps,) ndarray
    order : int
    n_train : int
        The first samples, of which the weights are fitted.

    Returns
    -------
    predicted : (steps,) ndarray
        Of each sample; NaN of the first ``order``.
    """
    rows = lagged(x, order)
    weights = np.linalg.lstsq(rows[: n_train - order], x[order:n_train], rcond=None)[0]
    return np.concatenate([np.full(order, np.nan), rows @ weights])


def lagged(x, order):
    """Return the samples before each, and a 1: (steps - order, order + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, order)[:-1]
    return np.hstack([windows, np.ones((len(windows), 1))])


def moving_average(x, width):
    """Return the mean of the samples before each; NaN of the first ones."""
    sums = np.cumsum(np.concatenate([[0.0], x]))
    means = (sums[width:-1] - sums[: -width - 1]) / width
    return np.concatenate([np.full(width, np.nan), means])


def best_order(x, n_train, folds=5):
    """Return the order of autoregression with the least error in validation."""
    x = x[:n_train]

    def error(order):
        rows, target = lagged(x, order), x[order:]
        errors = []
        for train_on, validate_on in folds_of_time(len(rows), folds, order):
            weights = np.linalg.lstsq(rows[train_on], target[train_on], rcond=None)[0]
            errors.append(nrmse(rows[validate_on] @ weights, target[validate_on]))
        return np.mean(errors)

    return min(ORDERS, key=error)


def best_width(x, n_train):
    """Return the width of a moving average with the least error of training data."""
    x = x[:n_train]
    most = max(WIDTHS)
    return min(
        WIDTHS, key=lambda width: nrmse(moving_average(x, width)[most:], x[most:])
    )
