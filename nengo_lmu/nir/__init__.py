"""Memories and cells as NIR graphs, for simulators and chips that read these.

NIR ([1]_, https://neuroir.org) states networks as graphs of leaky integrators,
integrate-and-fire neurons and matrices, in continuous time. A memory is such a graph:
a leaky integrator for each dimension of its state, with itself or with its neurons in
the loop. `to_nir` writes one of a network, `from_nir` makes a network of one that
`to_nir` wrote.

References
----------
.. [1] Pedersen, J. E., et al. (2024). Neuromorphic intermediate representation: A
   unified instruction set for interoperable brain-inspired computing. Nature
   Communications 15, 8122.
"""

try:
    import nir  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("nir", "h5py"):
        raise
    raise ImportError(
        f"nengo_lmu.nir needs {error.name}: pip install 'nengo-lmu[nir]'",
        name=error.name,
    ) from error

from nengo_lmu.nir.conventions import CONVENTIONS, LOSSES
from nengo_lmu.nir.reader import from_nir
from nengo_lmu.nir.writer import to_nir

__all__ = ["CONVENTIONS", "LOSSES", "from_nir", "to_nir"]
