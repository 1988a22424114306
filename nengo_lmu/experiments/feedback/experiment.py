"""What neurons that hear their own error do, measured, with and without it.

Single neurons have to stay what they were, and their sum has to become precise: the
intervals and counts of neurons while the state stands still, the spectrum of what the
populations say wrongly, and the error of the window against the number of neurons and
against the delay of the feedback.
"""

from dataclasses import asdict, dataclass, replace

import nengo
import numpy as np
from scipy import signal

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import (
    Setting,
    measure,
    windows_for,
)
from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.simulators import NEURON_TYPES, make_simulator
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.theory import predict
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.populations import one_hot

# Neurons for each dimension: those whose spikes are looked at, and whose feedback is
# made late, are as many as a memory has by default.
PER_DIMENSION = 100
SIZES_PER_DIMENSION = (2, 6, 20, PER_DIMENSION, 400)

# Memories of other neurons are measured for so many windows: their errors differ by
# far more than they scatter.
_TYPES_WINDOWS = 10

# Windows in which spikes are counted (time steps), and that of the tables, if it is
# not too long for the measurement.
COUNTED = (1, 2, 5, 10, 20, 50, 100, 200)
TYPICAL_COUNTED = 50
_LEAST_COUNTS = 20

# The state stands still after some windows of a held input.
_SETTLED = 3

# A population stands still if all but this share of its spikes are of the neurons that
# the state favours: its noise does not reach zero, where others would take over.
STANDING = 0.01

# neurons with fewer intervals are left out of the means
_LEAST_INTERVALS = 20

# the histogram of intervals, in units of their mean
INTERVAL_EDGES = np.arange(0, 6.01, 0.25)

# of the raster
_SHOWN_NEURONS = 24
_SHOWN_SECONDS = 0.5

# points of a spectrum to a decade, and the least for an integral over it
_PER_DECADE = 8
_N_FREQUENCIES = 8192

# spikes are fetched from the simulator so many steps at a time, to save memory
_CHUNK = 5000


@dataclass(frozen=True)
class Plan:
    """What to measure: of Poisson neurons, and one thing of others.

    Attributes
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    m : tuple of int or None
        Numbers of neurons to compare; None for 2 to 400 for each dimension.
    delays : tuple of float
        Of the feedback, besides the time step of the synapse (seconds).
    neuron_types : tuple of str
        Whose error is measured with feedback and without, keys of
        `nengo_lmu.analysis.simulators.NEURON_TYPES`.
    seeds : int
        How many times each is measured.
    windows : int or None
        How many ``theta`` each measurement takes; None for as many as
        `nengo_lmu.analysis.memory.windows_for` has without feedback, so that all
        memories meet the same input.
    """

    theta: float = 1.0
    d: int = 6
    m: tuple | None = None
    delays: tuple = (0.0, 0.001, 0.002, 0.005, 0.01)
    neuron_types: tuple = tuple(NEURON_TYPES)
    seeds: int = 3
    windows: int | None = None

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
        one = Setting(
            self.theta, self.d, n_neurons, windows=windows, error_feedback=0.0
        )
        if one.n_steps - one.warm_steps < _LEAST_COUNTS:
            raise ArgumentError(
                "windows",
                f"must be {_LEAST_COUNTS} time steps of {one.dt:g} s in all, but "
                f"{windows} of theta = {self.theta:g} s was given; use more",
            )
        return one, replace(one, error_feedback=None)

    def typical(self):
        """Return the pair of memories whose spikes are looked at."""
        return self.pair(PER_DIMENSION * self.d)

    def sizes(self):
        """Return a pair of memories for each number of neurons."""
        sizes = self.m
        if sizes is None:
            sizes = [n * self.d for n in SIZES_PER_DIMENSION]
        return [self.pair(m) for m in sorted(set(sizes))]

    def late(self):
        """Return a memory for each delay of the feedback."""
        _, one = self.typical()
        return [
            replace(one, feedback_delay=float(delay))
            for delay in dict.fromkeys(self.delays)
        ]

    def types(self):
        """Return a pair of memories for each type of neuron."""
        pairs = []
        for name in dict.fromkeys(self.neuron_types):
            pair = [replace(one, neuron_type=name) for one in self.typical()]
            if self.windows is None:
                pair = [replace(one, windows=_TYPES_WINDOWS) for one in pair]
            pairs.append(tuple(pair))
        return pairs


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
        For JSON: ``plan``, ``n_neurons`` of the memories whose spikes are looked at,
        ``neurons`` and ``sums`` (dict of ``without`` and ``with`` feedback),
        ``sizes``, ``delays`` and ``types`` (lists of dict), and ``versions``.

        ``neurons`` has what `measure_neurons` returns, each figure as ``mean`` and
        ``standard_error`` over the seeds (None for one seed), and whether a population
        is ``standing`` still; ``sums`` the same of `measure_sums`, with ``predicted``
        and ``predicted_spectrum`` beside it, for as many spikes as there were, and
        ``counts``, the neurons of each dimension.

        Of ``sizes``, each has ``n_neurons``, ``floor``, ``ratio`` (of the error without
        feedback to that with it, None if there is none) and, for ``without`` and
        ``with``, the gain ``error_feedback``, the ``predicted`` window error, the
        ``errors`` of the seeds, their ``mean`` and ``standard_error``, and
        ``spikes_per_second``. Of ``delays``, each has ``feedback_delay``, the same of
        ``with``, and ``ratio``. Of ``types``, each has ``neuron_type``, ``without``,
        ``with`` and ``ratio``, with a ``predicted`` error that is None for neurons that
        the theory does not cover, and ``spikes_per_second`` None for those that do not
        spike.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If something of the plan cannot be measured.
    nengo_lmu.analysis.errors.MeasurementError
        If a measurement failed.
    """
    typical, sizes, late = plan.typical(), plan.sizes(), plan.late()
    types, without = plan.types(), typical[0]
    pairs = [typical, *sizes, *types]
    memories = dict.fromkeys([*(one for two in pairs for one in two), *late])

    def measured(function, settings, description):
        return sweep.run_seeds(
            function,
            settings,
            plan.seeds,
            folder=folder,
            workers=workers,
            dask=dask,
            cost=lambda setting: setting.cost,
            description=description,
            show_progress=show_progress,
        )

    neurons = measured(measure_neurons, typical, "single neurons")
    sums = measured(measure_sums, typical, "their sums")
    results = measured(measure, list(memories), "memories")
    found = {setting: _described(setting, results[setting]) for setting in memories}
    return {
        "experiment": "feedback",
        "plan": asdict(plan),
        "n_neurons": without.n_neurons,
        "neurons": _both(typical, lambda one: _neurons(neurons[one])),
        "sums": _both(typical, lambda one: _sums(one, sums[one])),
        "sizes": [
            {
                "n_neurons": pair[0].n_neurons,
                "floor": _floor(pair[1]),
                "ratio": _ratio(found[pair[0]], found[pair[1]]),
                **_both(pair, found.get),
            }
            for pair in sizes
        ],
        "delays": [
            {
                "feedback_delay": one.feedback_delay,
                "ratio": _ratio(found[without], found[one]),
                **found[one],
            }
            for one in late
        ],
        "types": [
            {
                "neuron_type": pair[0].neuron_type,
                "ratio": _ratio(found[pair[0]], found[pair[1]]),
                **_both(pair, found.get),
            }
            for pair in types
        ],
        "versions": versions(),
    }


# --- what is measured


def measure_neurons(setting):
    """Hold the input still, and measure how regular and how independent neurons are.

    Rates follow the state, so that intervals and counts tell of the neurons only while
    it stands still: the input is held at its typical magnitude, ``setting.rms``.

    Parameters
    ----------
    setting : Setting
        With the memory's default synapse and rates, as `Plan` has it.

    Returns
    -------
    result : dict
        ``populations``: for each dimension of the state, of the neurons on the side
        that it favours, ``n`` of them, their mean ``rate`` (hertz); ``other_side``,
        the share of spikes of the others; ``cv``, the mean coefficient of variation
        of their intervals, and the ``intervals`` it is of; ``fano``, the mean of
        variance over mean of their counts in windows of ``counted`` seconds,
        ``sum_fano`` the same of their sum; ``correlation``, the mean of all pairs'
        counts, and ``spread``, the standard deviation over pairs times the root of the
        number of windows, which is 1 for independent neurons. None where neurons are
        too few or too silent.
        ``windows``, ``fano`` and ``sum_fano``: of the largest population for each
        window (seconds).
        ``histogram``: how many of its intervals, in units of their neuron's mean, are
        in each bin of `INTERVAL_EDGES`.
        ``raster``: for some of its neurons, the times of their spikes (seconds).
    """
    u = np.full(setting.n_steps + (_SETTLED - 1) * setting.warm_steps, setting.rms)
    memory, chunks = _observe(setting, u, _SETTLED * setting.warm_steps, "neurons")
    counts = np.concatenate([spikes for (spikes,) in chunks])
    signs, dt = memory.populations.signs, setting.dt
    windows = counted_windows(len(counts))
    typical = max(W for W in windows if W <= TYPICAL_COUNTED)
    populations, sides = [], []
    for part in memory.populations.slices:
        both = [counts[:, part][:, signs[part] == sign] for sign in (1, -1)]
        loud, quiet = sorted(both, key=np.sum, reverse=True)
        sides.append(loud)
        total = max(1, int(loud.sum() + quiet.sum()))
        populations.append(
            {
                "n": loud.shape[1],
                "rate": float(loud.mean() / dt),
                "other_side": float(quiet.sum() / total),
                **_regularity(loud),
                **_independence(loud, typical),
            }
        )
    largest = sides[int(np.argmax(memory.populations.counts))]
    found = [_independence(largest, W) for W in windows]
    shown = largest[: round(_SHOWN_SECONDS / dt), :_SHOWN_NEURONS]
    return {
        "counted": typical * dt,
        "populations": populations,
        "windows": [W * dt for W in windows],
        "fano": [one["fano"] for one in found],
        "sum_fano": [one["sum_fano"] for one in found],
        "histogram": _histogram(largest),
        "raster": [(_times(one) * dt).tolist() for one in shown.T],
    }


def measure_sums(setting):
    """Measure what the populations say wrongly, ``s - x``, for the typical input.

    Parameters
    ----------
    setting : Setting
        As for `measure_neurons`.

    Returns
    -------
    result : dict
        Of each dimension, relative to Poisson neurons with as many spikes: in windows
        of ``windows`` seconds, ``variance`` of the sum of ``s - x``, of shape
        ``(n_windows, d)``, and at ``frequency`` (hertz) its ``spectrum``, of shape
        ``(n_frequencies, d)``. ``poisson``: ``(d,)``, the variance of ``s`` in a step
        that as many Poisson spikes would have.
    """
    seed = np.random.RandomState(_seeds(setting)[0])
    u = STIMULI[setting.stimulus].sample(setting, seed)
    _, chunks = _observe(setting, u, setting.warm_steps, "sums")
    x, s, drawn = (np.concatenate(parts) for parts in zip(*chunks))
    wrong, poisson = s - x, drawn.mean(axis=0)
    windows = counted_windows(len(wrong))
    variance = [
        np.mean(_summed(wrong, W) ** 2, axis=0) / (W * poisson) for W in windows
    ]
    _, density = signal.welch(
        wrong, fs=1 / setting.dt, nperseg=_segment(setting), axis=0
    )
    relative = density / (2 * setting.dt * poisson)
    frequency, bins = spectrum_bins(setting)
    return {
        "windows": [W * setting.dt for W in windows],
        "variance": np.array(variance).tolist(),
        "frequency": [float(np.mean(frequency[one])) for one in bins],
        "spectrum": [relative[one].mean(axis=0).tolist() for one in bins],
        "poisson": poisson.tolist(),
    }


def counted_windows(n_steps):
    """Return the windows of `COUNTED` that fit often enough into so many steps."""
    return [W for W in COUNTED if W * _LEAST_COUNTS <= n_steps]


def _seeds(setting):
    # independent ones, as in `nengo_lmu.analysis.memory.measure`
    return np.random.SeedSequence(setting.seed).generate_state(3) >> 1


def _observe(setting, u, n_before, what):
    """Run a memory, and return it with what was seen of it, in parts.

    Parameters
    ----------
    setting : Setting
    u : (n_steps,) ndarray
        What is presented.
    n_before : int
        Steps to pass before anything is looked at.
    what : {"neurons", "sums"}
        The number of spikes of each neuron, or, in the neurons' coordinates, the
        state ``x``, what the spikes say, ``s``, and the variance that as many Poisson
        spikes have in a step.

    Returns
    -------
    memory : LegendreMemory
    chunks : list of list of ndarray
        For some steps, an array ``(n_steps, size)`` each.
    """
    _, network_seed, simulator_seed = map(int, _seeds(setting))
    with nengo.Network(seed=network_seed) as network:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, setting.dt))
        memory = LegendreMemory(
            setting.theta,
            setting.d,
            n_neurons=setting.n_neurons,
            neuron_type=NEURON_TYPES[setting.neuron_type],
            dt=setting.dt,
            error_feedback=setting.error_feedback,
            feedback_delay=setting.feedback_delay,
        )
        nengo.Connection(stimulus, memory.input, synapse=None)
        (ensemble,) = memory.ensembles
        if what == "neurons":
            seen = [ensemble.neurons]
        else:
            # a neuron's spikes of a step have the variance of their mean, so that
            # each adds its decoder squared
            p = memory.populations
            drawn = nengo.Node(size_in=memory.size_state, label="variance drawn")
            squared = one_hot(p.counts, p.weights**2).T / setting.dt
            nengo.Connection(ensemble.neurons, drawn, transform=squared, synapse=None)
            seen = [memory._state, memory._spikes, drawn]
        probes = [nengo.Probe(one) for one in seen]
    chunks = []
    tau = memory.synapse.tau
    with make_simulator(setting, network, tau, simulator_seed) as sim:
        sim.run_steps(n_before)
        sim.clear_probes()
        for start in range(n_before, len(u), _CHUNK):
            sim.run_steps(min(_CHUNK, len(u) - start))
            parts = [np.array(sim.data[probe]) for probe in probes]
            if what == "neurons":
                parts = [np.round(one * setting.dt).astype(np.uint8) for one in parts]
            chunks.append(parts)
            sim.clear_probes()
    return memory, chunks


def _times(counts):
    """Return the steps of a neuron's spikes, those of several spikes repeatedly.

    For Poisson spikes these are true times rounded down to steps, so that their
    intervals are as variable as those of a Poisson process.
    """
    return np.repeat(np.arange(len(counts)), counts)


def _all_intervals(side):
    intervals = (np.diff(_times(one)) for one in side.T)
    return [one for one in intervals if len(one) >= _LEAST_INTERVALS]


def _regularity(side):
    found = _all_intervals(side)
    if not found:
        return {"cv": None, "intervals": 0}
    cv = [np.std(one, ddof=1) / np.mean(one) for one in found]
    return {"cv": float(np.mean(cv)), "intervals": sum(map(len, found))}


def _histogram(side):
    found = [one / np.mean(one) for one in _all_intervals(side)]
    if not found:
        return [0] * (len(INTERVAL_EDGES) - 1)
    return np.histogram(np.concatenate(found), INTERVAL_EDGES)[0].tolist()


def _summed(values, W):
    """Return sums over windows of ``W`` steps, the rest of the steps left out."""
    n = len(values) // W
    return values[: n * W].reshape(n, W, -1).sum(axis=1, dtype=float)


def _independence(side, W):
    counts = _summed(side, W)
    counts = counts[:, counts.sum(axis=0) > _LEAST_INTERVALS]
    n_windows, n = counts.shape
    if n < 2 or n_windows < 2:
        return dict.fromkeys(("fano", "sum_fano", "correlation", "spread"))
    total = counts.sum(axis=1)
    pairs = np.corrcoef(counts.T)[np.triu_indices(n, 1)]
    return {
        "fano": float(np.mean(counts.var(axis=0, ddof=1) / counts.mean(axis=0))),
        "sum_fano": float(total.var(ddof=1) / total.mean()),
        "correlation": float(pairs.mean()),
        "spread": float(pairs.std() * np.sqrt(n_windows)),
    }


def _segment(setting):
    """Return the steps of which a spectrum is made, again and again."""
    return min(2 * setting.warm_steps, setting.n_steps - setting.warm_steps)


def spectrum_bins(setting):
    """Return at which frequencies a spectrum is measured, and which go together.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    frequency : (n,) ndarray
        Hertz.
    bins : list of ndarray of int
        Indices of the frequencies whose mean is taken, logarithmic as far as there are
        enough of them. Without 0 and the one beside it, into which the estimate lets
        what lies around, and without the highest, which is half a frequency.
    """
    frequency = np.fft.rfftfreq(_segment(setting), setting.dt)
    inside = np.arange(2, len(frequency) - 1)
    decade = np.log10(inside) * _PER_DECADE
    index = np.floor(decade + 0.5).astype(int)
    return frequency, [inside[index == i] for i in np.unique(index)]


# --- what the theory says


def noise_spectrum(populations, poisson, frequency):
    """Predict the spectrum of what populations say wrongly, ``s - x``.

    ``T (s - x) = (z I - A_bar) (z I - A_bar + k z^-D I)^-1 T eta``.

    Parameters
    ----------
    populations : nengo_lmu.legendre.SpikingPopulations
        Of Poisson neurons.
    poisson : (d,) array_like
        Variance of ``eta``, which the number of spikes decides.
    frequency : (n,) ndarray
        Hertz.

    Returns
    -------
    spectrum : (n, d) ndarray
        Relative to that of ``eta``, which is white.
    """
    p = populations
    dynamics = error_dynamics(
        p.theta, p.d, p.dt, p.method, p.error_feedback, p.feedback_delay
    )
    z = np.exp(2j * np.pi * frequency * p.dt)[:, np.newaxis, np.newaxis]
    T = p.realization.T
    response = dynamics.response(T, frequency)
    passed = np.linalg.inv(T) @ (z * response - dynamics.A_bar @ response)
    return np.abs(passed) ** 2 @ poisson / poisson


def summed_variance(populations, poisson, windows):
    """Predict the variance of ``s - x`` summed over windows.

    Parameters
    ----------
    populations, poisson
        As for `noise_spectrum`.
    windows : sequence of float
        Seconds.

    Returns
    -------
    variance : (n_windows, d) ndarray
        Relative to that of ``eta``.
    """
    dt = populations.dt
    steps = np.round(np.asarray(windows) / dt).astype(int)[:, np.newaxis]
    # fine enough for the narrow peak that a long window is sensitive to
    n = max(_N_FREQUENCIES, 8 * int(steps.max()))
    frequency = (np.arange(n) + 0.5) / (2 * dt * n)
    spectrum = noise_spectrum(populations, poisson, frequency)
    # of a sum over W steps, whose mean over frequencies is W
    half = np.pi * frequency * dt
    gain = (np.sin(steps * half) / np.sin(half)) ** 2
    return gain @ spectrum / (steps * n)


def _designed(setting):
    return quietest(setting.theta, setting.d, setting.n_neurons, **setting.for_theory)


def _floor(setting):
    populations, counts = _designed(setting)
    return populations.floor(counts).window


# --- the record


def _both(pair, describe):
    return dict(zip(("without", "with"), map(describe, pair)))


def _ratio(one, other):
    """Return the ratio of mean errors, None if there is no error to speak of.

    That is so in one dimension, where the synapse is the whole memory.
    """
    tiny = np.finfo(float).eps
    return one["mean"] / other["mean"] if other["mean"] > tiny else None


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
            "n": one[0]["n"],
            "intervals": sum(of_seed["intervals"] for of_seed in one),
            **{name: _mean_of(one, name) for name in names},
        }
        for one in by_dimension
    ]
    for one in populations:
        one["standing"] = one["other_side"]["mean"] < STANDING and None not in (
            one["cv"],
            one["fano"],
        )
    return {
        "counted": first["counted"],
        "populations": populations,
        "windows": first["windows"],
        "fano": _each_mean(results, "fano"),
        "sum_fano": _each_mean(results, "sum_fano"),
        "histogram": np.sum([one["histogram"] for one in results], axis=0).tolist(),
        "raster": first["raster"],
    }


def _sums(setting, results):
    populations, counts = _designed(setting)
    first = results[0]
    windows = first["windows"]
    frequency, bins = spectrum_bins(setting)
    # each seed has its own input, which decides how many spikes there are
    drawn = [np.array(one["poisson"]) for one in results]
    variance = [summed_variance(populations, one, windows) for one in drawn]
    spectrum = np.mean(
        [noise_spectrum(populations, one, frequency) for one in drawn], axis=0
    )
    return {
        "error_feedback": populations.error_feedback,
        "counts": counts.tolist(),
        "windows": windows,
        "variance": _each_mean(results, "variance"),
        "predicted": np.mean(variance, axis=0).tolist(),
        "frequency": first["frequency"],
        "spectrum": _each_mean(results, "spectrum"),
        "predicted_spectrum": [spectrum[one].mean(axis=0).tolist() for one in bins],
    }
