"""What neurons that hear their own error do, measured, with and without it.

Single neurons have to stay what they were, and their sum has to become precise: the
intervals and counts of neurons while the state stands still, the spectrum of what the
populations say wrongly, and the error of the window against the number of neurons and
against the delay of the feedback.
"""

from dataclasses import dataclass, replace

import numpy as np

from nengo_lmu.analysis.memory import Setting, measure, windows_for
from nengo_lmu.analysis.simulators import NEURON_TYPES
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.theory import predict
from nengo_lmu.experiments.experiment import Experiment, option, shown_by
from nengo_lmu.experiments.feedback.spectrum import noise_spectrum, summed_variance
from nengo_lmu.experiments.feedback.spikes import (
    LEAST_COUNTS,
    measure_neurons,
    measure_sums,
    spectrum_bins,
)
from nengo_lmu.experiments.options import (
    number_of_runs,
    one_of,
    seconds,
    whole_number,
)
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.planner import quietest

# A dimension has so many neurons: those whose spikes are looked at, and whose feedback
# is made late, are as many as a memory has by default.
PER_DIMENSION = 100
SIZES_PER_DIMENSION = (2, 6, 20, PER_DIMENSION, 400)

# The feedback is that late, besides the time step of the synapse (seconds).
DELAYS = (0.0, 0.001, 0.002, 0.005, 0.01)

# Memories of other neurons are measured for so many windows: their errors differ by
# far more than they scatter.
_TYPES_WINDOWS = 10

# A population stands still if all but this share of its spikes are of the neurons that
# the state favours: its noise does not reach zero, where others would take over.
STANDING = 0.01


@dataclass(frozen=True)
class Feedback(Experiment):
    """Measure what neurons that hear their own error do, with and without it.

    The tables: how regular and how independent single Poisson neurons are, while
    the input is held; how much their sum varies; the window error against the
    number of neurons, with what the theory says and the floor, which is what the
    spikes of a single step leave by themselves; and the error if the feedback is
    late; and the error of other types of neurons. Gains are those that the theory
    chooses.

    The tables go to the screen; the record (feedback.json), a figure
    (feedback.png) and a record of each measurement to a folder. When it was
    interrupted, the same command continues where it was.

    By default some 4 minutes on two cores.
    """

    name = "feedback"
    keeps = "records and figure"
    processes = "anywhere"
    resumes = True

    n_neurons: tuple | None = option(
        None,
        whole_number(2),
        "numbers of neurons to compare (default: "
        f"{' '.join(map(str, SIZES_PER_DIMENSION))} times d); all else is measured "
        f"with {PER_DIMENSION} times d",
        "M",
        nargs="+",
    )
    d: int = option(6, whole_number(1), "order", "D")
    theta: float = option(1.0, seconds, "window, in seconds", "S")
    seeds: int = option(3, number_of_runs, "how often each is measured")
    windows: int | None = option(
        None,
        whole_number(1),
        "length of a measurement in theta, the same for all memories, so that they "
        "meet the same input (default: 10 to 40, by d and theta)",
    )
    neuron_types: tuple = option(
        tuple(NEURON_TYPES),
        one_of(tuple(NEURON_TYPES)),
        f"other neurons: {', '.join(NEURON_TYPES)}",
        "TYPE",
        flag="--neuron-type",
    )

    def measure(self, run):
        """Measure single neurons, their sums and the errors of memories.

        Returns
        -------
        measured : dict
            ``n_neurons`` of the memories whose spikes are looked at, ``neurons`` and
            ``sums`` (dict of ``without`` and ``with`` feedback), ``sizes``, ``delays``
            and ``types`` (lists of dict).

            ``neurons`` has what `measure_neurons` returns, each figure as ``mean`` and
            ``standard_error`` over the seeds (None for one seed), and whether a
            population is ``standing`` still; ``sums`` the same of `measure_sums`, with
            ``predicted`` and ``predicted_spectrum`` beside it, for as many spikes as
            there were, and ``counts``, the neurons of each dimension.

            Of ``sizes``, each has ``n_neurons``, ``floor``, ``ratio`` (of the error
            without feedback to that with it, None if there is none) and, for
            ``without`` and ``with``, the gain ``error_feedback``, the ``predicted``
            window error, the ``errors`` of the seeds, their ``mean`` and
            ``standard_error``, and ``spikes_per_second``. Of ``delays``, each has
            ``feedback_delay``, the same of ``with``, and ``ratio``. Of ``types``, each
            has ``neuron_type``, ``without``, ``with`` and ``ratio``, with a
            ``predicted`` error that is None for neurons that the theory does not cover,
            and ``spikes_per_second`` None for those that do not spike.
        """
        typical, sizes, late = self.typical(), self.sizes(), self.late()
        types, without = self.types(), typical[0]
        pairs = [typical, *sizes, *types]
        memories = dict.fromkeys(
            [*(memory for pair in pairs for memory in pair), *late]
        )

        def measured(function, settings, description):
            return run.sweep_seeds(
                function,
                settings,
                self.seeds,
                description=description,
            )

        neurons = measured(measure_neurons, typical, "single neurons")
        sums = measured(measure_sums, typical, "their sums")
        results = measured(measure, list(memories), "memories")
        errors = {memory: _described(memory, results[memory]) for memory in memories}
        return {
            "n_neurons": without.n_neurons,
            "neurons": _both(typical, lambda setting: _neurons(neurons[setting])),
            "sums": _both(typical, lambda setting: _sums(setting, sums[setting])),
            "sizes": [
                {
                    "n_neurons": pair[0].n_neurons,
                    "floor": _floor(pair[1]),
                    "ratio": _ratio(errors[pair[0]], errors[pair[1]]),
                    **_both(pair, errors.get),
                }
                for pair in sizes
            ],
            "delays": [
                {
                    "feedback_delay": memory.feedback_delay,
                    "ratio": _ratio(errors[without], errors[memory]),
                    **errors[memory],
                }
                for memory in late
            ],
            "types": [
                {
                    "neuron_type": pair[0].neuron_type,
                    "ratio": _ratio(errors[pair[0]], errors[pair[1]]),
                    **_both(pair, errors.get),
                }
                for pair in types
            ],
        }

    table = shown_by("experiments.feedback.report.feedback_tables")
    figure = shown_by("experiments.feedback.report.draw_feedback")

    def pair(self, n_neurons):
        """Return the memories without and with feedback, of seed 0.

        Parameters
        ----------
        n_neurons : int

        Returns
        -------
        without, with_feedback : Setting

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If there is no such memory.
        """
        windows = self.windows
        if windows is None:
            windows = windows_for(self.theta, self.d, error_feedback=0.0)
        without = Setting(
            self.theta, self.d, n_neurons, windows=windows, error_feedback=0.0
        )
        if without.n_steps - without.warm_steps < LEAST_COUNTS:
            raise ArgumentError(
                "windows",
                f"must be {LEAST_COUNTS} time steps of {without.dt:g} s in all, but "
                f"{windows} of theta = {self.theta:g} s was given; use more",
            )
        return without, replace(without, error_feedback=None)

    def typical(self):
        """Return the pair of memories whose spikes are looked at."""
        return self.pair(PER_DIMENSION * self.d)

    def sizes(self):
        """Return a pair of memories for each number of neurons."""
        sizes = self.n_neurons
        if sizes is None:
            sizes = [n * self.d for n in SIZES_PER_DIMENSION]
        return [self.pair(m) for m in sorted(set(sizes))]

    def late(self):
        """Return a memory for each delay of the feedback."""
        _, prompt = self.typical()
        return [replace(prompt, feedback_delay=float(delay)) for delay in DELAYS]

    def types(self):
        """Return a pair of memories for each type of neuron."""
        pairs = []
        for name in dict.fromkeys(self.neuron_types):
            pair = [replace(setting, neuron_type=name) for setting in self.typical()]
            if self.windows is None:
                pair = [replace(setting, windows=_TYPES_WINDOWS) for setting in pair]
            pairs.append(tuple(pair))
        return pairs


# --- the record


def _designed(setting):
    return quietest(setting.theta, setting.d, setting.n_neurons, **setting.for_theory)


def _floor(setting):
    populations, counts = _designed(setting)
    return populations.floor(counts).window


def _both(pair, describe):
    return dict(zip(("without", "with"), map(describe, pair)))


def _ratio(error, other):
    """Return the ratio of mean errors, None if there is no error to speak of.

    That is so in one dimension, where the synapse is the whole memory.
    """
    tiny = np.finfo(float).eps
    return error["mean"] / other["mean"] if other["mean"] > tiny else None


def _described(setting, results):
    errors = [result["window"] for result in results]
    spikes = [result["spikes_per_second"] for result in results]
    return {
        "error_feedback": results[0]["error_feedback"],
        "predicted": predict(setting),
        "errors": errors,
        **mean_and_error(errors),
        "spikes_per_second": None if None in spikes else float(np.mean(spikes)),
    }


def _mean_of(results, name):
    """Return mean and standard error, None if it could not be measured throughout."""
    values = [result[name] for result in results]
    if None in values:
        return None
    return mean_and_error(values)


def _each_mean(results, name):
    """Return means and standard errors of arrays, as lists."""
    values = np.array([result[name] for result in results], dtype=float)
    n = len(values)
    error = None
    if n > 1:
        error = (values.std(axis=0, ddof=1) / np.sqrt(n)).tolist()
    return {"mean": values.mean(axis=0).tolist(), "standard_error": error}


def _neurons(results):
    first = results[0]
    by_dimension = zip(*(result["populations"] for result in results))
    names = ("rate", "other_side", "cv", "fano", "sum_fano", "correlation", "spread")
    populations = [
        {
            "n": of_seeds[0]["n"],
            "intervals": sum(of_seed["intervals"] for of_seed in of_seeds),
            **{name: _mean_of(of_seeds, name) for name in names},
        }
        for of_seeds in by_dimension
    ]
    for population in populations:
        standing = population["other_side"]["mean"] < STANDING
        population["standing"] = standing and None not in (
            population["cv"],
            population["fano"],
        )
    return {
        "counted": first["counted"],
        "populations": populations,
        "windows": first["windows"],
        "fano": _each_mean(results, "fano"),
        "sum_fano": _each_mean(results, "sum_fano"),
        "histogram": np.sum([row["histogram"] for row in results], axis=0).tolist(),
        "raster": first["raster"],
    }


def _sums(setting, results):
    populations, counts = _designed(setting)
    first = results[0]
    windows = first["windows"]
    frequency, bins = spectrum_bins(setting)
    # Each seed has its own input, which decides how many spikes there are.
    drawn = [np.array(result["poisson"]) for result in results]
    variance = [summed_variance(populations, poisson, windows) for poisson in drawn]
    spectrum = np.mean(
        [noise_spectrum(populations, poisson, frequency) for poisson in drawn], axis=0
    )
    return {
        "error_feedback": populations.error_feedback,
        "counts": counts.tolist(),
        "windows": windows,
        "variance": _each_mean(results, "variance"),
        "predicted": np.mean(variance, axis=0).tolist(),
        "frequency": first["frequency"],
        "spectrum": _each_mean(results, "spectrum"),
        "predicted_spectrum": [spectrum[part].mean(axis=0).tolist() for part in bins],
    }
