"""The best linear readout of the discrete memory, and the errors to expect of it."""

from dataclasses import dataclass

import numpy as np

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.tasks.capacity import BANDWIDTH, WINDOWS

# A sequence of the task, whose largest value is 1, has about this.
TYPICAL_RMS = 0.36

# The readout is that for states with so much white noise, relative to their power.
_FIT_NOISE = 1e-12


@dataclass(frozen=True)
class FittedReadout:
    """A readout, and the mean squared errors to expect for sequences of the task.

    Attributes
    ----------
    weights : (n, d) ndarray
        ``u[t - delays[k]] ~ (weights m[t])[k]``.
    missed : (n,) ndarray
        What the memory and its readout cannot tell of waves that were always there.
    start : (n,) ndarray
        What is left of the start of a sequence, from step T on.
    noise : (n,) ndarray
        What the noise of the state adds.
    """

    weights: np.ndarray
    missed: np.ndarray
    start: np.ndarray
    noise: np.ndarray

    @property
    def settled(self):
        """(float) The error when the start is forgotten, mean over the delays."""
        return float(np.mean(self.missed + self.noise))

    @property
    def error(self):
        """(float) The error from step T on, mean over the delays."""
        return self.settled + float(np.mean(self.start))


def fitted_readout(length, d, theta, delays, noise=None, late=0):
    """Return the readout of the discrete memory with the least expected error.

    The Legendre polynomials read out the window as if time were continuous, the input
    constant within a step, and the memory perfect. This readout is for what the memory
    does at its steps, by least squares in closed form: for waves of any frequency up to
    the highest, in sequences that have begun at zero, ``length`` steps ago or before.
    No sequence is looked at.

    Parameters
    ----------
    length : int
        T: steps in a second.
    d : int
        Order of the memory.
    theta : float
        Length of its window (seconds).
    delays : (n,) array_like of int
        In steps.
    noise : (d, d) array_like, optional
        Covariance of the state's noise, for sequences of a root mean square of
        `TYPICAL_RMS`.
    late : int
        Steps by which the state is late: 1 for spiking memories.

    Returns
    -------
    readout : FittedReadout
    """
    dt = 1 / length
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    frequencies = (np.arange(4 * d) + 0.5) / (4 * d) * BANDWIDTH
    turns = np.exp(-2j * np.pi * frequencies * dt)
    # Each wave u has m[t] = A_bar m[t-1] + B_bar u[t].
    systems = np.eye(d) - turns[:, np.newaxis, np.newaxis] * A_bar
    states = np.linalg.solve(systems, np.broadcast_to(B_bar, (len(turns), d, 1)))[
        ..., 0
    ]
    covariance = np.real(states.T @ states.conj())
    # A wave that begins is one that was always there, less what the state would then
    # have been; of that, A_bar^t is left after t steps, summed from T on. At its start
    # a sequence is zero, and so is what that state had in common with the input.
    common = states.real.sum(axis=0)
    power = np.linalg.matrix_power(A_bar, length)
    missing = power @ (covariance - np.outer(common, common) / len(turns)) @ power.T
    start = error_dynamics(theta, d, dt, "zoh").accumulated(missing)
    start /= (WINDOWS - 1) * length
    G = covariance + start
    G += _FIT_NOISE * np.trace(covariance) / d * np.eye(d)
    scale = TYPICAL_RMS**2 / len(turns)
    noise = np.zeros((d, d)) if noise is None else np.asarray(noise)
    states = turns[:, np.newaxis] ** late * states
    targets = turns[:, np.newaxis] ** np.asarray(delays)
    weights = np.linalg.solve(G + noise / scale, np.real(states.conj().T @ targets)).T
    return FittedReadout(
        weights,
        missed=TYPICAL_RMS**2 * np.mean(np.abs(states @ weights.T - targets) ** 2, 0),
        start=scale * np.sum(weights @ start * weights, axis=1),
        noise=np.sum(weights @ noise * weights, axis=1),
    )
