"""The simulators that run the same networks, called alike.

A test that asks for the fixture ``Simulator`` runs in all of `BACKENDS`, one after the
other, and reads ``sim.data[probe]``, of shape (n_steps, size), whatever is behind it.
"""

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Backend:
    """A simulator's class, with what tests have to know of it.

    Attributes
    ----------
    package : str
        The one that the class comes from.
    late : int
        How many steps a memory of neurons is behind the ideal one: its own, and on the
        chip that of the input's way there.
    hears_errors : bool
        Whether a memory's neurons can hear their own error there.
    """

    package: str
    late: int = 1
    hears_errors: bool = True

    def __call__(self, network, progress_bar=False, **options):
        """Return a simulator of a network, or skip the test without the package."""
        # Without a `minibatch_size`, NengoDL leaves the axis of its one item out.
        simulator = pytest.importorskip(self.package).Simulator
        return simulator(network, progress_bar=progress_bar, **options)

    def __str__(self):
        return self.package


NENGO = Backend("nengo")
NENGO_DL = Backend("nengo_dl")
EMULATOR = Backend("nengo_loihi", late=2, hears_errors=False)
BACKENDS = (NENGO, NENGO_DL, EMULATOR)
