"""psMNIST with spikes: a memory of Poisson neurons, and spiking hidden units.

Each pixel is held for some steps. The noise of the memory falls with the number of
spikes that tell of a pixel, that is with neurons x rate x time, and the theory says by
how much: hidden units and scores are trained on ideal states with noise of that
covariance.

What counts is what is seen of the digit, not what is seen of the window: pixels in the
middle of an image vary together, those at its edge hardly ever. So neurons represent
the state in a basis that is quiet where digits differ (`digit_basis`).
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import nengo
import numpy as np
from scipy.signal import lfilter

from nengo_lmu.experiments.classifier import network
from nengo_lmu.experiments.classifier.row import Row
from nengo_lmu.experiments.psmnist.reading import Reading
from nengo_lmu.experiments.psmnist.stepping import Stepper
from nengo_lmu.experiments.psmnist.without_time import train_on_states
from nengo_lmu.legendre import basis, input_statistics, simulate
from nengo_lmu.legendre.noise import error_dynamics
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.networks import XavierNormal
from nengo_lmu.series.states import correlated_noise, hidden_activity
from nengo_lmu.tasks.mnist import N_PIXELS

# The memory is designed for a sample of so many digits.
_SAMPLE = 60

# Of as many the covariance of pixels is taken.
_MANY = 10_000

# The basis depends on the noise, and the noise on the basis.
_ROUNDS = 3

# Directions of the state that tell least of digits count for so much of the one that
# tells most, since what is neglected there comes back by another.
_LEAST_TOLD = 0.1

# Hidden units that wait get this, for inputs of order 1.
_HOLD = -1e3

# Of hidden units that are not Poisson neurons, so many are left out in training.
_DROPOUT = 0.1

# So many digits are read at once, and by NengoDL.
_MINIBATCH = 500
_IN_NENGO_DL = 250


@dataclass(frozen=True, kw_only=True)
class Settings(network.Settings):
    """Settings of the network.

    They are those of `nengo_lmu.experiments.classifier.network.Settings`, and more.
    Time constants are in pixels.

    Attributes
    ----------
    state_tau : float
        Of the filter through which hidden units see the state; 0 for none.
    design_tau : float
        The basis and the training are for the noise behind a filter of so much. A
        shorter one is for more noise than there is, which does no harm.
    last_pixels : int
        Hidden units are let go so many pixels before the end of a digit, and silent
        before; all of them for units that are always free.
    basis : {"digits", "balanced"}
        In which neurons represent the state: `digit_basis`, or the memory's own.
    largest_rate : float or None
        Of each hidden unit on validation digits (hertz): after training its input is
        scaled to it, and its output back. None to leave them as they are.
    """

    d: int = 176
    n_neurons: int = 560
    max_rate: float = 395.0
    error_feedback: float | None = 0.2
    units: int = 930
    hidden: str = "nengo-regular"
    hidden_rate: float = 80.0
    steps_per_pixel: int = 8
    tau: float = 15.0
    state_tau: float = 3.0
    design_tau: float = 1.5
    readout_tau: float = 1.5
    last_pixels: int = 24
    basis: str = "digits"
    largest_rate: float | None = 450.0
    epochs: int = 100

    n_pixels: ClassVar[int] = N_PIXELS

    @property
    def tau_unit(self):
        """(float) What time constants are given in: how long a pixel is (seconds)."""
        return self.pixel


def states_of_pixels(settings, scored=False):
    """Return the matrix from pixels to states at the end of a digit, without noise.

    Parameters
    ----------
    settings : Settings
    scored : bool
        The states behind the filter of the scores, too: what these are about. By
        default those that hidden units see.

    Returns
    -------
    matrix : (784, d) ndarray
    """
    s = settings
    impulse = np.zeros(s.n_steps)
    impulse[0] = 1.0
    response = simulate(impulse, s.theta, s.d, s.dt)
    # Neurons say what they are given a step later.
    response = np.vstack([np.zeros((1, s.d)), response[:-1]])
    for tau in (s.state_tau, s.readout_tau if scored else 0):
        if tau:
            decay = np.exp(-1 / (tau * s.steps_per_pixel))
            response = lfilter([0, 1 - decay], [1, -decay], response, axis=0)
    return response[::-1].reshape(N_PIXELS, s.steps_per_pixel, s.d).sum(axis=1)


def estimate_pixels(settings, pixels, noise):
    """Return how the pixels are best estimated from the noisy state, linearly.

    Parameters
    ----------
    settings : Settings
    pixels : (n, 784) ndarray
        Typical ones, less their mean.
    noise : (d, d) ndarray
        Covariance of the noise of the state that hidden units see.

    Returns
    -------
    estimator : (784, d) ndarray
        Wiener's.
    lost : float
        Part of the variance of the pixels that is not in the estimate.
    """
    covariance = pixels.T @ pixels / len(pixels)
    matrix = states_of_pixels(settings)
    told = matrix.T @ covariance
    estimator = np.linalg.solve(told @ matrix + noise, told).T
    return estimator, float(1 - np.sum(estimator * told.T) / np.trace(covariance))


def digit_basis(settings, pixels, sample):
    """Return the basis of the state in which noise spoils least of the digit.

    The best linear estimate of the pixels from the noisy state is ``K m``, Wiener's.
    The basis is balanced (`nengo_lmu.legendre.basis`) for the mean square of ``K e`` in
    the place of that of the window; ``K`` depends on the noise, and so on the basis.

    Parameters
    ----------
    settings : Settings
    pixels : (n, 784) ndarray
        Typical ones, less their mean.
    sample : (n_steps,) ndarray
        Typical input.

    Returns
    -------
    T : (d, d) ndarray
        As `nengo_lmu.LegendreMemory` takes it as its ``realization``.
    """
    s = replace(settings, state_tau=settings.design_tau)
    statistics = input_statistics(s.theta, s.d, sample, s.dt)
    tau = s.tau * s.tau_unit

    def populations(realization):
        return quietest(
            s.theta,
            s.d,
            s.n_neurons,
            tau,
            s.max_rate,
            s.dt,
            statistics,
            realization,
            error_feedback=s.error_feedback,
        )

    T = "balanced"
    for _ in range(_ROUNDS):
        quiet, counts = populations(T)
        noise = quiet.filtered_covariance(counts, s.state_tau * s.tau_unit)
        estimator, _ = estimate_pixels(s, pixels, noise)
        _, sizes, directions = np.linalg.svd(estimator, full_matrices=False)
        sizes = np.maximum(sizes, _LEAST_TOLD * sizes[0])
        dynamics = error_dynamics(s.theta, s.d, s.dt, "zoh", quiet.error_feedback)
        injection = dynamics.injection(np.exp(-s.dt / tau))
        energy = dynamics.equations.energy(sizes[:, np.newaxis] * directions)
        T = basis(
            statistics,
            "balanced",
            injection.T @ energy @ injection,
            quiet.covariance(counts),
        ).T
    return T


class SpikingClassifier(network.SpikingClassifier):
    """The network, with what is needed to train it and to run it.

    Pixels are presented less their mean over the training digits, which leaves less for
    neurons to represent.

    Parameters
    ----------
    settings : Settings
    mnist : nengo_lmu.tasks.mnist.Mnist

    Attributes
    ----------
    hold : nengo.Node or None
        1 while hidden units are held silent, 0 when they are let go.
    """

    def __init__(self, settings, mnist):
        s = settings
        mean = mnist.train.pixels.mean(axis=0)
        memory = None
        if s.basis == "digits":
            pixels = mnist.train.pixels[:_MANY] - mean
            sample = np.repeat(pixels[:_SAMPLE], s.steps_per_pixel, axis=1)
            T = digit_basis(s, pixels, sample.ravel())
            memory = {"realization": T}
        super().__init__(
            s,
            mnist,
            n_sample=_SAMPLE,
            readout=lambda rng, size: XavierNormal().sample(*size, rng=rng),
            hidden_rates=nengo.dists.Choice([s.hidden_rate]),
            bias=True,
            mean=mean,
            memory=memory,
            hidden_bias=0,
            seed=s.seed,
        )
        if s.state_tau:
            self.lmu.memory_kernel.synapse = s.state_tau * s.tau_unit
        self.hold = None
        if s.last_pixels < N_PIXELS:
            self._hold()

    def _hold(self):
        """Keep hidden units silent until the last pixels of each digit."""
        s = self.settings
        waits = np.arange(N_PIXELS) < N_PIXELS - s.last_pixels
        with self.network:
            self.hold = nengo.Node(
                nengo.processes.PresentInput(waits[:, np.newaxis] * 1.0, s.pixel),
                label="hold",
            )
            nengo.Connection(
                self.hold,
                self.lmu.hidden.neurons,
                transform=np.full((s.units, 1), _HOLD),
                synapse=None,
            )

    def train(self, checkpoint=None, show_progress=None):
        """Train on states with the memory's noise, and Poisson hidden units' own.

        Parameters
        ----------
        checkpoint : str or Path, optional
            File from which a training that was stopped goes on.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        history : dict from str to list of float
            As of `nengo_lmu.experiments.psmnist.without_time.train_on_states`.
        """
        from nengo_lmu.dl import Dropout, SpikeNoise

        s = self.settings
        matrix = states_of_pixels(s, scored=True).astype(np.float32)
        covariance = self._noise(s.design_tau)

        def states(pixels, rng):
            m = (pixels - self.mean) @ matrix
            return m + correlated_noise(covariance, len(m), rng, np.float32)

        if s.hidden == "poisson":
            layer = SpikeNoise(self.lmu.unit, s.readout_tau * s.pixel)
        else:
            layer = Dropout(_DROPOUT)
        history = train_on_states(
            self,
            self.digits,
            states,
            layer,
            epochs=s.epochs,
            checkpoint=checkpoint,
            description="spiking psMNIST",
            show_progress=show_progress,
        )
        if s.largest_rate is not None:
            validation = self.digits.validation.pixels
            self._scale_rates(states(validation, np.random.RandomState(s.seed)))
        return history

    @property
    def state_noise(self):
        """((d, d) ndarray) Covariance of the noise that hidden units see."""
        return self._noise(self.settings.state_tau)

    def _noise(self, tau):
        synapse = nengo.Lowpass(tau * self.settings.tau_unit) if tau else None
        return self.lmu.memory.filtered_noise(synapse)

    def _scale_rates(self, m):
        """Let the largest rate of each hidden unit for some states be the settings'.

        Rectified linear units say ``c`` times as much of ``c`` times the input.
        """
        s = self.settings
        largest = hidden_activity(self.lmu, m).max(axis=0) * self.lmu.unit
        # Those that are hardly ever active are not to tell of noise alone.
        factor = s.largest_rate / np.maximum(largest, np.median(largest) / 4)
        for name, by in (
            ("memory_kernel", factor[:, np.newaxis]),
            ("hidden_bias", factor[:, np.newaxis]),
            ("readout", 1 / factor),
        ):
            connection = self.parameters[name]
            connection.transform = connection.transform.init * by

    def lost(self, ideal=False):
        """Return which part of the pixels' variance hidden units cannot see.

        Parameters
        ----------
        ideal : bool
            Of a memory without noise.
        """
        pixels = self.digits.train.pixels[:_MANY] - self.mean
        noise = np.zeros((self.settings.d,) * 2) if ideal else self.state_noise
        return estimate_pixels(self.settings, pixels, noise)[1]

    def simulate_nengo_dl(self, n_digits, show_progress=None):
        """Classify test digits in NengoDL, each of which begins at rest."""
        with self._unwatched():
            return super().simulate_nengo_dl(n_digits, show_progress)

    def minibatches(self, n_digits):
        """Return the digits in their order, each to begin at rest."""
        size = min(_IN_NENGO_DL, n_digits)
        return np.arange(n_digits // size * size).reshape(-1, size), False

    def read(self, n_digits, reading=None, show_progress=None):
        """Classify test digits as the network does it, by a `Stepper`.

        Parameters
        ----------
        n_digits : int
        reading : nengo_lmu.experiments.psmnist.reading.Reading, optional
            Which goes on where it was stopped.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        hidden_spikes : float
            A digit, which are among those of the row.
        """
        s, test = self.settings, self.digits.test
        reading = Reading() if reading is None else reading
        stepper = Stepper(self)
        unread = reading.unread(n_digits, _MINIBATCH)
        for k, part in network.progress(unread, "digits", "minibatch", show_progress):
            started = time.process_time()
            scores, memory_spikes, hidden_spikes = stepper.run(
                test.pixels[part], np.random.default_rng([s.seed, k])
            )
            spent = time.process_time() - started
            reading.add(
                guesses=scores.argmax(axis=1),
                spikes=memory_spikes + hidden_spikes,
                hidden_spikes=hidden_spikes,
                seconds=np.full(len(scores), spent / len(scores)),
            )
        data = reading.arrays
        row = Row.from_guesses(
            "stepped",
            data["guesses"],
            test.labels[:n_digits],
            float(data["spikes"].mean()),
            float(data["seconds"].mean()),
        )
        return row, float(data["hidden_spikes"].mean())

    @contextmanager
    def _unwatched(self):
        """Take out the window, which costs as much as the hidden units, for a while."""
        memory, node = self.lmu.memory, self.window.obj
        kept = {cls: list(members) for cls, members in memory.objects.items()}
        self.network.probes.remove(self.window)
        memory.take_out([node])
        try:
            yield
        finally:
            self.network.probes.append(self.window)
            for cls, members in kept.items():
                memory.objects[cls][:] = members
