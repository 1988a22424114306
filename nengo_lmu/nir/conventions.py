"""What NIR leaves to its readers, and what it cannot say.

NIR states a leaky integrator in continuous time, ``tau dv/dt = (v_leak - v) + R I``,
and has no time step. A memory's matrices are exact for one time step, and for the decay
``a = exp(-dt / tau)`` of its synapse in it, ``v[t] = a v[t-1] + (1 - a) I[t]``. So the
same matrices do for all readers: `CONVENTIONS` says with which time constant, and which
scale of what comes in, a reader gets to this very step.

- "exact": the solution for an input that is held for a time step.
- "euler": Euler's method, in which the decay is ``1 - dt / tau`` (Norse, snnTorch).
- "sinabs": ``v[t] = exp(-1 / tau) v[t-1] + I[t]``, with ``tau`` in time steps.
- "continuous": the equation itself, for a memory without neurons. Its matrices are
  those of Principle 3 in continuous time, ``tau A + I`` and ``tau B``, and no time step
  is in them. Readers whose steps are coarse make another memory of it.
"""

import numpy as np

from nengo_lmu.legendre import principle3, state_space


def _exact(tau, dt):
    return tau, 1.0


def _euler(tau, dt):
    return dt / -np.expm1(-dt / tau), 1.0


def _sinabs(tau, dt):
    return tau / dt, -np.expm1(-dt / tau)


# Each is a function of ``tau`` and ``dt`` in seconds.
CONVENTIONS = {
    "exact": _exact,
    "euler": _euler,
    "sinabs": _sinabs,
    "continuous": _exact,
}

# What a graph cannot say of a network, by names with which `to_nir` is allowed it.
LOSSES = {
    "noise": (
        "NIR has no randomness: Poisson and stochastic neurons become "
        "integrate-and-fire neurons of the same rates, which spike regularly"
    ),
    "voltages": (
        "all neurons begin at a voltage of 0, and equal ones fire together, where "
        "Nengo begins at random voltages; give the neurons initial_state={'voltage': "
        "nengo.dists.Choice([0])} to have it so everywhere"
    ),
    "negative currents": (
        "NIR's IF integrates currents below 0, which Nengo's rectified linear neurons "
        "ignore, so that a neuron has to make up for what it was given on the other "
        "side of its threshold before it fires; only readers that bound voltages from "
        "below (Sinabs) run such a graph about as Nengo does. There are none in the "
        "range of a memory with intercepts=nengo.dists.Choice([-1])"
    ),
    "error feedback": (
        "neurons in the recurrent form have one synapse each, and cannot hear their "
        "error; use form='low-rank', or a memory with error_feedback=0"
    ),
}


def ideal_matrices(memory, tau, continuous=False):
    """Return the matrices of leaky integrators that are an ideal memory.

    Parameters
    ----------
    memory : LegendreMemory
    tau : float
        Of the integrators (seconds).
    continuous : bool
        Whether they are those of continuous time.

    Returns
    -------
    recurrent : (size_state, size_state) ndarray
    entry : (size_state, size_in) ndarray
    """
    dt = None if continuous else memory.dt
    A, B = state_space(memory.theta, memory.d)
    return _for_all_inputs(
        memory, *principle3(A, B, tau, dt, method=memory.discretization)
    )


class SpikingMatrices:
    """What a step of a spiking memory multiplies by, with spikes of height 1.

    Leaky integrators of the memory's time constant hold ``v``: the state in the
    neurons' coordinates and, below it, what they remember of their errors if they hear
    these (`nengo_lmu.legendre.feedback`).

    Parameters
    ----------
    memory : LegendreMemory
        With neurons.

    Attributes
    ----------
    entry : (size_v, size_in) ndarray
        From the input to ``v``.
    recurrent : (size_v, n_neurons) ndarray
        From spikes to ``v``.
    within : (size_v, size_v) ndarray or None
        From ``v`` to itself; None without error feedback.
    encode : (n_neurons, size_v) ndarray
        From ``v`` to what a neuron's voltage grows by in a step; it spikes at 1.
    bias : (n_neurons,) ndarray
        What it grows by besides.
    output : (size_state, size_v) ndarray
        From ``v`` to the state in true units.
    decode : (size_state, n_neurons) ndarray
        From spikes to what they tell of the state in true units in this step.
    """

    def __init__(self, memory):
        realization, p = memory.realization, memory.populations
        tau, method = memory.synapse.tau, memory.discretization

        def mapped(theta):
            A, B = state_space(theta, memory.d)
            A_h, B_h = principle3(A, B, tau, memory.dt, method=method)
            return _for_all_inputs(memory, *realization.to_neurons(A_h, B_h))

        A_h, B_h = mapped(memory.theta)
        T = np.kron(np.eye(memory.size_in), realization.T)
        of_spikes = p.decoders / memory.dt
        per_step = memory.dt * p.gain[:, np.newaxis]
        self.bias = memory.dt * p.bias
        self.decode = T @ of_spikes
        self.entry, self.recurrent = B_h, A_h @ of_spikes
        self.encode, self.output = per_step * p.encoders.T, T
        self.within = None
        if memory.error_feedback:
            gain = memory.error_feedback / -np.expm1(-memory.dt / tau)
            # errors are remembered as at the first theta
            A_first, _ = mapped(memory.initial_theta)
            nothing, eye = np.zeros_like(A_h), np.eye(len(A_h))
            self.entry = np.vstack([B_h, np.zeros_like(B_h)])
            self.recurrent = np.vstack([self.recurrent, -gain * of_spikes])
            self.within = np.block([[nothing, nothing], [gain * eye, A_first]])
            self.encode = np.hstack([self.encode, self.encode])
            self.output = np.hstack([T, np.zeros_like(T)])


def _for_all_inputs(memory, *blocks):
    return [np.kron(np.eye(memory.size_in), block) for block in blocks]
