"""Prediction of the Mackey-Glass series by LMUs, by LSTMs, and by both.

Four layers follow one another, with at most as many parameters as four layers of 25
LSTM units have, and a linear readout. All are Nengo networks in time. Those whose LMUs
are feed-forward, and the LSTMs, are trained with time laid out in space
(`nengo_lmu.dl.unrolled`); the paper's network, which feeds back everywhere, in time.
"""

from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.networks import LMU
from nengo_lmu.networks.initializers import LecunUniform, XavierNormal
from nengo_lmu.tasks import mackey_glass

# Networks have these kinds of layers and units; in "paper", everything feeds back.
LAYERS = {
    "lstm": (("lstm", 25),) * 4,
    "lmu": (("lmu", 72),) * 4,
    "hybrid": (("lmu", 53), ("lstm", 25)) * 2,
    "paper": (("paper", 49),) * 4,
}
MODELS = tuple(LAYERS)

# What feeds back everywhere has gradients that explode now and then. With those of the
# other networks' training, and at their rate, the paper's does not learn: see
# docs/reproduce/mackey_glass.rst.
TRAINING = {"paper": {"learning_rate": 2.5e-3, "clipnorm": 0.1}}

# https://github.com/nengo/keras-lmu, experiments/mackey-glass, has published these.
PUBLISHED = {"lstm": 0.05872, "lmu": 0.04873, "hybrid": 0.04473}


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    model : str
        One of `MODELS`.
    seed : int
        Of the sequences, the weights and the order in training.
    epochs : int
    learning_rate : float
        To begin with; it falls to a hundredth, as a cosine.
    clipnorm : float or None
        Largest norm of the gradient of a matrix.
    minibatch : int
        Windows that are learned from at once.
    window, overlap : int
        Length of the windows that the training sequences are cut into, and how much of
        the one before each of them begins with (samples).
    theta : float
        Of each LMU (samples); 4 for the paper's.
    d : int
        Of each LMU; 4 for the paper's.
    dt : float
        Time step in training (seconds).
    steps_per_sample : int
        How many time steps a sample takes.
    averaged : bool
        Whether samples are joined by straight lines, and memories given the mean of
        their input in this and the last step: both make what a network does depend on
        the time step in second order only. Otherwise samples are held.
    sizes : tuple of int
        Sequences to train, to validate and to test with.
    n_samples : int
        Of each sequence.
    """

    model: str = "lmu"
    seed: int = 0
    epochs: int = 40
    learning_rate: float = 5e-3
    clipnorm: float | None = None
    minibatch: int = 16
    window: int = 320
    overlap: int = 60
    theta: float = 17.0
    d: int = 6
    dt: float = 0.001
    steps_per_sample: int = 1
    averaged: bool = False
    sizes: tuple = (32, 32, 64)
    n_samples: int = 5000

    @property
    def sample_time(self):
        """(float) How long a sample takes (seconds)."""
        return self.steps_per_sample * self.dt

    def data(self):
        """Return the sequences."""
        return mackey_glass.load(self.seed, self.sizes, self.n_samples)


class Predictor:
    """The network in time.

    Parameters
    ----------
    settings : Settings
    dt : float, optional
        Of the simulator that it is for; by default that of training.

    Attributes
    ----------
    network : nengo.Network
        For `nengo.Simulator` and `nengo_dl.Simulator`.
    input : nengo.Node
    output : nengo.Probe
    steps_per_sample : int
    """

    def __init__(self, settings, dt=None):
        self.settings = s = settings
        self.dt = s.dt if dt is None else dt
        self.steps_per_sample = round(s.sample_time / self.dt)
        rng = np.random.RandomState(s.seed)
        with nengo.Network(seed=s.seed) as self.network:
            self.input = node = nengo.Node([0.0], label="series")
            self._layers = []
            for kind, units in LAYERS[s.model]:
                node = getattr(self, f"_add_{kind}")(node, units, rng)
            prediction = nengo.Node(size_in=1, label="prediction")
            constant = nengo.Node([1.0], label="one")
            self._readout = [
                nengo.Connection(node, prediction, transform=weights, synapse=None)
                for node, weights in (
                    (node, XavierNormal().sample(1, node.size_out, rng=rng)),
                    (constant, np.zeros((1, 1))),
                )
            ]
            self.output = nengo.Probe(prediction)

    def _add_lmu(self, node, units, rng):
        """Add an LMU whose memory is fed by the layer before alone."""
        s = self.settings
        size = node.size_out
        lmu = LMU(
            s.theta * s.sample_time,
            s.d,
            size_in=size,
            units=units,
            n_neurons=0,
            dt=self.dt,
            input_encoders=LecunUniform().sample(1, size, rng=rng),
            coupling="feed-forward",
            memory_kernel=XavierNormal().sample(units, s.d, rng=rng),
            hidden_bias=0.0,
        )
        if s.averaged:
            for synapse in (None, 0):
                nengo.Connection(node, lmu.input, transform=0.5, synapse=synapse)
        else:
            nengo.Connection(node, lmu.input, synapse=None)
        kernel = nengo.Connection(
            node,
            lmu.hidden.neurons,
            transform=XavierNormal().sample(units, size, rng=rng),
            synapse=None,
        )
        self._layers.append(("lmu", lmu, kernel))
        return lmu.output

    def _add_paper(self, node, units, rng):
        """Add an LMU as in the paper."""
        lmu = LMU(
            4 * self.settings.sample_time,
            4,
            size_in=node.size_out,
            units=units,
            n_neurons=0,
            dt=self.dt,
            input_encoders=LecunUniform(),
            hidden_encoders=LecunUniform(),
            seed=rng.randint(2**31),
        )
        nengo.Connection(node, lmu.input, synapse=None)
        return lmu.output

    def _add_lstm(self, node, units, rng):
        """Add an LSTM."""
        from nengo_lmu.dl.lstm import LSTMProcess

        lstm = nengo.Node(LSTMProcess.random(node.size_out, units, rng), label="LSTM")
        nengo.Connection(node, lstm, synapse=None)
        self._layers.append(("lstm", lstm))
        return lstm

    def unrolled(self):
        """Return the layers as those of `nengo_lmu.dl.unrolled.unroll`."""
        from nengo_lmu.dl.lstm import UnrolledLSTM
        from nengo_lmu.dl.unrolled import UnrolledLMU, UnrolledReadout

        make = {
            "lmu": lambda lmu, kernel: UnrolledLMU(lmu, kernel, self.settings.averaged),
            "lstm": UnrolledLSTM,
        }
        layers = [make[kind](*parts) for kind, *parts in self._layers]
        return [*layers, UnrolledReadout(*self._readout)]

    def parameters(self):
        """Return how many parameters are trained."""
        import nengo_dl

        if self.settings.model == "paper":
            with nengo_dl.Simulator(self.network, progress_bar=False) as sim:
                weights = sim.keras_model.trainable_weights
        else:
            weights, size = [], 1
            for layer in self.unrolled():
                layer.build((None, 1, size))
                size = layer.compute_output_shape((None, 1, size))[-1]
                weights += layer.trainable_weights
        return sum(int(np.prod(weight.shape)) for weight in weights)

    def signal(self, x):
        """Return what to feed the network, one row a time step.

        Parameters
        ----------
        x : (n, n_samples, 1) ndarray

        Returns
        -------
        signal : (n, n_samples * steps_per_sample, 1) ndarray
        """
        p = self.steps_per_sample
        if not self.settings.averaged:
            return np.repeat(x, p, axis=1)
        previous = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
        fraction = np.arange(1, p + 1) / p
        return (previous + (x - previous) * fraction).reshape(len(x), -1, 1)

    def targets(self, y):
        """Return what the network should say, of the shape of `signal`: NaN between."""
        p = self.steps_per_sample
        targets = np.full((*y.shape[:2], p), np.nan)
        targets[..., -1:] = y
        return targets.reshape(len(y), -1, 1)

    def predict(self, x, minibatch=8):
        """Predict from sequences, in NengoDL: in space, or in time for the paper's.

        Parameters
        ----------
        x : (n, n_samples, 1) ndarray
            Of as many sequences as some minibatches.
        minibatch : int

        Returns
        -------
        predicted : (n, n_samples, 1) ndarray
        """
        import nengo_dl

        from nengo_lmu.dl.unrolled import unroll

        signal = self.signal(x)
        if self.settings.model == "paper":
            network, stimulus, output = self.network, self.input, self.output
        else:
            network, stimulus, output = unroll(self.unrolled(), signal.shape[1], 1)
            signal = signal.reshape(len(x), 1, -1)
        with nengo_dl.Simulator(
            network,
            dt=self.dt,
            minibatch_size=min(minibatch, len(x)),
            progress_bar=False,
        ) as sim:
            outputs = sim.predict({stimulus: signal}, verbose=0)
        p = self.steps_per_sample
        return outputs[output].reshape(len(x), -1, 1)[:, p - 1 :: p]

    def step_by_step(self, x, simulator=nengo.Simulator, **kwargs):
        """Predict from one sequence in time.

        Parameters
        ----------
        x : (n_samples, 1) ndarray
        simulator : callable
            `nengo.Simulator` or `nengo_dl.Simulator`.
        **kwargs
            For it.

        Returns
        -------
        predicted : (n_samples, 1) ndarray
        """
        (signal,) = self.signal(x[np.newaxis])
        self.input.output = nengo.processes.PresentInput(signal, self.dt)
        with simulator(self.network, dt=self.dt, progress_bar=False, **kwargs) as sim:
            sim.run_steps(len(signal))
            outputs = np.reshape(sim.data[self.output], (-1, 1))
        self.input.output = [0.0]
        p = self.steps_per_sample
        return outputs[p - 1 :: p]

    def at(self, dt):
        """Return a network of LMUs with the same weights for another time step."""
        predictor = Predictor(self.settings, dt)
        for mine, its in zip(self.unrolled(), predictor.unrolled()):
            for name, conn in mine.connections.items():
                its.connections[name].transform = conn.transform
        return predictor
