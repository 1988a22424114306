"""Nengo objects with a meaning of their own to some backend, and how Nengo builds them.

`InputNode` is where a signal enters the memory from outside. To Nengo and NengoDL it is
a passthrough; to NengoLoihi it is the last stop on the host, because it is not one of
the passthrough nodes that it merges away.

`BiasConnection` is a constant that is added to the input of neurons.
"""

import nengo
import numpy as np
from nengo.builder import Builder
from nengo.builder.operator import Reset
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError


class Identity(nengo.Process):
    """Pass the input on in the same step; for backends without a builder of ours."""

    def __init__(self, size):
        super().__init__(default_size_in=size, default_size_out=size)

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the step function of the process."""

        def step_identity(t, x):
            return x

        return step_identity


class InputNode(nengo.Node):
    """Where a signal enters from outside; a passthrough that knows what to expect.

    Parameters
    ----------
    size : int
        Dimensions of the signal.
    dt : float
        Time step that the network was made for (seconds). Building it with another one
        raises a BuildError.
    radius : float
        The largest absolute value that the signal is expected to take. Backends that
        send it as spikes scale it by this.
    label : str
    """

    def __init__(self, size, dt, radius, label):
        super().__init__(Identity(size), size_in=size, size_out=size, label=label)
        self.expected_dt = dt
        self.radius = radius

    def __setattr__(self, name, value):
        # nengo warns of attributes that it does not know
        if name in ("expected_dt", "radius"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


@Builder.register(InputNode)
def build_input_node(model, node):
    """Build an `InputNode` as a passthrough, after checking the time step."""
    if not np.isclose(model.dt, node.expected_dt, rtol=1e-6, atol=0):
        raise BuildError(
            f"{node}: the memory was made for dt={node.expected_dt:g} s, but the "
            f"simulator's dt is {model.dt:g} s; make the network with "
            f"dt={model.dt:g}, or the simulator with dt={node.expected_dt:g}"
        )
    signal = Signal(shape=node.size_in, name=f"{node}.in")
    model.add_op(Reset(signal))
    model.sig[node]["in"] = signal
    model.sig[node]["out"] = signal
    model.params[node] = None


class BiasConnection(nengo.Connection):
    """A constant input to neurons.

    Its ``pre`` is a node with a constant output. NengoLoihi adds it to the bias of the
    neurons instead of sending it as spikes.
    """
