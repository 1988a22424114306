"""Records of experiments: what was measured, and with what."""

import json
import platform
from importlib import metadata

from nengo_lmu.utils.files import write_atomically
from nengo_lmu.version import version

PACKAGES = (
    "nengo",
    "nengo-dl",
    "nengo-loihi",
    "numpy",
    "scipy",
    "tensorflow",
)


def versions():
    """Return the versions of Python and of the packages that matter to a result."""
    releases = {"python": platform.python_version(), "nengo-lmu": version}
    for package in PACKAGES:
        try:
            releases[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            releases[package] = None
    return releases


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
