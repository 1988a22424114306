"""Experiments that are killed at random moments, and the same command again.

The record at the end is that of a run in one go, nothing that was recorded is lost, and
no process is left. ``NENGO_LMU_KILLS=20`` kills each experiment twenty times instead of
twice.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nengo_lmu

KILLS = int(os.environ.get("NENGO_LMU_KILLS", "2"))
PROC = Path("/proc")

# Starts the command with networks that are trained in seconds.
START = """
import sys
from dataclasses import replace
if "digits" in sys.argv:
    from nengo_lmu.experiments.digits import network as digits
    from nengo_lmu.experiments.digits import options
    options.SETTINGS = replace(digits.Settings(), steps_per_pixel=4, units=20, copies=4)
    digits.DigitClassifier.simulate_nengo_dl = lambda self, *args, **kw: self.ideal()
if "psmnist" in sys.argv:
    from nengo_lmu.experiments.psmnist import network as psmnist
    from nengo_lmu.experiments.psmnist import experiment as psmnist_runs
    from nengo_lmu.experiments.psmnist import without_time
    without_time.MINIBATCH = 50
    psmnist_runs.ROUTES["without-time"] = psmnist.Settings(
        "feed-forward", d=16, units=20, hidden="rectified", hidden_bias=True
    )
from nengo_lmu.cli import main
sys.exit(main())
"""

EXPERIMENTS = {
    "scaling": (
        "scaling --theta 0.1 --windows 2 --seeds 2 --workers 2 --m 50 100 --d 2 3 "
        "--neuron-type poisson lif --tau 0.05 --dt 0.001 0.002",
        "scaling.json",
    ),
    "digits": (
        "train digits --digits 2 --epochs 4 --seeds 2 --n-neurons 120 --d 6",
        "train-digits.json",
    ),
    "mackey-glass": (
        "train mackey-glass --quick --models lmu --seeds 1",
        "train-mackey-glass.json",
    ),
    "mackey-glass-spikes": (
        "train mackey-glass-spikes --quick --seeds 1 --units 30 --echo-units 30 "
        "--n-neurons 60 --workers 1",
        "train-mackey-glass-spikes.json",
    ),
    "capacity": (
        "train capacity --lengths 30 --seeds 1 --n-neurons 30 --lstm-lengths 25 "
        "--lstm-epochs 60 --workers 1",
        "train-capacity.json",
    ),
    "psmnist": ("train psmnist --epochs 8 --mnist {mnist}", "train-psmnist.json"),
}

# Parts of records that are not the same in each process.
_OF_THE_COMPUTER = ("difference", "in_time", "peak_mib")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROC.exists(), reason="there are no processes to be read"),
]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """A file like that of MNIST, with noise for digits."""
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    rng = np.random.RandomState(0)
    arrays = {}
    for name, n in (("train", 800), ("test", 200)):
        arrays[f"x_{name}"] = rng.randint(0, 256, (n, 28, 28)).astype(np.uint8)
        arrays[f"y_{name}"] = rng.randint(0, 10, n).astype(np.uint8)
    np.savez(path, **arrays)
    return path


@pytest.fixture(params=EXPERIMENTS, scope="module")
def experiment(request, mnist, tmp_path_factory):
    """A command, its record and what it says in one go, and how long that took."""
    if request.param != "scaling":
        pytest.importorskip("nengo_dl")
    command, name = EXPERIMENTS[request.param]
    command = command.format(mnist=mnist).split()
    out = tmp_path_factory.mktemp("whole")
    started = time.monotonic()
    finish(start(command, out))
    return command, name, record(out / name), time.monotonic() - started


def start(command, out):
    """Start a command in a session of its own, by which its workers are found."""
    path = os.pathsep.join([str(Path(nengo_lmu.__file__).parents[1]), *sys.path])
    one = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    with open(out.parent / f"{out.name}.log", "w") as log:
        return subprocess.Popen(
            [sys.executable, "-c", START, *command, "--out", str(out)],
            env={**os.environ, **one, "PYTHONPATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def finish(process):
    assert process.wait(timeout=600) == 0


def record(path):
    """Return a record without times, memory and rounding errors."""

    def lasting(value):
        if isinstance(value, dict):
            return {
                name: lasting(of_it)
                for name, of_it in value.items()
                if "seconds" not in name and name not in _OF_THE_COMPUTER
            }
        return [lasting(of_it) for of_it in value] if isinstance(value, list) else value

    return lasting(json.loads(path.read_text()))


def same(one, other):
    """Whether two records are, but for rounding, which depends on the process."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return bool(np.isclose(one, other, rtol=1e-5, atol=1e-8))
    return one == other


def session(leader):
    """Return the processes of a session, but for those that have ended."""
    found = []
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            # after the name, which may have blanks: state, parent, group, session
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def kill(process, how):
    """Kill a process, and see its workers end by themselves."""
    process.send_signal(how)
    process.wait(timeout=60)
    deadline = time.monotonic() + 60
    while (left := session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def recorded(out):
    return {path: path.read_bytes() for path in out.glob("records/[!.]*.json")}


def test_experiments_go_on_after_kills_at_random_moments(experiment, tmp_path):
    """Killed outright or asked to end, as often as it takes; finished runs begin anew.

    Moments are evenly distributed over the time that the experiment takes in one go.
    """
    command, name, whole, seconds = experiment
    rng = random.Random(0)
    killed, round_ = 0, 0
    while killed < KILLS:
        out = tmp_path / f"out{round_}"
        process = start(command, out)
        try:
            process.wait(timeout=rng.uniform(0.0, seconds))
        except subprocess.TimeoutExpired:
            before = recorded(out)
            kill(process, (signal.SIGKILL, signal.SIGTERM)[killed % 2])
            killed += 1
            now = recorded(out)
            assert before.items() <= now.items()
        else:
            assert process.returncode == 0
            assert same(record(out / name), whole)
            round_ += 1
    before = recorded(out)
    process = start(command, out)
    finish(process)
    assert same(record(out / name), whole)
    assert before.items() <= recorded(out).items()
    assert not session(process.pid)


def test_two_at_once_share_a_folder(experiment, tmp_path):
    command, name, whole, _ = experiment
    out = tmp_path / "out"
    for process in [start(command, out), start(command, out)]:
        finish(process)
    assert same(record(out / name), whole)
