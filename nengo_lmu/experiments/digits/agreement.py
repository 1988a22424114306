"""Does a trained network on Loihi read digits as it does in the reference simulator?

Spikes differ from run to run, and so do the guesses at digits that are hard to tell. So
distributions are compared: each digit is shown to both simulators with several seeds,
and what most seeds say counts. How well that agrees between simulators is measured
against how well the reference simulator agrees with itself for as many other seeds.
"""

from dataclasses import asdict, dataclass

import nengo
import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.digits.options import NetworkOrPretrained, simulated_digits
from nengo_lmu.experiments.experiment import option
from nengo_lmu.experiments.options import whole_number
from nengo_lmu.tasks.digits import N_CLASSES


@dataclass(frozen=True)
class Agreement(NetworkOrPretrained):
    """Measure how often the Loihi emulator reads a digit as nengo.Simulator does.

    The network of nengo-lmu demo is trained once. The digits are shown to the
    reference simulator and the emulator under several seeds, and to the reference
    simulator under as many others. The table says how often what most seeds say is
    the same.

    The record (loihi-agreement.json) goes to a folder.

    With --pretrained, the network is the one that comes with the package, trained
    by nengo-lmu train digits.
    """

    name = "loihi agreement"
    loads = "TensorFlow, NengoDL and NengoLoihi"

    seeds: int = option(
        5, whole_number(2, 10**5), "under how many seeds each simulator sees the digits"
    )
    digits: int = simulated_digits("in each run")

    def measure(self, run):
        """Train the network, and classify digits with either simulator and each seed.

        Returns
        -------
        measured : dict
            ``network``, its settings; the ``labels`` and the ``guesses`` of the runs
            "reference", "again" (the reference with other seeds) and "emulator", of
            shape ``(seeds, digits)``, and the ``result`` of `compare`.
        """
        import nengo_loihi

        classifier = self.classifier()
        seeds = np.arange(self.seeds) + classifier.settings.seed
        runs = {
            "reference": (nengo.Simulator, seeds, {}),
            "again": (nengo.Simulator, seeds + self.seeds, {}),
            "emulator": (nengo_loihi.Simulator, seeds, {"target": "sim"}),
        }
        guesses = {
            name: [
                classifier.simulate(
                    simulator,
                    f"{name}, seed {seed}",
                    self.digits,
                    seed=int(seed),
                    progress_bar=False,
                    **options,
                )[0].guesses
                for seed in seeds
            ]
            for name, (simulator, seeds, options) in runs.items()
        }
        labels = classifier.digits.test.labels[: self.digits]
        return {
            "network": asdict(classifier.settings),
            "labels": labels.tolist(),
            "guesses": guesses,
            "result": compare(**guesses, labels=labels),
        }

    def table(self, record):
        """Return how many digits either simulator reads right, and how many alike."""
        from nengo_lmu.experiments.digits import report

        return (
            f"{report.describe(record['network'])}\n\n{report.agreement_table(record)}"
        )


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
    from scipy.stats import binomtest  # --help does not need it

    runs = {"reference": reference, "again": again, "emulator": emulator}
    correct = {
        name: mean_and_error(np.mean(np.equal(guesses, labels), axis=1))
        for name, guesses in runs.items()
    }
    classes = majority(reference)
    alike, alike_again = majority(emulator) == classes, majority(again) == classes
    n_lost, n_gained = np.sum(alike_again & ~alike), np.sum(alike & ~alike_again)
    p_value = 1.0
    if n_lost + n_gained > 0:
        p_value = binomtest(
            int(n_lost), int(n_lost + n_gained), alternative="greater"
        ).pvalue
    return {
        "accuracy": {name: c["mean"] for name, c in correct.items()},
        "standard_error": {name: c["standard_error"] for name, c in correct.items()},
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
