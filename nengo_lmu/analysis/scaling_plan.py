"""What the scaling experiment measures.

One thing is varied at a time, around a base: ``m`` for each type of neuron; ``d``,
``theta`` and ``tau`` for the first type.
"""

from dataclasses import dataclass, replace

from nengo_lmu.analysis.memory_error import NEURON_TYPES, Setting

# what is varied, and the field of `Setting` that it is
AXES = {"m": "n_neurons", "d": "d", "theta": "theta", "tau": "tau"}


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    m, d : tuple of int
        Neurons and orders.
    theta, tau : tuple of float
        Windows and time constants of the synapse (seconds).
    neuron_types : tuple of str
        Keys of `nengo_lmu.analysis.memory_error.NEURON_TYPES`.
    seeds : int
        How many times each is measured.
    windows : int
        How many ``theta`` each measurement takes.

    Notes
    -----
    The base has the middle value of ``m``, of ``d`` and of ``theta`` (the lower middle
    of an even number) and the memory's default ``tau``, or the only one that is given.
    """

    m: tuple = (100, 300, 1000, 3000, 10000)
    d: tuple = (3, 6, 12, 24)
    theta: tuple = (0.1, 0.3, 1.0, 3.0, 10.0)
    tau: tuple = (0.05, 0.1, 0.2, 0.4, 0.8)
    neuron_types: tuple = tuple(NEURON_TYPES)
    seeds: int = 5
    windows: int = 10

    @property
    def base(self):
        """(Setting) What is kept while one thing is varied."""

        def middle(values):
            return sorted(set(values))[(len(set(values)) - 1) // 2]

        return Setting(
            theta=middle(self.theta),
            d=middle(self.d),
            n_neurons=middle(self.m),
            tau=self.tau[0] if len(set(self.tau)) == 1 else None,
            neuron_type=self.neuron_types[0],
            windows=self.windows,
        )

    def series(self):
        """Return what is to be measured, without the channel.

        Returns
        -------
        series : list of (axis, settings)
            The axis is a key of `AXES`; settings differ in it alone, and have seed 0.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If one of them cannot be measured.
        """
        base = self.base
        found = [
            ("m", replace(base, neuron_type=name))
            for name in dict.fromkeys(self.neuron_types)
        ]
        found.append(("m", replace(base, recipe="usual")))
        found += [(axis, base) for axis in ("d", "theta", "tau")]
        found.append(("d", replace(base, recipe="usual")))
        return [
            (
                axis,
                [
                    replace(start, **{AXES[axis]: value})
                    for value in sorted(set(getattr(self, axis)))
                ],
            )
            for axis, start in found
            if axis == "m" or len(set(getattr(self, axis))) > 1
        ]
