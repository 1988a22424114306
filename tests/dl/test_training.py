"""Long trainings: what is kept, and going on after a kill."""

import json
import time
import types

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError, ValidationError

nengo_dl = pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_lmu import LMU  # noqa: E402
from nengo_lmu.dl import (  # noqa: E402
    Dropout,
    SpikeNoise,
    StateNoise,
    set_random_seed,
    training,
)
from nengo_lmu.dl.noise import FilteredSpikes  # noqa: E402
from nengo_lmu.dl.training import fit  # noqa: E402

N, N_STEPS, SIZE = 22, 5, 4  # two are left over after each epoch
RNG = np.random.RandomState(0)
X, Y = RNG.uniform(-1, 1, (2, N, N_STEPS, 1))


class Killed(Exception):
    """Stands for a signal that cannot be caught."""


def kill_after(batches, patch):
    """Let a training be killed after some minibatches; return how many there were."""
    after, count = training._AfterBatch.minibatch, [0]

    def killed(self, batch, logs=None):
        after(self, batch, logs)
        count[0] += 1
        if count[0] == batches:
            raise Killed

    patch.setattr(training._AfterBatch, "minibatch", killed)
    return count


class Model:
    """A small network with its simulator, always from the same start."""

    def __init__(self, rate=0.05, stateful=False, layers=()):
        with nengo.Network(seed=0) as self.network:
            nengo_dl.configure_settings(stateful=stateful)
            self.x = nengo.Node([0.0])
            lmu = LMU(0.004, 2, units=3, n_neurons=0, seed=0)
            nengo.Connection(self.x, lmu.input, synapse=None)
            hidden = lmu.output
            for layer in layers:
                hidden = nengo_dl.Layer(layer)(hidden, shape_in=(3,))
            out = nengo.Node(size_in=1)
            nengo.Connection(hidden, out, transform=np.ones((1, 3)), synapse=None)
            self.probe = nengo.Probe(out)
        self.sim = nengo_dl.Simulator(
            self.network, minibatch_size=SIZE, progress_bar=False, seed=0
        )
        self.sim.compile(tf.optimizers.Adam(rate), loss="mse", metrics=["mae"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sim.close()

    def fit(self, epochs=3, seed=0, y=Y, **kwargs):
        """Train, by the first rows for validation unless told otherwise."""
        kwargs.setdefault("validation", ({self.x: X[:9]}, {self.probe: Y[:9]}))
        kwargs.setdefault("monitor", "val_loss")
        kwargs.setdefault("mode", "min")
        return fit(
            self.sim, {self.x: X}, {self.probe: y}, epochs=epochs, seed=seed, **kwargs
        )

    @property
    def weights(self):
        """All parameters as one vector."""
        return np.concatenate([w.ravel() for w in self.sim.keras_model.get_weights()])


def assert_same(history, other):
    """Assert that two histories are the same but for the time."""
    assert history.keys() == other.keys()
    for name in history.keys() - {"seconds"}:
        np.testing.assert_allclose(history[name], other[name], rtol=1e-5)


@pytest.mark.parametrize("batches", [2, 5, 6])
@pytest.mark.parametrize("stateful", [False, True])
def test_training_goes_on_after_a_kill(batches, stateful, tmp_path, monkeypatch):
    """Killed after any minibatch, in an epoch or between two, nothing is lost.

    NengoDL is stateful by default: in the middle of a training, too, it has the state
    of the last minibatch somewhere, and each begins as the first one.
    """
    with Model(stateful=stateful) as model:
        history = model.fit()
        weights = model.weights

    monkeypatch.setattr(training, "INTERVAL", 0)
    count = kill_after(batches, monkeypatch)
    path = tmp_path / "checkpoint.npz"
    with Model(stateful=stateful) as model, pytest.raises(Killed):
        model.fit(checkpoint=path)
    with Model(stateful=stateful) as model:
        assert_same(model.fit(checkpoint=path), history)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-5, atol=1e-6)
    assert count == [3 * (N // SIZE)]  # no minibatch more than without the kill

    # a training that is finished is not done again
    with Model(stateful=stateful) as model:
        assert_same(model.fit(checkpoint=path), history)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-5, atol=1e-6)
    assert count == [3 * (N // SIZE)]


def random_layers():
    """Layers that draw in training, in evaluation, and in both."""
    spikes = FilteredSpikes(
        nengo.PoissonSpiking(nengo.Tanh()), 50.0, nengo.Alpha(0.1), 0.001
    )
    return SpikeNoise(100.0, 0.05), Dropout(0.4), spikes, StateNoise(0.1 * np.eye(3))


@pytest.mark.parametrize("batches", [2, 5, 6])
def test_random_numbers_of_layers_go_on_after_a_kill(batches, tmp_path, monkeypatch):
    """What is dropped and what is added is that of the seed, and of the minibatch."""
    with Model(layers=random_layers()) as model:
        history = model.fit()
        weights = model.weights
    monkeypatch.setattr(training, "INTERVAL", 0)
    path = tmp_path / "checkpoint.npz"
    with Model(layers=random_layers()) as model, monkeypatch.context() as patch:
        kill_after(batches, patch)
        with pytest.raises(Killed):
            model.fit(checkpoint=path)
    tf.random.uniform(())  # another process has drawn other numbers before
    with Model(layers=random_layers()) as model:
        assert_same(model.fit(checkpoint=path), history)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-5, atol=1e-6)


def test_random_numbers_of_layers_are_new_in_each_step_and_with_each_seed():
    """In time steps of a loop, and where one simulator is trained with two seeds.

    Nothing is learned, so that a loss is that of the noise alone. Relative to its mean,
    the mean of 20 x 5 x 1 squares of normal numbers has a standard deviation of
    sqrt(2 / 100): two of them differ by less than 1e-3 of it in less than 1 % of cases.
    """
    layer = StateNoise(np.eye(3))
    with Model(layers=[layer], rate=0.0) as model:
        losses = [
            model.fit(epochs=2, seed=seed, validation=None, monitor=None)["loss"]
            for seed in (0, 1, 0)
        ]
        count = int(layer.place[1])
    assert losses[0] == losses[2]
    assert len({round(loss, 3) for pair in losses[:2] for loss in pair}) == 4
    assert count == 2 * (N // SIZE) * N_STEPS


def made_by_epoch(model, seen=()):
    """What makes the data of an epoch: the same as ever, with noise that is new."""

    def make(rng):
        x = X + 0.1 * rng.standard_normal(X.shape)
        if isinstance(seen, list):
            seen.append(x)
        return {model.x: x}, {model.probe: Y}

    return make


@pytest.mark.parametrize("batches", [2, 6])
def test_data_by_epoch_go_on_after_a_kill(batches, tmp_path, monkeypatch):
    """They are made anew, and are those of their epoch, in whichever process."""

    def train(model, seen=(), **kwargs):
        make = made_by_epoch(model, seen)
        return fit(model.sim, make, epochs=3, seed=0, show_progress=False, **kwargs)

    seen = []
    with Model() as model:
        whole = train(model, seen)
        weights = model.weights
    # that of the first epoch is looked at once
    assert len(seen) == 3
    assert not np.allclose(seen[0], seen[1]) and not np.allclose(seen[1], seen[2])

    path = tmp_path / "checkpoint.npz"
    monkeypatch.setattr(training, "INTERVAL", 0.0)
    with monkeypatch.context() as patch, Model() as model:
        kill_after(batches, patch)
        with pytest.raises(Killed):
            train(model, checkpoint=path)
    with Model() as model:
        history = train(model, checkpoint=path)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-5, atol=1e-7)
    assert_same(history, whole)


def test_what_are_no_data_by_epoch_is_refused():
    with Model() as model:

        def refused(match, make, *targets):
            with pytest.raises(ValidationError, match=match):
                fit(model.sim, make, *targets, epochs=2, seed=0)

        refused("targets: must be None where", made_by_epoch(model), {model.probe: Y})
        refused("inputs: must return inputs and targets", lambda rng: X)
        rows = iter((22, 21))

        def fewer(rng):
            n = next(rows)
            return {model.x: X[:n]}, {model.probe: Y[:n]}

        refused("must have 22 rows", fewer)


# --- Keras models

ROWS = (40, 12)  # to train and to validate with, in minibatches of 16


class KerasModel:
    """A small model, always from the same start, and its data."""

    def __init__(self):
        set_random_seed(0)
        layers = [tf.keras.layers.Dense(3, "tanh"), tf.keras.layers.Dense(1)]
        self.model = tf.keras.Sequential([tf.keras.Input((N_STEPS,)), *layers])
        self.model.compile(tf.optimizers.Adam(0.05), loss="mse")
        x = np.random.RandomState(0).uniform(-1, 1, (sum(ROWS), N_STEPS))
        self.x, self.y = x, x.mean(axis=1, keepdims=True)

    def fit(self, epochs=3, **kwargs):
        n = ROWS[0]
        return fit(
            self.model,
            self.x[:n],
            self.y[:n],
            epochs=epochs,
            seed=0,
            minibatch_size=16,
            validation=(self.x[n:], self.y[n:]),
            monitor="val_loss",
            mode="min",
            show_progress=False,
            **kwargs,
        )

    @property
    def weights(self):
        return np.concatenate([w.ravel() for w in self.model.get_weights()])


def test_a_model_is_trained_as_by_keras():
    """With a last minibatch of 8 of 40 rows, and losses that are means over rows."""
    ours, theirs = KerasModel(), KerasModel()
    history = ours.fit(epochs=1)
    order = np.random.RandomState([0, 0]).permutation(ROWS[0])
    expected = theirs.model.fit(
        theirs.x[order],
        theirs.y[order],
        batch_size=16,
        shuffle=False,
        validation_data=(theirs.x[ROWS[0] :], theirs.y[ROWS[0] :]),
        verbose=0,
    ).history
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-6)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-6)


@pytest.mark.parametrize("batches", [2, 3, 4])
def test_a_model_goes_on_after_a_kill(batches, tmp_path, monkeypatch):
    """In an epoch, where its last minibatch is left, and in the next."""
    whole = KerasModel()
    history = whole.fit()
    monkeypatch.setattr(training, "INTERVAL", 0)
    with monkeypatch.context() as patch:
        count = kill_after(batches, patch)
        with pytest.raises(Killed):
            KerasModel().fit(checkpoint=tmp_path / "checkpoint.npz")
        assert count == [batches]
    model = KerasModel()
    assert_same(model.fit(checkpoint=tmp_path / "checkpoint.npz"), history)
    np.testing.assert_allclose(model.weights, whole.weights, rtol=1e-5, atol=1e-6)


def test_nobody_is_told_that_our_callback_is_slow(monkeypatch, caplog):
    """Keras says so of callbacks that take longer than the minibatch before."""

    def late():
        time.sleep(0.02)
        return time.monotonic()

    monkeypatch.setattr(training, "time", types.SimpleNamespace(monotonic=late))
    small = KerasModel()
    fit(small.model, small.x, small.y, epochs=1, seed=0, minibatch_size=4)
    assert "slow" not in caplog.text


def test_what_is_no_model_is_refused():
    model = KerasModel()

    def refused(attr, match, sim=model.model, x=model.x, y=model.y, **kwargs):
        kwargs = {"minibatch_size": 16} | kwargs
        with pytest.raises(ValidationError, match=match) as error:
            fit(sim, x, y, epochs=1, seed=0, **kwargs)
        assert error.value.attr == attr

    refused("sim", "must be a nengo_dl.Simulator or a tf.keras.Model", sim=None)
    refused("minibatch_size", "must be a whole number", minibatch_size=None)
    refused("inputs", "must be finite, of shape", x=1.0)
    refused("inputs", "must be finite", x=np.full_like(model.x, np.nan))
    refused("inputs", "must be finite", x={"x": model.x})
    refused("inputs", "has no rows", x=model.x[:0], y=model.y[:0])
    refused("targets", "must have 51 rows", x=model.x[:-1])
    with Model() as simulated:
        refused("minibatch_size", "was made with 4; leave it out", sim=simulated.sim)


def test_the_best_epoch_is_kept():
    """Of one whose outputs move away from what they are validated with: the first."""
    with Model() as model:
        validation = {model.x: X[:8]}, {model.probe: np.full((8, N_STEPS, 1), -5.0)}
        history = model.fit(epochs=6, y=np.full(Y.shape, 5.0), validation=validation)
        losses = history["val_loss"]
        assert losses[0] < losses[-1]
        kept = model.sim.evaluate(*validation, verbose=0)["loss"]
        np.testing.assert_allclose(kept, min(losses), rtol=1e-5)


def test_without_validation_the_last_weights_are_kept():
    """A row for each epoch, and the last weights are kept."""
    with Model() as model:
        before = model.weights
        history = model.fit(validation=None)
        assert not np.allclose(model.weights, before)
    assert set(history) == {"loss", "probe_loss", "probe_mae", "seconds"} or set(
        history
    ) == {"loss", "probe_mae", "seconds"}
    assert {len(values) for values in history.values()} == {3}


def test_another_seed_makes_another_order():
    """The order of the data is that of the seed."""
    weights = []
    for seed in (0, 0, 1):
        with Model() as model:
            model.fit(epochs=1, seed=seed)
            weights.append(model.weights)
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-6)
    assert not np.allclose(weights[0], weights[2], rtol=1e-4)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    """Another seed, another optimizer, or no checkpoint: told, and left as it is."""
    path = tmp_path / "checkpoint.npz"
    with Model() as model:
        model.fit(epochs=1, checkpoint=path)
    content = path.read_bytes()
    with Model() as model, pytest.raises(ValidationError, match="another training"):
        model.fit(epochs=1, seed=1, checkpoint=path)
    with (
        Model(rate=0.1) as model,
        pytest.raises(ValidationError, match="another training"),
    ):
        model.fit(epochs=1, checkpoint=path)
    assert path.read_bytes() == content
    path.write_text("nothing of the kind")
    with Model() as model, pytest.raises(ValidationError, match="not a checkpoint"):
        model.fit(epochs=1, checkpoint=path)
    assert path.read_text() == "nothing of the kind"


def test_a_damaged_checkpoint_is_refused(tmp_path):
    """In words, whatever is wrong with it, and it is left as it is."""
    path = tmp_path / "checkpoint.npz"
    with Model() as model:
        model.fit(epochs=1, checkpoint=path)
    content = path.read_bytes()
    with np.load(path) as file:
        found = dict(file)
    position = json.loads(str(found["position"]))

    def changed(**changes):
        return {**found, "position": json.dumps({**position, **changes})}

    weights = found["value_0"]
    damaged = [
        {**found, "position": "[" * 100_000},
        {**found, "position": "[]"},
        {**found, "position": "{}"},
        changed(batch=-1),
        changed(batch=10**6),
        changed(batch="1"),
        changed(seconds=float("nan")),
        changed(history=[]),
        changed(history={"seconds": 1.0}),
        changed(history={"loss": [1.0]}),
        changed(history={"loss": [1.0, 2.0], "seconds": [1.0]}),
        changed(history={"seconds": [1.0] * 100}),
        changed(sums={"loss": None}),
        changed(other=1),
        {**found, "value_0": np.full_like(weights, np.nan)},
        {**found, "value_0": np.zeros((7, 3))},
        {**found, "value_0": np.array([None], dtype=object)},
        {name: value for name, value in found.items() if name != "value_0"},
        {name: value for name, value in found.items() if name != "best_0"},
    ]
    with Model() as model:
        for arrays in damaged:
            with open(path, "wb") as file:
                np.savez(file, **arrays)
            before = path.read_bytes()
            with pytest.raises(ValidationError, match="damaged") as error:
                model.fit(epochs=1, checkpoint=path)
            assert error.value.attr == "checkpoint" and "remove it" in str(error.value)
            assert path.read_bytes() == before
        for part in (b"", content[:100], content[: len(content) // 2]):
            path.write_bytes(part)
            with pytest.raises(ValidationError, match="not a checkpoint, or damaged"):
                model.fit(epochs=1, checkpoint=path)
        with pytest.raises(ValidationError, match="not to be read"):
            model.fit(epochs=1, checkpoint=tmp_path)
        # and as it was, it is taken
        path.write_bytes(content)
        model.fit(epochs=1, checkpoint=path)


def test_too_few_data_and_unknown_metrics_are_refused():
    """Too few data, and a metric that is not there."""
    with Model() as model:
        with pytest.raises(ValidationError, match="3 rows, fewer than"):
            fit(model.sim, {model.x: X[:3]}, {model.probe: Y[:3]}, epochs=1, seed=0)
        with pytest.raises(ValidationError, match="no 'val_accuracy'; give one of"):
            model.fit(monitor="val_accuracy")


def test_a_loss_that_is_not_finite_ends_the_training():
    """Targets may be NaN, since losses can leave them out; this one does not."""
    with Model() as model:
        with pytest.raises(SimulationError, match="loss is nan, .* leaves these out"):
            model.fit(y=np.where(Y > 0, Y, np.nan))


@pytest.mark.parametrize(
    "name, value",
    [
        ("epochs", 1.5),
        ("epochs", -1),
        ("seed", "a"),
        ("seed", -1),
        ("mode", "least"),
        ("targets", [[1], [1, 2]]),
        ("targets", Y[:, :, 0]),
        ("targets", np.where(Y > 0, Y, np.inf)),
        ("targets", Y[:-1]),
        ("targets", Y * 1j),
        ("validation", 0.1),
        ("validation", ({}, {})),
    ],
)
def test_bad_values_are_refused(name, value):
    with Model() as model:
        arguments = {"y": value} if name == "targets" else {name: value}
        with pytest.raises(ValidationError) as error:
            model.fit(**arguments)
        with pytest.raises(ValidationError, match="validation: has 3 rows, fewer"):
            model.fit(validation=({model.x: X[:3]}, {model.probe: Y[:3]}))
    assert error.value.attr == name
    assert "; " in str(error.value) or "must be" in str(error.value)


def test_what_is_watched_is_in_the_history_and_goes_on(tmp_path):
    """And without a monitor, the last epoch is kept."""

    def train(model, epochs, path):
        return model.fit(
            epochs=epochs,
            checkpoint=path,
            monitor=None,
            watch={"first weight": lambda: model.weights[0]},
        )

    with Model() as model:
        history = train(model, 3, tmp_path / "whole.npz")
        last = model.weights
    assert len(history["first weight"]) == 3 and "val_loss" in history
    assert len(set(history["first weight"])) == 3
    assert history["first weight"][-1] == last[0]
    with Model() as model:  # it was finished: only read
        again = train(model, 3, tmp_path / "whole.npz")
        assert np.allclose(model.weights, last)
    assert_same(again, history)
