"""Training on the Mackey-Glass series, and how well it went."""

import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import numpy as np

from nengo_lmu.analysis.records import versions
from nengo_lmu.experiments.mackey_glass.network import (
    LAYERS,
    MODELS,
    PUBLISHED,
    Predictor,
    Settings,
)
from nengo_lmu.experiments.mackey_glass.spiking import SpikingPredictor, SpikingSettings
from nengo_lmu.tasks.mackey_glass import nrmse

# Time steps at which a network is tried that was trained at one of 1 ms (seconds).
TIME_STEPS = (0.0005, 0.001, 0.002)

# samples of a sequence with which the network in time is compared to that in space
N_COMPARED = 500

# what a reduced run makes of the settings of the full one
QUICK = {"sizes": (8, 8, 8), "n_samples": 1360, "epochs": 4, "minibatch": 8}
QUICK_SPIKING = {"epochs": 2, "n_samples": 300, "units": 300}


@dataclass(frozen=True)
class Plan:
    """What to train and to measure.

    Attributes
    ----------
    models : tuple of str
        Of `nengo_lmu.experiments.mackey_glass.network.MODELS`.
    seeds : int
        How many: 0, 1 and so on.
    settings : Settings
        With another model and seed for each.
    scaled : Settings or None
        Of a network that is tried at other time steps; None for none.
    neurons : tuple of int
        Of the memories that spike.
    spiking : SpikingSettings
        With another number of neurons and seed for each.
    timed : bool
        Whether to measure the time that an epoch takes.
    """

    models: tuple = ("lstm", "lmu", "hybrid")
    seeds: int = 3
    settings: Settings = Settings()
    scaled: Settings = Settings(
        averaged=True, steps_per_sample=4, epochs=8, minibatch=4
    )
    neurons: tuple = (200, 1000, 5000)
    spiking: SpikingSettings = SpikingSettings()
    timed: bool = True

    def quick(self):
        """Return a plan of less: shorter series, fewer of them and fewer epochs."""
        return replace(
            self,
            settings=replace(self.settings, **QUICK),
            scaled=replace(self.scaled, **QUICK),
            spiking=replace(self.spiking, **QUICK_SPIKING),
        )


def run(plan, out, show_progress=None):
    """Train and measure all that is planned.

    Parameters
    ----------
    plan : Plan
    out : Path
        For checkpoints: what has been trained is not trained again.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    record : dict
    """
    seeds = range(plan.seeds)
    networks, series = [], {}
    for model in plan.models:
        found = []
        for seed in seeds:
            settings = replace(plan.settings, model=model, seed=seed)
            result, predicted = measure(settings, out, show_progress)
            found.append(result)
            if seed == 0:
                series[model] = predicted
        networks.append(
            {"model": model, "published": PUBLISHED.get(model), "seeds": found}
        )
    scaled = [
        measure_scaled(replace(plan.scaled, seed=seed), out, show_progress)
        for seed in seeds
    ]
    spiking = [
        {
            "n_neurons": m,
            "seeds": [
                measure_spiking(
                    replace(plan.spiking, n_neurons=m, seed=seed),
                    plan.settings,
                    out,
                    show_progress,
                )
                for seed in seeds
            ],
        }
        for m in plan.neurons
    ]
    return {
        "experiment": "Mackey-Glass",
        "plan": asdict(plan),
        "versions": versions(),
        "networks": networks,
        "scaled": scaled,
        "spiking": spiking,
        "seconds_per_epoch": epoch_times(plan.settings) if plan.timed else None,
        "series": series,
    }


def measure(settings, out, show_progress=None):
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
    history = train(predictor, data, _checkpoint(out, settings), show_progress)
    predicted = predictor.predict(data.test.x)
    first = predictor.step_by_step(data.test.x[0, :N_COMPARED])
    result = {
        "seed": settings.seed,
        "nrmse": nrmse(predicted, data.test.y),
        "validation_nrmse": nrmse(
            predictor.predict(data.validation.x), data.validation.y
        ),
        "parameters": parameters,
        "epoch": int(np.argmin(history["val_loss"])) + 1,
        "in_time": float(np.abs(first - predicted[0, :N_COMPARED]).max()),
    }
    return result, {
        "wanted": data.test.y[0, :N_COMPARED, 0].tolist(),
        "predicted": predicted[0, :N_COMPARED, 0].tolist(),
    }


def measure_scaled(settings, out, show_progress=None):
    """Train a network and try it at other time steps, with theta in seconds unchanged.

    The same series in time goes to all of them, its samples joined by straight lines,
    and what they say at the samples is compared with what is wanted there.

    Returns
    -------
    result : dict
        ``nrmse``, of all test sequences, for each of `TIME_STEPS`.
    """
    data, predictor = settings.data(), Predictor(settings)
    train(predictor, data, _checkpoint(out, settings), show_progress)
    return {
        "seed": settings.seed,
        "dt": list(TIME_STEPS),
        "nrmse": [
            nrmse(predictor.at(dt).predict(data.test.x, minibatch=4), data.test.y)
            for dt in TIME_STEPS
        ],
    }


def measure_spiking(spiking, settings, out, show_progress=None):
    """Train a network of spiking neurons and try it.

    Returns
    -------
    result : dict
        As `nengo_lmu.experiments.mackey_glass.spiking.SpikingPredictor.measure` has it.
    """
    data = replace(settings, seed=spiking.seed).data()
    predictor = SpikingPredictor(spiking, data)
    predictor.train(_checkpoint(out, spiking), show_progress)
    return {"seed": spiking.seed, **predictor.measure()}


def _checkpoint(out, settings):
    """Return the file for the state of a training, another one for each."""
    text = json.dumps(asdict(settings), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return out / "checkpoints" / f"{digest}.npz"


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
    found = {name: [] for name in networks}
    with ExitStack() as stack:
        steps = {
            name: _minibatches(one, data, stack, keras=name == "keras")
            for name, one in networks.items()
        }
        for _ in range(rounds + 1):  # the first time, they are compiled
            for name, step in steps.items():
                found[name].append(step())
    return {name: min(values[1:]) for name, values in found.items()}


def _minibatches(settings, data, stack, keras, number=4):
    """Return a function that trains a little, and says what an epoch would take."""
    import tensorflow as tf

    predictor = Predictor(settings)
    (x, y), _ = training_data(predictor, data)
    layers = None
    if keras:
        layers = [
            tf.keras.layers.LSTM(units, return_sequences=True)
            for _, units in LAYERS["lstm"]
        ] + [tf.keras.layers.Dense(1)]
    sim, given, output, layers = simulator(predictor, x.shape[1], layers)
    stack.enter_context(sim)
    number = min(number, len(x) // settings.minibatch)
    rows = number * settings.minibatch
    per_epoch = len(x) // settings.minibatch / number
    if layers:
        x, y = (array.reshape(len(array), 1, -1) for array in (x, y))

    def train_some():
        before = time.process_time()
        sim.fit({given: x[:rows]}, {output: y[:rows]}, epochs=1, verbose=0)
        return (time.process_time() - before) * per_epoch

    return train_some


def windows(signal, length, overlap):
    """Cut sequences into windows of a fixed length.

    Parameters
    ----------
    signal : (n, n_steps, 1) ndarray
    length, overlap : int
        What is left at the end, of less than a window, is left out.

    Returns
    -------
    cut : (n * n_windows, length, 1) ndarray
        All windows of the first sequence first.
    """
    starts = np.arange(0, signal.shape[1] - length + 1, length - overlap)
    cut = signal[:, starts[:, np.newaxis] + np.arange(length)]
    return cut.reshape(-1, length, 1)


def training_data(predictor, data):
    """Return windows to learn from, and to validate with.

    Each window begins with the network at rest; what it has in common with the window
    before it is there to get over that, and does not count.

    Returns
    -------
    train, validation : tuple of (n, n_steps, 1) ndarray
        Inputs and targets; NaN does not count.
    """
    s, p = predictor.settings, predictor.steps_per_sample
    sizes = s.window * p, s.overlap * p
    found = []
    for split in (data.train, data.validation):
        x = windows(predictor.signal(split.x), *sizes)
        y = windows(predictor.targets(split.y), *sizes)
        later = np.arange(len(y)) % (len(y) // len(split)) > 0
        y[later, : sizes[1]] = np.nan
        found.append((x, y))
    return found


def squared_error(wanted, predicted):
    """Return the mean squared error, without what is NaN."""
    import tensorflow as tf

    counts = tf.math.is_finite(wanted)
    error = tf.where(counts, predicted - tf.where(counts, wanted, 0.0), 0.0)
    number = tf.reduce_sum(tf.cast(counts, error.dtype))
    return tf.reduce_sum(error**2) / tf.maximum(number, 1.0)


def simulator(predictor, n_steps, layers=None):
    """Return a simulator to train a network with, compiled.

    Parameters
    ----------
    predictor : nengo_lmu.experiments.mackey_glass.network.Predictor
    n_steps : int
        Of the windows.
    layers : list of tf.keras.layers.Layer, optional
        To train in place of the network's own.

    Returns
    -------
    sim : nengo_dl.Simulator
        Of the network in space, or in time for the paper's.
    input : nengo.Node
    output : nengo.Probe
    layers : list of tf.keras.layers.Layer
        Whose weights are to be stored afterwards.
    """
    import nengo_dl
    import tensorflow as tf

    from nengo_lmu.dl.unrolled import unroll

    s = predictor.settings
    if s.model == "paper":
        layers, network = [], predictor.network
        given, output = predictor.input, predictor.output
        with network:
            nengo_dl.configure_settings(stateful=False)
    else:
        layers = predictor.unrolled() if layers is None else layers
        network, given, output = unroll(layers, n_steps, 1)
    sim = nengo_dl.Simulator(
        network,
        dt=predictor.dt,
        minibatch_size=s.minibatch,
        progress_bar=False,
        seed=s.seed,
    )
    n_windows = (s.n_samples - s.overlap) // (s.window - s.overlap) * s.sizes[0]
    rate = tf.keras.optimizers.schedules.CosineDecay(
        s.learning_rate, s.epochs * (n_windows // s.minibatch), alpha=0.01
    )
    sim.compile(optimizer=tf.keras.optimizers.Adam(rate), loss=squared_error)
    return sim, given, output, layers


def train(predictor, data, checkpoint=None, show_progress=None):
    """Train a network, and keep the epoch that is best in validation.

    Parameters
    ----------
    predictor : nengo_lmu.experiments.mackey_glass.network.Predictor
    data : nengo_lmu.tasks.mackey_glass.MackeyGlass
    checkpoint : Path, optional
        See `nengo_lmu.dl.training.fit`.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict
        As `nengo_lmu.dl.training.fit` returns it.
    """
    from nengo_lmu.dl.training import fit

    s = predictor.settings
    parts = training_data(predictor, data)
    sim, given, output, layers = simulator(predictor, parts[0][0].shape[1])
    if layers:  # all time steps in one
        parts = [[array.reshape(len(array), 1, -1) for array in part] for part in parts]
    (train_x, train_y), (check_x, check_y) = parts
    with sim:
        history = fit(
            sim,
            {given: train_x},
            {output: train_y},
            epochs=s.epochs,
            seed=s.seed,
            validation=({given: check_x}, {output: check_y}),
            checkpoint=checkpoint,
            monitor="val_loss",
            mode="min",
            description=f"{s.model}, seed {s.seed}",
            show_progress=show_progress,
        )
        if layers:
            for layer in layers:
                layer.store()
        else:
            sim.freeze_params(predictor.network)
    return history
