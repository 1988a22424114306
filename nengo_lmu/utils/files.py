"""Files that are there whole or not at all."""

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

# Reading an archive of arrays, and what is said of them, raises one of these errors
# where a file is none, or is damaged.
NOT_AN_ARCHIVE = (
    *(KeyError, ValueError, TypeError, AttributeError, EOFError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)


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
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            # A full disk does not say which file there is no room for.
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
