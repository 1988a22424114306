"""Spiking neurons as their rates in every phase of NengoDL, not in training alone."""

from nengo.builder.neurons import SimNeurons
from nengo_dl.builder import Builder
from nengo_dl.neuron_builders import SimNeuronsBuilder


class Rates(SimNeurons):
    """Neurons that are simulated as NengoDL trains them."""

    def __init__(self, op):
        state = {**op.state, **op.state_extra}
        super().__init__(op.neurons, op.J, op.output, state, tag=op.tag)

    @classmethod
    def replaces(cls, op):
        """Is this an operator for which this one can stand?"""
        return type(op) is SimNeurons


@Builder.register(Rates)
class RatesBuilder(SimNeuronsBuilder):
    """Build a group of `Rates` operators."""

    def build_pre(self, signals, config):
        """Look up the signals, for training whatever the phase is."""
        super().build_pre(signals, config._replace(training=True, inference_only=False))
