"""Epochs as loops within TensorFlow give what Keras' own loop gives."""

import nengo
import numpy as np
import pytest

nengo_dl = pytest.importorskip("nengo_dl")
tf = pytest.importorskip("tensorflow")

from nengo_lmu.dl import Dropout, epochs  # noqa: E402
from nengo_lmu.dl.training import fit  # noqa: E402

N, SIZE, N_IN, N_OUT = 23, 4, 3, 5  # three are left over after each epoch
RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (N, 1, N_IN))
LABELS = RNG.randint(N_OUT, size=(N, 1, 1))


def schedule():
    return tf.optimizers.schedules.CosineDecay(0.05, 12)


OPTIMIZERS = {
    "Adam": lambda: tf.optimizers.Adam(0.05),
    "Adam with a schedule": lambda: tf.optimizers.Adam(schedule(), beta_1=0.8),
    "Adam that is clipped": lambda: tf.optimizers.Adam(0.05, clipnorm=0.01),
    "Adam with averages": lambda: tf.optimizers.Adam(0.05, weight_decay=0.1),
    "momentum": lambda: tf.optimizers.SGD(schedule(), momentum=0.9),
}


class Twin:
    """A network of a single step, with a constant and a layer between."""

    def __init__(self, optimizer, layer=None, steps_per_execution=1, **settings):
        with nengo.Network(seed=0) as self.network:
            nengo_dl.configure_settings(
                **{"stateful": False, "use_loop": False, "trainable": None} | settings
            )
            self.x = nengo.Node(np.zeros(N_IN))
            rng = np.random.RandomState(1)
            hidden = nengo.Ensemble(
                6,
                1,
                neuron_type=nengo.Tanh(tau_ref=1),
                gain=np.ones(6),
                bias=np.zeros(6),
            ).neurons
            kernel = rng.uniform(-1, 1, (6, N_IN))
            nengo.Connection(self.x, hidden, transform=kernel, synapse=None)
            if layer is not None:
                hidden = nengo_dl.Layer(layer)(hidden)
            out = nengo.Node(size_in=N_OUT)
            weights = rng.uniform(-1, 1, (N_OUT, 6))
            nengo.Connection(hidden, out, transform=weights, synapse=None)
            nengo.Connection(
                nengo.Node([0.5]), out, transform=[[1.0]] * 5, synapse=None
            )
            self.probe = nengo.Probe(out)
        self.sim = nengo_dl.Simulator(
            self.network, minibatch_size=SIZE, progress_bar=False, seed=0
        )
        self.compile(optimizer, steps_per_execution)

    def compile(self, optimizer, steps_per_execution=1):
        self.sim.compile(
            OPTIMIZERS[optimizer](),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            steps_per_execution=steps_per_execution,
        )

    def fit(self, **kwargs):
        data = {self.x: X}, {self.probe: LABELS}
        return fit(self.sim, *data, **{"epochs": 3, "seed": 0} | kwargs)

    @property
    def values(self):
        """All weights, and what the optimizer keeps."""
        model = self.sim.keras_model
        variables = [*model.weights, *model.optimizer.variables]
        return [np.asarray(variable) for variable in variables]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sim.close()


@pytest.fixture
def loops(monkeypatch):
    """How many epochs a loop has done."""
    count = []
    epoch = epochs.Loop.epoch

    def spy(*args):
        epoch(*args)
        count.append(1)

    monkeypatch.setattr(epochs.Loop, "epoch", spy)
    return count


def trained(monkeypatch, can_loop, *args, **kwargs):
    """Return what a training comes to, with or without the loop."""
    with monkeypatch.context() as patch, Twin(*args, **kwargs) as twin:
        start = twin.values
        if not can_loop:
            patch.setattr(epochs, "can_loop", lambda sim: False)
        return start, twin.fit(), twin.values


@pytest.mark.parametrize(
    "optimizer, layer, steps",
    [
        *((name, None, 1) for name in OPTIMIZERS),
        ("Adam", Dropout, 3),
        ("Adam", None, 9),
    ],
)
def test_a_loop_trains_as_keras_does(optimizer, layer, steps, loops, monkeypatch):
    """Weights, what optimizers keep, losses and metrics are the same.

    In single precision, after 15 minibatches: within 2e-5 of the size of each, since
    1 - beta_2 of Adam in one operation, in single precision, is off by 1.3e-5.
    """
    results = []
    for can_loop in (False, True):
        made = layer and layer(0.5)
        results.append(trained(monkeypatch, can_loop, optimizer, made, steps))
        assert len(loops) == 3 * can_loop
    (start, history, wanted), (_, other, found) = results
    for name in history.keys() - {"seconds"}:
        np.testing.assert_allclose(other[name], history[name], rtol=1e-5)
    assert len(found) == len(wanted)
    for one, another in zip(wanted, found):
        scale = max(np.abs(one).max(), 1e-30)
        np.testing.assert_allclose(another, one, rtol=0, atol=2e-5 * scale)
    assert np.abs(wanted[0] - start[0]).max() > 0.01


def test_random_numbers_of_tensorflow_are_left_to_keras(loops, monkeypatch):
    """They depend on the graph, and so would be others in a loop."""
    found = [
        trained(monkeypatch, can_loop, "Adam", tf.keras.layers.Dropout(0.5))[2]
        for can_loop in (False, True)
    ]
    assert not loops
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "settings", [{"use_loop": True}, {"stateful": True}, {"eager": True}]
)
def test_other_networks_are_left_to_keras(settings, loops):
    eager = settings.pop("eager", False)
    with Twin("Adam", **settings) as twin:
        twin.sim.keras_model.run_eagerly = eager
        twin.fit(epochs=1)
    assert not loops


def test_a_loop_is_not_traced_again_until_something_else_is_compiled():
    traces = []

    class Counted(tf.keras.layers.Layer):
        def call(self, x):
            traces.append(1)
            return x

    with Twin("Adam", Counted()) as twin:
        traces.clear()
        twin.fit()
        after_one = len(traces)
        twin.fit()
        assert len(traces) == after_one > 0
        twin.compile("momentum")
        twin.fit()
        assert len(traces) > after_one


def test_a_training_in_a_loop_goes_on_after_a_kill(tmp_path, monkeypatch, loops):
    """Killed in the second epoch, and going on, it has the weights of all at once."""
    from nengo_lmu.dl import training

    class Killed(Exception):
        pass

    monkeypatch.setattr(training, "INTERVAL", -1.0)
    with Twin("Adam with a schedule") as twin:
        twin.fit()
        wanted = twin.values
    after = training._AfterBatch.minibatch

    def killed(self, batch, logs=None):
        after(self, batch, logs)
        if len(loops) == 1 and batch == 2:
            raise Killed

    with monkeypatch.context() as patch, Twin("Adam with a schedule") as twin:
        loops.clear()
        patch.setattr(training._AfterBatch, "minibatch", killed)
        with pytest.raises(Killed):
            twin.fit(checkpoint=tmp_path / "checkpoint")
    with Twin("Adam with a schedule") as twin:
        twin.fit(checkpoint=tmp_path / "checkpoint")
        for one, other in zip(wanted, twin.values):
            np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-7)
