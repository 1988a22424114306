"""Spiking neurons as their rates in every phase of NengoDL, not in training alone."""

from nengo.builder.neurons import SimNeurons
from nengo_dl.builder import Builder
from nengo_dl.neuron_builders import SimNeuronsBuilder


class Rates(SimNeurons):
    """Neurons that are simulated as NengoDL trains them."""

    def __init__(self, op):
        state = {**op.state, **op.state_extra}
        super().__init__(op.neurons, op.J, op.output, state, tag=op.tag)


@Builder.register(Rates)
class RatesBuilder(SimNeuronsBuilder):
    """Build a group of `Rates` operators."""

    def build_pre(self, signals, config):
        """Look up the signals, for training whatever the phase is."""
        super().build_pre(signals, config._replace(training=True, inference_only=False))


def by_rates(planner):
    """Return a planner with which neurons are simulated by their rates.

    Parameters
    ----------
    planner : callable
        One of NengoDL's planners, or one like them.

    Returns
    -------
    planner : callable
    """

    def plan(operators):
        return [
            tuple(map(Rates, group))
            if all(type(op) is SimNeurons for op in group)
            else group
            for group in planner(operators)
        ]

    return plan
