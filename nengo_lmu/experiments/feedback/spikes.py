"""The spikes of neurons, looked at one by one and as what populations say."""

import nengo
import numpy as np
from scipy import signal

from nengo_lmu.analysis.simulators import NEURON_TYPES, make_simulator
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.populations import one_hot

# Spikes are counted in these windows (time steps); the tables have the typical one, if
# it is not too long for the measurement.
COUNTED = (1, 2, 5, 10, 20, 50, 100, 200)
TYPICAL_COUNTED = 50
LEAST_COUNTS = 20

# The state stands still after some windows of a held input.
_SETTLED = 3

# Neurons with fewer intervals are left out of the means.
_LEAST_INTERVALS = 20

# The histogram of intervals has these bins, in units of their mean.
INTERVAL_EDGES = np.arange(0, 6.01, 0.25)

# The raster shows so many neurons for so long.
_SHOWN_NEURONS = 24
_SHOWN_SECONDS = 0.5

# A spectrum has so many points to a decade.
_PER_DECADE = 8

# Spikes are fetched from the simulator so many steps at a time, to save memory.
_CHUNK = 5000


def measure_neurons(setting):
    """Hold the input still, and measure how regular and how independent neurons are.

    Rates follow the state, so that intervals and counts tell of the neurons only while
    it stands still: the input is held at its typical magnitude, ``setting.rms``.

    Parameters
    ----------
    setting : Setting
        With the memory's default synapse and rates, as `Feedback` has it.

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
    dispersions = [_independence(largest, W) for W in windows]
    shown = largest[: round(_SHOWN_SECONDS / dt), :_SHOWN_NEURONS]
    return {
        "counted": typical * dt,
        "populations": populations,
        "windows": [W * dt for W in windows],
        "fano": [dispersion["fano"] for dispersion in dispersions],
        "sum_fano": [dispersion["sum_fano"] for dispersion in dispersions],
        "histogram": _histogram(largest),
        "raster": [(_times(neuron) * dt).tolist() for neuron in shown.T],
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
        "frequency": [float(np.mean(frequency[part])) for part in bins],
        "spectrum": [relative[part].mean(axis=0).tolist() for part in bins],
        "poisson": poisson.tolist(),
    }


def counted_windows(n_steps):
    """Return the windows of `COUNTED` that fit often enough into so many steps."""
    return [W for W in COUNTED if W * LEAST_COUNTS <= n_steps]


def _seeds(setting):
    # Seeds are independent, as in `nengo_lmu.analysis.memory.measure`.
    return np.random.SeedSequence(setting.seed).generate_state(3) >> 1


def _observe(setting, u, n_before, quantity):
    """Run a memory, and return it with what was seen of it, in parts.

    Parameters
    ----------
    setting : Setting
    u : (n_steps,) ndarray
        What is presented.
    n_before : int
        Steps to pass before anything is looked at.
    quantity : {"neurons", "sums"}
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
        if quantity == "neurons":
            seen = [ensemble.neurons]
        else:
            # A neuron's spikes of a step have the variance of their mean, so that
            # each adds its decoder squared.
            p = memory.populations
            drawn = nengo.Node(size_in=memory.size_state, label="variance drawn")
            squared = one_hot(p.counts, p.weights**2).T / setting.dt
            nengo.Connection(ensemble.neurons, drawn, transform=squared, synapse=None)
            seen = [memory._state, memory._spikes, drawn]
        probes = [nengo.Probe(target) for target in seen]
    chunks = []
    tau = memory.synapse.tau
    with make_simulator(setting, network, tau, simulator_seed) as sim:
        sim.run_steps(n_before)
        sim.clear_probes()
        for start in range(n_before, len(u), _CHUNK):
            sim.run_steps(min(_CHUNK, len(u) - start))
            parts = [np.array(sim.data[probe]) for probe in probes]
            if quantity == "neurons":
                parts = [np.round(x * setting.dt).astype(np.uint8) for x in parts]
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
    by_neuron = (np.diff(_times(neuron)) for neuron in side.T)
    return [intervals for intervals in by_neuron if len(intervals) >= _LEAST_INTERVALS]


def _regularity(side):
    by_neuron = _all_intervals(side)
    if not by_neuron:
        return {"cv": None, "intervals": 0}
    cv = [np.std(intervals, ddof=1) / np.mean(intervals) for intervals in by_neuron]
    return {"cv": float(np.mean(cv)), "intervals": sum(map(len, by_neuron))}


def _histogram(side):
    relative = [intervals / np.mean(intervals) for intervals in _all_intervals(side)]
    if not relative:
        return [0] * (len(INTERVAL_EDGES) - 1)
    return np.histogram(np.concatenate(relative), INTERVAL_EDGES)[0].tolist()


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
