"""How many neurons an error needs, and the other way round."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    best_tau,
    neurons_for_error,
    predicted_error,
    white_noise_statistics,
)


def test_predicted_error_falls_as_the_square_root():
    """Where it is small, so that noise makes little noise itself."""
    one, four = (predicted_error(1.0, 6, n).window for n in (20000, 80000))
    assert one / four == pytest.approx(2, rel=0.03)


def test_predicted_error_falls_with_tau_and_rate():
    def window(**kwargs):
        return predicted_error(1.0, 6, 600, **kwargs).window

    assert window(tau=0.2) < window(tau=0.1) < window(tau=0.05)
    assert window(max_rate=220.0) < window(max_rate=110.0)


@pytest.mark.parametrize("d", [3, 6, 24])
def test_balanced_basis_is_the_quietest(d):
    kinds = ("balanced", "principal", "legendre")
    errors = [predicted_error(1.0, d, 4800, realization=k).window for k in kinds]
    assert errors[0] == min(errors)
    if d == 24:  # where it matters most: it takes a quarter of the neurons
        assert errors[0] < 0.53 * errors[2]


@pytest.mark.parametrize(
    "theta, d, dt", [(0.1, 3, 0.001), (1, 12, 0.001), (9, 6, 0.01)]
)
def test_best_tau(theta, d, dt):
    """Within 5 % of the least error over all synapses, and no shorter one is."""
    best = best_tau(theta, d, dt=dt)

    def window(tau):
        return predicted_error(theta, d, 10**6 * d, tau=tau, dt=dt).window

    taus = theta * np.geomspace(0.05, 3, 40)
    least = min(window(tau) for tau in taus[taus > dt])
    # the candidates are 10 % apart, and rounded
    assert window(best) <= 1.06 * least
    assert window(0.85 * best) > 1.04 * least
    assert predicted_error(theta, d, 300, dt=dt) == predicted_error(
        theta, d, 300, tau=best, dt=dt
    )


def test_spikes_that_are_more_regular_are_quieter():
    def window(spiking):
        return predicted_error(1.0, 6, 600, spiking=spiking).window

    assert 3 * window("regular") < window("stochastic") < window("poisson")


def test_predicted_error_with_statistics_of_ones_own():
    """A slower input has a quieter memory, and the rms is what it is relative to."""
    slow = white_noise_statistics(1.0, 6, 0.3, 0.2)
    fast = white_noise_statistics(1.0, 6, 0.3, 1.0)
    small = white_noise_statistics(1.0, 6, 0.003, 1.0)

    def window(statistics):
        return predicted_error(1.0, 6, 1200, input=statistics).window

    assert window(slow) < window(fast)
    assert window(small) == pytest.approx(window(fast))


@pytest.mark.parametrize("error", [0.5, 0.1, 0.02])
def test_neurons_for_error_inverts_predicted_error(error):
    n_neurons = neurons_for_error(error, 1.0, 3)
    assert n_neurons % 2 == 0
    assert predicted_error(1.0, 3, n_neurons).window <= error
    for fewer in range(max(6, n_neurons - 20), n_neurons, 2):
        assert predicted_error(1.0, 3, fewer).window > error


def test_neurons_for_a_large_error():
    """At least an on and an off neuron for each dimension."""
    assert neurons_for_error(1e6, 1.0, 5) == 10


def test_neurons_for_error_passes_options_on():
    plain = neurons_for_error(0.1, 1.0, 3, tau=0.1, max_rate=110.0)
    quiet = neurons_for_error(0.1, 1.0, 3, tau=0.2, max_rate=220.0)
    # the variance is inverse to the number and to the rate, and falls with tau
    assert quiet < 0.45 * plain


@pytest.mark.parametrize(
    "call, name, value",
    [
        (lambda: predicted_error(0, 3, 300), "theta", "0"),
        (lambda: predicted_error("1", 3, 300), "theta", "'1'"),
        (lambda: predicted_error(np.nan, 3, 300), "theta", "nan"),
        (lambda: predicted_error(1, 0, 300), "d", "0"),
        (lambda: predicted_error(1, 2.5, 300), "d", "2.5"),
        (lambda: predicted_error(1, 3, 300.0), "n_neurons", "300.0"),
        (lambda: predicted_error(1, 3, 5), "n_neurons", "at least 6, .* but 5"),
        (lambda: predicted_error(1, 3, 300, tau=0), "tau", "0"),
        (lambda: predicted_error(1, 3, 300, tau="long"), "tau", "'long'"),
        (lambda: predicted_error(1, 3, 300, spiking="bursts"), "spiking", "'bursts'"),
        (lambda: predicted_error(1, 3, 300, input=0), "input", "0"),
        (lambda: best_tau(-1, 3), "theta", "-1"),
        (lambda: predicted_error(1, 3, 300, max_rate=-1), "max_rate", "-1"),
        (lambda: predicted_error(1, 3, 300, dt=0), "dt", "0"),
        (lambda: predicted_error(1, 3, 300, method="rk4"), "method", "'rk4'"),
        (lambda: predicted_error(1, 9, 300, dt=0.5, method="euler"), "method", "euler"),
        (lambda: predicted_error(1, 3, 9, realization="x"), "realization", "'x'"),
        (lambda: neurons_for_error(0, 1, 3), "error", "0"),
        (lambda: neurons_for_error("small", 1, 3), "error", "'small'"),
        (lambda: neurons_for_error(1e-15, 1, 3), "error", "1e-15 would need more"),
        (lambda: neurons_for_error(0.1, -1, 3), "theta", "-1"),
        (lambda: neurons_for_error(0.1, 1, "3"), "d", "'3'"),
    ],
)
def test_bad_arguments(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
