"""How much of a memory's accuracy is left on Loihi: ours and those of others.

The same memories, of as many neurons with the same rates and the same synapse, hold the
same input in the reference simulator and in NengoLoihi's emulator of the chip, in
floating point (what the chip's neurons cost) and in fixed point (what its few bits cost
on top of that).

A state comes late by as many steps as spikes take from neuron to neuron and to the
host, and deterministic neurons, which first have to charge, add to that. So each error
is the one at the delay that suits the memory best, in the simulator at hand.
"""

from dataclasses import asdict, dataclass

import numpy as np

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import (
    Setting,
    counted_windows,
    measure,
)
from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.simulators import SIMULATORS
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import whole

# The test bed, which is that of the memory that was run on Loihi first, by the authors
# of the Legendre Memory Unit (`nengo_lmu.analysis.published.notebook_memory`): their
# white noise, of 1 Hz and an rms of 0.3, is what `Setting` has for this memory.
THETA = 1.0
D = 6
MAX_RATES = (100.0, 120.0)

CONSTRUCTIONS = {
    "ours, Poisson": {"neuron_type": "poisson"},
    # what the chip can have of it, in the reference simulator too
    "the same, no feedback": {"neuron_type": "poisson", "error_feedback": 0.0},
    "ours, regular": {"neuron_type": "regular"},
    "ours, LIF": {"neuron_type": "lif"},
    "NengoLoihi's example": {"neuron_type": "regular", "recipe": "example"},
    "published notebook": {"neuron_type": "regular", "recipe": "notebook"},
}


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    m : int
        Neurons of each memory.
    tau : float
        Time constant of the synapse (seconds).
    seeds : int
        How many times each is measured, with another input and other neurons.
    seconds : float
        Length of a measurement, in whole windows; the first is not counted.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For a plan that cannot be measured, or compared at equal m.
    """

    m: int = 600
    tau: float = 0.1
    seeds: int = 5
    seconds: float = 11.0

    def __post_init__(self):
        whole("seeds", self.seeds, 1)
        self.settings()  # refuse what they refuse
        if self.m % D:
            raise ArgumentError(
                "m",
                f"must be a multiple of {D}, since some of the memories have as many "
                f"neurons for each of {D} dimensions, but {self.m} was given; use "
                f"{self.m - self.m % D + D}",
            )

    def settings(self):
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
                    n_neurons=self.m,
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


def run(plan, folder=None, workers=None, show_progress=None):
    """Measure each construction in each simulator.

    Parameters
    ----------
    plan : Plan
    folder, workers, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        ``rows``, one for each construction and simulator, with ``mean`` and
        ``standard_error`` over the seeds of the window error, ``lag``, the median
        number of steps that the state comes late, and ``spikes_per_second``, the mean;
        ``plan`` and ``versions``.

    Raises
    ------
    nengo_lmu.analysis.errors.MeasurementError
        If some failed, for example since NengoLoihi is not installed.
    """
    settings = plan.settings()
    results = sweep.run_seeds(
        measure,
        [setting for *_, setting in settings],
        plan.seeds,
        folder=folder,
        workers=workers,
        cost=lambda setting: setting.cost,
        description="fidelity",
        show_progress=show_progress,
    )
    rows = []
    for construction, simulator, setting in settings:
        found = {
            key: [result[key] for result in results[setting]]
            for key in ("aligned", "lag", "spikes_per_second")
        }
        rows.append(
            {
                "construction": construction,
                "simulator": simulator,
                **mean_and_error(found["aligned"]),
                "lag": float(np.median(found["lag"])),
                "spikes_per_second": float(np.mean(found["spikes_per_second"])),
            }
        )
    return {"plan": asdict(plan), "rows": rows, "versions": versions()}
