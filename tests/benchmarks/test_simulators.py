"""The simulators' benchmark: bookkeeping; what it measures depends on the computer."""

import json
import subprocess
import sys

import numpy as np
import pytest

from nengo_lmu.benchmarks import simulators as bench_simulators
from nengo_lmu.benchmarks.simulators import Simulators
from nengo_lmu.cli import main
from nengo_lmu.experiments.experiment import Run

NENGO_ONLY = {"Nengo": bench_simulators.SIMULATORS["Nengo"]}


def same_process(function, *arguments):
    return function(*arguments)


@pytest.fixture
def nengo_only(monkeypatch):
    monkeypatch.setattr(bench_simulators, "SIMULATORS", NENGO_ONLY)
    monkeypatch.setattr(bench_simulators, "in_a_process", same_process)


def measured(experiment):
    return experiment.measure(Run(experiment.files()))


def check(record):
    for row in record["rows"]:
        for name in ("step", "throughput", "ratio", "feedback"):
            values = row[name]
            assert 0 < values["low"] <= values["median"] <= values["high"]
        assert row["build"] > 0 and row["peak"] >= 0
        if row["simulator"] == "Nengo":
            assert row["ratio"] == {"low": 1, "median": 1, "high": 1}


def test_the_command_writes_a_record_and_a_table(nengo_only, tmp_path, capsys):
    """A record and a table, with everything in its place."""
    out = tmp_path / "out"
    argv = ["bench", "simulators", "--n-neurons", "60", "40", "60", "--d", "3", "2"]
    assert main([*argv, "--rounds", "2", "--out", str(out)]) == 0
    *table, _ = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in table)
    record = json.loads((out / "bench-simulators.json").read_text())
    sizes = [(row["d"], row["n_neurons"]) for row in record["rows"]]
    assert sizes == [(2, 40), (2, 60), (3, 40), (3, 60)]
    assert record["missing"] == [] and record["versions"]["nengo"]
    check(record)


def test_throughput_counts_the_runs(nengo_only, monkeypatch):
    """Twice as long a step of 32 runs is 16 times the throughput."""
    reference = NENGO_ONLY["Nengo"]
    simulators = NENGO_ONLY | {"batch": ("nengo", 32, reference[2])}
    monkeypatch.setattr(bench_simulators, "SIMULATORS", simulators)
    monkeypatch.setattr(
        bench_simulators,
        "_step_times",
        # with feedback, and without
        lambda *args: np.array([[1.0, 2.0, 0.8, 1.0]] * 3),
    )
    _, batch = measured(Simulators((40,), (2,), 3))["rows"]
    assert batch["runs"] == 32
    assert batch["throughput"] == {"low": 16, "median": 16, "high": 16}
    assert batch["ratio"] == batch["throughput"]
    assert batch["feedback"] == {"low": 2, "median": 2, "high": 2}


def test_what_is_not_installed_is_said(nengo_only, monkeypatch, capsys):
    absent = {"batch": ("no_such_simulator", 32, None)}
    monkeypatch.setattr(bench_simulators, "SIMULATORS", NENGO_ONLY | absent)
    argv = ["bench", "simulators", "--n-neurons", "40", "--d", "2", "--rounds", "1"]
    assert main(argv) == 0
    assert "Not installed: batch" in capsys.readouterr().out


def test_json_goes_to_the_screen(monkeypatch, capsys):
    monkeypatch.setattr(Simulators, "measure", lambda self, run: {})
    assert main(["bench", "simulators", "--n-neurons", "500", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings == {"n_neurons": [500], "d": [6, 32], "rounds": 10}


def test_too_few_neurons_for_an_order_are_refused(capsys):
    assert main(["bench", "simulators", "--n-neurons", "100", "10", "--d", "6"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert (
        "--n-neurons: must be at least 12 for d=6" in err and "10 was given; use" in err
    )


def test_peak_is_that_of_the_program():
    """Not that of the one that started it, which has more."""
    ballast = np.ones(2**25)  # 256 MiB
    code = (
        "from nengo_lmu.analysis.timing import peak_resident\n"
        "before = peak_resident()\n"
        "x = bytearray(b'x' * 2**26)\n"
        "print(before, peak_resident() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    before, grown = map(int, done.stdout.split())
    assert before < ballast.nbytes
    # once as bytes, once as a bytearray
    assert 2**26 < grown < 2**28


@pytest.mark.slow
def test_all_simulators_are_measured():
    pytest.importorskip("nengo_dl")
    pytest.importorskip("nengo_loihi")
    record = measured(Simulators((40,), (2,), 2))
    found = [(row["simulator"], row["runs"]) for row in record["rows"]]
    assert found == [
        ("Nengo", 1),
        ("NengoDL", 1),
        ("NengoDL x32", 32),
        ("emulator", 1),
    ]
    assert record["missing"] == []
    check(record)
