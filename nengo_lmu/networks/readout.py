"""Readouts that are solved for what a memory is expected to say: noise and all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import nengo
import numpy as np

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.checks import not_negative
from nengo_lmu.legendre.regression import (
    Examples,
    SeenStates,
    examples,
    fit_with_noise,
)
from nengo_lmu.legendre.statistics import TYPICAL_RMS, expected_range
from nengo_lmu.networks.arguments import nengos_defaults, validated
from nengo_lmu.networks.units import Units

if TYPE_CHECKING:
    from nengo_lmu.legendre.types import Array, ArrayLike


# Typical inputs have so many time steps in a window at most, of which so many are
# targets. The first window of each stretch fills the memory.
_STEPS_OF_A_WINDOW = 1000
_TARGETS_OF_A_WINDOW = 40
_WINDOWS_OF_A_STRETCH = 3
_STRETCHES = 30


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
    features : Reading or NeuronFeatures
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

    def predict(
        self, u: ArrayLike | list[Array], mask: ArrayLike | None = None
    ) -> Array:
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

    def error(
        self,
        u: ArrayLike | list[Array],
        target: ArrayLike | list[Array],
        mask: ArrayLike | None = None,
        washout: int = 0,
    ) -> Array:
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


@dataclass(frozen=True)
class Reading:
    """How a memory is read: what is read when, and with how much noise.

    Attributes
    ----------
    memory : LegendreMemory
    synapse : nengo.Lowpass or None
        Through which it is read.
    dt : float
        Time step (seconds).
    steps : int
        How long each row of an input is held (time steps).
    input_noise : float
        Standard deviation of noise of each row.
    noise_covariance : (size_state, size_state) ndarray or None
        Of the noise of what is read, if it is not that of the theory.
    chip : bool
        Whether the noise is that of the neurons on Loihi.
    """

    memory: nengo.Network
    synapse: nengo.Lowpass | None
    dt: float
    steps: int = 1
    input_noise: float = 0.0
    noise_covariance: np.ndarray | None = None
    chip: bool = False

    @cached_property
    def seen(self):
        """(SeenStates) Of one input dimension."""
        memory = self.memory
        system = state_space(memory.theta, memory.d)
        A_bar, B_bar = discretize(*system, self.dt, method=memory.discretization)
        late = 0 if memory.synapse is None else 1
        return SeenStates(A_bar, B_bar, self.steps, late, self.decay)

    @property
    def decay(self):
        """(float or None) By how much the synapse decays in a step."""
        if self.synapse is None:
            return None
        return np.exp(-self.dt / self.synapse.tau) if self.synapse.tau > 0 else 0.0

    @property
    def unfiltered(self):
        """(Reading) The same without the synapse."""
        return replace(self, synapse=None)

    @cached_property
    def noise(self):
        """((size_state, size_state) ndarray) Covariance of the noise of the state."""
        eye = np.eye(self.memory.size_in)
        covariance = self.noise_covariance
        if covariance is None:
            noise = self.memory.filtered_noise(self.synapse, self.chip)
            covariance = np.kron(eye, noise)
        if self.input_noise:
            added = self.input_noise**2 * self.seen.input_noise()
            covariance = covariance + np.kron(eye, added)
        return covariance

    def rows(self, u):
        """Yield what is read at the end of each row of sequences."""
        for z in self.seen.rows(u):
            yield z.reshape(len(z), -1)


class NeuronFeatures:
    """The state, and the activities of neurons that see it, behind a synapse.

    Parameters
    ----------
    units : Units
    reading : Reading
        Of either.
    """

    def __init__(self, units, reading):
        self.units = units
        self.reading = reading

    def rows(self, u):
        """Yield the features at the end of each row of sequences."""
        decay, steps = self.reading.decay, self.reading.steps
        unfiltered = self.reading.unfiltered
        if decay is None:
            for z in unfiltered.rows(u):
                yield np.hstack([z, self.units.rates(z, unfiltered.noise)[0]])
            return
        # What is filtered is not linear in the input, so that no step is left out.
        heard, filtered = unfiltered.noise, 0.0
        every = replace(unfiltered, steps=1).rows(np.repeat(u, steps, axis=1))
        for t, z in enumerate(every):
            now = np.hstack([z, self.units.rates(z, heard)[0]])
            filtered = filtered + 0 * now
            if (t + 1) % steps == 0:
                yield filtered  # as it was, since a synapse is a step late
            filtered = decay * filtered + (1 - decay) * now


def fit_readout(reading, given, n_neurons, neuron_type, seed, label, rows=None):
    """Fit a readout and add it to the memory; see `LegendreMemory.fit_readout`.

    Parameters
    ----------
    reading : Reading
    given : Examples
    n_neurons : int
    neuron_type : nengo.neurons.NeuronType
    seed : int
    label : str
    rows : (k, size_state) ndarray, optional
        What neurons see of the state; by default all of it.

    Returns
    -------
    readout : Readout
    """
    memory, units = reading.memory, None
    features, covariance = reading, reading.noise
    if n_neurons:
        unfiltered = reading.unfiltered
        states, heard = given.pick(unfiltered.rows(given.u)), unfiltered.noise
        rows = np.eye(memory.size_state) if rows is None else rows
        rng = np.random.RandomState(seed)
        units = Units(memory, n_neurons, rows, states, heard, neuron_type, rng)
        features = NeuronFeatures(units, reading)
        covariance = units.noise(states, heard, covariance, reading.decay, reading.dt)
    activity = given.pick(features.rows(given.u))
    with validated(memory):
        fit = fit_with_noise(activity, given.target, covariance)
    with memory, nengos_defaults():
        node = nengo.Node(size_in=len(fit.bias), label=label)
        constant = nengo.Node(fit.bias, label=f"{label} bias")
        nengo.Connection(constant, node, synapse=None)
        from_state, from_units = np.split(fit.weights, [memory.size_state], axis=1)
        synapse = reading.synapse
        nengo.Connection(memory.output, node, transform=from_state, synapse=synapse)
        if n_neurons:
            neurons = units.ensemble.neurons
            nengo.Connection(neurons, node, transform=from_units, synapse=synapse)
    return Readout(
        memory=memory,
        node=node,
        ensemble=units.ensemble if n_neurons else None,
        weights=fit.weights,
        bias=fit.bias,
        predicted_error=fit.error,
        noise=fit.noise,
        features=features,
    )


def typical_examples(memory, points, function):
    """Return inputs as a memory expects them, and a function of their pasts.

    Parameters
    ----------
    memory : LegendreMemory
    points : (n_points,) ndarray
        Of the window.
    function : callable
        Of the ``(size_in * n_points,)`` values.

    Returns
    -------
    given : Examples
        Stretches of several windows.
    dt : float
        Their time step (seconds), at most a thousandth of the window.
    """
    dt = max(memory.dt, memory.theta / _STEPS_OF_A_WINDOW)
    window = int(np.ceil(memory.theta / dt))
    u = typical_input(memory, dt, window)
    n = u.shape[1]
    # what was between two steps is between them
    past = np.arange(window, n, max(1, window // _TARGETS_OF_A_WINDOW))
    at = past[:, np.newaxis] - points * memory.theta / dt
    values = np.array(
        [[np.interp(at, np.arange(n), one) for one in stretch.T] for stretch in u]
    )  # (stretches, size_in, times, points)
    values = np.swapaxes(values, 1, 2).reshape(len(u) * len(past), -1)
    target = np.array([np.ravel(function(value)) for value in values], dtype=float)
    chosen = np.zeros((len(u), n), dtype=bool)
    chosen[:, past] = True
    return Examples(u, chosen, target), dt


def typical_input(memory, dt, window):
    """Return stretches of several windows of an input as a memory expects it.

    Parameters
    ----------
    memory : LegendreMemory
    dt : float
        Time step (seconds).
    window : int
        Time steps of the window.

    Returns
    -------
    u : (n_stretches, n_steps, size_in) ndarray
        Of the sample that the memory was made for; or of white noise, where that is
        what it takes for typical.
    """
    length = _WINDOWS_OF_A_STRETCH * window
    expected, expected_dt = memory.expected_input
    limits = expected_range("input_range", expected)
    if limits is None:
        expected = expected[:, np.newaxis] if expected.ndim == 1 else expected
        t = np.arange(0, len(expected) * expected_dt, dt)
        known = np.arange(len(expected)) * expected_dt
        u = np.stack([np.interp(t, known, one) for one in expected.T], axis=1)
        u = np.broadcast_to(u, (len(u), memory.size_in))
        n = max(len(u) // length, 1)
        return u[: n * length].reshape(n, -1, memory.size_in)[:_STRETCHES]
    low, high = limits
    rng = np.random.RandomState(0)
    # The spectrum is flat up to the highest frequency, as that of `typical_statistics`.
    n_noise = max(int(np.floor(memory.d * length * dt / (6 * memory.theta))), 1)
    shape = _STRETCHES, n_noise, memory.size_in
    spectrum = np.zeros((_STRETCHES, length // 2 + 1, memory.size_in), dtype=complex)
    noise = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    n_noise = min(n_noise, spectrum.shape[1] - 1)
    spectrum[:, 1 : n_noise + 1] = noise[:, :n_noise]
    u = np.fft.irfft(spectrum, length, axis=1) * length / np.sqrt(4 * n_noise)
    return (low + high) / 2 + TYPICAL_RMS * (high - low) / 2 * u


def checked_synapse(value, obj):
    """Return the synapse of a readout, a low-pass filter or None."""
    if value is None or type(value) is nengo.Lowpass:
        return value
    with validated(obj):
        return nengo.Lowpass(not_negative("synapse", value))
