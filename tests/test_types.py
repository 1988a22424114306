"""What users call says the types of its arguments and of its results."""

import importlib
import inspect
from pathlib import Path

import pytest

import nengo_lmu
from nengo_lmu import LMU, LegendreMemory

# what each face needs besides the core
FACES = {
    "legendre": None,
    "networks": None,
    "series": None,
    "plots": "matplotlib",
    "dl": "nengo_dl",
    "loihi": "nengo_loihi",
}


def untyped(function):
    """Return the parameters of a function that say no type, and its return value."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self",)]
    missing = [p.name for p in parameters if p.annotation is inspect.Parameter.empty]
    if signature.return_annotation is inspect.Signature.empty:
        missing.append("return")
    return missing


@pytest.mark.parametrize("face, needs", FACES.items(), ids=FACES)
def test_public_functions_say_their_types(face, needs):
    if needs is not None:
        pytest.importorskip(needs)
    module = importlib.import_module(f"nengo_lmu.{face}")
    public = {name: getattr(module, name) for name in module.__all__}
    functions = {n: f for n, f in public.items() if inspect.isfunction(f)}
    assert functions
    assert {n: untyped(f) for n, f in functions.items() if untyped(f)} == {}


@pytest.mark.parametrize("cls", [LMU, LegendreMemory])
def test_networks_say_the_types_of_their_methods(cls):
    methods = {"__init__": cls.__init__}
    for name, value in vars(cls).items():
        function = getattr(value, "fget", None) or getattr(value, "func", value)
        if not name.startswith("_") and inspect.isfunction(function):
            methods[name] = function
    assert len(methods) > 5
    assert {n: untyped(m) for n, m in methods.items() if untyped(m)} == {}


def test_the_package_is_marked_as_typed():
    assert (Path(nengo_lmu.__file__).parent / "py.typed").exists()
