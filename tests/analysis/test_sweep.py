"""Many measurements: recorded as they come, resumed, nothing lost or doubled."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import asdict
from functools import update_wrapper
from pathlib import Path

import numpy as np
import pytest
from measurements import (
    TASKS,
    Hoard,
    Setting,
    die,
    hoard,
    settings_of_threads,
    square,
    threads_of_tensorflow,
)

from nengo_lmu.analysis import memory as memory_error
from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.errors import MeasurementError
from nengo_lmu.legendre import ArgumentError


class Counted:
    """`square`, with the settings that it was called with."""

    def __init__(self):
        update_wrapper(self, square)
        self.calls = []

    def __call__(self, setting):
        self.calls.append(setting.x)
        return square(setting)


SETTINGS = [Setting(float(x)) for x in (3, 1, 2, 1)]


def squares(records):
    return [record["result"]["square"] for record in records]


@pytest.mark.parametrize("workers", [1, 2])
def test_records_are_in_the_order_of_the_settings(workers, tmp_path):
    records = sweep.run(square, SETTINGS, tmp_path, workers=workers)
    assert squares(records) == [9, 1, 4, 1]
    assert records[0]["function"].endswith("square")
    # as JSON has them
    assert records[0]["setting"] == asdict(SETTINGS[0]) | {"pair": [1, 2]}
    assert records[0]["versions"]["nengo"]
    # one file for each different setting, and nothing else
    files = list((tmp_path / "records").iterdir())
    assert len(files) == 3
    assert {json.dumps(json.loads(file.read_text())) for file in files} == {
        json.dumps(record) for record in records
    }


def test_another_version_measures_again(tmp_path, monkeypatch):
    sweep.run(square, SETTINGS, tmp_path, workers=1)
    monkeypatch.setattr(sweep, "version", "99.0")
    counted = Counted()
    sweep.run(counted, SETTINGS, tmp_path, workers=1)
    assert counted.calls == [3, 1, 2]
    assert len(list((tmp_path / "records").iterdir())) == 6


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert squares(sweep.run(square, SETTINGS, workers=1)) == [9, 1, 4, 1]
    assert list(tmp_path.iterdir()) == []
    assert sweep.run(square, []) == []


def test_what_is_recorded_is_not_measured_again(tmp_path):
    first, second = Counted(), Counted()
    sweep.run(first, SETTINGS[:2], tmp_path, workers=1)
    assert first.calls == [3, 1]
    records = sweep.run(second, SETTINGS, tmp_path, workers=1)
    assert second.calls == [2]
    assert squares(records) == [9, 1, 4, 1]


def test_the_longest_begin_first(tmp_path):
    counted = Counted()
    sweep.run(counted, SETTINGS, workers=1, cost=lambda setting: setting.x)
    assert counted.calls == [3, 2, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"x": 1.0', '"x": 5.0'),
        lambda text: text.replace('"result"', '"other"'),
        lambda text: text.replace('"square": 1.0', '"square": NaN'),
        lambda text: text.replace('"square": 1.0', '"square": "1.0"'),
        lambda text: text.replace('"square"', '"other"'),
        lambda text: 100_000 * "[",
    ],
)
def test_a_damaged_record_is_measured_again(damage, tmp_path, capsys):
    before = sweep.run(square, SETTINGS, tmp_path, workers=1)
    (path,) = [
        path
        for path in (tmp_path / "records").iterdir()
        if json.loads(path.read_text())["setting"]["x"] == 1
    ]
    path.write_text(damage(path.read_text()))
    counted = Counted()
    assert sweep.run(counted, SETTINGS, tmp_path, workers=1) == before
    assert counted.calls == [1]
    err = capsys.readouterr().err
    assert path.name in err and "damaged" in err


def test_a_record_of_another_version_is_called_so(tmp_path, capsys):
    before = sweep.run(square, SETTINGS[:1], tmp_path, workers=1)
    (path,) = (tmp_path / "records").iterdir()
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"version": "99.0"}))
    assert sweep.run(square, SETTINGS[:1], tmp_path, workers=1) == before
    err = capsys.readouterr().err
    assert path.name in err and "of version 99.0" in err and "damaged" not in err


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_is_named_and_the_others_are_kept(workers, tmp_path):
    settings = [Setting(13.0), *SETTINGS]
    with pytest.raises(MeasurementError) as error:
        sweep.run(square, settings, tmp_path, workers=workers)
    message = str(error.value)
    assert "1 of 4" in message and "x=13.0" in message
    assert "RuntimeError: thirteen is unlucky" in message
    ((setting, _, trace),) = error.value.failures
    assert setting == settings[0] and "in square" in trace
    counted = Counted()
    assert squares(sweep.run(counted, SETTINGS, tmp_path, workers=1)) == [9, 1, 4, 1]
    assert counted.calls == []


def test_a_worker_that_dies_does_not_hang_the_sweep(tmp_path):
    settings = [Setting(float(x)) for x in range(6)]
    with pytest.raises(MeasurementError, match="Terminated"):
        sweep.run(die, settings, tmp_path, workers=2)
    assert len(list((tmp_path / "records").glob("*.json"))) < 6


def test_the_bar_begins_with_what_is_done(tmp_path, capsys):
    sweep.run(square, SETTINGS[:2], tmp_path, workers=1)
    sweep.run(
        square,
        SETTINGS,
        tmp_path,
        workers=1,
        description="squares",
        show_progress=True,
    )
    err = capsys.readouterr().err
    assert "squares:  67%" in err and "2/3" in err and "3/3" in err


SLOW = """
    import os, sys, time
    from dataclasses import dataclass
    from pathlib import Path
    from nengo_lmu.analysis import sweep

    @dataclass(frozen=True)
    class Setting:
        x: int

    def slow(setting):
        with open(os.environ["LOG"], "a") as log:
            log.write(f"{setting.x}\\n")
        time.sleep(0.2)
        return {"value": setting.x, "pid": os.getpid()}

    if __name__ == "__main__":
        import slow_task
        settings = [slow_task.Setting(x) for x in range(12)]
        sweep.run(slow_task.slow, settings, sys.argv[1], workers=int(sys.argv[2]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_sweep_continues(workers, tmp_path):
    """Nothing recorded before is measured again, nothing is lost, nothing doubled."""
    script = tmp_path / "slow_task.py"
    script.write_text(textwrap.dedent(SLOW))
    log = tmp_path / "log"
    package = Path(sweep.__file__).parents[2]
    path = os.pathsep.join([str(package), str(tmp_path), *sys.path])
    environment = {**os.environ, "LOG": str(log), "PYTHONPATH": path}
    command = [sys.executable, str(script), str(tmp_path / "out"), str(workers)]
    records = tmp_path / "out" / "records"

    def recorded():
        return {
            path.name: path.read_text()
            for path in records.glob("*.json")
            if not path.name.startswith(".")
        }

    killed = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while len(recorded()) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.kill()
        killed.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(killed.pid, signal.SIGKILL)  # the workers it has left behind
    before = recorded()
    assert 4 <= len(before) < 12

    subprocess.run(command, env=environment, check=True, timeout=60)
    after = recorded()
    assert before.items() <= after.items()
    values = [json.loads(text)["result"]["value"] for text in after.values()]
    assert sorted(values) == list(range(12))
    begun = Counter(map(int, log.read_text().split()))
    done_before = {json.loads(text)["result"]["value"] for text in before.values()}
    assert all(begun[x] == 1 for x in done_before)
    # what was under way when it was killed is begun again, and that is all
    again = [x for x in begun if begun[x] > 1]
    assert len(again) <= 2 * workers and max(begun.values()) <= 2


# --- Dask


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        dashboard_address=None,
        host="tcp://127.0.0.1",
    ) as cluster:
        yield cluster


def test_dask_gives_the_same_records(cluster, tmp_path):
    address = cluster.scheduler_address
    assert address.startswith("tcp://")
    records = sweep.run(square, SETTINGS, tmp_path, dask=address)
    assert records == sweep.run(square, SETTINGS, workers=1)
    assert len(list((tmp_path / "records").iterdir())) == 3
    counted = Counted()
    assert sweep.run(counted, SETTINGS, tmp_path, workers=1) == records
    assert counted.calls == []


def test_dask_measures_memories(cluster):
    """In threads of the same worker too, which the cluster may have."""
    settings = [
        memory_error.Setting(theta=0.1, d=2, n_neurons=50, windows=1, seed=seed)
        for seed in range(4)
    ]
    records = sweep.run(memory_error.measure, settings, dask=cluster.scheduler_address)
    for setting, record in zip(settings, records):
        expected = memory_error.measure(setting)["window"]
        assert np.isclose(record["result"]["window"], expected, rtol=1e-9)


def test_dask_names_what_failed(cluster, tmp_path):
    with pytest.raises(MeasurementError, match="x=13.0.*unlucky"):
        sweep.run(
            square,
            [Setting(13.0), *SETTINGS],
            tmp_path,
            dask=cluster.scheduler_address,
        )
    assert len(list((tmp_path / "records").iterdir())) == 3


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "x y"])
def test_dask_that_does_not_answer_is_told_of(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep, "TIMEOUT", 0.5)
    with pytest.raises(ArgumentError, match="no scheduler answers at '.*; give the"):
        sweep.run(square, SETTINGS, dask=address)


def test_dask_that_is_not_installed_is_told_of(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"nengo-lmu\[dask\]"):
        sweep.run(square, SETTINGS, dask="tcp://127.0.0.1:8786")


# --- workers that grow


def test_a_worker_that_has_grown_is_replaced_in_silence():
    """The suite takes warnings for errors, and joblib warns of it."""
    settings = [Hoard(300, i) for i in range(8)]
    kept = [
        record["result"]["kept"] for record in sweep.run(hoard, settings, workers=2)
    ]
    # Otherwise four measurements of one of the workers add up.
    assert max(kept) < 4


# --- no more threads than cores


def test_workers_compute_in_one_thread_each():
    """TensorFlow too; and only they."""
    before = dict(os.environ)
    for record in sweep.run(settings_of_threads, SETTINGS, workers=2):
        assert set(record["result"].values()) == {"1"}
    assert dict(os.environ) == before


def test_threads_that_the_user_has_set_stay(monkeypatch):
    intra, inter = sweep.TENSORFLOW_THREADS
    monkeypatch.setenv(intra, "3")
    monkeypatch.delenv(inter, raising=False)
    with pytest.raises(KeyboardInterrupt), sweep.one_thread_each():
        assert (os.environ[intra], os.environ[inter]) == ("3", "1")
        raise KeyboardInterrupt
    assert os.environ[intra] == "3" and inter not in os.environ


@pytest.mark.slow
@pytest.mark.skipif(not TASKS.exists(), reason="only Linux names threads")
def test_tensorflow_computes_in_one_thread_in_each_worker():
    pytest.importorskip("tensorflow")
    for record in sweep.run(threads_of_tensorflow, SETTINGS, workers=2):
        assert record["result"] == {"threads": 1}


def test_users_are_not_told_to_make_fewer_simulators(caplog):
    """By TensorFlow, while something is measured; all else is told as ever."""

    def measure(setting):
        logger = logging.getLogger("tensorflow")
        logger.warning("5 out of the last 5 calls triggered tf.function retracing.")
        logger.warning("something else")
        return {}

    sweep.attempt(measure, "key", Setting(1))
    assert [record.getMessage() for record in caplog.records] == ["something else"]
    logging.getLogger("tensorflow").warning("triggered tf.function retracing")
    assert len(caplog.records) == 2
