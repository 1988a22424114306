"""What a network does on Loihi, and the energy that it would take.

Spikes are counted on the emulator. The energy follows from them and from what single
operations were found to take; nothing is measured on a chip.
"""

from dataclasses import asdict, dataclass
from types import MappingProxyType

import nengo_loihi
import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import positive
from nengo_lmu.loihi.resources import model_resources
from nengo_lmu.utils.progress import progress_bar

# Single operations take so much in table 2 of Davies, M., et al. (2018), "Loihi: A
# Neuromorphic Manycore Processor with On-Chip Learning", IEEE Micro 38(1), 82-99: found
# before there was silicon, at 0.75 V. The first is the least that a synaptic operation
# takes; the second that of a spike within a tile of the chip, with 3 or 4 pJ more for
# each tile further on; the third that of an active neuron (an inactive one takes 52
# pJ), which all are taken for: noise, bias or leak change them in each step.
#
# keras_spiking.ModelEnergy has the same 81 pJ for "loihi", and 23.6 + 3.5 pJ for a
# synaptic operation.
PICOJOULES = MappingProxyType(
    {"synaptic_operations": 23.6, "spike_messages": 1.7, "neuron_updates": 81.0}
)

# The progress bar ticks after so much of the simulation (seconds).
_CHUNK = 0.1


@dataclass(frozen=True)
class Source:
    """What a block of neurons did, or an input from the host.

    Attributes
    ----------
    ensemble : str
        What the block is, or is a piece of; or the label of the input.
    spikes : int
    synaptic_operations : int
        Weights that these spikes met, on whichever core.
    spike_messages : int
        One for each axon that a spike left the core by; 0 for the host.
    neuron_updates : int
        One for each neuron in each time step; 0 for the host.
    """

    ensemble: str
    spikes: int
    synaptic_operations: int
    spike_messages: int
    neuron_updates: int

    @property
    def joules(self):
        """(float) Of these operations, by `PICOJOULES`."""
        return sum(1e-12 * pj * getattr(self, kind) for kind, pj in PICOJOULES.items())


@dataclass(frozen=True)
class Activity:
    """What a network did on the chip.

    Attributes
    ----------
    seconds : float
        How long (of simulated time).
    blocks : tuple of Source
        One for each core.
    inputs : tuple of Source
        From the host. What their spikes take on the chip's cores counts, their way to
        the chip does not.
    """

    seconds: float
    blocks: tuple
    inputs: tuple

    def per_second(self, kind):
        """Return how often something happened on the chip, in a second.

        Parameters
        ----------
        kind : {"spikes", "synaptic_operations", "spike_messages", "neuron_updates"}

        Returns
        -------
        rate : float
            Spikes are those of neurons on the chip; synaptic operations are also those
            of spikes from the host.
        """
        sources = self.blocks if kind == "spikes" else self.blocks + self.inputs
        return sum(getattr(source, kind) for source in sources) / self.seconds

    @property
    def watts(self):
        """(dict) Energy in a second, of each kind of operation in `PICOJOULES`."""
        return {
            kind: 1e-12 * pj * self.per_second(kind) for kind, pj in PICOJOULES.items()
        }

    @property
    def total_watts(self):
        """(float) Dynamic power of the chip's cores.

        Idle power, the host and its input and output, the way of spikes to other tiles
        and learning are not in it.
        """
        return sum(self.watts.values())

    def as_record(self):
        """Return all of it as JSON can hold it."""
        kinds = ("spikes", *PICOJOULES)
        return {
            "seconds": self.seconds,
            "per_second": {kind: self.per_second(kind) for kind in kinds},
            "watts": self.watts | {"total": self.total_watts},
            "picojoules": dict(PICOJOULES),
            "blocks": [asdict(source) for source in self.blocks],
            "inputs": [asdict(source) for source in self.inputs],
        }


def measure_activity(
    network, seconds, warm_up=0.0, seed=None, dt=0.001, show_progress=None
):
    """Run a network on the emulator and count what happens on the chip.

    Parameters
    ----------
    network : nengo.Network
    seconds : float
        How long to count.
    warm_up : float
        How long to run before that (seconds).
    seed : int, optional
        Of the simulator.
    dt : float
        Time step (seconds).
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    activity : Activity

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there is no time step to count in.
    nengo.exceptions.BuildError
        If the network cannot be built, or does not fit the chip.

    Examples
    --------
    >>> activity = measure_activity(net, seconds=0.01, show_progress=False)
    >>> activity.seconds
    0.01
    """
    dt = positive("dt", dt, "of seconds")
    n_steps = round(positive("seconds", seconds, "of seconds") / dt)
    if n_steps == 0:
        raise ArgumentError(
            "seconds", f"must be at least dt={dt:g}, but {seconds:g} was given"
        )
    with nengo_loihi.Simulator(
        network, dt=dt, seed=seed, target="sim", progress_bar=False
    ) as sim:
        counters = [_InputCounter(spike_input) for spike_input in sim.model.inputs]
        n_warm = round(warm_up / dt)
        with progress_bar(
            show_progress, total=n_warm + n_steps, desc="Loihi emulator", unit="step"
        ) as bar:
            _run(sim, n_warm, bar)
            before = _spikes(sim, counters)
            _run(sim, n_steps, bar)
            spikes = [new - old for new, old in zip(_spikes(sim, counters), before)]

        n_blocks = len(sim.model.blocks)
        labels = [block.ensemble for block in model_resources(sim.model).blocks]
        blocks = [
            _source(block, label, counts, n_steps)
            for block, label, counts in zip(sim.model.blocks, labels, spikes)
        ]
        inputs = [
            _source(counter.input, counter.input.label or "input", counts, None)
            for counter, counts in zip(counters, spikes[n_blocks:])
        ]
    return Activity(n_steps * dt, tuple(blocks), tuple(inputs))


class _InputCounter:
    """Counts the spikes of an input while the emulator reads them.

    Parameters
    ----------
    spike_input : nengo_loihi.inputs.SpikeInput
    """

    def __init__(self, spike_input):
        self.input = spike_input
        self.counts = np.zeros(spike_input.n_neurons, dtype=int)
        self._read = spike_input.spike_idxs
        spike_input.spike_idxs = self._count

    def _count(self, ti):
        idxs = self._read(ti)
        np.add.at(self.counts, np.asarray(idxs, dtype=int), 1)
        return idxs


def _run(sim, n_steps, bar):
    chunk = max(1, round(_CHUNK / sim.dt))
    for start in range(0, n_steps, chunk):
        steps = min(chunk, n_steps - start)
        sim.run_steps(steps)
        sim.clear_probes()  # otherwise memory grows with time
        bar.update(steps)


def _spikes(sim, counters):
    """Return the spikes so far of the neurons of each block, and of each input."""
    emulator = sim.sims["emulator"]
    counts, slices = emulator.compartment.spike_count, emulator.block_info.slices
    return [
        *(counts[slices[block]].copy() for block in sim.model.blocks),
        *(counter.counts.copy() for counter in counters),
    ]


def _source(source, label, spikes, n_steps):
    """Sum up what the neurons of a block, or of an input, did.

    Parameters
    ----------
    source : nengo_loihi.block.LoihiBlock or nengo_loihi.inputs.SpikeInput
    label : str
    spikes : (n_neurons,) ndarray of int
    n_steps : int or None
        Of a block; None for an input.
    """
    axons, weights = _fan_out(source, len(spikes))
    on_chip = n_steps is not None
    return Source(
        ensemble=label,
        spikes=int(spikes.sum()),
        synaptic_operations=int(spikes @ weights),
        spike_messages=int(spikes @ axons) if on_chip else 0,
        neuron_updates=len(spikes) * n_steps if on_chip else 0,
    )


def _fan_out(source, n_neurons):
    """Return how many axons, and how many weights, a spike of each neuron goes to."""
    axons = np.zeros(n_neurons, dtype=int)
    weights = np.zeros(n_neurons, dtype=int)
    for axon in source.axons:
        for i, spike in enumerate(axon.map_spikes(np.arange(n_neurons))):
            synapse = axon.target
            if spike is None or synapse.axon_compartment_base(spike.axon_idx) is None:
                continue
            row, _ = synapse.axon_weights_indices(spike.axon_idx, atom=spike.atom)
            axons[i] += len(row) > 0  # others are not on the chip at all
            weights[i] += len(row)
    return axons, weights
