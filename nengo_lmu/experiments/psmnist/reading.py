"""How far the reading of digits has come, so that it goes on where it was stopped."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np

from nengo_lmu.utils.files import NOT_AN_ARCHIVE, write_atomically
from nengo_lmu.version import version


class Reading:
    """A trained network, and what it has made of digits, minibatch after minibatch.

    Parameters
    ----------
    path : str or Path, optional
        File that it is kept in. What is there already is where it goes on; a file that
        is damaged, or of another network, is no more than none.
    identity : dict, optional
        Of what JSON can hold: what makes it this network and these digits.

    Attributes
    ----------
    matrices : dict of ndarray
        The trained ones, by name; empty before training.
    history : dict
        Of the training.
    """

    def __init__(self, path=None, identity=None):
        self._path = None if path is None else Path(path)
        self._identity = json.dumps([version, identity], sort_keys=True)
        self.matrices, self.history, self._parts = {}, {}, []
        if self._path is not None and self._path.exists():
            with contextlib.suppress(*NOT_AN_ARCHIVE):
                self.matrices, self.history, self._parts = self._load()

    def unread(self, n_digits, size):
        """Return the minibatches that are left, and forget those of other sizes.

        Parameters
        ----------
        n_digits, size : int
            How many there are, and in a minibatch, of which the last may be shorter.

        Returns
        -------
        unread : list of tuple of int and ndarray
            Numbers of minibatches, and of the digits in them.
        """
        parts = np.split(np.arange(n_digits), np.arange(size, n_digits, size))
        as_read = [len(next(iter(part.values()))) for part in self._parts]
        n_same = 0
        for part, length in zip(parts, as_read):
            if len(part) != length:
                break
            n_same += 1
        del self._parts[n_same:]
        return list(enumerate(parts))[n_same:]

    @property
    def arrays(self):
        """(dict of ndarray) What was added, by name, of one digit after another."""
        names = self._parts[0]
        return {k: np.concatenate([part[k] for part in self._parts]) for k in names}

    def trained(self, matrices, history):
        """Keep the network that is to read, and how it was trained."""
        self.matrices, self.history = matrices, history
        self._save()

    def add(self, **arrays):
        """Keep what was made of a minibatch: arrays of one row a digit."""
        self._parts.append(arrays)
        self._save()

    def _save(self):
        if self._path is None:
            return
        arrays = {
            "identity": np.array(self._identity),
            "history": np.array(json.dumps(self.history)),
        }
        arrays |= {f"matrix {name}": value for name, value in self.matrices.items()}
        for k, part in enumerate(self._parts):
            arrays |= {f"part {k} {name}": value for name, value in part.items()}
        write_atomically(self._path, lambda file: np.savez(file, **arrays), mode="wb")

    def _load(self):
        matrices, parts = {}, {}
        # NumPy does not close a damaged file.
        with np.load(io.BytesIO(self._path.read_bytes())) as file:
            if str(file["identity"]) != self._identity:
                raise ValueError("of another network")
            history = json.loads(str(file["history"]))
            for key in file.files:
                kind, _, name = key.partition(" ")
                if kind == "matrix":
                    matrices[name] = file[key]
                elif kind == "part":
                    number, _, name = name.partition(" ")
                    parts.setdefault(int(number), {})[name] = file[key]
        return matrices, history, [parts[k] for k in sorted(parts)]
