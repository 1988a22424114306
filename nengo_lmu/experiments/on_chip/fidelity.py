"""How much of a memory's accuracy is left on Loihi: ours and those of others.

The same memories, of as many neurons with the same rates and the same synapse, hold the
same input in the reference simulator and in NengoLoihi's emulator of the chip, in
floating point (what the chip's neurons cost) and in fixed point (what its few bits cost
on top of that).

A state comes late by as many steps as spikes take from neuron to neuron and to the
host, and deterministic neurons, which first have to charge, add to that. So each error
is the one at the delay that suits the memory best, in the simulator at hand.
"""

from dataclasses import dataclass

import numpy as np

from nengo_lmu.analysis.memory import Setting, counted_windows, measure
from nengo_lmu.analysis.simulators import SIMULATORS
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.experiment import option, shown_by
from nengo_lmu.experiments.on_chip.options import THETA, OnChip, measured_for
from nengo_lmu.experiments.options import whole_number
from nengo_lmu.legendre import ArgumentError

# The test bed, which is that of the memory that was run on Loihi first, by the authors
# of the Legendre Memory Unit (`nengo_lmu.analysis.published.notebook_memory`): their
# white noise, of 1 Hz and an rms of 0.3, is what `Setting` has for this memory.
D = 6
MAX_RATES = (100.0, 120.0)

CONSTRUCTIONS = {
    "ours, Poisson": {"neuron_type": "poisson"},
    # The chip can have so much of it, and so it is in the reference simulator too.
    "the same, no feedback": {"neuron_type": "poisson", "error_feedback": 0.0},
    "ours, regular": {"neuron_type": "regular"},
    "ours, LIF": {"neuron_type": "lif"},
    "NengoLoihi's example": {"neuron_type": "regular", "recipe": "example"},
    "published notebook": {"neuron_type": "regular", "recipe": "notebook"},
}


@dataclass(frozen=True)
class Fidelity(OnChip):
    """How accurate memories are on Loihi: ours and others'.

    Compares the error of memories of 1 s and order 6, of as many neurons with the
    same rates and the same synapse, in the reference simulator and on the emulator,
    in floating point and in fixed point.

    A table goes to the screen; with --out, the record and one of each measurement
    to a folder, and the same command continues where it was interrupted. Some 5
    minutes on two cores.
    """

    name = "loihi fidelity"
    n_neurons: int = option(
        600,
        whole_number(2),
        "neurons of each memory",
        "M",
        formerly=("--neurons",),
    )
    seconds: float = measured_for(11.0)

    def __post_init__(self):
        super().__post_init__()
        self.memories()  # it refuses what cannot be measured
        if self.n_neurons % D:
            raise ArgumentError(
                "n_neurons",
                f"must be a multiple of {D}, since some of the memories have as many "
                f"neurons for each of {D} dimensions, but {self.n_neurons} was given; "
                f"use {self.n_neurons - self.n_neurons % D + D}",
            )

    def memories(self):
        """Return what is measured.

        Returns
        -------
        settings : list of (construction, simulator, Setting)
            With seed 0.
        """
        return [
            (
                construction,
                simulator,
                Setting(
                    theta=THETA,
                    d=D,
                    n_neurons=self.n_neurons,
                    tau=self.tau,
                    max_rates=MAX_RATES,
                    windows=counted_windows(self.seconds, THETA),
                    simulator=simulator,
                    **fields,
                ),
            )
            for construction, fields in CONSTRUCTIONS.items()
            for simulator in SIMULATORS
        ]

    def measure(self, run):
        """Measure each construction in each simulator.

        Returns
        -------
        measured : dict
            ``rows``, one for each construction and simulator, with ``mean`` and
            ``standard_error`` over the seeds of the window error, ``lag``, the median
            number of steps that the state comes late, and ``spikes_per_second``, the
            mean.
        """
        memories = self.memories()
        results = run.sweep_seeds(
            measure,
            [setting for *_, setting in memories],
            self.seeds,
            description="fidelity",
        )
        rows = []
        for construction, simulator, setting in memories:
            values = {
                key: [result[key] for result in results[setting]]
                for key in ("aligned", "lag", "spikes_per_second")
            }
            rows.append(
                {
                    "construction": construction,
                    "simulator": simulator,
                    **mean_and_error(values["aligned"]),
                    "lag": float(np.median(values["lag"])),
                    "spikes_per_second": float(np.mean(values["spikes_per_second"])),
                }
            )
        return {"rows": rows}

    table = shown_by("experiments.on_chip.report.fidelity_table")
