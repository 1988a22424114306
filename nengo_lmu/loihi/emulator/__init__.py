"""A faster emulator, with the same results to the last bit."""

from __future__ import annotations

from nengo_loihi.emulator import interface
from nengo_loihi.emulator.interface import CompartmentState, SynapseState
from nengo_loihi.version import version_info

from nengo_lmu.loihi.emulator.compartments import FastCompartments
from nengo_lmu.loihi.emulator.synapses import MatrixSynapses
from nengo_lmu.networks.arguments import is_true

# The newest release with an emulator that is known to work as said above.
LAST_NENGO_LOIHI = (1, 1, 0)


def fast_emulator(on: bool = True) -> None:
    """Choose the emulator of the simulators that are made from now on.

    Parameters
    ----------
    on : bool
        Whether to go through the weights of a step all at once (which is how it is as
        soon as `nengo_lmu.loihi` is imported), or as NengoLoihi does. The results are
        the same. With releases of NengoLoihi newer than 1.1.0 it is always its own.

    Examples
    --------
    >>> fast_emulator(False)  # for simulators that are made from here on
    >>> fast_emulator()
    """
    on = is_true("on", on, fast_emulator) and version_info <= LAST_NENGO_LOIHI
    interface.CompartmentState = FastCompartments if on else CompartmentState
    interface.SynapseState = MatrixSynapses if on else SynapseState
