"""Products with a population's sparse matrices, in time proportional to the neurons.

The neurons of a dimension are neighbours and each has one weight, so neither matrix nor
indices are needed. Both operators come to the product with the matrix, but for the
order of the sums.
"""

import numpy as np
from nengo.builder.operator import Operator


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
        # on neurons of the same weight, off neurons of the same weight: as a rule each
        # dimension has two runs, and they can be summed before they are weighted
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
