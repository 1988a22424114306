"""How long a minibatch of psMNIST takes: our plan for NengoDL, its own, and an LSTM.

Other work on the same computer disturbs times: all take turns, and what is compared is
compared within a round.
"""

import time

import numpy as np
from tqdm import tqdm

from nengo_lmu.analysis.bench import quartiles
from nengo_lmu.analysis.psmnist import Classifier, Settings
from nengo_lmu.analysis.records import versions
from nengo_lmu.tasks.mnist import N_CLASSES, N_PIXELS

MINIBATCH = 100


class InNengoDL:
    """The LMU, with a plan of NengoDL's operators.

    Parameters
    ----------
    settings : nengo_lmu.analysis.psmnist.Settings
    planner : callable
    """

    def __init__(self, settings, planner):
        import nengo_dl
        import tensorflow as tf

        classifier = Classifier(settings)
        classifier.configure_training()
        with classifier.network:
            nengo_dl.configure_settings(planner=planner)
        self._sim = nengo_dl.Simulator(
            classifier.network, minibatch_size=MINIBATCH, progress_bar=False, seed=0
        )
        self._sim.compile(
            tf.optimizers.Adam(1e-3),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        pixels, labels = _data()
        self._x = {classifier.stimulus: pixels}
        self._y = {classifier.scores: labels[:, np.newaxis, np.newaxis]}
        self.model = self._sim.keras_model
        self.close = self._sim.close

    def train(self):
        """Learn from a minibatch."""
        self._sim.fit(self._x, self._y, verbose=0)

    def infer(self):
        """Classify a minibatch."""
        self._sim.predict(self._x, verbose=0)


class Lstm:
    """A Keras LSTM, with a dense layer behind its last output.

    Parameters
    ----------
    units : int
    """

    def __init__(self, units):
        import nengo_dl  # noqa: F401  makes tf.keras Keras 2
        import tensorflow as tf

        self._x, self._y = _data()
        self.model = tf.keras.Sequential(
            [
                tf.keras.layers.Input((N_PIXELS, 1), batch_size=MINIBATCH),
                tf.keras.layers.LSTM(units),
                tf.keras.layers.Dense(N_CLASSES),
            ]
        )
        self.model.compile(
            tf.optimizers.Adam(1e-3),
            tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def train(self):
        """Learn from a minibatch."""
        self.model.fit(self._x, self._y, batch_size=MINIBATCH, verbose=0)

    def infer(self):
        """Classify a minibatch."""
        self.model.predict(self._x, batch_size=MINIBATCH, verbose=0)

    def close(self):
        """Do nothing: there is nothing to close."""


def _data():
    rng = np.random.RandomState(0)
    pixels = rng.uniform(size=(MINIBATCH, N_PIXELS, 1)).astype(np.float32)
    return pixels, rng.randint(N_CLASSES, size=MINIBATCH)


def lstm_units(parameters):
    """Return the units of an LSTM and its readout that have about so many parameters.

    ``n`` units have ``4 n (n + 2)`` of them, and the readout ``10 n + 10``.
    """
    b = 8 + N_CLASSES
    root = np.sqrt(b**2 + 16 * (parameters - N_CLASSES))
    return max(1, int(round((root - b) / 8)))


def run(d=256, units=212, rounds=5, show_progress=None):
    """Measure training and inference.

    Parameters
    ----------
    d, units : int
        Order of the memory and hidden units.
    rounds : int
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
        ``rows``, one for each network: ``parameters``, ``build`` (the seconds of making
        the network and the simulator), ``first`` (of the first minibatch of training,
        which includes tracing); seconds of a minibatch in ``train`` and ``infer``, and
        their ratios to the first row's in ``train_ratio`` and ``infer_ratio``, each as
        median and quartiles over rounds.
    """
    from nengo_dl.graph_optimizer import tree_planner

    from nengo_lmu.dl import fast

    settings = Settings(d=d, units=units)
    parameters = 2 * units + units**2 + units * d + d + 1 + (units + 1) * N_CLASSES
    makers = {
        "LMU, our plan": lambda: InNengoDL(settings, fast.planner),
        "LMU, NengoDL's plan": lambda: InNengoDL(settings, tree_planner),
        "LSTM": lambda: Lstm(lstm_units(parameters)),
    }
    rows, networks = [], []
    hidden = None if show_progress is None else not show_progress
    with tqdm(
        total=len(makers) * (rounds + 1), desc="bench training", disable=hidden
    ) as bar:
        for name, make in makers.items():
            seconds, network = _seconds(make)
            first, _ = _seconds(network.train)
            network.infer()  # traces, too
            networks.append(network)
            count = sum(int(np.prod(w.shape)) for w in network.model.trainable_weights)
            rows.append(
                {"name": name, "parameters": count, "build": seconds, "first": first}
            )
            bar.update()
        times = np.empty((rounds, len(networks), 2))
        for i in range(rounds):
            for j, network in enumerate(networks):
                times[i, j] = [
                    _seconds(what)[0] for what in (network.train, network.infer)
                ]
                bar.update()
    for network in networks:
        network.close()
    for j, row in enumerate(rows):
        for k, what in enumerate(("train", "infer")):
            row[what] = quartiles(times[:, j, k])
            row[f"{what}_ratio"] = quartiles(times[:, j, k] / times[:, 0, k])
    return {
        "rows": rows,
        "d": d,
        "units": units,
        "minibatch": MINIBATCH,
        "rounds": rounds,
        "versions": versions(),
    }


def _seconds(function):
    """Return how long a function takes, and what it returns."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result
