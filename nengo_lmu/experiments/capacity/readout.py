"""The best linear readout of the discrete memory."""

import numpy as np

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.tasks.capacity import BANDWIDTH, WINDOWS

# The readout is that for states with so much white noise, relative to their power.
_FIT_NOISE = 1e-12


def fitted_readout(length, d, theta, delays):
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

    Returns
    -------
    D : (n, d) ndarray
        ``u[t - delays[k]] ~ (D m[t])[k]``.
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
    forgotten = error_dynamics(theta, d, dt, "zoh").accumulated(missing)
    G = covariance + forgotten / ((WINDOWS - 1) * length)
    G += _FIT_NOISE * np.trace(covariance) / d * np.eye(d)
    targets = turns[:, np.newaxis] ** np.asarray(delays)
    return np.linalg.solve(G, np.real(states.conj().T @ targets)).T
