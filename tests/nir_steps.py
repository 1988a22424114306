"""NIR's own equations in steps, for graphs that `nengo_lmu.nir.to_nir` wrote.

A simulator of a page, to tell what is in a graph from what a reader makes of it. Each
node is stepped once, in the order of the edges from the input on; what comes around a
loop is of the step before.
"""

import nir
import numpy as np


class Steps:
    """A graph that is stepped.

    Parameters
    ----------
    graph : nir.NIRGraph
    dt : float
        Time step, in the unit of the graph's time constants.
    euler : bool
        Whether leaky integrators are stepped by Euler's method. Otherwise, they are
        solved for inputs that are held.
    subtract : bool
        Whether a spike takes the threshold from the voltage, as a reset at the time of
        the crossing would. Otherwise the voltage is set to ``v_reset`` in that step.
    floor : float
        Where voltages of neurons end below.
    rectify : bool
        Whether integrate-and-fire neurons ignore negative currents, as Nengo's do.
    """

    def __init__(
        self, graph, dt, euler=False, subtract=True, floor=-np.inf, rectify=False
    ):
        self.graph, self.dt = graph, dt
        self.euler, self.subtract, self.floor = euler, subtract, floor
        self.rectify = rectify
        self.order = _from("input", graph.edges)
        sizes = {
            name: int(node.output_type["output"][0])
            for name, node in graph.nodes.items()
        }
        self.values = {name: np.zeros(n) for name, n in sizes.items()}
        # the voltage and, of a CubaLIF, the current
        self.states = {name: np.zeros((2, n)) for name, n in sizes.items()}

    def run(self, u):
        """Return the values of all nodes, each ``(n_steps, size)``."""
        rows = []
        for x in u:
            for name in self.order:
                befores = [a for a, b in self.graph.edges if b == name]
                arriving = sum((self.values[one] for one in befores), 0.0)
                self.values[name] = self._step(
                    self.graph.nodes[name],
                    x if name == "input" else arriving,
                    self.states[name],
                )
            rows.append(dict(self.values))
        return {name: np.array([row[name] for row in rows]) for name in self.values}

    def _step(self, node, x, state):
        if isinstance(node, (nir.Input, nir.Output)):
            return x
        if isinstance(node, nir.Affine):
            return node.weight @ x + node.bias
        if isinstance(node, nir.LI):
            state[0] = self._leak(state[0], node.tau, node.v_leak + node.r * x)
            return state[0].copy()
        if isinstance(node, nir.IF):
            state[0] += self.dt * node.r * (np.maximum(x, 0) if self.rectify else x)
            return self._fire(node, state)
        assert isinstance(node, nir.CubaLIF)
        state[1] = self._leak(state[1], node.tau_syn, node.w_in * x)
        driven = node.v_leak + node.r * state[1]
        state[0] = self._leak(state[0], node.tau_mem, driven)
        return self._fire(node, state)

    def _leak(self, v, tau, target):
        part = self.dt / tau if self.euler else -np.expm1(-self.dt / tau)
        return v + part * (target - v)

    def _fire(self, node, state):
        fires = state[0] > node.v_threshold
        after = state[0] - node.v_threshold if self.subtract else node.v_reset
        state[0] = np.maximum(np.where(fires, after, state[0]), self.floor)
        return fires.astype(float)


def _from(name, edges, seen=()):
    """Return the nodes that a node leads to, in the order of the edges."""
    order = [*seen, name]
    for before, after in edges:
        if before == name and after not in order:
            order = _from(after, edges, order)
    return order
