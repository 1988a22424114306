"""The network for sequential handwritten digits, and how it is trained.

A digit of 64 pixels is presented one pixel at a time, and the memory holds the last 64.
Digits follow one another without a pause.
"""

import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from nengo_lmu.experiments.classifier import network
from nengo_lmu.experiments.classifier.row import Row
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.series.network import rates_about
from nengo_lmu.series.states import correlated_noise, draw_kernel, hidden_activity
from nengo_lmu.series.training import compile_arguments
from nengo_lmu.tasks.digits import N_PIXELS, load_digits, stream_states

# Makes the rates of LIF neurons differentiable at their threshold, as NengoDL does it.
LIF_SMOOTHING = 0.1

# So many digits follow one another in each of NengoDL's streams.
_IN_STREAM = 5


@dataclass(frozen=True, kw_only=True)
class Settings(network.Settings):
    """Settings of the network, with time constants in seconds, and of its training.

    The others are those of `nengo_lmu.experiments.classifier.network.Settings`.

    Attributes
    ----------
    neuron_type : str
        Name of the neuron type of the memory, of
        `nengo_lmu.experiments.classifier.network.NEURONS`.
    copies : int
        How often each training digit is seen in an epoch, with other noise and after
        another digit each time.
    minibatch_size : int
    learning_rate : float
        Of Adam.
    """

    d: int = 22
    n_neurons: int = 350
    max_rate: float = 500.0
    units: int = 150
    hidden: str = "poisson"
    hidden_rate: float = 300.0
    steps_per_pixel: int = 24
    tau: float = 0.3
    readout_tau: float = 0.06
    epochs: int = 25
    neuron_type: str = "poisson"
    copies: int = 24
    minibatch_size: int = 128
    learning_rate: float = 2e-3

    n_pixels: ClassVar[int] = N_PIXELS


class DigitClassifier(network.SpikingClassifier):
    """The network, with what is needed to train it and to run it.

    Parameters
    ----------
    settings : Settings
    digits : nengo_lmu.tasks.digits.Digits, optional
    """

    def __init__(self, settings, digits=None):
        super().__init__(
            settings,
            load_digits(settings.seed) if digits is None else digits,
            n_sample=60,
            readout=lambda rng, size: rng.standard_normal(size) / np.sqrt(size[1]),
            hidden_rates=rates_about(settings.hidden_rate),
            memory={"neuron_type": network.neuron_type(settings.neuron_type)},
            hidden_bias=0.1,
        )

    def at(self, dt):
        """Return the network as trained, for another time step.

        All times are the same in seconds: pixels, memory and synapses.

        Parameters
        ----------
        dt : float
            Time step (seconds).

        Returns
        -------
        classifier : DigitClassifier

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If a pixel is not a whole number of such time steps.
        """
        s = self.settings
        steps = s.pixel / dt
        if round(steps) < 1 or not np.isclose(steps, round(steps)):
            raise ArgumentError(
                "dt",
                f"{dt:g} was given, but a pixel takes {s.pixel:g} s; give a whole "
                "fraction of it",
            )
        classifier = DigitClassifier(
            replace(s, dt=dt, steps_per_pixel=round(steps)), self.digits
        )
        for name, matrix in self.matrices.items():
            classifier.parameters[name].transform = matrix
        return classifier

    def states(self, split, copies, rng=None, before=None, covariance=None):
        """Return ideal states about the end of digits, with the noise of spikes.

        The outputs at the end of a digit are low-pass filtered, so they look at states
        some time before it too: each copy is taken that much earlier, by quantiles of
        the filter's exponential distribution.

        Parameters
        ----------
        split : nengo_lmu.tasks.digits.Split
        copies : int
        rng : numpy.random.RandomState, optional
            Adds noise.
        before : (n, 64) array_like, optional
            The digits that came before; by default others of the split, drawn anew
            for each copy.
        covariance : (d, d) array_like, optional
            Of the noise; by default what the theory gives for the memory, and in half
            of the copies for the memory on the chip, where neurons do not hear their
            error.

        Returns
        -------
        m : (copies * n, d) ndarray
        labels : (copies * n,) ndarray
        """
        s = self.settings
        m = np.concatenate(
            [
                stream_states(
                    split.pixels,
                    split.pixels[rng.permutation(len(split))]
                    if before is None
                    else before,
                    s.theta,
                    s.d,
                    s.steps_per_pixel,
                    s.dt,
                    delay=delay,
                )
                for delay in s.delays(copies)
            ]
        )
        if rng is not None:
            for some, given in self._noise(copies, covariance):
                noisy = m.reshape(copies, len(split), -1)[some]
                noise = correlated_noise(given, noisy[..., 0].size, rng)
                noisy += noise.reshape(noisy.shape)
        return m, np.tile(split.labels, copies)

    def _noise(self, copies, covariance=None):
        """Return which copies have noise of which covariance."""
        if covariance is not None:
            return [(slice(None), covariance)]
        memory = self.lmu.memory
        everywhere = memory.noise_covariance, memory.filtered_noise(chip=True)
        return [(slice(i, None, 2), each) for i, each in enumerate(everywhere)][:copies]

    def train(
        self,
        states=None,
        validation=None,
        layer=None,
        checkpoint=None,
        description="training",
        show_progress=None,
    ):
        """Train the hidden layer and the outputs in NengoDL.

        Nothing feeds back into the memory, so its states at the end of the digits are
        computed beforehand, given the noise that the neurons will have, and learned
        from in a network of a single step. The weights are then put into `network`.
        The epoch is chosen by the digits of the validation set.

        Parameters
        ----------
        states, validation : tuple of (n, d) and (n,) ndarray, optional
            States to train on and to choose the epoch by, and their labels; by default
            those of the two splits with noise of the covariance that the theory gives.
        layer : tf.keras.layers.Layer, optional
            As for `nengo_lmu.dl.feedforward.FeedForwardTwin`.
        checkpoint : str or Path, optional
            File from which a training that was stopped goes on.
        description : str
            For the progress bar.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        history : dict from str to list of float
            As `nengo_lmu.dl.training.fit` returns it.
        """
        from nengo_lmu.dl import feedforward

        s = self.settings
        rng = np.random.RandomState(s.seed)
        if states is None:
            states = self.states(self.digits.train, s.copies, rng)
            validation = self.states(self.digits.validation, s.copies, rng)
        self.lmu.memory_kernel.transform = draw_kernel(states[0], s.units, rng)

        return feedforward.train(
            self.lmu,
            self.readout,
            *states,
            validation=validation,
            **compile_arguments(s.learning_rate),
            epochs=s.epochs,
            seed=s.seed,
            minibatch_size=s.minibatch_size,
            settings={"lif_smoothing": LIF_SMOOTHING},
            layer=layer,
            checkpoint=checkpoint,
            description=description,
            show_progress=show_progress,
        )

    def ideal(self):
        """Classify the test digits with an ideal memory and rates instead of spikes.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        """
        started = time.perf_counter()
        test = self.digits.test
        # Digits are a stream, as in the simulators: nothing came before the first.
        before = np.vstack([np.zeros((1, N_PIXELS)), test.pixels[:-1]])
        m, _ = self.states(test, 32, before=before)
        h = hidden_activity(self.lmu, m)
        scores = (h @ self.readout.transform.init.T).reshape(32, len(test), -1).mean(0)
        spent = time.perf_counter() - started
        return Row.from_guesses(
            "ideal memory, rates",
            scores.argmax(axis=1),
            test.labels,
            None,
            spent / len(test),
        )

    def minibatches(self, n_digits):
        """Return the digits of streams side by side, each of some without a pause."""
        length = min(_IN_STREAM, n_digits)
        n_streams = n_digits // length
        return np.arange(n_streams * length).reshape(n_streams, length).T, True
