"""What the tests of NengoDL 3.6 and NengoLoihi 1.1 use of others and is there no more.

A plugin for the pytest of ``tests/upstream.py``: without it, a third of NengoDL's tests
and NengoLoihi's of convolutions cannot be imported on Nengo 4.1 and NumPy 2.
"""

import sys
import types

import nengo
import nengo._vendor
import numpy as np
from nengo.builder import transforms


def oscillator(recurrent_tau, frequency, n_neurons):
    """Return a network of neurons the state of which turns."""
    turned = frequency * recurrent_tau
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(n_neurons, 2)
        turn = [[1, -turned], [turned, 1]]
        nengo.Connection(ensemble, ensemble, synapse=recurrent_tau, transform=turn)
    return net


def give(name, module):
    """Let a module be imported by another name."""
    package, _, own = name.rpartition(".")
    sys.modules[name] = module
    setattr(sys.modules[package], own, module)


if not hasattr(nengo.networks, "Oscillator"):
    nengo.networks.Oscillator = oscillator
give("nengo._vendor.npconv2d", types.ModuleType("npconv2d"))
give("nengo._vendor.npconv2d.conv2d", transforms)
if not hasattr(np, "find_common_type"):
    np.find_common_type = lambda arrays, scalars: np.result_type(*arrays)
