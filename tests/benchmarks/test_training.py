"""The training benchmark: who takes part, and the bookkeeping."""

import json
import sys
from contextlib import closing
from functools import cache

import numpy as np
import pytest

pytest.importorskip("nengo_dl")

from nengo_lmu.benchmarks import training as bench_training  # noqa: E402
from nengo_lmu.benchmarks.contenders import MINIBATCH, InNengoDL  # noqa: E402
from nengo_lmu.benchmarks.networks import Sizes, example, ours  # noqa: E402
from nengo_lmu.benchmarks.training import (  # noqa: E402
    BY_16,
    CONTENDERS,
    ENDS,
    KINDS,
    Training,
)
from nengo_lmu.cli import main  # noqa: E402

SMALL = Sizes(d=4, units=5, n_steps=20, digits=2 * MINIBATCH)

# W_m, W_h, W_x, e_x, what feeds back into the memory, and the readout
READOUT = 5 * 10 + 10
PARAMETERS = {
    "ours recurrent": 20 + 25 + 5 + 1 + READOUT,
    "ours full": 20 + 25 + 5 + 1 + 5 + 4 + READOUT,
    "ours feed-forward": 20 + 1 + READOUT,
    "ours without time": 20 + READOUT,
    "ours every step": 20 + 1 + READOUT,
    # without a bias
    "NengoDL example": 20 + 25 + 5 + 1 + 5 * 10,
    "NengoDL every step": 20 + 25 + 5 + 1 + 5 * 10,
    # with one of the hidden units
    "keras-lmu recurrent": 20 + 25 + 5 + 1 + 5 + READOUT,
    "keras-lmu full": 20 + 25 + 5 + 1 + 5 + 4 + 5 + READOUT,
    "keras-lmu fft": 20 + 1 + 5 + READOUT,
    "keras-lmu raw": 20 + 1 + 5 + READOUT,
}


@pytest.fixture(autouse=True)
def one_minibatch_a_round(monkeypatch):
    monkeypatch.setattr(bench_training, "ROUND", 0)


@cache
def trained(name):
    """Return the parameters of a contender, and its scores before and after training.

    It has two minibatches, of the same digits.
    """
    with closing(CONTENDERS[name](SMALL)) as contender:
        contender.take(2)
        before = contender.infer()
        contender.train()
        return contender.parameters, before, contender.infer()


@pytest.mark.parametrize(
    "name", [name for name in CONTENDERS if bench_training.missing(name, SMALL) is None]
)
def test_contenders_learn(name):
    parameters, before, after = trained(name)
    if name != "LSTM":
        kind = name if name in PARAMETERS else name.split(",")[0]
        assert parameters == PARAMETERS[kind]
    assert before.shape == after.shape == (2 * MINIBATCH, 10)
    assert np.isfinite(after).all()
    np.testing.assert_allclose(after[:MINIBATCH], after[MINIBATCH:], atol=1e-6)
    assert np.abs(after - before).max() > 1e-4


@pytest.mark.parametrize("kind", ["recurrent", "full", "feed-forward", "every step"])
def test_ours_learns_the_same_step_by_step(kind):
    """Two minibatches of training change the scores alike."""
    *_, after = trained(f"ours {kind}")
    *_, stepped = trained(f"ours {kind}, stepped")
    np.testing.assert_allclose(after, stepped, atol=1e-5)


def test_without_time_is_the_network_in_time():
    _, before, _ = trained("ours without time")
    _, in_time, _ = trained("ours feed-forward")
    np.testing.assert_allclose(before, in_time, atol=1e-5)


@pytest.mark.parametrize("planner", [None, "planner"])
def test_the_example_is_our_recurrent_network(planner):
    """With the same weights it gives the same scores."""
    rng = np.random.RandomState(0)
    networks = [ours(SMALL, "recurrent"), example(SMALL, planner)]
    connections = [networks[0].parameters, networks[1].kernels]
    connections[0]["input_encoders"] = networks[0].lmu.input_encoders
    for name, connection in connections[1].items():
        shape = (connection.size_out, connection.size_in)
        weights = rng.standard_normal(shape) / np.sqrt(shape[1])
        connection.transform = connections[0][name].transform = weights
    found = []
    for network in networks:
        with closing(InNengoDL(network, SMALL)) as contender:
            found.append(contender.infer())
    assert np.abs(found[0]).max() > 0.1
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("name", ["ours recurrent", ENDS])
def test_scans_learn(name):
    """Before, W_h is 0, and the scores are those of the feed-forward network."""
    sizes = Sizes(d=4, units=5, digits=MINIBATCH)
    with closing(CONTENDERS["ours without time"](sizes)) as without_time:
        expected = without_time.infer()
    with closing(CONTENDERS[name](sizes)) as scan:
        before = scan.infer()
        np.testing.assert_allclose(before, expected, atol=1e-5)
        scan.train()
        after = scan.infer()
    assert np.isfinite(after).all() and np.abs(after - before).max() > 1e-4


def test_sizes_are_those_of_the_paper():
    sizes = Sizes()
    assert sizes.parameters == 1 + 212 + 212**2 + 212 * 256 + 213 * 10
    # one unit more or less makes a difference of 4 (2 n + 3) + 10 parameters
    n = sizes.lstm_units
    lstm = 4 * n * (n + 2) + 10 * n + 10
    assert abs(lstm - sizes.parameters) <= (4 * (2 * n + 3) + 10) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compared_takes_part(kind):
    assert KINDS[kind][0].startswith("ours ") and set(KINDS[kind]) <= set(CONTENDERS)


def test_ratios_are_those_within_rounds():
    """Here the computer is twice as slow in each round as in the one before."""
    rows = [
        {"name": name, "start": start}
        for name, start in (("other", 1), ("ours full", 4), ("LSTM", 2))
    ]
    slowness = np.array([1, 2, 4])[:, np.newaxis, np.newaxis]
    times = slowness * np.array([[9, 9], [1, 2], [3, 1]])
    found = bench_training.compare_kind("full", rows, times)
    assert found["kind"] == "full"
    first, second = found["rows"]
    assert first["name"] == "ours full" and second["name"] == "LSTM"
    same = {"low": 1, "median": 1, "high": 1}
    assert first == {"name": "ours full", "start": 1, "train": same, "infer": same}
    assert second["start"] == 0.5
    assert second["train"] == {"low": 3, "median": 3, "high": 3}
    assert second["infer"] == {"low": 0.5, "median": 0.5, "high": 0.5}


def check_record(record):
    for row in record["rows"]:
        for what in ("train", "infer"):
            values = row[what]
            assert 0 < values["low"] <= values["median"] <= values["high"]
            assert row["cpu"][what] >= 0 and row["first"][what] > 0
        assert row["start"] == row["build"] + row["first"]["train"]
    names = [row["name"] for row in record["rows"]]
    for kind in record["kinds"]:
        compared = [row["name"] for row in kind["rows"]]
        assert compared == [name for name in KINDS[kind["kind"]] if name in names]
        one = {"low": 1, "median": 1, "high": 1}
        assert kind["rows"][0]["train"] == kind["rows"][0]["infer"] == one


def test_the_command_writes_record_figure_and_tables(tmp_path, capsys, monkeypatch):
    """A record, a figure and tables; what is not installed is said to be left out."""
    monkeypatch.setitem(sys.modules, "keras_lmu", None)
    out = tmp_path / "out"
    sizes = ["--d", "3", "--units", "4", "--steps", "10"]
    argv = ["bench", "training", *sizes, "--rounds", "2"]
    argv += ["--kinds", "feed-forward"]
    assert main([*argv, "--out", str(out)]) == 0
    screen = capsys.readouterr().out
    assert all(len(line) <= 80 for line in screen.splitlines()[:-1])
    assert "Left out: keras-lmu fft, since keras-lmu is not installed" in screen
    record = json.loads((out / "bench-training.json").read_text())
    assert (out / "bench-training.png").read_bytes().startswith(b"\x89PNG")
    check_record(record)
    names = [row["name"] for row in record["rows"]]
    ours_alone = ["ours feed-forward", "ours feed-forward, stepped"]
    assert names == [*ours_alone, "NengoDL example"]
    assert [row["peak"] for row in record["rows"]] == [None] * 3
    left_out = [one["name"] for one in record["left_out"]]
    assert left_out == ["keras-lmu fft", "keras-lmu raw"]
    settings = record["settings"]
    assert (settings["d"], settings["units"], settings["n_steps"]) == (3, 4, 10)
    assert record["keras_lmu"] is None and settings["rounds"] == 2


def test_options_reach_the_benchmark(monkeypatch, capsys):
    names = ("d", "kinds", "rounds", "unrolled", "peak_memory")
    monkeypatch.setattr(Training, "measure", lambda self, run: {})
    assert main(["bench", "training", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert [settings[name] for name in names] == [256, list(KINDS), 5, False, False]
    options = ["--kinds", "full", "every-step", "--rounds", "2", "--unrolled"]
    assert main(["bench", "training", "--json", *options, "--peak-memory"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    kinds = ["full", "every-step"]
    assert [settings[name] for name in names] == [256, kinds, 2, True, True]


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_can_be_asked_for(kind, monkeypatch, capsys):
    monkeypatch.setattr(Training, "measure", lambda self, run: {})
    assert main(["bench", "training", "--json", "--kinds", kind]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["kinds"] == [kind]


@pytest.mark.parametrize(
    "argv, named",
    [
        (["--kinds", "best"], "--kinds: 'best' was given; give one of recurrent, "),
        (["--steps", "1"], "--steps: '1' was given; give a whole number of at least 2"),
        (["--rounds", "0"], "--rounds: '0' was given"),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "training", *argv])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and named in err


def test_memory_that_cannot_be_measured_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(bench_training, "peak_resident", lambda: None)
    assert main(["bench", "training", "--peak-memory"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "--peak-memory: cannot be measured on this computer; leave it out" in err


def test_memory_is_measured_by_its_earlier_name(monkeypatch, capsys):
    monkeypatch.setattr(Training, "measure", lambda self, run: {})
    assert main(["bench", "training", "--json", "--memory"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["settings"]["peak_memory"] is True
    assert "--memory is --peak-memory now" in err


@pytest.mark.slow
def test_everything_takes_part(tmp_path, capsys):
    """All that take part, memory and NengoDL's example unrolled included."""
    argv = ["bench", "training", "--d", "4", "--units", "5", "--rounds", "1"]
    argv += ["--unrolled", "--peak-memory"]
    assert main([*argv, "--steps", "32", "--out", str(tmp_path)]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines()[:-1])
    record = json.loads((tmp_path / "bench-training.json").read_text())
    check_record(record)
    rows = {row["name"]: row for row in record["rows"]}
    left_out = [one["name"] for one in record["left_out"]]
    assert set(rows) == set(CONTENDERS) - set(left_out) and BY_16 in rows
    assert ENDS in left_out
    assert rows["ours without time"]["minibatches"] == 600
    # where it is no more than small networks have taken before, it is 0
    peaks = [row["peak"] for row in rows.values()]
    assert min(peaks) >= 0 and 2**20 < max(peaks) < 2**31
