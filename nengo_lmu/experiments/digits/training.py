"""Training the network of `nengo_lmu.experiments.digits.network`, with a record of it.

Each seed has a folder with the trained parameters, as
`nengo_lmu.experiments.pretrained` loads them. What is finished is not trained again,
and what was stopped goes on.
"""

import shlex
from dataclasses import asdict, dataclass, fields, replace

import nengo
import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.digits.network import DigitClassifier
from nengo_lmu.experiments.digits.options import (
    SETTINGS,
    NetworkOptions,
    simulated_digits,
)
from nengo_lmu.experiments.experiment import option
from nengo_lmu.experiments.options import number_of_runs, whole_number
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.version import version


@dataclass(frozen=True)
class TrainDigits(NetworkOptions):
    """Train the network of nengo-lmu demo on handwritten digits, and keep it.

    The digits (8 x 8 pixels, from scikit-learn; nothing is downloaded) are
    presented one pixel at a time. Training is without time, from states of the
    memory with the noise that its spikes will have; the digits of the validation
    set choose the epoch, and the test set is classified once

      with an ideal memory and rates instead of spikes,
      in NengoDL and in the reference simulator with spikes.

    Tables go to the screen, the record (train-digits.json) and the trained
    parameters (seed-N/digits.npz, as nengo_dl.Simulator.save_params writes them,
    and digits.json) to a folder:
    nengo_lmu.experiments.pretrained.load("digits", "DIR/seed-N") makes the network
    with them. When it was interrupted, the same command continues where it was.
    """

    name = "train digits"
    keeps = "record and parameters"
    resumes = True
    loads = "TensorFlow and NengoDL"

    seeds: int = option(1, number_of_runs, "how often to train, from --seed on")
    digits: int = simulated_digits("in the reference simulator")
    epochs: int = option(
        SETTINGS.epochs, whole_number(1), "of training, of which the best is kept"
    )

    def measure(self, run):
        """Train with several seeds, and classify test digits.

        Returns
        -------
        measured : dict
            ``network``, its settings; ``runs``, of `train`; and ``summary``: for each
            simulator the mean and standard error over the seeds.
        """
        if run.folder is None:
            raise ArgumentError("out", "is missing; give a folder for the parameters")
        network = self.network
        runs = [
            train(
                replace(network, seed=seed),
                run.folder / f"seed-{seed}",
                self.digits,
                self.command,
            )
            for seed in range(self.seed, self.seed + self.seeds)
        ]
        return {
            "network": asdict(network),
            "runs": runs,
            "summary": {
                row["backend"]: mean_and_error(
                    [record["results"][i]["accuracy"] for record in runs]
                )
                for i, row in enumerate(runs[0]["results"])
            },
        }

    def table(self, record):
        """Return how training went, and how many test digits are read."""
        from nengo_lmu.experiments.digits import report

        return (
            f"{report.describe(record['network'])}\n\n"
            f"{report.epoch_table(record['runs'])}\n\n"
            f"Test set\n\n{report.accuracy_table(record)}"
        )

    @property
    def network(self):
        """(nengo_lmu.experiments.digits.network.Settings) What is asked for."""
        return replace(super().network, epochs=self.epochs)

    @property
    def command(self):
        """(str) What trains the same network, but for its seed."""
        words = ["nengo-lmu", *self.name.split()]
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in ("seed", "seeds", "digits") and value != item.default:
                words += [f"--{item.name.replace('_', '-')}", str(value)]
        return shlex.join(words)


def train(settings, folder, n_digits=100, command="", show_progress=None):
    """Train with one seed, save the parameters, and classify test digits.

    Parameters
    ----------
    settings : nengo_lmu.experiments.digits.network.Settings
    folder : Path
        For the parameters. What has been finished there, by this version of
        nengo_lmu, is not done again.
    n_digits : int
        How many digits to classify in the reference simulator.
    command : str, optional
        What makes these parameters, but for the seed, for their record.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
        That of the parameters: ``command``, ``history``, of training;
        ``best_epoch``, the one that was kept, counted from 1; and ``results``, of each
        simulator.
    """
    task = {
        "command": f"{command} --seed {settings.seed}".strip(),
        "n_digits": n_digits,
        "version": version,
        "settings": asdict(settings),
    }
    try:
        record = pretrained.load("digits", folder).record
    except ArgumentError:
        record = {}
    if {key: record.get(key) for key in task} == task:
        return record

    classifier = DigitClassifier(settings)
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
        **task,
        "history": history,
        "best_epoch": int(np.argmax(history["val_probe_accuracy"])) + 1,
        "results": [
            {
                key: value
                for key, value in row.record.items()
                if key not in ("guesses", "correct", "seconds")
            }
            for row in rows
        ],
    }
    pretrained.save("digits", classifier, details, folder)
    checkpoint.unlink(
        missing_ok=True
    )  # another that trains in the folder may have removed it
    return pretrained.load("digits", folder).record
