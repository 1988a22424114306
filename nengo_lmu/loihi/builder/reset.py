"""The reset of a memory on the chip, which the host makes.

The chip cannot multiply a state by ``1 - r``, and what is in the current of its neurons
fades as slowly as the memory's synapse does. But it takes more into that current, and
the host knows the state ``y`` that the spikes and the input add up to. While the reset
``r`` is above 0 the host sends ``-K r y`` through the memory's synapse, besides what
arrives there anyway:

    y[t+1] = A_x y[t] - r[t-1] y[t-1] / N,        N = 1 / (K (1 - a))

in the coordinates of the neurons. For ``r = 1`` the state is gone to a part in ``e``
within about ``N - 2`` steps. A step of delay is stable for any ``N`` above 1, but
overshoots below 4. What spikes of four digits cannot say is made up for in later steps
(`nengo_lmu.loihi.builder.input_code`).

The host adds the same to its own state, as late as the chip has it. Left is what the
host does not know of, the difference between its state and the current in the chip's
whole numbers, which only the memory's synapse forgets.
"""

import warnings
from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu.networks.arguments import nengos_defaults
from nengo_lmu.networks.objects import InputNode

# This is ``N`` (time steps).
_STEPS = 8

# States up to this, relative to the neurons' range, are taken back at that rate. Larger
# ones go as a straight line. More would make the spikes' digits coarser.
_LARGEST = 2.0

# A reset has to be held so long (time steps), as docs/explanation/time.rst says: for
# states of several times the range, whose last part fades by e^-5 and more.
HOLD = 10 * _STEPS


@dataclass
class Brake:
    """The function of a node that takes a state back, and tells of resets too short.

    Attributes
    ----------
    name : str
        Of the reset.
    gain : float
        ``K``.
    held : float
        The sum of the reset over the steps since it was 0.
    told : bool
        Whether it has told of one.
    """

    name: str
    gain: float
    held: float = 0.0
    has_warned: bool = False

    def __call__(self, t, x):
        """Return what to send for a reset and a state."""
        reset, state = x[0], x[1:]
        if reset > 0:
            self.held += reset
        elif self.held > 0:
            # what rounding takes from a sum of numbers such as 0.1 is no step
            if self.held < HOLD - 0.5 and not self.has_warned:
                self._tell(t)
            self.held = 0.0
        largest = self.gain * _LARGEST
        return np.clip(-self.gain * reset * state, -largest, largest)

    def _tell(self, t):
        self.has_warned = True
        warnings.warn(
            f"{self.name} was held for {self.held:.3g} time steps until t = {t:g} s, "
            f"which leaves a part of the state on the chip; hold it for {HOLD} (or, at "
            f"a value of r, for {HOLD} / r) at least",
            stacklevel=2,
        )


def reset_from_host(memory, dt):
    """Put a reset that the host makes in the place of the one of the memory.

    Parameters
    ----------
    memory : LegendreMemory
        With a reset, while it is `redesigned`, which takes all of this back.
    dt : float
        Time step (seconds).
    """
    parts = memory.parts
    (drive,) = [
        connection
        for connection in memory.connections
        if connection.pre_obj is memory.input and connection.post_obj is parts.entry
    ]
    memory.take_out(parts.clearing)
    memory.connections.remove(drive)
    gain = 1 / (_STEPS * -np.expm1(-dt / memory.synapse.tau))
    brake = Brake(f"{memory.input.owner}.reset", gain)
    largest = gain * _LARGEST
    with memory, nengos_defaults():
        nengo.Connection(parts.arriving, parts.state, synapse=memory.synapse)
        let_in = _sent(memory, memory.input, _let_in, memory.input.radius, "input")
        nengo.Connection(
            let_in, parts.entry, transform=drive.transform, synapse=drive.synapse
        )
        taken = _sent(memory, parts.state, brake, largest, "what the reset takes")
        nengo.Connection(taken, parts.arriving, synapse=None)


def _let_in(t, x):
    """Return the input, unless there is a reset."""
    return (1 - x[0]) * x[1:]


def _sent(memory, signal, function, radius, label):
    """Return the node by which the host sends a function of the reset and a signal."""
    size = signal.size_out
    node = nengo.Node(function, size_in=1 + size, size_out=size)
    nengo.Connection(memory.reset, node[0], synapse=None)
    nengo.Connection(signal, node[1:], synapse=None)
    sent = InputNode(size, memory.dt, radius, label, memory.input.owner)
    nengo.Connection(node, sent, synapse=None)
    return sent
