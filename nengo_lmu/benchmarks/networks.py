"""Networks that classify digits, pixel by pixel, to compare how long they take.

Ours, as psMNIST is trained, and the one that NengoDL's documentation has.
"""

from dataclasses import dataclass
from typing import NamedTuple

import nengo
import numpy as np

from nengo_lmu.experiments.psmnist.network import Classifier, Settings
from nengo_lmu.legendre import discretize, state_space
from nengo_lmu.tasks.mnist import N_CLASSES, N_PIXELS


@dataclass(frozen=True)
class Sizes:
    """How large all networks are.

    Attributes
    ----------
    d : int
        Order of the memory.
    units : int
        Hidden units.
    n_steps : int
        Pixels of a digit, and time steps of the window.
    digits : int
        In an epoch, which training without time takes in one piece.
    """

    d: int = 256
    units: int = 212
    n_steps: int = N_PIXELS
    digits: int = 60_000

    @property
    def parameters(self):
        """(int) Numbers in ``e_x``, ``W_x``, ``W_h``, ``W_m`` and the readout."""
        cell = 1 + self.units * (1 + self.units + self.d)
        return cell + (self.units + 1) * N_CLASSES

    @property
    def lstm_units(self):
        """(int) Units of an LSTM that has, with its readout, about as many parameters.

        ``n`` units have ``4 n (n + 2)`` of them, and the readout ``10 n + 10``.
        """
        b = 8 + N_CLASSES
        root = np.sqrt(b**2 + 16 * (self.parameters - N_CLASSES))
        return max(1, int(round((root - b) / 8)))


class Model(NamedTuple):
    """A network that classifies digits.

    Attributes
    ----------
    network : nengo.Network
    stimulus : nengo.Node
    scores : nengo.Probe
    kernels : dict of nengo.Connection
        What is trained, if it matters, by the names of
        `nengo_lmu.experiments.psmnist.network.Classifier.parameters`.
    """

    network: nengo.Network
    stimulus: nengo.Node
    scores: nengo.Probe
    kernels: dict = {}


@dataclass(frozen=True)
class _AnyLength(Settings):
    """Settings of our network, for digits of any number of pixels."""

    n_pixels: int = N_PIXELS

    @property
    def n_steps(self):
        return self.n_pixels


def ours(sizes, coupling, planner=None, last=None):
    """Make our network, as psMNIST is trained.

    Parameters
    ----------
    sizes : Sizes
    coupling : str
        Of `nengo_lmu.experiments.psmnist.network.COUPLINGS`.
    planner : str, optional
        Of `nengo_lmu.dl.fast`; by default that of networks with a Legendre memory.
    last : int, optional
        Over how many of the last steps hidden units are followed; by default all.

    Returns
    -------
    classifier : nengo_lmu.experiments.psmnist.network.Classifier
    """
    classifier = Classifier(
        _AnyLength(
            coupling=coupling, d=sizes.d, units=sizes.units, n_pixels=sizes.n_steps
        )
    )
    classifier.configure_training()
    _plan(classifier.network, planner)
    if last is not None:
        import nengo_dl

        from nengo_lmu.dl.fast import LastSteps

        with classifier.network:
            nengo_dl.configure_settings(planner=LastSteps(last))
    return classifier


def example(sizes, planner=None):
    """Make the network of NengoDL's documentation, of plain Nengo objects [1]_.

    ``u = e_x x`` and ``h = tanh(W_x x + W_h h + W_m m)``, where the memory's matrices
    are those of a connection each and nothing but ``u`` reaches it.

    Parameters
    ----------
    sizes : Sizes
    planner : str, optional
        Of `nengo_lmu.dl.fast`; by default NengoDL's own.

    Returns
    -------
    model : Model

    References
    ----------
    .. [1] https://www.nengo.ai/nengo-dl/examples/lmu.html
    """
    import nengo_dl
    import tensorflow as tf

    A_bar, B_bar = discretize(*state_space(float(sizes.n_steps), sizes.d), 1.0)
    kernel = nengo_dl.dists.Glorot(distribution="normal")
    with nengo.Network(seed=0, label="NengoDL's example") as network:
        nengo_dl.configure_settings(trainable=None)
        stimulus = nengo.Node([0.0])
        x, u, m = (nengo.Node(size_in=size) for size in (1, 1, sizes.d))
        h = nengo_dl.TensorNode(tf.tanh, shape_in=(sizes.units,), pass_time=False)
        scores = nengo.Node(size_in=N_CLASSES)
        # With synapse=0 a value is of the step before, with None of the same step.
        fixed = [
            nengo.Connection(stimulus, x, synapse=None),
            nengo.Connection(m, m, transform=A_bar, synapse=0),
            nengo.Connection(u, m, transform=B_bar, synapse=None),
        ]
        for connection in fixed:
            network.config[connection].trainable = False
        kernels = {
            "input_encoders": nengo.Connection(x, u, transform=[[1.0]], synapse=None),
            "input_kernel": nengo.Connection(x, h, transform=kernel, synapse=None),
            "hidden_kernel": nengo.Connection(h, h, transform=kernel, synapse=0),
            "memory_kernel": nengo.Connection(m, h, transform=kernel, synapse=None),
            "readout": nengo.Connection(
                h, scores, transform=nengo_dl.dists.Glorot(), synapse=None
            ),
        }
        probe = nengo.Probe(scores)
    _plan(network, planner)
    return Model(network, stimulus, probe, kernels)


def _plan(network, planner):
    import nengo_dl

    from nengo_lmu.dl import fast

    if planner is not None:
        with network:
            nengo_dl.configure_settings(planner=getattr(fast, planner))
