"""Which backend a network is built for, as far as that makes a difference.

`nengo.Simulator` runs any operator. Backends with a model class of their own, NengoDL
among them, have builders for ours. NengoOCL has neither: its model is Nengo's, built by
a builder of its own, of operators that it knows.
"""

from nengo.builder import Builder, Model


def is_reference(model):
    """Return whether a model is built for `nengo.Simulator`."""
    return type(model) is Model and type(model.builder) is Builder


def takes_known_operators_only(model):
    """Return whether a model has to be made of operators of Nengo itself."""
    return type(model) is Model and type(model.builder) is not Builder
