r"""Does what a cell says come back to it larger?

A memory forgets its input after ``theta`` seconds. What feeds back into it, it may
remember for ever. With ``J`` what hidden units receive, and ``q`` what they hear of
each other, through a synapse ``a`` if they spike and a step later if not (``a = 0``),
a cell is, without its input,

.. math::

   m_{t+1} = (A + B e_m) m_t + B e_h h_t, \quad
   q_{t+1} = a q_t + (1 - a) h_t, \quad
   h_t = f(W_m m_t + W_h q_t).

For large states biases do not count, and ``f`` has one slope above and one below: 1 and
0 for rectified linear units, 0 and 0 for those that saturate. So the map is linear in
pieces and homogeneous: twice the state has twice the future. States that grow under it
grow without end. That is followed here from random states, since the answer depends on
which units take turns in being active: no single matrix has it.
"""

import warnings

import nengo
import numpy as np
from nengo.exceptions import NengoWarning, ValidationError

from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.networks.matrices import matrix_of

# States are followed from so many random ones, over so many windows at the most.
_STARTS = 16
_WINDOWS = 20

# A window is followed in as few steps of the map as this, where it has more: what is
# fed back is then held for several time steps.
_STEPS = 1000

# States so much smaller than they were will not grow again; and a growth that changes
# by less than this from one window to the next is that of all windows to come.
_FORGOTTEN = 1e-12
_SETTLED = 1e-3

# Where the slopes of the hidden units are looked up: for inputs as large as this.
_LARGE = 1e6

# A window that multiplies states by less than this is not warned of.
_TOLERATED = 1.01


def loop_gain(lmu):
    """Return by how much a time step multiplies states that are large.

    Parameters
    ----------
    lmu : nengo_lmu.LMU

    Returns
    -------
    gain : float
        In the long run, in a time step and of the mean of what neurons say. Above 1,
        states that are large enough grow without end. Below 1 large states shrink, and
        the network is bounded, as far as the states that were tried tell (16 random
        ones). It may still oscillate, or tell inputs for longer than it was trained.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the memory's own matrices are trained: they may be anything then.

    Examples
    --------
    >>> lmu = LMU(0.1, 4, units=20, coupling="feed-forward", add_to_container=False)
    >>> lmu.loop_gain() < 1
    True
    """
    memory = lmu.memory
    if _is_trained(memory):
        raise ValidationError(
            "has matrices that are trained, of which nothing is known; leave "
            "memory.config[nengo.Connection].trainable False, as it is by default",
            attr="memory",
            obj=lmu,
        )
    A, B = (
        np.kron(np.eye(memory.size_in), matrix)
        for matrix in discretize(
            *state_space(memory.theta, memory.d), memory.dt, memory.discretization
        )
    )
    if lmu.memory_encoders is not None:
        A = A + B @ matrix_of(lmu.memory_encoders)
    slopes = _slopes(lmu)
    if not np.any(slopes) or not (_is_fed_back(lmu) or lmu.hidden_kernel is not None):
        return float(np.abs(np.linalg.eigvals(A)).max())
    return _followed(lmu, A, B, slopes)


def warn_of_growth(lmu):
    """Warn of states that grow without end in a network as it is now."""
    memory = lmu.memory
    connections = lmu.hidden_kernel, lmu.hidden_encoders, lmu.memory_encoders
    feeds_back = lmu.hidden is not None and any(map(_says, connections))
    if _is_trained(memory) or not feeds_back:
        return
    gain = loop_gain(lmu)
    n_steps = memory.theta / memory.dt
    with np.errstate(over="ignore"):
        in_a_window = gain**n_steps
    if in_a_window <= _TOLERATED:
        return
    names = [
        name
        for name in ("hidden_encoders", "memory_encoders", "hidden_kernel")
        if _says(getattr(lmu, name))
    ]
    warnings.warn(
        f"{lmu}: what is large in it grows without end, {in_a_window:.3g}-fold in a "
        f"window of {memory.theta:g} s, since it comes back through "
        f"{' and '.join(names)}. Training sees no further than its sequences are long: "
        'make the LMU with coupling="feed-forward" and train it again, or with hidden '
        "units that saturate, such as nengo.Tanh() or nengo.LIF(), or train with "
        "longer sequences or smaller encoders until lmu.loop_gain() is below 1",
        NengoWarning,
        stacklevel=2,
    )


def _is_trained(memory):
    """Return whether the memory's own matrices are, in NengoDL."""
    return bool(memory.config[nengo.Connection].trainable)


def _says(connection):
    return connection is not None and np.any(matrix_of(connection))


def _is_fed_back(lmu):
    return _says(lmu.hidden_encoders) and lmu.memory_kernel is not None


def _slopes(lmu):
    """Return the slopes of hidden units for large inputs, ``(2, units)``."""
    if lmu.hidden is None:
        return np.zeros((2, 0))
    hidden = lmu.hidden

    def activity(x):
        inputs = np.full((1, lmu.units), x)
        with np.errstate(over="ignore"):
            rates = hidden.neuron_type.rates(inputs, hidden.gain, hidden.bias)
        return rates[0] / lmu.unit

    slopes = [
        (activity(2 * sign * _LARGE) - activity(sign * _LARGE)) / (sign * _LARGE)
        for sign in (1, -1)
    ]
    # what saturates comes near its end by less and less
    return np.where(np.abs(slopes) < 1 / np.sqrt(_LARGE), 0, slopes)


def _followed(lmu, A, B, slopes):
    """Return the largest growth of random states, in a time step."""
    memory, hidden = lmu.memory, lmu.hidden
    n_states, n_signals = B.shape

    def weights(connection, *shape):
        return np.zeros(shape) if connection is None else matrix_of(connection)

    e_h = weights(lmu.hidden_encoders, n_signals, lmu.units)
    W = np.hstack(
        [
            weights(lmu.memory_kernel, lmu.units, n_states),
            weights(lmu.hidden_kernel, lmu.units, lmu.units),
        ]
    )
    synapse = None
    if lmu.hidden_kernel is not None and hidden.neuron_type.spiking:
        synapse = lmu.hidden_kernel.synapse
    a = 0.0 if synapse is None else np.exp(-memory.dt / synapse.tau)

    n_steps = round(memory.theta / memory.dt)
    # units that hear each other in the next step cannot be held for longer than that
    held = 1 if lmu.hidden_kernel is not None and a == 0 else max(1, n_steps // _STEPS)
    n_steps = max(1, n_steps // held)
    C = np.eye(n_states)
    Phi, Gamma = C, np.zeros_like(B)
    for _ in range(held):
        Gamma, Phi = Gamma + Phi @ B, A @ Phi
    drive = Gamma @ e_h
    a = a**held

    rng = np.random.RandomState(0)
    z = rng.standard_normal((n_states + lmu.units, _STARTS))
    above, below = slopes[:, :, np.newaxis]
    size = np.zeros(_STARTS)  # log of
    growths = []  # of each state, in each window
    for _ in range(_WINDOWS):
        before = size
        for _ in range(n_steps):
            J = W @ z
            h = above * np.maximum(J, 0) + below * np.minimum(J, 0)
            z = np.vstack(
                [Phi @ z[:n_states] + drive @ h, a * z[n_states:] + (1 - a) * h]
            )
            # numbers this small or large are not left to overflow
            norm = np.maximum(np.linalg.norm(z, axis=0), np.finfo(float).tiny)
            z, size = z / norm, size + np.log(norm)
        growths.append(size - before)
        if np.all(size < np.log(_FORGOTTEN)):
            break
        last = np.array(growths[-3:])[:, np.argmax(growths[-1])]
        if len(last) == 3 and np.ptp(last) < _SETTLED * abs(last[-1]):
            break
    # the later windows tell: as many as there are, where states take turns in growing
    growth = np.mean(growths[len(growths) // 2 :], axis=0).max()
    return float(np.exp(growth / (n_steps * held)))
