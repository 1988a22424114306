import json
import subprocess
import sys

import pytest

from nengo_lmu.analysis import records
from nengo_lmu.cli import main
from nengo_lmu.cli.table import format_table


@pytest.mark.parametrize(
    "argv, named",
    [
        ([], "COMMAND"),
        (["nonsense"], "'nonsense'"),
        (["demo", "--digits", "0"], "--digits: '0'"),
        (["demo", "--digits", "541"], "--digits: '541'"),
        (["demo", "--digits", "many"], "--digits: 'many'"),
        (["demo", "--loihi-digits", "-1"], "--loihi-digits: '-1'"),
        (["demo", "--seed", "1.5"], "--seed: '1.5'"),
        (["demo", "--unknown"], "--unknown"),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert named in err and "--help" in err


def test_what_only_the_network_can_refuse_is_one_line_too(tmp_path, capsys):
    pytest.importorskip("sklearn")
    out = str(tmp_path / "out")
    assert main(["demo", "--n-neurons", "10", "--out", out]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "n_neurons" in err and "10" in err and "at least 44" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command",
    [
        *("demo", "plan --theta 1 --d 6 --m 60", "scaling", "theory"),
        *("bench steps", "bench emulator", "loihi", "loihi --fidelity"),
        "loihi --routes",
    ],
)
def test_out_must_not_be_a_file(command, tmp_path, capsys):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--out", str(precious)])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "argument --out" in err and "is a file; give a folder" in err
    assert precious.read_text() == "mine"


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "nengo_lmu", "--version"], capture_output=True, text=True
    )
    from nengo_lmu import __version__

    assert done.stdout.strip() == __version__ and done.returncode == 0


def test_table_is_aligned():
    text = format_table(["name", "n"], [["a", "1"], ["longer name", "1,000"]])
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("a ") and lines[2].endswith("    1")


def test_records_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "record.json"
    records.write_json(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(TypeError):
        records.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]

    def fail_half_way(file):
        file.write("half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        records.write_atomically(path, fail_half_way)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]


def test_versions_name_what_matters():
    found = records.versions()
    assert found["nengo"] and found["numpy"] and found["python"]
