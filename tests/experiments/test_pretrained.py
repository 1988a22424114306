"""Trained parameters that come with the package."""

import json
import subprocess
import sys

import nengo
import numpy as np
import pytest

pytest.importorskip("sklearn")

from nengo_lmu.experiments import pretrained  # noqa: E402
from nengo_lmu.experiments.digits.network import DigitClassifier, Settings  # noqa: E402
from nengo_lmu.legendre import ArgumentError  # noqa: E402

SMALL = Settings(steps_per_pixel=2, d=3, n_neurons=20, units=5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network that was not trained at all, and the folder that it was saved to."""
    pytest.importorskip("nengo_dl")
    classifier = DigitClassifier(SMALL)
    folder = tmp_path_factory.mktemp("trained")
    pretrained.save("digits", classifier, {"command": "none"}, folder)
    return classifier, folder


def test_what_is_loaded_is_what_was_saved(saved):
    classifier, folder = saved
    trained = pretrained.load("digits", folder)
    assert trained.network is trained.model.network
    assert trained.model.settings == SMALL
    assert trained.record["command"] == "none"
    assert trained.record["versions"]["nengo"] == nengo.__version__
    # in single precision
    for name, matrix in classifier.matrices.items():
        assert trained.model.matrices[name].shape == matrix.shape
        assert np.allclose(trained.model.matrices[name], matrix, rtol=1e-6), name


def test_nengo_dl_loads_them_too(saved):
    """The file is what ``save_params`` of the same network would write."""
    import nengo_dl

    classifier, folder = saved
    other = DigitClassifier(SMALL)
    for name, connection in other.parameters.items():
        connection.transform = np.zeros_like(classifier.matrices[name])
    with nengo_dl.Simulator(other.network, dt=SMALL.dt, progress_bar=False) as sim:
        sim.load_params(pretrained.load("digits", folder).path)
        sim.freeze_params(list(other.parameters.values()))
    for name, matrix in classifier.matrices.items():
        assert np.allclose(other.matrices[name], matrix, rtol=1e-6), name


def test_matrices_may_share_an_array(tmp_path):
    """NengoDL's usual planner puts those of merged connections below one another."""
    nengo_dl = pytest.importorskip("nengo_dl")
    classifier = DigitClassifier(SMALL)
    with classifier.network:
        nengo_dl.configure_settings(planner=nengo_dl.graph_optimizer.tree_planner)
    pretrained.save("digits", classifier, {}, tmp_path)
    trained = pretrained.load("digits", tmp_path)
    for name, matrix in classifier.matrices.items():
        assert np.allclose(trained.model.matrices[name], matrix, rtol=1e-6), name


def test_unknown_names_and_folders_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="'digit'; give one of .*digits"):
        pretrained.load("digit")
    with pytest.raises(ArgumentError, match=r"digits.json' does not exist|not exist"):
        pretrained.load("digits", tmp_path)


def test_files_that_do_not_belong_together_are_refused(saved, tmp_path):
    """As after a training that was killed while it wrote them."""
    _, folder = saved
    content = bytearray((folder / "digits.npz").read_bytes())
    content[-1] ^= 1
    (tmp_path / "digits.npz").write_bytes(content)
    (tmp_path / "digits.json").write_bytes((folder / "digits.json").read_bytes())
    with pytest.raises(ArgumentError, match="not the one that digits.json describes"):
        pretrained.load("digits", tmp_path)


@pytest.mark.parametrize("name", pretrained.MODELS)
def test_what_ships_says_how_it_was_made(name):
    record = json.loads((pretrained.HERE / f"{name}.json").read_text())
    assert record["command"].startswith(f"nengo-lmu train {name}")
    assert record["versions"]["nengo-dl"] and record["versions"]["tensorflow"]
    assert "seed" in record["settings"]
    assert (pretrained.HERE / f"{name}.npz").stat().st_size < 2 * 2**20


def test_digits_that_ship_read_digits():
    """Without training, in the simulator of Nengo; TensorFlow is not even imported.

    With an ideal memory as good as its record says: the same network, the same digits.
    In spikes, 24 digits are read right with a probability of 95 % each; less than 19
    of them with one of 0.1 %.
    """
    code = """
import sys, nengo
from nengo_lmu.experiments import pretrained
trained = pretrained.load("digits")
row, _ = trained.model.simulate(nengo.Simulator, "", 24, False, progress_bar=False)
assert not {"tensorflow", "nengo_dl", "nengo_loihi"} & set(sys.modules)
ideal = trained.record["results"][0]
assert ideal["backend"] == "ideal memory, rates"
assert abs(trained.model.ideal().accuracy - ideal["accuracy"]) < 0.002
print(sum(row.correct))
"""
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert int(found.stdout) >= 19
