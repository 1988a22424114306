"""Records of experiments: what was measured, and with what."""

import json
import os
import platform
import tempfile
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "nengo-lmu",
    "nengo",
    "nengo-dl",
    "nengo-loihi",
    "numpy",
    "scipy",
    "tensorflow",
)


def versions():
    """Return the versions of Python and of the packages that matter to a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def write_json(path, record):
    """Write a record, whole or not at all.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced only once the new one is complete.
    record : dict
        Of what JSON can hold.
    """
    write_atomically(path, lambda file: file.write(json.dumps(record, indent=2) + "\n"))


def write_atomically(path, write, mode="w"):
    """Call ``write(file)`` for a temporary file that then takes the place of ``path``.

    Parameters
    ----------
    path : str or Path
        Its folder is made where there is none.
    write : callable
    mode : {"w", "wb"}
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        encoding = None if "b" in mode else "utf-8"
        with os.fdopen(handle, mode, encoding=encoding) as file:
            write(file)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
