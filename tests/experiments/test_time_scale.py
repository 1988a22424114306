"""Learned windows, and trained A and B."""

import json

import numpy as np
import pytest

from nengo_lmu.cli import main
from nengo_lmu.experiments.time_scale import experiment as time_scale
from nengo_lmu.experiments.time_scale.experiment import (
    DT,
    FineTuning,
    Recovery,
    StackRecovery,
    delayed,
    fine_tune,
    noise,
    recover,
    recover_stack,
)
from nengo_lmu.legendre import ArgumentError

nengo_dl = pytest.importorskip("nengo_dl")


def test_data_are_a_signal_and_its_delay():
    u = noise(3, 400, 5.0, seed=0)
    assert u.shape == (3, 400, 1)
    assert np.abs(u[:, 0]).max() < 0.05 * np.abs(u).max()
    y = delayed(u, 0.1)
    assert np.all(y[:, :100] == 0)
    np.testing.assert_array_equal(y[:, 100:], u[:, :-100])


@pytest.mark.parametrize("n_neurons", [0, 40], ids=["ideal", "spiking"])
def test_a_window_that_is_too_short_is_learned(n_neurons):
    """0.6 times as long at first, within 10 % after 40 steps of the optimizer."""
    setting = Recovery(0.6, n_neurons, epochs=20, theta=0.03, d=3)
    found = recover(setting)
    assert len(found["theta"]) == len(found["loss"]) == 20
    assert found["theta"][-1] == pytest.approx(0.03, rel=0.1)
    assert found["loss"][-1] < 0.02 * found["loss"][0]


def test_a_window_that_is_too_long_is_learned():
    found = recover(Recovery(2.0, epochs=20, theta=0.03, d=3))
    assert found["theta"][-1] == pytest.approx(0.03, rel=0.1)


def test_two_layers_learn_different_windows():
    """The teacher's, from the output of the last layer."""
    setting = StackRecovery((0.03, 0.06), 0.04, epochs=50, d=3, units=4)
    found = recover_stack(setting)
    first, second = found["theta"][-1]
    assert first == pytest.approx(0.03, rel=0.1)
    assert second == pytest.approx(0.06, rel=0.1)
    assert found["loss"][-1] < 0.05 * found["loss"][0]


def test_trained_matrices_make_a_delay_better():
    """They make a delay better, also in the reference simulator.

    That has double precision; 120 steps in single precision agree to some 1e-7.
    """
    found = fine_tune(FineTuning(theta=0.02, d=3, bandwidth=75.0, epochs=10))
    assert found["after"] < 0.9 * found["before"]
    assert found["difference"] < 1e-5


def test_only_what_is_asked_for_is_trained():
    """The window's scalar alone, in any number of layers."""
    setting = StackRecovery((0.05, 0.1), 0.05)
    network, *_ = time_scale.stack_of_layers(setting, [0.05, 0.05])
    with nengo_dl.Simulator(network, dt=DT, progress_bar=False) as sim:
        assert [w.shape.as_list() for w in sim.keras_model.trainable_weights] == [
            [1],
            [1],
        ]


def test_windows_too_short_for_euler_are_refused():
    with pytest.raises(ArgumentError, match="start.*0.1.*give a larger one"):
        Recovery(0.1)


def test_the_command_writes_tables_and_figure(tmp_path, capsys, monkeypatch):
    """Tables and figure of what was learned, here made up."""

    def fake_recover(setting):
        theta = setting.theta * np.geomspace(setting.start, 1.01, setting.epochs)
        return {"theta": theta.tolist(), "loss": [1.0], "seconds": 1.0}

    def fake_stack(setting):
        theta = np.geomspace([setting.start] * len(setting.thetas), setting.thetas)
        return {"theta": theta.tolist(), "loss": [1.0], "seconds": 1.0}

    def fake_tuning(setting):
        return {"before": 0.2, "after": 0.1, "loss": [1.0], "difference": 1e-7}

    monkeypatch.setattr(time_scale, "recover", fake_recover)
    monkeypatch.setattr(time_scale, "recover_stack", fake_stack)
    monkeypatch.setattr(time_scale, "fine_tune", fake_tuning)
    command = [
        *("train", "time-scale", "--starts", "3", "0.5", "--n-neurons", "200"),
        *("--seeds", "2", "--epochs", "9", "--workers", "1", "--out", str(tmp_path)),
    ]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    for name, start in (("ideal", "300.0"), ("200 Poisson neurons", "50.0")):
        assert any(
            line.startswith(name)
            and start in line
            and "101.00" in line
            and "1 %" in line
            for line in lines
        )
    assert sum(line.startswith("layer ") for line in lines) == 3
    assert any("0.2000" in line and "0.1000" in line for line in lines)
    record = json.loads((tmp_path / "train-time-scale.json").read_text())
    assert len(record["recovery"]) == 4
    assert record["recovery"][0]["setting"]["epochs"] == 9
    assert (tmp_path / "train-time-scale.png").stat().st_size > 10_000


def test_the_command_refuses_bad_arguments(capsys, tmp_path):
    command = ["train", "time-scale", "--starts", "0.1", "--out", str(tmp_path)]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "argument --starts" in line and "Euler" in line


@pytest.mark.slow
@pytest.mark.parametrize("n_neurons", [0, 300], ids=["ideal", "spiking"])
@pytest.mark.parametrize("start", [4.0, 0.25])
def test_windows_four_times_off_are_learned(start, n_neurons):
    """Within 5 % in the end, as documented."""
    found = recover(Recovery(start, n_neurons))
    assert found["theta"][-1] == pytest.approx(0.1, rel=0.05)


@pytest.mark.slow
def test_three_layers_learn_their_windows():
    setting = StackRecovery((0.05, 0.15, 0.25), 0.1)
    np.testing.assert_allclose(
        recover_stack(setting)["theta"][-1], setting.thetas, rtol=0.05
    )
