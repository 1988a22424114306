"""Trained networks at other time steps, with all times in seconds unchanged.

The memory's recurrence is exact for the time step that the network is made for, and its
state means the same at each of them. So what was trained to read it need not be trained
again.
"""

from dataclasses import asdict, dataclass

import numpy as np

from nengo_lmu.analysis import sweep
from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.digits.streams import classify


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


def run(
    dts=(0.0005, 0.001, 0.002),
    seeds=5,
    digits=540,
    trained=None,
    folder=None,
    workers=None,
    dask=None,
    show_progress=None,
):
    """Compare a trained network at several time steps.

    Parameters
    ----------
    dts : sequence of float
        Time steps (seconds), besides the one of training.
    seeds : int
        Of the spikes.
    digits : int
        How many of the test set.
    trained : str or Path, optional
        Folder of the network; by default what comes with the package.
    folder, workers, dask, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        Of what JSON can hold: ``trained_at``, the time step of training; ``rows``, one
        for each time step, of `compare`; ``versions``, and what was asked for.
    """
    network = pretrained.load("digits", trained)
    at = network.model.settings.dt
    dts = sorted({at, *dts})
    for dt in dts:
        network.model.at(dt)  # refused before anything is measured
    trained = None if trained is None else str(trained)
    settings = [Setting(dt, digits, trained, network.record["sha256"]) for dt in dts]
    results = sweep.run_seeds(
        measure,
        settings,
        seeds,
        folder=folder,
        workers=workers,
        dask=dask,
        cost=lambda setting: 1 / setting.dt,
        description="runs",
        show_progress=show_progress,
    )
    found = {setting.dt: results[setting] for setting in settings}
    return {
        "experiment": "scale invariance, digits",
        "network": asdict(network.model.settings),
        "trained_at": at,
        "seeds": seeds,
        "versions": sweep.versions(),
        "rows": [
            {"dt": dt, **compare(found[dt], None if dt == at else found[at])}
            for dt in dts
        ],
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
        row[kind] = dict(zip(("accuracy", "standard_error"), _mean_and_error(correct)))
        if reference is not None:
            lost = _fractions(reference, kind) - correct
            row[kind] |= dict(zip(("loss", "loss_error"), _mean_and_error(lost)))
    return row


def _fractions(results, kind):
    """Return how often each digit was classified correctly, over the seeds."""
    return np.mean([np.equal(one[kind], one["labels"]) for one in results], axis=0)


def _mean_and_error(values):
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
