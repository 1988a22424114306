"""What NengoDL stores and loads, where there is a memory.

``sim.load_params`` takes any file with as many arrays of the right shapes. With a
memory, those of another memory have them too: the numbers of NengoDL's parameters say
nothing of the neurons that were added up to them. So what is not trained of a memory
has to be in the file as it is in the network.
"""

import functools

import nengo
import numpy as np
from nengo.exceptions import SimulationError

from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.members import members
from nengo_lmu.networks.memory import LegendreMemory
from nengo_lmu.networks.stability import warn_of_growth

# Files have single precision, and another processor may round otherwise.
_ALIKE = 1e-4


def checked_load(load_params, applies):
    """Return `nengo_dl.Simulator.load_params` that refuses another memory's file.

    Parameters
    ----------
    load_params : callable
    applies : callable
        Whether there is something to check, for a `nengo_dl.Simulator`.
    """

    @functools.wraps(load_params)
    def check_and_load(self, path, *args, **kwargs):
        if applies(self):
            _check(self, path)
        # Nengo's decorators need it bound as an attribute is.
        return load_params.__get__(self, type(self))(path, *args, **kwargs)

    check_and_load.is_ours = True
    return check_and_load


def checked_freeze(freeze_params):
    """Return `nengo_dl.Simulator.freeze_params` that warns of what it has stored.

    Of cells in which large states grow (`nengo_lmu.networks.stability`).

    Parameters
    ----------
    freeze_params : callable
    """

    @functools.wraps(freeze_params)
    def freeze_and_warn(self, objs):
        freeze_params.__get__(self, type(self))(objs)
        for obj in objs if isinstance(objs, (list, tuple)) else [objs]:
            for lmu in members(obj, LMU) if isinstance(obj, nengo.Network) else ():
                warn_of_growth(lmu)

    freeze_and_warn.is_ours = True
    return freeze_and_warn


def _check(simulator, path):
    """Refuse a file in which a memory is another one."""
    variables = simulator.keras_model.weights
    with np.load(f"{path}.npz") as archive:
        if len(archive.files) < len(variables):
            return  # NengoDL refuses it
        arrays = [archive[f"arr_{i}"] for i in range(len(variables))]
    for array, variable in zip(arrays, variables):
        if array.shape != tuple(variable.shape):
            raise _refused(
                path, f"an array of shape {array.shape} instead of {variable.shape}"
            )
    graph = simulator.tensor_graph
    places = {id(variable): i for i, variable in enumerate(variables)}
    owners = _names_of_memories(simulator.model)
    for signal, tensor in graph.signals.items():
        owner = owners.get(signal.name.removesuffix(".superposed"))
        variable = graph.base_params.get(tensor.key)
        if owner is None or variable is None or signal.trainable:
            continue
        for start, stop in tensor.slices:
            here = variable.numpy()[start:stop]
            there = arrays[places[id(variable)]][start:stop]
            if np.abs(there - here).max() > _ALIKE * np.abs(here).max():
                raise _refused(path, f"another {owner}, such as of other n_neurons")


def _names_of_memories(model):
    """Return the memory that each signal is part of, by the signal's name."""
    names = {}
    for memory in members(model.toplevel, LegendreMemory):
        for obj in (*memory.all_connections, *memory.all_ensembles):
            ends = [obj, getattr(obj, "neurons", obj)]
            for signals in (model.sig[end] for end in ends):
                names |= {
                    signal.name: str(memory)
                    for signal in signals.values()
                    if signal is not None
                }
    return names


def _refused(path, what):
    return SimulationError(
        f"{path}.npz has {what}: it was saved of another network, and NengoDL would go "
        "on with a memory that is neither. Make the network as it was saved, or take "
        "the trained weights alone to it, by nengo_lmu.save_weights(network, path) "
        "after sim.freeze_params(network), and nengo_lmu.load_weights(path, network)"
    )
