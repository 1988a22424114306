"""Digits in several streams side by side, in the reference simulator.

One network holds a spiking memory for each stream, all of the same design. A step of
Nengo's costs as much for a few hundred neurons as for a few thousand, so that is
several times faster than one stream after another. And several trained networks may
listen to the same memories: then nothing but their training makes a difference.
"""

import nengo
import numpy as np
from tqdm import tqdm

from nengo_lmu.networks import LegendreMemory
from nengo_lmu.tasks.digits import N_CLASSES, N_PIXELS

N_STREAMS = 8


def memory_states(classifier, pixels, delays, seed, show_progress=None):
    """Return states of the spiking memory about the end of digits.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.digits.network.DigitClassifier
        Whose memory it is.
    pixels : (n, 64) array_like
        Digits.
    delays : (n_delays,) array_like of int
        How many steps before the end of each digit.
    seed : int
        Of the spikes.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    m : (n_delays, n, d) ndarray
    """
    s = classifier.settings
    streams = _in_streams(pixels)
    with nengo.Network(seed=seed) as network:
        memory = _memories(classifier, streams)
        probe = nengo.Probe(memory.output)
    found = []
    with nengo.Simulator(network, dt=s.dt, progress_bar=False, seed=seed) as sim:
        for _ in _bar(streams, "spiking states", show_progress):
            sim.run_steps(s.n_steps)
            found.append(sim.data[probe][-1 - np.asarray(delays)])
            sim.clear_probes()
    m = np.reshape(found, (-1, len(delays), N_STREAMS, s.d)).transpose(1, 2, 0, 3)
    return m.reshape(len(delays), -1, s.d)[:, : len(pixels)]


def classify(classifier, trained, pixels, seed, show_progress=None):
    """Let several trained networks read digits from the same spiking memories.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.digits.network.DigitClassifier
        Whose memory and hidden layer it is.
    trained : list of dict
        Of the `DigitClassifier.matrices` of each network.
    pixels : (n, 64) array_like
        Digits.
    seed : int
        Of the spikes.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    guesses : (n_trained, n) ndarray of int
    """
    s, hidden = classifier.settings, classifier.lmu.hidden
    streams = _in_streams(pixels)
    n_trained = len(trained)
    units, scores = n_trained * s.units, n_trained * N_CLASSES
    kernel = np.vstack([one["memory_kernel"] for one in trained])
    bias = np.concatenate([one["hidden_bias"][:, 0] for one in trained])
    readout = np.zeros((n_trained, N_CLASSES, n_trained, s.units))
    for i, one in enumerate(trained):
        readout[i, :, i] = one["readout"] / classifier.lmu.unit
    with nengo.Network(seed=seed) as network:
        memory = _memories(classifier, streams)
        gain = np.tile(hidden.gain, n_trained * N_STREAMS)
        neurons = nengo.Ensemble(
            units * N_STREAMS,
            1,
            neuron_type=hidden.neuron_type,
            encoders=np.ones((units * N_STREAMS, 1)),
            normalize_encoders=False,
            gain=gain,
            bias=gain * np.tile(bias, N_STREAMS),
        ).neurons
        outputs = nengo.Node(size_in=scores * N_STREAMS)
        for i in range(N_STREAMS):
            these = neurons[i * units : (i + 1) * units]
            state = memory.output[i * s.d : (i + 1) * s.d]
            nengo.Connection(state, these, transform=kernel, synapse=None)
            nengo.Connection(
                these,
                outputs[i * scores : (i + 1) * scores],
                transform=readout.reshape(scores, units),
                synapse=None,
            )
        filtered = nengo.Node(size_in=outputs.size_in)
        nengo.Connection(outputs, filtered, synapse=s.readout_tau)
        probe = nengo.Probe(filtered)
    found = []
    with nengo.Simulator(network, dt=s.dt, progress_bar=False, seed=seed) as sim:
        for _ in _bar(streams, "test digits", show_progress):
            sim.run_steps(s.n_steps)
            found.append(sim.data[probe][-1])
            sim.clear_probes()
    found = np.reshape(found, (-1, N_STREAMS, n_trained, N_CLASSES)).argmax(axis=-1)
    return found.transpose(2, 1, 0).reshape(n_trained, -1)[:, : len(pixels)]


def _in_streams(pixels):
    """Return the signals of streams of equal length, with some digits twice if need be.

    Returns
    -------
    streams : (N_STREAMS, length, 64) ndarray
    """
    length = -(-len(pixels) // N_STREAMS)
    return np.resize(pixels, (N_STREAMS, length, N_PIXELS))


def _memories(classifier, streams):
    s = classifier.settings
    stimulus = nengo.Node(
        nengo.processes.PresentInput(
            streams.reshape(N_STREAMS, -1).T, s.steps_per_pixel * s.dt
        )
    )
    memory = LegendreMemory(
        s.theta,
        s.d,
        size_in=N_STREAMS,
        n_neurons=N_STREAMS * s.n_neurons,
        **classifier.memory_arguments,
    )
    nengo.Connection(stimulus, memory.input, synapse=None)
    return memory


def _bar(streams, name, show_progress):
    hidden = None if show_progress is None else not show_progress
    rounds = range(streams.shape[1])
    return tqdm(rounds, desc=name, unit=f"x{N_STREAMS}", disable=hidden)
