"""Real series, from packages that bring them: the extra ``data``.

The packages are not imported, which for some takes long and needs others: their files
are looked for where they are installed.
"""

import csv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

# years of sunspots to train with, the first 221: 1700 to 1920
SUNSPOT_YEARS = 221

# samples of the arterial pressure to train with, as its name has it
BLEEDING_SAMPLES = 1200

# samples a second of the electrocardiogram
ECG_RATE = 360


@dataclass(frozen=True)
class Labelled:
    """Sequences and their classes, to train with and to test with.

    Attributes
    ----------
    x, x_test : list of (steps, features) ndarray
    labels, labels_test : ndarray of str
    """

    x: list
    labels: np.ndarray
    x_test: list
    labels_test: np.ndarray


@dataclass(frozen=True)
class Watched:
    """A series with an anomaly.

    Attributes
    ----------
    x : (steps,) ndarray
    n_train : int
        The first samples, without an anomaly, to train with.
    anomaly : (steps,) ndarray of bool
    """

    x: np.ndarray
    n_train: int
    anomaly: np.ndarray


def japanese_vowels():
    """Load utterances of nine speakers, of 7 to 29 frames of 12 cepstral coefficients.

    Two vowels, by Kudo, Toyama & Shimbo (1999, Pattern Recognition Letters 20): who
    speaks? The package aeon brings them.

    Returns
    -------
    utterances : Labelled
        270 and 370.

    Raises
    ------
    ImportError
        If aeon is not installed.
    """
    return _labelled("JapaneseVowels")


def basic_motions():
    """Load motions of a wrist: standing, walking, running, badminton.

    Ten seconds each of three accelerations and three angular velocities, ten samples a
    second. The package aeon brings them.

    Returns
    -------
    motions : Labelled
        40 and 40, of 100 samples.

    Raises
    ------
    ImportError
        If aeon is not installed.
    """
    return _labelled("BasicMotions")


def sunspots():
    """Load the yearly numbers of sunspots from 1700 to 2008.

    The package statsmodels brings them.

    Returns
    -------
    years : (309,) ndarray of int
    numbers : (309,) ndarray

    Raises
    ------
    ImportError
        If statsmodels is not installed.
    """
    table = _table(_file("statsmodels", "datasets/sunspots/sunspots.csv"))
    return table[:, 0].astype(int), table[:, 1]


def internal_bleeding():
    """Load arterial pressure with a short anomaly: InternalBleeding16 of the UCR.

    Series 135 of the UCR Time Series Anomaly Archive (Wu & Keogh, 2021, IEEE TKDE).
    The package aeon brings it.

    Returns
    -------
    pressure : Watched
        7501 samples.

    Raises
    ------
    ImportError
        If aeon is not installed.
    """
    name = "135_UCR_Anomaly_InternalBleeding16_TEST.csv"
    # this file has the whole series, the other its beginning
    table = _table(_file("aeon", f"datasets/data/KDD-TSAD_135/{name}"))
    return Watched(table[:, 1], BLEEDING_SAMPLES, table[:, 2] > 0)


def electrocardiogram(every=3):
    """Load twenty seconds of an electrocardiogram in which one beat is premature.

    Of the MIT-BIH Arrhythmia Database (Moody & Mark, 2001, IEEE Engineering in Medicine
    and Biology 20). The package sktime brings it.

    Parameters
    ----------
    every : int
        Means of so many samples of 1/360 s.

    Returns
    -------
    voltage : Watched
        Millivolts; the first half is to train with.

    Raises
    ------
    ImportError
        If sktime is not installed.
    """
    table = _table(_file("sktime", "datasets/data/mitdb/mitdb.csv"))
    n = len(table) // every
    table = table[: n * every].reshape(n, every, 2).mean(axis=1)
    return Watched(table[:, 0], n // 2, table[:, 1] > 0)


def is_installed(package):
    """Return whether a package with series is installed."""
    return find_spec(package) is not None


def read_ts(path):
    """Read sequences of a file in the format of the UEA & UCR archive.

    Parameters
    ----------
    path : str or Path
        A ``.ts`` file with class labels: behind ``@data``, a line for each sequence,
        with its features between colons, samples between commas, and the label last.

    Returns
    -------
    x : list of (steps, features) ndarray
    labels : (n,) ndarray of str
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data"))
    x, labels = [], []
    for line in filter(None, map(str.strip, lines[start + 1 :])):
        *features, label = line.split(":")
        x.append(np.transpose([np.array(one.split(","), float) for one in features]))
        labels.append(label)
    return x, np.array(labels)


def _labelled(name):
    parts = [
        read_ts(_file("aeon", f"datasets/data/{name}/{name}_{part}.ts"))
        for part in ("TRAIN", "TEST")
    ]
    return Labelled(*parts[0], *parts[1])


def _file(package, path):
    """Return where a package has a file, without importing it."""
    spec = find_spec(package)
    if spec is not None:
        for folder in spec.submodule_search_locations or ():
            file = Path(folder) / path
            if file.is_file():
                return file
    raise ImportError(
        f"the series comes with {package}, which is not installed or another version; "
        "install it with pip install 'nengo-lmu[data]'",
        name=package,
    )


def _table(path):
    """Read the numbers of a csv file with a header."""
    with open(path, newline="", encoding="utf-8") as file:
        return np.array(list(csv.reader(file))[1:], dtype=float)
