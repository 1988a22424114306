"""What memories do in a step of `nengo.Simulator`, besides what Nengo does.

`Encode` and `DecodeInc` are products with a population's sparse matrices, in time
proportional to the neurons. The neurons of a dimension are neighbours and each has one
weight, so neither matrix nor indices are needed. Both come to the product with the
matrix, but for the order of the sums.

`Guard` lets pass what a memory can work with.
"""

import numpy as np
from nengo.builder.operator import Operator
from nengo.exceptions import SimulationError


class Encode(Operator):
    """Set each neuron's input: its bias, and its weight times its dimension's value.

    Parameters
    ----------
    counts : (n_dims,) ndarray of int
        Neurons in each dimension.
    weights : Signal
        Of shape ``(n_neurons,)``.
    bias : Signal or None
        Of shape ``(n_neurons,)``; None for no bias.
    source : Signal
        Of shape ``(n_dims,)``.
    target : Signal
        Of shape ``(n_neurons,)``.
    tag : str, optional
    """

    def __init__(self, counts, weights, bias, source, target, tag=None):
        super().__init__(tag=tag)
        self.counts = counts
        self.sets = [target]
        self.incs = []
        self.reads = [weights, source] + ([] if bias is None else [bias])
        self.updates = []

    @property
    def _descstr(self):
        return f"{self.reads[0]}, {self.reads[1]} -> {self.sets[0]}"

    def make_step(self, signals, dt, rng):
        """Return the step function."""
        # the optimizer replaces signals, so they are looked up as late as this
        target, weights, source, *bias = [signals[s] for s in self.sets + self.reads]
        counts = self.counts

        def step_encode():
            np.multiply(np.repeat(source, counts), weights, out=target)
            for values in bias:
                target[...] += values

        return step_encode


class DecodeInc(Operator):
    """Add the weighted outputs of each dimension's neurons to its value.

    Parameters
    ----------
    counts : (n_dims,) ndarray of int
        Neurons in each dimension, at least one.
    weights : Signal
        Of shape ``(n_neurons,)``.
    source : Signal
        Of shape ``(n_neurons,)``.
    target : Signal
        Of shape ``(n_dims,)``.
    tag : str, optional
    """

    def __init__(self, counts, weights, source, target, tag=None):
        super().__init__(tag=tag)
        self.counts = counts
        self.sets = []
        self.incs = [target]
        self.reads = [weights, source]
        self.updates = []

    @property
    def _descstr(self):
        return f"{self.reads[0]}, {self.reads[1]} -> {self.incs[0]}"

    def make_step(self, signals, dt, rng):
        """Return the step function."""
        target, weights, source = [signals[s] for s in self.incs + self.reads]
        starts = np.cumsum(self.counts) - self.counts
        # On neurons have the same weight, and so have off neurons: as a rule each
        # dimension has two runs, which can be summed before they are weighted.
        new = np.diff(weights, prepend=np.nan) != 0
        new[starts] = True
        runs = np.flatnonzero(new)
        if len(runs) > len(weights) / 2:

            def step_decode():
                target[...] += np.add.reduceat(weights * source, starts)

        else:
            of_runs = weights[runs]
            firsts = np.searchsorted(runs, starts)

            def step_decode():
                sums = np.add.reduceat(source, runs)
                target[...] += np.add.reduceat(of_runs * sums, firsts)

        return step_decode


class Guard(Operator):
    """Pass a signal on, if it is finite and in range; otherwise, end the simulation.

    Parameters
    ----------
    source, target : Signal
        Of shape ``(n,)``.
    time : Signal or None
        To say when it was; None in backends that have another way to step.
    what : str
        The signal's name, for the message.
    low, high : float
        The range. What is beyond it by rounding only is let pass.
    """

    def __init__(self, source, target, time, name, low, high):
        super().__init__(tag=name)
        self.name, self.low, self.high = name, low, high
        self.sets, self.incs, self.updates = [target], [], []
        self.reads = [source] + ([] if time is None else [time])
        self.slack = 1e-6 * (high - low) if np.isfinite(high - low) else 0.0

    @property
    def _descstr(self):
        return f"{self.reads[0]} -> {self.sets[0]}"

    def make_step(self, signals, dt, rng):
        """Return the step function."""
        target, source, time = [signals[s] for s in self.sets + self.reads]
        checked = self.make_check()

        def step_guard():
            target[...] = checked(time, source)

        return step_guard

    def make_check(self):
        """Return a function of the time and of values, which gives those that pass."""
        low, high = self.low - self.slack, self.high + self.slack
        bounded = np.isfinite([low, high]).any()
        isfinite, every = np.isfinite, np.logical_and.reduce

        def checked(time, values):
            finite = every(isfinite(values))
            if not finite or (
                bounded and not every((low <= values) & (values <= high))
            ):
                self._refuse(values, float(time))
            return values

        return checked

    def _refuse(self, values, t):
        finite = np.isfinite(values)
        if not np.all(finite):
            first = np.flatnonzero(~finite)[0]
            where = f"[{first}]" if len(values) > 1 else ""
            raise SimulationError(
                f"{self.name}{where} is {values[first]} at t = {t:g} s, which the "
                "memory would keep for ever; look for it in what is connected to "
                f"{self.name}"
            )
        raise SimulationError(
            f"{self.name} is {values[0]:g} at t = {t:g} s, but must be from "
            f"{self.low:g} to {self.high:g}; give a signal in that range, with "
            f"numpy.clip in the function of a connection if need be"
        )
