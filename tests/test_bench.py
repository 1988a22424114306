"""The benchmarks' bookkeeping; what they measure depends on the computer."""

import json

import numpy as np
import pytest

from nengo_lmu.analysis import bench, figures
from nengo_lmu.cli import main


def test_steps_command(tmp_path, capsys):
    """A record, a figure and a table, with everything in its place."""
    out = tmp_path / "out"
    argv = ["bench", "steps", "--m", "60", "40", "60", "--d", "3", "--rounds", "2"]
    assert main([*argv, "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert all(len(line) <= 80 for line in table.splitlines())
    record = json.loads((out / "bench.json").read_text())
    assert (out / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert [(row["d"], row["m"]) for row in record["rows"]] == [(3, 40), (3, 60)]
    assert record["versions"]["nengo"] and record["exponents"] == []
    for row in record["rows"]:
        for name in ("step", "neurons", "ratio"):
            values = row[name]
            assert 0 < values["low"] <= values["median"] <= values["high"]
        assert row["make"] > 0 and row["build"] > 0
        assert 0 < row["resident"] <= row["peak"]
        assert f"{1e6 * row['neurons']['median']:.0f}" in table


def test_json_goes_to_the_screen(monkeypatch, capsys):
    monkeypatch.setattr(bench, "run", lambda m, d, rounds: {"m": m, "d": d})
    assert main(["bench", "steps", "--m", "500", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"m": [500], "d": [6, 32]}


def quartiles(value):
    return {"low": 0.9 * value, "median": value, "high": 1.1 * value}


def test_exponents_are_those_of_large_memories():
    settings = [bench.Setting(m, d) for d in (2, 3) for m in (100, 10_000, 40_000)]
    settings.append(bench.Setting(10_000, 4))
    rows = [{"peak": 7.0 * s.m} for s in settings]
    times = [
        [1.0 if s.m < bench.LARGE else s.m**power for s in settings]
        for power in (1, 1.5, 2)
    ]
    found = bench._exponents(settings, rows, np.array(times))
    assert [fit["d"] for fit in found] == [2, 3]
    for fit in found:
        assert fit["m"] == [10_000, 40_000]
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
        {"d": d, "m": m, "peak": 100 * m}
        | {name: quartiles(1e-8 * m) for name in ("step", "neurons", "ratio")}
        for d in range(1, 10)
        for m in (100, 1000)
    ]
    figure = figures.draw_steps({"rows": rows})
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(labels) > {f"d = {d}" for d in range(1, 10)}


@pytest.mark.parametrize(
    "argv, named",
    [
        ([], "WHAT"),
        (["nonsense"], "'nonsense'"),
        (["steps", "--m", "1"], "--m: '1' was given; give a whole number"),
        (["steps", "--m"], "--m"),
        (["steps", "--d", "many"], "--d: 'many' was given; give a whole number"),
        (["steps", "--rounds", "0"], "--rounds: '0' was given; give a whole number"),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *argv])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert named in err and "--help" in err


def test_too_few_neurons_for_an_order(capsys):
    assert main(["bench", "steps", "--m", "100", "10", "--d", "6"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "m: must be at least 12 for d=6" in err and "10 was given; use more" in err
