"""How the error of a spiking memory depends on its size, order, window, synapse and dt.

One thing is varied at a time, around a base: neurons, for each of their types; order,
window, synapse and time step for the first type, with and without error feedback.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from nengo_lmu.analysis.memory import Setting, measure, windows_for
from nengo_lmu.analysis.simulators import NEURON_TYPES
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.theory import fit_exponents, floor, predict
from nengo_lmu.experiments.experiment import Experiment, option, shown_by
from nengo_lmu.experiments.options import (
    number_of_runs,
    one_of,
    seconds,
    whole_number,
)
from nengo_lmu.experiments.scaling.channel import ChannelSetting, measure_channel

# Each axis is a field of `Setting` that is varied.
AXES = {"m": "n_neurons", "d": "d", "theta": "theta", "tau": "tau", "dt": "dt"}

# Power laws are fitted for these; the error follows none of tau.
FITTED = ("m", "d", "theta", "dt")

# The published experiment has from 100 to 20,010 neurons.
CHANNEL_SIZES = (100, 300, 1000, 3000, 10000, 20010)

# Memories run so long without error feedback, where an error lasts for about a window.
_WINDOWS = 10

# A curve of the theory has so many points, but for that of m, which is straight.
_CURVE_POINTS = 13


@dataclass(frozen=True)
class Scaling(Experiment):
    """Measure how the error of spiking memories scales.

    The error of the decoded window, against the ideal memory, is measured for
    several numbers of neurons m, with each type of neuron. With the first type,
    the order d, the window theta, the synapse's tau and the time step dt are
    varied too, each by itself: the others then have the middle one of their values,
    and tau its default (or the only value given). To compare with: neurons of that
    type that do not hear their error, the recipe found in the literature, and the
    feed-forward channel of one dimension that was published.

    A table with fitted exponents goes to the screen; the record (scaling.json), a
    figure (scaling.png) and a record of each measurement to a folder. When it was
    interrupted, the same command continues where it was.
    """

    name = "scaling"
    keeps = "records and figure"
    processes = "anywhere"
    resumes = True

    n_neurons: tuple = option(
        (100, 300, 1000, 3000, 10000),
        whole_number(2),
        "numbers of neurons of the memory",
        "M",
        formerly=("--m",),
    )
    d: tuple = option((3, 6, 12, 24), whole_number(1), "orders of the memory", "D")
    theta: tuple = option(
        (0.1, 0.3, 1.0, 3.0, 10.0), seconds, "windows, in seconds", "S"
    )
    tau: tuple = option(
        (0.05, 0.1, 0.2, 0.4, 0.8),
        seconds,
        "time constants of the synapse, in seconds",
        "S",
    )
    dt: tuple = option(
        (0.0005, 0.001, 0.002, 0.004), seconds, "time steps, in seconds", "S"
    )
    neuron_types: tuple = option(
        ("poisson", "stochastic", "regular", "lif", "poisson-lif", "adaptive-lif"),
        one_of(tuple(NEURON_TYPES)),
        f"types of neurons: {', '.join(NEURON_TYPES)}",
        "TYPE",
        flag="--neuron-type",
    )
    seeds: int = option(5, number_of_runs, "how often each is measured")
    windows: int | None = option(
        None,
        whole_number(1),
        "length of a measurement in theta (default: 10, and 4 to 12 by d where "
        "neurons hear their error)",
    )

    def measure(self, run):
        """Measure all memories and the channel, and fit exponents.

        Returns
        -------
        measured : dict
            ``base``; ``series``, a list of dict, each with ``axis``, ``neuron_type``,
            ``recipe``, ``error_feedback``, ``points``, and ``curve``, which is that of
            the theory or None; ``exponents``, a list of dict. Points and curves have
            the ``floor`` of the error too, where there is one and neurons hear their
            error.
        """
        series = self.series()
        memories = dict.fromkeys(
            memory for _, settings in series for memory in settings
        )
        channel = [ChannelSetting(m) for m in CHANNEL_SIZES]
        results = {}
        for function, settings, description in (
            (measure, list(memories), "memories"),
            (measure_channel, channel, "feed-forward"),
        ):
            results |= run.sweep_seeds(
                function,
                settings,
                self.seeds,
                description=description,
            )

        records = [_describe(axis, settings, results) for axis, settings in series]
        records.append(
            {
                "axis": "m",
                "neuron_type": "poisson-lif",
                "recipe": "feed-forward",
                "error_feedback": 0.0,
                "points": [_point(size.n_neurons, results[size]) for size in channel],
                "curve": None,
            }
        )
        exponents = map(_exponent, records)
        return {
            "base": asdict(self.base),
            "series": records,
            "exponents": [exponent for exponent in exponents if exponent is not None],
        }

    def table(self, record):
        """Return the errors against neurons, and the exponents."""
        from nengo_lmu.experiments.scaling import report

        tables = f"{report.title(record)}\n{report.error_table(record)}"
        if record["exponents"]:
            tables += "\n\nExponents, with 95 % confidence:\n\n"
            tables += report.exponent_table(record)
        return tables

    figure = shown_by("experiments.scaling.report.draw_scaling")

    @property
    def base(self):
        """(Setting) What is kept while one thing is varied."""

        def middle(values):
            return sorted(set(values))[(len(set(values)) - 1) // 2]

        return Setting(
            theta=middle(self.theta),
            d=middle(self.d),
            n_neurons=middle(self.n_neurons),
            tau=self.tau[0] if len(set(self.tau)) == 1 else None,
            neuron_type=self.neuron_types[0],
            dt=middle(self.dt),
            windows=self.windows or _WINDOWS,
        )

    def series(self):
        """Return what is to be measured, without the channel.

        Returns
        -------
        series : list of (axis, settings)
            The axis is a key of `AXES`; settings differ in it alone, and have seed 0.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If one of them cannot be measured.
        """
        base = self.base
        without = replace(base, error_feedback=0.0)
        usual = replace(base, recipe="usual")
        starts = [
            ("m", replace(base, neuron_type=name))
            for name in dict.fromkeys(self.neuron_types)
        ]
        starts += [("m", without), ("m", usual)]
        for axis in ("d", "theta", "tau", "dt"):
            starts += [(axis, base), (axis, without)]
        starts.append(("d", usual))
        return [
            (
                axis,
                [
                    self._as_long_as_it_takes(replace(start, **{AXES[axis]: value}))
                    for value in sorted(set(getattr(self, AXES[axis])))
                ],
            )
            for axis, start in starts
            if axis == "m" or len(set(getattr(self, AXES[axis]))) > 1
        ]

    def _as_long_as_it_takes(self, setting):
        if self.windows is not None or setting.recipe != "default":
            return setting
        if setting.error_feedback == 0:
            return setting
        return replace(setting, windows=windows_for(setting.theta, setting.d))


def _point(x, results, predicted=None, floor=None):
    errors = [result["window"] for result in results]
    return {
        "x": x,
        "errors": errors,
        **mean_and_error(errors),
        "predicted": predicted,
        "floor": floor,
    }


def _describe(axis, settings, results):
    """Return the record of a series."""
    field = AXES[axis]
    x = [getattr(setting, field) for setting in settings]
    points = []
    for setting in settings:
        x_here = getattr(setting, field)
        point = _point(x_here, results[setting], predict(setting), floor(setting))
        for name in ("delay", "spikes_per_second", "tau"):
            values = [result[name] for result in results[setting]]
            # Neurons that do not spike have no spikes to report.
            point[name] = None if None in values else float(np.mean(values))
        points.append(point)
    curve = None
    if points[0]["predicted"] is not None:
        along = x
        if axis != "m":
            along = np.geomspace(min(x), max(x), _CURVE_POINTS)
            if axis == "d":
                along = np.unique(np.round(along).astype(int))
            along = along.tolist()
        drawn = [replace(settings[0], **{field: value}) for value in along]
        curve = {
            "x": along,
            "window": [predict(setting) for setting in drawn],
            "floor": None if floor(drawn[0]) is None else list(map(floor, drawn)),
        }
    return {
        "axis": axis,
        "neuron_type": settings[0].neuron_type,
        "recipe": settings[0].recipe,
        "error_feedback": settings[0].error_feedback,
        "points": points,
        "curve": curve,
    }


def _exponent(series):
    """Return the exponent of a series, None where there is none to fit."""
    axis, points = series["axis"], series["points"]
    n_seeds = len(points[0]["errors"])
    # An exponent and a factor for each seed must leave something to tell the scatter.
    if axis not in FITTED or (len(points) - 1) * n_seeds < 2:
        return None
    fit = fit_exponents(
        np.ravel([point["errors"] for point in points]),
        {axis: np.repeat([point["x"] for point in points], n_seeds)},
        blocks=np.tile(np.arange(n_seeds), len(points)),
    )[axis]
    theory = None
    if series["curve"] is not None:
        x, predicted = zip(*((point["x"], point["predicted"]) for point in points))
        theory = float(np.polyfit(np.log(x), np.log(predicted), 1)[0])
    return {
        "axis": axis,
        "neuron_type": series["neuron_type"],
        "recipe": series["recipe"],
        "error_feedback": series["error_feedback"],
        **asdict(fit),
        "theory": theory,
    }
