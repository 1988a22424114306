"""The theory of the noise against simulations, and memories outside of its reach.

Two things are measured. A grid of memories, wherever the theory predicts a small error:
is that what a simulation has? And memories that meet other input than they are designed
for, where the theory says nothing: are they still better than without error feedback,
and than the usual recipe?
"""

from dataclasses import dataclass, replace

import numpy as np

from nengo_lmu.analysis.memory import Setting, measure, windows_for
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.theory import LIMIT, predict
from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.options import (
    number_from_zero,
    number_of_runs,
    one_of,
    seconds,
    whole_number,
)
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.noise import SPIKING

# The memories that meet input unlike that of their design: all recipes have as many
# neurons, of the same rates, and the same synapse.
UNFORESEEN = {"theta": 1.0, "tau": 0.1, "max_rates": (100.0, 120.0)}
UNFORESEEN_ORDERS = (6, 12, 24)
UNFORESEEN_PER_DIMENSION = 200

# Each of these is made with such fields of `Setting`.
RECIPES = {
    "usual": {"recipe": "usual"},
    "without": {"error_feedback": 0.0},
    "default": {},
}


# Fields that are not given have these values; the theory has to stand the full grid.
PART = {"theta": (0.1, 1.0), "per_dimension": (20, 200), "dt": (0.001,), "seeds": 3}
WHOLE = {
    "theta": (0.1, 1.0, 10.0),
    "per_dimension": (20, 50, 200, 800),
    "dt": (0.0005, 0.001, 0.002),
    "seeds": 5,
}


@dataclass(frozen=True)
class Theory(Experiment):
    """Hold the theory of the noise against simulations.

    A grid of memories, wherever the predicted window error is below 0.3: for each
    theta, d and time step, the smallest, mean and largest ratio of the measured
    error, which is the mean over the seeds, to the predicted one.

    Then input that the memory is not designed for: white noise that is 3 times as
    loud or 3 times as fast, steps, full range after silence, and silence. The
    memory is compared with one whose neurons do not hear their error, and with one
    by the usual recipe, all with as many neurons, of the same rates, and the same
    synapse.

    The tables go to the screen; the record (theory.json), a figure (theory.png) and
    a record of each measurement to a folder. When it was interrupted, the same
    command continues where it was.

    By default a part of the grid, some 5 minutes on two cores. --full is all of it,
    two to three hours.
    """

    name = "theory"
    keeps = "records and figure"
    processes = "anywhere"
    resumes = True
    names = {"n_neurons": "--per-dimension"}

    full: bool = switch(
        "with 5 seeds, theta 0.1 1 10, 20 50 200 800 neurons a dimension and time "
        "steps of 0.0005 0.001 0.002, but for what is given"
    )
    theta: tuple | None = option(
        None, seconds, "windows, in seconds (default: 0.1 1)", "S", nargs="+"
    )
    d: tuple = option((3, 6, 12, 24), whole_number(1), "orders", "D")
    per_dimension: tuple | None = option(
        None,
        whole_number(2),
        "numbers of neurons for each of the d dimensions (default: 20 200)",
        nargs="+",
    )
    tau: tuple = option(
        (0.05, 0.1, 0.2, 0.4),
        seconds,
        "time constants of the synapse, in seconds",
        "S",
    )
    dt: tuple | None = option(
        None, seconds, "time steps, in seconds (default: 0.001)", "S", nargs="+"
    )
    neuron_type: str = option("poisson", one_of(SPIKING), ", ".join(SPIKING), "TYPE")
    error_feedback: float | None = option(
        None,
        number_from_zero,
        "gain with which the neurons of the grid hear their own error, 0 for not at "
        "all (default: the theory's)",
        "K",
    )
    seeds: int | None = option(
        None, number_of_runs, "how often each is measured (default: 3)"
    )
    windows: int | None = option(
        None,
        whole_number(1),
        "length of a measurement in theta (default: 4 to 12, or 10 to 40 without "
        "error feedback, by d and theta, for a standard error of some 3 % with 5 "
        "seeds)",
    )

    def __post_init__(self):
        super().__post_init__()
        for name, value in (WHOLE if self.full else PART).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def measure(self, run):
        """Measure the grid and the memories that meet other input.

        Returns
        -------
        measured : dict
            ``cells`` of the grid, and ``unforeseen``. Each cell has ``theta``, ``d``,
            ``dt``, ``n_neurons``, ``tau``, ``windows``, the ``predicted`` error, the
            ``errors`` of the seeds, their ``mean`` and ``standard_error`` (None for one
            seed), and ``ratio``, of the mean to the predicted. Each of ``unforeseen``
            has ``stimulus``, ``d``, ``n_neurons``, for each of `RECIPES` the
            ``errors``, ``mean``, ``standard_error`` and ``spikes_per_second``, and by
            the names of the other recipes ``ratios``, of the default's mean error to
            theirs (None where theirs is 0).
        """
        grid, unforeseen = self.grid(), self.unforeseen()
        memories = [*grid, *(memory for row in unforeseen for memory in row.values())]
        results = run.sweep_seeds(
            measure,
            list(dict.fromkeys(memories)),
            self.seeds,
            description="memories",
        )
        return {
            "cells": [_cell(setting, results[setting]) for setting in grid],
            "unforeseen": [_compare(row, results) for row in unforeseen],
        }

    table = shown_by("experiments.theory.report.theory_tables")
    figure = shown_by("experiments.theory.report.draw_theory")

    def grid(self):
        """Return the memories of which the theory says that their error is small.

        Returns
        -------
        settings : list of Setting
            With seed 0.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If one of the grid cannot be measured, or the error of none is small.
        """
        settings = [
            Setting(
                theta=theta,
                d=d,
                n_neurons=per_dimension * d,
                tau=tau,
                neuron_type=self.neuron_type,
                windows=self.windows or windows_for(theta, d, self.error_feedback),
                dt=dt,
                error_feedback=self.error_feedback,
            )
            for theta in dict.fromkeys(self.theta)
            for d in dict.fromkeys(self.d)
            for dt in dict.fromkeys(self.dt)
            for per_dimension in dict.fromkeys(self.per_dimension)
            for tau in dict.fromkeys(self.tau)
        ]
        small = [setting for setting in settings if predict(setting) < LIMIT]
        if not small:
            raise ArgumentError(
                "per_dimension",
                f"gives no memory with a predicted error below {LIMIT:g}, but "
                f"{max(self.per_dimension)} was given; use more neurons, a shorter "
                "theta or a longer tau",
            )
        return small

    def unforeseen(self):
        """Return the memories that meet each stimulus, by all recipes.

        Returns
        -------
        memories : list of dict of Setting
            By the keys of `RECIPES`: the usual recipe, our memory without error
            feedback and as it is by default, which all meet the same input; with
            seed 0.
        """
        memories = []
        for stimulus in STIMULI:
            for d in UNFORESEEN_ORDERS:
                # All are measured for as long as the error takes that lasts longest.
                windows = self.windows or windows_for(UNFORESEEN["theta"], d, 0.0)
                base = Setting(
                    d=d,
                    n_neurons=UNFORESEEN_PER_DIMENSION * d,
                    neuron_type=self.neuron_type,
                    windows=windows,
                    stimulus=stimulus,
                    **UNFORESEEN,
                )
                memories.append(
                    {name: replace(base, **fields) for name, fields in RECIPES.items()}
                )
        return memories


def _mean(results):
    errors = [result["window"] for result in results]
    return {"errors": errors, **mean_and_error(errors)}


def _cell(setting, results):
    predicted = predict(setting)
    error = _mean(results)
    return {
        "theta": setting.theta,
        "d": setting.d,
        "dt": setting.dt,
        "n_neurons": setting.n_neurons,
        "tau": setting.tau,
        "windows": setting.windows,
        "predicted": predicted,
        **error,
        "ratio": error["mean"] / predicted,
    }


def _compare(settings, results):
    def described(setting):
        spikes = [result["spikes_per_second"] for result in results[setting]]
        return _mean(results[setting]) | {"spikes_per_second": float(np.mean(spikes))}

    errors = {name: described(setting) for name, setting in settings.items()}
    base = settings["default"]
    ours = errors["default"]["mean"]
    return {
        "stimulus": base.stimulus,
        "d": base.d,
        "n_neurons": base.n_neurons,
        **errors,
        "ratios": {
            name: ours / error["mean"] if error["mean"] else None
            for name, error in errors.items()
            if name != "default"
        },
    }
