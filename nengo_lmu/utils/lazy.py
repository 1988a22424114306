"""Parts of the package that are imported when they are needed."""

from importlib import import_module


def load(place):
    """Return what a module of the package defines.

    Parameters
    ----------
    place : str
        The module within `nengo_lmu` and the name there, with a dot between.

    Returns
    -------
    part : object
    """
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"nengo_lmu.{module}"), name)
