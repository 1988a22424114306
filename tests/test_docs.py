"""The pages run from their top to their end, print what they say, and are complete."""

import re
import sys

import pytest
from pages import ROOT, alike, blocks, run

import nengo_lmu
from nengo_lmu.cli import COMMANDS

DOCS = ROOT / "docs"

# What pages need besides the core, and which take long.
NEEDS = {
    "how_to/classify.rst": ("nengo_dl", "nengo_loihi"),
    "how_to/loihi.rst": ("nengo_loihi",),
    "how_to/stacks.rst": ("nengo_dl",),
    "how_to/train.rst": ("nengo_dl",),
    "migration/nengo_loihi.rst": ("nengo_loihi",),
}
SLOW = {"how_to/classify.rst", "how_to/train.rst", "how_to/stacks.rst"}

# Spikes are drawn with fixed seeds. Printed errors may differ by as much where another
# release of NumPy or TensorFlow draws or adds up otherwise.
RTOL = 0.3


def pages():
    """Yield the pages whose code runs by itself."""
    for folder in ("get_started", "how_to", "migration"):
        for path in sorted((DOCS / folder).glob("*.rst")):
            name = path.relative_to(DOCS).as_posix()
            if blocks(path):
                marks = [pytest.mark.slow] if name in SLOW else []
                yield pytest.param(name, marks=marks, id=name)
    yield pytest.param("explanation/mathematics.rst", id="explanation/mathematics.rst")


@pytest.mark.parametrize("page", list(pages()))
def test_a_page_prints_what_it_says(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page, ()):
        pytest.importorskip(package)
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    _, printed = run(DOCS / page)
    for said, came in printed:
        assert alike(said, came, RTOL), f"the page says\n{said}\nand the code\n{came}"


def test_outputs_are_alike_where_words_are_the_same_and_numbers_nearly():
    assert alike("error 0.10, True", "error 0.11, True", 0.3)
    assert not alike("error 0.10, True", "error 0.10, False", 0.3)
    assert not alike("error 0.10", "error 0.14", 0.3)
    assert not alike("error 0.10", "error 0.10 0.10", 0.3)


def test_each_public_name_is_in_the_reference():
    """Of what is listed by hand; the rest is listed when the site is built."""
    text = "".join(path.read_text() for path in (DOCS / "reference").glob("*.rst"))
    listed = re.findall(r"^   ([\w.]+)$", text, re.MULTILINE)
    listed = {name.rpartition(".")[2] for name in listed}
    assert set(nengo_lmu.__all__) - {"__version__"} <= listed
    assert set(nengo_lmu.networks.__all__) <= listed
    assert {"analysis", "dl", "loihi", "plots", "series"} <= listed


def full_names(commands, before=""):
    """Yield all commands as they are typed."""
    for name, (_, content) in commands.items():
        if isinstance(content, dict):
            yield from full_names(content, f"{before}{name} ")
        else:
            yield before + name


def test_the_page_of_results_has_a_row_for_each_command():
    text = (DOCS / "reproduce" / "index.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^``nengo-lmu ([^`]+)``  ", text, re.MULTILINE)
    assert sorted(rows) == sorted(full_names(COMMANDS))


def test_pictures_of_the_pages_are_there_and_are_used():
    """A picture that no page shows is of an earlier time."""
    texts = [ROOT / "README.rst", *DOCS.rglob("*.rst")]
    shown = {
        (text.parent / picture).resolve()
        for text in texts
        for picture in re.findall(r"(?:image|figure):: (\S+)", text.read_text("utf-8"))
    }
    here = {path.resolve() for path in (DOCS / "images").glob("*.png")}
    assert here == {p for p in shown if p.parent == (DOCS / "images").resolve()}


def test_what_draws_the_pictures_that_explain_draws_those_of_the_pages(
    tmp_path, monkeypatch
):
    """All but the picture of the first plot, whose page is run above."""
    monkeypatch.syspath_prepend(str(DOCS))
    figures = pytest.importorskip("figures")
    assert {f"{name}.png" for name in figures.PICTURES} <= {
        path.name for path in (DOCS / "images").iterdir()
    }
    monkeypatch.setattr(
        figures, "PICTURES", {n: figures.PICTURES[n] for n in ("lmu_order", "lmu_cell")}
    )
    figures.main(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
    sys.modules.pop("figures")
