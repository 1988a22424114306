"""What the scaling experiment measures.

One thing is varied at a time, around a base: ``m`` for each type of neuron; ``d``,
``theta``, ``tau`` and ``dt`` for the first type, with and without error feedback.
"""

from dataclasses import dataclass, replace

from nengo_lmu.analysis.memory import Setting, windows_for

# what is varied, and the field of `Setting` that it is
AXES = {"m": "n_neurons", "d": "d", "theta": "theta", "tau": "tau", "dt": "dt"}

# without error feedback, where an error lasts for about a window
_WINDOWS = 10


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    m, d : tuple of int
        Neurons and orders.
    theta, tau, dt : tuple of float
        Windows, time constants of the synapse and time steps (seconds).
    neuron_types : tuple of str
        Keys of `nengo_lmu.analysis.memory.NEURON_TYPES`.
    seeds : int
        How many times each is measured.
    windows : int or None
        How many ``theta`` each measurement takes; None for 10 without error feedback,
        and for `nengo_lmu.analysis.memory.windows_for` with it.

    Notes
    -----
    The base has the middle value of ``m``, ``d``, ``theta`` and ``dt`` (the lower one
    of two) and the memory's default ``tau``, or the only one that is given.
    """

    m: tuple = (100, 300, 1000, 3000, 10000)
    d: tuple = (3, 6, 12, 24)
    theta: tuple = (0.1, 0.3, 1.0, 3.0, 10.0)
    tau: tuple = (0.05, 0.1, 0.2, 0.4, 0.8)
    dt: tuple = (0.0005, 0.001, 0.002, 0.004)
    neuron_types: tuple = (
        "poisson",
        "stochastic",
        "regular",
        "lif",
        "poisson-lif",
        "adaptive-lif",
    )
    seeds: int = 5
    windows: int | None = None

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
            dt=middle(self.dt),
            windows=self.windows or _WINDOWS,
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
        without = replace(base, error_feedback=0.0)
        usual = replace(base, recipe="usual")
        found = [
            ("m", replace(base, neuron_type=name))
            for name in dict.fromkeys(self.neuron_types)
        ]
        found += [("m", without), ("m", usual)]
        for axis in ("d", "theta", "tau", "dt"):
            found += [(axis, base), (axis, without)]
        found.append(("d", usual))
        return [
            (
                axis,
                [
                    self._as_long_as_it_takes(replace(start, **{AXES[axis]: value}))
                    for value in sorted(set(getattr(self, axis)))
                ],
            )
            for axis, start in found
            if axis == "m" or len(set(getattr(self, axis))) > 1
        ]

    def _as_long_as_it_takes(self, setting):
        if self.windows is not None or setting.recipe != "default":
            return setting
        if setting.error_feedback == 0:
            return setting
        return replace(setting, windows=windows_for(setting.theta, setting.d))
