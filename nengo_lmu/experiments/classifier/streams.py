"""Digits in several streams side by side, in the reference simulator.

One network holds a spiking memory for each stream, all of the same design. A step of
Nengo's costs as much for a few hundred neurons as for a few thousand, so that is
several times faster than one stream after another. And several trained networks may
listen to the same memories: then nothing but their training makes a difference.
"""

import nengo
import numpy as np

from nengo_lmu.experiments.classifier.network import progress
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.tasks.digits import N_CLASSES

N_STREAMS = 8


def memory_states(classifier, pixels, delays, seed, show_progress=None):
    """Return states of the spiking memory about the end of digits.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.classifier.network.SpikingClassifier
        Whose memory it is.
    pixels : (n, n_pixels) array_like
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
    with nengo.Network(seed=seed) as network:
        output = _memories(classifier, pixels).output
    return _values(
        network, output, classifier, pixels, delays, "spiking states", show_progress
    )


def classify(classifier, trained, pixels, seed, show_progress=None):
    """Let several trained networks read digits from the same spiking memories.

    Parameters
    ----------
    classifier : nengo_lmu.experiments.classifier.network.SpikingClassifier
        Whose memory and hidden layer it is.
    trained : list of dict
        Of the `SpikingClassifier.matrices` of each network.
    pixels : (n, n_pixels) array_like
        Digits.
    seed : int
        Of the spikes.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    guesses : (n_trained, n) ndarray of int
    """
    with nengo.Network(seed=seed) as network:
        memory = _memories(classifier, pixels)
        scores = _readers(classifier, trained, memory)
    (scores,) = _values(
        network, scores, classifier, pixels, [0], "test digits", show_progress
    )
    return scores.reshape(len(pixels), len(trained), N_CLASSES).argmax(axis=-1).T


def _length(pixels):
    """Return how many digits there are in each stream."""
    return -(-len(pixels) // N_STREAMS)


def _memories(classifier, pixels):
    """Make a memory for each stream, with some digits twice if need be."""
    s = classifier.settings
    streams = np.resize(
        pixels - classifier.mean, (N_STREAMS, _length(pixels) * s.n_pixels)
    )
    stimulus = nengo.Node(nengo.processes.PresentInput(streams.T, s.pixel))
    memory = LegendreMemory(
        s.theta,
        s.d,
        size_in=N_STREAMS,
        n_neurons=N_STREAMS * s.n_neurons,
        **classifier.memory_arguments,
    )
    nengo.Connection(stimulus, memory.input, synapse=None)
    return memory


def _readers(classifier, trained, memory):
    """Make the hidden layers and the scores of all networks, on each stream."""
    s, hidden = classifier.settings, classifier.lmu.hidden
    n_trained = len(trained)
    units, n_scores = n_trained * s.units, n_trained * N_CLASSES
    kernel = np.vstack([matrices["memory_kernel"] for matrices in trained])
    bias = np.concatenate([matrices["hidden_bias"][:, 0] for matrices in trained])
    readout = np.zeros((n_trained, N_CLASSES, n_trained, s.units))
    for i, matrices in enumerate(trained):
        readout[i, :, i] = matrices["readout"] / classifier.lmu.unit
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
    outputs = nengo.Node(size_in=n_scores * N_STREAMS)
    for i in range(N_STREAMS):
        population = neurons[i * units : (i + 1) * units]
        state = memory.output[i * s.d : (i + 1) * s.d]
        nengo.Connection(state, population, transform=kernel, synapse=None)
        nengo.Connection(
            population,
            outputs[i * n_scores : (i + 1) * n_scores],
            transform=readout.reshape(n_scores, units),
            synapse=None,
        )
    filtered = nengo.Node(size_in=outputs.size_in)
    nengo.Connection(outputs, filtered, synapse=s.readout_tau * s.tau_unit)
    if classifier.bias is not None:
        biases = np.vstack([matrices["bias"] for matrices in trained] * N_STREAMS)
        nengo.Connection(nengo.Node([1.0]), filtered, transform=biases, synapse=None)
    return filtered


def _values(network, node, classifier, pixels, delays, description, show_progress):
    """Simulate, and return what a node was some steps before the end of each digit.

    Returns
    -------
    values : (n_delays, n, size) ndarray
        Where ``size`` is that of the node for a single stream.
    """
    s, length = classifier.settings, _length(pixels)
    values = []
    with network:
        probe = nengo.Probe(node)
    with nengo.Simulator(
        network, dt=s.dt, progress_bar=False, seed=network.seed
    ) as sim:
        for _ in progress(range(length), description, f"x{N_STREAMS}", show_progress):
            sim.run_steps(s.n_steps)
            values.append(sim.data[probe][-1 - np.asarray(delays)])
            sim.clear_probes()
    values = np.reshape(values, (length, len(delays), N_STREAMS, -1))
    values = values.transpose(1, 2, 0, 3).reshape(len(delays), N_STREAMS * length, -1)
    return values[:, : len(pixels)]
