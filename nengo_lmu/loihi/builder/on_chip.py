"""Memories on the chip do not hear their error, and why.

A memory's feedback (`nengo_lmu.legendre.feedback`) remembers what neurons should have
said, less what they did say. What they should have said is a sum of filtered spikes: it
exists as the current into the neurons of a block, and nowhere as spikes that another
filter could take up. And a block has one filter: with spikes ``s`` and an input ``u``
through it, the current is ``L (W s + V u)``. The signal passes as it has to only if
``W`` and ``V`` are those of Principle 3, since ``L x`` and ``L u`` are independent; so
nothing is left to choose for the noise. Neurons that draw their spikes from the current
of a step keep no voltage either, which could remember the error.

So the network is built without the feedback, with the coordinates and numbers of
neurons that are best without, and is as accurate as with ``error_feedback=0``.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import nengo
import numpy as np
from nengo.exceptions import BuildError, ValidationError
from nengo_loihi.block import Compartment

from nengo_lmu.loihi.builder.ours import memories_on_chip
from nengo_lmu.loihi.builder.reset import reset_from_host
from nengo_lmu.networks import LMU
from nengo_lmu.networks.members import members
from nengo_lmu.networks.population_objects import refuse_functions
from nengo_lmu.networks.stability import warn_of_growth

if TYPE_CHECKING:
    from typing import Any


# With synapses of fewer time steps the emulator is as accurate as the theory says of
# hundreds of neurons a dimension; with twice this, its error is up to three times that.
_LONG_SYNAPSE = 2000

# Users are told of an error so much larger. Up to so many spikes a step, at the edge of
# the range, it is less at all orders.
_NOISIER = 1.25
_QUIET_RATE = 0.5


@dataclass(frozen=True)
class LeftOut:
    """A memory whose neurons do not hear their error on the chip.

    Attributes
    ----------
    ensemble : nengo.Ensemble
        Its neurons.
    elsewhere, here : float or None
        Predicted window error with the feedback and without it, relative to the rms of
        the expected input; None for neurons that the theory does not cover.
    """

    ensemble: nengo.Ensemble
    elsewhere: float | None
    here: float | None


def on_chip(memory: Any) -> dict[str, Any]:
    """Return a context in which a memory has the neurons that it has on the chip.

    They do not hear their error and spike at most once a step. Their ranges, numbers,
    rates and noise are others than elsewhere; the state means the same.

    Parameters
    ----------
    memory : LegendreMemory

    Examples
    --------
    >>> with on_chip(lmu.memory):
    ...     covariance = lmu.memory.noise_covariance
    """
    return memory.redesigned(**memory.chip_design)


@contextmanager
def as_on_chip(network, dt):
    """Be the network that the chip can have, while it is built.

    Its memories have no feedback, and neurons that spike at most once a step: with the
    default rates where the chip can have them, and with room in their ranges for inputs
    of any band, which would have them spike more often. Their reset is one that the
    host makes (`nengo_lmu.loihi.builder.reset`).

    Parameters
    ----------
    network : nengo.Network
        As before afterwards.
    dt : float
        Time step (seconds).

    Yields
    ------
    left_out : list of LeftOut

    Raises
    ------
    nengo.exceptions.BuildError
        If the rates or the synapse of a memory are none that the chip can have, if
        it has a speed, since the chip has no products of signals, or if functions are
        to be decoded from its neurons.
    """
    left_out = []
    for lmu in members(network, LMU):  # NengoLoihi builds what is in it, not itself
        warn_of_growth(lmu)
    with ExitStack() as stack:
        for memory in memories_on_chip(network):
            _check_synapse(memory, dt)
            (ensemble,) = memory.ensembles
            refuse_functions(network, ensemble)
            _refuse_speed(memory)
            loses, max_rate = bool(memory.error_feedback), memory.max_rate
            elsewhere = without = _window(memory)
            if loses:
                with memory.redesigned(error_feedback=0.0):
                    without = _window(memory)
            try:
                stack.enter_context(on_chip(memory))
            except ValidationError as error:
                raise BuildError(f"{memory} on Loihi: {error}") from None
            if memory.reset is not None:
                reset_from_host(memory, dt)
            _tell_of_limits(memory, dt, max_rate, without)
            if loses:
                left_out.append(LeftOut(ensemble, elsewhere, _window(memory)))
        yield left_out


def _check_synapse(memory, dt):
    """Refuse a synapse whose current would not decay on the chip."""
    longest = -dt / np.log1p(-Compartment.DECAY_SCALE_TH)
    if memory.synapse.tau >= longest:
        raise BuildError(
            f"{memory}: synapse: a time constant of {memory.synapse.tau:g} s is too "
            f"long for Loihi, whose currents decay within {longest:.2g} s at "
            f"dt={dt:g}; use a shorter one, or none, for the default"
        )


def _tell_of_limits(memory, dt, max_rate, without):
    """Warn where the chip's time step or its weights make a memory less accurate.

    Parameters
    ----------
    memory : LegendreMemory
        As it is on the chip.
    dt : float
        Time step (seconds).
    max_rate, without : float
        Of the same memory elsewhere: hertz at the edge of the range, and the predicted
        window error without feedback, or None.
    """
    name, here = memory.input.owner, _window(memory)
    lowered = memory.max_rate < max_rate
    if lowered or (here is not None and here > _NOISIER * without):
        rates = (
            f", so they are given {memory.max_rate:.0f} Hz at the edge of their range "
            f"instead of {max_rate:.0f} Hz"
            if lowered
            else ""
        )
        noise = (
            "are noisier for it"
            if here is None
            else f"leave an error of {here:.2g} of the input instead of {without:.2g}"
        )
        warnings.warn(
            f"{name}: neurons on Loihi spike at most once in a step of {dt:g} s"
            f"{rates}, and {noise}; use a dt of {_QUIET_RATE / max_rate:.1g} s or "
            "less, or more neurons",
            stacklevel=2,
        )
    if memory.synapse.tau > _LONG_SYNAPSE * dt:
        warnings.warn(
            f"{name}: a synapse of {memory.synapse.tau:.2g} s is "
            f"{memory.synapse.tau / dt:.0f} time steps. Each spike then counts for "
            "less than the least weight of Loihi, and errors of 2 to 10 % of the input "
            "are to be expected, however many the neurons are; use a longer dt",
            stacklevel=2,
        )


def _refuse_speed(memory):
    if memory.speed is not None:
        raise BuildError(
            f"{memory}: its neurons are on the chip, which cannot multiply the state "
            "by memory.speed; keep them on the host, with nengo_loihi.add_params(net) "
            "and net.config[memory.ensembles[0]].on_chip = False, use n_neurons=0, or "
            "make the memory with largest_speed=None"
        )


def _window(memory):
    return None if memory.predicted_error is None else memory.predicted_error.window
