"""Progress bars: on terminals and in notebooks, unless somebody says otherwise."""

import sys

from tqdm import tqdm


def progress_bar(show_progress=None, **options):
    """Return a progress bar.

    Parameters
    ----------
    show_progress : bool or None
        None to show it on terminals and in notebooks.
    **options
        As for `tqdm.tqdm`.
    """
    if show_progress is not None:
        return tqdm(disable=not show_progress, **options)
    if not _in_notebook():
        return tqdm(disable=None, **options)
    # what a notebook shows is no terminal, though it can be written over as one
    return tqdm(disable=False, file=sys.stdout, ncols=80, **options)


def _in_notebook():
    """Return whether IPython shows output in a notebook, without importing it."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"
