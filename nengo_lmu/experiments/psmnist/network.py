"""Permuted sequential MNIST: the network, whichever way it is trained.

A digit's 784 pixels are presented one after another, in a fixed random order, and its
class is read at the end ([1]_, section 3.2).

References
----------
.. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.
"""

from dataclasses import dataclass
from typing import ClassVar

import nengo
import numpy as np

from nengo_lmu.experiments.classifier.presentation import Presenter, Timing
from nengo_lmu.networks import LMU, XavierNormal
from nengo_lmu.tasks.mnist import N_CLASSES, N_PIXELS, load_mnist

# which of the cell's connections there are, beside those through the memory
COUPLINGS = {
    # all of the paper's; W_x, W_h, e_h and e_m are learned from 0
    "full": {
        "input_kernel": 0,
        "hidden_kernel": 0,
        "hidden_encoders": 0,
        "memory_encoders": 0,
    },
    # nothing reaches the memory but the pixels
    "recurrent": {
        "input_kernel": 0,
        "hidden_kernel": 0,
        "hidden_encoders": None,
        "memory_encoders": None,
    },
    # hidden units see the memory alone
    "feed-forward": {"coupling": "feed-forward"},
}

HIDDEN = {"tanh": nengo.Tanh(tau_ref=1), "rectified": nengo.RectifiedLinear()}


@dataclass(frozen=True)
class Settings(Timing):
    """Settings of the network; by default those of the paper.

    Attributes
    ----------
    coupling : str
        Of `COUPLINGS`.
    d : int
        Order of the memory.
    units : int
        Hidden units.
    hidden : str
        Their nonlinearity, of `HIDDEN`.
    hidden_bias : bool
        Whether hidden units have a bias.
    steps_per_pixel : int
        How long each pixel is presented (time steps).
    dt : float
        Time step (seconds).
    seed : int
        Of the weights and of the split.
    """

    coupling: str = "full"
    d: int = 256
    units: int = 212
    hidden: str = "tanh"
    hidden_bias: bool = False
    steps_per_pixel: int = 1
    dt: float = 0.001
    seed: int = 0

    n_pixels: ClassVar[int] = N_PIXELS


class Classifier(Presenter):
    """The network.

    Parameters
    ----------
    settings : Settings

    Attributes
    ----------
    network : nengo.Network
        For any simulator.
    stimulus : nengo.Node
        The pixel that is presented.
    lmu : nengo_lmu.LMU
    readout, bias : nengo.Connection
        Weights and biases of the class scores.
    scores : nengo.Probe
        Of the ten classes; what counts is their value in the last step.
    """

    def __init__(self, settings):
        self.settings = s = settings
        rng = np.random.RandomState(s.seed)
        with nengo.Network(seed=s.seed, label="psMNIST") as self.network:
            self.stimulus = nengo.Node([0.0], label="pixel")
            self.lmu = LMU(
                s.theta,
                s.d,
                units=s.units,
                n_neurons=0,
                dt=s.dt,
                hidden_neuron_type=HIDDEN[s.hidden],
                input_encoders=1.0,
                hidden_bias=0 if s.hidden_bias else None,
                seed=s.seed,
                **COUPLINGS[s.coupling],
            )
            nengo.Connection(self.stimulus, self.lmu.input, synapse=None)
            scores = nengo.Node(size_in=N_CLASSES, label="class scores")
            self.readout = nengo.Connection(
                self.lmu.output,
                scores,
                transform=XavierNormal().sample(N_CLASSES, s.units, rng=rng),
                synapse=None,
            )
            one = nengo.Node([1.0], label="one")
            self.bias = nengo.Connection(
                one, scores, transform=np.zeros((N_CLASSES, 1)), synapse=None
            )
            self.scores = nengo.Probe(scores, label="scores")

    @property
    def parameters(self):
        """(dict of nengo.Connection) What is trained, by name."""
        lmu = self.lmu
        named = {
            # other couplings are trained with pixels as they are
            "input_encoders": lmu.input_encoders
            if self.settings.coupling == "full"
            else None,
            "input_kernel": lmu.input_kernel,
            "hidden_kernel": lmu.hidden_kernel,
            "memory_kernel": lmu.memory_kernel,
            "hidden_encoders": lmu.hidden_encoders,
            "memory_encoders": lmu.memory_encoders,
            "hidden_bias": lmu.hidden_bias,
            "readout": self.readout,
            "bias": self.bias,
        }
        return {name: conn for name, conn in named.items() if conn is not None}

    def configure_training(self):
        """Set up NengoDL to keep the last step of a digit, and nothing between two."""
        import nengo_dl

        with self.network:
            nengo_dl.configure_settings(stateful=False, keep_history=False)


def load(path=None, seed=0):
    """Load MNIST, by `nengo_lmu.tasks.mnist.load_mnist`.

    Keras downloads it. Which Keras there is, NengoDL has to have a say in, so it is
    imported first.
    """
    import nengo_dl  # noqa: F401

    return load_mnist(path, seed)
