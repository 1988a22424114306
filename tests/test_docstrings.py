"""Examples in docstrings give what they say, and what users call has one."""

import doctest
import importlib
import pkgutil

import nengo
import pytest

import nengo_lmu
from nengo_lmu import legendre

# results that only functions return, and an error
WITHOUT = {
    *("ArgumentError", "DelayPlan", "PredictedError", "Realization"),
    "StateStatistics",
}

# what each part needs besides the core
PARTS = {
    "legendre": None,
    "networks": None,
    "loihi": "nengo_loihi",
    "dl": "nengo_dl",
    "nir": "nir",
    "analysis": "nengo_loihi",
    "tasks": "sklearn",
    "series": None,
}


def modules():
    """Yield the names of modules with examples that take no longer than a test."""
    for part, needs in PARTS.items():
        package = importlib.util.find_spec(f"nengo_lmu.{part}")
        for module in pkgutil.walk_packages(
            package.submodule_search_locations, f"nengo_lmu.{part}."
        ):
            yield pytest.param(module.name, needs, id=module.name)
    yield pytest.param("nengo_lmu.plots", "matplotlib", id="nengo_lmu.plots")


@pytest.mark.parametrize("name, needs", list(modules()))
def test_examples_say_what_they_print(name, needs):
    if needs is not None:
        pytest.importorskip(needs)
    module = importlib.import_module(name)
    with nengo.Network(seed=0) as net:
        lmu = nengo_lmu.LMU(theta=0.1, d=3, n_neurons=30)
    known = {"nengo": nengo, "net": net, "lmu": lmu, "LMU": nengo_lmu.LMU}
    failed, _ = doctest.testmod(module, extraglobs=known)
    assert failed == 0


@pytest.mark.parametrize("name", sorted(set(legendre.__all__) - WITHOUT))
def test_the_mathematics_has_examples(name):
    assert ">>>" in getattr(legendre, name).__doc__


@pytest.mark.parametrize("cls", [nengo_lmu.LMU, nengo_lmu.LegendreMemory])
def test_networks_have_examples(cls):
    assert ">>>" in cls.__doc__
