"""A trained network in one file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import finite_array
from nengo_lmu.series.network import SeriesNetwork, Settings
from nengo_lmu.series.scaling import Scaling
from nengo_lmu.utils.files import NOT_AN_ARCHIVE, write_atomically
from nengo_lmu.version import version

# what a file of ours is known by
FORMAT = "nengo_lmu series 1"

_MATRIX = "matrix "


def save(model: SeriesNetwork, path: str | Path) -> None:
    """Write a trained network to one file, whole or not at all.

    Parameters
    ----------
    model : nengo_lmu.series.SeriesNetwork
    path : str or Path
        An npz file of arrays and text, without pickles.
    """
    arrays = {
        "middle": model.scaling.middle,
        "extent": model.scaling.extent,
        "sample": model.sample,
        **{_MATRIX + name: matrix for name, matrix in model.matrices.items()},
    }
    optional = {
        "classes": model.classes,
        "typical_error": model.typical_error,
        "threshold": model.threshold,
    }
    arrays |= {name: value for name, value in optional.items() if value is not None}
    text = json.dumps(
        {
            "format": FORMAT,
            "version": version,
            "settings": asdict(model.settings),
            "transform": model.scaling.transform,
        }
    )
    write_atomically(
        path, lambda file: np.savez_compressed(file, text=text, **arrays), mode="wb"
    )


def load(path: str | Path) -> SeriesNetwork:
    """Return a network that `save` has written, ready to run.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : nengo_lmu.series.SeriesNetwork
        ``model.network`` is for any simulator.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there is no such file, or it is not one of these, or damaged.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from nengo_lmu.series import forecast, load, save
    >>> wave = np.sin(np.arange(120) / 3)
    >>> model = forecast(wave, theta=12, d=4, n_neurons=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "wave.npz")
    ...     again = load(Path(folder) / "wave.npz")
    >>> again.settings == model.settings
    True
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(str(arrays.pop("text")))
        if text["format"] != FORMAT:
            raise ValueError(f"its format is {text['format']}")
        optional = {
            name: arrays.pop(name, None)
            for name in ("classes", "typical_error", "threshold")
        }
        matrices = {
            name.removeprefix(_MATRIX): finite_array(name, arrays[name])
            for name in arrays
            if name.startswith(_MATRIX)
        }
        scaling = Scaling(arrays["middle"], arrays["extent"], text["transform"])
        model = SeriesNetwork(
            Settings(**text["settings"]),
            scaling,
            arrays["sample"],
            optional["classes"],
            optional["typical_error"],
        )
        model.assign(matrices)
    except OSError as error:
        raise ArgumentError(
            "path",
            f"{path} cannot be read ({error.strerror or error}); give a file that "
            "nengo_lmu.series.save has written",
        ) from None
    except NOT_AN_ARCHIVE as error:
        summary = " ".join(f"{type(error).__name__}: {error}".split())
        raise ArgumentError(
            "path",
            f"{path} is not a network that nengo_lmu.series.save has written, or is "
            f"damaged ({summary}); write it again",
        ) from None
    if optional["threshold"] is not None:
        model.threshold = float(optional["threshold"])
    return model
