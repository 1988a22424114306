"""Trained weights on their way from one network to another.

NengoDL's ``save_params`` writes all parameters of a simulator, those of a memory's
neurons among them, in an order that only a simulator of the same network knows. What is
trained means the same whatever the memory is made of: states are in true units, and
what hidden units say is in units of what they say to an input of 1. So it is written by
name here, and read into a network with another memory, other neurons, or for another
simulator.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_lmu.legendre.checks import shown
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.matrices import DENSE, matrix_of
from nengo_lmu.networks.members import members
from nengo_lmu.networks.memory import LegendreMemory
from nengo_lmu.utils.files import NOT_AN_ARCHIVE, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


MATRICES = (
    "input_encoders",
    "hidden_encoders",
    "memory_encoders",
    "input_kernel",
    "hidden_kernel",
    "memory_kernel",
    "hidden_bias",
)

# What a file is, for those who find one, and for `load_weights`.
_FORMAT = "weights of nengo_lmu, 1"

# Hidden units and windows that are as alike as this are the same: NengoDL stores single
# precision.
_ALIKE = 1e-5


def save_weights(network: nengo.Network, path: str | Path) -> None:
    """Write the trained weights of a network to a file, whole or not at all.

    Those of its LMUs, and of all connections around them, such as a readout and its
    bias. Not those of memories, which follow from ``theta`` and ``d``.

    Parameters
    ----------
    network : nengo.Network
        With or around an `LMU`, or one itself. What a `nengo_dl.Simulator` has trained
        is in it after ``sim.freeze_params(network)``.
    path : str or Path
        Of an archive of arrays, ``.npz``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the network has no LMU, or something is trained that such a file cannot hold:
        a memory's own ``A`` and ``B``, or connections from ensembles and with other
        than dense transforms.

    See Also
    --------
    load_weights

    Examples
    --------
    >>> import os, tempfile
    >>> from nengo_lmu import LMU, load_weights, save_weights
    >>> def made(n_neurons):
    ...     with nengo.Network(seed=n_neurons) as net:
    ...         net.lmu = LMU(
    ...             0.1, 4, units=8, n_neurons=n_neurons, coupling="feed-forward"
    ...         )
    ...     return net
    >>> ideal, spiking = made(0), made(400)
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.npz")
    >>> save_weights(ideal, path)
    >>> load_weights(path, spiking)
    >>> kernels = [net.lmu.memory_kernel.transform.init for net in (ideal, spiking)]
    >>> bool(np.array_equal(*kernels))
    True
    """
    connections, cells = _connections(network), _cells(network)
    described = {
        name: _described(cell) | {"unit": getattr(cell, "unit", None)}
        for name, cell in cells.items()
    }
    arrays = {f"weights/{name}": matrix_of(c) for name, c in connections.items()}
    for name, cell in cells.items():
        if getattr(cell, "hidden", None) is not None:
            arrays[f"answers/{name}"] = _answers(cell)
    metadata = json.dumps({"format": _FORMAT, "cells": described}, sort_keys=True)
    write_atomically(
        path, lambda file: np.savez(file, metadata=metadata, **arrays), mode="wb"
    )


def load_weights(path: str | Path, network: nengo.Network) -> None:
    """Put trained weights from a file into a network.

    All of them, or none if something does not fit.

    Parameters
    ----------
    path : str or Path
        Of a file that `save_weights` wrote.
    network : nengo.Network
        Of the same ``theta``, ``d``, hidden units and connections, with any number and
        type of neurons in its memories, for any simulator. A simulator has to be made
        afterwards. A trainable ``theta`` becomes that of the file.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the file is none, or was written of another network: naming what differs,
        both values and the remedy.
    """
    metadata, arrays = _read(path)
    connections, cells = _connections(network), _cells(network)
    _compare_names("memories", metadata["cells"], cells)
    for name, cell in cells.items():
        _compare_cells(name, cell, metadata["cells"][name], arrays)
    loaded = _by_name(arrays, "weights/")
    # an LMU's matrix that is all 0 is as good as none
    unused = {
        name
        for name, matrix in loaded.items()
        if name.rpartition(".")[2] in MATRICES and not np.any(matrix)
    }
    _compare_names("connections", loaded, connections, unused)
    for name, connection in connections.items():
        shape = matrix_of(connection).shape
        if loaded[name].shape != shape:
            raise _mismatch(
                f"{name} has shape {loaded[name].shape} in the file, but "
                f"{shape} in the network; make the network as it was saved"
            )
    for name, connection in connections.items():
        set_matrix(connection, loaded[name])
    for name, cell in cells.items():
        if _memory(cell).trainable_theta:
            _memory(cell).theta = metadata["cells"][name]["theta"]


def set_matrix(connection, matrix):
    """Give a connection a matrix as its transform, unless it has it."""
    if not np.array_equal(matrix_of(connection), matrix):
        connection.transform = nengo.Dense(np.shape(matrix), init=matrix)


# --- what there is, by name


def _memory(cell):
    return cell.memory if isinstance(cell, LMU) else cell


def _cells(network):
    """Return the LMUs of a network, and memories that are in none, by name."""
    lmus = members(network, LMU)
    inside = [lmu.memory for lmu in lmus]
    memories = [
        memory
        for memory in members(network, LegendreMemory)
        if not any(memory is one for one in inside)
    ]
    cells = _numbered(
        [(one.label or type(one).__name__, one) for one in [*lmus, *memories]]
    )
    if not cells:
        raise ValidationError(
            f"{network} has neither an LMU nor a LegendreMemory; give one that has, or "
            "use nengo_dl.Simulator.save_params for others",
            attr="network",
        )
    for name, cell in cells.items():
        if _memory(cell).config[nengo.Connection].trainable:
            raise ValidationError(
                f"the memory of {name} is itself trained (A and B), which another "
                "memory cannot take over; use nengo_dl.Simulator.save_params",
                attr="network",
            )
    return cells


def _connections(network):
    """Return what is trained: an LMU's connections, and those around, by name."""
    cells = _cells(network)
    connections, inside = {}, set()
    for name, cell in cells.items():
        inside.update(map(id, cell.all_connections))
        for matrix in MATRICES if isinstance(cell, LMU) else ():
            connection = getattr(cell, matrix)
            if connection is not None:
                connections[f"{name}.{matrix}"] = connection
    around = [
        (_name(connection, cells), connection)
        for connection in network.all_connections
        if id(connection) not in inside
    ]
    return connections | _numbered(around)


def _name(connection, cells):
    pre, post = connection.pre_obj, connection.post_obj
    name = connection.label or f"{_end(pre, cells)} to {_end(post, cells)}"
    is_dense = isinstance(connection.transform, DENSE)
    if isinstance(pre, nengo.Ensemble) or not is_dense:
        raise ValidationError(
            f"{name} is from an ensemble or has no dense transform, so that its "
            "weights cannot be written; connect it from a node or from neurons, or "
            "save the LMU alone",
            attr="network",
        )
    return name


def _end(obj, cells):
    """Return a name of what is at the end of a connection."""
    for name, cell in cells.items():
        for attribute in ("input", "output", "hidden", "speed", "reset"):
            if getattr(cell, attribute, None) is obj:
                return f"{name}.{attribute}"
        if any(obj is node for node in cell.all_nodes):
            return f"{name}.{obj.label}"
    owner = obj.ensemble if isinstance(obj, nengo.ensemble.Neurons) else obj
    return owner.label or type(owner).__name__


def _numbered(named):
    """Return a dict of pairs; what has the name of one before it gets a number."""
    result, counts = {}, {}
    for name, value in named:
        counts[name] = count = counts.get(name, 0) + 1
        result[name if count == 1 else f"{name} ({count})"] = value
    return result


# --- what has to be the same


def _described(cell):
    memory = _memory(cell)
    return {
        "theta": memory.theta,
        "d": memory.d,
        "size_in": memory.size_in,
        "units": getattr(cell, "units", 0),
    }


def _answers(lmu):
    """Return what each hidden unit says to an input of 1, in units of the mean."""
    hidden = lmu.hidden
    ones = np.ones((1, lmu.units))
    rates = hidden.neuron_type.rates(ones, hidden.gain, hidden.bias)[0]
    return rates / rates.mean()


def _compare_cells(name, cell, described, arrays):
    for what, value in _described(cell).items():
        saved = described[what]
        if what == "theta" and _memory(cell).trainable_theta:
            continue
        if not np.isclose(saved, value, rtol=_ALIKE, atol=0):
            raise _mismatch(
                f"{name} has {what}={saved:g} in the file, but {what}={value:g} in the "
                f"network; make it with {what}={saved:g}"
            )
    if getattr(cell, "hidden", None) is None:
        return
    saved, answers = arrays[f"answers/{name}"], _answers(cell)
    if not np.allclose(saved, answers, rtol=0, atol=_ALIKE):
        worst = np.argmax(np.abs(saved - answers))
        raise _mismatch(
            f"the hidden units of {name} have other gains: unit {worst} says "
            f"{saved[worst]:.4g} to an input of 1 in the file and {answers[worst]:.4g} "
            "in the network, in units of their mean; make both with the same max_rates"
        )


def _compare_names(what, saved, there, unused=()):
    missing = [name for name in there if name not in saved]
    left = [name for name in saved if name not in there and name not in unused]
    if missing or left:
        raise _mismatch(
            f"the {what} are others: "
            + "; ".join(
                f"{', '.join(names)} {where}"
                for names, where in (
                    (missing, "not in the file"),
                    (left, "not in the network"),
                )
                if names
            )
            + "; make the network with the same ones and labels as it was saved with"
        )


def _mismatch(problem):
    return ValidationError(problem, attr="network")


# --- the file


def _read(path):
    def refused(why):
        return ValidationError(
            f"{path} is {why}; give a file that save_weights wrote", attr="path"
        )

    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        metadata = json.loads(str(arrays.pop("metadata")))
        if metadata["format"] != _FORMAT:
            raise refused(f"of another version ({shown(metadata['format'])})")
        for name, described in metadata["cells"].items():
            for what in ("theta", "d", "size_in", "units"):
                float(described[what])
            if described["units"]:
                len(arrays[f"answers/{name}"])
    except OSError as error:
        raise refused(f"not to be read ({error.strerror or error})") from None
    except ValidationError:
        raise
    except NOT_AN_ARCHIVE:
        raise refused("no archive of weights, or damaged") from None
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.all(np.isfinite(array)):
            raise refused(f"damaged: {name} is not an array of finite numbers")
    return metadata, arrays


def _by_name(arrays, prefix):
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
