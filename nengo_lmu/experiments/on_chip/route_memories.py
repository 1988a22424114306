"""Memories whose neurons act on each other in different ways.

In the reference simulator, two ideas are compared with our memory:

Relays
    The state goes to some neurons that spike in most steps, and from there to the
    memory. Neurons of the memory lead to relays only, and relays to all of them. The
    step that they take is made up for; what they add is their noise.

Blocks
    In real modal form, the memory is made of pairs of dimensions that act on each other
    only, so that neurons need weights for those of their pair. Within pairs, the
    quietest basis is chosen; the quietest of all is another.
"""

import math
from dataclasses import dataclass, replace

import nengo
import numpy as np
from nengo_loihi.block import (
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_SYNAPSE_BITS,
    Synapse,
)

from nengo_lmu.analysis.activity import measure_activity
from nengo_lmu.analysis.memory import (
    Setting,
    window_errors,
)
from nengo_lmu.analysis.simulators import NEURON_TYPES, make_simulator
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.legendre import (
    StateStatistics,
    basis,
    discretize,
    principle3,
    state_space,
)
from nengo_lmu.legendre.checks import one_of, whole
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.loihi import add_params, resources
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.population_objects import (
    PopulationConnection,
    PopulationEncoders,
    PopulationEnsemble,
    PopulationTransform,
)
from nengo_lmu.networks.populations import make_populations

ROUTES = ("memory", "relays", "blocks")

# A relay at the edge of its range spikes so often in a step: there is room beyond it.
RELAY_ACTIVITY = 0.8

# A state may be so late (steps): the way to the host takes one or not, relays another.
_LAGS = (0, 1, 2)


@dataclass(frozen=True)
class Route(Setting):
    """A memory, and how its neurons act on each other.

    Attributes
    ----------
    route : {"memory", "relays", "blocks"}
        `nengo_lmu.LegendreMemory` as it is, through relays, or in modal form. Relays
        are for the reference simulator.
    copies : int or None
        Of the memory on the chip; None for as many as it needs.
    relays : int or None
        For each dimension.
    """

    route: str = "memory"
    copies: int | None = None
    relays: int | None = None

    def __post_init__(self):
        super().__post_init__()
        one_of("route", self.route, ROUTES)
        if self.copies is not None:
            whole("copies", self.copies, 1)
        if self.route == "relays":
            whole("relays", self.relays, 2)


def measure(route):
    """Run a memory and compare it with the ideal one, as `memory_error.measure` does.

    Parameters
    ----------
    route : Route

    Returns
    -------
    result : dict of float
        ``window``, the root-mean-square difference of the decoded windows relative to
        the rms of the input, and for the emulator ``spikes_per_second`` and
        ``synaptic_operations_per_second``.
    """
    seeds = np.random.SeedSequence(route.seed).generate_state(3) >> 1
    stimulus_seed, network_seed, simulator_seed = map(int, seeds)
    u = STIMULI[route.stimulus].sample(route, np.random.RandomState(stimulus_seed))
    states = []
    network, memory = _network(route, u, network_seed)
    with network:
        # A probe would be cleared by what counts spikes on the emulator.
        recorder = nengo.Node(
            lambda t, m: states.append(m.copy()), size_in=route.d, size_out=0
        )
        nengo.Connection(memory.output, recorder, synapse=None)
    result = {}
    if route.simulator == "reference":
        with make_simulator(route, network, route.tau, simulator_seed) as sim:
            sim.run_steps(route.n_steps)
    else:
        activity = measure_activity(
            network,
            route.windows * route.theta,
            warm_up=route.theta,
            seed=simulator_seed,
            dt=route.dt,
            show_progress=False,
        )
        for kind in ("spikes", "synaptic_operations"):
            result[f"{kind}_per_second"] = float(activity.per_second(kind))
    window = min(window_errors(route, u, np.array(states), lags=_LAGS))
    return result | {"window": float(window)}


def count(route):
    """Count what a memory needs on the chip.

    Parameters
    ----------
    route : Route

    Returns
    -------
    needed : dict
        ``copies`` that it is made of, ``cores``, ``synapse_bits`` of all cores,
        ``input_axons`` of the core that has most, and ``problems``, what does not fit
        the chip but does the emulator.
    """
    network, _ = _network(route, np.zeros(2), seed=0)
    needed = resources(network, dt=route.dt)
    axons = max(block.input_axons for block in needed.blocks)
    return {
        # Each neuron takes an axon into each core of its copy.
        "copies": route.copies or round(route.n_neurons / axons),
        "cores": needed.cores,
        "synapse_bits": sum(block.synapse_bits for block in needed.blocks),
        "input_axons": axons,
        "problems": list(needed.problems),
    }


def own_weights(route, spikes_per_second):
    """Count what a memory needs whose neurons have weights of their own each.

    Parameters
    ----------
    route : Route
    spikes_per_second : float
        Of all of its neurons.

    Returns
    -------
    needed : dict
        As that of `count`, for as few cores as possible, with
        ``synaptic_operations_per_second``. There is no number of cores where each would
        have too many axons. Those of the input are left out.
    """
    m = route.n_neurons
    row = Synapse(1)
    row.set_weights(np.ones((1, MAX_COMPARTMENTS)))  # the format has no indices
    row_bits = map(row.synapse_cfg.bits_per_axon, range(MAX_COMPARTMENTS + 1))
    bits = m * np.fromiter(row_bits, int)
    most = np.flatnonzero(bits <= MAX_SYNAPSE_BITS)[-1]
    cores = math.ceil(m / most)
    sizes = [len(piece) for piece in np.array_split(np.arange(m), cores)]
    return {
        "copies": 1,
        "cores": cores if m <= MAX_IN_AXONS else None,
        "synapse_bits": int(bits[sizes].sum()),
        "input_axons": m,
        "synaptic_operations_per_second": m * float(spikes_per_second),
    }


def predict(route, copies=1):
    """Return the window error that the theory predicts.

    Parameters
    ----------
    route : Route
    copies : int
        Whose mean is decoded.

    Returns
    -------
    window : float
        Relative to the rms of the input. Not in it is what whole numbers cost on the
        chip, nor that the noise of relays makes the neurons of the memory fire.
    """
    populations, counts = _quietest(route, route.n_neurons // copies)
    window = populations.error(counts).window / np.sqrt(copies)
    if route.route == "relays":
        relays = replace(populations, max_rate=_relay_rate(route))
        window = np.hypot(window, relays.error([route.relays] * route.d).window)
    return float(window)


def blocks(route):
    """Return the real modal form of a memory, with the quietest basis of each pair.

    Parameters
    ----------
    route : Route

    Returns
    -------
    T : (d, d) ndarray
        In its columns ``A`` has blocks of 2 by 2 on its diagonal (and one of 1 by 1
        where ``d`` is odd), and nothing elsewhere.
    """
    values, vectors = np.linalg.eig(state_space(route.theta, route.d)[0])
    pairs = [
        np.stack([vector.real, vector.imag][: 1 + (value.imag > 0)], axis=1)
        for value, vector in zip(values, vectors.T)
        if value.imag >= 0
    ]
    rows = np.linalg.inv(np.concatenate(pairs, axis=1))
    ends = np.cumsum([pair.shape[1] for pair in pairs])
    statistics = route.input_statistics
    dynamics = error_dynamics(route.theta, route.d, route.dt, "zoh")
    amplification = dynamics.amplification(np.exp(-route.dt / route.tau))
    columns = []
    for pair, own in zip(pairs, np.split(rows, ends[:-1])):
        within = StateStatistics(
            own @ statistics.covariance @ own.T, statistics.input_rms
        )
        quiet = basis(within, "balanced", pair.T @ amplification @ pair)
        columns.append(pair @ quiet.T)
    return np.concatenate(columns, axis=1)


def _network(route, u, seed):
    """Return a network that presents ``u`` to the memory, and the memory."""
    with nengo.Network(seed=seed) as network:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, route.dt))
        if route.route == "relays":
            memory = relayed_memory(route)
        else:
            memory = LegendreMemory(
                route.theta,
                route.d,
                n_neurons=route.n_neurons,
                neuron_type=NEURON_TYPES[route.neuron_type],
                synapse=route.tau,
                dt=route.dt,
                realization=_realization(route),
                error_feedback=0.0,
            )
        nengo.Connection(stimulus, memory.input, synapse=None)
    if route.copies is not None:
        add_params(network)
        memory.config[memory.ensembles[0]].copies = route.copies
    return network, memory


def relayed_memory(route):
    """Make a memory whose state goes through relays.

    Parameters
    ----------
    route : Route

    Returns
    -------
    memory : nengo.Network
        With nodes ``input`` and ``output`` (the state).

    Notes
    -----
    Relays, which filter what they get, have the state ``x[t]``. The spikes of the
    memory, ``s[t+1] = x[t]`` but for noise, are a step later than without relays, so
    that they have to drive the state by a prediction of the next one::

        x[t+2] = a x[t+1] + (1 - a) (A_h (A_bar s[t+1] + B_bar u[t]) + B_h u[t+1])

    with ``a = exp(-dt / tau)`` and ``A_h``, ``B_h`` of Principle 3.
    """
    populations, counts = _quietest(route, route.n_neurons)
    A, B = state_space(route.theta, route.d)
    A_bar, B_bar = discretize(A, B, route.dt)
    A_h, B_h = principle3(A, B, route.tau, route.dt)
    to_neurons = populations.realization.to_neurons
    _, drive = to_neurons(A_h, B_h)
    recurrent, before = to_neurons(A_h @ A_bar, A_h @ B_bar)
    with nengo.Network(label="relayed memory") as memory:
        memory.input = nengo.Node(size_in=1)
        memory.output = nengo.Node(size_in=route.d)
        relays = _neurons([route.relays] * route.d, _relay_rate(route), route)
        neurons = _neurons(counts, route.mean_max_rate, route)
        (state, relayed), (driven, spikes) = relays, neurons
        entry = nengo.Node(size_in=route.d)
        nengo.Connection(entry, state, synapse=route.tau)
        nengo.Connection(relayed, driven, synapse=0)
        nengo.Connection(spikes, entry, transform=recurrent, synapse=None)
        nengo.Connection(memory.input, entry, transform=drive, synapse=None)
        nengo.Connection(memory.input, entry, transform=before, synapse=0)
        T = populations.realization.T
        nengo.Connection(state, memory.output, transform=T, synapse=None)
    return memory


def _neurons(counts, max_rate, route):
    """Make on and off neurons; return the nodes that lead to and from them."""
    neuron_type = NEURON_TYPES[route.neuron_type]
    max_rates = np.full(np.sum(counts), max_rate)
    p = make_populations(counts, neuron_type, max_rates=max_rates)
    ensemble = PopulationEnsemble(
        p.counts.sum(),
        len(counts),
        neuron_type=neuron_type,
        encoders=PopulationEncoders(p.counts, p.signs),
        normalize_encoders=False,
        gain=p.gain,
        bias=p.bias,
    )
    before, behind = (nengo.Node(size_in=len(counts)) for _ in range(2))
    PopulationConnection(
        before,
        ensemble.neurons,
        transform=PopulationTransform(p.counts, p.signs, encodes=True),
        synapse=None,
    )
    PopulationConnection(
        ensemble.neurons,
        behind,
        transform=PopulationTransform(p.counts, p.weights, encodes=False),
        synapse=None,
    )
    return before, behind


def _quietest(route, n_neurons):
    """Return the populations that the theory chooses, and their sizes."""
    return quietest(
        route.theta,
        route.d,
        n_neurons,
        route.tau,
        route.mean_max_rate,
        route.dt,
        route.input_statistics,
        _realization(route),
        spiking=route.neuron_type,
        # The chip has no error feedback.
        error_feedback=0.0,
    )


def _realization(route):
    return blocks(route) if route.route == "blocks" else "balanced"


def _relay_rate(route):
    return RELAY_ACTIVITY / route.dt
