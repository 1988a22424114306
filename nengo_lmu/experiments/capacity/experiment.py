"""How well a memory recalls what was presented up to T steps ago, for long T.

The capacity task of the paper: see `nengo_lmu.tasks.capacity`. Its LMU is a memory of
order 100 with a readout that is known beforehand, so nothing is trained. The LSTM that
it is compared with is trained.
"""

import time
from dataclasses import asdict, dataclass

import nengo
import numpy as np

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.analysis.timing import peak_resident
from nengo_lmu.legendre import (
    discretize,
    pade_error,
    predicted_error,
    state_space,
    white_noise_statistics,
)
from nengo_lmu.legendre.checks import whole
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.networks import LMU
from nengo_lmu.tasks.capacity import (
    BANDWIDTH,
    WINDOWS,
    WhiteNoise,
    delays,
    sequences,
)

# Test errors of the paper's LMU, for the smallest and the largest of its delays
# (Voelker, Kajić & Eliasmith, 2019, figure 2).
PUBLISHED = {
    100: (7e-3, 2e-2),
    1000: (7e-5, 2e-4),
    10_000: (8e-7, 3e-6),
    100_000: (8e-9, 1e-6),
}

# About that of a sequence of the task, whose largest value is 1.
TYPICAL_RMS = 0.36

# The start of a sequence is a kink, which has left the window after T steps, and its
# traces in the state some time later.
SETTLED = 1.5

# steps that are probed at a time: all that is kept of the past
_CHUNK = 10_000

# A fitted readout is that for states with so much white noise, relative to their power.
_FIT_NOISE = 1e-12

# that a spiking memory may have
_SPIKING_ORDERS = range(12, 61, 4)

# published: 80 to train, 20 to validate, 100 to test
_LSTM_SPLIT = (80, 100, 200)
_LSTM_BATCH = 50


@dataclass(frozen=True)
class Setting:
    """What one measurement is of.

    Attributes
    ----------
    length : int
        T: steps in the window, which is a second.
    n_neurons : int
        Poisson neurons of the memory; 0 for the ideal one of order 100.
    seed : int
        Of the sequence, the neurons and their spikes.
    """

    length: int
    n_neurons: int = 0
    seed: int = 0

    def __post_init__(self):
        whole("length", self.length, 1 + int(2 * BANDWIDTH))
        whole("n_neurons", self.n_neurons, 0)
        whole("seed", self.seed, 0)

    @property
    def dt(self):
        """(float) Time step (seconds)."""
        return 1 / self.length

    @property
    def d(self):
        """(int) Order of the memory: the paper's, or what suits so many neurons best.

        Noise grows with the order, and what is lost of the input shrinks.
        """
        if self.n_neurons == 0:
            return 100

        def expected(d):
            statistics = white_noise_statistics(1.0, d, TYPICAL_RMS, BANDWIDTH)
            noise = predicted_error(
                1.0, d, self.n_neurons, dt=self.dt, input=statistics
            ).delay
            frequencies = np.linspace(0, BANDWIDTH, 101)
            return noise**2 + np.mean(pade_error(1.0, d, frequencies) ** 2)

        possible = [d for d in _SPIKING_ORDERS if self.n_neurons >= 2 * d]
        return min(possible, key=expected)

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return self.length * (2000 + self.n_neurons)


@dataclass(frozen=True)
class LSTMSetting:
    """What one training of an LSTM is of.

    Attributes
    ----------
    length : int
        T.
    epochs : int
    units : int
    seed : int
        Of the sequences and the weights.
    """

    length: int
    epochs: int
    units: int = 100
    seed: int = 0

    @property
    def cost(self):
        """(float) How long it takes, in arbitrary units."""
        return self.length * self.epochs


def fitted_readout(length, d, theta, delays):
    """Return the readout of the discrete memory with the least expected error.

    The Legendre polynomials read out the window as if time were continuous, the input
    constant within a step, and the memory perfect. This readout is for what the memory
    does at its steps, by least squares in closed form: for waves of any frequency up to
    the highest, in sequences that have begun at zero, ``length`` steps ago or before.
    No sequence is looked at.

    Parameters
    ----------
    length : int
        T: steps in a second.
    d : int
        Order of the memory.
    theta : float
        Length of its window (seconds).
    delays : (n,) array_like of int
        In steps.

    Returns
    -------
    D : (n, d) ndarray
        ``u[t - delays[k]] ~ (D m[t])[k]``.
    """
    dt = 1 / length
    A_bar, B_bar = discretize(*state_space(theta, d), dt)
    frequencies = (np.arange(4 * d) + 0.5) / (4 * d) * BANDWIDTH
    turns = np.exp(-2j * np.pi * frequencies * dt)
    # m[t] = A_bar m[t-1] + B_bar u[t], for each wave u
    systems = np.eye(d) - turns[:, np.newaxis, np.newaxis] * A_bar
    states = np.linalg.solve(systems, np.broadcast_to(B_bar, (len(turns), d, 1)))[
        ..., 0
    ]
    covariance = np.real(states.T @ states.conj())
    # A wave that begins is one that was always there, less what the state would then
    # have been; of that, A_bar^t is left after t steps, summed from T on. At its start
    # a sequence is zero, and so is what that state had in common with the input.
    common = states.real.sum(axis=0)
    power = np.linalg.matrix_power(A_bar, length)
    missing = power @ (covariance - np.outer(common, common) / len(turns)) @ power.T
    forgotten = error_dynamics(theta, d, dt, "zoh").accumulated(missing)
    G = covariance + forgotten / ((WINDOWS - 1) * length)
    G += _FIT_NOISE * np.trace(covariance) / d * np.eye(d)
    targets = turns[:, np.newaxis] ** np.asarray(delays)
    return np.linalg.solve(G, np.real(states.conj().T @ targets)).T


def measure(setting):
    """Present a sequence to a memory in the reference simulator.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``mse`` and ``settled``, each with a list of the mean squared errors of the
        delays for each readout: from step T on, as in the paper, and from 1.5 T on,
        when the start of the sequence is forgotten. The readouts of the ideal memory
        are ``published`` (the paper's window and points, which are half a step off),
        ``Legendre`` (in the middle of the steps) and ``fitted`` (`fitted_readout`);
        that of a spiking one is ``spiking``. ``d``; ``seconds`` of processor time; and
        ``peak_mib``, the most memory that the process has taken until then (None on
        Windows).
    """
    # independent ones, since equal seeds of different things make them correlated
    seeds = np.random.SeedSequence(setting.seed).generate_state(2) >> 1
    signal = WhiteNoise(setting.length, np.random.RandomState(seeds[0]))
    lags = delays(setting.length)
    chunk = {}

    with nengo.Network(seed=int(seeds[1])) as network:
        stimulus = nengo.Node(
            lambda t: chunk["u"][round(t / setting.dt) - 1 - chunk["first"]],
            size_out=1,
        )
        memories = _spiking if setting.n_neurons else _ideal
        readouts = list(memories(setting, lags))
        recalled = nengo.Node(size_in=len(readouts) * len(lags), label="recalled")
        for k, (_, memory, D) in enumerate(readouts):
            part = recalled[k * len(lags) : (k + 1) * len(lags)]
            nengo.Connection(memory.output, part, transform=D, synapse=None)
        for memory in dict.fromkeys(memory for _, memory, _ in readouts):
            nengo.Connection(stimulus, memory.input, synapse=None)
        probe = nengo.Probe(recalled)

    started = time.process_time()
    sums = {1.0: 0.0, SETTLED: 0.0}
    # a model of our own has no decoder cache: nothing is written to the user's
    model = nengo.builder.Model(dt=setting.dt)
    with nengo.Simulator(
        network, dt=setting.dt, model=model, progress_bar=False
    ) as sim:
        for first in range(0, signal.n_steps, _CHUNK):
            steps = np.arange(first, min(first + _CHUNK, signal.n_steps))
            targets = signal.at(steps, lags)
            chunk.update(first=first, u=targets[:, 0])
            sim.run_steps(len(steps))
            said = sim.data[probe].reshape(len(steps), len(readouts), len(lags))
            squares = (said - targets[:, np.newaxis]) ** 2
            for since in sums:
                sums[since] += squares[steps >= since * setting.length].sum(axis=0)
            sim.clear_probes()

    def mean(since):
        n_counted = signal.n_steps - np.ceil(since * setting.length)
        return {
            name: total.tolist()
            for (name, *_), total in zip(readouts, sums[since] / n_counted)
        }

    return {
        "mse": mean(1.0),
        "settled": mean(SETTLED),
        "d": setting.d,
        "seconds": time.process_time() - started,
        "peak_mib": _peak_mib(),
    }


def _ideal(setting, lags):
    """Make the ideal memories, and yield readouts: a name, a memory and a matrix."""
    d, dt, length = setting.d, setting.dt, setting.length
    # The published window, and one that ends in the middle of the last step: the input
    # of a step is held until the next, so on average it is half a step old.
    published = LMU((length - 0.5) * dt, d, n_neurons=0, dt=dt).memory
    yield "published", published, published.decode(lags / length)
    memory = LMU((length + 0.5) * dt, d, n_neurons=0, dt=dt).memory
    yield "Legendre", memory, memory.decode((lags + 0.5) / (length + 0.5))
    yield "fitted", memory, fitted_readout(length, d, memory.theta, lags)


def _spiking(setting, lags):
    """Make a spiking memory, and yield its readout, as for ideal ones."""
    process = nengo.processes.WhiteSignal(
        WINDOWS, high=BANDWIDTH, rms=TYPICAL_RMS, y0=0, seed=setting.seed
    )
    memory = LMU(
        1.0, setting.d, n_neurons=setting.n_neurons, dt=setting.dt, input_range=process
    ).memory
    # a step late, since the synapse takes one; what is of now cannot be read yet
    points = np.maximum(lags - 0.5, 0) / setting.length
    yield "spiking", memory, memory.decode(points, denoise=True)


def _peak_mib():
    peak = peak_resident()
    return None if peak is None else peak / 2**20


def measure_lstm(setting):
    """Train an LSTM on the task.

    As published: 80 sequences to train, 20 to validate and 100 to test, minibatches of
    50, Adam, the weights after the last epoch.

    Parameters
    ----------
    setting : LSTMSetting

    Returns
    -------
    result : dict
        ``mse`` and ``settled`` of the test, as for `measure`, under the name ``LSTM``;
        ``loss`` and ``val_loss`` of each epoch, and ``seconds`` of
        processor time.
    """
    import tensorflow as tf

    from nengo_lmu.dl.lstm import LSTMProcess, UnrolledLSTM

    x, y = sequences(setting.length, _LSTM_SPLIT[-1], setting.seed)
    (train_x, check_x, test_x, _), (train_y, check_y, test_y, _) = (
        np.split(values.astype(np.float32), _LSTM_SPLIT) for values in (x, y)
    )
    tf.keras.utils.set_random_seed(setting.seed)
    cell = LSTMProcess.random(1, setting.units, np.random.RandomState(setting.seed))
    model = tf.keras.Sequential(
        [
            tf.keras.Input(x.shape[1:]),
            UnrolledLSTM(nengo.Node(cell, add_to_container=False)),
            tf.keras.layers.Dense(y.shape[-1]),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    started = time.process_time()
    history = model.fit(
        train_x,
        train_y,
        validation_data=(check_x, check_y),
        batch_size=_LSTM_BATCH,
        epochs=setting.epochs,
        verbose=0,
    ).history
    spent = time.process_time() - started
    squares = (model.predict(test_x, batch_size=_LSTM_BATCH, verbose=0) - test_y) ** 2

    def mean(since):
        late = squares[:, int(np.ceil(since * setting.length)) :]
        return {"LSTM": late.mean(axis=(0, 1)).tolist()}

    return {
        "mse": mean(1.0),
        "settled": mean(SETTLED),
        "loss": history["loss"],
        "val_loss": history["val_loss"],
        "seconds": spent,
    }


def run(
    lengths,
    seeds,
    n_neurons=0,
    lstm_lengths=(),
    lstm_epochs=1,
    folder=None,
    workers=None,
    show_progress=None,
):
    """Measure all, and return the record of it.

    Parameters
    ----------
    lengths : sequence of int
        T, for the ideal memory, and for a spiking one up to 10,000.
    seeds : int
        How many sequences for each.
    n_neurons : int
        Of the spiking memory; 0 for none.
    lstm_lengths : sequence of int
        T, for the LSTM.
    lstm_epochs : int
    folder, workers, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        For JSON: ``rows`` (a list of dict with ``length``, ``name``, ``d``,
        ``n_neurons``, ``mse``, ``worst`` and ``settled``, each of those with ``values``
        of the seeds, ``mean`` and ``standard_error``: mean over the delays, the worst
        of them, and mean over the delays from 1.5 T on), ``runs`` (a list of dict with
        ``length``, ``n_neurons``, ``seconds`` and ``peak_mib``), ``lstm`` (a list of
        dict with ``setting``, ``loss``, ``val_loss`` and ``seconds``), ``published``
        and ``versions``.
    """
    options = {
        "folder": folder,
        "workers": workers,
        "cost": lambda setting: setting.cost,
        "show_progress": show_progress,
    }
    lengths = sorted(set(lengths))
    settings = [Setting(length) for length in lengths]
    if n_neurons:
        settings += [Setting(length, n_neurons) for length in lengths if length <= 1e4]
    # first, while workers have not loaded TensorFlow: what memory they take is recorded
    results = sweep.run_seeds(measure, settings, seeds, description="LMU", **options)
    trained = [LSTMSetting(length, lstm_epochs) for length in sorted(set(lstm_lengths))]
    records = sweep.run(measure_lstm, trained, description="LSTM", **options)
    lstm = {setting: record["result"] for setting, record in zip(trained, records)}

    rows = []
    for setting, found in [*results.items(), *((s, [r]) for s, r in lstm.items())]:
        rows += _rows(setting, found)
    return {
        "experiment": "capacity",
        "seeds": seeds,
        "rows": sorted(rows, key=lambda row: row["length"]),
        "runs": [
            {
                "length": setting.length,
                "n_neurons": setting.n_neurons,
                "d": found[0]["d"],
                "seconds": float(np.mean([one["seconds"] for one in found])),
                "peak_mib": max((one["peak_mib"] or 0.0) for one in found) or None,
            }
            for setting, found in results.items()
        ],
        "lstm": [
            {
                "setting": asdict(setting),
                **{name: found[name] for name in ("loss", "val_loss", "seconds")},
            }
            for setting, found in lstm.items()
        ],
        "published": {str(length): bounds for length, bounds in PUBLISHED.items()},
        "versions": versions(),
    }


def _rows(setting, results):
    """Return a row for each readout."""

    def summary(kind, name, over):
        values = [float(over(one[kind][name])) for one in results]
        return {"values": values, **mean_and_error(values)}

    return [
        {
            "length": setting.length,
            "name": name,
            "n_neurons": getattr(setting, "n_neurons", None),
            "mse": summary("mse", name, np.mean),
            "best": summary("mse", name, np.min),
            "worst": summary("mse", name, np.max),
            "settled": summary("settled", name, np.mean),
        }
        for name in results[0]["mse"]
    ]
