"""Does a trained network on Loihi read digits as it does in the reference simulator?

Spikes differ from run to run, and so do the guesses at digits that are hard to tell. So
distributions are compared: each digit is shown to both simulators with several seeds,
and what most seeds say counts. How well that agrees between simulators is measured
against how well the reference simulator agrees with itself for as many other seeds.
"""

from dataclasses import asdict

import nengo
import numpy as np
import scipy.stats

from nengo_lmu.analysis.records import versions
from nengo_lmu.experiments.digits.network import DigitClassifier
from nengo_lmu.tasks.digits import N_CLASSES


def measure(settings, n_digits=100, n_seeds=5, show_progress=None, classifier=None):
    """Train a network, and classify digits under several seeds on either simulator.

    Parameters
    ----------
    settings : nengo_lmu.experiments.digits.network.Settings
    n_digits : int
    n_seeds : int
    show_progress : bool, optional
        By default on terminals.
    classifier : nengo_lmu.experiments.digits.network.DigitClassifier, optional
        One with these settings, which has been trained.

    Returns
    -------
    record : dict
        Of what JSON can hold: ``settings``, ``versions``, the ``labels`` and the
        ``guesses`` of the runs "reference", "again" (the reference with other seeds)
        and "emulator", of shape ``(n_seeds, n_digits)``, and the ``result`` of
        `compare`.
    """
    import nengo_loihi

    if classifier is None:
        classifier = DigitClassifier(settings)
        classifier.train(show_progress=show_progress)
    seeds = np.arange(n_seeds) + settings.seed
    runs = {
        "reference": (nengo.Simulator, seeds, {}),
        "again": (nengo.Simulator, seeds + n_seeds, {}),
        "emulator": (nengo_loihi.Simulator, seeds, {"target": "sim"}),
    }
    guesses = {
        name: [
            classifier.simulate(
                simulator,
                f"{name}, seed {seed}",
                n_digits,
                show_progress,
                seed=int(seed),
                progress_bar=False,
                **options,
            )[0].guesses
            for seed in seeds
        ]
        for name, (simulator, seeds, options) in runs.items()
    }
    labels = classifier.digits.test.labels[:n_digits]
    return {
        "experiment": "agreement",
        "settings": asdict(settings),
        "versions": versions(),
        "labels": labels.tolist(),
        "guesses": guesses,
        "result": compare(**guesses, labels=labels),
    }


def compare(reference, again, emulator, labels):
    """Compare the guesses of two simulators.

    Parameters
    ----------
    reference, again, emulator : (n_seeds, n_digits) array_like of int
        Of the reference simulator, of the same with other seeds, and of the emulator.
    labels : (n_digits,) array_like of int

    Returns
    -------
    result : dict
        ``accuracy`` and ``standard_error``, each a dict by run: the mean over seeds of
        the fraction of digits that were classified correctly, and its error;
        ``agreement`` and ``yardstick``, the fractions of digits of which most seeds of
        the emulator, and most other seeds of the reference, say what most seeds of the
        reference do; and ``p_value``, the probability of an agreement that much below
        the yardstick by chance (one-sided McNemar test: a digit on which only one of
        them differs from the reference is as likely to be either's).
    """
    runs = {"reference": reference, "again": again, "emulator": emulator}
    correct = {name: np.mean(np.equal(g, labels), axis=1) for name, g in runs.items()}
    said = majority(reference)
    alike, alike_again = majority(emulator) == said, majority(again) == said
    lost, gained = np.sum(alike_again & ~alike), np.sum(alike & ~alike_again)
    p_value = 1.0
    if lost + gained > 0:
        p_value = scipy.stats.binomtest(
            int(lost), int(lost + gained), alternative="greater"
        ).pvalue
    return {
        "accuracy": {name: float(np.mean(c)) for name, c in correct.items()},
        "standard_error": {
            name: float(np.std(c, ddof=1) / np.sqrt(len(c))) if len(c) > 1 else None
            for name, c in correct.items()
        },
        "agreement": float(np.mean(alike)),
        "yardstick": float(np.mean(alike_again)),
        "p_value": float(p_value),
    }


def majority(guesses):
    """Return what most seeds say of each digit; of a tie, the smallest.

    Parameters
    ----------
    guesses : (n_seeds, n_digits) array_like of int

    Returns
    -------
    classes : (n_digits,) ndarray of int
    """
    votes = np.asarray(guesses)[..., np.newaxis] == np.arange(N_CLASSES)
    return np.sum(votes, axis=0).argmax(axis=-1)
