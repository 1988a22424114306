"""What a simulator of the chip tells of: inputs cut off, neurons at their limit.

Both are errors that nobody would see otherwise. They are told again when they have
become twice as many, so that a run step by step does not tell of each. And a simulator
that cannot be reset says what can be done instead.
"""

import functools
import warnings
from dataclasses import dataclass

import numpy as np

from nengo_lmu.loihi.builder.ours import memories_on_chip, ours
from nengo_lmu.loihi.builder.reset import HOLD

# A neuron at its limit for less than this part of the time is one that a typical input
# is allowed to have.
_SELDOM = 0.02


@dataclass
class CutOff:
    """The function of a node that passes an input on within its range, and counts.

    Attributes
    ----------
    name : str
        Of the input.
    radius : float
        The largest absolute value that the chip gets.
    steps, beyond : int
        Steps so far, and those with a value beyond the radius.
    largest : float
        The largest absolute value so far.
    """

    name: str
    radius: float
    steps: int = 0
    beyond: int = 0
    largest: float = 0.0
    last_beyond: int = 0

    def __call__(self, t, x):
        """Return the input within its range."""
        self.steps += 1
        largest = np.abs(x).max()
        # the rest is what single precision makes of the radius itself
        if largest <= self.radius * (1 + 1e-6):
            return x
        self.beyond += 1
        self.largest = max(self.largest, float(largest))
        return np.clip(x, -self.radius, self.radius)

    def tell(self):
        """Warn of what was cut off, if it is twice as much as it was last time."""
        if self.beyond <= 2 * self.last_beyond:
            return
        self.last_beyond = self.beyond
        warnings.warn(
            f"{self.name} was beyond its range of {self.radius:g} in {self.beyond} of "
            f"{self.steps} steps ({percent(self.beyond / self.steps)}), up to "
            f"{self.largest:.3g}, and was cut off there on its way to the chip; make "
            f"the network with input_range={self.largest:.3g}, or scale the input",
            stacklevel=4,
        )


class Saturation:
    """Whether the neurons of a memory spike in each step, so that they would have more.

    Parameters
    ----------
    name : str
        Of the memory.
    compartments : {nengo_loihi.block.Compartment: (n_neurons,) ndarray or slice}
        Those of its neurons, and which of them are the last of their population to
        begin: others of staggered neurons may well spike in each step.
    """

    def __init__(self, name, compartments):
        self.name = name
        self.compartments = compartments
        self.last_most = 0

    def tell(self, state):
        """Warn of neurons at their limit.

        Parameters
        ----------
        state : nengo_lmu.loihi.emulator.compartments.FastCompartments
            Of an emulator that has run.
        """
        if state.n_looks == 0:
            return
        at_limit = [
            state.at_limit[state.slices[part]][last]
            for part, last in self.compartments.items()
        ]
        most = int(max(part.max(initial=0) for part in at_limit))
        if most <= max(2 * self.last_most, _SELDOM * state.n_looks):
            return
        self.last_most = most
        some = sum(np.count_nonzero(part) for part in at_limit)
        warnings.warn(
            f"{self.name}: {some} neurons on Loihi should have spiked more than once a "
            f"step, one of them in {percent(most / state.n_looks)} of the steps; the "
            "state is not what the input says. Make the memory with a sample of the "
            "input as input_range, or with lower max_rates",
            stacklevel=4,
        )


def percent(fraction):
    """Return a fraction in words, to two digits."""
    return f"{100 * fraction:.2g} %" if fraction < 0.1 else f"{100 * fraction:.0f} %"


def telling(run_steps):
    """Return `nengo_loihi.Simulator.run_steps` that tells at its end.

    Parameters
    ----------
    run_steps : callable
    """

    @functools.wraps(run_steps)
    def run_and_tell(self, steps):
        run_steps(self, steps)
        for node in ours(self.model).cut_off.values():
            node.output.tell()
        emulator = self.sims.get("emulator")
        state = getattr(emulator, "compartment", None)
        if hasattr(state, "at_limit"):
            for saturation in ours(self.model).saturation:
                saturation.tell(state)

    run_and_tell.is_ours = True
    return run_and_tell


def refusing_reset(reset):
    """Return `nengo_loihi.Simulator.reset` that says what to do where there is none.

    NengoLoihi's ends with an error without words. It does so for models without a
    memory still.

    Parameters
    ----------
    reset : callable
    """

    @functools.wraps(reset)
    def refuse(self, seed=None):
        memories = memories_on_chip(self.model.toplevel, self.model.split.on_chip)
        try:
            reset(self, seed=seed)
        except NotImplementedError as error:
            if str(error) or not memories:
                raise
            blank = max(memory.forgetting_time() for memory in memories)
            raise NotImplementedError(
                "NengoLoihi's simulators cannot be reset. Make another simulator; or, "
                "for trials in one run, make the memory with reset=True and hold its "
                f"reset input at 1 for {HOLD} steps between them, or have {blank:.2g} "
                "s of zero input"
            ) from None

    return refuse
