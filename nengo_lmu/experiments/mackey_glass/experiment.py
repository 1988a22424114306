"""Prediction of the Mackey-Glass series by networks that are trained on it."""

import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import numpy as np

from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.mackey_glass.network import (
    LAYERS,
    MODELS,
    PUBLISHED,
    TRAINING,
    Predictor,
    Settings,
)
from nengo_lmu.experiments.mackey_glass.training import simulator, train, training_data
from nengo_lmu.experiments.options import number_of_runs, one_of, whole_number
from nengo_lmu.tasks.mackey_glass import nrmse

# A network that is tried at other time steps has these.
SCALED = Settings(averaged=True, steps_per_sample=4, epochs=8, minibatch=4)

# At these time steps a network is tried that was trained at one of 1 ms (seconds).
TIME_STEPS = (0.0005, 0.001, 0.002)

# The network in time is compared to that in space by so many samples of a sequence.
N_COMPARED = 500

# A reduced run has these in place of the settings of the full one.
QUICK = {"sizes": (8, 8, 8), "n_samples": 1360, "epochs": 4, "minibatch": 8}


@dataclass(frozen=True)
class MackeyGlass(Experiment):
    """Predict the Mackey-Glass series, a chaotic one, 15 samples ahead.

    Networks of four layers and some 18,000 parameters are trained on 32 sequences
    of 5000 samples, and tried on 64 others: LSTMs, LMUs and layers of both in turn.
    If asked for, also "paper", the paper's LMU, in which everything feeds back: it
    is trained in time, which takes longer. The error is the root mean square one
    over all samples, relative to the root mean square of the series.

    Besides: LMUs that were trained at a time step of 1 ms, run at others; and how
    long training takes. `train mackey-glass-spikes` is about spiking LMUs.

    Tables go to the screen; the record (train-mackey-glass.json), a figure
    (train-mackey-glass.png) and checkpoints to a folder. When it was interrupted,
    the same command continues where it was.
    """

    name = "train mackey-glass"
    keeps = "record, figure and checkpoints"
    resumes = True

    models: tuple = option(
        MODELS[:3], one_of(MODELS), f"of {', '.join(MODELS)}", "MODEL"
    )
    seeds: int = option(
        3,
        number_of_runs,
        "how often each is trained, with other sequences and weights",
    )
    epochs: int | None = option(
        None,
        whole_number(1),
        f"of the four-layer networks (default: {Settings.epochs}, {QUICK['epochs']} "
        "with --quick)",
    )
    quick: bool = switch(
        "fewer and shorter sequences and a few epochs, to see that it works"
    )

    def measure(self, run):
        """Train all networks, but for those that checkpoints have, and try them.

        Returns
        -------
        measured : dict
            ``base``, the settings of networks of each kind (``network`` and
            ``scaled``), which differ in model and seed; ``networks`` and ``scaled``,
            what was measured of them; ``seconds_per_epoch``; and ``series``, for the
            figure.
        """
        network, scaled = Settings(), SCALED
        if self.quick:
            network, scaled = (replace(base, **QUICK) for base in (network, scaled))
        if self.epochs is not None:
            network = replace(network, epochs=self.epochs)
        networks, series = [], {}
        for model in dict.fromkeys(self.models):
            results = []
            for seed in range(self.seeds):
                settings = replace(
                    network, model=model, seed=seed, **TRAINING.get(model, {})
                )
                result, predicted = measure(settings, run.folder)
                results.append(result)
                series.setdefault(model, predicted)
            networks.append(
                {"model": model, "published": PUBLISHED.get(model), "seeds": results}
            )
        return {
            "base": {"network": asdict(network), "scaled": asdict(scaled)},
            "networks": networks,
            "scaled": [
                measure_scaled(replace(scaled, seed=seed), run.folder)
                for seed in range(self.seeds)
            ],
            "seconds_per_epoch": epoch_times(network),
            "series": series,
        }

    def table(self, record):
        """Return errors of the networks, and at other time steps."""
        from nengo_lmu.experiments.mackey_glass import report

        return (
            f"{report.title(record)}\n\n{report.network_table(record)}\n\n"
            "Trained at a time step of 1 ms, run at others:\n\n"
            f"{report.scaled_table(record)}"
        )

    figure = shown_by("experiments.mackey_glass.report.draw_mackey_glass")


def measure(settings, folder):
    """Train a network and try it on the test sequences.

    Returns
    -------
    result : dict
        ``nrmse``, of all test sequences; ``validation_nrmse``; ``parameters``;
        ``epoch``, the one that was kept; and ``in_time``, the largest difference that
        running the network step by step in nengo.Simulator makes.
    series : dict of list
        ``wanted`` and ``predicted`` for the first of them.
    """
    data, predictor = settings.data(), Predictor(settings)
    parameters = predictor.parameters()
    history = train(predictor, data, _checkpoint(folder, settings))
    predicted = predictor.predict(data.test.x)
    stepped = predictor.step_by_step(data.test.x[0, :N_COMPARED])
    result = {
        "seed": settings.seed,
        "nrmse": nrmse(predicted, data.test.y),
        "validation_nrmse": nrmse(
            predictor.predict(data.validation.x), data.validation.y
        ),
        "parameters": parameters,
        "epoch": int(np.argmin(history["val_loss"])) + 1,
        "in_time": float(np.abs(stepped - predicted[0, :N_COMPARED]).max()),
    }
    return result, {
        "wanted": data.test.y[0, :N_COMPARED, 0].tolist(),
        "predicted": predicted[0, :N_COMPARED, 0].tolist(),
    }


def measure_scaled(settings, folder):
    """Train a network and try it at other time steps, with theta in seconds unchanged.

    The same series in time goes to all of them, its samples joined by straight lines,
    and what they say at the samples is compared with what is wanted there.

    Returns
    -------
    result : dict
        ``nrmse``, of all test sequences, for each of `TIME_STEPS`.
    """
    data, predictor = settings.data(), Predictor(settings)
    train(predictor, data, _checkpoint(folder, settings))
    return {
        "seed": settings.seed,
        "dt": list(TIME_STEPS),
        "nrmse": [
            nrmse(predictor.at(dt).predict(data.test.x, minibatch=4), data.test.y)
            for dt in TIME_STEPS
        ],
    }


def _checkpoint(folder, settings):
    """Return the file for the state of a training, another one for each."""
    if folder is None:
        return None
    text = json.dumps(asdict(settings), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return folder / "checkpoints" / f"{digest}.npz"


def epoch_times(settings, rounds=3):
    """Measure how long an epoch of training takes, by some minibatches of each in turn.

    In turn, so that whatever else the computer does slows all of them down alike.

    Parameters
    ----------
    settings : Settings
    rounds : int
        How often; the best counts.

    Returns
    -------
    seconds : dict
        Of processor time, for each of `MODELS`, and for ``keras``, the LSTM as Keras
        itself runs it.
    """
    settings = replace(settings, seed=0)
    data = settings.data()
    networks = {model: replace(settings, model=model) for model in MODELS}
    networks["keras"] = networks["lstm"]
    times = {name: [] for name in networks}
    with ExitStack() as stack:
        steps = {
            name: _minibatches(network, data, stack, keras=name == "keras")
            for name, network in networks.items()
        }
        for _ in range(rounds + 1):  # they are compiled the first time
            for name, step in steps.items():
                times[name].append(step())
    return {name: min(values[1:]) for name, values in times.items()}


def _minibatches(settings, data, stack, keras, number=4):
    """Return a function that trains a little, and says what an epoch would take."""
    import nengo_dl  # noqa: F401  before TensorFlow, whose Keras it changes
    import tensorflow as tf

    predictor = Predictor(settings)
    (x, y), _ = training_data(predictor, data)
    layers = None
    if keras:
        layers = [
            tf.keras.layers.LSTM(units, return_sequences=True)
            for _, units in LAYERS["lstm"]
        ] + [tf.keras.layers.Dense(1)]
    sim, stimulus, output, layers = simulator(predictor, x.shape[1], layers)
    stack.enter_context(sim)
    number = min(number, len(x) // settings.minibatch)
    rows = number * settings.minibatch
    per_epoch = len(x) // settings.minibatch / number
    if layers:
        x, y = (array.reshape(len(array), 1, -1) for array in (x, y))

    def train_some():
        start = time.process_time()
        sim.fit({stimulus: x[:rows]}, {output: y[:rows]}, epochs=1, verbose=0)
        return (time.process_time() - start) * per_epoch

    return train_some
