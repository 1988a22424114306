"""Data flows one way: mathematics, networks, backends, experiments, command line.

The checker reads the source, so it also sees imports inside of functions.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nengo_lmu

PACKAGE = Path(nengo_lmu.__file__).parent

# What each part may import: other parts of the package, and packages of others. The
# standard library goes without saying.
MATHEMATICS = {"numpy", "scipy"}
LIBRARY = {"version", "utils", "legendre", "networks", "dl", "loihi", "tasks"}
PARTS = {
    "version": (set(), set()),
    "utils": (set(), {"tqdm"}),
    "legendre": (set(), MATHEMATICS),
    "networks": ({"utils", "legendre"}, MATHEMATICS | {"nengo"}),
    # it is imported alone, around other packages' imports
    "compat": (set(), set()),
    "dl": (
        {"utils", "compat", "legendre", "networks"},
        MATHEMATICS | {"nengo", "nengo_dl", "tensorflow", "tf_keras", "joblib", "tqdm"},
    ),
    "loihi": (
        {"legendre", "networks"},
        MATHEMATICS | {"nengo", "nengo_loihi"},
    ),
    "nir": (
        {"version", "legendre", "networks"},
        MATHEMATICS | {"nengo", "nir"},
    ),
    "tasks": (
        {"compat", "legendre"},
        # arrays in, arrays out; these two are sources of data only
        MATHEMATICS | {"sklearn", "tensorflow"},
    ),
    "analysis": (
        LIBRARY,
        MATHEMATICS
        | {"nengo", "nengo_loihi", "matplotlib"}
        | {"joblib", "tqdm", "dask", "distributed"},
    ),
    "plots": ({"legendre", "networks", "analysis"}, {"numpy", "nengo", "matplotlib"}),
    "series": (
        LIBRARY | {"analysis"},
        MATHEMATICS | {"nengo", "nengo_dl", "nengo_loihi", "tensorflow"},
    ),
    "experiments": (
        LIBRARY | {"analysis", "plots", "series"},
        MATHEMATICS
        | {"nengo", "nengo_dl", "nengo_loihi", "tensorflow", "tf_keras"}
        | {"matplotlib", "tqdm"}
        | {"sklearn"},  # to compare with
    ),
    "benchmarks": (
        LIBRARY | {"analysis", "series", "experiments"},
        MATHEMATICS
        | {"nengo", "nengo_dl", "nengo_loihi", "tensorflow", "matplotlib", "tqdm"}
        | {"keras", "keras_lmu"},  # to compare with
    ),
    "cli": (
        {"version", "startup", "utils", "analysis", "experiments", "benchmarks"},
        {"numpy"},
    ),
    "__main__": ({"cli"}, set()),
    # before anything else is imported
    "startup": (set(), set()),
    # the public face
    "__init__": (
        # loihi only where nengo_loihi is imported already: tested below
        {"startup", "utils", "legendre", "networks", "version", "loihi"},
        {"_nengo_lmu_hook"},
    ),
}
# The hook around other packages' imports lives in one module, and works by name.
EXCEPTIONS = {
    "compat.py": {"nengo", "nengo_dl", "nengo_loihi", "nengo_extras"}
    | {"numpy", "tensorflow", "tf_keras"}
}
# what may import names of the package itself
FROM_THE_TOP = {"__init__", "__main__", "analysis", "experiments", "benchmarks"}
# only while a function is called that needs it: the rest works without
LAZY = {"tasks": {"sklearn", "tensorflow"}, "experiments": {"sklearn"}}


def imports(path, package):
    """Yield the name, the line and whether in a function, of all that a file imports.

    Parameters
    ----------
    path : Path
        The file.
    package : Path
        The folder of the package it belongs to.
    """
    # "a/b/c.py" is in the package a.b, and so is "a/b/__init__.py"
    inside = [package.name, *path.relative_to(package).parts[:-1]]

    def walk(node, lazy):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, lazy
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    parents = inside[: len(inside) - child.level + 1]
                    base = ".".join([*parents, *base.split(".")]).rstrip(".")
                for alias in child.names:  # any may be a module
                    yield f"{base}.{alias.name}", child.lineno, lazy
            elif isinstance(child, ast.Call) and _is_import(child.func):
                if child.args and isinstance(child.args[0], ast.Constant):
                    yield str(child.args[0].value), child.lineno, lazy
            functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
            yield from walk(child, lazy or isinstance(child, functions))

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def _is_import(function):
    name = getattr(function, "attr", getattr(function, "id", None))
    return name in ("import_module", "__import__", "importorskip")


def back_edges(package):
    """Return a line for each import that the table above does not allow."""
    found = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        part = relative.parts[0].removesuffix(".py")
        if part not in PARTS:
            found.append(f"{relative}: a part of the package that has no place here")
            continue
        parts, others = PARTS[part]
        for name, line, lazy in imports(path, package):
            top, *rest = name.split(".")
            excepted = EXCEPTIONS.get(relative.as_posix(), ())
            if any(f"{name}.".startswith(f"{one}.") for one in excepted):
                continue
            if top in sys.stdlib_module_names:
                continue
            if top == package.name:
                own = rest[0] if rest else ""
                if own not in PARTS:  # a name of the package itself
                    good = part in FROM_THE_TOP
                else:
                    good = own in parts | {part}
            else:
                good = top in others and (lazy or top not in LAZY.get(part, ()))
            if not good:
                found.append(f"{relative}:{line}: {part} must not import {name}")
    return found


def test_there_are_no_back_edges():
    assert back_edges(PACKAGE) == []


def test_the_package_was_read():
    names = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert {"legendre/system.py", "networks/memory.py", "compat.py"} <= names
    assert {name for name, *_ in imports(PACKAGE / "networks/lmu.py", PACKAGE)} >= {
        "nengo",
        "nengo_lmu.legendre.checks.whole",
        "nengo_lmu.networks.memory.LegendreMemory",
    }


@pytest.mark.parametrize(
    "file, source",
    [
        ("legendre/system.py", "import nengo"),
        ("legendre/system.py", "from nengo.dists import Uniform"),
        ("legendre/noise.py", "from nengo_lmu.networks import LMU"),
        ("legendre/noise.py", "from nengo_lmu import networks"),
        ("legendre/noise.py", "from nengo_lmu import LMU"),
        ("legendre/noise.py", "from .. import networks"),
        ("legendre/noise.py", "from ..networks.memory import LegendreMemory"),
        ("networks/deeper/new.py", "from ...dl import training"),
        ("networks/lmu.py", "def late():\n    import tensorflow as tf"),
        ("networks/lmu.py", "def late():\n    from nengo_lmu.analysis import errors"),
        ("networks/lmu.py", "x = lambda: __import__('nengo_dl')"),
        ("networks/lmu.py", "import importlib\nimportlib.import_module('nengo_loihi')"),
        ("networks/lmu.py", "try:\n    import matplotlib\nexcept ImportError: ..."),
        ("networks/lmu.py", "class A:\n    if 1:\n        import nengo_lmu.loihi"),
        ("dl/train.py", "from nengo_lmu import loihi"),
        ("dl/train.py", "import nengo_loihi"),
        ("compat.py", "from nengo_lmu import analysis"),
        ("loihi/chip.py", "import nengo_lmu.dl.train"),
        ("loihi/chip.py", "async def f():\n    import nengo_dl"),
        ("tasks/digits.py", "import nengo"),
        ("tasks/digits.py", "from nengo_lmu.networks import LMU"),
        ("tasks/digits.py", "from sklearn.datasets import load_digits"),
        ("analysis/sweep.py", "from nengo_lmu.experiments import scaling"),
        ("experiments/scaling/experiment.py", "from nengo_lmu.cli import main"),
        ("experiments/scaling/experiment.py", "import nengo_lmu.benchmarks.steps"),
        ("analysis/sweep.py", "import pandas"),
        ("plots.py", "from nengo_lmu.experiments import plan"),
        ("analysis/style.py", "from nengo_lmu import plots"),
        ("cli.py", "import nengo_lmu.networks"),
        ("cli.py", "import matplotlib.pyplot as plt"),
        ("version.py", "import numpy"),
        ("__init__.py", "from nengo_lmu import analysis"),
        ("__init__.py", "from nengo_lmu.dl.train import fit"),
        ("misplaced.py", "import os"),
    ],
)
def test_a_planted_back_edge_is_found(tmp_path, file, source):
    package = tmp_path / "nengo_lmu"
    (package / "legendre").mkdir(parents=True)
    (package / "legendre" / "__init__.py").write_text("import numpy as np")
    assert back_edges(package) == []
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import sys\n{source}\n")
    (found,) = back_edges(package)
    assert file in found.replace(os.sep, "/")


@pytest.mark.parametrize(
    "file, source",
    [
        ("legendre/noise.py", "from scipy.linalg import expm\nfrom . import system"),
        ("networks/lmu.py", "import nengo\nfrom ..legendre import readout"),
        ("dl/train.py", "import nengo_dl\nfrom nengo_lmu.networks import LMU"),
        ("compat.py", "import importlib as i\ni.import_module('nengo_loihi.block')"),
        ("tasks/digits.py", "def load():\n    import sklearn.datasets"),
        ("tasks/digits.py", "from nengo_lmu.legendre import impulse_response"),
        ("analysis/sweep.py", "import matplotlib\nfrom nengo_lmu import LMU, dl"),
        ("cli.py", "import argparse\nfrom nengo_lmu.analysis import errors"),
        ("__main__.py", "from nengo_lmu.cli import main"),
    ],
)
def test_imports_to_the_right_are_allowed(tmp_path, file, source):
    package = tmp_path / "nengo_lmu"
    path = package / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert back_edges(package) == []


def run_elsewhere(code):
    """Run code in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_importing_the_package_loads_no_backend_and_no_figures():
    code = (
        "import sys, nengo_lmu\n"
        "heavy = {'tensorflow', 'nengo_dl', 'nengo_loihi', 'matplotlib', 'sklearn',"
        " 'keras', 'tf_keras', 'joblib', 'dask'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = run_elsewhere(code)
    assert result.stdout == "[]\n", result.stderr


def test_the_mathematics_needs_no_nengo():
    """The modules of nengo_lmu.legendre alone, in an interpreter without Nengo."""
    code = (
        "import sys, types\n"
        "sys.modules['nengo'] = None\n"
        "package = types.ModuleType('nengo_lmu')\n"
        f"package.__path__ = [{str(PACKAGE)!r}]\n"
        "sys.modules['nengo_lmu'] = package\n"
        "from nengo_lmu import legendre\n"
        "print(round(float(legendre.pade_error(1.0, 6, 1.0)), 8))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert result.stdout == "0.00703502\n", result.stderr


def test_parts_are_there_without_an_import():
    """And loaded when they are used, in another interpreter, which has none yet."""
    code = (
        "import sys, nengo_lmu\n"
        "parts = ['analysis', 'plots', 'tasks']\n"
        "print({'dl', 'loihi', *parts} <= set(dir(nengo_lmu)))\n"
        "print([f'nengo_lmu.{part}' in sys.modules for part in parts])\n"
        "print(nengo_lmu.plots.basis.__name__, nengo_lmu.tasks.load_digits.__name__)\n"
        "print(nengo_lmu.analysis.Setting.__name__)\n"
    )
    result = run_elsewhere(code)
    lines = ["True", "[False, False, False]", "basis load_digits", "Setting", ""]
    assert result.stdout == "\n".join(lines), result.stderr


def test_what_is_no_part_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'nengo_lmu' has no attribute 'nothing'"):
        nengo_lmu.nothing  # noqa: B018
