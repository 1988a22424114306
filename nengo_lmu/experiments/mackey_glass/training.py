"""Training on windows of the Mackey-Glass series."""

import numpy as np


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
    pairs = []
    for split in (data.train, data.validation):
        x = windows(predictor.signal(split.x), *sizes)
        y = windows(predictor.targets(split.y), *sizes)
        later = np.arange(len(y)) % (len(y) // len(split)) > 0
        y[later, : sizes[1]] = np.nan
        pairs.append((x, y))
    return pairs


def squared_error(target, predicted):
    """Return the mean squared error, without what is NaN."""
    import tensorflow as tf

    counts = tf.math.is_finite(target)
    error = tf.where(counts, predicted - tf.where(counts, target, 0.0), 0.0)
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
        stimulus, output = predictor.input, predictor.output
        with network:
            nengo_dl.configure_settings(stateful=False)
    else:
        layers = predictor.unrolled() if layers is None else layers
        network, stimulus, output = unroll(layers, n_steps, 1)
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
    optimizer = tf.keras.optimizers.Adam(rate, clipnorm=s.clipnorm)
    sim.compile(optimizer=optimizer, loss=squared_error)
    return sim, stimulus, output, layers


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
    sim, stimulus, output, layers = simulator(predictor, parts[0][0].shape[1])
    if layers:  # they take all time steps as one
        parts = [[array.reshape(len(array), 1, -1) for array in part] for part in parts]
    (train_x, train_y), (check_x, check_y) = parts
    with sim:
        history = fit(
            sim,
            {stimulus: train_x},
            {output: train_y},
            epochs=s.epochs,
            seed=s.seed,
            validation=({stimulus: check_x}, {output: check_y}),
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
