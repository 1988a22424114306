import contextlib
import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import types
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from nengo_lmu import cli
from nengo_lmu.analysis import records
from nengo_lmu.cli import main
from nengo_lmu.experiments.experiment import Experiment, option, switch
from nengo_lmu.experiments.options import whole_number
from nengo_lmu.utils.table import format_table

TASKS = Path("/proc/self/task")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


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
        *("demo", "plan --theta 1 --d 6 --n-neurons 60", "scaling", "theory"),
        *("bench steps", "bench emulator", "loihi resources", "loihi fidelity"),
        "loihi routes",
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


def test_the_module_runs_and_tells_its_version():
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


# --- what befalls a command


# Python that hears interrupts, which a shell has its background jobs ignore
PYTHON = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
)


def start(*argv, **options):
    command = [*PYTHON, "-m", "nengo_lmu", *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **{**pipes, **options})


PLAN = ("plan", "--theta", "1", "--d", "6", "--n-neurons", "60")
VERIFY = (*PLAN, "--verify", "--seeds", "1000", "--workers", "2")


def one_line(err):
    assert "Traceback" not in err
    return err.strip("\n").count("\n") == 0


@posix
def test_an_interrupt_while_importing_ends_quietly():
    """As soon as the package itself is being imported: nengo is, which takes longer."""
    code = (
        "import os, runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'nengo.builder':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['nengo-lmu', 'plan', '--help']\n"
        "from nengo_lmu.cli import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([*PYTHON, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130 and done.stdout == ""
    assert done.stderr.strip() == "nengo-lmu: interrupted"


@posix
def test_programs_that_import_the_package_have_their_interrupts():
    code = (
        "import signal, nengo_lmu\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([*PYTHON, "-c", code], check=True)


def is_running(pid):
    """Whether a process has not ended, or has but nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not TASKS.exists(), reason="only Linux tells children")
@pytest.mark.parametrize(
    "signum, status, word",
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_no_worker_is_left_when_it_is_told_to_end(signum, status, word):
    """What reads the output has its end as soon as all that write to it are gone."""
    running = start(*VERIFY, start_new_session=True)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    try:
        # both workers, and the process in which joblib keeps count of what they share
        deadline = time.monotonic() + 60
        while len(children.read_text().split()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        left = children.read_text().split()
        os.kill(running.pid, signum)
        out, err = running.communicate(timeout=30)
        # those that do not hold the output end as well
        deadline = time.monotonic() + 30
        while any(map(is_running, left)) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = list(filter(is_running, left))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == status and not left
    assert err.splitlines()[-1] == f"nengo-lmu plan: {word}"
    assert "Traceback" not in err


@posix
def test_output_that_nobody_reads_is_no_error():
    running = start(*PLAN)
    running.stdout.close()
    assert running.wait(timeout=60) == 141
    assert running.stderr.read() == ""
    running.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_room_for_the_output_is_one_line(options):
    with open("/dev/full", "w") as full:
        running = start(*PLAN, *options, stdout=full)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 2 and one_line(err)
    assert "standard output: No space left" in err


def test_no_room_for_a_file_names_it(tmp_path, monkeypatch, capsys):
    dumps = json.dumps

    def no_room(*args, indent=None, **kwargs):
        if indent is not None:  # while a record is written, and not before
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return dumps(*args, **kwargs)

    monkeypatch.setattr(records, "json", SimpleNamespace(dumps=no_room))
    assert main([*PLAN, "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert one_line(err) and str(tmp_path / "plan.json") in err and "space" in err
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_working_directory_is_gone(tmp_path):
    code = f"cd {tmp_path}; mkdir gone; cd gone; rmdir ../gone; exec "
    environment = {**os.environ, "PYTHONPATH": str(Path(records.__file__).parents[2])}
    done = subprocess.run(
        ["sh", "-c", code + f"{sys.executable} -m nengo_lmu {' '.join(PLAN)}"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 2 and one_line(done.stderr)
    assert "working directory does not exist" in done.stderr


@pytest.mark.parametrize(
    "argv, named",
    [
        ([*PLAN, "--out", 300 * "a"], "--out: 'aaa"),
        ([*PLAN[:-1], 25 * "1"], "give a whole number from 2 to 1000000000000"),
        ([*PLAN, "--rms", "1e-300"], "--rms: '1e-300' was given; give a number from"),
        ([*PLAN, "--rms", "1e300"], "--rms: '1e300' was given; give a number from"),
        (
            [*PLAN, "--error-feedback", "1e300"],
            "--error-feedback: '1e300' was given; give a number of at least 0 and",
        ),
    ],
)
def test_what_no_computer_can_do_is_one_line_too(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and named in err


@pytest.mark.parametrize("command", ["plan", "scaling", "theory", "train digits"])
def test_more_seeds_than_anybody_waits_for_are_refused(command, capsys):
    """A list of them is made, and that of 10^12 has no place."""
    with pytest.raises(SystemExit) as exit:
        main([*command.split(), "--seeds", str(10**12)])
    assert exit.value.code == 2
    assert "give a whole number from 1 to 100000" in capsys.readouterr().err


# --- the frame


def every_command(commands=cli.COMMANDS, words=()):
    """Yield the words and the class of each command."""
    for name, (_, what) in commands.items():
        if isinstance(what, dict):
            yield from every_command(what, (*words, name))
        else:
            yield " ".join((*words, name)), what


@pytest.mark.parametrize("command, where", list(every_command()))
def test_every_command_is_an_experiment(command, where, capsys):
    """It has the name that it is called by, and help of lines that fit a terminal."""
    module, _, name = where.rpartition(".")
    if "train" in command or "demo" in command or "agreement" in command:
        pytest.importorskip("nengo_dl")
    experiment = getattr(importlib.import_module(f"nengo_lmu.{module}"), name)
    assert issubclass(experiment, Experiment) and experiment.name == command
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: nengo-lmu {command} ")
    assert all(len(line) <= 88 for line in out.splitlines())
    # each option says what it is for
    for one in fields(experiment):
        assert one.metadata["option"].help


HEAVY = {
    *("tensorflow", "keras", "nengo_dl", "nengo_loihi"),
    *("matplotlib", "joblib", "distributed"),
}


@pytest.mark.parametrize("command, where", list(every_command()))
def test_help_loads_nothing_that_takes_long(command, where):
    code = (
        "import sys\n"
        "from nengo_lmu.cli import main\n"
        f"try:\n    main([*{command.split()}, '--help'])\n"
        "except SystemExit: pass\n"
        f"print(sorted({HEAVY} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n"), done.stdout[-200:] + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


@dataclass(frozen=True)
class Toy(Experiment):
    """Double a number."""

    name = "toy with words"
    processes = "here"

    n: int = option(2, whole_number(1), "what is doubled", formerly=("--number",))
    sizes: tuple = option((1, 2), whole_number(1), "of nothing")
    wrong: bool = switch("fail")

    def __post_init__(self):
        if self.wrong:
            self.refuse_with("--wrong", ("n",), "it never doubles anything")

    def measure(self, run):
        return {"doubled": 2 * self.n, "folder": str(run.folder)}

    def table(self, record):
        return f"{record['doubled']}"


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", {"toy": ("a toy", "tests_toy.Toy")})
    module = types.ModuleType("nengo_lmu.tests_toy")
    module.Toy = Toy
    monkeypatch.setitem(sys.modules, "nengo_lmu.tests_toy", module)


def test_a_record_says_what_it_is_of(toy, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["toy", "--n", "3", "--sizes", "4", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("6\n\nRecord in ")
    record = json.loads((out / "toy-with-words.json").read_text())
    assert record["experiment"] == "toy with words"
    assert record["settings"] == {"n": 3, "sizes": [4], "wrong": False}
    assert record["version"] == record["versions"]["nengo-lmu"]
    assert record["seconds"] >= 0 and record["doubled"] == 6
    # the same by calling it, and for machines
    found = Toy(n=3, sizes=(4,)).run(out)
    assert main(["toy", "--n", "3", "--sizes", "4", "--json", "--out", str(out)]) == 0
    other = json.loads(capsys.readouterr().out)
    for one in (found, other):
        assert one | {"seconds": 0} == record | {"seconds": 0}


def test_options_have_earlier_spellings_and_exclude_each_other(toy, tmp_path, capsys):
    assert main(["toy", "--number", "5", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("10\n") and "--number is --n now" in err
    assert main(["toy", "--wrong", "--n", "5", "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "argument --wrong: cannot be given together with --n" in err


@pytest.mark.parametrize(
    "argv, now",
    [
        (["train", "scale-invariance", "--seeds", "0"], "scale-invariance"),
        (["loihi", "--fidelity", "--seeds", "0"], "loihi fidelity"),
        (["loihi", "--routes", "--seeds", "0"], "loihi routes"),
        (["loihi", "--theta", "-1"], "loihi resources"),
        (["demo", "--agreement", "0"], "loihi agreement"),
    ],
)
def test_earlier_names_of_commands_work_and_are_told_of(argv, now, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    renamed, wrong = capsys.readouterr().err.splitlines()
    assert f"is {now}" in renamed
    assert wrong.startswith(f"nengo-lmu {now}: argument --")
