"""Prediction of the Mackey-Glass series by spiking neurons.

One LMU, whose memory and hidden units spike. Nothing feeds back into the memory but its
own state. What hidden units see of it is drawn at random, and the readout of the state
and of their spikes is solved for, given the noise that either will have.
"""

from dataclasses import dataclass

import nengo
import numpy as np
from scipy.signal import cont2discrete, lfilter

from nengo_lmu.analysis.simulators import NEURON_TYPES, spike_counter
from nengo_lmu.experiments.mackey_glass.regression import (
    BEGINNING,
    errors,
    solve,
    weights_of_samples,
)
from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.legendre.system import states
from nengo_lmu.networks import LMU
from nengo_lmu.networks.spikes import spike_variance
from nengo_lmu.series.network import rates_about
from nengo_lmu.series.states import hidden_activity, units_along
from nengo_lmu.tasks import mackey_glass

# Hidden units are of one of these kinds.
HIDDEN = {
    "rates": nengo.RectifiedLinear(),
    "poisson": NEURON_TYPES["poisson"],
    "regular": NEURON_TYPES["regular"],
    "fast": NEURON_TYPES["regular"],
}

# These have so many times the others' rates.
FASTER = {"fast": 2.0}

# They begin to fire between these quantiles of what they are given.
_THRESHOLDS = (0.3, 0.95)

# Activity is looked at so many times a sample, and is taken to be straight in between.
_TIMES = 5

# The noise of spikes is that of the first samples of so many sequences, but for their
# beginning; regular neurons are at so many phases of their interval.
_N_NOISY, _NOISY_SAMPLES = 4, 400
_PHASES = 2


@dataclass(frozen=True)
class SpikingSettings:
    """Settings of the network of spiking neurons.

    Attributes
    ----------
    n_neurons : int
        Poisson neurons of the memory; 0 for the ideal one.
    hidden : str
        One of `HIDDEN`.
    units : int
        Hidden units.
    seed : int
        Of the sequences, the weights and the spikes.
    theta : float
        Of the memory (samples).
    d : int
        Of the memory.
    steps_per_sample : int
        How long each sample is held (time steps), a multiple of 5.
    dt : float
        Time step (seconds).
    rate : float
        Of the memory's neurons at the edge of their range, and of hidden neurons for an
        input of 1, a standard deviation (hertz); "fast" ones have twice as much.
    readout_tau : float
        Of the readout's synapse, a `nengo.Alpha` (samples).
    sizes : tuple of int
        Sequences to train, to validate and to test with.
    n_fitted, n_checked, n_tested : int
        Samples of these, from the first on, to fit the readout, to choose its penalty,
        and to test.
    """

    n_neurons: int = 1000
    hidden: str = "poisson"
    units: int = 600
    seed: int = 0
    theta: float = 17.0
    d: int = 6
    steps_per_sample: int = 50
    dt: float = 0.001
    rate: float = 200.0
    readout_tau: float = 1.5
    sizes: tuple = (32, 32, 64)
    n_fitted: int = 1500
    n_checked: int = 500
    n_tested: int = 150

    @property
    def sample_time(self):
        """(float) How long a sample takes (seconds)."""
        return self.steps_per_sample * self.dt

    @property
    def cost(self):
        """(float) How long the measurement takes, in arbitrary units."""
        return 1000 + self.n_neurons + 3 * self.units


class SpikingPredictor:
    """The network of spiking neurons.

    Parameters
    ----------
    settings : SpikingSettings
    data : nengo_lmu.tasks.mackey_glass.MackeyGlass

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    lmu : nengo_lmu.LMU
    input : nengo.Node
    output, spikes : nengo.Probe
        The prediction, and how many spikes there were so far.
    synapse : nengo.Alpha
        Of the readout of hidden units.
    """

    def __init__(self, settings, data):
        self.settings = s = settings
        self.data = data
        m = np.vstack(
            [states(x, s.theta, s.d, 1.0).reshape(-1, s.d) for x in data.train.x[:4]]
        )
        drawn = draw_units(m, s.units, np.random.RandomState(s.seed))
        kernel, bias = (FASTER.get(s.hidden, 1.0) * values for values in drawn)
        with nengo.Network(seed=s.seed) as self.network:
            self.network.config[nengo.Ensemble].max_rates = rates_about(s.rate)
            self.input = nengo.Node([0.0], label="series")
            self.lmu = LMU(
                s.theta * s.sample_time,
                s.d,
                units=s.units,
                n_neurons=s.n_neurons,
                dt=s.dt,
                input_range=np.repeat(data.train.x[0, :1000, 0], s.steps_per_sample),
                hidden_neuron_type=HIDDEN[s.hidden],
                memory_kernel=kernel,
                hidden_bias=bias,
                coupling="feed-forward",
            )
            nengo.Connection(self.input, self.lmu.input, synapse=None)
            prediction = nengo.Node(size_in=1, label="prediction")
            # Regular spikes are noisy at their rate and above, of which two filters
            # in a row leave little, with no more delay than a single one.
            self.synapse = nengo.Alpha(s.readout_tau * s.sample_time)
            self._parts = [
                nengo.Connection(
                    node,
                    prediction,
                    transform=np.zeros((1, node.size_out)),
                    synapse=self.synapse if node is self.lmu.output else None,
                )
                for node in (
                    self.lmu.memory.output,
                    self.lmu.output,
                    nengo.Node([1.0], label="one"),
                )
            ]
            self.output = nengo.Probe(prediction)
            self.spikes = nengo.Probe(spike_counter(self.lmu.all_ensembles, s.dt))

    def features(self, x):
        """Return what the readout sees at the ends of samples, without noise.

        A spiking memory is a time step late. The readout's synapse hears of the
        activity a step later and takes it to be constant until then, so that it is half
        a step late on average.

        Parameters
        ----------
        x : (n_samples, 1) ndarray

        Returns
        -------
        features : (n_samples, d + units + 1) ndarray
            The state, the activity of hidden units behind the synapse, and 1.
        activity : (n_samples * 5, units) ndarray
            As the synapse hears it.
        """
        s = self.settings
        u = np.repeat(x, _TIMES, axis=0)
        seen = states(u, s.theta, s.d, 1 / _TIMES).reshape(-1, s.d)
        if s.n_neurons:
            seen = self._earlier(seen, u, 1.0)
        activity = hidden_activity(self.lmu, self._earlier(seen, u, 0.5))
        tau = s.readout_tau
        alpha = [1.0], [tau**2, 2 * tau, 1.0]
        num, den, _ = cont2discrete(alpha, 1 / _TIMES, method="foh")
        filtered = lfilter(num.ravel(), den, activity, axis=0)
        ends = slice(_TIMES - 1, None, _TIMES)
        return np.hstack([seen[ends], filtered[ends], np.ones((len(x), 1))]), activity

    def _earlier(self, m, u, steps):
        """Return states some time steps before, in which the input was the same."""
        s = self.settings
        system = state_space(s.theta * s.sample_time, s.d)
        A_bar, B_bar = discretize(*system, steps * s.dt)
        return np.linalg.solve(A_bar, (m - u * B_bar.T).T).T

    def noise(self, activity):
        """Return the covariance of the noise of what the readout sees.

        Parameters
        ----------
        activity : list of (n, units) ndarray
            Of hidden units, 5 times a sample from the first one on.

        Returns
        -------
        covariance : (d + units + 1, d + units + 1) ndarray
            The mean over these times, without the beginning: of the state, of what its
            noise makes of the units that fire, and of their own spikes.
        """
        s, lmu = self.settings, self.lmu
        covariance = np.zeros((s.d + s.units + 1,) * 2)
        units = slice(s.d, s.d + s.units)
        synapse = self.synapse
        settled = np.vstack([one[BEGINNING * _TIMES :: _TIMES] for one in activity])
        if s.n_neurons:
            covariance[: s.d, : s.d] = lmu.memory.noise_covariance
            kernel = lmu.memory_kernel.transform.init
            # It has the delay of the two filters, and lets as much of white noise pass.
            single = nengo.Lowpass(2 * synapse.tau)
            heard = kernel @ lmu.memory.filtered_noise(single) @ kernel.T
            fires = (settled > 0).astype(float)
            covariance[units, units] = heard * (fires.T @ fires) / len(fires)
        if HIDDEN[s.hidden] == NEURON_TYPES["regular"]:
            rng, between = np.random.RandomState(s.seed), s.steps_per_sample // _TIMES
            own = np.mean(
                [
                    integrated_variance(
                        joined(one * lmu.unit, between),
                        synapse,
                        s.dt,
                        BEGINNING * s.steps_per_sample,
                        rng,
                    )
                    for one in activity
                ],
                axis=0,
            )
        else:
            own = spike_variance(
                HIDDEN[s.hidden], settled.mean(axis=0) * lmu.unit, synapse, s.dt
            )
        covariance[units, units] += np.diag(own / lmu.unit**2)
        return covariance

    def fit(self):
        """Solve for the readout, given the noise; choose its penalty by validation.

        Returns
        -------
        penalty : float
        """
        s, n = self.settings, self.settings.n_fitted
        rows, noisy = [], []
        for x in self.data.train.x:
            features, activity = self.features(x[:n])
            rows.append(features)
            if len(noisy) < _N_NOISY:
                noisy.append(activity[: _NOISY_SAMPLES * _TIMES])
        self._noise = self.noise(noisy)
        check = np.stack(
            [self.features(x[: s.n_checked])[0] for x in self.data.validation.x]
        )
        self.weights, penalty = solve(
            rows,
            (y[:n, 0] for y in self.data.train.y),
            weights_of_samples(n),
            (check, self.data.validation.y[:, : s.n_checked, 0]),
            self._noise,
        )
        sizes = np.cumsum([connection.size_in for connection in self._parts])[:-1]
        for part, connection in zip(np.split(self.weights, sizes), self._parts):
            connection.transform = part[np.newaxis]
        return penalty

    def expected(self, x, y):
        """Return the errors that the theory expects of parts of sequences.

        Parameters
        ----------
        x, y : (n, n_samples, 1) ndarray

        Returns
        -------
        errors, silent : nengo_lmu.experiments.mackey_glass.regression.Errors
            With the noise, and without.
        """
        predicted = np.array([self.features(one)[0] @ self.weights for one in x])
        noise = self.weights @ self._noise @ self.weights
        return tuple(errors(predicted, y[..., 0], n) for n in (noise, 0.0))

    def run(self, x):
        """Predict from sequences, side by side in NengoDL.

        Parameters
        ----------
        x : (n, n_samples, 1) ndarray

        Returns
        -------
        predicted : (n, n_samples) ndarray
        spikes : float
            Per sample of a sequence.
        """
        import nengo_dl

        s = self.settings
        with nengo_dl.Simulator(
            self.network,
            dt=s.dt,
            minibatch_size=len(x),
            progress_bar=False,
            seed=s.seed,
        ) as sim:
            signal = np.repeat(x, s.steps_per_sample, axis=1)
            data = sim.predict({self.input: signal}, verbose=0)
        ends = slice(s.steps_per_sample - 1, None, s.steps_per_sample)
        spikes = np.mean(data[self.spikes][:, -1, 0]) / x.shape[1]
        return data[self.output][:, ends, 0], float(spikes)


def joined(values, n):
    """Return values with straight lines between them, from 0 on.

    Parameters
    ----------
    values : (k, size) ndarray
    n : int
        Steps from each of them to the next.

    Returns
    -------
    line : (k * n, size) ndarray
        At the ends of steps.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.experiments.mackey_glass.spiking import joined
    >>> joined(np.array([[2.0], [4.0]]), 2).ravel().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    before = np.vstack([np.zeros_like(values[:1]), values[:-1]])[:, np.newaxis]
    fraction = (np.arange(1, n + 1) / n)[:, np.newaxis]
    line = before + (values[:, np.newaxis] - before) * fraction
    return line.reshape(-1, values.shape[1])


def integrated_variance(rates, synapse, dt, first, rng):
    """Return the variance behind a synapse of neurons that integrate changing rates.

    They spike whenever the integral has grown by 1, beginning at any phase of that.
    While a neuron is silent, it keeps its phase. So how much of a spike it is behind or
    ahead changes whenever it falls silent and fires again, as it does not at constant
    rates, for which there is `nengo_lmu.networks.spikes.spike_variance`; and unlike
    spikes' own rhythm, such slow changes pass the synapse.

    Parameters
    ----------
    rates : (n_steps, n) ndarray
        Hertz.
    synapse : nengo.synapses.Synapse
    dt : float
        Time step (seconds).
    first : int
        Steps from this one on count.
    rng : numpy.random.RandomState
        Of the phases.

    Returns
    -------
    variance : (n,) ndarray
        Mean over steps, of spikes that are ``1 / dt`` high.
    """
    integral = np.cumsum(rates * dt, axis=0)
    squares = []
    for i in range(_PHASES):
        phase = (i + rng.uniform(size=rates.shape[1])) / _PHASES
        spikes = np.diff(np.floor(phase + integral), axis=0, prepend=0.0)
        noise = synapse.filt(spikes / dt - rates, dt=dt, y0=0)
        squares.append(np.mean(noise[first:] ** 2, axis=0))
    return np.mean(squares, axis=0)


def draw_units(m, units, rng):
    """Draw weights and thresholds of hidden units.

    Directions are those of the state as it is, in which what hardly changes counts for
    little. Units that see all coefficients alike need larger weights behind them, which
    their spikes' noise passes through.

    Parameters
    ----------
    m : (n, d) ndarray
        Typical states.
    units : int
    rng : numpy.random.RandomState

    Returns
    -------
    kernel : (units, d) ndarray
        By which what each is given has a standard deviation of 1.
    bias : (units,) ndarray
    """
    directions = rng.standard_normal((units, m.shape[1]))
    return units_along(directions, m, rng, _THRESHOLDS)


def measure_spiking(settings):
    """Fit a network and test it.

    Parameters
    ----------
    settings : SpikingSettings

    Returns
    -------
    result : dict
        ``all`` and ``settled``, the errors in NengoDL; ``expected`` and ``silent``,
        the same as the theory expects and as they would be without noise; ``penalty``;
        ``spikes_per_sample``; ``parameters`` that are fitted; and ``series``,
        ``wanted`` and ``predicted`` of the first test sequence.
    """
    s = settings
    data = mackey_glass.load(s.seed, s.sizes)
    predictor = SpikingPredictor(s, data)
    penalty = predictor.fit()
    x, y = (values[:, : s.n_tested] for values in (data.test.x, data.test.y))
    predicted, spikes = predictor.run(x)
    expected, silent = predictor.expected(x, y)
    return {
        **vars(errors(predicted, y[..., 0])),
        "expected": vars(expected),
        "silent": vars(silent),
        "penalty": penalty,
        "spikes_per_sample": spikes if s.n_neurons or s.hidden != "rates" else 0.0,
        "parameters": len(predictor.weights),
        "series": {"wanted": y[0, :, 0].tolist(), "predicted": predicted[0].tolist()},
    }
