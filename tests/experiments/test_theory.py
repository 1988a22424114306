"""``nengo-lmu theory``: the theory against simulations, and unforeseen input."""

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

from nengo_lmu.analysis import simulators, sweep
from nengo_lmu.analysis.memory import Setting, measure, windows_for
from nengo_lmu.analysis.stimuli import STIMULI
from nengo_lmu.analysis.theory import LIMIT, TOLERANCE, predict
from nengo_lmu.cli import main
from nengo_lmu.experiments.theory import experiment as theory_check
from nengo_lmu.experiments.theory.experiment import RECIPES, Theory
from nengo_lmu.experiments.theory.report import draw_theory
from nengo_lmu.legendre import ArgumentError

QUICK = Setting(theta=0.2, d=6, n_neurons=600)
FULL = Theory(full=True)

# How much of the usual recipe's error ours has at most, with as many neurons of the
# same rates and the same synapse: without error feedback, and with it.
BOUNDS = {6: 0.40, 12: 0.27, 24: 0.22}
FEEDBACK_BOUNDS = {6: 0.03, 12: 0.03, 24: 0.03}

# and how much of the error without feedback that with it has
GAIN_BOUNDS = {6: 0.09, 12: 0.11, 24: 0.15}


def present(setting, seed=0):
    return STIMULI[setting.stimulus].sample(setting, np.random.RandomState(seed))


def mean_errors(*settings, seeds):
    """Return the mean window error of each setting."""
    flat = [replace(one, seed=seed) for one in settings for seed in range(seeds)]
    errors = [record["result"]["window"] for record in sweep.run(measure, flat)]
    return np.reshape(errors, (len(settings), seeds)).mean(axis=1)


def assert_cells_agree(plan):
    """Each within 15 %.

    The mean over 5 seeds has a standard error of 2 % with the default windows. Without
    error feedback it is 2 to 3 %, 4 % where theta is 10 s, so that 15 % are 5 or nearly
    4 of them.
    """
    wanted = plan.grid()
    measured = mean_errors(*wanted, seeds=5)
    ratios = measured / [predict(setting) for setting in wanted]
    wrong = np.flatnonzero(np.abs(ratios - 1) > TOLERANCE)
    assert len(wrong) == 0, [(wanted[i], ratios[i]) for i in wrong]


# --- what is presented


@pytest.mark.parametrize(
    "stimulus, louder, faster", [("design", 1, 1), ("louder", 3, 1), ("faster", 1, 3)]
)
def test_white_noise_has_its_rms_and_its_band(stimulus, louder, faster):
    setting = replace(QUICK, theta=1.0, stimulus=stimulus, rms=0.2, windows=400)
    u = present(setting)
    assert u.shape == (401000,)
    assert np.sqrt(np.mean(u[1000:] ** 2)) == pytest.approx(0.2 * louder)
    # 401 waves or more, flat up to d / (6 theta) = 1 Hz or to 3 Hz, and none above
    power = np.abs(np.fft.rfft(u)) ** 2
    frequency = np.fft.rfftfreq(len(u), setting.dt)
    below = power[frequency <= faster / 2].sum() / power.sum()
    assert below == pytest.approx(0.5, abs=0.1)
    assert power[frequency > faster * 1.05].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("rms, largest", [(0.3, 1.0), (0.15, 0.5)])
def test_steps_are_held_and_have_three_levels(rms, largest):
    u = present(replace(QUICK, stimulus="steps", rms=rms, windows=200))
    held = u.reshape(-1, 100)  # half of 0.2 s
    assert np.all(held == held[:, :1])
    levels = held[:, 0]
    assert np.all(np.diff(levels) != 0)
    found, counts = np.unique(levels, return_counts=True)
    assert np.allclose(found, [-largest, 0, largest])
    # 402 levels, so that each is expected 134 times, give or take some 8
    assert counts.min() > 100


@pytest.mark.parametrize("windows", [1, 3])
@pytest.mark.parametrize("theta", [0.002, 0.0025, 0.003, 0.0071])
def test_steps_of_the_shortest_windows_are_not_silent(theta, windows):
    setting = Setting(theta, 3, 300, stimulus="steps", windows=windows)
    for seed in range(20):
        assert np.any(present(setting, seed)[setting.warm_steps :])


@pytest.mark.parametrize("rms, largest", [(0.3, 1.0), (0.15, 0.5)])
@pytest.mark.parametrize("windows", [1, 4, 21])
def test_onsets_come_after_silence(rms, largest, windows):
    """A window of silence, then two at full range and two of silence, in turns."""
    setting = replace(QUICK, stimulus="onset", rms=rms, windows=windows)
    u = present(setting)
    assert u.shape == (setting.n_steps,)
    by_window = u.reshape(-1, 200)  # of 0.2 s
    assert np.all(by_window == by_window[:, :1])
    levels = by_window[:, 0]
    full = [k % 4 in (1, 2) for k in range(windows + 1)]
    assert np.allclose(np.abs(levels), np.where(full, largest, 0))
    if windows == 21:  # of either sign: six onsets, one sign of 2 * 2^-6 draws
        assert set(np.sign(levels)) == {-1, 0, 1}


@pytest.mark.parametrize("neuron_type", ["poisson", "stochastic", "regular"])
@pytest.mark.parametrize("gain", [None, 0.0])
def test_silence_has_no_spikes_and_no_error(neuron_type, gain):
    """No input, no spikes, no error; by the usual recipe there are both."""
    setting = replace(
        QUICK, stimulus="silence", neuron_type=neuron_type, error_feedback=gain
    )
    assert not np.any(present(setting))
    result = measure(setting)
    assert result["window"] == result["delay"] == result["spikes_per_second"] == 0
    usual = measure(replace(setting, recipe="usual"))
    assert usual["window"] > 0 and usual["spikes_per_second"] > 0


def test_errors_at_silence_are_relative_to_the_design():
    """The usual recipe's noise does not depend on it."""
    setting = replace(QUICK, stimulus="silence", recipe="usual", tau=0.05, windows=2)
    one, half = measure(setting), measure(replace(setting, rms=setting.rms / 2))
    assert half["window"] == pytest.approx(2 * one["window"])


@pytest.mark.parametrize("stimulus", STIMULI)
def test_inputs_are_those_of_their_seed(stimulus):
    setting = replace(QUICK, stimulus=stimulus, windows=40)
    assert np.array_equal(present(setting), present(setting))
    if stimulus != "silence":
        assert not np.array_equal(present(setting), present(setting, 1))


@pytest.mark.parametrize("stimulus", STIMULI)
def test_without_spikes_there_is_no_error(stimulus, monkeypatch):
    """Whatever is presented: linear neurons do not saturate."""
    monkeypatch.setitem(simulators.NEURON_TYPES, "regular", nengo.RectifiedLinear())
    setting = replace(QUICK, neuron_type="regular", stimulus=stimulus, windows=2)
    result = measure(setting)
    assert result["window"] < 1e-6 and result["delay"] < 1e-6


@pytest.mark.parametrize("gain", [None, 0.0])
def test_errors_are_relative_to_what_is_presented(gain):
    """The noise's variance goes as the rate: 3 times as loud is better by sqrt(3).

    Nearly, since noise makes neurons fire too. One mean over 5 seeds scatters by 6 %,
    with feedback by 2 %.
    """
    start = replace(QUICK, n_neurons=1200, error_feedback=gain)
    design, louder = mean_errors(start, replace(start, stimulus="louder"), seeds=5)
    assert louder / design == pytest.approx(1 / np.sqrt(3), rel=0.15)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"stimulus": "speech"}, "stimulus: .*'steps'.* 'speech' was given"),
        ({"stimulus": "faster", "theta": 0.005}, "theta: must be at least 0.006 s"),
        ({"stimulus": "steps", "theta": 0.001, "d": 1}, "theta: .* least 0.002 s"),
        ({"stimulus": "onset", "theta": 0.001}, "theta: .* least 0.002 s"),
        ({"stimulus": "silence", "theta": 0.001}, "theta: .* least 0.002 s"),
        ({"error_feedback": -1.0}, "error_feedback: .* -1.0 was given"),
        ({"error_feedback": np.nan}, "error_feedback: .* nan was given"),
        ({"feedback_delay": -0.1}, "feedback_delay: .* -0.1 was given"),
    ],
)
def test_stimuli_that_cannot_be_presented_are_refused(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        replace(QUICK, **wrong)


def test_the_theory_is_of_the_design():
    assert predict(QUICK) > 0
    assert predict(replace(QUICK, stimulus="steps")) is None


# --- what is measured


def test_the_grid_is_where_the_error_is_small():
    plan = Theory(
        theta=(0.1, 10.0), d=(24, 24), per_dimension=(50, 200), error_feedback=0.0
    )
    found = plan.grid()
    assert all(predict(setting) < LIMIT for setting in found)
    # 0.1 s are too short for 24 dimensions of 50 neurons; at 10 s, a synapse of 0.05 s
    # is too short for them
    cells = [
        (setting.theta, setting.n_neurons // setting.d, setting.tau)
        for setting in found
    ]
    assert cells == [
        *((0.1, 200, tau) for tau in (0.05, 0.1, 0.2, 0.4)),
        *((10.0, 50, tau) for tau in (0.1, 0.2, 0.4)),
        *((10.0, 200, tau) for tau in (0.05, 0.1, 0.2, 0.4)),
    ]


def test_the_grid_with_feedback_has_all_but_small_memories():
    """All of it, but for few neurons at the shortest windows and the longest steps."""
    plan = replace(FULL, theta=(0.1,), d=(24,), tau=(0.1,))
    cells = [(one.n_neurons // one.d, one.dt) for one in plan.grid()]
    assert (200, 0.002) in cells and (800, 0.002) in cells and (20, 0.0005) in cells
    assert (20, 0.002) not in cells
    assert all(predict(setting) < LIMIT for setting in plan.grid())


def test_windows_are_more_for_few_dimensions():
    """More for few dimensions, whose errors scatter more; fewer where they are long.

    And fewer still with feedback, where errors are over after a few steps.
    """
    plan = replace(FULL, per_dimension=(200,), tau=(0.2,), dt=(0.001,))

    def windows(plan, theta):
        found = {one.d: one.windows for one in plan.grid() if one.theta == theta}
        return [found[d] for d in (3, 6, 12, 24)]

    without = replace(plan, error_feedback=0.0)
    assert windows(without, 1.0) == [40, 40, 20, 10]
    assert windows(without, 10.0) == [20, 20, 20, 10]
    for fed in (plan, replace(plan, error_feedback=0.5)):
        assert windows(fed, 1.0) == windows(fed, 10.0) == [12, 8, 4, 4]
    assert {one.windows for one in replace(plan, windows=7).grid()} == {7}


@pytest.mark.parametrize("theta, d", [(0.1, 3), (0.2, 6), (0.2, 24)])
@pytest.mark.parametrize("gain", [None, 0.0])
def test_windows_are_enough(theta, d, gain):
    """The mean of 5 seeds is known to 3 %, so a single error scatters by some 7 %.

    Over 16 seeds its deviation is known to 18 %: 10 % are more than two of those.
    """
    start = Setting(theta, d, 50 * d, tau=theta / 5, error_feedback=gain)
    start = replace(start, windows=windows_for(theta, d, gain))
    flat = [replace(start, seed=seed) for seed in range(16)]
    errors = [record["result"]["window"] for record in sweep.run(measure, flat)]
    assert np.std(errors, ddof=1) < 0.1 * np.mean(errors)


def test_all_recipes_are_given_the_same():
    found = Theory(error_feedback=0.3).unforeseen()
    assert len(found) == len(STIMULI) * 3
    assert {one["default"].stimulus for one in found} == set(STIMULI)
    for one in found:
        default = one["default"]
        assert default.recipe == "default" and default.error_feedback is None
        assert one["usual"] == replace(default, recipe="usual")
        assert one["without"] == replace(default, error_feedback=0.0)
        assert default.tau == 0.1 and default.max_rates == (100, 120)
        assert default.n_neurons == 200 * default.d


def test_no_cell_is_too_few():
    with pytest.raises(ArgumentError, match="per_dimension: .* but 2 was given; use"):
        Theory(
            theta=(10.0,), tau=(0.05,), per_dimension=(2,), error_feedback=0.0
        ).grid()


@pytest.mark.parametrize("gain", [None, 0.0])
def test_cells_agree_with_the_theory(gain):
    plan = Theory(
        theta=(0.1,), tau=(0.1,), per_dimension=(50, 200), error_feedback=gain
    )
    assert_cells_agree(plan)


def test_cells_agree_at_other_time_steps():
    """At 2 ms, a neuron at the edge of its range fires 0.44 spikes a step."""
    plan = Theory(theta=(0.1,), tau=(0.1,), dt=(0.0005, 0.002), seeds=5)
    assert_cells_agree(plan)


def test_the_usual_recipe_is_worse():
    """At most 0.40 of its error for 6 dimensions, where 0.33 are expected.

    With 10 windows, a mean of 5 seeds scatters by some 6 %, and the ratio by 8 %. With
    feedback 0.02 are expected.
    """
    for one in Theory(windows=10).unforeseen():
        if (one["default"].stimulus, one["default"].d) == ("design", 6):
            names = ("default", "without", "usual")
            fed, plain, theirs = mean_errors(*(one[name] for name in names), seeds=5)
            assert plain <= BOUNDS[6] * theirs
            assert fed <= FEEDBACK_BOUNDS[6] * theirs


@pytest.fixture(scope="module")
def unforeseen():
    found = Theory().unforeseen()
    errors = mean_errors(*(one[name] for one in found for name in RECIPES), seeds=5)
    return {
        (one["default"].stimulus, one["default"].d): dict(zip(RECIPES, measured))
        for one, measured in zip(found, errors.reshape(-1, len(RECIPES)))
    }


@pytest.mark.slow
@pytest.mark.parametrize("d", BOUNDS)
def test_our_recipe_is_better_than_the_usual_one(unforeseen, d):
    errors = unforeseen["design", d]
    assert errors["without"] <= BOUNDS[d] * errors["usual"]
    assert errors["default"] <= FEEDBACK_BOUNDS[d] * errors["usual"]


@pytest.mark.slow
@pytest.mark.parametrize("d", BOUNDS)
@pytest.mark.parametrize("stimulus", STIMULI)
def test_unforeseen_input_is_no_worse_than_usual(unforeseen, stimulus, d):
    """Never worse than the usual recipe, even without feedback, nor worse with it.

    Without, it is better by about 3 in all cases; with feedback by 10 again. At silence
    there is no error either way.
    """
    errors = unforeseen[stimulus, d]
    assert errors["without"] <= errors["usual"]
    assert errors["default"] <= GAIN_BOUNDS[d] * errors["without"]


@pytest.mark.slow
@pytest.mark.parametrize("dt", FULL.dt)
@pytest.mark.parametrize("theta", [0.1, 1.0])
def test_the_whole_grid_agrees_with_the_theory(theta, dt):
    assert_cells_agree(replace(FULL, theta=(theta,), dt=(dt,)))


@pytest.mark.slow
@pytest.mark.parametrize("theta", [0.1, 1.0])
def test_the_grid_without_feedback_agrees_with_the_theory(theta):
    plan = replace(FULL, theta=(theta,), dt=(0.001,), per_dimension=(50, 200, 800))
    assert_cells_agree(replace(plan, error_feedback=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("gain", [None, 0.0])
def test_long_windows_agree_with_the_theory(gain):
    """A part of what ``nengo-lmu theory --full`` measures, which takes hours."""
    plan = replace(FULL, theta=(10.0,), d=(6, 24), per_dimension=(50, 200))
    plan = replace(plan, tau=(0.1, 0.4), dt=(0.001,), error_feedback=gain)
    assert_cells_agree(plan)


# --- the command

COMMAND = "theory --theta 0.1 --d 2 3 --per-dimension 30 --tau 0.05 --workers 2".split()


@pytest.fixture
def fewer(monkeypatch):
    """Make the part with unforeseen input small."""
    monkeypatch.setitem(theory_check.UNFORESEEN, "theta", 0.1)
    monkeypatch.setattr(theory_check, "UNFORESEEN_ORDERS", (2, 3))
    monkeypatch.setattr(theory_check, "UNFORESEEN_PER_DIMENSION", 20)


@pytest.fixture
def small(fewer, tmp_path):
    """A small check: its arguments, its folder, and what was printed."""
    out = tmp_path / "out"
    argv = [*COMMAND, "--seeds", "2", "--windows", "1", "--out", str(out)]
    return argv, out, printed_by(argv)


def test_the_command_writes_table_record_and_figure(small, capsys, monkeypatch):
    argv, out, printed = small
    lines = [line for line in printed.splitlines() if str(out) not in line]
    assert max(len(line) for line in lines) <= 79
    record = json.loads((out / "theory.json").read_text())
    assert (out / "theory.png").read_bytes().startswith(b"\x89PNG")
    assert record["versions"]["nengo"] == nengo.__version__
    assert record["settings"]["d"] == [2, 3] and record["settings"]["seeds"] == 2

    # as printed
    cell, _ = record["cells"]
    assert cell["ratio"] == pytest.approx(np.mean(cell["errors"]) / cell["predicted"])
    (row,) = (line for line in lines if line.startswith("theta=0.1 s  2"))
    assert row.split()[1:] == ["s", "2", "1", "ms", "1", *[f"{cell['ratio']:.3f}"] * 3]
    inside = sum(abs(cell["ratio"] - 1) <= 0.15 for cell in record["cells"])
    assert f"{inside} of 2 within 15 %" in lines
    found = record["unforeseen"][-1]
    assert (found["stimulus"], found["d"], found["n_neurons"]) == ("silence", 3, 60)
    assert found["ratios"] == {"usual": 0, "without": None}
    found = next(one for one in record["unforeseen"] if one["stimulus"] == "steps")
    means = {name: found[name]["mean"] for name in RECIPES}
    for name in ("usual", "without"):
        expected = means["default"] / means[name]
        assert found["ratios"][name] == pytest.approx(expected)
    errors, costs = (line for line in lines if re.match("steps +2 ", line))
    assert all(f"{mean:.5f} +- " in errors for mean in means.values())
    assert all(f" {ratio:.3f} " in costs for ratio in found["ratios"].values())
    both = [
        (one["default"]["mean"], one["without"]["mean"]) for one in record["unforeseen"]
    ]
    worse = sum(ours > theirs for ours, theirs in both)
    assert f"worse than without feedback for {worse} of {len(both)}; at most" in printed

    assert_measured_once(argv, record, monkeypatch)
    assert_continued(argv, out, capsys, monkeypatch)


def test_a_single_seed_has_no_error_bars(fewer, tmp_path, capsys):
    argv = [*COMMAND, *f"--seeds 1 --windows 1 --out {tmp_path}".split()]
    assert main(argv) == 0
    assert "+-" not in capsys.readouterr().out
    record = json.loads((tmp_path / "theory.json").read_text())
    assert all(cell["standard_error"] is None for cell in record["cells"])
    assert (tmp_path / "theory.png").exists()


def test_the_figure_has_a_colour_for_any_number_of_orders():
    recipe = {"mean": 0.1, "standard_error": 0.01}
    cells = [
        {"theta": theta, "d": d, "dt": dt, "predicted": 0.1 * theta, **recipe}
        for theta in range(1, 10)
        for d in range(1, 10)
        for dt in (0.001, 0.002)
    ]
    found = [
        {"stimulus": "steps", "d": d, **dict.fromkeys(RECIPES, recipe)}
        for d in range(1, 10)
    ]
    record = {"settings": {"seeds": 2}, "cells": cells, "unforeseen": found}
    panels = draw_theory(record).axes
    assert [len(axes.containers) for axes in panels] == [162, 162, 27]


def test_the_figure_shows_that_there_is_no_error():
    """Below the axis, which is logarithmic: a marker, and no error bars."""
    recipe = {"mean": 0.1, "standard_error": 0.01}
    none = {"mean": 0.0, "standard_error": 0.0}
    cell = {"theta": 1, "d": 6, "dt": 0.001, "predicted": 0.1, **recipe}
    silent = {"usual": recipe, "without": none, "default": none}
    found = [{"stimulus": "silence", "d": d, **silent} for d in (6, 12)]
    record = {"settings": {"seeds": 2}, "cells": [cell], "unforeseen": found}
    *_, axes = draw_theory(record).axes
    assert len(axes.containers) == 2
    assert [text.get_text() for text in axes.texts] == ["none", "silence"]


@pytest.mark.parametrize("arguments, plan", [([], Theory()), (["--full"], FULL)])
def test_what_is_given_takes_the_place_of_the_default(arguments, plan, monkeypatch):
    class Asked(Exception):
        pass

    def ask(plan, run):
        raise Asked(plan)

    monkeypatch.setattr(Theory, "measure", ask)
    with pytest.raises(Asked) as asked:
        main(["theory", *arguments])
    assert asked.value.args == (plan,)
    with pytest.raises(Asked) as asked:
        main(["theory", *arguments, "--theta", "3", "--neuron-type", "regular"])
    assert asked.value.args == (replace(plan, theta=(3.0,), neuron_type="regular"),)
    with pytest.raises(Asked) as asked:
        main(["theory", *arguments, *"--dt 0.002 0.004 --error-feedback 0".split()])
    assert asked.value.args == (replace(plan, dt=(0.002, 0.004), error_feedback=0.0),)


@pytest.mark.parametrize(
    "wrong, problem",
    [
        ("--theta 0", "--theta: '0' was given; give a number of seconds greater"),
        ("--d 2.5", "--d: '2.5' was given; give a whole number of at least 1"),
        ("--per-dimension 1", "--per-dimension: '1' was given; give a whole number of"),
        ("--per-dimension", "--per-dimension: expected at least one argument"),
        ("--tau -1", "--tau: '-1' was given"),
        ("--seeds 0", "--seeds: '0' was given"),
        ("--windows many", "--windows: 'many' was given"),
        ("--neuron-type lif", "--neuron-type: 'lif' was given; give one of poisson, "),
        ("--workers 0", "--workers: '0' was given"),
        ("--dt 0", "--dt: '0' was given; give a number of seconds greater than 0"),
        ("--error-feedback -1", "--error-feedback: '-1' was given; give a number of"),
        ("--error-feedback x", "--error-feedback: 'x' was given; give a number of at"),
        ("--error-feedback 3", "argument --error-feedback: must be below .* 3 was giv"),
        ("--theta 0.001", "argument --theta: must be at least 0.002 s, .* was given"),
        (
            "--theta 10 --tau 0.01 --per-dimension 4 2 --error-feedback 0",
            "argument --per-dimension: .* below 0.3, but 4 was given; use more neurons",
        ),
        ("--out precious", "argument --out: 'precious' is a file; give a folder"),
    ],
)
def test_bad_arguments_are_one_line(wrong, problem, capsys, tmp_path, monkeypatch):
    argv = ["theory", *wrong.split()]
    assert_refused(argv, problem, capsys, tmp_path, monkeypatch)
