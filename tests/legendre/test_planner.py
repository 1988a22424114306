"""How many neurons an error needs, and the other way round."""

import numpy as np
import pytest

from nengo_lmu.legendre import (
    ArgumentError,
    best_error_feedback,
    best_tau,
    error_floor,
    neurons_for_error,
    planner,
    predicted_error,
    white_noise_statistics,
)
from nengo_lmu.legendre.planner import quietest


@pytest.mark.parametrize("gain", [None, 0])
def test_predicted_error_falls_as_the_square_root(gain):
    """Where it is small, so that noise makes little noise itself."""
    one, four = (
        predicted_error(1.0, 6, n, error_feedback=gain).window for n in (20000, 80000)
    )
    assert one / four == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize("gain", [None, 0])
def test_predicted_error_falls_with_tau_and_rate(gain):
    def window(**kwargs):
        return predicted_error(1.0, 6, 600, error_feedback=gain, **kwargs).window

    assert window(tau=0.2) < window(tau=0.1) < window(tau=0.05)
    assert window(max_rate=220.0) < window(max_rate=110.0)


@pytest.mark.parametrize("gain", [None, 0])
@pytest.mark.parametrize("d", [3, 6, 24])
def test_balanced_basis_is_the_quietest(d, gain):
    kinds = ("balanced", "principal", "legendre")
    errors = [
        predicted_error(1.0, d, 4800, realization=k, error_feedback=gain).window
        for k in kinds
    ]
    assert errors[0] == min(errors)
    if d == 24:  # where it matters most: it takes a quarter of the neurons
        assert errors[0] < 0.53 * errors[2]


@pytest.mark.parametrize(
    "theta, d, dt", [(0.1, 3, 0.001), (1, 12, 0.001), (9, 6, 0.01)]
)
def test_the_best_tau_has_nearly_the_least_error(theta, d, dt):
    """Within 5 % of the least error over all synapses, and no shorter one is.

    Without error feedback, for which it is chosen.
    """
    best = best_tau(theta, d, dt=dt)

    def window(tau):
        return predicted_error(
            theta, d, 10**6 * d, tau=tau, dt=dt, error_feedback=0
        ).window

    taus = theta * np.geomspace(0.05, 3, 40)
    least = min(window(tau) for tau in taus[taus > dt])
    # the candidates are 10 % apart, and rounded
    assert window(best) <= 1.06 * least
    assert window(0.85 * best) > 1.04 * least
    assert predicted_error(theta, d, 300, dt=dt) == predicted_error(
        theta, d, 300, tau=best, dt=dt
    )


@pytest.mark.parametrize("theta, d", [(0.1, 3), (1.0, 6), (1.0, 24)])
def test_the_best_tau_is_good_with_error_feedback_too(theta, d):
    """One synapse is good for both: within 10 % of the least error with feedback."""
    taus = theta * np.geomspace(0.05, 3, 30)
    windows = [predicted_error(theta, d, 1000 * d, tau=tau).window for tau in taus]
    assert predicted_error(theta, d, 1000 * d).window < 1.1 * min(windows)


def test_spikes_that_are_more_regular_are_quieter():
    def window(spiking, gain=0):
        return predicted_error(1.0, 6, 600, spiking=spiking, error_feedback=gain).window

    assert 3 * window("regular") < window("stochastic") < window("poisson")
    # neurons that are precise by themselves have less to gain
    fed = [window(spiking, None) for spiking in ("regular", "stochastic", "poisson")]
    assert fed == sorted(fed)
    assert fed[0] < window("regular")


# --- neurons that hear their error


@pytest.mark.parametrize("d", [6, 12, 24])
def test_error_is_near_the_floor(d):
    """Never below it, and within 15 % of it by default."""
    floor = error_floor(1.0, d, 100 * d)
    error = predicted_error(1.0, d, 100 * d)
    assert floor.window < error.window < 1.15 * floor.window
    assert floor.delay < error.delay
    without = predicted_error(1.0, d, 100 * d, error_feedback=0)
    assert error.window < without.window / 5
    # for populations that hear nothing too, of which it is another basis and split
    assert error_floor(1.0, d, 100 * d, error_feedback=0).window < without.window


def test_floor_goes_as_a_step():
    """``sqrt(dt / (m r)) / theta``, for a synapse in proportion to theta."""

    def window(theta=1.0, n_neurons=2000, **kwargs):
        return error_floor(theta, 6, n_neurons, tau=0.3 * theta, **kwargs).window

    one = window()
    assert window(dt=0.00025) == pytest.approx(one / 2, rel=0.02)
    assert window(n_neurons=8000) == pytest.approx(one / 2, rel=0.02)
    assert window(max_rate=880.0) == pytest.approx(one / 2, rel=0.02)
    assert window(theta=4.0) == pytest.approx(one / 4, rel=0.02)


def test_floor_needs_spikes_that_are_independent():
    with pytest.raises(ArgumentError, match="'regular' neurons keep") as error:
        error_floor(1.0, 6, 600, spiking="regular")
    assert error.value.name == "spiking"


@pytest.mark.parametrize(
    "d, per_dimension, delay",
    [(3, 100, 0), (6, 20, 0), (6, 200, 0.002), (12, 1000, 0), (24, 50, 0)],
)
def test_the_best_error_feedback_costs_nearly_the_least(d, per_dimension, delay):
    """Near the least mean squared error times spikes that any gain has.

    Here by the populations themselves, which are whole pairs, with the basis and the
    split of each gain. The cost is flat around its minimum, so that 4 % are a step of
    the grid to either side.
    """
    n_neurons = per_dimension * d

    def cost(gain):
        populations, counts = quietest(
            1.0, d, n_neurons, error_feedback=gain, feedback_delay=delay
        )
        spikes = populations.rates(counts) @ counts
        return populations.error(counts).window ** 2 * spikes

    gain = best_error_feedback(1.0, d, n_neurons, feedback_delay=delay)
    least = min(
        cost(other) for other in np.linspace(0.04, 1.0 if not delay else 0.28, 13)
    )
    assert cost(gain) < 1.04 * least
    # and it is the default
    assert predicted_error(1.0, d, n_neurons, feedback_delay=delay) == predicted_error(
        1.0, d, n_neurons, error_feedback=gain, feedback_delay=delay
    )


@pytest.mark.parametrize("d", [64, 128, 192])
def test_gains_at_high_orders_are_the_best(d):
    """They are small there, and the basis of a larger gain is not good for them.

    The default costs at most a tenth more than the least error of any gain.
    """
    grid = np.array([0.5, 0.7, 1.0, 1.4, 2.0])
    tau = best_tau(1.0, d)
    gain = best_error_feedback(1.0, d, 100 * d, tau=tau)
    windows = [
        predicted_error(1.0, d, 100 * d, tau=tau, error_feedback=k).window
        for k in gain * grid
    ]
    assert windows[2] < 1.1 * min(windows)


def test_fewer_neurons_hear_less_of_their_error():
    gains = [best_error_feedback(1.0, 6, m) for m in (12, 60, 600, 60000)]
    assert gains == sorted(gains) and 0 < gains[0] < 0.5 < gains[-1] <= 1


def test_late_feedback_is_worse():
    """The later, the smaller the gain that is best, and the larger the error."""
    delays = (0, 0.001, 0.005, 0.02)
    gains = [best_error_feedback(1.0, 6, 600, feedback_delay=late) for late in delays]
    errors = [predicted_error(1.0, 6, 600, feedback_delay=late) for late in delays]
    windows = [error.window for error in errors]
    assert gains == sorted(gains, reverse=True) and gains[-1] > 0
    assert windows == sorted(windows)
    assert windows[-1] < predicted_error(1.0, 6, 600, error_feedback=0).window / 2
    # a gain that is given may be too large for it
    with pytest.raises(ArgumentError, match="with a delay of 20 time steps, but 0.5"):
        predicted_error(1.0, 6, 600, error_feedback=0.5, feedback_delay=0.02)
    # without feedback there is nothing to be late
    assert predicted_error(
        1.0, 6, 600, error_feedback=0, feedback_delay=0.02
    ) == predicted_error(1.0, 6, 600, error_feedback=0)


@pytest.mark.parametrize("error, most", [(0.05, 20), (0.01, 180)])
def test_an_error_needs_fewer_neurons_with_feedback(error, most):
    """226 and 5600 without."""
    assert neurons_for_error(error, 1.0, 6) <= most
    assert neurons_for_error(error, 1.0, 6, error_feedback=0) > 10 * most


def test_a_slower_input_has_a_smaller_predicted_error():
    """A slower input has a quieter memory, and the rms is what it is relative to."""
    slow = white_noise_statistics(1.0, 6, 0.3, 0.2)
    fast = white_noise_statistics(1.0, 6, 0.3, 1.0)
    small = white_noise_statistics(1.0, 6, 0.003, 1.0)

    def window(statistics):
        return predicted_error(1.0, 6, 1200, input=statistics).window

    assert window(slow) < window(fast)
    assert window(small) == pytest.approx(window(fast))


@pytest.mark.parametrize(
    "error, gain", [(0.5, 0), (0.1, 0), (0.02, 0), (0.05, None), (0.002, None)]
)
def test_neurons_for_error_inverts_predicted_error(error, gain):
    n_neurons = neurons_for_error(error, 1.0, 3, error_feedback=gain)
    assert n_neurons % 2 == 0
    assert predicted_error(1.0, 3, n_neurons, error_feedback=gain).window <= error
    for fewer in range(max(6, n_neurons - 20), n_neurons, 2):
        assert predicted_error(1.0, 3, fewer, error_feedback=gain).window > error


@pytest.mark.parametrize("spiking", ["poisson", "stochastic", "regular"])
@pytest.mark.parametrize("d, gain, delay", [(3, 0, 0), (24, None, 0), (6, None, 0.004)])
def test_noise_that_starts_from_that_of_similar_designs_is_the_same(
    d, gain, delay, spiking
):
    """To ten times the 1e-6 that the last step changes, since steps shrink slowly.

    Starts are far off: of half as many neurons.
    """
    kwargs = {"error_feedback": gain, "feedback_delay": delay, "spiking": spiking}
    similar = planner._designs(1.0, d, 50 * d, **kwargs)
    warm = planner._designs(1.0, d, 100 * d, similar=similar, **kwargs)
    cold = planner._designs(1.0, d, 100 * d, **kwargs)
    for (one, counts), (other, alike) in zip(warm, cold, strict=True):
        assert np.array_equal(counts, alike)
        found, expected = one.covariance(counts), other.covariance(counts)
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
        assert np.allclose(one.rates(counts), other.rates(counts), rtol=1e-5)


def test_what_was_asked_before_changes_nothing():
    """Populations keep what they were asked last, by the numbers of neurons."""
    populations, counts = quietest(1.0, 6, 600)
    first = populations.error(counts)
    assert populations.error(2 * counts).window < first.window
    assert populations.error(counts) == first


def test_numbers_between_those_of_one_gain_have_it():
    """What is said of them is what is sought for each by itself."""
    gain_of = planner._gains(1.0, 6, {})
    numbers = [600, 60, 640, 620, 610, 100, 80]
    gains = [gain_of(n) for n in numbers]
    assert gains == [best_error_feedback(1.0, 6, n) for n in numbers]
    assert planner._gains(1.0, 6, {}, error_feedback=0.3)(600) == 0.3


@pytest.mark.parametrize("d, delay", [(6, 0.08), (3, 0.169)])
def test_small_gains_of_late_feedback_are_the_best_too(monkeypatch, d, delay):
    """Gains of a few thousandths, by the errors of gains to either side."""
    gain = best_error_feedback(1.0, d, 100 * d, feedback_delay=delay)

    def window(gain):
        return predicted_error(
            1.0, d, 100 * d, error_feedback=gain, feedback_delay=delay
        ).window

    assert window(gain) < min(window(0.6 * gain), window(1.3 * gain))


@pytest.mark.parametrize("error", [0.05, 1e-2, 1e-5])
@pytest.mark.parametrize("d, gain", [(3, 0), (12, None), (24, None)])
def test_neurons_for_error_takes_few_designs(monkeypatch, d, gain, error):
    """Secants of what is nearly straight: far fewer than halving a range would take."""
    n_designs = 0

    def counted(*args, **kwargs):
        nonlocal n_designs
        n_designs += 1
        return designs(*args, **kwargs)

    designs = planner._designs
    monkeypatch.setattr(planner, "_designs", counted)
    n_neurons = neurons_for_error(error, 1.0, d, error_feedback=gain)
    assert n_designs <= 12
    assert predicted_error(1.0, d, n_neurons, error_feedback=gain).window <= error
    fewer = predicted_error(1.0, d, n_neurons - 2, error_feedback=gain).window
    assert fewer > error


def test_noise_beyond_all_numbers_is_refused():
    """Named as the caller does, not as what is computed on the way."""
    for rate in (1e-24, 1e-20):
        with pytest.raises(ArgumentError) as error:
            predicted_error(1.0, 6, 100, tau=1e-24, max_rate=rate, input=1e24)
        assert error.value.name == "max_rate" and "higher rate" in str(error.value)


def test_a_large_error_takes_two_neurons_a_dimension():
    """At least an on and an off neuron for each dimension."""
    assert neurons_for_error(1e6, 1.0, 5) == 10
    # the ratio of the two need not be a number above 0
    assert neurons_for_error(1e24, 1.0, 1, error_feedback=0, max_rate=1e24) == 2


def test_neurons_that_can_hardly_fire_are_refused():
    with pytest.raises(ArgumentError) as error:
        predicted_error(1.0, 6, 100, max_rate=1e20, largest_rate=1e-24, input=1e12)
    assert error.value.name == "largest_rate"


@pytest.mark.parametrize("d, most", [(3, 1.03), (6, 1.05), (12, 1.1), (24, 1.15)])
def test_room_for_inputs_of_any_band_costs_little(d, most):
    """At 220 of at most 1000 hertz; at rates that are far from the largest, nothing."""

    def error(largest_rate):
        return predicted_error(
            1.0,
            d,
            100 * d,
            spiking="stochastic",
            error_feedback=0,
            largest_rate=largest_rate,
        ).window

    assert 1.01 < error(1000.0) / error(None) < most
    assert error(1e6) == pytest.approx(error(None), rel=1e-4)


def test_neurons_for_error_passes_options_on():
    plain = neurons_for_error(0.1, 1.0, 3, tau=0.1, max_rate=110.0, error_feedback=0)
    quiet = neurons_for_error(0.1, 1.0, 3, tau=0.2, max_rate=220.0, error_feedback=0)
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
        (
            lambda: predicted_error(1, 3, 300, error_feedback=-1),
            "error_feedback",
            "-1",
        ),
        (
            lambda: predicted_error(1, 3, 300, error_feedback=2.5),
            "error_feedback",
            "below 2, .* 2.5 was given; use None",
        ),
        (
            lambda: predicted_error(1, 3, 300, error_feedback=np.nan),
            "error_feedback",
            "nan",
        ),
        (
            lambda: predicted_error(1, 3, 300, error_feedback="x"),
            "error_feedback",
            "'x'",
        ),
        (
            lambda: predicted_error(1, 3, 300, feedback_delay=-1),
            "feedback_delay",
            "-1",
        ),
        (lambda: error_floor(1, 3, 5), "n_neurons", "at least 6, .* but 5"),
        (lambda: best_error_feedback(1, 3, 0), "n_neurons", "0"),
        (lambda: neurons_for_error(0, 1, 3), "error", "0"),
        (lambda: neurons_for_error("small", 1, 3), "error", "'small'"),
        (lambda: neurons_for_error(1e-15, 1, 3), "error", "1e-15 would need more"),
        (lambda: neurons_for_error(0.1, -1, 3), "theta", "-1"),
        (lambda: neurons_for_error(0.1, 1, "3"), "d", "'3'"),
    ],
)
def test_bad_arguments_are_refused(call, name, value):
    with pytest.raises(ArgumentError, match=value) as error:
        call()
    assert error.value.name == name
