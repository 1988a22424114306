"""Nengo objects with a meaning of their own to some backend, and how Nengo builds them.

`GuardedNode` is where a signal gets to a memory. What the memory cannot work with, such
as NaN, ends the simulation there, since it would stay in the state for ever.

`InputNode` is where a signal enters the memory from outside. To Nengo and NengoDL it is
a passthrough; to NengoLoihi it is the last stop on the host, because it is not one of
the passthrough nodes that it merges away.

`Gate` is the product of a signal and a number.

`BiasConnection` is a constant that is added to the input of neurons.
"""

import nengo
import numpy as np
from nengo.builder import Builder
from nengo.builder.operator import ElementwiseInc, Reset, SimPyFunc
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_lmu.networks.backends import is_reference, takes_known_operators_only
from nengo_lmu.networks.operators import Guard


class Identity(nengo.Process):
    """Pass the input on in the same step; for backends without a builder of ours."""

    def __init__(self, size):
        super().__init__(default_size_in=size, default_size_out=size)

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the step function of the process."""

        def step_identity(t, x):
            return x

        return step_identity


class GuardedNode(nengo.Node):
    """A passthrough for finite values, in a range if there is one.

    Parameters
    ----------
    size : int
        Dimensions of the signal.
    label : str
    owner : str
        Whose node it is, for messages.
    low, high : float
        The range.
    on_host : bool
        Whether it stays on the host, whatever is at its ends.
    needed : bool
        Whether it is an error that nothing is connected to it.
    """

    def __init__(
        self,
        size,
        label,
        owner,
        low=-np.inf,
        high=np.inf,
        on_host=True,
        needed=False,
    ):
        output = Identity(size) if on_host else None
        super().__init__(output, size_in=size, label=label)
        self.owner = owner
        self.low = low
        self.high = high
        self.needed = needed

    def __setattr__(self, name, value):
        # nengo warns of attributes that it does not know
        if name in ("owner", "low", "high", "needed", "expected_dt", "radius"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


class InputNode(GuardedNode):
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
    label, owner : str
        As for `GuardedNode`.
    """

    def __init__(self, size, dt, radius, label, owner):
        super().__init__(size, label, owner)
        self.expected_dt = dt
        self.radius = radius


@Builder.register(GuardedNode)
def build_guarded_node(model, node):
    """Build a `GuardedNode` as a passthrough that checks what it passes on.

    NengoDL does not stop in the middle of a run. There, what is out of range becomes
    NaN, and what is not finite is left as it is. NengoOCL calls a function on the host
    for what it has no operator for, so that only what has a range is checked there.
    """
    network = model.toplevel
    if node.needed and network is not None:
        if not any(
            connection.post_obj is node for connection in network.all_connections
        ):
            raise BuildError(
                f"{node.owner}.{node.label}: nothing is connected to it, so that its "
                "value would be 0; connect a node, such as nengo.Node([1.0])"
            )
    arriving = Signal(shape=node.size_in, name=f"{node}.in")
    model.add_op(Reset(arriving))
    passed = arriving
    nengos_own = is_reference(model)
    if nengos_own or np.isfinite([node.low, node.high]).any():
        passed = Signal(shape=node.size_in, name=f"{node}.out")
        name = f"{node.owner}.{node.label}"
        time = model.time if nengos_own else None
        guard = Guard(arriving, passed, time, name, node.low, node.high)
        if takes_known_operators_only(model):
            model.add_op(SimPyFunc(passed, guard.make_check(), model.time, arriving))
        else:
            model.add_op(guard)
    model.sig[node]["in"] = arriving
    model.sig[node]["out"] = passed
    model.params[node] = None


@Builder.register(InputNode)
def build_input_node(model, node):
    """Build an `InputNode` as a `GuardedNode`, after checking the time step."""
    if not np.isclose(model.dt, node.expected_dt, rtol=1e-6, atol=0):
        raise BuildError(
            f"{node}: the memory was made for dt={node.expected_dt:g} s, but the "
            f"simulator's dt is {model.dt:g} s; make the network with "
            f"dt={model.dt:g}, or the simulator with dt={node.expected_dt:g}"
        )
    build_guarded_node(model, node)


class Product(nengo.Process):
    """Multiply by the first dimension; for backends without a builder of ours."""

    def __init__(self, size):
        super().__init__(default_size_in=1 + size, default_size_out=size)

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the step function of the process."""

        def step_product(t, x):
            return x[0] * x[1:]

        return step_product


class Gate(nengo.Node):
    """A signal times a number, which is the first dimension of what arrives.

    Parameters
    ----------
    size : int
        Dimensions of the signal.
    label : str
    """

    def __init__(self, size, label):
        super().__init__(Product(size), size_in=1 + size, label=label)


@Builder.register(Gate)
def build_gate(model, node):
    """Build a `Gate` of an operator that NengoDL can batch and differentiate."""
    arriving = Signal(shape=node.size_in, name=f"{node}.in")
    product = Signal(shape=node.size_out, name=f"{node}.out")
    model.add_op(Reset(arriving))
    model.add_op(Reset(product))
    model.add_op(ElementwiseInc(arriving[:1], arriving[1:], product, tag=f"{node}"))
    model.sig[node]["in"] = arriving
    model.sig[node]["out"] = product
    model.params[node] = None


class BiasConnection(nengo.Connection):
    """A constant input to neurons.

    Its ``pre`` is a node with a constant output. NengoLoihi adds it to the bias of the
    neurons instead of sending it as spikes.
    """
