"""Progress bars: on terminals, unless somebody says otherwise."""

from tqdm import tqdm


def progress_bar(show_progress=None, **options):
    """Return a progress bar.

    Parameters
    ----------
    show_progress : bool or None
        None to show it on terminals.
    **options
        As for `tqdm.tqdm`.
    """
    return tqdm(disable=None if show_progress is None else not show_progress, **options)
