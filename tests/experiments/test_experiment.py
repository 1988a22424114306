"""The frame of all commands: what an option may be, from Python too."""

import importlib
import math
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest

from nengo_lmu.cli import COMMANDS
from nengo_lmu.legendre import ArgumentError

# What has no default is given these.
REQUIRED = {
    "plan": {"theta": 1.0, "d": 2, "n_neurons": 100},
    "train series": {"data": "series.npz", "task": "classify"},
}

NOT_POSITIVE = ("12", math.nan, math.inf, -1, -0.5, True, 1j, 10**400, 1e300)
BAD = {
    int: (*NOT_POSITIVE, 1.5, 10**13),
    float: NOT_POSITIVE,
    str: ("nothing of the kind", 3, b"poisson"),
    Path: (3, 1.5, b"a"),
}


def classes(commands=COMMANDS):
    """Yield the class of each command."""
    for _, content in commands.values():
        if isinstance(content, dict):
            yield from classes(content)
        else:
            module, _, name = content.rpartition(".")
            yield getattr(importlib.import_module(f"nengo_lmu.{module}"), name)


EXPERIMENTS = {experiment.name: experiment for experiment in classes()}
OPTIONS = [
    pytest.param(name, item, id=f"{name} {item.name}")
    for name, experiment in EXPERIMENTS.items()
    for item in fields(experiment)
]


def bad_values(option):
    """Return what no option of its kind may be, of each type that it may not have."""
    if option.kind is None:
        return (1, "yes", None, object())
    values = (*BAD[option.kind.type], object())
    if option.nargs is None:
        return values
    n = option.nargs if isinstance(option.nargs, int) else 1
    groups = [(value,) * n for value in values]
    empty = [] if option.nargs == "*" else [()]
    return (*values, *groups, *empty)


def test_all_commands_are_looked_at():
    assert len(EXPERIMENTS) >= 20 and len(OPTIONS) > 100


@pytest.mark.parametrize("name, item", OPTIONS)
def test_a_bad_value_is_refused_by_its_name(name, item):
    """Not later, and not as an error of Python's own, whatever it is."""
    required = REQUIRED.get(name, {})
    for value in bad_values(item.metadata["option"]):
        with pytest.raises(ArgumentError) as error:
            EXPERIMENTS[name](**required | {item.name: value})
        assert error.value.name == item.name, value
        assert "give" in error.value.problem or "must be" in error.value.problem


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_defaults_are_good_ones(name):
    """Each is what its own kind makes of it, so that records have one spelling."""
    experiment = EXPERIMENTS[name]
    experiment(**REQUIRED.get(name, {}))
    for item in fields(experiment):
        if item.default not in (None, MISSING):
            validated = item.metadata["option"].validated(item.name, item.default)
            assert validated == item.default
            assert type(validated) is type(item.default)


def test_values_are_of_pythons_own_types():
    """So that JSON holds them, wherever they come from."""
    scaling = EXPERIMENTS["scaling"](d=[np.int64(3)], theta=(1,), seeds=np.int32(2))
    assert scaling.settings["d"] == [3] and scaling.d == (3,)
    assert type(scaling.theta[0]) is float and type(scaling.seeds) is int


@pytest.mark.parametrize("name, value", [("out", 3), ("workers", 0), ("workers", "2")])
def test_bad_arguments_of_a_run(name, value, tmp_path):
    arguments = {"out": tmp_path} | {name: value}
    with pytest.raises(ArgumentError) as error:
        EXPERIMENTS["plan"](**REQUIRED["plan"]).run(**arguments)
    assert error.value.name == name
    assert list(tmp_path.iterdir()) == []


def test_a_route_from_python_is_called_as_today():
    with pytest.raises(ArgumentError, match="one of without-time, wide, scan, time"):
        EXPERIMENTS["train psmnist"](route="static")
