"""``nengo-lmu feedback``: single neurons, their sum, and errors by size and delay."""

import json
import re
from dataclasses import replace

import nengo
import numpy as np
import pytest
from commands import (
    assert_continued,
    assert_measured_once,
    assert_refused,
    printed_by,
)

from nengo_lmu.analysis.memory import measure
from nengo_lmu.analysis.theory import TOLERANCE, predict
from nengo_lmu.cli import main
from nengo_lmu.experiments.feedback import experiment as feedback_check
from nengo_lmu.experiments.feedback.experiment import DELAYS, Feedback
from nengo_lmu.experiments.feedback.report import draw_feedback
from nengo_lmu.experiments.feedback.spectrum import noise_spectrum, summed_variance
from nengo_lmu.experiments.feedback.spikes import (
    COUNTED,
    INTERVAL_EDGES,
    counted_windows,
    measure_neurons,
    measure_sums,
    spectrum_bins,
)
from nengo_lmu.legendre import ArgumentError, discretize, state_space
from nengo_lmu.legendre.planner import quietest

QUICK = Feedback(theta=0.2, d=3, windows=40)


def designed(setting):
    return quietest(setting.theta, setting.d, setting.n_neurons, **setting.for_theory)[
        0
    ]


# --- the theory of the noise, against other formulas


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.0, 1.5])
def test_variance_in_one_dimension_is_a_geometric_series(gain):
    """``(z - A) / (z - A + k)`` is ``1 - k / (z - (A - k))``: a geometric series.

    With ``b = A - k``, steps that are ``j`` apart have the covariance ``k^2 b^j /
    (1 - b^2)``, and 1 more for ``j = 0``, or ``k b^(j - 1)`` less. In long windows what
    is left is the power at frequency 0, ``((1 - A) / (1 - b))^2``, and, once a window,
    ``-2 j`` times the covariances.
    """
    populations, _ = quietest(0.02, 1, 10, error_feedback=gain)
    ((A,),) = discretize(*state_space(0.02, 1), 0.001)[0]
    b, W = A - gain, 2000
    found = summed_variance(populations, np.ones(1), [0.001, 0.001 * W])[:, 0]
    assert found[0] == pytest.approx(1 + gain**2 / (1 - b**2))
    once = 2 * (gain - gain**2 * b / (1 - b**2)) / (1 - b) ** 2
    assert found[1] == pytest.approx(((1 - A) / (1 - b)) ** 2 + once / W)


def test_without_feedback_the_noise_is_white():
    populations, _ = quietest(1.0, 6, 600, error_feedback=0)
    found = noise_spectrum(populations, np.arange(1.0, 7.0), np.geomspace(0.1, 500, 9))
    assert np.allclose(found, 1)


def test_variance_is_what_neurons_are_given_and_their_noise():
    """``s - x = f + eta``, where the rates say what neurons are given, ``x + f``.

    For Gaussian ``x`` and ``f``, the mean of ``|x + f|`` goes as the root of the
    variance. The sixth dimension has so few neurons that half of it is ``f``.
    """
    populations, counts = quietest(1.0, 6, 600)
    r = populations.max_rate
    mean_abs = 2 * populations.rates(counts) / r
    poisson = 2 * mean_abs / (r * 0.001) / counts
    given = summed_variance(populations, poisson, [0.001])[0] * poisson - poisson
    own = populations.statistics.mean_square(np.linalg.inv(populations.realization.T))
    assert np.pi / 2 * mean_abs**2 == pytest.approx(own + given, rel=0.05)


def test_power_of_a_sum_is_that_of_the_sum():
    """Noise of the predicted spectrum, made by its recursion, summed over windows.

    The mean over 20,000 windows or more scatters by less than 1 %.
    """
    gain, delay, n = 0.3, 2, 200_000
    populations, _ = quietest(
        0.02, 1, 10, error_feedback=gain, feedback_delay=0.001 * delay
    )
    ((A,),) = discretize(*state_space(0.02, 1), 0.001)[0]
    eta = np.random.RandomState(0).randn(n)
    f, wrong = np.zeros(n + 1), np.zeros(n)
    for t in range(n):
        wrong[t] = f[t] + eta[t]
        f[t + 1] = A * f[t] - gain * (wrong[t - delay] if t >= delay else 0)
    windows = [1, 2, 5, 10]
    found = [np.var(wrong.reshape(-1, W).sum(axis=1)) / W for W in windows]
    predicted = summed_variance(populations, np.ones(1), 0.001 * np.array(windows))
    assert found == pytest.approx(predicted[:, 0], rel=0.04)


# --- what is measured


@pytest.fixture(scope="module")
def neurons():
    """The populations that stand still, without and with feedback."""
    without, fed = (measure_neurons(one) for one in QUICK.typical())
    return without, fed


def standing(result):
    found = [
        one
        for one in result["populations"]
        if one["other_side"] < feedback_check.STANDING and one["n"] > 20
    ]
    assert found
    return found


def test_intervals_are_those_of_a_poisson_process(neurons):
    """A coefficient of variation of 1, with and without.

    That of ``n`` exponential intervals has a standard error of ``1 / sqrt(n)``, and a
    bias of about ``-1 / n`` for each neuron. With feedback a neuron's own spikes are
    part of what it hears, one of ``n`` parts. Without, the state that neurons follow
    is noisy itself, by a tenth, which adds half of its square.
    """
    for result in neurons:
        for one in standing(result):
            bound = 4 / np.sqrt(one["intervals"]) + one["n"] / one["intervals"]
            assert abs(one["cv"] - 1) < bound + 1 / one["n"]


def test_intervals_are_exponential(neurons):
    """Each bin within 5 standard errors of its expected number, or a tenth of it.

    Steps of 1 ms are a twelfth of an interval, so that bins hold 3 steps, or 2 or 4.
    """
    for result in neurons:
        found = np.array(result["histogram"])
        share = -np.diff(np.exp(-INTERVAL_EDGES))
        expected = found.sum() * share / share.sum()
        many = expected > 100
        bound = 5 * np.sqrt(expected) + 0.1 * expected
        assert np.all(np.abs(found - expected)[many] < bound[many])


def test_counts_vary_as_poissons_and_their_sum_does_not(neurons):
    """Single neurons: 1, less one part of ``n`` of what their sum has less.

    A variance over ``n_windows`` windows has a standard error of ``sqrt(2 /
    n_windows)`` of it, and neurons are independent of each other. The sum has less
    than a tenth, where the theory says a twentieth, known to 13 %.
    """
    _, fed = neurons
    n_windows = QUICK.windows * QUICK.theta / fed["counted"]
    for one in standing(fed):
        expected = 1 - (1 - one["sum_fano"]) / one["n"]
        bound = 4 * np.sqrt(2 / (n_windows * one["n"]))
        assert abs(one["fano"] - expected) < bound
        assert one["sum_fano"] < 0.1


def test_without_feedback_the_sum_varies_as_poissons(neurons):
    """At least: the noise of the state adds to it. Within 4 standard errors."""
    without, _ = neurons
    n_windows = QUICK.windows * QUICK.theta / without["counted"]
    for one in standing(without):
        assert one["sum_fano"] > 1 - 4 * np.sqrt(2 / n_windows)


def test_pairs_are_independent(neurons):
    """Correlations of pairs scatter as those of independent neurons, around -1/n.

    Of counts in ``n_windows`` windows they scatter by ``1 / sqrt(n_windows)``; over
    hundreds of pairs, that is known to 5 %. Their mean follows from the variance of
    the sum: ``-(1 - sum) / n``, and the sum is known to 13 %.
    """
    _, fed = neurons
    for one in standing(fed):
        assert one["spread"] == pytest.approx(1, abs=0.15)
        assert -1.05 < one["n"] * one["correlation"] < -0.85


@pytest.mark.parametrize("delay", [0, 0.002])
@pytest.mark.parametrize("gain", [0, 0.5, None])
def test_sums_are_the_theorys(gain, delay):
    """Variance in windows and spectrum, for as many spikes as there were.

    Within 5 standard errors of a mean of 3 seeds. Neurons fire more at some times than
    at others, so that variances scatter by more than those of Gaussian noise: by half
    as much again. A point of the spectrum has as many values as frequencies times
    segments, which take two windows each.
    """
    _, one = QUICK.typical()
    one = replace(one, error_feedback=gain, feedback_delay=delay)
    results = [measure_sums(replace(one, seed=seed)) for seed in range(3)]
    populations, windows = designed(one), results[0]["windows"]

    def ratios(name, predict, axis):
        return np.mean(
            [
                np.array(result[name])
                / predict(populations, np.array(result["poisson"]), axis)
                for result in results
            ],
            axis=0,
        )

    n_steps = 3 * (one.n_steps - one.warm_steps)
    n_windows = n_steps * one.dt / np.array(windows)
    found = ratios("variance", summed_variance, windows)
    bound = 5 * 1.5 * np.sqrt(2 / n_windows)
    assert np.all(np.abs(found - 1) < bound[:, np.newaxis])

    frequency, bins = spectrum_bins(one)

    def expected(populations, poisson, frequency):
        spectrum = noise_spectrum(populations, poisson, frequency)
        return np.array([spectrum[some].mean(axis=0) for some in bins])

    found = ratios("spectrum", expected, frequency)
    n_values = np.array([len(some) for some in bins]) * n_steps / (2 * one.warm_steps)
    bound = 5 * 1.5 / np.sqrt(n_values)
    assert np.all(np.abs(found - 1) < bound[:, np.newaxis])


def test_late_feedback_is_worse_as_predicted(monkeypatch):
    """Within 15 % of what is predicted, and worse the later it is.

    Errors last for some steps only, so that 4 s in all tell them to some 5 %.
    """
    monkeypatch.setattr(feedback_check, "DELAYS", (0, 0.002, 0.01))
    plan = Feedback(theta=0.1, d=6, windows=20)
    found = []
    for one in plan.late():
        errors = [measure(replace(one, seed=seed))["window"] for seed in range(2)]
        assert np.mean(errors) == pytest.approx(predict(one), rel=TOLERANCE)
        found.append(np.mean(errors))
    assert found == sorted(found)


# --- the plan


def test_windows_of_counting_fit():
    assert counted_windows(20) == [1]
    assert counted_windows(40_000) == list(COUNTED)


def test_all_memories_meet_the_same_input():
    plan = Feedback(d=12)
    pairs = [plan.typical(), *plan.sizes()]
    assert [pair[0].n_neurons for pair in pairs] == [1200, 24, 72, 240, 1200, 4800]
    for without, fed in pairs:
        assert replace(without, error_feedback=None) == fed
    assert len({one.windows for pair in pairs for one in pair}) == 1
    assert [one.feedback_delay for one in plan.late()] == list(DELAYS)
    assert len(replace(plan, n_neurons=(60, 60, 24)).sizes()) == 2


def test_too_short_a_measurement_is_refused():
    with pytest.raises(ArgumentError, match="windows: must be 20 .* 2 of .*; use more"):
        Feedback(theta=0.005, d=1, windows=2).typical()


# --- the command

COMMAND = (
    "feedback --theta 0.1 --d 2 --n-neurons 4 20 --seeds 2 --windows 2 --workers 2"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small check: its arguments, its folder, and what was printed."""
    out = tmp_path_factory.mktemp("feedback") / "out"
    argv = [*COMMAND.split(), "--out", str(out)]
    return argv, out, printed_by(argv)


def test_the_command_writes_table_record_and_figure(small, capsys, monkeypatch):
    argv, out, printed = small
    lines = [line for line in printed.splitlines() if str(out) not in line]
    assert max(len(line) for line in lines) <= 79
    record = json.loads((out / "feedback.json").read_text())
    assert (out / "feedback.png").read_bytes().startswith(b"\x89PNG")
    assert record["versions"]["nengo"] == nengo.__version__
    assert record["settings"]["n_neurons"] == [4, 20] and record["n_neurons"] == 200

    # as printed
    few, _ = record["sizes"]
    assert few["ratio"] == pytest.approx(few["without"]["mean"] / few["with"]["mean"])
    (row,) = (line for line in lines if re.match("4 +0", line))
    assert f" {few['with']['mean']:.5f} +- " in row and f"{few['floor']:.5f}" in row
    late = record["delays"][-1]
    (row,) = (line for line in lines if re.match("10 ms .* [+]- ", line))
    assert f" {late['mean']:.5f} +- " in row and f" {late['predicted']:.5f} " in row
    (row,) = (line for line in lines if line.startswith("1 ms ") and "+-" not in line)
    largest = int(np.argmax(record["sums"]["with"]["counts"]))
    found = record["sums"]["with"]["variance"]["mean"][0][largest]
    assert f" {found:.4f} " in row
    shown = [line for line in lines if line.startswith("with feedback ")]
    assert shown and all(re.search(r" -0\.\d{4}$", line) for line in shown)

    assert_measured_once(argv, record, monkeypatch)
    assert_continued(argv, out, capsys, monkeypatch)


def test_a_single_seed_has_no_error_bars(tmp_path, capsys):
    argv = "feedback --theta 0.05 --d 1 --n-neurons 2 --seeds 1 --windows 1".split()
    assert main([*argv, "--out", str(tmp_path)]) == 0
    assert "+-" not in capsys.readouterr().out
    record = json.loads((tmp_path / "feedback.json").read_text())
    assert all(one["standard_error"] is None for one in record["delays"])
    assert (tmp_path / "feedback.png").exists()


def test_the_figure_has_what_the_record_has(small):
    _, out, _ = small
    record = json.loads((out / "feedback.json").read_text())
    panels = draw_feedback(record).axes
    titles = [axes.get_title(loc="left")[0] for axes in panels]
    assert titles == list("abcdef")
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in panels)
    # intervals, counts and spectrum of both kinds, single neurons, sizes, delays
    assert [len(axes.containers) for axes in panels] == [0, 2, 3, 2, 4, 5]


@pytest.mark.parametrize(
    "wrong, problem",
    [
        ("--theta 0", "--theta: '0' was given; give a number of seconds greater"),
        ("--d 2.5", "--d: '2.5' was given; give a whole number of at least 1"),
        (
            "--n-neurons 1",
            "--n-neurons: '1' was given; give a whole number of at least 2",
        ),
        ("--n-neurons", "--n-neurons: expected at least one argument"),
        ("--seeds 0", "--seeds: '0' was given"),
        ("--windows many", "--windows: 'many' was given"),
        ("--workers 0", "--workers: '0' was given"),
        (
            "--n-neurons 60 10",
            "argument --n-neurons: must be at least 12, .* but 10 was given; use",
        ),
        ("--theta 0.001", "argument --theta: must be at least 0.002 s, .* was given"),
        (
            "--theta 0.01 --windows 1",
            "argument --windows: must be 20 .* but 1 of .* was given; use more",
        ),
        ("--out precious", "argument --out: 'precious' is a file; give a folder"),
    ],
)
def test_bad_arguments_are_one_line(wrong, problem, capsys, tmp_path, monkeypatch):
    argv = ["feedback", *wrong.split()]
    assert_refused(argv, problem, capsys, tmp_path, monkeypatch)
