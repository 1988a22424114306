"""How class scores are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nengo_lmu.series.states import draw_kernel, states_to_read

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from nengo_lmu.series.network import SeriesNetwork


def compile_arguments(rate, steps=None, **kwargs):
    """Return how a simulator of a network with class scores is compiled.

    Parameters
    ----------
    rate : float
        The learning rate of Adam.
    steps : int, optional
        Minibatches in which the rate falls to 0 along a cosine; by default it stays.
    **kwargs
        More for Adam.

    Returns
    -------
    arguments : dict
        ``optimizer``, ``loss`` (of scores that are logits, and labels) and ``metrics``.
    """
    import tensorflow as tf

    if steps is not None:
        rate = tf.optimizers.schedules.CosineDecay(rate, steps)
    return {
        "optimizer": tf.optimizers.Adam(rate, **kwargs),
        "loss": tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }


def train(
    model: SeriesNetwork,
    sequences: Any,
    labels: Any,
    *,
    validation: tuple[Any, Any] | None = None,
    epochs: int = 10,
    copies: int | None = None,
    learning_rate: float = 1e-2,
    minibatch_size: int = 100,
    checkpoint: str | Path | None = None,
    show_progress: bool | None = None,
) -> dict[str, list[float]]:
    """Train the hidden units and class scores of a network for series.

    On ideal states of the memory, in a network of a single step
    (`nengo_lmu.dl.feedforward.train`). Sequences follow one another as in a stream, in
    another order in each epoch, and states have noise of the covariance that the
    theory expects of the memory's spikes, on the chip.

    Parameters
    ----------
    model : nengo_lmu.series.network.SeriesNetwork
        Of the task "classify". Its parameters are changed.
    sequences : list of (steps, features) ndarray
        Scaled.
    labels : (n,) ndarray of int
    validation : tuple of list and ndarray, optional
        Sequences and labels by which the epoch is chosen; without, it is the last.
    epochs : int
    copies : int
        How often all sequences come in an epoch, each time with other noise and in
        another order; by default four times where they are read last, and once where
        every sample is read.
    learning_rate : float
        Of Adam, to begin with; it falls to 0 along a cosine.
    minibatch_size : int
    checkpoint : str or Path, optional
        File from which a training that was stopped goes on.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    history : dict from str to list of float
        As `nengo_lmu.dl.training.fit` returns it.
    """
    from nengo_lmu.dl import SpikeNoise, feedforward

    s = model.settings
    copies = {"last": 4, "every": 1}[s.read] if copies is None else copies
    rng = np.random.RandomState(s.seed)

    def examples(rng, sequences=sequences, labels=labels):
        parts = [states_to_read(sequences, s, rng) for _ in range(copies)]
        m, owner = (np.concatenate(part) for part in zip(*parts))
        return m, labels[owner]

    m, _ = examples(rng)
    parameters = model.parameters
    parameters["memory_kernel"].transform = draw_kernel(m, s.units, rng)
    readout = rng.standard_normal((s.outputs, s.units)) / np.sqrt(s.units)
    parameters["readout"].transform = readout
    minibatch_size = min(minibatch_size, len(m))
    if validation is not None:
        validation = examples(rng, *validation)
        minibatch_size = min(minibatch_size, len(validation[0]))
    noise = None
    if s.n_neurons:
        noise = SpikeNoise(model.lmu.unit, s.readout_tau * s.held)
    return feedforward.train(
        model.lmu,
        model.readout,
        examples,
        validation=validation,
        **compile_arguments(learning_rate, epochs * (len(m) // minibatch_size)),
        epochs=epochs,
        seed=s.seed,
        bias=model.bias,
        layer=noise,
        noise_covariance=model.noise_covariance() if s.n_neurons else None,
        minibatch_size=minibatch_size,
        checkpoint=checkpoint,
        monitor=None if validation is None else "val_probe_loss",
        mode="min",
        description=f"{len(sequences)} sequences",
        show_progress=show_progress,
    )
