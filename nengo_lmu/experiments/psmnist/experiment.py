"""psMNIST: train a network by one of several routes, and measure it once."""

import time
from dataclasses import asdict, replace

import nengo
import numpy as np

from nengo_lmu.analysis.records import versions
from nengo_lmu.experiments.psmnist import in_time as psmnist_time
from nengo_lmu.experiments.psmnist import last_steps as psmnist_scan
from nengo_lmu.experiments.psmnist import network as psmnist
from nengo_lmu.experiments.psmnist import spiking as psmnist_spiking
from nengo_lmu.experiments.psmnist import without_time as psmnist_static
from nengo_lmu.tasks.digits import Split

ROUTES = {
    "static": psmnist_static.SETTINGS,
    "scan": psmnist_scan.SETTINGS,
    "time": psmnist.Settings(),
}

# digits on which the network in time is compared with what it was trained as
IN_NENGO_DL, IN_NENGO = 100, 2


def run(
    path,
    route,
    seed=0,
    epochs=None,
    augment=True,
    checkpoint=None,
    show_progress=None,
):
    """Train the network and classify the test digits.

    Parameters
    ----------
    path : str, Path or None
        As for `nengo_lmu.tasks.mnist.load_mnist`.
    route : str
        Of `ROUTES`.
    seed : int
        Of the split, the weights and the spikes.
    epochs : int, optional
    augment : bool
        Of the static route: distort training digits.
    checkpoint : str or Path, optional
        Of the route in time: file from which it goes on when it was stopped.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
        Of what JSON can hold.
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
    """
    mnist = psmnist.load(path, seed)
    settings = replace(ROUTES[route], seed=seed)
    options = {} if epochs is None else {"epochs": epochs}
    options["show_progress"] = show_progress
    started = time.process_time()
    classifier = psmnist.Classifier(settings)
    if route == "static":
        history = psmnist_static.train(classifier, mnist, augment=augment, **options)
    elif route == "scan":
        history = psmnist_scan.train(classifier, mnist, **options)
    else:
        history = psmnist_time.train(
            classifier, mnist, checkpoint=checkpoint, **options
        )
    processor = time.process_time() - started

    scores = _scores(classifier, route, mnist.test.pixels)
    correct = scores.argmax(axis=1) == mnist.test.labels[: len(scores)]
    (accuracies,) = [
        values
        for name, values in history.items()
        if name.startswith("val_") and name.endswith("accuracy")
    ]
    return {
        "experiment": "psMNIST",
        "route": route,
        "settings": asdict(settings) | {"theta": settings.theta},
        "augmented": route == "static" and augment,
        "parameters": _n_parameters(classifier),
        "versions": versions(),
        "seconds": sum(history["seconds"]),
        # of this process, which may have gone on from a checkpoint
        "processor_seconds": None if checkpoint else processor,
        "history": history,
        "validation_accuracy": max(accuracies),
        "test": _summary(correct),
        "difference": _difference(classifier, scores, mnist.test.pixels),
    }, classifier


def run_spiking(
    path, n_digits=1000, n_loihi=0, seed=0, epochs=None, show_progress=None
):
    """Train the spiking network, and classify test digits with it.

    Parameters
    ----------
    path : str, Path or None
        As for `nengo_lmu.tasks.mnist.load_mnist`.
    n_digits : int
        How many of the test digits, in NengoDL.
    n_loihi : int
        How many on the Loihi emulator, by the network of `psmnist_spiking.ON_CHIP`.
    seed : int
    epochs : int, optional
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
        Of what JSON can hold.
    traces : dict of ndarray
        Of the first test digit, as of `SpikingClassifier.trace`, and the ``digit``.
    classifier : SpikingClassifier
    """
    mnist = psmnist.load(path, seed)
    settings = psmnist_spiking.Settings(seed=seed)
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    started = time.perf_counter()
    classifier = psmnist_spiking.SpikingClassifier(settings, mnist)
    history = classifier.train(mnist, show_progress)
    trained = time.perf_counter() - started

    rows = [
        _row(
            classifier,
            classifier.simulate_nengo_dl(
                _first(mnist.test, n_digits),
                minibatch_size=min(100, n_digits),
                show_progress=show_progress,
            ),
        )
    ]
    if n_loihi:
        import nengo_loihi

        chip = psmnist_spiking.SpikingClassifier(
            replace(psmnist_spiking.ON_CHIP, seed=seed), mnist
        )
        chip.train(mnist, show_progress)
        row = chip.simulate(
            nengo_loihi.Simulator,
            "Loihi emulator",
            _first(mnist.test, n_loihi),
            show_progress,
            target="sim",
        )
        rows.append(_row(chip, row))
    return (
        {
            "experiment": "psMNIST, spiking",
            "parameters": _n_parameters(classifier),
            "versions": versions(),
            "seconds": trained,
            "history": history,
            "validation_accuracy": max(history["val_accuracy"]),
            "results": rows,
        },
        classifier.trace(mnist.test.pixels[0])
        | {"digit": mnist.test.pixels[0], "label": mnist.test.labels[0]},
        classifier,
    )


def _first(split, n):
    return Split(split.pixels[:n], split.labels[:n])


def _row(classifier, row):
    """Return what is worth keeping of the digits that a simulator has classified."""
    s, memory = classifier.settings, classifier.lmu.memory
    return asdict(row) | {
        "settings": asdict(s) | {"theta": s.theta},
        "neurons": classifier.network.n_neurons,
        "window_error": memory.predicted_error.window,
        **_summary(np.array(row.correct)),
    }


def _summary(correct):
    accuracy = float(np.mean(correct))
    return {
        "digits": len(correct),
        "accuracy": accuracy,
        "standard_error": float(np.sqrt(accuracy * (1 - accuracy) / len(correct))),
    }


def _n_parameters(classifier):
    shapes = [conn.transform.shape for conn in classifier.parameters.values()]
    return int(sum(np.prod(shape) for shape in shapes))


def _scores(classifier, route, pixels):
    if route == "static":
        return psmnist_static.scores(classifier, pixels)
    if route == "scan":
        return psmnist_scan.predict(psmnist_scan.Scan(classifier), pixels)
    return psmnist_time.predict(classifier, pixels)


def _difference(classifier, scores, pixels):
    """Return how far the network in time is from the scores, at most."""
    s = classifier.settings
    in_nengo_dl = psmnist_time.predict(classifier, pixels[:IN_NENGO_DL])
    found = {
        "NengoDL": float(np.abs(in_nengo_dl - scores[: len(in_nengo_dl)]).max()),
        "nengo.Simulator": 0.0,
    }
    for k in range(IN_NENGO):
        signal = classifier.signal(pixels[k : k + 1])[0]
        classifier.stimulus.output = nengo.processes.PresentInput(signal, s.dt)
        with nengo.Simulator(classifier.network, dt=s.dt, progress_bar=False) as sim:
            sim.run_steps(s.n_steps)
        last = sim.data[classifier.scores][-1]
        found["nengo.Simulator"] = max(
            found["nengo.Simulator"], float(np.abs(last - scores[k]).max())
        )
    classifier.stimulus.output = [0.0]
    return found
