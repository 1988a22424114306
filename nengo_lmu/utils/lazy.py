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


def face(package, homes, modules=()):
    """Return what lets a package have names that are imported when they are used.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : dict from str to tuple of str
        The names that it has, by its modules.
    modules : sequence of str
        Its modules that are names of it themselves.

    Returns
    -------
    names : list of str
        In order, for ``__all__``.
    get : callable
        Its ``__getattr__``.
    """
    of_modules = {name: home for home, names in homes.items() for name in names}

    def get(name):
        if name in of_modules:
            return getattr(import_module(f"{package}.{of_modules[name]}"), name)
        if name in modules:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return sorted([*modules, *of_modules]), get
