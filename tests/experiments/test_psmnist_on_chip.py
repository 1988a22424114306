"""psMNIST on Loihi's emulator: the network for it, and digits that are read in streams.

The slow test uses the file ../shared/data/mnist.npz next to the repository.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nengo_lmu.cli import main
from nengo_lmu.tasks.digits import Split
from nengo_lmu.tasks.mnist import Mnist, load_mnist

pytest.importorskip("nengo_dl")
nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_lmu.experiments.psmnist import on_chip, without_time  # noqa: E402
from nengo_lmu.experiments.psmnist.reading import Reading  # noqa: E402
from nengo_lmu.loihi import resources  # noqa: E402

FILE = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"

SMALL = replace(
    on_chip.SETTINGS, d=6, n_neurons=72, units=30, steps_per_pixel=1, epochs=2
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*n_steps=1", "ignore:.*was beyond its range"
)


@pytest.fixture(scope="module")
def digits():
    """Sequences of two levels, of which the class says when they change."""
    rng = np.random.RandomState(0)

    def split(n):
        labels = np.arange(n) % 10
        late = np.arange(784) > 78 * labels[:, np.newaxis]
        pixels = 0.2 + 0.5 * late + 0.05 * rng.standard_normal((n, 784))
        return Split(np.float32(np.clip(pixels, 0, 1)), labels)

    return Mnist(split(400), split(100), split(20))


@pytest.fixture(scope="module")
def trained(digits):
    model = on_chip.ChipClassifier(SMALL, digits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(without_time, "MINIBATCH", 25)
        # these are no images
        patch.setattr(without_time, "distorted", lambda pixels, rng: pixels)
        model.train(show_progress=False)
    return model


def test_its_memory_is_staggered_and_fits(trained):
    needs = resources(trained.network)
    assert needs.fits and needs.largest_current.fraction <= 1
    memory = trained.lmu.memory
    assert memory.chip_design["staggered"]
    chip, elsewhere = memory.filtered_noise(chip=True), memory.noise_covariance
    assert np.trace(chip) < np.trace(elsewhere) / 2


def test_streams_that_have_ended_are_not_read_again(trained, tmp_path, monkeypatch):
    """Nor does it matter in which call a stream was read."""
    monkeypatch.setattr(on_chip, "STREAM", 2)
    test, path, starts = trained.digits.test, tmp_path / "digits.npz", []
    first, _ = trained.read(test, 3, Reading(path), show_progress=False)
    simulator = nengo_loihi.Simulator

    def recorded(*args, seed, **kwargs):
        starts.append(seed)
        return simulator(*args, seed=seed, **kwargs)

    monkeypatch.setattr(nengo_loihi, "Simulator", recorded)
    row, told = trained.read(test, 5, Reading(path), show_progress=False)
    # The second stream was of one digit only.
    assert starts == [2, 4] and row.guesses[:3] == first.guesses
    assert not [text for text in told if "verflow" in text]
    assert row.digits == 5 and row.spikes > 1000

    again, _ = trained.read(test, 5, Reading(path), show_progress=False)
    assert starts == [2, 4] and again == row
    anew, _ = trained.read(test, 4, show_progress=False)
    assert starts == [2, 4, 0, 2] and anew.guesses == row.guesses[:4]
    # A file that is damaged is no more than none.
    path.write_bytes(path.read_bytes()[:500])
    anew, _ = trained.read(test, 2, Reading(path), show_progress=False)
    assert starts[4:] == [0] and anew.guesses == row.guesses[:2]


def test_the_command_reads_on_the_chip_alone(tmp_path, monkeypatch, digits, capsys):
    from nengo_lmu.experiments.psmnist import network

    monkeypatch.setattr(on_chip, "SETTINGS", SMALL)
    monkeypatch.setattr(without_time, "MINIBATCH", 25)
    monkeypatch.setattr(network, "load", lambda path, seed: digits)
    command = ["train", "psmnist", "--spiking", "--digits", "0", "--loihi-digits"]
    assert main([*command, "2", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert "Loihi emulator" in capsys.readouterr().out
    record = json.loads((tmp_path / "train-psmnist.json").read_text())
    (row,) = record["results"]
    assert row["digits"] == 2 and row["neurons"] == 102
    assert row["resources"]["fits"]
    assert not [text for text in row["warnings"] if "verflow" in text]
    assert row["resources"]["largest_current"]["fraction"] <= 1
    assert not list(tmp_path.glob("checkpoint*"))

    assert main([*command, "0"]) == 2
    assert "nothing to measure" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason=f"needs MNIST in {FILE}")
def test_digits_are_read_on_the_emulator():
    """After 4 epochs, 94 % of the validation digits by rates with the chip's noise.

    Then fewer than 16 of 20 are right once in 700 times.
    """
    model = on_chip.ChipClassifier(
        replace(on_chip.SETTINGS, epochs=4), load_mnist(FILE)
    )
    history = model.train(show_progress=False)
    assert history["val_probe_accuracy"][-1] > 0.93
    row, told = model.read(model.digits.validation, 20, show_progress=False)
    print(row.accuracy, row.spikes, row.seconds)
    assert row.accuracy >= 0.8 and not told
