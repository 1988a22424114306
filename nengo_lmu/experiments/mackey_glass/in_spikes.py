"""Prediction of the Mackey-Glass series in spikes: what limits it, and at what cost."""

from dataclasses import asdict, dataclass

from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.mackey_glass.echo_state import (
    EchoSettings,
    measure_echo_state,
)
from nengo_lmu.experiments.mackey_glass.spiking import (
    SpikingSettings,
    measure_spiking,
)
from nengo_lmu.experiments.options import number_of_runs, whole_number

# A reduced run has these in place of the settings of the full one.
QUICK = {"sizes": (4, 4, 4), "n_fitted": 600, "n_checked": 300, "n_tested": 120}


@dataclass(frozen=True)
class SpikingMackeyGlass(Experiment):
    """Predict the Mackey-Glass series, 15 samples ahead, in spikes.

    One LMU: a memory of Poisson neurons that hear their error, and hidden units
    that are drawn at random and spike as Poisson neurons or at regular intervals. A
    sample takes 50 steps of a millisecond. The readout is solved for, given the
    noise that the theory expects. The same with rates in place of spikes, in part
    or all, says what limits it. Beside them are echo-state networks, with the same
    training and choice by validation.

    A table goes to the screen; the record (train-mackey-glass-spikes.json), a
    figure (train-mackey-glass-spikes.png) and a record of each measurement to a
    folder. When it was interrupted, the same command continues where it was.
    """

    name = "train mackey-glass-spikes"
    keeps = "records and figure"
    processes = "here"
    resumes = True

    n_neurons: int = option(1000, whole_number(12), "of the memory", "M")
    units: tuple = option((600,), whole_number(10), "hidden units")
    echo_units: tuple = option(
        (600,), whole_number(10), "of echo-state networks", nargs="*"
    )
    seeds: int = option(
        3, number_of_runs, "how often each, with other sequences, weights and spikes"
    )
    quick: bool = switch("fewer and shorter sequences, to see that it works")

    def measure(self, run):
        """Fit and test all networks.

        Returns
        -------
        measured : dict
            ``rows`` (a list of dict with ``n_neurons``, ``hidden``, ``units`` and
            ``seeds``, what `measure_spiking` has of each), ``echo_state`` (a list of
            dict with ``units`` and ``seeds``, what `measure_echo_state` has of each)
            and ``settings_of_networks``.
        """
        less = QUICK if self.quick else {}
        base = SpikingSettings(**less)
        kinds = (
            (0, "rates"),
            (self.n_neurons, "rates"),
            (0, "poisson"),
            (self.n_neurons, "poisson"),
            (self.n_neurons, "regular"),
            (self.n_neurons, "fast"),
        )
        settings = [
            SpikingSettings(n_neurons=m, hidden=hidden, units=units, **less)
            for units in sorted(set(self.units))
            for m, hidden in kinds
        ]
        spiking = run.sweep_seeds(
            measure_spiking, settings, self.seeds, description="LMU"
        )
        echo_state = run.sweep_seeds(
            measure_echo_state,
            [EchoSettings(units, **less) for units in sorted(set(self.echo_units))],
            self.seeds,
            description="echo-state network",
        )
        return {
            "rows": [
                {
                    "n_neurons": one.n_neurons,
                    "hidden": one.hidden,
                    "units": one.units,
                    "seeds": results,
                }
                for one, results in spiking.items()
            ],
            "echo_state": [
                {"units": one.units, "seeds": results}
                for one, results in echo_state.items()
            ],
            "settings_of_networks": asdict(base),
        }

    table = shown_by("experiments.mackey_glass.spiking_report.table")
    figure = shown_by("experiments.mackey_glass.spiking_report.draw")
