"""Files with somebody's series: npz and csv."""

from __future__ import annotations

import csv
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import shown
from nengo_lmu.series.data import one_series, sequences

# columns of a csv file that are no features
COLUMNS = ("sequence", "label", "part")

PARTS = ("train", "test")


@dataclass(frozen=True)
class Part:
    """Sequences to train with, or to test with.

    Attributes
    ----------
    x : list of (steps, features) ndarray
        A long series is a list of one.
    labels : ndarray or None
        A label for each sequence; or, of one long series, for each of its samples.
    """

    x: list
    labels: np.ndarray | None


def read(path: str | Path) -> tuple[Part, Part | None]:
    """Read series from a file, to train with and to test with.

    Parameters
    ----------
    path : str or Path
        ``.npz``: an array ``x`` of shape (n, steps, features), or (steps, features) for
        one long series, or (steps,); ``lengths``, of shape (n,), where sequences are
        shorter than ``steps``, which counts their samples from the first on, or where
        ``x`` has all sequences one after another, (samples, features); ``labels``.
        The same with ``_test`` behind the names to test with.

        ``.csv``: a header with the names of columns, and a row for each sample. The
        column ``sequence`` tells sequences apart, whose samples are in consecutive
        rows; without it there is one. ``label`` is the same in all rows of a sequence,
        but for one long series. ``part`` is "train" or "test"; without it all rows are
        to train with. All other columns are features.

    Returns
    -------
    train, test : Part
        ``test`` is None where there is nothing to test with.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        Naming the file and what is wrong where.
    """
    path = Path(path)
    readers = {".npz": _read_npz, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise ArgumentError(
            "path", f"{path} is none of {', '.join(readers)}; give such a file"
        )
    try:
        return readers[path.suffix.lower()](path)
    except OSError as error:
        raise ArgumentError(
            "path", f"{path} cannot be read: {error.strerror or error}; give another"
        ) from None
    except ArgumentError as error:
        if error.name == "path":
            raise
        raise ArgumentError("path", f"{path}: {error}") from None


def _read_npz(path):
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ArgumentError(
            "path",
            f"{path} is no npz file of arrays, or damaged ({error}); write it by "
            "numpy.savez, without objects",
        ) from None
    if "x" not in arrays:
        raise ArgumentError(
            "path",
            f"{path} has no array x, but {', '.join(arrays) or 'none at all'}; name "
            "the samples x",
        )
    names = ("x", "lengths", "labels")
    known = {name + suffix for name in names for suffix in ("", "_test")}
    unknown = sorted(set(arrays) - known)
    if unknown:
        raise ArgumentError(
            "path",
            f"{path} has an array {unknown[0]}, which means nothing here; give those "
            f"of {', '.join(sorted(known))}",
        )
    parts = []
    for suffix in ("", "_test"):
        x = arrays.get(f"x{suffix}")
        lengths, labels = (arrays.get(f"{name}{suffix}") for name in names[1:])
        if x is None:
            if lengths is not None or labels is not None:
                raise ArgumentError(
                    "path", f"{path} has no array x{suffix}; give it too"
                )
            parts.append(None)
            continue
        parts.append(Part(_split(f"x{suffix}", x, lengths, suffix), labels))
    return tuple(parts)


def _split(name, x, lengths, suffix):
    """Return the sequences of an array."""
    if lengths is None:
        if x.ndim <= 2:
            return [one_series(name, x)]
        return sequences(name, x)
    what = f"lengths{suffix}"
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or np.any(lengths < 1):
        raise ArgumentError(
            what, f"must be whole numbers of at least 1, but {shown(lengths)} is there"
        )
    if x.ndim == 3:
        if len(lengths) != len(x) or lengths.max() > x.shape[1]:
            raise ArgumentError(
                what,
                f"must be {len(x)} numbers of at most {x.shape[1]} where {name} is of "
                f"shape {x.shape}, but there are {len(lengths)}, up to {lengths.max()}",
            )
        return sequences(name, [one[:n] for one, n in zip(x, lengths)])
    if lengths.sum() != len(x):
        raise ArgumentError(
            what,
            f"must add up to the {len(x)} samples of {name}, but are {lengths.sum()}",
        )
    return sequences(name, np.split(x, np.cumsum(lengths)[:-1]))


def _read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = [row for row in csv.reader(file) if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ArgumentError("path", f"{path} is no csv file ({error})") from None
    if len(rows) < 2:
        raise ArgumentError(
            "path", f"{path} has no samples; give a header and a row for each sample"
        )
    header = [name.strip() for name in rows[0]]
    place = {name: header.index(name) for name in COLUMNS if name in header}
    features = [i for i, name in enumerate(header) if name not in COLUMNS]
    if not features:
        raise ArgumentError(
            "path", f"{path} has no column of a feature, but {', '.join(header)} only"
        )
    sequence, parts = {}, {part: [] for part in PARTS}
    last = None
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ArgumentError(
                "path",
                f"{path}, row {line}, has {len(row)} cells where the header has "
                f"{len(header)}; give each column a value",
            )
        values = [_number(path, line, header[i], row[i]) for i in features]
        part = row[place["part"]].strip() if "part" in place else "train"
        if part not in PARTS:
            raise ArgumentError(
                "path",
                f"{path}, row {line}, is of the part {part!r}; give train or test",
            )
        key = part, row[place["sequence"]].strip() if "sequence" in place else ""
        if key != last and key in sequence:
            raise ArgumentError(
                "path",
                f"{path}, row {line}, goes on with the sequence {key[1]!r}, which had "
                "ended; put all rows of a sequence one after another",
            )
        if key not in sequence:
            sequence[key] = [], []
            parts[part].append(key)
        last = key
        sequence[key][0].append(values)
        sequence[key][1].append(row[place["label"]].strip() if "label" in place else "")
    return tuple(
        _csv_part(path, part, [sequence[key] for key in parts[part]], "label" in place)
        for part in PARTS
    )


def _number(path, line, column, text):
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ArgumentError(
            "path",
            f"{path}, row {line}, has {text!r} in the column {column}; give a finite "
            "number",
        )
    return value


def _csv_part(path, part, rows, labelled):
    if not rows:
        if part == "train":
            raise ArgumentError("path", f"{path} has no rows of the part train")
        return None
    x = [np.array(values) for values, _ in rows]
    if not labelled:
        return Part(x, None)
    if len(rows) == 1:
        return Part(x, np.array(rows[0][1]))
    for i, (_, labels) in enumerate(rows):
        if len(set(labels)) > 1:
            raise ArgumentError(
                "path",
                f"{path} has several labels in sequence {i} of the part {part}: "
                f"{shown(sorted(set(labels)))}; give one to all of its rows",
            )
    return Part(x, np.array([labels[0] for _, labels in rows]))
