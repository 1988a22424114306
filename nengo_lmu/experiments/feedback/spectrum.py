"""What the theory says of the noise that neurons hear, at each frequency."""

import numpy as np

from nengo_lmu.legendre.noise import error_dynamics

# An integral over the spectrum takes at least so many.
_N_FREQUENCIES = 8192


def noise_spectrum(populations, poisson, frequency):
    """Predict the spectrum of what populations say wrongly, ``s - x``.

    ``T (s - x) = (z I - A_bar) (z I - A_bar + k z^-D I)^-1 T eta``.

    Parameters
    ----------
    populations : nengo_lmu.legendre.SpikingPopulations
        Of Poisson neurons.
    poisson : (d,) array_like
        Variance of ``eta``, which the number of spikes decides.
    frequency : (n,) ndarray
        Hertz.

    Returns
    -------
    spectrum : (n, d) ndarray
        Relative to that of ``eta``, which is white.
    """
    p = populations
    dynamics = error_dynamics(
        p.theta, p.d, p.dt, p.method, p.error_feedback, p.feedback_delay
    )
    z = np.exp(2j * np.pi * frequency * p.dt)[:, np.newaxis, np.newaxis]
    T = p.realization.T
    response = dynamics.response(T, frequency)
    passed = np.linalg.inv(T) @ (z * response - dynamics.A_bar @ response)
    return np.abs(passed) ** 2 @ poisson / poisson


def summed_variance(populations, poisson, windows):
    """Predict the variance of ``s - x`` summed over windows.

    Parameters
    ----------
    populations, poisson
        As for `noise_spectrum`.
    windows : sequence of float
        Seconds.

    Returns
    -------
    variance : (n_windows, d) ndarray
        Relative to that of ``eta``.
    """
    dt = populations.dt
    steps = np.round(np.asarray(windows) / dt).astype(int)[:, np.newaxis]
    # Frequencies must tell the narrow peak that a long window is sensitive to.
    n = max(_N_FREQUENCIES, 8 * int(steps.max()))
    frequency = (np.arange(n) + 0.5) / (2 * dt * n)
    spectrum = noise_spectrum(populations, poisson, frequency)
    # A sum over W steps has this gain, whose mean over frequencies is W.
    half = np.pi * frequency * dt
    gain = (np.sin(steps * half) / np.sin(half)) ** 2
    return gain @ spectrum / (steps * n)
