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
from nengo_lmu.experiments.psmnist import networks as spiking_networks
from nengo_lmu.experiments.psmnist.spiking import Settings as SpikingSettings
from nengo_lmu.legendre import ArgumentError

ROUTES = {
    "without-time": without_time.SETTINGS,
    "wide": without_time.WIDE,
    "scan": in_time.SCANNED,
    "time": network.Settings(),
}

# Those of which only the last state is read, and for how many epochs.
WITHOUT_TIME = {"without-time": without_time.EPOCHS, "wide": without_time.WIDE_EPOCHS}

_N_TEST = 10_000

# Of the first spiking network so many test digits are read in NengoDL, too.
SPIKING_IN_DL = 250

# Networks on the curve read so many test digits at most.
ON_CURVE = 1000

# On so many digits the network in time is compared with what it was trained as.
IN_NENGO_DL, IN_NENGO = 100, 2


@dataclass(frozen=True)
class PsMnist(Experiment):
    """Permuted sequential MNIST: digits, pixel by pixel in shuffled order.

    Four networks of an ideal Legendre memory and a hidden layer, trained by

      --route without-time   nothing feeds back into the memory and only its last
                             state is read: rectified linear units, a minute or two
                             of a core
      --route wide           the same with three times the parameters, for twice
                             as many epochs
      --route scan           recurrent hidden units, tanh, and a memory that nothing
                             feeds back into: hidden units are followed over the
                             last 112 steps in training
      --route time           the paper's network, all of it recurrent, by
                             backpropagation through 784 steps of NengoDL

    or, with --spiking, networks of Poisson neurons and spiking hidden units,
    trained without time as well, with the noise of spikes. They read in spikes:
    all --digits step by step, some of them in NengoDL, and a network of its own
    on the Loihi emulator. Their hidden units wait for the last pixels of a digit.

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
        "train on the digits as they are (without time, they are by default shifted, "
        "turned, stretched and slanted a little, in each epoch otherwise)"
    )
    spiking: bool = switch("spikes, see above")
    digits: int = option(
        1000,
        whole_number(0, _N_TEST),
        "test digits for spiking networks; 0 to leave them out",
    )
    networks: int = option(
        1,
        whole_number(1, 100),
        "spiking networks, each with a seed of its own, from --seed on",
    )
    curve: bool = switch(
        "with --spiking, the first network with memories of other rates, too: up to "
        "1000 digits"
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
        for name in ("digits", "networks", "curve", "loihi_digits"):
            if getattr(self, name) != getattr(PsMnist, name) and not self.spiking:
                raise ArgumentError(
                    f"argument --{name.replace('_', '-')}",
                    "is for spikes; give --spiking too, or leave it out",
                )
        if self.spiking and not self.digits and not self.loihi_digits:
            raise ArgumentError(
                "argument --digits",
                "and --loihi-digits are both 0, which leaves nothing to measure; give "
                "at least one of them",
            )
        if self.no_augmentation and self.route not in WITHOUT_TIME:
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
            for each network and simulator, their ``summary``, and the ``curve``.
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
        without = self.route in WITHOUT_TIME
        augmented = without and not self.no_augmentation
        checkpoint = _checkpoint(run, self.route)
        resumed = checkpoint is not None and checkpoint.exists()
        started = time.process_time()
        classifier = network.Classifier(settings)
        if without:
            options = {"epochs": WITHOUT_TIME[self.route], **options}
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
        if self.route in WITHOUT_TIME:
            return without_time.scores(classifier, pixels)
        return in_time.predict(classifier, pixels)

    def _measure_spiking(self, run, mnist):
        """Train and read in spikes: networks for NengoDL, and one for the chip."""
        measured = self._measure_networks(run, mnist) if self.digits else {}
        if self.loihi_digits:
            chip = self._measure_on_chip(run, mnist)
            rows = [*measured.get("results", []), chip.pop("row")]
            measured = chip | measured | {"results": rows}
        return measured

    def _measure_networks(self, run, mnist):
        """Train spiking networks, and draw how the first reads the first test digit."""
        from nengo_lmu.experiments.psmnist.report import draw_psmnist

        first = SpikingSettings(seed=self.seed)
        if self.epochs is not None:
            first = replace(first, epochs=self.epochs)
        networks = [replace(first, seed=self.seed + k) for k in range(self.networks)]
        classifiers, results = [], []
        for s in networks:
            digits = mnist if s.seed == self.seed else network.load(self.mnist, s.seed)
            classifier, result = spiking_networks.measure(
                s, digits, self.digits, _kept(run, f"network-{s.seed}")
            )
            classifiers.append(classifier)
            results.append(result)
        points = []
        if self.curve:
            n_digits = min(self.digits, ON_CURVE)
            for s in spiking_networks.curve(first):
                path = _kept(run, f"network-{s.seed}-{s.max_rate:g}-hertz")
                _, point = spiking_networks.measure(
                    s, mnist, n_digits, path, classifiers[0].matrices
                )
                points.append(point)
            # The network's own point is of the same digits.
            own = fraction(results[0]["correct"][:n_digits])
            points.append(results[0] | own)
            points.sort(key=lambda point: point["spikes"])
        in_nengo_dl = classifiers[0].simulate_nengo_dl(min(self.digits, SPIKING_IN_DL))
        _, traces = classifiers[0].simulate(
            nengo.Simulator, "", 1, False, n_traces=1, progress_bar=False
        )
        run.draw(draw_psmnist(traces, classifiers[0], points or results))
        return {
            "parameters": _n_parameters(classifiers[0]),
            "training_seconds": results[0]["training_seconds"],
            "validation_accuracy": results[0]["validation_accuracy"],
            "summary": spiking_networks.summary(results),
            "results": [*results, _row(classifiers[0], in_nengo_dl)],
            "curve": points,
        }

    def _measure_on_chip(self, run, mnist):
        """Train the network for the chip, and read digits on the emulator."""
        from nengo_lmu.experiments.psmnist.on_chip import SETTINGS, ChipClassifier
        from nengo_lmu.loihi import on_chip, resources

        settings = replace(SETTINGS, seed=self.seed)
        if self.epochs is not None:
            settings = replace(settings, epochs=self.epochs)
        chip = ChipClassifier(settings, mnist)
        reading = spiking_networks.trained(chip, _kept(run, f"chip-{self.seed}"))
        needs = resources(chip.network, settings.dt).as_record()
        row, told = chip.read(mnist.test, self.loihi_digits, reading)
        with on_chip(chip.lmu.memory):
            row = _row(chip, row)
        return spiking_networks.of_training(reading) | {
            "row": row | {"warnings": told, "resources": needs},
        }


def _kept(run, name):
    """Return the file for a trained network and what it has read, if it is kept."""
    return None if run.folder is None else run.folder / f"{name}.npz"


def _checkpoint(run, part):
    """Return the file for what is done so far, if it is to be kept."""
    return _kept(run, f"checkpoint-{part}")


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
