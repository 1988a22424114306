"""The theory of the noise against simulations, and memories outside of its reach.

Two things are measured. A grid of memories, wherever the theory predicts a small error:
is that what a simulation has? And memories that meet other input than they are designed
for, where the theory says nothing: are they still better than without error feedback,
and than the usual recipe?
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import Setting, measure, windows_for
from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.theory import LIMIT, predict
from nengo_lmu.legendre import ArgumentError

# The memories that meet input unlike that of their design: all recipes have as many
# neurons, of the same rates, and the same synapse.
UNFORESEEN = {"theta": 1.0, "tau": 0.1, "max_rates": (100.0, 120.0)}
UNFORESEEN_ORDERS = (6, 12, 24)
UNFORESEEN_PER_DIMENSION = 200

# how each of these is made, by the fields of `Setting`
RECIPES = {
    "usual": {"recipe": "usual"},
    "without": {"error_feedback": 0.0},
    "default": {},
}


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    theta : tuple of float
        Windows (seconds).
    d : tuple of int
        Orders.
    per_dimension : tuple of int
        Neurons, divided by the order.
    tau : tuple of float
        Time constants of the synapse (seconds).
    dt : tuple of float
        Time steps (seconds).
    neuron_type : str
        A key of `nengo_lmu.analysis.simulators.NEURON_TYPES` that the theory covers.
    error_feedback : float or None
        Gain with which the neurons of the grid hear their own error; None for the best,
        0 for not at all.
    seeds : int
        How many times each is measured.
    windows : int or None
        How many ``theta`` each measurement takes; None for `windows_for`.
    """

    theta: tuple = (0.1, 1.0)
    d: tuple = (3, 6, 12, 24)
    per_dimension: tuple = (20, 200)
    tau: tuple = (0.05, 0.1, 0.2, 0.4)
    dt: tuple = (0.001,)
    neuron_type: str = "poisson"
    error_feedback: float | None = None
    seeds: int = 3
    windows: int | None = None

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
        found : list of dict of Setting
            By the keys of `RECIPES`: the usual recipe, our memory without error
            feedback and as it is by default, which all meet the same input; with
            seed 0.
        """
        found = []
        for stimulus in STIMULI:
            for d in UNFORESEEN_ORDERS:
                # as long as the error takes that lasts longest
                windows = self.windows or windows_for(UNFORESEEN["theta"], d, 0.0)
                base = Setting(
                    d=d,
                    n_neurons=UNFORESEEN_PER_DIMENSION * d,
                    neuron_type=self.neuron_type,
                    windows=windows,
                    stimulus=stimulus,
                    **UNFORESEEN,
                )
                found.append(
                    {name: replace(base, **fields) for name, fields in RECIPES.items()}
                )
        return found


# What the theory has to stand.
FULL = Plan(
    theta=(0.1, 1.0, 10.0),
    per_dimension=(20, 50, 200, 800),
    dt=(0.0005, 0.001, 0.002),
    seeds=5,
)


def run(plan, folder=None, workers=None, dask=None, show_progress=None):
    """Measure what is planned, and return the record of it.

    Parameters
    ----------
    plan : Plan
    folder, workers, dask, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        For JSON: ``plan``, ``cells`` of the grid, ``unforeseen`` and ``versions``. Each
        cell has ``theta``, ``d``, ``dt``, ``n_neurons``, ``tau``, ``windows``, the
        ``predicted`` error, the ``errors`` of the seeds, their ``mean`` and
        ``standard_error`` (None for one seed), and ``ratio``, of the mean to the
        predicted. Each of ``unforeseen`` has ``stimulus``, ``d``, ``n_neurons``, for
        each of `RECIPES` the ``errors``, ``mean``, ``standard_error`` and
        ``spikes_per_second``, and by the names of the other recipes ``ratios``, of the
        default's mean error to theirs (None where theirs is 0).

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If something of the plan cannot be measured.
    nengo_lmu.analysis.errors.MeasurementError
        If a measurement failed.
    """
    grid, unforeseen = plan.grid(), plan.unforeseen()
    wanted = [*grid, *(setting for one in unforeseen for setting in one.values())]
    wanted = list(dict.fromkeys(wanted))
    results = sweep.run_seeds(
        measure,
        wanted,
        plan.seeds,
        folder=folder,
        workers=workers,
        dask=dask,
        cost=lambda setting: setting.cost,
        description="memories",
        show_progress=show_progress,
    )
    return {
        "experiment": "theory",
        "plan": asdict(plan),
        "cells": [_cell(setting, results[setting]) for setting in grid],
        "unforeseen": [_compare(one, results) for one in unforeseen],
        "versions": versions(),
    }


def _mean(results):
    errors = [result["window"] for result in results]
    return {"errors": errors, **mean_and_error(errors)}


def _cell(setting, results):
    predicted = predict(setting)
    found = _mean(results)
    return {
        "theta": setting.theta,
        "d": setting.d,
        "dt": setting.dt,
        "n_neurons": setting.n_neurons,
        "tau": setting.tau,
        "windows": setting.windows,
        "predicted": predicted,
        **found,
        "ratio": found["mean"] / predicted,
    }


def _compare(settings, results):
    def described(setting):
        spikes = [result["spikes_per_second"] for result in results[setting]]
        return _mean(results[setting]) | {"spikes_per_second": float(np.mean(spikes))}

    found = {name: described(setting) for name, setting in settings.items()}
    base = settings["default"]
    ours = found["default"]["mean"]
    return {
        "stimulus": base.stimulus,
        "d": base.d,
        "n_neurons": base.n_neurons,
        **found,
        "ratios": {
            name: ours / one["mean"] if one["mean"] else None
            for name, one in found.items()
            if name != "default"
        },
    }
