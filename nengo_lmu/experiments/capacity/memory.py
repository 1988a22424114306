"""The capacity task by Legendre memories, of which nothing is trained."""

import time
from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.analysis.simulators import spike_counter
from nengo_lmu.analysis.timing import peak_resident
from nengo_lmu.experiments.capacity.readout import fitted_readout
from nengo_lmu.experiments.capacity.spiking import (
    DT,
    FEWEST_NEURONS,
    best_choice,
    spiking_memory,
)
from nengo_lmu.legendre.checks import whole
from nengo_lmu.networks import LMU
from nengo_lmu.tasks.capacity import BANDWIDTH, WhiteNoise, delays

# The start of a sequence is a kink, which has left the window after T steps, and its
# traces in the state some time later.
SETTLED = 1.5

# So many steps are probed at a time, which is all that is kept of the past.
CHUNK = 10_000


@dataclass(frozen=True)
class Setting:
    """What one measurement is of.

    Attributes
    ----------
    length : int
        T: steps in the window, which is a second for the ideal memory, and T
        milliseconds for neurons.
    n_neurons : int
        Poisson neurons of the memory; 0 for the ideal one of order 100.
    seed : int
        Of the sequence, the neurons and their spikes.
    """

    length: int
    n_neurons: int = 0
    seed: int = 0

    def __post_init__(self):
        whole("length", self.length, 1 + int(2 * BANDWIDTH))
        if whole("n_neurons", self.n_neurons, 0):
            whole("n_neurons", self.n_neurons, FEWEST_NEURONS)
        whole("seed", self.seed, 0)

    @property
    def dt(self):
        """(float) Time step (seconds)."""
        return DT if self.n_neurons else 1 / self.length

    @property
    def d(self):
        """(int) Order of the memory: the paper's, or what suits so many neurons."""
        return best_choice(self.length, self.n_neurons).d if self.n_neurons else 100

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return self.length * (2000 + self.n_neurons)


def measure(setting):
    """Present a sequence to a memory in the reference simulator.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``mse`` and ``settled``, each with a list of the mean squared errors of the
        delays for each readout: from step T on, as in the paper, and from 1.5 T on,
        when the start of the sequence is forgotten. The readouts of the ideal memory
        are ``published`` (the paper's window and points, which are half a step off),
        ``Legendre`` (in the middle of the steps) and ``fitted`` (`fitted_readout`);
        that of a spiking one is ``spiking`` (the same, for the noise of its spikes).
        ``d``; ``spikes_per_step``; ``seconds`` of processor time; and ``peak_mib``, the
        most memory that the process has taken until then (None on Windows).
    """
    # Seeds are independent, since equal seeds of different things make them correlated.
    seeds = np.random.SeedSequence(setting.seed).generate_state(2) >> 1
    signal = WhiteNoise(setting.length, np.random.RandomState(seeds[0]))
    lags = delays(setting.length)
    chunk = {}

    with nengo.Network(seed=int(seeds[1])) as network:
        stimulus = nengo.Node(
            lambda t: chunk["u"][round(t / setting.dt) - 1 - chunk["first"]],
            size_out=1,
        )
        memories = _spiking if setting.n_neurons else _ideal
        readouts = list(memories(setting, lags))
        recalled = nengo.Node(size_in=len(readouts) * len(lags), label="recalled")
        for k, (_, memory, D) in enumerate(readouts):
            part = recalled[k * len(lags) : (k + 1) * len(lags)]
            nengo.Connection(memory.output, part, transform=D, synapse=None)
        for memory in dict.fromkeys(memory for _, memory, _ in readouts):
            nengo.Connection(stimulus, memory.input, synapse=None)
        probe = nengo.Probe(recalled)
        ensembles = [e for _, memory, _ in readouts[:1] for e in memory.ensembles]
        spikes = nengo.Probe(spike_counter(ensembles, setting.dt))

    started = time.process_time()
    sums = {1.0: 0.0, SETTLED: 0.0}
    # A model of our own has no decoder cache: nothing is written to the user's.
    model = nengo.builder.Model(dt=setting.dt)
    with nengo.Simulator(
        network, dt=setting.dt, model=model, progress_bar=False
    ) as sim:
        for first in range(0, signal.n_steps, CHUNK):
            steps = np.arange(first, min(first + CHUNK, signal.n_steps))
            targets = signal.at(steps, lags)
            chunk.update(first=first, u=targets[:, 0])
            sim.run_steps(len(steps))
            recalls = sim.data[probe].reshape(len(steps), len(readouts), len(lags))
            squares = (recalls - targets[:, np.newaxis]) ** 2
            for since in sums:
                sums[since] += squares[steps >= since * setting.length].sum(axis=0)
            n_spikes = float(sim.data[spikes][-1, 0])
            sim.clear_probes()

    def mean(since):
        n_counted = signal.n_steps - np.ceil(since * setting.length)
        return {
            name: total.tolist()
            for (name, *_), total in zip(readouts, sums[since] / n_counted)
        }

    return {
        "mse": mean(1.0),
        "settled": mean(SETTLED),
        "d": setting.d,
        "spikes_per_step": n_spikes / signal.n_steps,
        "seconds": time.process_time() - started,
        "peak_mib": _peak_mib(),
    }


def _ideal(setting, lags):
    """Make the ideal memories, and yield readouts: a name, a memory and a matrix."""
    d, dt, length = setting.d, setting.dt, setting.length
    # Beside the published window there is one that ends in the middle of the last step:
    # the input of a step is held until the next, so on average it is half a step old.
    published = LMU((length - 0.5) * dt, d, n_neurons=0, dt=dt).memory
    yield "published", published, published.decode(lags / length)
    memory = LMU((length + 0.5) * dt, d, n_neurons=0, dt=dt).memory
    yield "Legendre", memory, memory.decode((lags + 0.5) / (length + 0.5))
    yield "fitted", memory, fitted_readout(length, d, memory.theta, lags).weights


def _spiking(setting, lags):
    """Make a spiking memory, and yield its readout, as for ideal ones."""
    choice = best_choice(setting.length, setting.n_neurons)
    memory = spiking_memory(setting.length, choice.d, setting.n_neurons)
    yield "spiking", memory, choice.readout.weights


def _peak_mib():
    peak = peak_resident()
    return None if peak is None else peak / 2**20
