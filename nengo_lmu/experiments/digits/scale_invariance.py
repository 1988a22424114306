"""Trained networks at other time steps, with all times in seconds unchanged.

The memory's recurrence is exact for the time step that the network is made for, and its
state means the same at each of them. So what was trained to read it need not be trained
again.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.classifier.streams import classify
from nengo_lmu.experiments.digits.options import N_TEST
from nengo_lmu.experiments.experiment import Experiment, option, shown_by
from nengo_lmu.experiments.options import (
    folder,
    number_of_runs,
    seconds,
    whole_number,
)


@dataclass(frozen=True)
class ScaleInvariance(Experiment):
    """Run a network that was trained at one time step at others.

    All times stay what they are in seconds: the digits' pixels, the memory, the
    synapses. The memory is made for each time step, and what was trained is put in
    as it is. The digits of the test set are read with an ideal memory and rates,
    and from Poisson spikes in the reference simulator.

    The table goes to the screen; the record (scale-invariance.json) and a record of
    each measurement to a folder. When it was interrupted, the same command
    continues where it was.
    """

    name = "scale-invariance"
    keeps = "records"
    processes = "anywhere"
    resumes = True
    names = {"folder": "--trained"}

    dt: tuple = option(
        (0.0005, 0.002),
        seconds,
        "time steps, in seconds, besides that of training",
        "S",
    )
    seeds: int = option(5, number_of_runs, "how often each is run, with other spikes")
    digits: int = option(N_TEST, whole_number(2, N_TEST), "how many of the test set")
    trained: Path | None = option(
        None,
        folder,
        "folder of seed-N that nengo-lmu train digits has written (default: the "
        "network that comes with the package)",
        "DIR",
    )

    def measure(self, run):
        """Compare a trained network at several time steps.

        Returns
        -------
        measured : dict
            ``network``, its settings; ``trained_at``, the time step of training; and
            ``rows``, one for each time step, of `compare`.
        """
        network = pretrained.load("digits", self.trained)
        at = network.model.settings.dt
        dts = sorted({at, *self.dt})
        for dt in dts:
            network.model.at(dt)  # it is refused before anything is measured
        trained = None if self.trained is None else str(self.trained)
        sha256 = network.record["sha256"]
        settings = {dt: Setting(dt, self.digits, trained, sha256) for dt in dts}
        results = run.sweep_seeds(
            measure,
            list(settings.values()),
            self.seeds,
            cost=lambda setting: 1 / setting.dt,
            description="runs",
        )
        by_dt = {dt: results[setting] for dt, setting in settings.items()}
        return {
            "network": asdict(network.model.settings),
            "trained_at": at,
            "rows": [
                {"dt": dt, **compare(by_dt[dt], None if dt == at else by_dt[at])}
                for dt in dts
            ],
        }

    table = shown_by("experiments.digits.report.time_step_table")


@dataclass(frozen=True)
class Setting:
    """One run of the trained digits network.

    Attributes
    ----------
    dt : float
        Time step (seconds).
    digits : int
        How many of the test set.
    trained : str or None
        The folder that the network is in; None for what comes with the package.
    sha256 : str
        Of its parameters: others are another measurement.
    seed : int
        Of the spikes.
    """

    dt: float
    digits: int
    trained: str
    sha256: str
    seed: int = 0


def measure(setting):
    """Classify digits at a time step, in spikes and without.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``labels`` and ``spiking``, the guesses from Poisson spikes in the reference
        simulator, of as many test digits as asked for; ``ideal``, those of an ideal
        memory and rates; ``spikes_per_step``, those of the fastest neuron of the
        memory, at its largest rate.
    """
    classifier = pretrained.load("digits", setting.trained).model.at(setting.dt)
    test = classifier.digits.test
    (guesses,) = classify(
        classifier,
        [classifier.matrices],
        test.pixels[: setting.digits],
        seed=setting.seed,
        show_progress=False,
    )
    gain = classifier.lmu.memory.populations.gain
    return {
        "labels": test.labels[: setting.digits].tolist(),
        "spiking": guesses.tolist(),
        "ideal": classifier.ideal().guesses[: setting.digits],
        "spikes_per_step": float(np.max(gain) * setting.dt),
    }


def compare(results, reference=None):
    """Compare the runs at one time step with those at another, digit by digit.

    Parameters
    ----------
    results, reference : list of dict
        Of `measure`, one for each seed; without a reference there are no losses.

    Returns
    -------
    row : dict
        ``digits``, ``spikes_per_step``, and for ``ideal`` and ``spiking`` each a dict:
        the ``accuracy`` and its ``standard_error`` over digits, the ``loss`` of
        accuracy and its ``loss_error``, over the differences of the same digits.
    """
    row = {
        "digits": len(results[0]["labels"]),
        "spikes_per_step": results[0]["spikes_per_step"],
    }
    for kind in ("ideal", "spiking"):
        correct = _fractions(results, kind)
        row[kind] = _named("accuracy", "standard_error", correct)
        if reference is not None:
            loss = _fractions(reference, kind) - correct
            row[kind] |= _named("loss", "loss_error", loss)
    return row


def _fractions(results, kind):
    """Return how often each digit was classified correctly, over the seeds."""
    return np.mean(
        [np.equal(result[kind], result["labels"]) for result in results], axis=0
    )


def _named(mean, error, values):
    summary = mean_and_error(values)
    return {mean: summary["mean"], error: summary["standard_error"]}
