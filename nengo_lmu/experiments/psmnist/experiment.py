"""psMNIST: train a network by one of several routes, and measure it once."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import nengo
import numpy as np

from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.classifier.row import fraction
from nengo_lmu.experiments.experiment import Experiment, option, switch
from nengo_lmu.experiments.options import file, one_of, whole_number
from nengo_lmu.experiments.psmnist import in_time, network, without_time
from nengo_lmu.experiments.psmnist.spiking import Settings as SpikingSettings
from nengo_lmu.experiments.psmnist.spiking import SpikingClassifier
from nengo_lmu.legendre import ArgumentError

ROUTES = {
    "without-time": without_time.SETTINGS,
    "scan": in_time.SCANNED,
    "time": network.Settings(),
}

_N_TEST = 10_000

# On so many digits the network in time is compared with what it was trained as.
IN_NENGO_DL, IN_NENGO = 100, 2


@dataclass(frozen=True)
class PsMnist(Experiment):
    """Permuted sequential MNIST: digits, pixel by pixel in shuffled order.

    Three networks of an ideal Legendre memory and a hidden layer, trained by

      --route without-time   nothing feeds back into the memory and only its last
                             state is read: rectified linear units, a minute or two
                             of a core
      --route scan           recurrent hidden units, tanh, and a memory that nothing
                             feeds back into: hidden units are followed over the
                             last 112 steps in training
      --route time           the paper's network, all of it recurrent, by
                             backpropagation through 784 steps of NengoDL

    or, with --spiking, a network of Poisson neurons and spiking hidden units,
    trained without time as well, with the noise of spikes, and run in spikes: in
    NengoDL and, on a network with fewer neurons and more time, on the Loihi
    emulator.

    Of 60,000 digits 50,000 are for training and 10,000 choose the epoch; the 10,000
    test digits are read once, at the end. A table goes to the screen, the record
    (train-psmnist.json) to a folder, and so do the trained parameters (psmnist.npz,
    as nengo_dl.Simulator.save_params writes them, and psmnist.json):
    nengo_lmu.experiments.pretrained.load("psmnist", "DIR") makes the network with
    them. Of the spiking network there is a figure instead (train-psmnist.png). When
    it was interrupted, the same command continues where it was.
    """

    name = "train psmnist"
    resumes = True
    names = {"path": "--mnist"}

    mnist: Path | None = option(
        None,
        file,
        "MNIST as an npz file of x_train, y_train, x_test and y_test (default: "
        "downloaded by Keras, once)",
        "FILE",
    )
    route: str = option(
        "without-time",
        one_of(tuple(ROUTES)),
        ", ".join(ROUTES),
        "ROUTE",
        renamed={"static": "without-time"},
    )
    no_augmentation: bool = switch(
        "train on the digits as they are (without-time: by default they are shifted, "
        "turned, stretched and slanted a little, in each epoch otherwise)"
    )
    spiking: bool = switch("spikes, see above")
    digits: int = option(
        1000,
        whole_number(0, _N_TEST),
        "test digits for the spiking network; 0 to leave it out",
    )
    loihi_digits: int = option(
        50,
        whole_number(0, _N_TEST),
        "test digits for the Loihi emulator; 0 to leave it out",
    )
    epochs: int | None = option(
        None, whole_number(1), "of the training (default: as many as the route takes)"
    )
    seed: int = option(
        0, whole_number(0, 2**31 - 2), "of the split, the weights and the spikes"
    )

    def __post_init__(self):
        super().__post_init__()
        if self.spiking:
            self.refuse_with(
                "--spiking",
                ("route", "no_augmentation"),
                "spikes have a training of their own",
            )
        for name, flag in (("digits", "--digits"), ("loihi_digits", "--loihi-digits")):
            if getattr(self, name) != getattr(PsMnist, name) and not self.spiking:
                raise ArgumentError(
                    f"argument {flag}",
                    "is for spikes; give --spiking too, or leave it out",
                )
        if self.spiking and not self.digits and not self.loihi_digits:
            raise ArgumentError(
                "argument --digits",
                "and --loihi-digits are both 0, which leaves nothing to measure; give "
                "at least one of them",
            )
        if self.no_augmentation:
            self.refuse_with(
                "--no-augmentation",
                ("route",),
                "other routes train on the digits as they are",
            )

    def measure(self, run):
        """Train a network and classify the test digits.

        Returns
        -------
        measured : dict
            ``parameters``, ``training_seconds``, ``history`` and
            ``validation_accuracy``. Of a route: ``network`` (its settings),
            ``augmented``, ``processor_seconds``, ``test``, and the ``difference`` of
            the network in time from what was trained. With spikes: ``results``, one
            for each simulator.
        """
        mnist = network.load(self.mnist, self.seed)
        if self.spiking:
            return self._measure_spiking(run, mnist)
        return self._measure_route(run, mnist)

    def table(self, record):
        """Return how the network did."""
        from nengo_lmu.experiments.psmnist import report

        if record["settings"]["spiking"]:
            return report.spiking_table(record)
        return report.route_table(record)

    def _measure_route(self, run, mnist):
        """Train by a route, and keep the parameters."""
        settings = replace(ROUTES[self.route], seed=self.seed)
        options = {} if self.epochs is None else {"epochs": self.epochs}
        augmented = self.route == "without-time" and not self.no_augmentation
        checkpoint = _checkpoint(run, self.route)
        resumed = checkpoint is not None and checkpoint.exists()
        started = time.process_time()
        classifier = network.Classifier(settings)
        if self.route == "without-time":
            history = without_time.train(
                classifier, mnist, augment=augmented, checkpoint=checkpoint, **options
            )
        else:
            last = in_time.LAST if self.route == "scan" else None
            history = in_time.train(
                classifier, mnist, last=last, checkpoint=checkpoint, **options
            )
        processor = time.process_time() - started

        scores = self._scores(classifier, mnist.test.pixels)
        correct = scores.argmax(axis=1) == mnist.test.labels[: len(scores)]
        (accuracies,) = [
            values
            for name, values in history.items()
            if name.startswith("val_") and name.endswith("accuracy")
        ]
        test = fraction(correct)
        if run.folder is not None:
            command = f"nengo-lmu {self.name} --route {self.route} --seed {self.seed}"
            details = {"command": command, "test": test}
            pretrained.save("psmnist", classifier, details, run.folder)
        if self.route != "time":  # others take minutes, so that they are not kept
            _remove(checkpoint)
        return {
            "network": asdict(settings) | {"theta": settings.theta},
            "augmented": augmented,
            "parameters": _n_parameters(classifier),
            "training_seconds": sum(history["seconds"]),
            # They are this process's, unless it went on from another's checkpoint.
            "processor_seconds": None if resumed else processor,
            "history": history,
            "validation_accuracy": max(accuracies),
            "test": test,
            "difference": _difference(classifier, scores, mnist.test.pixels),
        }

    def _scores(self, classifier, pixels):
        if self.route == "without-time":
            return without_time.scores(classifier, pixels)
        return in_time.predict(classifier, pixels)

    def _measure_spiking(self, run, mnist):
        """Train and read in spikes: the network for NengoDL, and that for the chip."""
        measured = []
        if self.digits:
            measured.append(self._measure_in_nengo_dl(run, mnist))
        if self.loihi_digits:
            measured.append(self._measure_on_chip(run, mnist))
        for part in ("spiking", "chip"):
            _remove(_checkpoint(run, part))
        _remove(_checkpoint(run, "chip-digits", "json"))
        rows = [one.pop("row") for one in measured]
        return measured[0] | {"results": rows}

    def _measure_in_nengo_dl(self, run, mnist):
        """Train the spiking network, and draw how it reads the first test digit."""
        from nengo_lmu.experiments.psmnist.report import draw_psmnist

        settings = SpikingSettings(seed=self.seed)
        if self.epochs is not None:
            settings = replace(settings, epochs=self.epochs)
        classifier = SpikingClassifier(settings, mnist)
        history = classifier.train(_checkpoint(run, "spiking"))
        row = _row(classifier, classifier.simulate_nengo_dl(self.digits))
        _, traces = classifier.simulate(
            nengo.Simulator, "", 1, False, n_traces=1, progress_bar=False
        )
        run.draw(draw_psmnist(traces, classifier))
        return _training(classifier, history) | {"row": row}

    def _measure_on_chip(self, run, mnist):
        """Train the network for the chip, and read digits on the emulator."""
        from nengo_lmu.experiments.psmnist.on_chip import SETTINGS, ChipClassifier
        from nengo_lmu.loihi import on_chip, resources

        settings = replace(SETTINGS, seed=self.seed)
        if self.epochs is not None:
            settings = replace(settings, epochs=self.epochs)
        chip = ChipClassifier(settings, mnist)
        history = chip.train(_checkpoint(run, "chip"))
        needs = resources(chip.network, settings.dt).as_record()
        ended = _checkpoint(run, "chip-digits", "json")
        row, told = chip.read(mnist.test, self.loihi_digits, ended)
        with on_chip(chip.lmu.memory):
            row = _row(chip, row)
        return _training(chip, history) | {
            "row": row | {"warnings": told, "resources": needs}
        }


def _training(classifier, history):
    """Return what is worth keeping of a training."""
    return {
        "parameters": _n_parameters(classifier),
        "training_seconds": sum(history["seconds"]),
        "history": history,
        "validation_accuracy": max(history["val_probe_accuracy"]),
    }


def _checkpoint(run, part, kind="npz"):
    """Return the file for what is done so far, if it is to be kept."""
    return None if run.folder is None else run.folder / f"checkpoint-{part}.{kind}"


def _remove(checkpoint):
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


def _row(classifier, row):
    """Return what is worth keeping of the digits that a simulator has classified."""
    s, memory = classifier.settings, classifier.lmu.memory
    return row.record | {
        "settings": asdict(s) | {"theta": s.theta},
        "neurons": classifier.network.n_neurons,
        "window_error": memory.predicted_error.window,
    }


def _n_parameters(classifier):
    shapes = [conn.transform.shape for conn in classifier.parameters.values()]
    return int(sum(np.prod(shape) for shape in shapes))


def _difference(classifier, scores, pixels):
    """Return how far the network in time is from the scores, at most."""
    s = classifier.settings
    in_nengo_dl = in_time.predict(classifier, pixels[:IN_NENGO_DL])
    differences = {
        "NengoDL": float(np.abs(in_nengo_dl - scores[: len(in_nengo_dl)]).max()),
        "nengo.Simulator": 0.0,
    }
    for k in range(IN_NENGO):
        with (
            classifier.presented(pixels[k : k + 1]),
            nengo.Simulator(classifier.network, dt=s.dt, progress_bar=False) as sim,
        ):
            sim.run_steps(s.n_steps)
        output = sim.data[classifier.scores][-1]
        differences["nengo.Simulator"] = max(
            differences["nengo.Simulator"], float(np.abs(output - scores[k]).max())
        )
    return differences
