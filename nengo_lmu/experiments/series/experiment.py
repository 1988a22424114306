"""A spiking network for the series of a file."""

import dataclasses
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nengo_lmu.experiments.experiment import Experiment, option
from nengo_lmu.experiments.options import (
    file,
    number_of_runs,
    one_of,
    positive_number,
    whole_number,
)
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.series.network import SIMULATORS, TASKS

# which part of one long series is to test with, where the file does not say
_TEST = 0.25


@dataclass(frozen=True)
class TrainSeries(Experiment):
    """Train a spiking network on the series of a file, and write it to another.

    FILE is .npz or .csv; nengo_lmu.series.read says what is to be in it. The tasks:

      --task classify  the class of each sequence, by spiking hidden units that read
                       a spiking memory of the last samples
      --task forecast  a series some samples ahead, by a linear readout of the
                       memory
      --task detect    how far each sample is from its forecast, for its anomalies

    Samples are scaled to the range of the memory, by training data alone; its
    window and order follow from the data, which the table tells, and from
    validation on what is left out of the training. Where the file has nothing to
    test with, a quarter is kept out of the training: of each class, or the end of a
    series.

    The table has the test data with an ideal memory and rates, in spikes, and on
    the Loihi emulator. The network goes to train-series-network.npz: one call,
    nengo_lmu.series.load, makes it again.
    """

    name = "train series"
    keeps = "record, figure and network"
    resumes = True
    loads = "TensorFlow"
    names = {"path": "--data", "x": "--data", "labels": "--data"}

    data: Path = option(dataclasses.MISSING, file, "series, .npz or .csv", "FILE")
    task: str = option(dataclasses.MISSING, one_of(TASKS), ", ".join(TASKS), "TASK")
    sample_ms: float = option(
        20.0, positive_number, "how long a sample is presented (milliseconds)", "MS"
    )
    read: str = option(
        "last",
        one_of(("last", "every")),
        "whether a sequence is classified at its last sample, or at every one",
        "WHEN",
    )
    horizon: int = option(1, whole_number(1), "how far ahead a forecast is (samples)")
    theta: tuple | None = option(
        None,
        whole_number(2),
        "windows to choose from (samples; default: by the data)",
        nargs="+",
    )
    d: tuple | None = option(
        None, whole_number(1), "orders to choose from (default: by the data)", nargs="+"
    )
    n_neurons: int | None = option(
        None, whole_number(1), "of the memory (default: 50 or 200 a dimension)", "M"
    )
    units: int | None = option(
        None,
        whole_number(0),
        "hidden neurons (default: 200 of classifiers, 0 of others)",
    )
    epochs: int = option(10, whole_number(1), "of a classifier's training")
    folds: int = option(3, whole_number(2), "of validation")
    seeds: int = option(
        1, number_of_runs, "networks; the first one is written to the file"
    )
    simulators: tuple = option(
        ("ideal", "nengo", "emulator"),
        one_of(SIMULATORS),
        f"of {', '.join(SIMULATORS)}",
        "SIMULATOR",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.task != "classify":
            self.refuse_with(
                f"--task {self.task}",
                ("read", "epochs"),
                "its readout is solved for, not trained",
            )
        else:
            self.refuse_with(
                "--task classify", ("horizon",), "it is of forecasts and detectors"
            )

    def measure(self, run):
        """Train networks, and measure each in each simulator.

        Returns
        -------
        measured : dict
            ``measure`` (what the values are) and ``seeds``, of each ``network``,
            ``neurons``, ``reasons`` and ``results``, by simulator.
        """
        from nengo_lmu.series import read, save

        data = read(self.data)
        prepare, evaluate, measured = {
            "classify": (self._classes, _accuracy, "accuracy"),
            "forecast": (self._one_series, _forecast, "nrmse"),
            "detect": (self._one_series, _scores, "score"),
        }[self.task]
        train, test = prepare(*data)
        seeds = []
        for seed in range(self.seeds):
            model = self._train(train, seed, run)
            if run.folder is not None:
                if seed == 0:
                    save(model, run.folder / f"{run.name}-network.npz")
                self._checkpoint(run, seed).unlink(missing_ok=True)
            seeds.append(
                {
                    "network": asdict(model.settings),
                    "neurons": model.network.n_neurons,
                    "reasons": list(model.choice.reasons),
                    "threshold": model.threshold,
                    "results": {
                        simulator: evaluate(model, train, test, simulator)
                        for simulator in self.simulators
                    },
                }
            )
        return {"measure": measured, "seeds": seeds}

    def table(self, record):
        """Return how the networks did in each simulator."""
        from nengo_lmu.experiments.series import report

        return report.own_table(record)

    def figure(self, record):
        """Draw how the networks did in each simulator."""
        from nengo_lmu.experiments.series import report

        return report.draw_own(record)

    def _train(self, train, seed, run):
        from nengo_lmu.series import classify, detect, forecast

        common = {
            "theta": self.theta,
            "d": self.d,
            "n_neurons": self.n_neurons,
            "sample_time": self.sample_ms / 1000,
            "folds": self.folds,
            "seed": seed,
        }
        if self.units is not None:
            common["units"] = self.units
        if self.task == "classify":
            return classify(
                *train,
                read=self.read,
                epochs=self.epochs,
                checkpoint=self._checkpoint(run, seed),
                **common,
            )
        fit = {"forecast": forecast, "detect": detect}[self.task]
        return fit(train, horizon=self.horizon, **common)

    def _checkpoint(self, run, seed):
        return None if run.folder is None else run.folder / f"checkpoint-{seed}.npz"

    def _classes(self, train, test):
        """Return the sequences and labels to train with, and to test with."""
        from nengo_lmu.series import folds_of_groups, labels_of

        for name, part in (("train", train), ("test", test)):
            if part is not None and part.labels is None:
                raise ArgumentError(
                    "path",
                    f"{self.data} has no labels to {name} with; give the array labels, "
                    "or the column label",
                )
        x, labels = train.x, np.asarray(train.labels)
        numbers, _ = labels_of("labels", labels, len(x))
        if test is not None:
            return (x, labels), (test.x, np.asarray(test.labels))
        kept, left_out = folds_of_groups(numbers, round(1 / _TEST), seed=0)[0]
        return tuple(([x[i] for i in part], labels[part]) for part in (kept, left_out))

    def _one_series(self, train, test):
        """Return the series to train with, and the one to test with."""
        for part in filter(None, (train, test)):
            if len(part.x) != 1:
                raise ArgumentError(
                    "path",
                    f"{self.data} has {len(part.x)} sequences, but --task {self.task} "
                    "is for one long series; give one",
                )
        x = train.x[0]
        if test is None:
            kept = round((1 - _TEST) * len(x))
            return x[:kept], x[kept:]
        return x, test.x[0]


def _accuracy(model, train, test, simulator):
    from nengo_lmu.series import evaluate_classes

    result = evaluate_classes(model, *test, simulator)
    guesses = result.guesses.tolist()
    return {"value": result.accuracy, "guesses": guesses, **result.outcome.cost}


def _forecast(model, train, test, simulator):
    from nengo_lmu.series import evaluate_forecast

    # what is before the test data fills the memory
    before = train[-(2 * model.settings.theta + model.settings.horizon) :]
    x = np.concatenate([before, test])
    result = evaluate_forecast(model, x, len(before), simulator)
    predicted = result.predicted.tolist()
    return {"value": result.nrmse, "predicted": predicted, **result.outcome.cost}


def _scores(model, train, test, simulator):
    before = train[-(2 * model.settings.theta + model.settings.horizon) :]
    outcome = model.run(np.concatenate([before, test]), simulator)
    scores = outcome.outputs[len(before) :, 0]
    return {
        "value": float(scores.max()),
        "scores": scores.tolist(),
        "above_threshold": np.flatnonzero(scores > model.threshold).tolist(),
        **outcome.cost,
    }
