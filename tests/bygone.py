"""What the tests of NengoDL 3.6 and NengoLoihi 1.1 use of others and is there no more.

A plugin for the pytest of ``tests/upstream.py``: without it, a third of NengoDL's tests
and NengoLoihi's of convolutions cannot be imported on Nengo 4.1 and NumPy 2.
"""

import importlib
import sys
import types

import nengo
import numpy as np
from nengo.builder.transforms import conv2d


def oscillator(recurrent_tau, frequency, n_neurons):
    """Return a network of neurons the state of which turns."""
    turned = frequency * recurrent_tau
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(n_neurons, 2)
        turn = [[1, -turned], [turned, 1]]
        nengo.Connection(ensemble, ensemble, synapse=recurrent_tau, transform=turn)
    return net


def module(name, **contents):
    """Make a module that can be imported, in a package."""
    made = sys.modules[name] = types.ModuleType(name)
    vars(made).update(contents)
    package, _, own = name.rpartition(".")
    setattr(importlib.import_module(package), own, made)


if not hasattr(nengo.networks, "Oscillator"):
    nengo.networks.Oscillator = oscillator
module("nengo._vendor.npconv2d")
module("nengo._vendor.npconv2d.conv2d", conv2d=conv2d)
if not hasattr(np, "find_common_type"):
    np.find_common_type = lambda arrays, scalars: np.result_type(*arrays)
