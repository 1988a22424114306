"""``nengo-lmu plan``: what a memory of a given error takes."""

import json
import re

import nengo
import pytest

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis import plan as planning
from nengo_lmu.analysis.memory import Setting
from nengo_lmu.analysis.simulators import NEURON_TYPES
from nengo_lmu.cli import main
from nengo_lmu.legendre import (
    ArgumentError,
    best_error_feedback,
    error_floor,
    neurons_for_error,
    predicted_error,
)
from nengo_lmu.legendre.noise import SPIKING


@pytest.mark.parametrize("spiking", SPIKING)
@pytest.mark.parametrize("d, n_neurons", [(1, 20), (6, 600), (12, 300)])
@pytest.mark.parametrize(
    "gain, delay, size_in",
    [(0.0, 0, 1), (0.0, 3, 1), (None, 0, 1), (0.2, 3, 1), (0.2, 3, 2)],
)
def test_memory_is_that_of_the_simulator(spiking, d, n_neurons, gain, delay, size_in):
    """Counted in the model that is built, number by number."""
    heard = {"error_feedback": gain, "feedback_delay": delay * 0.001}
    with nengo.Network(seed=0) as net:
        neuron_type = NEURON_TYPES[spiking]
        memory = LegendreMemory(
            1.0, d, size_in, n_neurons=n_neurons, neuron_type=neuron_type, **heard
        )
    model = nengo.builder.Model(dt=0.001)
    model.build(net)
    with nengo.Simulator(None, model=model, progress_bar=False) as sim:
        arrays = {
            id(signal.base): signal.base.initial_value
            for op in sim.model.operators
            for signal in op.all_signals
        }
    counted = sum(array.nbytes for array in arrays.values())
    planned = planning.plan(
        Setting(1.0, d, n_neurons, neuron_type=spiking, size_in=size_in, **heard)
    )
    # the count of steps is an integer, as wide as a float
    assert planned.neuron_bytes + planned.coupling_bytes == counted
    assert planned.error_feedback == memory.error_feedback


@pytest.mark.parametrize("gain", [None, 0.0, 0.5])
def test_plan_is_the_theory(gain):
    kwargs = {"tau": 0.1, "error_feedback": gain}
    planned = planning.plan(Setting(theta=0.5, d=4, **kwargs), error=0.1)
    s = planned.setting
    assert s.n_neurons == neurons_for_error(0.1, 0.5, 4, **kwargs)
    expected = predicted_error(0.5, 4, s.n_neurons, **kwargs)
    assert (planned.window, planned.delay) == (expected.window, expected.delay)
    assert planned.window <= 0.1
    assert sum(planned.neurons) == s.n_neurons and len(planned.neurons) == 4
    # two for each neuron, and three products with d-by-d or d numbers
    per_step = 2 * s.n_neurons + 2 * 4**2 + 3 * 4
    if gain != 0:  # a product with d-by-d numbers, four with d
        per_step += 4**2 + 4 * 4
    assert planned.multiply_adds_per_second == pytest.approx(per_step / 0.001)
    assert planned.floor == error_floor(0.5, 4, s.n_neurons, **kwargs).window
    assert planned.error_feedback == s.error_feedback
    if gain is not None:
        assert planned.error_feedback == gain
    else:
        assert planned.error_feedback == best_error_feedback(0.5, 4, s.n_neurons, 0.1)


def test_regular_neurons_have_no_floor():
    assert planning.plan(Setting(neuron_type="regular")).floor is None


def test_plan_for_the_chip_is_without_feedback():
    """And with Poisson neurons that have at most one spike a step.

    In their ranges they have room for inputs of any band, which costs some neurons.
    """
    chip = planning.plan(Setting(simulator="fixed point"), error=0.05)
    same = planning.plan(Setting(error_feedback=0.0, neuron_type="stochastic"), 0.05)
    assert chip.window <= 0.05
    assert 1 < sum(chip.neurons) / sum(same.neurons) < 1.2
    assert chip.error_feedback == 0 and chip.setting.neuron_type == "poisson"


@pytest.mark.parametrize("gain, error", [(None, 0.02), (0.0, 0.08)])
def test_a_plan_has_the_error_and_the_spikes_it_predicts(gain, error):
    """The network that is planned has the error and the spikes that were predicted.

    Three runs of 40 windows: as for the other tests of the theory, 15 % is safe.
    """
    setting = Setting(theta=0.2, d=3, windows=40, error_feedback=gain)
    planned = planning.plan(setting, error=error)
    assert_verified(planned, planning.verify(planned, seeds=3, workers=1))


def assert_verified(planned, measured):
    assert measured["window"]["mean"] == pytest.approx(planned.window, rel=0.15)
    assert measured["delay"]["mean"] == pytest.approx(planned.delay, rel=0.15)
    spikes = measured["spikes_per_second"]
    assert spikes["mean"] == pytest.approx(planned.spikes_per_second, rel=0.1)
    assert 0 < spikes["standard_error"] < 0.1 * spikes["mean"]


@pytest.mark.parametrize(
    "size_in, gain, error", [(1, None, 0.02), (2, None, 0.1), (2, 0.0, 0.1)]
)
def test_a_plan_of_a_delay_has_the_error_it_predicts(size_in, gain, error):
    """Against the delayed input, as for the plan above.

    The ideal memory's error is made by the uppermost tenth of the band, of which three
    runs of 6 s have 7 waves, so that it has a relative deviation of a seventh.
    """
    setting = Setting(
        bandwidth=4.0,
        size_in=size_in,
        n_neurons=9,
        windows=40,
        error_feedback=gain,
        d=1,
    )
    planned = planning.plan_for_delay(setting, 0.15, error)
    assert planned.error <= error
    assert planned.memory.setting.n_neurons == size_in * sum(planned.memory.neurons)
    measured = planning.verify_delay(planned, seeds=3, workers=1)
    assert measured["error"]["mean"] == pytest.approx(planned.error, rel=0.15)
    assert measured["ideal"]["mean"] == pytest.approx(planned.ideal, rel=3 / 7)
    assert measured["noise"]["mean"] == pytest.approx(planned.noise, rel=0.15)
    spikes = measured["spikes_per_second"]["mean"]
    assert spikes == pytest.approx(planned.memory.spikes_per_second, rel=0.1)


def test_several_signals_are_as_many_memories():
    one = planning.plan(Setting(theta=0.5, d=4), error=0.1)
    three = planning.plan(Setting(theta=0.5, d=4, size_in=3), error=0.1)
    assert (three.window, three.neurons) == (one.window, one.neurons)
    assert three.setting.n_neurons == 3 * one.setting.n_neurons
    assert three.spikes_per_second == pytest.approx(3 * one.spikes_per_second)


@pytest.mark.parametrize("installed", [True, False])
def test_a_plan_for_the_chip_has_the_error_it_predicts(installed, monkeypatch):
    """On the emulator, or without it in the reference simulator; as the plan above."""
    if installed:
        pytest.importorskip("nengo_loihi")
    else:
        monkeypatch.setattr(planning, "find_spec", lambda name: None)
    setting = Setting(theta=0.2, d=3, windows=40, simulator="fixed point")
    planned = planning.plan(setting, error=0.08)
    measured = planning.verify(planned, seeds=3, workers=1)
    assert_verified(planned, measured)
    assert measured["simulator"] == ("fixed point" if installed else "reference")


def test_neurons_without_a_theory_are_refused():
    with pytest.raises(ArgumentError, match="'lif' is not covered.*regular") as error:
        planning.plan(Setting(neuron_type="lif"))
    assert error.value.name == "neuron_type"


# --- the command


def test_the_command_prints_the_plan(capsys, tmp_path):
    arguments = ["plan", "--theta", "1", "--d", "6", "--error", "0.05"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.replace(str(tmp_path), "out")
    assert all(len(line) <= 80 for line in printed.splitlines())
    record = json.loads((tmp_path / "plan.json").read_text())
    assert f"{record['setting']['n_neurons']:,}" in printed
    assert f"{record['window']:.4f}" in printed and f"{record['floor']:.4f}" in printed
    gain = record["error_feedback"]
    assert gain > 0 and re.search(rf"error feedback +{gain:g}\n", printed)
    assert record["versions"]["nengo"] == nengo.__version__
    assert main([*arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == record | {"seconds": again["seconds"]}


def test_the_command_verifies_with_the_options_of_the_memory(capsys):
    """With the options of the memory and of its input."""
    arguments = (
        "--theta 0.1 --d 2 --n-neurons 60 --tau 0.02 --max-rates 100 120 --rms 0.2"
    )
    more = "--bandwidth 4 --verify --seeds 2 --windows 5 --workers 1 --json"
    assert main(["plan", *arguments.split(), *more.split()]) == 0
    record = json.loads(capsys.readouterr().out)
    setting = record["setting"]
    assert (setting["n_neurons"], setting["tau"]) == (60, 0.02)
    assert (setting["rms"], setting["bandwidth"]) == (0.2, 4)
    assert setting["max_rates"] == [100, 120]
    assert record["measured"]["window"]["mean"] > 0


def test_the_command_plans_a_delay(capsys):
    argv = "plan --delay 0.2 --bandwidth 3 --error 0.1 --size-in 2".split()
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert (
        main([*argv, *"--verify --seeds 1 --windows 4 --workers 1 --json".split()]) == 0
    )
    record = json.loads(capsys.readouterr().out)
    assert f"{record['error']:.4f}" in printed and record["error"] <= 0.1
    assert f"{record['readout'][0]:.4g}, " in printed
    assert record["memory"]["setting"]["size_in"] == 2
    assert record["measured"]["error"]["mean"] < 0.2


def test_the_command_says_when_a_memory_is_its_synapse(capsys):
    assert main("plan --theta 1 --d 1 --error 0.05".split()) == 0
    printed = capsys.readouterr().out
    assert "0.0000" not in printed and "The synapse alone is this memory" in printed
    assert re.search(r"ideal memory, delay +0\.1816\n", printed)


def test_the_command_plans_without_feedback(capsys):
    argv = "plan --theta 1 --d 6 --error 0.05 --error-feedback 0".split()
    assert main(argv) == 0
    printed = capsys.readouterr().out
    expected = neurons_for_error(0.05, 1.0, 6, error_feedback=0)
    assert re.search(rf"neurons +{expected}\n", printed)
    assert re.search(r"error feedback +none\n", printed)


def test_the_command_plans_for_the_chip(capsys):
    argv = "plan --theta 0.2 --d 2 --error 0.1 --chip".split()
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert "poisson on Loihi" in printed and "memory, neurons" not in printed
    assert main([*argv, *"--verify --seeds 1 --windows 2 --workers 1".split()]) == 0
    printed = capsys.readouterr().out
    assert "Measured in " in printed and "measured" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert main([*argv, "--json"]) == 0
    setting = json.loads(capsys.readouterr().out)["setting"]
    assert (setting["simulator"], setting["error_feedback"]) == ("fixed point", 0)


@pytest.mark.parametrize(
    "wrong, problem",
    [
        ("--d 6 --error 0.1", "--theta: give --theta and --d, or else --delay"),
        ("--theta 1 --error 0.1", "--d: give --theta and --d, or else --delay"),
        ("--delay 1 --bandwidth 1", "--error: give it too, for a memory with a --del"),
        ("--delay 1 --error 0.1", "--bandwidth: give it too, for a memory with a --d"),
        (
            "--delay 1 --error 0.1 --bandwidth 1 --theta 1",
            "--delay: cannot be given together with --theta",
        ),
        (
            "--delay 1 --bandwidth 1 --error 5",
            "--error: .* 5.0 was given.*0.05 for 5 %",
        ),
        ("--theta 1 --d 6 --error 5", "--error: .* 5.0 was given.*0.05 for 5 %"),
        (
            "--delay 1 --bandwidth 1e4 --error 0.1",
            "--bandwidth: must be at most 500 Hz",
        ),
        (
            "--theta 1 --d 6 --n-neurons 20 --size-in 2",
            "--n-neurons: must be at least 24, .* of 2 signals, but 20 was given",
        ),
        ("--theta 1 --d 6", "--error: give it, or else --n-neurons"),
        (
            "--theta 1 --d 6 --n-neurons 100 --error 0.1",
            "--error: cannot be given together with --n-neurons",
        ),
        ("--theta 0 --d 6 --error 0.1", "--theta: '0' was given; give a number of sec"),
        ("--theta 1 --d 6 --error -1", "--error: '-1' was given; give a number great"),
        ("--theta 1 --d 6 --error 1e-12", "--error: 1e-12 would need more than a tri"),
        (
            "--theta 1 --d 6 --n-neurons 5",
            "--n-neurons: must be at least 12, .* but 5 was given; use",
        ),
        ("--theta 1e-5 --d 6 --n-neurons 60", "--theta: must be at least 0.002 s"),
        (
            "--theta 1 --d 6 --n-neurons 60 --neuron-type lif",
            "'lif' was given; give one of",
        ),
        (
            "--theta 1 --d 6 --n-neurons 60 --error-feedback -1",
            "k: '-1' was given; give a num",
        ),
        (
            "--theta 1 --d 6 --n-neurons 60 --error-feedback nan",
            "k: 'nan' was given; give a n",
        ),
        (
            "--theta 1 --d 6 --n-neurons 60 --error-feedback 2.5",
            "k: must be below 1.99, .* 0 f",
        ),
        (
            "--theta 1 --d 6 --n-neurons 60 --chip --error-feedback 0.5",
            "--chip: .* leave one",
        ),
        (
            "--theta 1 --d 6 --n-neurons 60 --chip --neuron-type regular",
            "--chip: .* leave one",
        ),
        ("--theta 1 --d 6 --n-neurons 60 --out setup.cfg", "'setup.cfg' is a file"),
    ],
)
def test_bad_arguments_are_one_line(wrong, problem, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").touch()
    try:
        status = main(["plan", *wrong.split()])
    except SystemExit as exit_:
        status = exit_.code
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert re.search(problem, said)
