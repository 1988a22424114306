"""The entry for NengoZoo, by what that asks of one."""

import importlib.util
import re
import runpy
from pathlib import Path

import nengo
import pytest

ENTRY = Path(__file__).parents[1] / "nengozoo" / "spiking-lmu"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ENTRY / "src"))


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_metadata_are_of_the_folder():
    """Those of the schema that can go wrong here; the rest does not change."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    metadata = yaml.safe_load((ENTRY / "metadata.yaml").read_text(encoding="utf-8"))
    assert metadata["name"] == ENTRY.name and metadata["type"] == "network"
    assert 30 <= len(metadata["description"]) <= 500
    files = [metadata["entry_point"], *metadata["nengogui"].values()]
    files += ["README.md", "LICENSE", "requirements.txt", "tests/test_runs.py"]
    assert [file for file in files if not (ENTRY / file).is_file()] == []
    needed = (ENTRY / "requirements.txt").read_text(encoding="utf-8").split()
    assert f"nengo{metadata['nengo_version']}" in needed
    assert set(metadata["dependencies"]) <= set(needed)
    licence = Path(__file__).parents[1] / "LICENSE"
    assert (ENTRY / "LICENSE").read_bytes() == licence.read_bytes()


@pytest.mark.parametrize(
    "name", ["imports", "builds", "rejects_bad_args", "runs_100ms"]
)
def test_its_tests_pass(name):
    runpy.run_path(str(ENTRY / "tests" / "test_runs.py"))[f"test_{name}"]()


def test_its_example_says_its_errors(capsys, monkeypatch):
    """Of one seed; the readme of its figure has the same two numbers.

    Another processor rounds otherwise, and so has other spikes: over eight networks the
    standard deviation of the second error is a twentieth of it, four of which are left.
    """
    module = loaded(ENTRY / "examples" / "example_usage.py")
    monkeypatch.setattr(module, "draw", lambda *drawn: None)
    module.main()
    errors = re.findall(r"error of the \w+: ([\d.]+) %", capsys.readouterr().out)
    caption = (ENTRY / "figures" / "delay.md").read_text(encoding="utf-8")
    said = re.findall(r"error is ([\d.]+) %", caption)
    assert [float(one) for one in errors] == pytest.approx(
        [float(one) for one in said], rel=0.2, abs=0.2
    )
    assert len(said) == 2


def test_its_gui_script_has_a_model_and_what_is_drawn():
    module = loaded(ENTRY / "examples" / "nengogui" / "delay.py")
    assert isinstance(module.model, nengo.Network)
    text = (ENTRY / "examples" / "nengogui" / "delay.py.cfg").read_text("utf-8")
    names = set(re.findall(r"(?:components\.\w+\(|_viz_config\[)([A-Za-z]\w*)", text))
    assert names == {"model", "stimulus", "memory", "delayed", "neurons"}
    assert all(hasattr(module, name) for name in names)
