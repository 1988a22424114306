"""Prediction of the Mackey-Glass series by Poisson neurons.

One LMU, whose memory and hidden units spike. Nothing feeds back into the memory but its
own state, so hidden units and readout are learned from ideal states at the samples,
given the noise that the theory expects of the memory's spikes.
"""

from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.analysis.simulators import spike_counter
from nengo_lmu.legendre import simulate
from nengo_lmu.networks import LMU
from nengo_lmu.series.network import rates_about
from nengo_lmu.series.states import correlated_noise, draw_kernel, hidden_activity
from nengo_lmu.tasks.mackey_glass import nrmse

_MINIBATCH = 500


@dataclass(frozen=True)
class SpikingSettings:
    """Settings of the network of spiking neurons.

    Attributes
    ----------
    n_neurons : int
        Of the memory.
    seed : int
        Of the sequences, the weights and the spikes.
    units : int
        Hidden neurons.
    theta : float
        Of the memory (samples).
    d : int
        Of the memory.
    steps_per_sample : int
        How long each sample is held (time steps).
    dt : float
        Time step (seconds).
    rate : float
        Of the memory's neurons at the edge of their range, and of hidden neurons for an
        input of 1 (hertz).
    readout_tau : float
        Of the readout's synapse (samples).
    epochs : int
    copies : int
        How often each state is seen in an epoch, with other noise each time.
    n_sequences, n_samples : int
        Of the test sequences, and of the samples of each, to measure with.
    washout : int
        Samples of each that are left out at the beginning.
    """

    n_neurons: int = 1000
    seed: int = 0
    units: int = 1500
    theta: float = 16.0
    d: int = 5
    steps_per_sample: int = 50
    dt: float = 0.001
    rate: float = 200.0
    readout_tau: float = 8.0
    epochs: int = 3
    copies: int = 1
    n_sequences: int = 1
    n_samples: int = 600
    washout: int = 100

    @property
    def sample_time(self):
        """(float) How long a sample takes (seconds)."""
        return self.steps_per_sample * self.dt


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
    """

    def __init__(self, settings, data):
        self.settings = s = settings
        self.data = data
        rng = np.random.RandomState(s.seed)
        with nengo.Network(seed=s.seed) as self.network:
            self.network.config[nengo.Ensemble].max_rates = rates_about(s.rate)
            self.input = nengo.Node([0.0], label="series")
            self.lmu = LMU(
                s.theta * s.sample_time,
                s.d,
                units=s.units,
                n_neurons=s.n_neurons,
                dt=s.dt,
                input_range=self._signal(data.train.x[0, :1000]).ravel(),
                hidden_bias=nengo.dists.Uniform(-1, 1),
            )
            nengo.Connection(self.input, self.lmu.input, synapse=None)
            prediction = nengo.Node(size_in=1, label="prediction")
            self.readout = nengo.Connection(
                self.lmu.output,
                prediction,
                transform=rng.standard_normal((1, s.units)) / s.units,
                synapse=s.readout_tau * s.sample_time,
            )
            self.output = nengo.Probe(prediction)
            self.spikes = nengo.Probe(spike_counter(self.lmu.all_ensembles, s.dt))

    def _signal(self, x):
        return np.repeat(x, self.settings.steps_per_sample, axis=0)

    def _examples(self, split, rng, copies):
        """Return noisy states at the samples, and what is wanted of the hidden layer.

        The readout's synapse comes later, so what is wanted is the target before a
        filter of that time constant: the target and its slope times that.
        """
        s = self.settings
        m = np.array([simulate(x[:, 0], s.theta, s.d, 1.0) for x in split.x])
        y = split.y + s.readout_tau * np.gradient(split.y, axis=1)
        m = np.tile(m[:, s.washout :].reshape(-1, s.d), (copies, 1))
        y = np.tile(y[:, s.washout :].reshape(-1, 1), (copies, 1))
        m += correlated_noise(self.lmu.memory.noise_covariance, len(m), rng)
        return m, y

    def train(self, checkpoint=None, show_progress=None):
        """Learn from the ideal states, in a network of a single time step.

        Parameters
        ----------
        checkpoint : Path, optional
        show_progress : bool, optional
            By default on terminals.
        """
        import nengo_dl  # noqa: F401  before TensorFlow, whose Keras it changes
        import tensorflow as tf

        from nengo_lmu.dl import feedforward

        s = self.settings
        rng = np.random.RandomState(s.seed)
        train_m, train_y = self._examples(self.data.train, rng, s.copies)
        check_m, check_y = self._examples(self.data.validation, rng, 1)
        self.lmu.memory_kernel.transform = draw_kernel(train_m, s.units, rng)
        steps = s.epochs * (len(train_m) // _MINIBATCH)
        rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps, alpha=0.01)
        feedforward.train(
            self.lmu,
            self.readout,
            train_m,
            train_y,
            validation=(check_m, check_y),
            optimizer=tf.keras.optimizers.Adam(rate),
            loss="mse",
            epochs=s.epochs,
            seed=s.seed,
            minibatch_size=_MINIBATCH,
            checkpoint=checkpoint,
            monitor="val_loss",
            mode="min",
            description=f"{s.n_neurons} neurons",
            show_progress=show_progress,
        )

    def measure(self):
        """Predict from test sequences, with spikes and with rates.

        Returns
        -------
        result : dict
            ``spikes`` and ``rates``: the NRMSE of either; ``spikes_per_second``; and
            ``predicted``, from the first sequence, with spikes.
        """
        s = self.settings
        part = slice(s.n_sequences), slice(s.n_samples)
        x, y = self.data.test.x[part], self.data.test.y[part]
        runs = [self._spiking(series) for series in x]
        ideal = [self._ideal(series) for series in x]
        settled = slice(s.washout, None)
        predicted = np.array([prediction for prediction, _ in runs])
        return {
            "spikes": nrmse(predicted[:, settled], y[:, settled]),
            "rates": nrmse(np.array(ideal)[:, settled], y[:, settled]),
            "spikes_per_second": float(np.mean([rate for _, rate in runs])),
            "predicted": predicted[0, :, 0].tolist(),
        }

    def _spiking(self, x):
        s = self.settings
        signal = self._signal(x)
        self.input.output = nengo.processes.PresentInput(signal, s.dt)
        with nengo.Simulator(self.network, dt=s.dt, progress_bar=False) as sim:
            sim.run_steps(len(signal))
            predicted = np.array(
                sim.data[self.output][s.steps_per_sample - 1 :: s.steps_per_sample]
            )
            spikes = sim.data[self.spikes][-1, 0]
        self.input.output = [0.0]
        return predicted, spikes / (len(signal) * s.dt)

    def _ideal(self, x):
        """Predict with the ideal memory and rates."""
        s = self.settings
        m = simulate(self._signal(x)[:, 0], s.theta * s.sample_time, s.d, s.dt)
        y = hidden_activity(self.lmu, m) @ self.readout.transform.init.T
        filtered = self.readout.synapse.filt(y, dt=s.dt, y0=0)
        return filtered[s.steps_per_sample - 1 :: s.steps_per_sample]
