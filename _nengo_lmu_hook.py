"""Put `nengo_lmu.compat` around the first import of NengoDL, NengoLoihi and Nengo.

NengoDL 3.6.0 cannot be imported on TensorFlow 2.16 and newer as released, and sorted
imports put ``import nengo_dl`` before ``import nengo_lmu``.  So this module is imported
when Python starts, by ``nengo_lmu_hook.pth``, unless ``NENGO_LMU_NO_HOOK=1``; where
that file is not installed, ``import nengo_lmu`` does the same.

Start-up is everybody's time: only `sys` is imported here, and an import of any other
module costs one look-up in a set.
"""

import sys

__all__ = ["MendingFinder", "install", "uninstall"]

COMPAT = "nengo_lmu.compat"

# The modules that compat has something to do for; a test keeps the two in step.
TARGETS = frozenset(
    (
        "nengo._vendor.scipy.sparse.linalg_onenormest",
        "nengo.synapses",
        "nengo_dl",
        "nengo_dl.compat",
        "nengo_dl.converter",
        "nengo_dl.process_builders",
        "nengo_dl.simulator",
        "nengo_dl.tensor_graph",
        "nengo_dl.tensor_node",
        "nengo_dl.utils",
        "nengo_dl.version",
        "nengo_extras.plot_spikes",
        "nengo_extras.reqs",
        "nengo_loihi",
        "nengo_loihi.block",
        "nengo_loihi.builder.discretize",
        "nengo_loihi.compat",
        "nengo_loihi.dvs",
        "nengo_loihi.emulator.interface",
        "nengo_loihi.neurons",
        "nengo_loihi.passthrough",
        "nengo_loihi.version",
    )
)


class MendingFinder:
    """Finds the modules in `TARGETS` as the other finders do, and wraps their loaders.

    Finding has no side effect, so `importlib.util.find_spec` imports nothing.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Return the spec of a module to mend, or None for all other modules."""
        if name not in TARGETS:
            return None
        for finder in list(sys.meta_path):
            # By name: a second copy of this file may have been installed too.
            if type(finder).__name__ == "MendingFinder":
                continue
            find = getattr(finder, "find_spec", None)
            spec = find and find(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _MendingLoader(spec.loader)
                return spec
        return None


class _MendingLoader:
    """Stands in for a module's loader until the module's code has to be run."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        if name == "_loader":  # while this object is copied or unpickled
            raise AttributeError(name)
        return getattr(self._loader, name)

    def create_module(self, spec):
        """Leave the making of the module to its own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module):
        """Run the module's code with what it needs around it."""
        loader = self._loader
        module.__loader__ = module.__spec__.loader = loader
        compat = load_compat()
        if compat is None:
            loader.exec_module(module)
        else:
            compat.execute(module, loader)


def load_compat():
    """Return the compatibility module, or None where there is none that works.

    A half removed package breaks nobody's import, and a broken one warns once.
    """
    if COMPAT not in sys.modules and not _broken:
        try:
            # Known to others only when it is complete, whichever thread comes first.
            compat = _import_compat()
            if compat is not None:
                sys.modules.setdefault(COMPAT, compat)
        except Exception as error:
            import warnings

            _broken.append(error)
            warnings.warn(
                f"nengo_lmu is installed but cannot be read ({type(error).__name__}: "
                f"{error}), so NengoDL and NengoLoihi are imported as released; "
                "install nengo_lmu again, or remove it",
                RuntimeWarning,
                stacklevel=2,
            )
    return sys.modules.get(COMPAT)


_broken = []


def _import_compat():
    """Import the module without the package around it, from a zip file too.

    ``nengo_lmu`` imports nengo, which not everybody who imports NengoDL waits for yet.
    """
    import os
    from importlib import machinery, util

    package = sys.modules.get("nengo_lmu")
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nengo_lmu")
    if getattr(package, "__file__", None):  # a checkout may shadow this install
        folder = os.path.dirname(os.path.abspath(package.__file__))
    spec = machinery.PathFinder.find_spec(COMPAT, [folder])
    if spec is None:
        return None
    compat = util.module_from_spec(spec)
    spec.loader.exec_module(compat)
    return compat


def install():
    """Install the finder once, and mend what has been imported before it."""
    if not any(type(finder).__name__ == "MendingFinder" for finder in sys.meta_path):
        sys.meta_path.insert(0, MendingFinder())
    if not TARGETS.isdisjoint(sys.modules):
        compat = load_compat()
        if compat is not None:
            compat.mend_loaded()


def uninstall():
    """Take the finder away, and give other packages back what was replaced in them.

    What they have imported meanwhile they keep: NengoDL is still one of Keras 2, and so
    is `tf.keras`. `install` does all of it again.
    """
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if type(finder).__name__ != "MendingFinder"
    ]
    if COMPAT in sys.modules:
        sys.modules[COMPAT].restore()
