"""What is presented to a memory that is designed for white noise: it, and others."""

import nengo
import numpy as np

from nengo_lmu.legendre.statistics import TYPICAL_RMS


def white_noise(rms, bandwidth, seconds):
    """Return the process of band-limited white noise, for at least so many seconds.

    Parameters
    ----------
    rms : float
    bandwidth : float
        The highest frequency (hertz).
    seconds : float

    Returns
    -------
    process : nengo.processes.WhiteSignal

    Examples
    --------
    >>> white_noise(rms=0.3, bandwidth=5.0, seconds=1.0)
    WhiteSignal(period=1.0, high=5.0, rms=0.3, y0=0)
    """
    # It repeats itself after a period, which must hold a wave of the highest frequency.
    period = max(seconds, 2 / bandwidth)
    return nengo.processes.WhiteSignal(period, high=bandwidth, rms=rms, y0=0)


class Waves:
    """White noise, louder or faster than that of the design.

    Parameters
    ----------
    louder, faster : float
        Factors of the rms and of the bandwidth.
    """

    def __init__(self, louder=1, faster=1):
        self.louder = louder
        self.faster = faster

    def least_steps(self, d):
        """Return how many time steps a window of a memory of order d must have."""
        return self.faster * d / 3  # a period of d / (6 theta) hertz has two

    def sample(self, setting, rng):
        """Return what is presented.

        Parameters
        ----------
        setting : nengo_lmu.analysis.memory.Setting
        rng : numpy.random.RandomState

        Returns
        -------
        u : (n_steps,) ndarray
        """
        process = white_noise(
            self.louder * setting.rms,
            self.faster * setting.input_bandwidth,
            setting.n_steps * setting.dt,
        )
        u = process.run_steps(setting.n_steps, dt=setting.dt, rng=rng)[:, 0]
        # a few windows hold few waves, so that their rms varies a lot by chance
        measured = u[setting.warm_steps :]
        return u * (self.louder * setting.rms / np.sqrt(np.mean(measured**2)))


class Steps:
    """Random levels, another after each half of the window.

    The levels are 0 and the largest values, of either sign, for which the memory is
    designed: 1 and -1 for the default rms of 0.3.
    """

    def least_steps(self, d):
        """Return how many time steps a window of a memory of order d must have."""
        return max(2, STIMULI["design"].least_steps(d))

    def sample(self, setting, rng):
        """Return what is presented, as `Waves.sample` does."""
        hold = max(1, int(round(setting.theta / (2 * setting.dt))))
        n_levels = -(-setting.n_steps // hold)
        # The next of three levels is one or two further on, so never the same again.
        index = np.cumsum(rng.randint(1, 3, size=n_levels)) % 3
        levels = (index - 1) * (setting.rms / TYPICAL_RMS)
        return np.repeat(levels, hold)[: setting.n_steps]


class Onset:
    """Full range after silence, in turns of two windows, of either sign.

    Silence lasts until the memory has forgotten: for the first window, which is not
    measured, and then for two at a time. The range is that of `Steps`.
    """

    def least_steps(self, d):
        """Return how many time steps a window of a memory of order d must have."""
        return max(1, STIMULI["design"].least_steps(d))

    def sample(self, setting, rng):
        """Return what is presented, as `Waves.sample` does."""
        held = 2 * setting.warm_steps
        n_levels = -(-setting.n_steps // held) + 1
        levels = np.zeros(n_levels)
        signs = rng.choice([-1, 1], size=n_levels // 2)
        levels[1::2] = signs * (setting.rms / TYPICAL_RMS)
        # The measurement begins in the middle of a silence.
        u = np.repeat(levels, held)[setting.warm_steps :]
        return u[: setting.n_steps]


class Silence:
    """Nothing at all."""

    def least_steps(self, d):
        """Return how many time steps a window of a memory of order d must have."""
        return STIMULI["design"].least_steps(d)

    def sample(self, setting, rng):
        """Return what is presented, as `Waves.sample` does."""
        return np.zeros(setting.n_steps)


# `Setting.stimulus` names one of these.
STIMULI = {
    "design": Waves(),
    "louder": Waves(louder=3),
    "faster": Waves(faster=3),
    "steps": Steps(),
    "onset": Onset(),
    "silence": Silence(),
}
