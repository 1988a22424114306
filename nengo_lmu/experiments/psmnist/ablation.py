"""What A is good for: psMNIST retrained with another number on its diagonal.

The paper adds a little to the diagonal of A_bar and trains again; every network is
worse (Voelker, Kajić & Eliasmith, 2019). Here in a reduced form: nothing feeds back
into the memory and only its last state is read, so that state is a fixed linear map of
the pixels, whatever A_bar is, and training needs no time.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import nengo
import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments import options
from nengo_lmu.experiments.experiment import Experiment, option
from nengo_lmu.legendre.checks import finite_array, one_of, whole
from nengo_lmu.networks import LMU, XavierNormal
from nengo_lmu.series.states import hidden_activity
from nengo_lmu.series.training import compile_arguments

# The paper has these.
DELTAS = (-0.01, -0.001, 0.0, 0.001, 0.01)

DATA = ("mnist", "digits")
DT = 0.001
_N_CLASSES = 10
_MINIBATCH = 100


@dataclass(frozen=True)
class Setting:
    """What one training is of.

    Attributes
    ----------
    delta : float
        Added to the diagonal of A_bar.
    scaled : bool
        Whether each dimension of the state is divided by its standard deviation, as a
        network could learn to do, given time.
    data : {"mnist", "digits"}
        Permuted sequential MNIST, or the 1,797 digits of 8 x 8 pixels, each of which is
        held for 12 steps: 784 and 768 steps.
    path : str or None
        File with MNIST; by default Keras loads it.
    n_train : int
        Digits to train with, at most.
    epochs : int
    seed : int
        Of the weights and the choice of digits.
    """

    delta: float
    scaled: bool = False
    data: str = "mnist"
    path: str | None = None
    n_train: int = 10_000
    epochs: int = 10
    seed: int = 0

    def __post_init__(self):
        finite_array("delta", self.delta, ndim=0)
        one_of("data", self.data, DATA)
        whole("n_train", self.n_train, _MINIBATCH)
        whole("epochs", self.epochs, 1)

    @property
    def d(self):
        """(int) Order of the memory: the paper's, or one for fewer pixels."""
        return {"mnist": 256, "digits": 48}[self.data]

    @property
    def units(self):
        """(int) Hidden units: the paper's."""
        return 212


@dataclass(frozen=True)
class Ablation(Experiment):
    """Train psMNIST again with another number on the diagonal of A_bar.

    The paper perturbs the diagonal by -0.01, -0.001, 0.001 and 0.01, trains again,
    and finds every network worse. Here nothing feeds back into the memory and its
    last state is read, so that a training takes seconds: once with the states as
    they are, once with each dimension scaled to the same size.

    A table goes to the screen; the record (train-ablation.json) and a record of
    each training to a folder. When it was interrupted, the same command continues
    where it was.
    """

    name = "train ablation"
    keeps = "records"
    processes = "here"
    resumes = True
    names = {"path": "--mnist"}

    data: str = option(
        "mnist",
        options.one_of(DATA),
        "mnist, or digits, which come with scikit-learn",
        "DATA",
    )
    mnist: Path | None = option(
        None, options.file, "MNIST as an npz file (default: loaded by Keras)", "FILE"
    )
    digits: int = option(
        Setting.n_train,
        options.whole_number(_MINIBATCH, 60_000),
        "how many to train with, at most; the paper has 50000",
    )
    epochs: int = option(
        Setting.epochs, options.whole_number(1), "of each training; the paper has 10"
    )
    seeds: int = option(3, options.number_of_runs, "trainings of each")

    def __post_init__(self):
        super().__post_init__()
        if self.data == "digits":
            self.refuse_with("--data digits", ("mnist",), "it would not be looked at")

    def measure(self, run):
        """Train all.

        Returns
        -------
        measured : dict
            ``rows``, a list of dict with ``setting``, ``accuracy`` (a dict with
            ``values`` of the seeds, ``mean`` and ``standard_error``), ``radius``,
            ``first`` and ``state``.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError, OSError
            If the data cannot be loaded.
        """
        path = None if self.mnist is None else str(self.mnist)
        settings = [
            Setting(delta, scaled, self.data, path, self.digits, self.epochs)
            for scaled in (False, True)
            for delta in DELTAS
        ]
        _load(settings[0])  # it refuses what is no data before the workers start
        measurements = run.sweep_seeds(
            measure, settings, self.seeds, description="trainings"
        )
        rows = []
        for setting, results in measurements.items():
            values = [result["accuracy"] for result in results]
            rows.append(
                {
                    "setting": asdict(setting),
                    "accuracy": {"values": values, **mean_and_error(values)},
                    **{key: results[0][key] for key in ("radius", "first", "state")},
                }
            )
        return {"rows": rows}

    def table(self, record):
        """Return the accuracy for each perturbation."""
        from nengo_lmu.experiments.psmnist.report import ablation_table

        return (
            "Test accuracy after training with A_bar + delta I, mean and standard "
            f"error over\n{record['settings']['seeds']} seeds. First pixel: how strong "
            "it is in the last state, relative to delta = 0.\n\n"
            f"{ablation_table(record)}"
        )


def perturb(memory, delta):
    """Add a number to the diagonal of A_bar.

    Parameters
    ----------
    memory : nengo_lmu.LegendreMemory
        Ideal, with a fixed theta.
    delta : float

    Returns
    -------
    A_bar : (d, d) ndarray
        The matrix that the memory now has.
    """
    # A step adds A_bar - I times the state of the step before, which is the state
    # through a synapse.
    (recurrent,) = (
        connection
        for connection in memory.connections
        if connection.pre is memory.output
        and connection.post is not memory.output
        and connection.synapse is not None
    )
    changes = recurrent.transform.init + delta * np.eye(memory.d)
    recurrent.transform = changes
    return np.eye(memory.d) + changes


class Classifier:
    """The network, whose memory is perturbed from the beginning.

    Parameters
    ----------
    setting : Setting
    n_steps : int
        Of a digit.

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    stimulus : nengo.Node
    lmu : nengo_lmu.LMU
    readout : nengo.Connection
    scores : nengo.Probe
        Of the ten classes.
    A_bar : (d, d) ndarray
    """

    def __init__(self, setting, n_steps):
        rng = np.random.RandomState(setting.seed)
        with nengo.Network(seed=setting.seed) as self.network:
            self.stimulus = nengo.Node([0.0])
            self.lmu = LMU(
                n_steps * DT,
                setting.d,
                units=setting.units,
                n_neurons=0,
                dt=DT,
                coupling="feed-forward",
                hidden_bias=0,
                seed=setting.seed,
            )
            self.A_bar = perturb(self.lmu.memory, setting.delta)
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            scores = nengo.Node(size_in=_N_CLASSES)
            self.readout = nengo.Connection(
                self.lmu.output,
                scores,
                transform=XavierNormal().sample(_N_CLASSES, setting.units, rng=rng),
                synapse=None,
            )
            self.scores = nengo.Probe(scores)
            self._state = nengo.Probe(self.lmu.memory.output)

    def scores_of(self, m):
        """Return what is read from states of the memory, (n, 10)."""
        h = hidden_activity(self.lmu, m)
        return h @ self.readout.transform.init.T

    def response(self, n_steps):
        """Return the memory's response to an impulse, (n_steps, d)."""
        impulse = np.zeros((n_steps, 1))
        impulse[0] = 1.0
        self.stimulus.output = nengo.processes.PresentInput(impulse, DT)
        with nengo.Simulator(self.network, dt=DT, progress_bar=False) as sim:
            sim.run_steps(n_steps)
        return sim.data[self._state]


def measure(setting):
    """Train a network of a perturbed memory, and test it once.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        ``accuracy`` of the test after the last epoch; ``radius``, the spectral radius
        of the perturbed A_bar; ``first``: how large a state the first pixel leaves at
        the end, relative to that of the same pixel in a memory that is not perturbed;
        ``state``: root mean square of the states that are trained on; and
        ``accuracies`` of training, one an epoch.
    """
    from nengo_lmu.dl import feedforward, set_random_seed

    (train_u, train_y), (test_u, test_y) = _load(setting)
    n_steps = train_u.shape[1]
    classifier = Classifier(setting, n_steps)
    response = classifier.response(n_steps)
    intact = Classifier(replace(setting, delta=0.0), n_steps).response(n_steps)
    train_m, test_m = (u @ response[::-1] for u in (train_u, test_u))
    scale = train_m.std(axis=0) if setting.scaled else np.ones(setting.d)

    set_random_seed(setting.seed)
    history = feedforward.train(
        classifier.lmu,
        classifier.readout,
        train_m / scale,
        train_y,
        validation=None,  # the paper does not choose the epoch
        **compile_arguments(1e-3),
        epochs=setting.epochs,
        seed=setting.seed,
        minibatch_size=_MINIBATCH,
        show_progress=False,
    )
    guesses = classifier.scores_of(test_m / scale).argmax(axis=1)
    size = np.linalg.norm
    return {
        "accuracy": float(np.mean(guesses == test_y)),
        "radius": float(np.abs(np.linalg.eigvals(classifier.A_bar)).max()),
        "first": float(size(response[-1]) / size(intact[-1])),
        "state": float(np.sqrt(np.mean(train_m**2))),
        "accuracies": history["probe_accuracy"],
    }


def _load(setting):
    """Return the input and the labels of digits to train and to test with."""
    if setting.data == "mnist":
        from nengo_lmu.experiments.psmnist import network as psmnist

        data, hold = psmnist.load(setting.path), 1
    else:
        from nengo_lmu.tasks.digits import load_digits

        data, hold = load_digits(), 12
    parts = []
    for split, most in ((data.train, setting.n_train), (data.test, None)):
        order = np.random.RandomState(setting.seed).permutation(len(split))[:most]
        parts.append(
            (np.repeat(split.pixels[order], hold, axis=1), split.labels[order])
        )
    return parts
