"""Progress bars are shown where somebody can see them."""

import sys
from types import SimpleNamespace

import pytest

from nengo_lmu.utils.progress import progress_bar


def shell(name):
    """A module IPython with a shell of a class of that name."""
    return SimpleNamespace(get_ipython=lambda: type(name, (), {})() if name else None)


@pytest.mark.parametrize(
    "name, shown",
    [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False), (None, False)],
)
def test_notebooks_have_bars(name, shown, monkeypatch, capsys):
    """Where the output is no terminal: only notebooks show it."""
    monkeypatch.setitem(sys.modules, "IPython", shell(name))
    with progress_bar(total=2, desc="Going") as bar:
        bar.update(2)
    out, err = capsys.readouterr()
    assert err == "" and ("Going: 100%" in out) == shown


@pytest.mark.parametrize("show", [True, False])
def test_somebody_says(show, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", shell("ZMQInteractiveShell"))
    with progress_bar(show, total=2, desc="Going") as bar:
        bar.update(2)
    assert ("Going" in capsys.readouterr().err) == show
