"""What a memory can learn about itself: its time-scale, and its matrices.

- `recover`: the length of the window, from a delay that is not as long,
- `recover_stack`: the windows of several layers, from what the last one says,
- `fine_tune`: A and B, for an input that is too fast for the order.

All through `nengo_dl.Simulator.fit`. The window is one trainable scalar a layer, the
first theta over the present one, in which Euler's method is linear.
"""

from dataclasses import asdict, dataclass
from functools import partial

import nengo
import numpy as np

from nengo_lmu.experiments.experiment import Experiment, option, shown_by
from nengo_lmu.experiments.options import (
    number_of_runs,
    positive_number,
    whole_number,
)
from nengo_lmu.legendre import ArgumentError, discretize, state_space
from nengo_lmu.legendre.checks import positive, whole
from nengo_lmu.networks import LMU

DT = 0.001
RMS = 0.3
_N_SEQUENCES = 32
_MINIBATCH = 16


@dataclass(frozen=True)
class Recovery:
    """A memory whose window is to become as long as the delay in the data.

    Attributes
    ----------
    start : float
        Length of the window to begin with, relative to the delay.
    n_neurons : int
        Poisson neurons of the memory, which learn through their rates; 0 for none.
    seed : int
    epochs : int
    theta : float
        The delay (seconds).
    d : int
        Order of the memory.
    """

    start: float
    n_neurons: int = 0
    seed: int = 0
    epochs: int = 50
    theta: float = 0.1
    d: int = 6

    def __post_init__(self):
        positive("start", self.start)
        whole("n_neurons", self.n_neurons, 0)
        whole("epochs", self.epochs, 1)
        system = state_space(self.start * self.theta, self.d)
        try:
            discretize(*system, DT, method="euler")
        except ArgumentError:
            raise ArgumentError(
                "start",
                f"of {self.start:g} makes a window of {self.start * self.theta:g} s, "
                f"too short for Euler's method at d={self.d} and dt={DT:g} s; give a "
                "larger one",
            ) from None

    @property
    def cost(self):
        """(float) How long it takes, in arbitrary units."""
        return self.epochs * (200 + self.n_neurons)


@dataclass(frozen=True)
class StackRecovery:
    """Layers whose windows are to become those of a teacher of the same kernels.

    Attributes
    ----------
    thetas : tuple of float
        Of the teacher's layers (seconds), the first nearest to the input.
    start : float
        Of all layers to begin with (seconds).
    seed : int
    epochs : int
    d : int
        Order of each memory.
    units : int
        Hidden units of each layer.
    """

    thetas: tuple
    start: float
    seed: int = 0
    epochs: int = 120
    d: int = 4
    units: int = 8

    @property
    def cost(self):
        """(float) How long it takes, in arbitrary units."""
        return self.epochs * 400 * len(self.thetas)


@dataclass(frozen=True)
class FineTuning:
    """A memory of too low an order for its input, whose A and B are to be trained.

    Attributes
    ----------
    theta : float
        Length of the window, and the delay in the data (seconds).
    d : int
        Order of the memory.
    bandwidth : float
        The highest frequency of the input (hertz).
    seed : int
    epochs : int
    """

    theta: float = 0.1
    d: int = 4
    bandwidth: float = 15.0
    seed: int = 0
    epochs: int = 20

    @property
    def cost(self):
        """(float) How long it takes, in arbitrary units."""
        return self.epochs * 200


STACKS = (StackRecovery((0.05, 0.15, 0.25), 0.1),)


@dataclass(frozen=True)
class TimeScale(Experiment):
    """Let memories learn how long their windows should be.

    With trainable_theta=True, NengoDL trains how many times shorter than at first a
    window is, one scalar a layer. The window of one layer, too long or too short at
    first, is to become that of the delay in the data: without neurons, and in
    Poisson neurons through their rates. Then those of three layers, all alike at
    first, are to become those of a teacher of the same kernels, from what its last
    layer says. At last, A and B themselves are trained, for an input that is too
    fast for the order of the memory.

    Tables go to the screen; the record (train-time-scale.json), a figure
    (train-time-scale.png) and a record of each training to a folder. When it was
    interrupted, the same command continues where it was.
    """

    name = "train time-scale"
    keeps = "records and figure"
    processes = "here"
    resumes = True
    names = {"start": "--starts"}

    starts: tuple = option(
        (4.0, 0.25),
        positive_number,
        "windows to begin with, relative to the true one",
        "X",
    )
    seeds: int = option(3, number_of_runs, "trainings of each")
    n_neurons: int = option(
        300, whole_number(0), "of the spiking memory; 0 for none", "M"
    )
    epochs: int = option(Recovery.epochs, whole_number(1), "for one layer")

    def measure(self, run):
        """Train all.

        Returns
        -------
        measured : dict
            ``recovery``, ``stack`` and ``fine_tuning``, each a list of dict with
            ``setting`` and ``results``, one for each seed.
        """

        def trained(function, settings, description):
            results = run.sweep_seeds(
                function,
                settings,
                self.seeds,
                description=description,
            )
            return [
                {"setting": asdict(setting), "results": of_seeds}
                for setting, of_seeds in results.items()
            ]

        sizes = [0, self.n_neurons] if self.n_neurons else [0]
        recoveries = [
            Recovery(start, m, epochs=self.epochs)
            for m in sizes
            for start in self.starts
        ]
        return {
            "recovery": trained(recover, recoveries, "one layer"),
            "stack": trained(recover_stack, STACKS, "several layers"),
            "fine_tuning": trained(fine_tune, [FineTuning()], "A and B"),
        }

    def table(self, record):
        """Return the windows that were learned, and what A and B became."""
        from nengo_lmu.experiments.time_scale import report

        return (
            f"{report.title(record)}\n\n{report.window_table(record)}\n\n"
            "A and B trained: mean squared error of the delay, relative to the input\n"
            f"\n{report.matrix_table(record)}"
        )

    figure = shown_by("experiments.time_scale.report.draw_time_scale")


def noise(n, n_steps, bandwidth, seed):
    """Return sequences of band-limited white noise that start at 0.

    Parameters
    ----------
    n, n_steps : int
    bandwidth : float
        The highest frequency (hertz).
    seed : int

    Returns
    -------
    u : (n, n_steps, 1) ndarray
    """
    rng = np.random.RandomState(seed)
    process = nengo.processes.WhiteSignal(10.0, high=bandwidth, rms=RMS, y0=0)
    return np.stack([process.run_steps(n_steps, dt=DT, rng=rng) for _ in range(n)])


def delayed(u, theta):
    """Return sequences as they were ``theta`` seconds ago, 0 before their start."""
    steps = int(round(theta / DT))
    y = np.zeros_like(u)
    y[:, steps:] = u[:, :-steps]
    return y


def recover(setting):
    """Train the window of a memory on a delay.

    The readout is that of the window's end, and stays. The input holds no frequency
    above a tenth of a wave in the delay: the loss is then smaller the nearer the window
    comes to it, from up to six times as far.

    Parameters
    ----------
    setting : Recovery

    Returns
    -------
    result : dict
        ``theta`` (seconds) and ``loss`` after each epoch, and ``seconds`` of training.
    """
    n_steps = int(round(6 * setting.theta / DT))
    u = noise(_N_SEQUENCES, n_steps, 0.1 / setting.theta, setting.seed)
    with _network(setting.seed) as network:
        stimulus = nengo.Node([0.0])
        lmu = LMU(
            setting.start * setting.theta,
            setting.d,
            n_neurons=setting.n_neurons,
            dt=DT,
            trainable_theta=True,
        )
        nengo.Connection(stimulus, lmu.input, synapse=None)
        probe = nengo.Probe(lmu.memory.add_window(1.0))
    data = {stimulus: u}, {probe: delayed(u, setting.theta)}
    history = _train(network, data, setting, 0.1, [lmu])
    history["theta"] = [thetas[0] for thetas in history["theta"]]
    return history


def recover_stack(setting):
    """Train the windows of several layers, of which only the last is told its errors.

    Parameters
    ----------
    setting : StackRecovery

    Returns
    -------
    result : dict
        ``theta`` (seconds, of all layers) and ``loss`` after each epoch, and
        ``seconds`` of training.
    """
    longest = max(setting.thetas)
    n_steps = int(round(3 * longest / DT))
    u = noise(_N_SEQUENCES, n_steps, 0.25 / longest, setting.seed)
    network, stimulus, probe, _ = stack_of_layers(setting, setting.thetas)
    with _simulator(network) as sim:
        y = sim.predict({stimulus: u}, verbose=0)[probe]
    network, stimulus, probe, lmus = stack_of_layers(
        setting, [setting.start] * len(setting.thetas)
    )
    data = {stimulus: u}, {probe: y}
    return _train(network, data, setting, 0.05, lmus)


def stack_of_layers(setting, thetas):
    """Make a network of layers whose windows are all that can be trained."""
    rng = np.random.RandomState(setting.seed)
    with _network(setting.seed) as network:
        stimulus = before = nengo.Node([0.0])
        lmus = []
        for theta in thetas:
            n = before.size_out
            lmu = LMU(
                theta,
                setting.d,
                size_in=n,
                units=setting.units,
                n_neurons=0,
                dt=DT,
                trainable_theta=True,
                input_encoders=rng.standard_normal((1, n)) / np.sqrt(n * RMS**2),
                coupling="feed-forward",
                memory_kernel=rng.standard_normal((setting.units, setting.d)),
            )
            for connection in lmu.connections:
                lmu.config[connection].trainable = False
            nengo.Connection(before, lmu.input, synapse=None)
            before = lmu.output
            lmus.append(lmu)
        probe = nengo.Probe(before)
    return network, stimulus, probe, lmus


def fine_tune(setting):
    """Train A and B of a memory on a delay, and run it in the reference simulator.

    Parameters
    ----------
    setting : FineTuning

    Returns
    -------
    result : dict
        ``before`` and ``after``: mean squared errors of the delay, of sequences that
        were not trained on, relative to their power; ``loss`` after each epoch;
        ``difference``: the largest one between what NengoDL and `nengo.Simulator` say
        after training; ``seconds`` of training.
    """
    n_steps = int(round(6 * setting.theta / DT))
    u = noise(2 * _N_SEQUENCES, n_steps, setting.bandwidth, setting.seed)
    y = delayed(u, setting.theta)
    with _network(setting.seed) as network:
        stimulus = nengo.Node([0.0])
        lmu = LMU(setting.theta, setting.d, n_neurons=0, dt=DT)
        lmu.memory.config[nengo.Connection].trainable = True
        nengo.Connection(stimulus, lmu.input, synapse=None)
        # The readout is outside of the memory, so that it stays.
        output = nengo.Node(size_in=1)
        D = lmu.memory.decode(1.0)
        nengo.Connection(lmu.output, output, transform=D, synapse=None)
        probe = nengo.Probe(output)

    def error():
        with _simulator(network) as sim:
            outputs = sim.predict({stimulus: u[_N_SEQUENCES:]}, verbose=0)[probe]
        return outputs, float(
            np.mean((outputs - y[_N_SEQUENCES:]) ** 2) / np.mean(u**2)
        )

    _, before = error()
    data = {stimulus: u[:_N_SEQUENCES]}, {probe: y[:_N_SEQUENCES]}
    history = _train(network, data, setting, 1e-3)
    outputs, after = error()
    stimulus.output = nengo.processes.PresentInput(u[_N_SEQUENCES], DT)
    with nengo.Simulator(network, dt=DT, progress_bar=False) as sim:
        sim.run_steps(n_steps)
    return {
        "before": before,
        "after": after,
        "loss": history["loss"],
        "difference": float(np.abs(sim.data[probe] - outputs[0]).max()),
        "seconds": history["seconds"],
    }


def _network(seed):
    """Return a network of which nothing is trained but what is asked for."""
    import nengo_dl

    network = nengo.Network(seed=seed)
    with network:
        nengo_dl.configure_settings(trainable=None, stateful=False, learning_phase=True)
    network.config[nengo.Connection].trainable = False
    return network


def _simulator(network):
    import nengo_dl

    return nengo_dl.Simulator(
        network, dt=DT, minibatch_size=_MINIBATCH, progress_bar=False, seed=0
    )


def _train(network, data, setting, rate, lmus=()):
    """Train a network, freeze what it learned, and return how it went."""
    import tensorflow as tf

    from nengo_lmu.dl.training import fit

    # The gradient of a window's scalar shrinks by orders of magnitude on its way. An
    # optimizer that soon forgets how large it was (beta_2) makes steps of a like size
    # throughout.
    steps = setting.epochs * _N_SEQUENCES // _MINIBATCH
    optimizer = tf.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(rate, steps), beta_2=0.9
    )

    def theta_of(lmu):
        sim.freeze_params(network)
        return lmu.theta

    names = [f"theta {i}" for i in range(len(lmus))]
    with _simulator(network) as sim:
        sim.compile(optimizer=optimizer, loss=tf.losses.MeanSquaredError())
        history = fit(
            sim,
            *data,
            epochs=setting.epochs,
            seed=setting.seed,
            watch={name: partial(theta_of, lmu) for name, lmu in zip(names, lmus)},
            show_progress=False,
        )
        sim.freeze_params(network)
    return {
        "theta": np.transpose([history[name] for name in names]).tolist(),
        "loss": history["loss"],
        "seconds": sum(history["seconds"]),
    }
