"""Readouts that are solved for what a memory is expected to say: noise and all."""

from dataclasses import dataclass, field

import nengo
import numpy as np
from nengo.params import Default

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.checks import (
    LARGEST_SQUARE,
    finite_array,
    not_negative,
    whole,
)
from nengo_lmu.legendre.regression import SeenStates, examples, fit_with_noise
from nengo_lmu.networks.arguments import nengos_defaults, validated
from nengo_lmu.networks.units import MOST_NEURONS, Units


@dataclass(frozen=True)
class Readout:
    """A readout of a memory, in the network, and what to expect of it.

    Attributes
    ----------
    memory : LegendreMemory
        What is read.
    node : nengo.Node
        What the readout says, of ``size_out`` dimensions.
    ensemble : nengo.Ensemble or None
        Neurons that a readout which is not linear sees besides the state.
    weights : (size_out, n_features) ndarray
        Of the state and then of the neurons.
    bias : (size_out,) ndarray
    predicted_error : (size_out,) ndarray
        Root mean square of what is left, for each target in its own units: each
        sample's error is that of weights which were fitted without it, and the noise
        is that of the theory. Infinite where there are too few samples to tell.
    noise : (size_out,) ndarray
        The part of the noise alone in it.
    features : LinearFeatures or NeuronFeatures
        What the weights are for.
    """

    memory: nengo.Network
    node: nengo.Node
    ensemble: nengo.Ensemble | None
    weights: np.ndarray
    bias: np.ndarray
    predicted_error: np.ndarray
    noise: np.ndarray
    features: object = field(repr=False)

    def predict(self, u, mask=None):
        """Return what the readout says without noise.

        Parameters
        ----------
        u, mask
            As for `LegendreMemory.fit_readout`.

        Returns
        -------
        y : (n_rows, size_out) ndarray
            At each row that counts, of one sequence after the other.
        """
        with validated(self.memory):
            given = examples(u, None, self.memory.size_in, mask)
        return self._say(given)

    def error(self, u, target, mask=None, washout=0):
        """Return the error to expect for other inputs, which the fit has not seen.

        For the choice of settings, on validation data.

        Parameters
        ----------
        u, target, mask, washout
            As for `LegendreMemory.fit_readout`.

        Returns
        -------
        error : (size_out,) ndarray
            Root mean square, of what the readout says without noise and of the noise.
        """
        with validated(self.memory):
            given = examples(u, target, self.memory.size_in, mask, washout)
        missed = self._say(given) - given.target
        return np.sqrt(np.mean(missed**2, axis=0) + self.noise**2)

    def _say(self, given):
        return given.pick(self.features.rows(given.u)) @ self.weights.T + self.bias


class LinearFeatures:
    """The state of a memory, as a readout sees it at the end of each row.

    Parameters
    ----------
    memory : LegendreMemory
    steps : int
        How long each row of an input is held (time steps).
    synapse : nengo.Lowpass or None
        Of the readout.
    """

    def __init__(self, memory, steps, synapse):
        A_bar, B_bar = discretize(
            *state_space(memory.theta, memory.d),
            memory.dt,
            method=memory.discretization,
        )
        late = 0 if memory.synapse is None else 1
        decay = decay_of(synapse, memory.dt)
        self.seen = SeenStates(A_bar, B_bar, steps, late, decay)

    def rows(self, u):
        """Yield the features at the end of each row of sequences."""
        for z in self.seen.rows(u):
            yield z.reshape(len(z), -1)


class NeuronFeatures:
    """The state, and the activities of neurons that see it, behind a synapse.

    Parameters
    ----------
    units : Units
    memory, steps, synapse
        As for `LinearFeatures`.
    heard : (size_state, size_state) ndarray
        Covariance of the state's noise as the neurons get it.
    """

    def __init__(self, units, memory, steps, synapse, heard):
        self.units = units
        self.heard = heard
        self.decay = decay_of(synapse, memory.dt)
        # What is filtered is not linear, so that no step can be left out.
        self.steps = 1 if self.decay is None else steps
        held = steps if self.decay is None else 1
        self.state = LinearFeatures(memory, held, None)

    def rows(self, u):
        """Yield the features at the end of each row of sequences."""
        filtered = 0.0
        held = np.repeat(u, self.steps, axis=1)
        for t, z in enumerate(self.state.rows(held)):
            rates, _ = self.units.rates(z, self.heard)
            now = np.hstack([z, rates])
            before = filtered + 0 * now
            if self.decay is None:
                before = now
            else:  # a synapse is a step late
                filtered = self.decay * before + (1 - self.decay) * now
            if (t + 1) % self.steps == 0:
                yield before


def fit_readout(
    memory,
    u,
    target,
    mask,
    washout,
    steps,
    synapse,
    n_neurons,
    neuron_type,
    input_noise,
    noise_covariance,
    seed,
    label,
):
    """Fit and connect a readout; see `LegendreMemory.fit_readout`."""
    with validated(memory):
        steps = whole("steps", steps, 1)
        washout = whole("washout", washout, 0)
        n_neurons = whole("n_neurons", n_neurons, 0, MOST_NEURONS)
        input_noise = not_negative("input_noise", input_noise)
        given = examples(u, target, memory.size_in, mask, washout)
    if synapse is Default:
        synapse = None if n_neurons == 0 else nengo.Lowpass(memory.theta / 20)
    synapse = checked_synapse(synapse, memory)
    features = LinearFeatures(memory, steps, synapse)
    heard = _state_noise(memory, steps, None, input_noise, noise_covariance)
    covariance = _state_noise(memory, steps, synapse, input_noise, noise_covariance)
    units = None
    if n_neurons:
        states = given.pick(LinearFeatures(memory, steps, None).rows(given.u))
        rng = np.random.RandomState(seed)
        rows = np.eye(memory.size_state)
        units = Units(memory, n_neurons, rows, states, heard, neuron_type, rng)
        features = NeuronFeatures(units, memory, steps, synapse, heard)
        decay = decay_of(synapse, memory.dt)
        covariance = units.noise(states, heard, covariance, decay, memory.dt)
    with validated(memory):
        fit = fit_with_noise(
            given.pick(features.rows(given.u)), given.target, covariance
        )
    return connected(memory, fit, features, units, synapse, label)


def connected(memory, fit, features, units, synapse, label):
    """Return a `Readout` in the network, of weights that were fitted."""
    with memory, nengos_defaults():
        node = nengo.Node(size_in=len(fit.bias), label=label)
        constant = nengo.Node(fit.bias, label=f"{label} bias")
        nengo.Connection(constant, node, synapse=None)
        size = memory.size_state
        nengo.Connection(
            memory.output, node, transform=fit.weights[:, :size], synapse=synapse
        )
        if units is not None:
            nengo.Connection(
                units.ensemble.neurons,
                node,
                transform=fit.weights[:, size:],
                synapse=synapse,
            )
    return Readout(
        memory=memory,
        node=node,
        ensemble=None if units is None else units.ensemble,
        weights=fit.weights,
        bias=fit.bias,
        predicted_error=fit.error,
        noise=fit.noise,
        features=features,
    )


def _state_noise(memory, steps, synapse, input_noise, noise_covariance):
    """Return the covariance of the noise that a readout sees in the state.

    Returns
    -------
    covariance : (size_state, size_state) ndarray
    """
    size = memory.size_state
    if noise_covariance is not None:
        with validated(memory):
            covariance = finite_array(
                "noise_covariance",
                noise_covariance,
                shape=(size, size),
                largest=LARGEST_SQUARE,
            )
    else:
        covariance = np.kron(np.eye(memory.size_in), memory.filtered_noise(synapse))
    if input_noise:
        seen = LinearFeatures(memory, steps, synapse).seen
        added = input_noise**2 * seen.input_noise()
        covariance = covariance + np.kron(np.eye(memory.size_in), added)
    return covariance


def decay_of(synapse, dt):
    """Return by how much a low-pass synapse decays in a step; None without one."""
    if synapse is None:
        return None
    return np.exp(-dt / synapse.tau) if synapse.tau > 0 else 0.0


def checked_synapse(value, obj):
    """Return the synapse of a readout, a low-pass filter or None."""
    if value is None or type(value) is nengo.Lowpass:
        return value
    with validated(obj):
        return nengo.Lowpass(not_negative("synapse", value))
