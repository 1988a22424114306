"""The benchmarks' bookkeeping; what they measure depends on the computer."""

import json

import nengo
import numpy as np
import pytest

from nengo_lmu.benchmarks import emulator as bench_emulator
from nengo_lmu.benchmarks import steps as bench
from nengo_lmu.benchmarks.emulator import Emulator
from nengo_lmu.benchmarks.report import draw_steps
from nengo_lmu.cli import main
from nengo_lmu.experiments.experiment import Run


def test_the_command_for_steps_writes_record_figure_and_table(tmp_path, capsys):
    """A record, a figure and a table, with everything in its place."""
    out = tmp_path / "out"
    argv = ["bench", "steps", "--n-neurons", "60", "40", "60", "--d", "3"]
    assert main([*argv, "--rounds", "2", "--out", str(out)]) == 0
    *table, _ = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in table)
    record = json.loads((out / "bench-steps.json").read_text())
    assert (out / "bench-steps.png").read_bytes().startswith(b"\x89PNG")
    assert [(row["d"], row["n_neurons"]) for row in record["rows"]] == [
        (3, 40),
        (3, 60),
    ]
    assert record["versions"]["nengo"] and record["exponents"] == []
    for row in record["rows"]:
        for name in ("step", "neurons", "nengo", "ratio", "feedback"):
            values = row[name]
            assert 0 < values["low"] <= values["median"] <= values["high"]
        assert row["make"] > 0 and row["build"] > 0
        assert 0 < row["resident"] <= row["peak"]
        assert f"{1e6 * row['neurons']['median']:.0f}" in "\n".join(table)


def test_json_goes_to_the_screen(monkeypatch, capsys):
    monkeypatch.setattr(bench.Steps, "measure", lambda self, run: {})
    assert main(["bench", "steps", "--n-neurons", "500", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings == {"n_neurons": [500], "d": [6, 32], "rounds": 100}


def quartiles(value):
    return {"low": 0.9 * value, "median": value, "high": 1.1 * value}


def test_exponents_are_those_of_large_memories():
    settings = [bench.Setting(m, d) for d in (2, 3) for m in (100, 10_000, 40_000)]
    settings.append(bench.Setting(10_000, 4))
    rows = [{"peak": 7.0 * s.n_neurons} for s in settings]
    times = [
        [1.0 if s.n_neurons < bench.LARGE else s.n_neurons**power for s in settings]
        for power in (1, 1.5, 2)
    ]
    found = bench.exponents_of(settings, rows, np.array(times))
    assert [fit["d"] for fit in found] == [2, 3]
    for fit in found:
        assert fit["n_neurons"] == [10_000, 40_000]
        assert fit["peak"] == pytest.approx(1)
        assert fit["step"] == pytest.approx({"low": 1.25, "median": 1.5, "high": 1.75})


def test_memory_is_counted_once_and_in_full():
    """Four times the neurons take at most four times as much, and most of that."""
    small, large = (bench.footprint(bench.Setting(m, 4)) for m in (20_000, 80_000))
    # what Python itself takes is counted too
    assert 3 < large["resident"] / small["resident"] < 4.2
    assert large["resident"] > 80_000 * 8 * 10
    assert large["peak"] < 80_000 * 8 * 40


def test_figure_has_all_orders():
    rows = [
        {"d": d, "n_neurons": m, "peak": 100 * m}
        | {name: quartiles(1e-8 * m) for name in ("step", "nengo")}
        for d in range(1, 10)
        for m in (100, 1000)
    ]
    figure = draw_steps({"rows": rows})
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(labels) > {f"d = {d}" for d in range(1, 10)}


@pytest.mark.parametrize(
    "argv, named",
    [
        ([], "WHAT"),
        (["nonsense"], "'nonsense'"),
        (
            ["steps", "--n-neurons", "1"],
            "--n-neurons: '1' was given; give a whole number",
        ),
        (["steps", "--n-neurons"], "--n-neurons"),
        (["steps", "--d", "many"], "--d: 'many' was given; give a whole number"),
        (["steps", "--rounds", "0"], "--rounds: '0' was given; give a whole number"),
        (
            ["emulator", "--n-neurons", "6"],
            "--n-neurons: '6' was given; give a whole number",
        ),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *argv])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert named in err and "--help" in err


def test_too_few_neurons_for_an_order_are_refused(capsys):
    assert main(["bench", "steps", "--n-neurons", "100", "10", "--d", "6"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert (
        "--n-neurons: must be at least 12 for d=6" in err
        and "10 was given; use more" in err
    )


# --- the emulator


def test_the_command_for_emulators_writes_record_figure_and_table(tmp_path, capsys):
    """A record, a figure and a table, with everything in its place."""
    pytest.importorskip("nengo_loihi")
    out = tmp_path / "out"
    argv = ["bench", "emulator", "--n-neurons", "24", "12", "24"]
    assert main([*argv, "--rounds", "2", "--out", str(out)]) == 0
    *table, _ = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in table)
    record = json.loads((out / "bench-emulator.json").read_text())
    assert (out / "bench-emulator.png").read_bytes().startswith(b"\x89PNG")
    rows = {
        (row["n_neurons"], row["construction"], row["emulator"]): row
        for row in record["rows"]
    }
    assert list(rows) == [
        (m, construction, emulator)
        for m in (12, 24)
        for construction in bench_emulator.CONSTRUCTIONS
        for emulator in bench_emulator.EMULATORS
    ]
    assert record["misfits"] == []
    for row in rows.values():
        for name in ("step", "ratio"):
            values = row[name]
            assert 0 < values["low"] <= values["median"] <= values["high"]
        assert row["build"] > 0
        assert all(0 < part < 1 for part in row["parts"].values())
        assert sum(row["parts"].values()) == pytest.approx(1)
    for m in (12, 24):
        assert rows[m, "ours", "fast"]["ratio"] == {"low": 1, "median": 1, "high": 1}


@pytest.mark.parametrize("construction", ["ours", "example", "notebook"])
def test_both_emulators_of_the_benchmark_do_the_same(construction):
    """And each simulator has the emulator that it is asked for."""
    interface = pytest.importorskip("nengo_loihi.emulator.interface")
    own = [
        cls for cls in (interface.SynapseState.__mro__) if "nengo_loihi." in f"{cls}"
    ]
    states = {}
    for emulator in bench_emulator.EMULATORS:
        with bench_emulator.Setting(construction, emulator, 24).make() as simulator:
            chip = simulator.sims["emulator"]
            assert (type(chip.synapses) is own[0]) == (emulator == "own")
            simulator.run_steps(300)
            states[emulator] = chip.compartment.voltage.copy()
            assert chip.compartment.spike_count.sum() > 0
    assert np.array_equal(states["fast"], states["own"])


def test_what_does_not_fit_the_chip_is_left_out(monkeypatch):
    pytest.importorskip("nengo_loihi")
    make = bench_emulator.Setting.make

    def refuse(setting):
        if setting.construction == "notebook":
            raise nengo.exceptions.BuildError("too large")
        return make(setting)

    monkeypatch.setattr(bench_emulator.Setting, "make", refuse)
    monkeypatch.setattr(bench_emulator, "SLOW_UP_TO", 12)
    found = Emulator(n_neurons=(12, 24), rounds=1).measure(Run("bench-emulator"))
    kept = [
        (row["construction"], row["emulator"], row["n_neurons"])
        for row in found["rows"]
    ]
    assert kept == [
        *(("ours", "fast", 12), ("ours", "own", 12)),
        *(("example", "fast", 12), ("example", "own", 12)),
        ("ours", "fast", 24),  # what is compared with it is too slow
    ]
    refused = [(one["construction"], one["n_neurons"]) for one in found["misfits"]]
    assert refused == [("notebook", 12)] * 2


def test_sizes_that_emulators_cannot_share_are_refused(capsys):
    assert main(["bench", "emulator", "--n-neurons", "12", "100"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert (
        "--n-neurons: must be a multiple of 6" in err
        and "100 was given; use 102" in err
    )


def test_json_says_which_emulators_are_measured(monkeypatch, capsys):
    monkeypatch.setattr(
        Emulator,
        "measure",
        lambda self, run: {
            "slow": max(
                one.n_neurons for one in self.memories() if one.emulator == "own"
            )
        },
    )
    assert main(["bench", "emulator", "--json"]) == 0
    default = json.loads(capsys.readouterr().out)
    assert main(["bench", "emulator", "--json", "--full", "--rounds", "3"]) == 0
    full = json.loads(capsys.readouterr().out)
    assert default["settings"]["rounds"] == 50 and full["settings"]["rounds"] == 3
    sizes = [set(one["settings"]["n_neurons"]) for one in (default, full)]
    assert sizes[0] < sizes[1] and default["slow"] < full["slow"]
    # what is given counts with --full, too
    assert Emulator(n_neurons=(12,), full=True).n_neurons == (12,)
