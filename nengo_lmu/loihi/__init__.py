"""NengoLoihi: Poisson neurons and the memory's input on the chip.

Importing this package teaches `nengo_loihi.Simulator` to build

- `nengo.PoissonSpiking` and `nengo.StochasticSpiking` neurons with a rectified linear
  rate (`nengo_lmu.loihi.builder.neurons`),
- the input of a Legendre memory, filtered once (`nengo_lmu.loihi.builder.connections`),
- memories of thousands of neurons, in proportion to which they take cores
  (`nengo_lmu.loihi.builder.layout`),
- weights and thresholds that make the most of the chip's fixed point for these neurons
  (`nengo_lmu.loihi.builder.fixed_point`),

and gives its emulator a faster way to the same results (`nengo_lmu.loihi.emulator`).

Importing nengo_lmu does so by itself wherever nengo_loihi is imported too.
"""

from nengo_lmu.loihi.builder.on_chip import on_chip
from nengo_lmu.loihi.emulator import fast_emulator
from nengo_lmu.loihi.install import add_params, install, uninstall
from nengo_lmu.loihi.resources import resources

install()

__all__ = [
    "add_params",
    "fast_emulator",
    "install",
    "on_chip",
    "resources",
    "uninstall",
]
