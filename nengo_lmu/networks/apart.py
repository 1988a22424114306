"""Neurons that draw random numbers of their own, whatever else is in the model.

Nengo's optimizer joins equal Poisson (or stochastic) ensembles into one operator, which
draws from the generator of the first, and warns that it does so. A memory's spikes
would depend on what else is in the model, and where there are memories, not every user
could tell what is warned of. Only the neurons of our networks are kept out of that.
"""

from nengo.builder import Model
from nengo.builder.neurons import SimNeurons


class LoneNeurons(SimNeurons):
    """`SimNeurons` of a type for which Nengo's optimizer has no way of merging."""


def set_apart(model, neurons):
    """Take neurons that have been built out of the reach of Nengo's optimizer.

    Those without a random generator stay within it, and so do other backends' models.

    Parameters
    ----------
    model : nengo.builder.Model
    neurons : nengo.ensemble.Neurons
    """
    if type(model) is not Model:
        return
    output = model.sig[neurons]["out"]
    for i, op in enumerate(model.operators):
        if type(op) is SimNeurons and op.output is output and op.state_extra:
            model.operators[i] = LoneNeurons(
                op.neurons,
                op.J,
                op.output,
                state={**op.state, **op.state_extra},
                tag=op.tag,
            )
