"""The types that public functions have in common, for those who check theirs."""

from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Array",
    "ArrayLike",
    "Input",
    "Kind",
    "Method",
    "Process",
    "Spiking",
]

Array: TypeAlias = NDArray[Any]
Method: TypeAlias = Literal["zoh", "euler"]
Spiking: TypeAlias = Literal["poisson", "stochastic", "regular"]

# The basis in which neurons represent the state, or its matrix.
Kind: TypeAlias = Literal["balanced", "principal", "legendre"] | ArrayLike


class Process(Protocol):
    """What can be run, as a `nengo.Process`."""

    def run(self, t: float, *args: Any, **kwargs: Any) -> Any:
        """Return ``t`` seconds of it, a row for each time step."""


# A largest value, a range, a sample, or what makes one. (Statistics too, but they are
# defined with these types.)
Input: TypeAlias = ArrayLike | Process
