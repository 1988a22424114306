"""The weights of an LMU as keras-lmu's layer has them, and back.

That layer is the same cell: ``h = f(K_m m + K_x x + R h + b)`` and ``u = E x + E_h h +
E_m m``, with matrices that multiply rows from the right, those of what comes together
below one another, and theta in time steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nengo.exceptions import ValidationError

from nengo_lmu.legendre.checks import finite_array
from nengo_lmu.networks.arguments import validated
from nengo_lmu.networks.lmu import LMU
from nengo_lmu.networks.matrices import matrix_of
from nengo_lmu.networks.weights import set_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nengo_lmu.legendre.types import Array, ArrayLike


def keras_lmu_arguments(lmu: LMU) -> dict[str, Any]:
    """Return the arguments of ``keras_lmu.LMU`` for the cell that an LMU is.

    Parameters
    ----------
    lmu : LMU
        With hidden units.

    Returns
    -------
    arguments : dict
        All but ``hidden_cell``, which is to be a ``SimpleRNNCell(units)`` of Keras
        where there is a ``hidden_kernel``, and a ``Dense(units)`` otherwise, with the
        nonlinearity of the hidden units as its ``activation``.

    Examples
    --------
    >>> from nengo_lmu.networks import keras_lmu_arguments
    >>> lmu = LMU(0.1, 4, units=8, n_neurons=0, add_to_container=False)
    >>> arguments = keras_lmu_arguments(lmu)
    >>> arguments["order"], arguments["theta"], arguments["hidden_to_memory"]
    (4, 100.0, True)
    """
    _check(lmu)
    memory = lmu.memory
    return {
        "memory_d": memory.size_in,
        "order": memory.d,
        "theta": memory.theta / memory.dt,
        "hidden_to_memory": lmu.hidden_encoders is not None,
        "memory_to_memory": lmu.memory_encoders is not None,
        "input_to_hidden": lmu.input_kernel is not None,
        "trainable_theta": memory.trainable_theta,
        "discretizer": memory.discretization,
    }


def to_keras_lmu(lmu: LMU) -> list[Array]:
    """Return the weights of an LMU for ``set_weights`` of keras-lmu's layer.

    Parameters
    ----------
    lmu : LMU
        With hidden units, of any memory.

    Returns
    -------
    weights : list of ndarray
        As ``get_weights`` of a ``keras_lmu.LMU(**keras_lmu_arguments(lmu),
        hidden_cell=...)`` gives them (keras-lmu 0.9): the hidden cell's kernel, what it
        hears of itself if there is a ``hidden_kernel``, and its bias; the kernel of
        what enters the memory, ``1 / theta`` in steps if that is trained, and what the
        memory hears of itself if there are ``memory_encoders``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are no hidden units that read the memory.

    Examples
    --------
    >>> from nengo_lmu.networks import to_keras_lmu
    >>> lmu = LMU(0.1, 4, units=8, n_neurons=0, add_to_container=False)
    >>> [array.shape for array in to_keras_lmu(lmu)]
    [(5, 8), (8, 8), (8,), (9, 1), (4, 1)]
    """
    _check(lmu)

    def below(*connections):
        return np.vstack([matrix_of(c).T for c in connections if c is not None])

    memory, bias = lmu.memory, lmu.hidden_bias
    weights = [below(lmu.memory_kernel, lmu.input_kernel)]
    if lmu.hidden_kernel is not None:
        weights.append(below(lmu.hidden_kernel))
    weights.append(np.zeros(lmu.units) if bias is None else matrix_of(bias)[:, 0])
    weights.append(below(lmu.input_encoders, lmu.hidden_encoders))
    if memory.trainable_theta:
        weights.append(np.array(memory.dt / memory.theta))
    if lmu.memory_encoders is not None:
        weights.append(below(lmu.memory_encoders))
    return weights


def from_keras_lmu(weights: Sequence[ArrayLike], lmu: LMU) -> None:
    """Put the weights of keras-lmu's layer into an LMU.

    Parameters
    ----------
    weights : list of array_like
        Of its ``get_weights()``.
    lmu : LMU
        Of the same sizes and with the same connections, and of any memory.

    Raises
    ------
    nengo.exceptions.ValidationError
        If their number or shapes are not those of `to_keras_lmu`, or there is a bias
        that is not 0 and no ``hidden_bias``.

    Examples
    --------
    >>> from nengo_lmu.networks import from_keras_lmu, to_keras_lmu
    >>> with nengo.Network(seed=0):
    ...     ideal = LMU(0.1, 4, units=8, n_neurons=0)
    ...     spiking = LMU(0.1, 4, units=8, hidden_neuron_type=nengo.Tanh())
    >>> from_keras_lmu(to_keras_lmu(ideal), spiking)
    """
    expected = [array.shape for array in to_keras_lmu(lmu)]
    with validated(lmu):
        arrays = [finite_array("weights", array) for array in weights]
    shapes = [array.shape for array in arrays]
    place = 1 if lmu.hidden_kernel is None else 2  # of the bias
    if shapes == expected[:place] + expected[place + 1 :]:  # a cell with use_bias=False
        arrays.insert(place, np.zeros(lmu.units))
    elif shapes != expected:
        raise ValidationError(
            f"must have the shapes {expected}, but {shapes} were given; make the layer "
            "with keras_lmu_arguments(lmu), or the LMU with the connections that the "
            "layer has",
            attr="weights",
            obj=lmu,
        )
    bias = arrays.pop(place)
    if lmu.hidden_bias is None and np.any(bias):
        raise ValidationError(
            "have a bias of the hidden units, which the LMU has not; make it with "
            "hidden_bias=0",
            attr="weights",
            obj=lmu,
        )

    def take(*connections):
        """Set the matrices that are below one another in the next array."""
        rows = arrays.pop(0)
        for connection in filter(None, connections):
            n = connection.size_mid
            set_matrix(connection, rows[:n].T)
            rows = rows[n:]

    take(lmu.memory_kernel, lmu.input_kernel)
    if lmu.hidden_kernel is not None:
        take(lmu.hidden_kernel)
    take(lmu.input_encoders, lmu.hidden_encoders)
    if lmu.memory.trainable_theta:
        lmu.memory.theta = lmu.memory.dt / float(arrays.pop(0))
    if lmu.memory_encoders is not None:
        take(lmu.memory_encoders)
    if lmu.hidden_bias is not None:
        set_matrix(lmu.hidden_bias, bias[:, np.newaxis])


def _check(lmu):
    if not isinstance(lmu, LMU) or lmu.hidden is None or lmu.memory_kernel is None:
        raise ValidationError(
            f"must be an LMU with hidden units that read its memory, but {lmu} was "
            "given; make it with units > 0 and a memory_kernel",
            attr="lmu",
        )
