"""Training the network of `nengo_lmu.experiments.digits.network`, with a record of it.

Each seed has a folder with the trained parameters, as
`nengo_lmu.experiments.pretrained` loads them. What is finished is not trained again,
and what was stopped goes on.
"""

from dataclasses import asdict, replace
from pathlib import Path

import nengo
import numpy as np

from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.digits import network as digits
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.version import version


def run(settings, folder, seeds=1, n_digits=100, command="", show_progress=None):
    """Train with several seeds, and classify test digits.

    Parameters
    ----------
    settings : nengo_lmu.experiments.digits.network.Settings
        Its seed is the first one.
    folder : str or Path
        For ``seed-0``, ``seed-1`` and so on.
    seeds : int
        How many.
    n_digits : int
        How many digits to classify in the reference simulator.
    command : str, optional
        What makes these parameters, but for the seed, for their record.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
        Of what JSON can hold: ``settings``, ``versions``, ``runs``, of `train`, and
        ``summary``: for each simulator the mean and standard error over the seeds.
    """
    every = [replace(settings, seed=settings.seed + i) for i in range(seeds)]
    runs = [
        train(one, Path(folder) / f"seed-{one.seed}", n_digits, command, show_progress)
        for one in every
    ]
    return {
        "experiment": "sequential digits, training",
        "settings": asdict(settings),
        "versions": versions(),
        "runs": runs,
        "summary": {
            first["backend"]: mean_and_error(
                [one["results"][i]["accuracy"] for one in runs]
            )
            for i, first in enumerate(runs[0]["results"])
        },
    }


def train(settings, folder, n_digits=100, command="", show_progress=None):
    """Train with one seed, save the parameters, and classify test digits.

    Parameters
    ----------
    settings : nengo_lmu.experiments.digits.network.Settings
    folder : Path
        For the parameters. What has been finished there, by this version of
        nengo_lmu, is not done again.
    n_digits, command, show_progress
        As for `run`.

    Returns
    -------
    record : dict
        That of the parameters: ``command``, ``history``, of training;
        ``best_epoch``, the one that was kept, counted from 1; and ``results``, of each
        simulator.
    """
    wanted = {
        "command": f"{command} --seed {settings.seed}".strip(),
        "n_digits": n_digits,
        "version": version,
        "settings": asdict(settings),
    }
    try:
        record = pretrained.load("digits", folder).record
    except ArgumentError:
        record = {}
    if {key: record.get(key) for key in wanted} == wanted:
        return record

    classifier = digits.DigitClassifier(settings)
    checkpoint = folder / "checkpoint.npz"
    history = classifier.train(
        checkpoint=checkpoint,
        description=f"training, seed {settings.seed}",
        show_progress=show_progress,
    )
    rows = [
        classifier.ideal(),
        classifier.simulate_nengo_dl(len(classifier.digits.test), show_progress),
        classifier.simulate(
            nengo.Simulator,
            "nengo.Simulator",
            n_digits,
            show_progress,
            progress_bar=False,
        )[0],
    ]
    details = {
        **wanted,
        "history": history,
        "best_epoch": int(np.argmax(history["val_probe_accuracy"])) + 1,
        "results": [
            {
                "backend": row.backend,
                "digits": row.digits,
                "accuracy": row.accuracy,
                "standard_error": row.standard_error,
                "spikes": row.spikes,
            }
            for row in rows
        ],
    }
    pretrained.save("digits", classifier, details, folder)
    checkpoint.unlink()
    return pretrained.load("digits", folder).record
