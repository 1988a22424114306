"""Trained networks that come with the package.

Each is two files: ``NAME.npz`` as `nengo_dl.Simulator.save_params` writes it, and
``NAME.json`` with the settings that it was trained with, what it reached, the command
that made it, and where in the other file the matrix of each connection is. So the
parameters can be put into a network without NengoDL and TensorFlow.

To add one:

1. Write a class with the attributes ``network`` (a `nengo.Network`), ``settings`` (a
   dataclass instance of what JSON can hold, with a field ``dt``) and ``parameters`` (a
   dict from a name to each trained connection, all with dense transforms).
2. Add a function that makes it from the settings to `MODELS`, under its name.
3. Let the command that trains it call `save`, and copy the two files to this folder.
"""

import hashlib
import io
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import nengo
import numpy as np

from nengo_lmu.analysis.records import versions, write_json
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.utils.files import write_atomically
from nengo_lmu.version import version


def _digits(settings):
    from nengo_lmu.experiments.digits.network import DigitClassifier, Settings

    return DigitClassifier(Settings(**settings))


def _psmnist(settings):
    from nengo_lmu.experiments.psmnist.network import Classifier, Settings

    return Classifier(Settings(**settings))


MODELS = {"digits": _digits, "psmnist": _psmnist}

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Pretrained:
    """A trained network.

    Attributes
    ----------
    name : str
    network : nengo.Network
        With the trained parameters, for any simulator.
    model : object
        What the network is a part of, with its nodes and probes: for "digits" a
        `nengo_lmu.experiments.digits.network.DigitClassifier`, for "psmnist" a
        `nengo_lmu.experiments.psmnist.network.Classifier`.
    record : dict
        ``settings``, ``versions``, the ``command`` that made it and what it reached.
    path : Path
        Of its parameters, as `nengo_dl.Simulator.load_params` takes it.
    """

    name: str
    network: nengo.Network
    model: object
    record: dict
    path: Path


def load(name, folder=None):
    """Make a network with the parameters that it was trained to.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    folder : str or Path, optional
        Where a command that trains has written it; by default what comes with the
        package.

    Returns
    -------
    trained : Pretrained

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there is no such network, naming those there are, or not in this folder, or
        its two files do not belong together.

    Examples
    --------
    >>> import nengo
    >>> from nengo_lmu.experiments import pretrained
    >>> trained = pretrained.load("digits")
    >>> with nengo.Simulator(trained.network) as sim:
    ...     sim.run(trained.model.settings.theta)
    """
    if name not in MODELS:
        raise ArgumentError(
            "name",
            f"there is no trained network {name!r}; give one of {', '.join(MODELS)}",
        )
    path = (HERE if folder is None else Path(folder)) / name
    record, arrays = _read(path)
    try:
        model = MODELS[name](record["settings"])
        for label, connection in model.parameters.items():
            connection.transform = _matrix(arrays, record["parameters"][label])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _refused(path, record, error) from None
    return Pretrained(name, model.network, model, record, path)


def save(name, model, details, folder):
    """Write a trained network, so that `load` finds it.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    model : object
        As `MODELS` makes it, trained.
    details : dict
        What the record should say besides ``settings`` and ``versions``: at least the
        ``command`` and what was reached.
    folder : str or Path

    Returns
    -------
    path : Path
        As `nengo_dl.Simulator.load_params` takes it.
    """
    import nengo_dl

    path = Path(folder) / name
    with (
        nengo_dl.Simulator(
            model.network, dt=model.settings.dt, progress_bar=False
        ) as sim,
        tempfile.TemporaryDirectory() as temporary,
    ):
        sim.save_params(Path(temporary) / name)
        content = (Path(temporary) / f"{name}.npz").read_bytes()
        places = {
            label: _place(sim, connection)
            for label, connection in model.parameters.items()
        }
    record = {
        "name": name,
        **details,
        "settings": asdict(model.settings),
        "versions": versions(),
        "parameters": places,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_atomically(_with(path, "npz"), lambda file: file.write(content), mode="wb")
    write_json(_with(path, "json"), record)
    return path


def _with(path, suffix):
    return path.parent / f"{path.name}.{suffix}"


def _place(sim, connection):
    """Return in which array of NengoDL's parameters a connection's matrix is."""
    graph = sim.tensor_graph
    signal = graph.signals[sim.model.sig[connection]["weights"]]
    base = graph.base_params[signal.key]
    weights = sim.keras_model.weights
    (array,) = [i for i, weight in enumerate(weights) if weight is base]
    # Several matrices may share an array, below one another.
    ((start, stop),) = signal.slices
    return {"array": f"arr_{array}", "start": start, "stop": stop}


def _matrix(arrays, place):
    return arrays[place["array"]][place["start"] : place["stop"]]


def _read(path):
    """Return the record and the arrays of a network, if they belong together."""
    record = None
    try:
        record = json.loads(_with(path, "json").read_text(encoding="utf-8"))
        content = _with(path, "npz").read_bytes()
        digest = record["sha256"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _refused(path, record, error) from None
    except FileNotFoundError as error:
        raise ArgumentError(
            "folder",
            f"{error.filename} does not exist; give a folder that was given to a "
            "command of nengo-lmu train as --out, once it has finished",
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArgumentError(
            "folder",
            f"{path}.npz is not the one that {path.name}.json describes; train again",
        )
    with np.load(io.BytesIO(content)) as file:
        return record, {key: file[key] for key in file.files}


def _refused(path, record, error):
    """Return the error for a record that cannot be read: another version's, or not."""
    problem = "is damaged"
    versions = record.get("versions") if isinstance(record, dict) else None
    release = versions.get("nengo-lmu") if isinstance(versions, dict) else None
    if release not in (None, version):
        problem = f"is of version {release} of nengo_lmu, and this is {version}"
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    return ArgumentError("folder", f"{path}.json {problem} ({summary}); train again")
