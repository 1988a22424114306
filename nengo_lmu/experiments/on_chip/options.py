"""Options of commands that measure memories of one second on the chip."""

from dataclasses import dataclass

from nengo_lmu.experiments.experiment import Experiment, option
from nengo_lmu.experiments.options import number_of_runs, seconds

# All memories have this window (seconds).
THETA = 1.0


def measured_for(default):
    """Return a field for how long a memory is measured (seconds)."""
    return option(
        default,
        seconds,
        "length of a measurement, in whole windows; the first is not counted",
        "S",
    )


@dataclass(frozen=True)
class OnChip(Experiment):
    """What can be chosen of the memories and of how they are measured."""

    keeps = "records"
    processes = "here"
    resumes = True
    always_kept = False

    tau: float = option(0.1, seconds, "time constant of the synapse, in seconds", "S")
    seeds: int = option(
        5,
        number_of_runs,
        "how often each is measured, with another input and other neurons",
    )
