"""What gets to a memory in NengoDL is finite, or refused before the run.

A run of NengoDL does not stop in the middle. What it gets from outside is known before
it starts, though: arrays that were handed to it, and the values of nodes without input.
So these are checked, where they get to a memory through nothing but sums and products
with matrices. What is computed in the run is not: if it is NaN, so is the memory.
"""

import functools

import numpy as np
from nengo import Node
from nengo.exceptions import SimulationError

from nengo_lmu.networks.objects import GuardedNode


def checked_inputs(generate, applies):
    """Return `nengo_dl.Simulator._generate_inputs` with a check behind it.

    Parameters
    ----------
    generate : callable
    applies : callable
        Whether to check, for a `nengo_dl.Simulator`.
    """

    @functools.wraps(generate)
    def generate_and_check(self, *args, **kwargs):
        inputs = generate(self, *args, **kwargs)
        if applies(self):
            check(self, inputs)
        return inputs

    generate_and_check.is_ours = True
    return generate_and_check


def check(simulator, inputs):
    """Raise an error if a memory would get what is not finite.

    Parameters
    ----------
    simulator : nengo_dl.Simulator
    inputs : dict of {str: array}
        Of shape ``(batch_size, n_steps, size)``, by the names of nodes.

    Raises
    ------
    nengo.exceptions.SimulationError
        With the memory's node, the item of the batch and the time.
    """
    for node in simulator.node_inputs:
        values = inputs[simulator.get_name(node)]
        # A sum is much faster to test, and is not finite if a value is not.
        if not isinstance(values, np.ndarray) or np.isfinite(np.sum(values)):
            continue
        bad = np.argwhere(~np.isfinite(values))
        reached = _reached(node, list(simulator.model.toplevel.all_connections))
        if len(bad) == 0 or reached is None:
            continue
        item, step, dim = bad[0]
        time = (simulator.n_steps + step + 1) * simulator.dt
        raise SimulationError(
            f"{reached.owner}.{reached.label} would get {values[item, step, dim]} at "
            f"t = {time:g} s of item {item}, from dimension {dim} of {node}, and the "
            f"memory would keep it for ever; {len(bad)} of {values.size} values are "
            "not finite: clean the data first"
        )


def _reached(node, connections):
    """Return the first guarded node that a node leads to by what is linear."""
    seen = [node]
    for obj in seen:
        if isinstance(obj, GuardedNode):
            return obj
        for connection in connections:
            post = connection.post_obj
            if connection.pre_obj is not obj or connection.function is not None:
                continue
            linear = isinstance(post, GuardedNode) or (
                isinstance(post, Node) and post.output is None
            )
            if linear and post not in seen:
                seen.append(post)
    return None
