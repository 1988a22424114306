"""Commands for series: a file's, and real ones."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from commands import assert_refused

from nengo_lmu.cli import main
from nengo_lmu.experiments.series import baselines, measures, report
from nengo_lmu.experiments.series.real import ECG, Motions, Pressure, Speakers, Sunspots
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.series import load, nrmse
from nengo_lmu.tasks import series
from nengo_lmu.tasks.series import Watched

REAL = (Speakers, Motions, Sunspots, Pressure, ECG)


@pytest.fixture
def wave(tmp_path):
    path = tmp_path / "wave.npz"
    np.savez(path, x=np.sin(np.arange(300) / 3))
    return path


def run(*argv):
    return main(["train", "series", *map(str, argv)])


@pytest.mark.parametrize("task", ["forecast", "detect"])
def test_a_file_becomes_a_network_of_one_file(wave, tmp_path, capsys, task):
    out = tmp_path / "out"
    options = "--theta 18 --d 6 --n-neurons 300 --sample-ms 5 --folds 2 --seeds 1"
    simulators = ("--simulators", "ideal", "nengo", "--out", out)
    assert run("--data", wave, "--task", task, *options.split(), *simulators) == 0
    text = capsys.readouterr().out
    assert "theta is 18, as was asked for" in text and "spikes / s" in text
    # The last line has the folder, which may be long.
    assert all(len(line) <= 80 for line in text.splitlines()[:-1])
    record = json.loads((out / "train-series.json").read_text())
    (seed,) = record["seeds"]
    values = {name: one["value"] for name, one in seed["results"].items()}
    if task == "forecast":
        assert values["ideal"] < 0.1 and values["nengo"] < 0.2
        assert len(seed["results"]["nengo"]["predicted"]) == 75
    else:
        assert "largest score of the training" in text
        assert values["nengo"] < 2 * seed["threshold"]
    model = load(out / "train-series-network.npz")
    assert asdict(model.settings) == seed["network"]
    assert (out / "train-series.png").stat().st_size > 5000


@pytest.mark.slow
def test_classes_of_a_csv_file_are_told_apart(tmp_path, capsys):
    pytest.importorskip("nengo_dl")
    rng = np.random.RandomState(0)
    lines = ["sequence,label,part,u"]
    for i in range(64):
        part, label = ("train", "test")[i >= 48], ("slow", "fast")[i % 2]
        phase = 7 * rng.rand()
        for t in range(rng.randint(10, 16)):
            value = np.sin((0.3 + 0.5 * (i % 2)) * t + phase)
            lines.append(f"{i},{label},{part},{value}")
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    argv = "--task classify --d 4 --folds 2 --epochs 8 --sample-ms 10".split()
    argv += ["--simulators", "ideal", "nengo", "--out", tmp_path / "out"]
    assert run("--data", tmp_path / "s.csv", *argv) == 0
    record = json.loads((tmp_path / "out/train-series.json").read_text())
    results = record["seeds"][0]["results"]
    assert len(results["nengo"]["guesses"]) == 16
    assert min(one["value"] for one in results.values()) >= 0.75
    assert not list((tmp_path / "out").glob("checkpoint*"))


@pytest.mark.parametrize(
    "argv, problem",
    [
        ("--task forecast", "--data"),
        ("--data wave.npz", "--task"),
        ("--data wave.npz --task guess", "--task: 'guess'"),
        ("--data none.npz --task forecast", "--data: none.npz cannot be read"),
        ("--data precious --task forecast", "--data: precious is none of .npz, .csv"),
        ("--data none.npz --task forecast --epochs 3", "--task forecast.*--epochs"),
        ("--data none.npz --task classify --horizon 3", "--task classify.*--horizon"),
        ("--data none.npz --task detect --sample-ms 0", "--sample-ms: '0'"),
    ],
)
def test_arguments_that_make_no_sense_are_one_line(
    argv, problem, capsys, tmp_path, monkeypatch
):
    argv = ["train", "series", *argv.split(), "--json"]
    assert_refused(argv, problem, capsys, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "arrays, task, problem",
    [
        ({"x": np.ones((3, 4, 1))}, "classify", "no labels to train with"),
        ({"x": np.ones((3, 4, 1))}, "forecast", "3 sequences.*one long series"),
        ({"x": [[1.0], [np.nan]]}, "forecast", "sample 1, feature 0"),
        ({"x": np.ones((4, 4, 1)), "labels": list("aaab")}, "classify", "one sequence"),
        ({"x": np.arange(9.0)}, "forecast", "more of the series"),
    ],
)
def test_files_that_do_not_suit_the_task_are_one_line(
    arrays, task, problem, capsys, tmp_path, monkeypatch
):
    (tmp_path / "data").mkdir()
    (tmp_path / "run").mkdir()
    path = tmp_path / "data/s.npz"
    np.savez(path, **arrays)
    argv = ["train", "series", "--data", str(path), "--task", task, "--json"]
    assert_refused(argv, problem, capsys, tmp_path / "run", monkeypatch)


def test_a_missing_package_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(series, "find_spec", lambda package: None)
    assert main(["train", "sunspots", "--out", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "nengo-lmu[data]" in err


def test_an_unknown_simulator_is_named():
    with pytest.raises(
        ArgumentError, match="simulators: 'board' was given; give one of ideal"
    ):
        Sunspots(simulators=("board",))


@pytest.mark.skipif(not series.is_installed("statsmodels"), reason="no statsmodels")
def test_sunspots_are_forecast_in_spikes_better_than_by_the_year_before(
    tmp_path, capsys
):
    record = Sunspots(seeds=1, simulators=("nengo",), quick=True).run(tmp_path)
    values = {one["name"]: one["values"][0] for one in record["baselines"]}
    value = record["seeds"][0]["results"]["nengo"]["value"]
    # 0.36 with a short presentation, and 0.02 of spread over seeds
    assert value < 0.45 < values["the sample before"]
    table = Sunspots().table(record)
    assert f"{value:.3f}" in table and "AR(9)" in table
    assert (tmp_path / "train-sunspots.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("command", REAL)
def test_each_real_series_has_a_quick_run(command, tmp_path):
    if not series.is_installed(command.package):
        pytest.skip(f"{command.package} is not installed")
    pytest.importorskip("nengo_dl")
    experiment = command(seeds=2, simulators=("ideal", "nengo"), quick=True)
    record = experiment.run(tmp_path, workers=1)
    assert len(record["seeds"]) == 2
    assert record["baselines"]
    assert "LMU, spikes" in experiment.table(record)
    assert list(tmp_path.glob("*.png"))


# --- what is beside the networks


def watched(rng, n=400):
    anomaly = np.zeros(n, dtype=bool)
    anomaly[300:310] = True
    return Watched(rng.standard_normal(n), 100, anomaly)


def test_the_area_is_the_chance_that_an_anomaly_scores_more(rng):
    data, scores = watched(rng), rng.standard_normal(400)
    scores[data.anomaly] += 1
    result = measures.detection(scores, data, tolerance=5)
    marked, others = (
        scores[100:][one] for one in (data.anomaly[100:], ~data.anomaly[100:])
    )
    assert result["area"] == pytest.approx(np.mean(marked[:, np.newaxis] > others))


def test_a_detection_counts_what_rises_above_the_threshold_elsewhere(rng):
    data, scores = watched(rng), np.full(400, 0.5)
    scores[:100] = 1.0
    scores[[150, 151, 200]] = 2.0
    scores[305] = 3.0
    result = measures.detection(scores, data, tolerance=5)
    assert (result["alarms"], result["anomaly"]) == (2, True)
    assert result["value"] == pytest.approx(1.5)
    scores[305], scores[313] = 0.5, 3.0  # within the tolerance, and beyond
    assert measures.detection(scores, data, tolerance=5)["value"] == pytest.approx(1.5)
    result = measures.detection(scores, data, tolerance=2)
    assert result["value"] < 1 and result["alarms"] == 3 and not result["anomaly"]


def test_autoregression_finds_the_weights_of_its_series(rng):
    x = np.zeros(600)
    for t in range(2, 600):
        x[t] = 1.2 * x[t - 1] - 0.6 * x[t - 2] + 0.5 + 0.1 * rng.standard_normal()
    predicted = baselines.autoregression(x, 2, 500)
    assert np.all(np.isnan(predicted[:2]))
    error = (predicted - x)[500:]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(0.1, rel=0.2)
    assert baselines.best_order(x, 500) >= 2
    assert nrmse(predicted[2:500], x[2:500]) < nrmse(x[1:499], x[2:500])


def test_a_moving_average_is_of_the_samples_before():
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    assert np.allclose(baselines.moving_average(x, 2)[2:], [1.5, 3.0, 6.0])
    assert np.all(np.isnan(baselines.moving_average(x, 2)[:2]))


def test_the_spread_of_one_seed_is_not_shown():
    assert report._spread([0.5], 100, 1) == "50.0"
    assert report._spread([0.4, 0.6], 100, 1) == "50.0 +- 14.1"
