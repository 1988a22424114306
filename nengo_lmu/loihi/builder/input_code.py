"""How the host tells the chip the input of a memory: in a few spikes a step.

NengoLoihi sends a value by one on and one off neuron, each of which spikes or does not.
What is left over is made up for in later steps, so that the integral of the input is
right to half a step; but a memory of high order tells apart moments that are that
close, and for ``d = 24`` the error was half of that of 2400 Poisson neurons. Here four
on and four off neurons stand for 8, 4, 2 and 1 fifteenths of the range.
"""

import nengo
import numpy as np

DIGITS = 4
STEPS = 2**DIGITS - 1  # the range of either sign has so many

# Neurons of a dimension stand for these: each digit has a pair of an on and an off one.
VALUES = np.repeat(2.0 ** np.arange(DIGITS)[::-1] / STEPS, 2) * np.tile([1, -1], DIGITS)

# For each number of steps, from -STEPS to STEPS, the spikes are the digits of its size.
_SPIKES = np.array(
    [
        [
            float(sign * number > 0 and abs(number) & 2**digit > 0)
            for digit in reversed(range(DIGITS))
            for sign in (1, -1)
        ]
        for number in range(-STEPS, STEPS + 1)
    ]
)


class SpikeCode(nengo.Process):
    """Turn values into spikes of on and off neurons.

    The input has any number of dimensions, of values in [-1, 1] (others are cut off);
    the output has ``2 * DIGITS`` times as many, 1 for a spike and 0 for none, those of
    a dimension next to each other. In sum, spikes times their `VALUES` follow the sum
    of the input to within half of ``1 / STEPS``.
    """

    def __init__(self, size, **kwargs):
        super().__init__(
            default_size_in=size, default_size_out=size * len(VALUES), **kwargs
        )

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        """Return what is left over, for each dimension."""
        return {"left": np.zeros(shape_in)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Return the function that makes the spikes of a step."""
        left = state["left"]

        def step(t, x):
            left[...] += STEPS * np.minimum(np.maximum(x, -1), 1)
            # The remainder is never larger than half, and the number always in range.
            whole = np.minimum(np.maximum(np.rint(left), -STEPS), STEPS)
            left[...] -= whole
            return _SPIKES[STEPS + whole.astype(int)].ravel()

        return step
