"""psMNIST by backpropagation through time."""

import nengo
import numpy as np
import pytest

pytest.importorskip("nengo_dl")

from nengo_lmu.experiments.psmnist import in_time as psmnist_time  # noqa: E402
from nengo_lmu.experiments.psmnist.network import Classifier, Settings  # noqa: E402
from nengo_lmu.tasks.digits import Split  # noqa: E402
from nengo_lmu.tasks.mnist import N_CLASSES, N_PIXELS, Mnist  # noqa: E402

SMALL = Settings(coupling="full", d=4, units=5)


def random_classifier():
    """A network in which everything has an effect."""
    classifier = Classifier(SMALL)
    rng = np.random.RandomState(0)
    for connection in classifier.parameters.values():
        shape = connection.transform.shape
        connection.transform = 0.2 * rng.standard_normal(shape)
    return classifier


def in_nengo(classifier, pixels):
    """The class scores, from the reference simulator."""
    found = []
    for digit in pixels:
        classifier.stimulus.output = nengo.processes.PresentInput(
            digit[:, np.newaxis], SMALL.dt
        )
        with nengo.Simulator(classifier.network, progress_bar=False, seed=0) as sim:
            sim.run_steps(N_PIXELS)
        found.append(sim.data[classifier.scores][-1])
    classifier.stimulus.output = np.zeros(1)
    return np.array(found)


def test_gain_is_taken_in():
    """The network without a gain does with pixels what it did with scaled ones."""
    classifier = random_classifier()
    pixels = np.random.RandomState(1).uniform(size=(2, N_PIXELS))
    scaled = in_nengo(classifier, psmnist_time.GAIN * pixels)
    other = in_nengo(classifier, pixels)
    assert np.abs(other - scaled).max() > 0.01
    psmnist_time.take_in_gain(classifier.lmu)
    np.testing.assert_allclose(in_nengo(classifier, pixels), scaled, atol=1e-9)


def test_what_is_learned_is_what_runs_in_nengo(tmp_path):
    """What is learned is in the network, which then runs in Nengo as in NengoDL.

    Digits of two classes, bright and dark. Sixteen minibatches change each parameter by
    0.01 at most, enough for the loss to fall by some percent.
    """
    rng = np.random.RandomState(0)

    def split(n):
        labels = rng.randint(2, size=n)
        pixels = rng.uniform(0, 0.5, size=(n, N_PIXELS)) + 0.5 * labels[:, np.newaxis]
        return Split(pixels.astype(np.float32), labels)

    parts = Mnist(split(200), split(100), split(100))
    classifier = Classifier(SMALL)
    before = {n: c.transform.init for n, c in classifier.parameters.items()}
    history = psmnist_time.train(
        classifier, parts, epochs=8, checkpoint=tmp_path / "c.npz", show_progress=False
    )
    assert len(history["val_scores_accuracy"]) == 8
    assert history["loss"][-1] < 0.98 * history["loss"][0]
    for name, connection in classifier.parameters.items():
        assert not np.allclose(connection.transform.init, before[name], atol=1e-6)

    scores = psmnist_time.predict(classifier, parts.validation.pixels)
    assert scores.shape == (100, N_CLASSES)
    accuracy = np.mean(scores.argmax(axis=1) == parts.validation.labels)
    assert accuracy == pytest.approx(max(history["val_scores_accuracy"]), abs=0.011)
    np.testing.assert_allclose(
        scores[:2], in_nengo(classifier, parts.validation.pixels[:2]), atol=1e-4
    )


def test_any_number_of_digits_is_predicted():
    """Also one that is no multiple of the minibatch."""
    classifier = random_classifier()
    pixels = np.random.RandomState(1).uniform(size=(103, N_PIXELS)).astype(np.float32)
    scores = psmnist_time.predict(classifier, pixels)
    assert scores.shape == (103, N_CLASSES)
    np.testing.assert_allclose(
        scores[100:], psmnist_time.predict(classifier, pixels[100:]), atol=1e-4
    )
