"""Readouts that are learned while the memory runs, by Nengo's PES rule.

PES is the least-mean-squares rule (LMS): in each step the decoders change by
``-eta dt / n`` times the error times the filtered activities ``a`` of ``n`` neurons
([1]_). Relative to what these neurons can say, a step takes back the fraction

    kappa = eta dt / n E|a|^2

of the error. ``kappa`` below 2 is the limit of LMS for inputs that are new in each step
([2]_), which is where learning rates diverge that suit other neurons: ``E|a|^2`` is the
sum of squared rates, some 10^6 Hz^2 for a hundred neurons. Here two more things matter.

The output is filtered, so that it shows what was learned ``tau`` later. Learning and
filter are a loop with two poles, ``tau s^2 + s + kappa / dt = 0``, which does not
overshoot for ``kappa <= dt / (4 tau)``: far below 2. That is the learning rate here.
And the activities that are multiplied with the error have to pass the same filter as
the output (``pre_synapse``), or they are those of another time.

What is left is how fast: along a direction in which the activities have the variance
``lambda``, the time constant is ``dt E|a|^2 / (kappa lambda)``. Neurons see the state
in coordinates of nearly the same size, and are silent half of the time, which makes
these directions more alike than they are in the state itself.

While it learns, a readout also follows the target by the errors of the last moments. It
is as good by itself as it is while it is held.

References
----------
.. [1] MacNeil, D., & Eliasmith, C. (2011). Fine-tuning and the stability of recurrent
   neural networks. PLoS ONE 6(9).
.. [2] Widrow, B., & Stearns, S. D. (1985). Adaptive Signal Processing. Prentice-Hall.
"""

from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.networks.arguments import nengos_defaults
from nengo_lmu.networks.objects import Gate
from nengo_lmu.networks.readout import Reading, typical_examples
from nengo_lmu.networks.spikes import low_passed_variance
from nengo_lmu.networks.units import Units


@dataclass(frozen=True)
class LearnedReadout:
    """A readout that learns while the network runs.

    Attributes
    ----------
    node : nengo.Node
        What it says, of ``size_out`` dimensions.
    target : nengo.Node
        What it should say. Something has to be connected to it.
    error : nengo.Node
        What it says less what it should say, which it learns from.
    hold : nengo.Node
        1 to stay as it is, 0 (without an input) to learn.
    ensemble : nengo.Ensemble
        The neurons between the memory and the readout.
    connection : nengo.Connection
        Whose decoders are learned.
    learning_rate : float
        Of `nengo.PES`.
    stable_below : float
        The learning rate from which LMS diverges, whatever the filter.
    """

    node: nengo.Node
    target: nengo.Node
    error: nengo.Node
    hold: nengo.Node
    ensemble: nengo.Ensemble
    connection: nengo.Connection
    learning_rate: float
    stable_below: float


def add_learned_readout(
    memory, size_out, points, radius, n_neurons, neuron_type, synapse, rate, seed, label
):
    """Add a readout; see `LegendreMemory.add_learned_readout`."""
    given, dt = typical_examples(memory, np.zeros(1), np.sum)
    reading = Reading(memory, None, dt)
    states = given.pick(reading.rows(given.u))
    late = memory.dt + synapse.tau
    rows = np.eye(memory.size_state)
    if points is not None:
        points = np.maximum(np.ravel(points) - late / memory.theta, 0)
        rows = memory.decode(points)
    rng = np.random.RandomState(seed)
    units = Units(memory, n_neurons, rows, states, reading.noise, neuron_type, rng)

    rates, _ = units.rates(states, reading.noise)
    decay = Reading(memory, synapse, memory.dt).decay
    spikes = low_passed_variance(neuron_type, rates, decay, memory.dt)
    power = np.mean(np.sum(rates**2 + spikes, axis=1))
    per_kappa = n_neurons / (memory.dt * power)
    if rate is None:
        rate = per_kappa * memory.dt / (4 * late)
    with memory, nengos_defaults():
        node = nengo.Node(size_in=size_out, label=label)
        target = nengo.Node(size_in=size_out, label=f"{label} target")
        error = nengo.Node(size_in=size_out, label=f"{label} error")
        learned = nengo.Node(size_in=size_out, label=f"{label} learned")
        connection = nengo.Connection(
            units.ensemble,
            learned,
            function=lambda x: np.zeros(size_out),
            solver=nengo.solvers.NoSolver(np.zeros((n_neurons, size_out))),
            synapse=synapse,
            learning_rule_type=nengo.PES(rate, pre_synapse=synapse),
        )
        # Learning is in units of the radius.
        nengo.Connection(learned, node, transform=radius, synapse=None)
        nengo.Connection(node, error, synapse=None)
        nengo.Connection(target, error, transform=-1, synapse=None)
        hold = nengo.Node(size_in=1, label=f"{label} hold")
        gate = Gate(size_out, f"{label} gate")
        nengo.Connection(nengo.Node([1.0], label="one"), gate[0], synapse=None)
        nengo.Connection(hold, gate[0], transform=-1, synapse=None)
        nengo.Connection(error, gate[1:], transform=1 / radius, synapse=None)
        nengo.Connection(gate, connection.learning_rule, synapse=None)
    return LearnedReadout(
        node=node,
        target=target,
        error=error,
        hold=hold,
        ensemble=units.ensemble,
        connection=connection,
        learning_rate=rate,
        stable_below=2 * per_kappa,
    )
