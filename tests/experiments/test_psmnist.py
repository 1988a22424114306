"""psMNIST: the data, and each route to the weights of the network in time.

The tests with all of MNIST are slow ones, and use the file ../shared/data/mnist.npz
next to the repository where there is one.
"""

import json
import os
import subprocess
import sys
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import nengo_lmu
from nengo_lmu.analysis.simulators import spike_counter
from nengo_lmu.cli import main
from nengo_lmu.legendre import ArgumentError, last_step, simulate
from nengo_lmu.tasks import mnist

FILE = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"


def blobs(n, rng):
    """Images of a class each: ink at a place that tells the class, and elsewhere."""
    labels = np.arange(n) % 10
    images = rng.randint(0, 60, size=(n, 28, 28))
    for k, label in enumerate(labels):
        row, column = divmod(label, 4)
        images[k, 9 * row + 1 : 9 * row + 8, 7 * column : 7 * column + 6] = 255
    return images.astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file like that of MNIST, with 800 and 200 images."""
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    rng = np.random.RandomState(0)
    x_train, y_train = blobs(800, rng)
    x_test, y_test = blobs(200, rng)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture(scope="module")
def data(file):
    return mnist.load_mnist(file, n_validation=200)


# --- the data


def test_the_split_has_every_image_once(file, data):
    """Every image is in one part, unchanged but for the order of its pixels."""
    assert [len(part) for part in (data.train, data.validation, data.test)] == [
        600,
        200,
        200,
    ]
    with np.load(file) as arrays:
        known = {image.tobytes(): label for image, label in zip(*_pairs(arrays))}
    seen = set()
    for part in (data.train, data.validation, data.test):
        assert part.pixels.dtype == np.float32
        images = np.round(255 * mnist.to_images(part.pixels)).astype(np.uint8)
        for image, label in zip(images, part.labels):
            assert known[image.tobytes()] == label
            seen.add(image.tobytes())
    assert len(seen) == len(known) == 1000


def _pairs(arrays):
    return (
        np.concatenate([arrays["x_train"], arrays["x_test"]]),
        np.concatenate([arrays["y_train"], arrays["y_test"]]),
    )


def test_the_split_is_that_of_its_seed(file, data):
    """The same seed is the same split; another one is not, nor is it another task."""
    again = mnist.load_mnist(file, n_validation=200)
    other = mnist.load_mnist(file, seed=1, n_validation=200)
    assert np.array_equal(again.train.pixels, data.train.pixels)
    assert not np.array_equal(other.train.labels, data.train.labels)
    assert not np.array_equal(other.test.labels, data.test.labels)
    assert {row.tobytes() for row in other.test.pixels} == {
        row.tobytes() for row in data.test.pixels
    }


def test_pixels_are_permuted():
    order = mnist.pixel_order()
    assert sorted(order) == list(range(784))
    # neighbours in time are as far apart as any two pixels: of 784, some 1 % by chance
    # are next to each other in a row
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.02
    image = np.arange(784.0).reshape(28, 28)
    assert np.array_equal(mnist.to_pixels(image), order)
    assert np.array_equal(mnist.to_images(mnist.to_pixels(image)), image)


def test_files_that_are_not_mnist_are_refused(tmp_path, file):
    with pytest.raises(ArgumentError, match="missing.npz' does not exist; give an npz"):
        mnist.load_mnist(tmp_path / "missing.npz")
    path = tmp_path / "text.npz"
    path.write_text("digits")
    with pytest.raises(ArgumentError, match="path: .*text.npz' is not MNIST; give an"):
        mnist.load_mnist(path)
    np.savez(path, x_train=np.zeros((3, 28, 28)))
    with pytest.raises(ArgumentError, match="x_train, y_train, x_test, y_test"):
        mnist.load_mnist(path)
    with np.load(file) as arrays:
        np.savez(path, **(dict(arrays) | {"x_test": np.zeros((200, 8, 8))}))
    with pytest.raises(ArgumentError, match=r"shape \(200, 8, 8\) .*; give an npz"):
        mnist.load_mnist(path)
    with pytest.raises(ArgumentError, match="n_validation: .* 800 .* 800 was given"):
        mnist.load_mnist(file, n_validation=800)


def test_mnist_comes_from_keras_or_its_failure_is_told(monkeypatch, file, capsys):
    """What Keras gives is used; what it prints goes to stderr; its failure is told."""
    pytest.importorskip("nengo_dl")  # before tf.keras is looked at
    tf = pytest.importorskip("tensorflow")

    def load_data():
        print("Downloading")
        with np.load(file) as arrays:
            x_train, y_train, x_test, y_test = [arrays[k] for k in mnist.ARRAYS]
        return (x_train, y_train), (x_test, y_test)

    monkeypatch.setattr(tf.keras.datasets.mnist, "load_data", load_data)
    found = mnist.load_mnist(n_validation=200)
    captured = capsys.readouterr()
    assert "Downloading" in captured.err and captured.out == ""
    expected = mnist.load_mnist(file, n_validation=200)
    assert np.array_equal(found.test.pixels, expected.test.pixels)

    def fail():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(tf.keras.datasets.mnist, "load_data", fail)
    with pytest.raises(ArgumentError, match="URL fetch failure.*; give an npz file"):
        mnist.load_mnist()


def test_nengo_dl_comes_before_the_download():
    """Keras would be one that NengoDL cannot use, were it asked for digits first."""
    pytest.importorskip("nengo_dl")
    code = """
        import sys
        from nengo_lmu.experiments.psmnist import network as psmnist
        assert "nengo_dl" not in sys.modules
        psmnist.load_mnist = lambda path, seed: sys.modules["nengo_dl"].Simulator
        psmnist.load()
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(nengo_lmu.__file__).parents[1])}
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, check=True
    )


# --- the network

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402

from nengo_lmu.dl import (  # noqa: E402
    FeedForwardTwin,
    SpikeNoise,
    fast,  # noqa: E402
)
from nengo_lmu.dl.poisson import poisson  # noqa: E402
from nengo_lmu.experiments import pretrained  # noqa: E402
from nengo_lmu.experiments.classifier.streams import classify  # noqa: E402
from nengo_lmu.experiments.psmnist import (  # noqa: E402
    distortion,
    stepping,
    without_time,
)
from nengo_lmu.experiments.psmnist import experiment as psmnist_runs  # noqa: E402
from nengo_lmu.experiments.psmnist import in_time as through_time  # noqa: E402
from nengo_lmu.experiments.psmnist import network as psmnist  # noqa: E402
from nengo_lmu.experiments.psmnist import spiking as psmnist_spiking  # noqa: E402
from nengo_lmu.experiments.psmnist.reading import Reading  # noqa: E402
from nengo_lmu.experiments.psmnist.stepping import Stepper  # noqa: E402


def in_time(classifier, pixels):
    """Class scores at the end of a digit, step by step in the reference simulator."""
    signal = classifier.signal(pixels[np.newaxis])[0]
    classifier.stimulus.output = nengo.processes.PresentInput(
        signal, classifier.settings.dt
    )
    with nengo.Simulator(
        classifier.network, dt=classifier.settings.dt, progress_bar=False
    ) as sim:
        sim.run_steps(len(signal))
    return sim.data[classifier.scores][-1]


@pytest.fixture(autouse=True)
def small_minibatches(monkeypatch):
    for module in (without_time, through_time):
        monkeypatch.setattr(module, "MINIBATCH", 50)


@pytest.mark.parametrize(
    "coupling, n", [("full", 102_027), ("recurrent", 101_559), ("feed-forward", 56_403)]
)
def test_parameters_are_as_many_as_the_papers(coupling, n):
    """The paper's number, and what is left without some of the connections."""
    model = psmnist.Classifier(psmnist.Settings(coupling=coupling))
    model.configure_training()
    with nengo_dl.Simulator(model.network, progress_bar=False) as sim:
        weights = sim.keras_model.trainable_weights
    assert sum(np.prod(weight.shape) for weight in weights) == n
    shapes = [conn.transform.shape for conn in model.parameters.values()]
    # without feedback e_x stays 1, though NengoDL would train it
    assert sum(np.prod(shape) for shape in shapes) == n - (coupling != "full")


def test_distorted_digits_have_about_as_much_ink(monkeypatch):
    """Another one each time, moved by a little, and about as much ink."""
    monkeypatch.setattr(distortion, "_TOGETHER", 1)
    image = np.zeros((28, 28), np.float32)
    image[8:20, 12:16] = 1
    pixels = np.tile(mnist.to_pixels(image), (50, 1))
    rng = np.random.RandomState(0)
    found = distortion.distorted(pixels, rng)
    assert found.shape == pixels.shape and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1
    assert len(np.unique(found, axis=0)) == 50
    # The middle moves by up to a pixel, and the ink changes by a factor of up to
    # exp(+-0.16), besides what is elastic.
    ink = found.sum(axis=1)
    assert np.all(np.abs(np.log(ink / image.sum())) < 0.3)
    rows, columns = np.indices((28, 28))
    images = mnist.to_images(found)
    for index, middle in ((rows, 13.5), (columns, 13.5)):
        shift = (images * index).sum(axis=(1, 2)) / ink - middle
        assert np.abs(shift).max() < 2.5
        assert np.ptp(shift) > 1


def test_distortion_by_nothing_changes_nothing(monkeypatch):
    for name in ("SHIFT", "ROTATION", "STRETCH", "SHEAR", "ELASTIC"):
        monkeypatch.setattr(distortion, name, 0.0)
    rng = np.random.RandomState(0)
    pixels = rng.uniform(size=(3, 784)).astype(np.float32)
    assert np.allclose(distortion.distorted(pixels, rng), pixels, atol=1e-5)


# --- states without time


@pytest.mark.parametrize("steps, delay", [(1, 0), (1, 5), (3, 0), (3, 7)])
def test_the_last_step_is_that_of_the_simulation(steps, delay):
    rng = np.random.RandomState(0)
    u = rng.uniform(size=(4, 20))
    theta = 0.02 * steps
    found = u @ last_step(20, theta, 6, steps=steps, delay=delay)
    for row, sequence in zip(found, u):
        m = simulate(np.repeat(sequence, steps), theta, 6)
        assert np.allclose(row, m[-1 - delay], atol=1e-12)


# --- the routes


def test_the_route_without_time_trains_the_network_in_time(data):
    """It learns, and the network in time says the same as the computation without."""
    model = psmnist.Classifier(
        psmnist.Settings(
            "feed-forward", d=20, units=30, hidden="rectified", hidden_bias=True
        )
    )
    history = without_time.train(model, data, epochs=8)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert max(history["val_probe_accuracy"]) > 0.5
    test = data.test.pixels
    scores = without_time.scores(model, test)
    assert np.ptp(scores) > 1
    for k in range(2):
        assert np.allclose(in_time(model, test[k]), scores[k], atol=1e-5)


def test_training_without_time_is_reproducible(data):
    settings = psmnist.Settings(
        "feed-forward", d=8, units=9, hidden="rectified", hidden_bias=True
    )
    found = []
    for _ in range(2):
        model = psmnist.Classifier(settings)
        without_time.train(model, data, epochs=1)
        found.append(model.lmu.memory_kernel.transform.init)
    assert np.allclose(*found, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("last", [784, 112])
def test_the_scan_is_the_network_in_time(data, last):
    """The scan over all steps is the network in time; over the last, nearly so."""
    model = psmnist.Classifier(psmnist.Settings("recurrent", d=12, units=14))
    rng = np.random.RandomState(0)
    for name in ("hidden_kernel", "input_kernel"):
        conn = model.parameters[name]
        conn.transform = rng.uniform(-0.1, 0.1, size=conn.transform.shape)
    history = through_time.train(model, data, epochs=1, last=last)
    assert np.isfinite(history["loss"][0])
    digits = data.test.pixels[:3]
    with model.network:
        nengo_dl.configure_settings(planner=fast.LastSteps(last))
    scores = through_time.predict(model, digits)
    with model.network:
        nengo_dl.configure_settings(planner=fast.planner)
    assert np.allclose(through_time.predict(model, digits), scores, atol=1e-5)
    # W_h of 14 units in +-0.1 makes what was before smaller by half or more a step
    for k in range(2):
        assert np.allclose(in_time(model, digits[k]), scores[k], atol=1e-5)


def test_scan_trains_all_of_its_weights(data):
    model = psmnist.Classifier(psmnist.Settings("recurrent", d=6, units=5))
    before = {k: np.array(c.transform.init) for k, c in model.parameters.items()}
    through_time.train(model, data, epochs=1, last=28)
    assert np.all(model.lmu.input_encoders.transform.init == 1)
    for name, conn in model.parameters.items():
        assert not np.allclose(conn.transform.init, before[name], atol=1e-5), name


# --- spikes


def test_numbers_have_the_poisson_distribution():
    """Frequencies of 0, 1, .. for small and large means, against the distribution.

    Each of n = 200,000 draws falls on a number with probability p, so that the
    frequency is off by more than 5 sqrt(p (1 - p) / n) once in two million.
    """
    from scipy import stats

    tf.random.set_seed(0)
    n = 200_000
    for mean in (0.0, 0.01, 0.7, 3.0, 20.0):
        found = poisson(tf.fill((n,), np.float32(mean))).numpy()
        for number in range(30):
            p = stats.poisson.pmf(number, mean)
            bound = 5 * np.sqrt(p * (1 - p) / n) + 1e-6
            assert abs(np.mean(found == number) - p) < bound, (mean, number)


def test_the_layers_noise_is_that_of_filtered_spikes():
    """The layer's noise is that of filtered Poisson spikes, in training only.

    200,000 values: the variance is within 2 % (6 standard errors of 0.3 %).
    """
    tf.random.set_seed(0)
    x = tf.fill((200_000,), 0.5)
    layer = SpikeNoise(rate=100.0, tau=0.02)
    assert np.array_equal(layer(x, training=False), x)
    noise = layer(x, training=True).numpy() - 0.5
    assert noise.var() == pytest.approx(0.5 / (2 * 0.02 * 100), rel=0.02)
    assert np.array_equal(layer(-x, training=True), -x)


def test_twin_refuses_another_bias():
    model = psmnist.Classifier(
        psmnist.Settings("feed-forward", d=4, units=5, hidden_bias=True)
    )
    with pytest.raises(ValidationError, match="where the readout leads"):
        FeedForwardTwin(model.lmu, model.readout, model.lmu.hidden_bias)


# --- the command


def train_command(*arguments):
    return main(["train", "psmnist", *map(str, arguments)])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--route", "fast"], "--route: 'fast' was given; give one of without-time"),
        (["--digits", "-1"], "--digits: '-1' was given; give a whole number from 0"),
        (["--digits", "5"], "--digits: is for spikes; give --spiking too"),
        (["--networks", "2"], "--networks: is for spikes; give --spiking too"),
        (["--networks", "0"], "--networks: '0' was given; give a whole number from 1"),
        (["--spiking", "--route", "scan"], "--spiking: cannot be given together with"),
        (["--route", "scan", "--no-augmentation"], "--no-augmentation: cannot be"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, capsys):
    try:
        status = train_command(*arguments)
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_bad_files_are_named(tmp_path, capsys):
    path = tmp_path / "digits.npz"
    path.write_text("digits")
    for name in (path, tmp_path / "missing.npz"):
        assert train_command("--mnist", name, "--out", tmp_path / "out") == 2
        err = capsys.readouterr().err.splitlines()[-1]
        assert str(name) in err
    assert not (tmp_path / "out" / "train-psmnist.json").exists()


@pytest.mark.parametrize("route", psmnist_runs.WITHOUT_TIME)
def test_the_command_writes_table_and_weights(
    route, tmp_path, file, monkeypatch, capsys
):
    """A small network: table, record and weights say the same."""
    small = psmnist.Settings(
        "feed-forward", d=16, units=20, hidden="rectified", hidden_bias=True
    )
    monkeypatch.setitem(psmnist_runs.ROUTES, route, small)
    out = tmp_path / "out"
    where = ["--route", route, "--mnist", file, "--out", out]
    assert train_command(*where, "--epochs", 4) == 0
    printed = capsys.readouterr().out
    record = json.loads((out / "train-psmnist.json").read_text())
    assert record["parameters"] == 16 * 20 + 20 + 20 * 10 + 10 == 550
    assert "parameters" in printed and "550" in printed
    assert record["test"]["digits"] == 200
    assert f"{100 * record['test']['accuracy']:.2f} +-" in printed
    assert all(len(line) <= 80 for line in printed.splitlines()[:-1])
    assert record["settings"]["route"] == route and record["augmented"]
    assert record["settings"]["seed"] == 0 and record["versions"]["nengo"]
    assert all(0 < value < 1e-4 for value in record["difference"].values())
    # the weights that were kept are those that were measured
    model = pretrained.load("psmnist", out).model
    test = mnist.load_mnist(file).test
    guesses = without_time.scores(model, test.pixels).argmax(axis=1)
    assert np.mean(guesses == test.labels) == pytest.approx(record["test"]["accuracy"])


def test_the_earlier_name_of_a_route_works(tmp_path, capsys):
    """For a release; it is told of, and means the same."""
    missing = tmp_path / "missing.npz"
    assert train_command("--route", "static", "--mnist", missing, "--digits", 5) == 2
    renamed, wrong = capsys.readouterr().err.splitlines()
    assert "--route static is --route without-time now" in renamed
    assert "--digits: is for spikes" in wrong


SMALL_SPIKING = psmnist_spiking.Settings(
    d=8, n_neurons=200, max_rate=5000.0, units=30, epochs=2, steps_per_pixel=2
)

# Hidden units that are always free, and see the state as it is.
PLAIN = {
    "state_tau": 0.0,
    "last_pixels": 784,
    "basis": "balanced",
    "largest_rate": None,
}


def test_the_spiking_command_writes_record_and_figure(
    tmp_path, file, monkeypatch, capsys
):
    """Trained without time, run in spikes, with record and figure."""
    from nengo_lmu.dl import feedforward

    monkeypatch.setattr(psmnist_runs, "SpikingSettings", lambda **k: SMALL_SPIKING)
    train, trained = feedforward.train, []

    def recorded(*args, **kwargs):
        trained.append(args)
        return train(*args, **kwargs)

    monkeypatch.setattr(feedforward, "train", recorded)
    monkeypatch.setattr(psmnist_runs.spiking_networks, "CURVE", (0.5,))
    options = ("--spiking", "--mnist", file, "--out", tmp_path, "--json", "--curve")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NengoDL, of single steps
        assert train_command(*options, "--digits", 20, "--loihi-digits", 0) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((tmp_path / "train-psmnist.json").read_text())
    row, in_nengo_dl = record["results"]
    assert in_nengo_dl["backend"] == "NengoDL" and in_nengo_dl["digits"] == 20
    # about as many spikes: 20 digits differ by some percent, the same ones by less
    assert in_nengo_dl["spikes"] == pytest.approx(row["spikes"], rel=0.02)
    assert row["digits"] == 20 and row["neurons"] == 230
    assert row["accuracy"] == np.mean(row["correct"])
    # 200 neurons at 0.16 of 3000 hertz, more or less, for 1.568 s, and hidden ones
    assert 20_000 < row["spikes"] < 1_000_000
    assert (tmp_path / "train-psmnist.png").stat().st_size > 10_000
    assert row["hidden_spikes"] < row["spikes"]
    # half the rates are about half the spikes; noise adds to what is lost
    point, own = record["curve"]
    assert own["spikes"] == row["spikes"] and own["accuracy"] == row["accuracy"]
    assert 0.4 * row["spikes"] < point["spikes"] < 0.7 * row["spikes"]
    assert min(point["lost"], row["lost"]) > row["lost_ideally"]
    # the same command has nothing left to train, or to read
    assert psmnist_runs.PsMnist.resumes and len(trained) == 1
    assert train_command(*options, "--digits", 20, "--loihi-digits", 0) == 0
    again, _ = json.loads(capsys.readouterr().out)["results"]
    assert len(trained) == 1 and again["guesses"] == row["guesses"]


@pytest.fixture(scope="module")
def trained_spiking(data):
    """A network whose memory has a tenth of the noise that it is meant for."""
    settings = replace(SMALL_SPIKING, max_rate=4e5, hidden_rate=2e4, epochs=4, **PLAIN)
    model = psmnist_spiking.SpikingClassifier(settings, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(without_time, "MINIBATCH", 50)
        model.train(show_progress=False)
    return model


def test_the_spiking_network_reads_alike_in_two_simulators(trained_spiking):
    """Trained on ideal states, it reads digits in spikes, alike in NengoDL and Nengo.

    At 400 kilohertz the noise of the memory is a tenth of what it is meant for: in
    either simulator the first digit is read alike. Its spikes, some ten million, are
    the same but for those of that noise.
    """
    model = trained_spiking
    assert model.simulate_nengo_dl(20).accuracy >= 0.5
    found = model.simulate_nengo_dl(1)
    reference, _ = model.simulate(nengo.Simulator, "Nengo", 1, progress_bar=False)
    assert reference.guesses == found.guesses
    assert reference.spikes == pytest.approx(found.spikes, rel=0.02)


def test_the_spiking_network_reads_streams(trained_spiking):
    """Mean and biases are those of the network.

    The first digit of each stream is read as the network reads it, and a large bias
    settles what is read.
    """
    model = trained_spiking
    settled = {**model.matrices, "bias": 1e6 * np.eye(10)[:, [3]]}
    pixels = model.digits.test.pixels[:8]
    guesses = classify(model, [model.matrices, settled], pixels, 0, False)
    assert guesses.shape == (2, 8)
    assert np.all(guesses[1] == 3)
    assert np.sum(guesses[0] == model.simulate_nengo_dl(8).guesses) >= 7


def test_steps_are_those_of_the_network(data):
    """Where nothing is drawn, scores and spikes are those of the reference simulator.

    All of it is there: error feedback, a filter of the state, hidden units that wait.
    """
    settings = replace(SMALL_SPIKING, error_feedback=0.3, last_pixels=40)
    model = psmnist_spiking.SpikingClassifier(settings, data)
    rng = np.random.RandomState(0)
    model.lmu.hidden_bias.transform = rng.uniform(0, 1, (settings.units, 1))
    (neurons,) = model.lmu.memory.ensembles
    neurons.neuron_type = nengo.RectifiedLinear()
    pixels = data.test.pixels[:2]
    stepper = Stepper(model, draw=lambda mean, rng: mean)
    with model.network:
        counted = nengo.Probe(spike_counter([model.lmu.hidden], 0.001))
    for k in range(2):
        with (
            model.presented(pixels[k : k + 1]),
            nengo.Simulator(model.network, dt=0.001, progress_bar=False) as sim,
        ):
            charge = sim.signals[sim.model.sig[model.lmu.hidden.neurons]["voltage"]]
            charge = np.array(charge)
            sim.run_steps(settings.n_steps)
        scores, memory_spikes, hidden_spikes = stepper.run(pixels, rng, charge)
        assert np.ptp(scores[k]) > 0.1
        assert np.allclose(sim.data[model.scores][-1], scores[k], atol=1e-4)
        assert sim.data[counted][-1, 0] == hidden_spikes[k] > 20
        spikes = memory_spikes[k] + hidden_spikes[k]
        assert sim.data[model.spikes][-1, 0] == pytest.approx(spikes, rel=1e-4)


def test_steps_draw_poisson_numbers():
    """Frequencies, where ten or more are expected, within 5 standard errors."""
    from scipy import stats

    rng = np.random.default_rng(0)
    n = 200_000
    for mean in (0.01, 0.7, 3.0, 20.0):
        found = stepping.poisson(np.full((n, 1), mean, np.float32), rng).ravel()
        p = stats.poisson.pmf(np.arange(80), mean)
        frequency = np.bincount(found.astype(int), minlength=80)[:80] / n
        likely = n * p > 10
        bound = 5 * np.sqrt(p * (1 - p) / n)
        assert np.all(np.abs(frequency - p)[likely] < bound[likely]), mean
        assert np.all(found >= 0) and found.max() < mean + 12 * np.sqrt(mean) + 12


def test_steps_have_the_noise_of_the_theory(data):
    """The spread of what hidden units see of one digit, presented 400 times.

    The theory's covariance is that of typical digits, at which rates differ a little;
    a variance of 400 values is known to 7 %.
    """
    settings = replace(SMALL_SPIKING, units=8, last_pixels=2)
    model = psmnist_spiking.SpikingClassifier(settings, data)
    # hidden units see the state's dimensions, and say them by their currents
    model.lmu.memory_kernel.transform = np.eye(8)
    currents = []
    stepper = Stepper(model)
    stepper._fire = lambda seen, charge: currents.append(seen @ stepper._T) or charge
    for seed in range(4):
        pixels = np.tile(data.test.pixels[seed], (100, 1))
        stepper.run(pixels, np.random.default_rng(seed))
    last = np.array(currents).reshape(4, -1, 100, 8)[:, -1]
    matrix = psmnist_spiking.states_of_pixels(settings)
    ideal = (data.test.pixels[:4] - model.mean) @ matrix
    errors = (last - ideal[:, np.newaxis]).reshape(-1, 8)
    expected = np.trace(model.state_noise)
    assert np.mean(np.sum(errors**2, axis=1)) == pytest.approx(expected, rel=0.25)
    size = np.sqrt(np.diag(model.state_noise).max() / len(errors))
    assert np.abs(errors.mean(axis=0)).max() < 5 * size


def test_the_basis_for_digits_loses_less_of_them(data):
    """Than the one for windows, with as many neurons; an ideal memory loses least."""
    settings = replace(SMALL_SPIKING, max_rate=500.0)
    lost = {
        basis: psmnist_spiking.SpikingClassifier(
            replace(settings, basis=basis), data
        ).lost()
        for basis in ("digits", "balanced")
    }
    model = psmnist_spiking.SpikingClassifier(settings, data)
    assert model.lost(ideal=True) < lost["digits"] < lost["balanced"] < 1


def test_hidden_units_wait_for_the_last_pixels(data):
    settings = replace(SMALL_SPIKING, last_pixels=20)
    model = psmnist_spiking.SpikingClassifier(settings, data)
    model.lmu.hidden_bias.transform = np.ones((settings.units, 1))
    _, traces = model.simulate(
        nengo.Simulator, "", 2, False, n_traces=2, progress_bar=False
    )
    spikes = traces["hidden_spikes"].reshape(2, settings.n_steps, settings.units)
    assert np.any(spikes[:, -40:], axis=(1, 2)).all()
    # a synapse of the hold would be a step late
    assert not np.any(spikes[:, :-40])


def test_a_reading_that_was_stopped_goes_on(data, tmp_path, monkeypatch):
    """With the network that was trained, and the digits that were read."""
    monkeypatch.setattr(psmnist_spiking, "_MINIBATCH", 10)
    model = psmnist_spiking.SpikingClassifier(SMALL_SPIKING, data)
    path = tmp_path / "network.npz"
    wanted, _ = model.read(30, show_progress=False)
    reading = Reading(path, {"seed": 0})
    reading.trained(model.matrices, {"seconds": [1.0]})
    run, calls = Stepper.run, []

    def stopped(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(*args)

    monkeypatch.setattr(Stepper, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        model.read(30, reading, show_progress=False)
    again = Reading(path, {"seed": 0})
    assert [k for k, _ in again.unread(30, 10)] == [1, 2]
    assert again.history == {"seconds": [1.0]}
    for name, matrix in model.matrices.items():
        assert np.array_equal(again.matrices[name], matrix)
    found, _ = model.read(30, again, show_progress=False)
    assert found.guesses == wanted.guesses and found.spikes == wanted.spikes
    assert len(calls) == 4
    # what is of another network, or damaged, is not gone on from
    assert not Reading(path, {"seed": 1}).matrices
    path.write_bytes(path.read_bytes()[:500])
    assert not Reading(path, {"seed": 0}).matrices


# --- the figures of the documentation


@pytest.fixture
def full_minibatches(small_minibatches, monkeypatch):
    monkeypatch.setattr(without_time, "MINIBATCH", 250)
    monkeypatch.setattr(through_time, "MINIBATCH", 100)


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason=f"needs MNIST in {FILE}")
def test_the_route_without_time_learns_all_of_mnist(full_minibatches):
    """At least 98.5 % with fewer than 166,000 parameters, equal in time."""
    record = psmnist_runs.PsMnist(mnist=str(FILE)).run()
    print(record["test"], record["training_seconds"], record["processor_seconds"])
    assert record["parameters"] <= 166_000
    assert record["test"]["accuracy"] >= 0.985
    assert max(record["difference"].values()) < 1e-4
    assert record["processor_seconds"] < 600


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason=f"needs MNIST in {FILE}")
def test_spikes_read_all_of_mnist(full_minibatches):
    """At least 97.5 % of 1000 test digits, with no more spikes than we say."""
    record = psmnist_runs.PsMnist(
        mnist=str(FILE), spiking=True, digits=1000, loihi_digits=0
    ).run()
    row, in_nengo_dl = record["results"]
    print(row["accuracy"], row["spikes"], row["rates"], in_nengo_dl["accuracy"])
    assert row["digits"] == 1000 and row["accuracy"] >= 0.975
    assert row["neurons"] <= 1500 and row["spikes"] <= 200_000
    assert max(row["rates"].values()) <= 500
    assert in_nengo_dl["accuracy"] >= 0.95


def test_the_network_of_the_package_reads_digits_in_nengo_dl():
    """What is computed without time in double precision, and in time in single."""
    classifier = pretrained.load("psmnist").model
    rng = np.random.RandomState(0)
    pixels = np.where(rng.rand(20, 784) < 0.2, rng.rand(20, 784), 0)
    wanted = without_time.scores(classifier, pixels)
    classifier.configure_training()
    with nengo_dl.Simulator(
        classifier.network,
        dt=classifier.settings.dt,
        minibatch_size=len(pixels),
        progress_bar=False,
        seed=0,
    ) as sim:
        signals = {classifier.stimulus: classifier.signal(pixels)}
        found = sim.predict(signals, verbose=0)[classifier.scores][:, -1]
    assert np.abs(wanted).max() > 10
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.skipif(
    not (Path(pretrained.__file__).parent / "psmnist.npz").exists(),
    reason="no trained psMNIST network comes with the package",
)
@pytest.mark.skipif(not FILE.exists(), reason=f"needs MNIST in {FILE}")
def test_the_network_of_the_package_reads_digits():
    """It reaches what its record says, and does so in time as well."""
    trained = pretrained.load("psmnist")
    test = mnist.load_mnist(FILE).test
    scores = without_time.scores(trained.model, test.pixels)
    accuracy = np.mean(scores.argmax(axis=1) == test.labels)
    assert accuracy == pytest.approx(trained.record["test"]["accuracy"], abs=2e-4)
    assert accuracy >= 0.985
    assert np.allclose(in_time(trained.model, test.pixels[0]), scores[0], atol=1e-4)
