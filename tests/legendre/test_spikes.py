"""The noise of spikes, against spikes that are drawn."""

import numpy as np
import pytest

from nengo_lmu.legendre.spikes import (
    poisson_variance,
    regular_spectrum,
    stochastic_variance,
)

RATE, DT = 110.0, 0.001


def decode(on, off, n):
    return (on - off) / (n / 2 * RATE * DT)


@pytest.mark.parametrize("spiking", ["poisson", "stochastic"])
def test_decoded_spikes_have_their_variance(spiking):
    """100,000 steps know a variance to 0.5 % (one sigma), or 1 % with few spikes."""
    rng = np.random.RandomState(0)
    n, x = 40, 4 * rng.standard_normal(100000)  # far above 110 Hz at times
    on, off = (
        (n // 2, RATE * np.maximum(x, 0) * DT),
        (n // 2, RATE * -np.minimum(x, 0) * DT),
    )
    if spiking == "poisson":
        spikes = [rng.poisson(k * p) for k, p in (on, off)]
        predicted = poisson_variance(np.abs(x).mean(), RATE, DT)
    else:
        kept = np.abs(x) * RATE * DT < 1
        x, on, off = x[kept], (on[0], on[1][kept]), (off[0], off[1][kept])
        spikes = [rng.binomial(k, p) for k, p in (on, off)]
        predicted = stochastic_variance(np.abs(x).mean(), np.mean(x**2), RATE, DT)
    noise = decode(*spikes, n) - x
    assert noise.mean() == pytest.approx(0, abs=5 * noise.std() / 300)
    assert noise.var() * n == pytest.approx(predicted, rel=0.04)


def test_stochastic_variance_is_never_negative():
    assert stochastic_variance(8.0, 100.0, RATE, DT) == 0


def slow_noise(rng, n_runs, n_steps, bandwidth):
    """Gaussian, of variance 1, flat up to the bandwidth (hertz)."""
    frequency = np.fft.rfftfreq(n_steps, DT)
    band = (frequency > 0) & (frequency <= bandwidth)
    spectrum = rng.standard_normal((2, n_runs, len(frequency))) * band
    x = np.fft.irfft(spectrum[0] + 1j * spectrum[1], n=n_steps)
    return x / np.sqrt(np.mean(x**2))


@pytest.mark.parametrize("bandwidth", [1.0, 4.0])
def test_regular_spikes_have_their_spectrum(bandwidth):
    """On and off neurons that integrate a slow x, in bands of frequency.

    The noise follows x, of which there are some 800 independent values at 1 Hz, so the
    power of a band is known to 10 % or so: 25 % is safe. The theory takes signs to
    change at random, where those of band-limited noise change somewhat regularly: near
    that frequency it is good to 45 %, which the memory averages out.
    """
    rng = np.random.RandomState(0)
    n_runs, n_steps, n = 20, 20000, 20
    x = 0.4 * slow_noise(rng, n_runs, n_steps, bandwidth)
    v = rng.uniform(size=(n_runs, n, 1))
    sign = np.where(np.arange(n) % 2, 1, -1)[:, np.newaxis]
    current = np.maximum(sign * x[:, np.newaxis], 0) * RATE * DT
    spikes = np.diff(np.floor(v + np.cumsum(current, axis=-1)), axis=-1, prepend=0)
    noise = np.sum(sign * spikes, axis=1) / (n / 2 * RATE * DT) - x
    # a window, or else the strong noise at high frequencies leaks to the low ones
    window = np.sqrt(8 / 3) * np.sin(np.pi * np.arange(n_steps) / n_steps) ** 2
    power = 2 * DT / n_steps * np.abs(np.fft.rfft(window * noise)) ** 2
    frequency = np.fft.rfftfreq(n_steps, DT)

    crossings = [2 * bandwidth / np.sqrt(3)]  # Rice's formula
    grid = np.geomspace(0.05, 500, 400)
    spectrum = regular_spectrum(grid, np.array([0.16]), np.array(crossings), RATE, DT)
    held = 8 * crossings[0]
    for low, high in ((0.5, 2), (2, 10), (10, 20), (40, 80), (80, 200), (200, 490)):
        band = (frequency >= low) & (frequency < high)
        predicted = np.interp(frequency[band], grid, spectrum[:, 0]).mean() / n
        measured = power[:, band].mean()
        tolerance = 0.45 if low < held else 0.25
        assert predicted == pytest.approx(measured, rel=tolerance), low


def test_regular_spikes_have_the_variance_of_their_rates():
    """``E[J / dt - J^2]`` while active, whatever the order of the spikes.

    Where x never changes its sign, that is: holding what is left adds nothing.
    """
    grid = np.linspace(0.01, 500, 20000)
    mean_square = np.array([0.16])
    spectrum = regular_spectrum(grid, mean_square, np.zeros(1), RATE, DT)[:, 0]
    total = np.sum((spectrum[1:] + spectrum[:-1]) / 2 * np.diff(grid))
    mean_abs = np.sqrt(2 / np.pi * mean_square)
    expected = stochastic_variance(mean_abs, mean_square, RATE, DT)[0]
    assert total == pytest.approx(expected, rel=0.02)
