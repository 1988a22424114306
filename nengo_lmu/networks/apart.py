"""Neurons that draw random numbers of their own, whatever else is in the model.

Nengo's optimizer joins equal Poisson (or stochastic) ensembles into one operator, which
draws from the generator of the first, and warns that it does so. A memory's spikes
would depend on what else is in the model, and where there are memories, not every user
could tell what is warned of. Only the neurons of our networks are kept out of that.

NengoOCL has no neurons that draw random numbers. It runs processes, which may, so that
ours are processes there.
"""

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess

from nengo_lmu.networks.backends import is_reference, takes_known_operators_only


class LoneNeurons(SimNeurons):
    """`SimNeurons` of a type for which Nengo's optimizer has no way of merging."""


class Spikes(nengo.Process):
    """What neurons that draw random numbers make of their rates.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Whose ``step`` takes the rates in hertz, and ``rng``.
    """

    def __init__(self, neuron_type):
        super().__init__()
        self.neuron_type = neuron_type

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the step function of the process."""
        output = np.zeros(shape_out)

        def step_spikes(t, rates):
            self.neuron_type.step(dt, rates, output, rng)
            return output

        return step_spikes


def set_apart(model, neurons):
    """Take neurons that have been built out of the reach of Nengo's optimizer.

    Those without a random generator stay within it, and so do other backends' models.

    Parameters
    ----------
    model : nengo.builder.Model
    neurons : nengo.ensemble.Neurons
    """
    apart = is_reference(model)
    if not apart and not takes_known_operators_only(model):
        return
    output = model.sig[neurons]["out"]
    for i, op in enumerate(model.operators):
        if type(op) is SimNeurons and op.output is output and op.state_extra:
            if apart:
                model.operators[i] = LoneNeurons(
                    op.neurons,
                    op.J,
                    op.output,
                    state={**op.state, **op.state_extra},
                    tag=op.tag,
                )
            else:
                model.operators[i] = SimProcess(
                    Spikes(op.neurons), op.J, op.output, model.time, tag=op.tag
                )
