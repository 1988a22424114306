"""Trained networks at other time steps: ``nengo-lmu scale-invariance``."""

import json

import pytest

pytest.importorskip("sklearn")

from nengo_lmu.analysis import sweep  # noqa: E402
from nengo_lmu.cli import main  # noqa: E402
from nengo_lmu.experiments import pretrained  # noqa: E402
from nengo_lmu.experiments.digits import scale_invariance  # noqa: E402


def runs(*guesses):
    labels = [0, 1, 2, 3]
    return [
        {"labels": labels, "spiking": one, "ideal": labels, "spikes_per_step": 0.5}
        for one in guesses
    ]


def test_compare_is_digit_by_digit():
    """The same digits are hard at each time step; what differs is what counts."""
    reference = runs([0, 1, 9, 9], [0, 1, 9, 9])
    row = scale_invariance.compare(runs([0, 1, 9, 9], [0, 9, 9, 9]), reference)
    assert row["digits"] == 4 and row["spikes_per_step"] == 0.5
    assert row["spiking"]["accuracy"] == pytest.approx(3 / 8)
    assert row["spiking"]["loss"] == pytest.approx(1 / 8)
    # of 0, 1/2, 0, 0: a deviation of 1/4 over the root of 4 digits
    assert row["spiking"]["loss_error"] == pytest.approx(1 / 8)
    assert row["ideal"] == {
        "accuracy": 1,
        "standard_error": 0,
        "loss": 0,
        "loss_error": 0,
    }
    assert "loss" not in scale_invariance.compare(reference)["spiking"]


def test_the_command_reads_digits_and_then_its_records(tmp_path, monkeypatch, capsys):
    """A few digits of the network that ships; the second time from the records."""
    argv = ["scale-invariance", "--dt", "0.002", "--seeds", "2"]
    argv += ["--digits", "8", "--workers", "1", "--out", str(tmp_path)]
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert "1 ms" in printed and "2 ms" in printed
    widths = [len(line) for line in printed.splitlines() if str(tmp_path) not in line]
    assert max(widths) <= 80
    record = json.loads((tmp_path / "scale-invariance.json").read_text())
    rows = record["rows"]
    assert [row["dt"] for row in rows] == [0.001, 0.002]
    assert [row["digits"] for row in rows] == [8, 8]
    assert "loss" in rows[1]["spiking"] and "loss" not in rows[0]["spiking"]
    # half as many spikes a step at half the step
    ratio = rows[1]["spikes_per_step"] / rows[0]["spikes_per_step"]
    assert ratio == pytest.approx(2, rel=0.01)
    # one digit or two of 8 are read wrong with a probability of some percent each
    assert all(row["spiking"]["accuracy"] >= 0.6 for row in rows)
    monkeypatch.setattr(sweep, "attempt", None)
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == rows


def test_command_refuses_before_it_measures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "attempt", None)
    argv = ["scale-invariance", "--out", str(tmp_path)]
    assert main([*argv, "--dt", "0.005"]) == 2
    printed = capsys.readouterr().err
    assert "--dt: 0.005 was given" in printed
    assert main([*argv, "--trained", str(tmp_path)]) == 2
    assert "--trained: " in capsys.readouterr().err


def test_records_are_of_these_parameters(tmp_path, monkeypatch):
    """Parameters that were trained again are measured again."""
    pytest.importorskip("nengo_dl")
    asked = []

    def measure(function, settings, seeds, **options):
        asked.append(settings)
        return {setting: runs([0, 1, 2, 3]) for setting in settings}

    monkeypatch.setattr(sweep, "run_seeds", measure)
    model = pretrained.load("digits").model
    for factor in (1, 2, 2):
        model.readout.transform = factor * model.matrices["readout"]
        pretrained.save("digits", model, {}, tmp_path)
        scale_invariance.ScaleInvariance(trained=tmp_path).run()
    first, again, third = asked
    assert not set(first) & set(again)
    assert not set(again) & set(third)
    model.readout.transform = model.matrices["readout"]
    pretrained.save("digits", model, {}, tmp_path)
    scale_invariance.ScaleInvariance(trained=tmp_path).run()
    assert asked[3] == third


def test_it_was_trained_formerly(capsys):
    with pytest.raises(SystemExit):
        main("train scale-invariance --dt 0".split())
    renamed, wrong = capsys.readouterr().err.splitlines()
    assert "train scale-invariance is scale-invariance now" in renamed
    assert "--dt: '0' was given" in wrong


@pytest.mark.slow
def test_other_time_steps_lose_at_most_a_point():
    """All test digits, at half and at twice the time step of training.

    Ideal memories: the same states, so at most a point, which is 5 digits. Spikes: at
    most a point, and two standard errors of the difference, over the same digits and 3
    seeds.
    """
    rows = scale_invariance.ScaleInvariance(seeds=3).run()["rows"]
    assert [row["dt"] for row in rows] == [0.0005, 0.001, 0.002]
    for row in rows[::2]:
        assert row["digits"] == 540
        assert abs(row["ideal"]["loss"]) <= 0.01
        spiking = row["spiking"]
        assert spiking["loss"] <= 0.01 + 2 * spiking["loss_error"]
        assert spiking["loss_error"] < 0.01
