"""Many measurements on many cores, with a record of each as soon as it is done.

A sweep that was stopped, in whatever way, continues from its records: only the process
that called `run` writes them, each whole or not at all, and only what has no record is
measured.
"""

import hashlib
import json
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path

import joblib
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from nengo_lmu.analysis.errors import MeasurementError
from nengo_lmu.analysis.records import versions, write_json
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.utils.progress import progress_bar
from nengo_lmu.version import version

# The scheduler of a cluster has to answer within this (seconds).
TIMEOUT = 5

# These tell TensorFlow its number of threads; it looks when it is first used.
TENSORFLOW_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def run(
    function,
    settings,
    folder=None,
    workers=None,
    dask=None,
    cost=None,
    checkpoints=False,
    description=None,
    show_progress=None,
):
    """Measure each setting once, and return the records.

    Parameters
    ----------
    function : callable
        Takes a setting and returns a dict of what JSON can hold. Workers import it, so
        it must be a function of a module.
    settings : list of dataclass instances
        Of what JSON can hold. Equal ones are measured once.
    folder : str or Path, optional
        For the records, one file a setting in ``folder/records``. Settings with a
        record there, by this version of nengo_lmu, are not measured again. Without a
        folder the records are only returned.
    workers : int, optional
        Processes; by default one for each core.
    dask : str, optional
        Address of the scheduler of a Dask cluster, which is then used in place of
        processes of this computer.
    cost : callable, optional
        How long a setting takes, in any unit, by default its ``cost``, if it has one.
        The longest are begun first, so that workers finish at about the same time.
    checkpoints : bool
        Whether the function also takes ``checkpoint``, a file for how far it has come.
        There is one a setting in ``folder/checkpoints`` until it has its record.
    description : str, optional
        For the progress bar.
    show_progress : bool, optional
        By default on terminals.

    Returns
    -------
    records : list of dict
        In the order of the settings, each with ``function``, ``setting``, ``version``
        (of nengo_lmu), ``result``, ``sha256`` (of the result, by which damage is seen)
        and ``versions`` (of what it was measured with).

    Raises
    ------
    MeasurementError
        If some failed, naming the first of them. All others have been measured and
        recorded by then.
    nengo_lmu.legendre.ArgumentError
        If the cluster does not answer.
    ImportError
        If a cluster is asked for and Dask is not installed.

    Examples
    --------
    >>> from nengo_lmu.analysis import Setting, measure
    >>> settings = [Setting(0.1, 3, m, windows=2) for m in (30, 60)]
    >>> records = run(measure, settings, workers=1, show_progress=False)
    >>> [record["setting"]["n_neurons"] for record in records]
    [30, 60]
    """
    tasks = {_key(function, setting): setting for setting in settings}
    records, failures = {}, []
    if folder is not None:
        paths = {key: Path(folder) / "records" / f"{key}.json" for key in tasks}
        records = {
            key: record
            for key, setting in tasks.items()
            if (record := _read(paths[key], function, setting)) is not None
        }
    todo = [(key, setting) for key, setting in tasks.items() if key not in records]
    cost = cost or (lambda setting: getattr(setting, "cost", 0))
    todo.sort(key=lambda task: -cost(task[1]))

    measure = function
    if checkpoints and folder is not None:
        measure = partial(_measure_from, function, Path(folder))
    if todo and dask is not None:
        outcomes = _on_cluster(dask, measure, todo)
    else:
        outcomes = _in_processes(workers, measure, todo)
    with (
        closing(outcomes),
        progress_bar(
            show_progress, total=len(tasks), initial=len(records), desc=description
        ) as bar,
    ):
        for key, outcome, failure in outcomes:
            if failure is None:
                digest = {"sha256": _digest(outcome["result"])}
                records[key] = _describe(function, tasks[key]) | outcome | digest
                if folder is not None:
                    write_json(paths[key], records[key])
                    _checkpoint(folder, key).unlink(missing_ok=True)
            else:
                failures.append((tasks[key], *failure))
            bar.update()
    if failures:
        raise MeasurementError(failures, len(tasks))
    return [records[_key(function, setting)] for setting in settings]


def run_seeds(function, settings, seeds, **options):
    """Measure each setting with several seeds, and return the results.

    Parameters
    ----------
    function : callable
        As for `run`.
    settings : list of dataclass instances
        With a field ``seed``.
    seeds : int
        How many: 0, 1 and so on.
    **options
        As for `run`.

    Returns
    -------
    results : dict
        From each setting to the list of the results of its seeds.

    Examples
    --------
    >>> from nengo_lmu.analysis import Setting, measure
    >>> setting = Setting(0.1, 3, 60, windows=2)
    >>> results = run_seeds(measure, [setting], 2, workers=1, show_progress=False)
    >>> len(results[setting])
    2
    """
    every = [
        replace(setting, seed=seed) for setting in settings for seed in range(seeds)
    ]
    records = iter(run(function, every, **options))
    return {
        setting: [next(records)["result"] for _ in range(seeds)] for setting in settings
    }


def _measure_from(function, folder, setting):
    """Measure one setting from its checkpoint, if there is one."""
    path = _checkpoint(folder, _key(function, setting))
    return function(setting, checkpoint=path)


def _checkpoint(folder, key):
    return Path(folder) / "checkpoints" / f"{key}.npz"


def attempt(function, key, setting):
    """Measure one setting, in a worker.

    Returns
    -------
    key : str
        As given.
    outcome : dict or None
        ``result`` and ``versions``.
    failure : tuple of str or None
        What went wrong in one line, and the traceback. As text, since not every
        exception survives the way back from another process.
    """
    try:
        with _without_advice():
            result = function(setting)
    except Exception as error:
        return key, None, _failure(error)
    return key, {"result": result, "versions": versions()}, None


@contextmanager
def _without_advice():
    """Keep TensorFlow from telling users that a measurement makes many simulators.

    It finds that what runs a model is traced again and again, and tells how not to; but
    each simulator is a model of its own.
    """

    def is_other(record):
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def _attempt_for(parent, *task):
    """Call `attempt`, and let this worker end when its parent has been killed.

    joblib's would wait minutes for more to do, and hold the output open.
    """
    if os.getpid() != parent:
        _end_with(parent)
        # Processes side by side share a cache, and only one at a time adds to it.
        warnings.filterwarnings("ignore", "Decoder cache could not acquire lock")
    return attempt(*task)


@lru_cache
def _end_with(parent):
    def watch():
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _failure(error):
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    return summary, "".join(traceback.format_exception(error))


def _in_processes(workers, function, todo):
    """Yield what `attempt` returns, in the order in which tasks are done."""
    if not todo:
        return
    workers = min(workers or joblib.cpu_count(), len(todo))
    lost = dict(todo)
    # A worker that has grown, as with TensorFlow, is replaced, and nothing is lost.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
    with one_thread_each() if workers > 1 else nullcontext():
        parallel = joblib.Parallel(
            n_jobs=workers,
            return_as="generator_unordered",
            batch_size=1,  # otherwise joblib may hold results back for a batch
        )
        try:
            for outcome in parallel(
                joblib.delayed(_attempt_for)(os.getpid(), function, *task)
                for task in todo
            ):
                del lost[outcome[0]]
                yield outcome
        except BrokenProcessPool as error:
            for key in lost:
                yield key, None, _failure(error)
        except (KeyboardInterrupt, GeneratorExit):
            if workers > 1:
                # Idle processes would wait for more to do, and hold the output open.
                pool = get_reusable_executor(reuse=True, kill_workers=True)
                pool.shutdown(wait=False, kill_workers=True)
            raise


@contextmanager
def one_thread_each():
    """Let each of the processes that are started within use one core.

    joblib tells so the libraries that it knows, and TensorFlow is not among them. What
    the user has set stays.
    """
    added = {name: "1" for name in TENSORFLOW_THREADS if name not in os.environ}
    os.environ.update(added)
    try:
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            yield
    finally:
        for name in added:
            del os.environ[name]


def _on_cluster(address, function, todo):
    """Yield what `attempt` returns, in the order in which tasks are done.

    By Dask's client itself: joblib's backend for it waits forever for a task that has
    cost its workers their lives, and does without a cluster of one thread.
    """
    try:
        import distributed
    except ImportError:
        raise ImportError(
            "Dask is not installed; pip install 'nengo-lmu[dask]'"
        ) from None
    try:
        client = distributed.Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError):
        raise ArgumentError(
            "dask",
            f"no scheduler answers at {address!r}; give the address that it printed "
            "when it started, such as tcp://127.0.0.1:8786",
        ) from None
    with client:
        if not client.scheduler_info()["workers"]:
            _say(f"{address} has no workers yet; waiting for the first")
        keys = {
            client.submit(attempt, function, *task, pure=False): task[0]
            for task in todo
        }
        for future in distributed.as_completed(keys, loop=client.loop):
            try:
                outcome = future.result()
            except Exception as error:
                # the worker was lost, or could not import the function, or the
                # scheduler is gone
                outcome = keys[future], None, _failure(error)
            yield outcome
            future.release()


def _describe(function, setting):
    """Return what a record is of, as JSON will hold it."""
    return json.loads(
        json.dumps(
            {
                "function": f"{function.__module__}.{function.__qualname__}",
                "setting": asdict(setting),
                "version": version,  # another one may measure something else
            }
        )
    )


def _digest(content):
    content = json.loads(json.dumps(content))  # keys are text from here on
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _key(function, setting):
    """Return the name of the record of a setting."""
    digest = _digest(_describe(function, setting))[:16]
    values = [
        f"{value:g}" if isinstance(value, float) else str(value)
        for value in asdict(setting).values()
        if isinstance(value, (int, float, str))
    ]
    readable = "".join(c if c.isalnum() or c in "-." else "_" for c in "-".join(values))
    return f"{readable[:60]}-{digest}"


def _read(path, function, setting):
    """Return a record, or None where there is none that is whole."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        description = _describe(function, setting)
        identity = {key: record[key] for key in description}
        if identity == description and record["sha256"] == _digest(record["result"]):
            return record
        state = "damaged"
        if identity["version"] != version:
            state = (
                f"of version {identity['version']} of nengo_lmu, and this is {version}"
            )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        state = "damaged"
    _say(f"{path} is {state}; it will be measured again")
    return None


def _say(text):
    tqdm.write(text, file=sys.stderr)  # the text goes above a bar, not into it
