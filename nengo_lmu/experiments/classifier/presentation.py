"""How digits are presented: pixel after pixel, each for some time steps."""

from contextlib import contextmanager
from typing import ClassVar

import nengo
import numpy as np


class Timing:
    """What follows from the settings ``steps_per_pixel`` and ``dt``."""

    # A digit has so many.
    n_pixels: ClassVar[int]

    @property
    def n_steps(self):
        """(int) Time steps of a digit."""
        return self.n_pixels * self.steps_per_pixel

    @property
    def pixel(self):
        """(float) How long a pixel is presented (seconds)."""
        return self.steps_per_pixel * self.dt

    @property
    def theta(self):
        """(float) Length of a digit and of the memory (seconds)."""
        return self.n_steps * self.dt


class Presenter:
    """What presents digits to a network, and knows what is trained of it.

    It has ``settings``, a ``stimulus``, an ``lmu``, and the connections ``readout`` and
    ``bias`` (or None) to the class scores.
    """

    # These connections of the LMU are trained, where it has them.
    trained: ClassVar[tuple] = ("memory_kernel", "hidden_bias")

    # It is taken off pixels before they are presented.
    mean = 0.0

    @property
    def parameters(self):
        """(dict of nengo.Connection) What is trained, by name."""
        connections = {name: getattr(self.lmu, name) for name in self.trained}
        connections |= {"readout": self.readout, "bias": self.bias}
        return {name: conn for name, conn in connections.items() if conn is not None}

    def signal(self, pixels):
        """Return digits as the stimulus of a simulation.

        Parameters
        ----------
        pixels : (n, n_pixels) array_like

        Returns
        -------
        signal : (n, n_steps, 1) ndarray
        """
        signal = np.repeat(pixels - self.mean, self.settings.steps_per_pixel, axis=1)
        return signal[..., np.newaxis]

    @contextmanager
    def presented(self, pixels):
        """Let digits be the stimulus for a while, one after another without a pause."""
        self.stimulus.output = nengo.processes.PresentInput(
            (pixels - self.mean).reshape(-1, 1), self.settings.pixel
        )
        try:
            yield
        finally:
            self.stimulus.output = [0.0]
