"""Spiking networks of several seeds, and of several numbers of spikes."""

import zlib
from dataclasses import asdict, replace
from pathlib import Path

import nengo
import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.psmnist.reading import Reading
from nengo_lmu.experiments.psmnist.spiking import SpikingClassifier
from nengo_lmu.tasks.mnist import N_PIXELS

# The curve has memories of so many times the rates.
CURVE = (0.125, 0.25, 0.5, 2.0)

# Rates of single neurons are those of so many digits in the reference simulator.
_WATCHED = 3


def curve(settings):
    """Return settings of other rates, with the theory's gain of the error feedback."""
    return [
        replace(settings, max_rate=part * settings.max_rate, error_feedback=None)
        for part in CURVE
    ]


def measure(settings, mnist, n_digits, path=None, matrices=None):
    """Train a network, and let it read test digits.

    Parameters
    ----------
    settings : nengo_lmu.experiments.psmnist.spiking.Settings
    mnist : nengo_lmu.tasks.mnist.Mnist
        Split by the seed of the settings.
    n_digits : int
    path : str or Path, optional
        File from which it goes on, and in which all of it stays.
    matrices : dict of ndarray, optional
        Those of a network that was trained with another memory, which are taken.

    Returns
    -------
    classifier : SpikingClassifier
        Trained.
    result : dict
        The row of `nengo_lmu.experiments.classifier.row.Row`, ``hidden_spikes`` (among
        the ``spikes``), ``neurons``, ``rates`` (hertz, the largest ones: see
        `largest_rates`), and of the theory ``window_error``, and which part of the
        pixels' variance is ``lost``, and is in an ideal memory (``lost_ideally``); and
        of the training ``parameters``, ``training_seconds`` and
        ``validation_accuracy``.
    """
    classifier = SpikingClassifier(settings, mnist)
    reading = trained(classifier, path, matrices)
    row, hidden_spikes = classifier.read(n_digits, reading)
    return classifier, row.record | {
        "settings": asdict(settings) | {"theta": settings.theta},
        "hidden_spikes": hidden_spikes,
        "neurons": classifier.network.n_neurons,
        "rates": largest_rates(classifier),
        "error_feedback": classifier.lmu.memory.error_feedback,
        "window_error": classifier.lmu.memory.predicted_error.window,
        "lost": classifier.lost(),
        "lost_ideally": classifier.lost(ideal=True),
        **of_training(reading),
    }


def trained(classifier, path=None, matrices=None):
    """Train a network, or take the weights of one that was trained.

    Parameters
    ----------
    classifier : SpikingClassifier
        Its network gets the weights.
    path : str or Path, optional
        File in which they stay, and what is read with them. What is there already is
        taken, if it is of this network.
    matrices : dict of ndarray, optional
        Weights that are taken where there are none.

    Returns
    -------
    reading : nengo_lmu.experiments.psmnist.reading.Reading
    """
    digits = [
        zlib.crc32(np.asarray(split.labels, dtype=np.int64).tobytes())
        for split in (classifier.digits.train, classifier.digits.test)
    ]
    reading = Reading(path, [asdict(classifier.settings), digits])
    if not reading.matrices:
        if matrices is None:
            reading.trained(*_train(classifier, path))
        else:
            reading.trained(matrices, {})
    for name, connection in classifier.parameters.items():
        connection.transform = reading.matrices[name]
    return reading


def _train(classifier, path):
    """Train a network, from where that was stopped, and return what it came to."""
    checkpoint = None
    if path is not None:
        checkpoint = Path(path).with_name(f"{Path(path).stem}-training.npz")
    history = classifier.train(checkpoint)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return classifier.matrices, history


def of_training(reading):
    """Return what is worth keeping of a training, if there was one: a dict."""
    if not reading.history:
        return {}
    return {
        "parameters": int(sum(np.size(value) for value in reading.matrices.values())),
        "training_seconds": sum(reading.history["seconds"]),
        "validation_accuracy": max(reading.history["val_probe_accuracy"]),
    }


def largest_rates(classifier):
    """Return the largest rates of single neurons (hertz), over a few test digits.

    Parameters
    ----------
    classifier : SpikingClassifier

    Returns
    -------
    rates : dict of float
        ``memory`` and ``hidden``: spikes of a neuron in a digit, over its time;
        ``memory_designed``: at the edge of the range, for the fastest neuron;
        ``hidden_free``: spikes of a hidden unit while it is let go, over that time.
    """
    s = classifier.settings
    _, traces = classifier.simulate(
        nengo.Simulator, "", _WATCHED, False, n_traces=_WATCHED, progress_bar=False
    )
    memory, hidden = (
        traces[name].reshape(_WATCHED, s.n_steps, -1) > 0
        for name in ("memory_spikes", "hidden_spikes")
    )
    counts = traces["memory_spikes"].reshape(memory.shape) * s.dt
    n_free = min(s.last_pixels, N_PIXELS) * s.steps_per_pixel
    return {
        "memory": float(counts.sum(axis=1).max() / s.theta),
        "memory_designed": float(np.max(classifier.lmu.memory.populations.gain)),
        "hidden": float(hidden.sum(axis=1).max() / s.theta),
        "hidden_free": float(hidden[:, -n_free:].sum(axis=1).max() / (n_free * s.dt)),
    }


def summary(results):
    """Return what several networks came to.

    Parameters
    ----------
    results : list of dict
        As `measure` returns them.

    Returns
    -------
    summary : dict
        Of ``accuracy``, ``spikes`` and ``validation_accuracy``, each a dict with
        ``mean`` and ``standard_error`` over networks.
    """
    return {
        name: mean_and_error([result[name] for result in results])
        for name in ("accuracy", "spikes", "validation_accuracy")
    }
