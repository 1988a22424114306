"""Training without time, for memories that nothing feeds back into.

Where neither ``h`` nor ``m`` reaches the input of the memory, nor ``h`` itself, the
state is a fixed linear map of the input, and ``h`` a function of the state at the same
moment. So the trainable part may be trained on states that were computed beforehand, in
a network of one time step, and its weights are those of the network in time.
"""

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam

from nengo_lmu.networks.objects import BiasConnection


class FeedForwardTwin:
    """A network of one time step with the trainable part of a feed-forward LMU.

    Parameters
    ----------
    lmu : nengo_lmu.LMU
        With hidden units, and with ``input_kernel``, ``hidden_kernel``,
        ``hidden_encoders`` and ``memory_encoders`` left out (None).
    readout : nengo.Connection
        From ``lmu.output``, to be trained too.

    Attributes
    ----------
    network : nengo.Network
        For `nengo_dl.Simulator`: compile, fit and ``freeze_params(twin.network)`` as
        ever, then `transfer`.
    input : nengo.Node
        Takes states of the memory, of ``lmu.memory.size_state`` dimensions.
    output : nengo.Probe
        The value of the readout.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the LMU is not feed-forward, has no hidden units, or the readout does not
        come from it.
    """

    def __init__(self, lmu, readout):
        _check(lmu, readout)
        with nengo.Network(seed=0, label="feed-forward twin") as self.network:
            for cls in (nengo.Ensemble, nengo.Connection):
                self.network.config[cls].set_param(
                    "trainable", BoolParam("trainable", default=False)
                )
            self.input = nengo.Node(np.zeros(lmu.memory.size_state))
            hidden = nengo.Ensemble(
                lmu.units,
                1,
                neuron_type=lmu.hidden.neuron_type,
                encoders=lmu.hidden.encoders,
                normalize_encoders=False,
                gain=lmu.hidden.gain,
                bias=lmu.hidden.bias,
            )
            activity = nengo.Node(size_in=lmu.units)
            nengo.Connection(
                hidden.neurons, activity, transform=1 / lmu.unit, synapse=None
            )
            target = nengo.Node(size_in=readout.size_out)
            self.output = nengo.Probe(target)
            self._pairs = [
                (lmu.memory_kernel, self._copy(lmu.memory_kernel, self.input, hidden)),
                (readout, self._copy(readout, activity, target)),
            ]
            if lmu.hidden_bias is not None:
                one = nengo.Node([1.0])
                self._pairs.append(
                    (lmu.hidden_bias, self._copy(lmu.hidden_bias, one, hidden))
                )

    def _copy(self, conn, pre, post):
        post = post.neurons if isinstance(post, nengo.Ensemble) else post
        copy = nengo.Connection(pre, post, transform=conn.transform, synapse=None)
        self.network.config[copy].trainable = True
        return copy

    def transfer(self):
        """Store the frozen parameters of the twin in the LMU and its readout."""
        for original, copy in self._pairs:
            original.transform = copy.transform


def _check(lmu, readout):
    if lmu.hidden is None or lmu.memory_kernel is None:
        raise ValidationError(
            "has no hidden units that read its memory; make it with units > 0 and a "
            "memory_kernel",
            attr="lmu",
            obj=lmu,
        )
    for name in ("input_kernel", "hidden_kernel", "hidden_encoders", "memory_encoders"):
        if getattr(lmu, name) is not None:
            raise ValidationError(
                f"is not feed-forward: it has {name}; make it with {name}=None, or "
                "train it in time with nengo_dl.Simulator.fit",
                attr="lmu",
                obj=lmu,
            )
    if readout.pre_obj is not lmu.output or isinstance(readout, BiasConnection):
        raise ValidationError(
            f"must be a connection from lmu.output, but {readout} is not",
            attr="readout",
            obj=lmu,
        )
