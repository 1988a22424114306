"""The Mackey-Glass series, and the networks that predict it."""

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU
from nengo_lmu.cli import main
from nengo_lmu.legendre import simulate
from nengo_lmu.networks.spikes import spike_variance
from nengo_lmu.tasks import mackey_glass

nengo_dl = pytest.importorskip("nengo_dl")
import tensorflow as tf  # noqa: E402

from nengo_lmu.dl.lstm import LSTMProcess, UnrolledLSTM  # noqa: E402
from nengo_lmu.dl.unrolled import UnrolledLMU, cut_response, filtered  # noqa: E402
from nengo_lmu.experiments.mackey_glass.echo_state import (  # noqa: E402
    EchoSettings,
    Reservoir,
    measure_echo_state,
)
from nengo_lmu.experiments.mackey_glass.experiment import epoch_times  # noqa: E402
from nengo_lmu.experiments.mackey_glass.network import MODELS, Predictor, Settings  # noqa: E402
from nengo_lmu.experiments.mackey_glass.regression import (  # noqa: E402
    errors,
    solve,
    weights_of_samples,
)
from nengo_lmu.experiments.mackey_glass.spiking import (  # noqa: E402
    SpikingPredictor,
    SpikingSettings,
    draw_units,
    integrated_variance,
    measure_spiking,
)
from nengo_lmu.experiments.mackey_glass.training import (  # noqa: E402
    squared_error,
    train,
    training_data,
    windows,
)

SMALL = Settings(sizes=(2, 2, 1), n_samples=580, epochs=1, minibatch=2)


# --- the series


def stepped(x, history, n_samples, tau, substeps):
    """Euler's method written out, one step at a time."""
    values = [*history, x]
    for k in range(n_samples * substeps):
        past, now = values[k], values[-1]
        slope = 0.2 * past / (1 + past**10) - 0.1 * now
        values.append(now + slope / substeps)
    return np.array(values[len(history) + 1 :])[substeps - 1 :: substeps]


@pytest.mark.parametrize("tau, substeps", [(17, 10), (3, 4)])
def test_integrate_is_eulers_method(tau, substeps):
    history = np.random.RandomState(0).uniform(1.1, 1.3, size=tau * substeps)
    found = mackey_glass.integrate(0.9, history, 60, tau, substeps)
    assert np.allclose(found, stepped(0.9, history, 60, tau, substeps), atol=1e-13)


def test_integrate_converges_to_the_solution():
    """While the history lasts, the equation is linear and has a closed form.

    From a constant history c the delayed term is a constant, g = 0.2 c / (1 + c^10),
    and so x(t) = 10 g + (x(0) - 10 g) exp(-0.1 t) up to t = tau. Euler's method is of
    first order: ten times as many steps, a tenth of the error.
    """
    c, x, tau = 1.2, 0.7, 17
    t = np.arange(1, tau + 1)
    level = 10 * 0.2 * c / (1 + c**10)
    exact = level + (x - level) * np.exp(-0.1 * t)
    errors = []
    for substeps in (10, 100):
        found = mackey_glass.integrate(
            x, np.full(tau * substeps, c), tau, tau, substeps
        )
        errors.append(np.abs(found - exact).max())
    assert errors[0] < 0.003
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.05)


def test_sequences_start_where_the_last_one_ended():
    raw = np.arctanh(mackey_glass.sequences(2, 30, seed=3, washout=0)) + 1
    rng = np.random.RandomState(3)
    x = 1.2
    for found in raw:
        history = 1.2 + 0.2 * (rng.uniform(size=170) - 0.5)
        assert np.allclose(found, stepped(x, history, 30, 17, 10), atol=1e-9)
        x = found[-1]
    kept = mackey_glass.sequences(1, 20, seed=3, washout=10)
    assert np.allclose(kept[0], np.tanh(raw[0, 10:] - 1))


def test_loaded_series_are_those_of_their_seed():
    data = mackey_glass.load(seed=1, sizes=(3, 2, 4), n_samples=200)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [3, 2, 4]
    for part in (data.train, data.validation, data.test):
        assert part.x.shape == part.y.shape == (len(part), 200, 1)
        # what is asked for is what will be seen, not what was
        assert np.array_equal(part.y[:, :-15], part.x[:, 15:])
    again = mackey_glass.load(seed=1, sizes=(3, 2, 4), n_samples=200)
    assert np.array_equal(again.test.y, data.test.y)
    other = mackey_glass.load(seed=2, sizes=(3, 2, 4), n_samples=200)
    assert not np.allclose(other.test.y, data.test.y)


def test_mean_is_that_of_the_training_set():
    data = mackey_glass.load(sizes=(2, 1, 1), n_samples=300)
    everything = np.concatenate([data.train.x, data.train.y[:, -15:]], axis=1)
    assert abs(everything.mean()) < 1e-12
    assert abs(data.test.x.mean()) > 1e-6


def test_nrmse_is_relative_to_the_rms():
    y = np.array([1.0, -1.0, 2.0, 0.0])
    assert mackey_glass.nrmse(np.zeros(4), y) == 1
    assert mackey_glass.nrmse(y, y) == 0
    assert mackey_glass.nrmse(y + 0.3, y) == pytest.approx(0.3 / np.sqrt(6 / 4))


# --- time laid out in space


@pytest.mark.parametrize("theta, d", [(17.0, 6), (4.0, 4), (40.0, 2), (3.0, 1)])
def test_filtered_is_the_memory(theta, d):
    u = np.random.RandomState(0).standard_normal((2, 300, 3)).astype(np.float32)
    found = filtered(tf.constant(u), cut_response(theta, d, 1.0)).numpy()
    for i in range(2):
        ideal = simulate(u[i], theta, d, 1.0)
        error = np.abs(found[i] - ideal.reshape(300, -1)).max()
        assert error < 1e-4 * np.abs(ideal).max()


def test_unrolled_lstm_is_that_of_keras():
    rng = np.random.RandomState(0)
    node = nengo.Node(LSTMProcess.random(3, 5, rng), add_to_container=False)
    x = tf.constant(rng.standard_normal((4, 30, 3)), tf.float32)
    ours, keras = UnrolledLSTM(node), tf.keras.layers.LSTM(5, return_sequences=True)
    found = []
    for layer in (ours, keras):
        layer.build(x.shape)
        layer.set_weights(node.output.weights)
        with tf.GradientTape() as tape:
            y = layer(x)
            loss = tf.reduce_sum(tf.sin(y) ** 2)
        found.append([y, *tape.gradient(loss, layer.trainable_weights)])
    for one, other in zip(*found):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_lstm_starts_as_keras_starts_it():
    process = LSTMProcess.random(30, 20, np.random.RandomState(0))
    kernel, recurrent, bias = process.weights
    keras = tf.keras.layers.LSTM(20)
    keras.build((None, None, 30))
    theirs = [w.numpy() for w in keras.weights]
    assert [w.shape for w in process.weights] == [w.shape for w in theirs]
    assert np.array_equal(bias, theirs[2])
    assert np.allclose(recurrent @ recurrent.T, np.eye(20))
    assert np.allclose(theirs[1] @ theirs[1].T, np.eye(20), atol=1e-5)
    assert np.abs(kernel).max() == pytest.approx(np.abs(theirs[0]).max(), rel=0.02)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"n_neurons": 20, "coupling": "full"},
            "its memory has neurons; make it with n_neurons=0",
        ),
        ({"hidden_kernel": 0}, "it has hidden_kernel; make it with hidden_kernel=None"),
        ({"memory_encoders": 0}, "it has memory_encoders"),
        ({"input_kernel": None}, "it has no input_kernel; make it with input_kernel"),
        ({"hidden_bias": None}, "it has no hidden_bias"),
        ({"units": 0}, "it has no"),
        ({"hidden_neuron_type": nengo.RectifiedLinear()}, "are not Tanh"),
    ],
)
def test_unrolled_lmu_refuses_others(change, message):
    arguments = {
        "units": 3,
        "n_neurons": 0,
        "input_encoders": [[1.0]],
        "hidden_kernel": None,
        "hidden_encoders": None,
        "memory_encoders": None,
        "hidden_bias": 0,
    }
    UnrolledLMU(LMU(0.02, 2, **arguments))
    with pytest.raises(ValidationError, match=message):
        UnrolledLMU(LMU(0.02, 2, **{**arguments, **change}))


# --- the networks


@pytest.mark.parametrize(
    "model, count", [("lstm", 18026), ("lmu", 17930), ("hybrid", 17972)]
)
def test_parameters_are_those_counted_by_hand(model, count):
    """By hand, and none has more than the LSTM."""
    d = 6

    def lmu(size, n):
        return size + n * size + n * d + n

    def lstm(size, n):
        return 4 * n * (size + n + 1)

    by_hand = {
        "lstm": lstm(1, 25) + 3 * lstm(25, 25) + 26,
        "lmu": lmu(1, 72) + 3 * lmu(72, 72) + 73,
        "hybrid": lmu(1, 53) + lstm(53, 25) + lmu(25, 53) + lstm(53, 25) + 26,
    }
    assert Predictor(Settings(model=model)).parameters() == count == by_hand[model]
    assert count <= by_hand["lstm"]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "lstm"},
        {"model": "lmu"},
        {"model": "hybrid"},
        {"averaged": True, "steps_per_sample": 3},
        {"steps_per_sample": 2},
    ],
    ids=str,
)
def test_the_network_in_space_is_that_in_time(change):
    predictor = Predictor(replace(SMALL, **change))
    x = mackey_glass.load(sizes=(1, 1, 1), n_samples=80).test.x
    (in_space,) = predictor.predict(x)
    in_time = predictor.step_by_step(x[0])
    assert in_time.shape == in_space.shape == (80, 1)
    size = np.abs(in_time).max()
    assert np.abs(in_space - in_time).max() < 1e-4 * size
    if change == {"model": "lmu"}:
        in_dl = predictor.step_by_step(x[0], nengo_dl.Simulator)
        assert np.abs(in_dl - in_time).max() < 1e-4 * size


def test_what_is_trained_is_what_runs_in_time():
    """Training changes all weights of the network in time, and lowers its error."""
    settings = replace(SMALL, model="hybrid", epochs=6, learning_rate=1e-2)
    data, predictor = settings.data(), Predictor(settings)
    before = predictor.step_by_step(data.train.x[0])
    weights = [w for one in predictor.unrolled() for w in _values(one)]
    history = train(predictor, data, show_progress=False)
    changed = [w for one in predictor.unrolled() for w in _values(one)]
    assert not any(np.allclose(w, v) for w, v in zip(weights, changed))
    after = predictor.step_by_step(data.train.x[0])
    errors = [mackey_glass.nrmse(one, data.train.y[0]) for one in (before, after)]
    assert errors[1] < 0.8 * errors[0]
    assert len(history["loss"]) == 6


def _values(layer):
    layer.build((None, 1, 1 if not hasattr(layer, "node") else layer.node.size_in))
    return [w.numpy() for w in layer.weights]


def test_averaged_input_makes_the_time_step_matter_in_second_order():
    """Against a short step: 4 and 16 times it make differences of 1 and of 15 to 17.

    If errors are h^2, they are (16^2 - 1) / (4^2 - 1) = 17; if h, as without the
    average, (16 - 1) / (4 - 1) = 5.
    """
    x = mackey_glass.load(sizes=(1, 1, 1), n_samples=40).test.x
    ratios = {}
    for averaged in (True, False):
        predictor = Predictor(
            replace(SMALL, averaged=averaged, steps_per_sample=8, dt=0.001)
        )
        exact = predictor.at(0.00025).predict(x)
        coarse, fine = (
            np.sqrt(np.mean((predictor.at(dt).predict(x) - exact) ** 2))
            for dt in (0.004, 0.001)
        )
        ratios[averaged] = coarse / fine
    assert ratios[True] > 12
    assert ratios[False] < 8


# --- training


def test_windows_overlap_and_leave_no_step_out():
    signal = np.arange(2 * 11).reshape(2, 11, 1)
    cut = windows(signal, 5, 2)
    assert cut[..., 0].tolist() == [
        [0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7],
        [6, 7, 8, 9, 10],
        [11, 12, 13, 14, 15],
        [14, 15, 16, 17, 18],
        [17, 18, 19, 20, 21],
    ]


@pytest.mark.parametrize("steps_per_sample", [1, 3])
def test_training_data_count_each_sample_once(steps_per_sample):
    settings = replace(SMALL, steps_per_sample=steps_per_sample)
    data = settings.data()
    for split, (x, y) in zip(
        (data.train, data.validation), training_data(Predictor(settings), data)
    ):
        assert x.shape == y.shape == (4, 320 * steps_per_sample, 1)
        counted = y[np.isfinite(y)]
        assert np.array_equal(counted, split.y.ravel())
        # a target is at the last step of its sample
        held = x.reshape(4, 320, -1)
        assert np.array_equal(held[0], np.repeat(split.x[0, :320], held.shape[-1], 1))
        assert np.isnan(y.reshape(4, 320, -1)[..., :-1]).all()


def test_squared_error_leaves_nan_out():
    wanted = tf.constant([[1.0, np.nan], [np.nan, 3.0]])
    predicted = tf.Variable([[2.0, 5.0], [7.0, 1.0]])
    with tf.GradientTape() as tape:
        loss = squared_error(wanted, predicted)
    assert float(loss) == (1 + 4) / 2
    assert np.array_equal(tape.gradient(loss, predicted), [[1, 0], [0, -2]])


@pytest.mark.slow
def test_epoch_times_are_measured_for_all_models():
    times = epoch_times(replace(SMALL, sizes=(8, 1, 1)), rounds=1)
    assert set(times) == {*MODELS, "keras"}
    assert all(seconds > 0 for seconds in times.values())


# --- spikes, and readouts that are solved for


def test_samples_of_a_part_count_for_the_whole_sequence():
    """The first ones for themselves, the others for all that follow."""
    counts = weights_of_samples(300)
    assert counts.sum() == pytest.approx(1)
    assert np.allclose(counts[:100], 1 / 5000)
    predicted, target = np.zeros((2, 300)), np.ones((2, 300))
    target[:, 100:] = 0.5
    found = errors(predicted, target)
    assert found.all == pytest.approx(1)
    assert found.settled**2 == pytest.approx(0.25 / (0.02 + 0.98 * 0.25))


def test_the_readout_is_that_of_ridge_regression_with_the_noise():
    """No penalty is better in validation than none, where that is the training set."""
    rng = np.random.RandomState(0)
    features = rng.standard_normal((5, 200, 3))
    target = features @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal((5, 200))
    noise = np.diag([0.5, 0.0, 2.0])
    counts = weights_of_samples(200)
    weights, penalty = solve(features, target, counts, (features, target), noise)
    assert penalty == 0
    G = np.einsum("ntj,t,ntk->jk", features, counts, features) / 5
    closed = np.linalg.solve(
        G + noise, np.einsum("ntj,t,nt->j", features, counts, target) / 5
    )
    assert np.allclose(weights, closed, rtol=1e-6)


FEW = {"sizes": (4, 2, 2), "n_fitted": 500, "n_checked": 200, "n_tested": 140}


def test_features_are_what_the_network_sees():
    """Without noise, the network says in NengoDL what its features say.

    To half a hundredth of the series, since activity is taken to be straight in
    between, five times a sample; and to a fifth of a time step of delay.
    """
    settings = SpikingSettings(n_neurons=0, hidden="rates", units=40, **FEW)
    predictor = SpikingPredictor(settings, mackey_glass.load(0, settings.sizes))
    predictor.fit()
    x = predictor.data.test.x[:, :140]
    predicted, _ = predictor.run(x)
    expected = np.array([predictor.features(one)[0] @ predictor.weights for one in x])
    assert mackey_glass.nrmse(predicted, expected) < 0.005
    with predictor.network:
        probe = nengo.Probe(predictor.lmu.output, synapse=predictor.synapse)
    predictor.input.output = nengo.processes.PresentInput(np.repeat(x[0], 50), 0.001)
    with nengo.Simulator(predictor.network, progress_bar=False) as sim:
        sim.run_steps(50 * 140)
    seen = sim.data[probe][49::50]
    expected = predictor.features(x[0])[0][:, settings.d : -1]
    slope = np.gradient(expected, axis=0) / 50
    later = np.sum((expected - seen) * slope) / np.sum(slope**2)
    assert abs(later) < 0.2


@pytest.mark.parametrize("silent", [False, True], ids=["always fires", "pauses"])
def test_integrated_variance_is_that_of_neurons(silent):
    """Of 400 that are given the same, and of 2000 steps that are far from independent.

    Within a twentieth, of which 400 neurons have most. Those that fall silent now and
    then are noisier than any that keep firing.
    """
    dt, synapse = 0.001, nengo.Alpha(0.05)
    t = np.arange(1, 3001) * dt
    rates = np.maximum(40 + (60 if silent else 20) * np.sin(2 * np.pi * t / 0.4), 0)
    with nengo.Network(seed=0) as network:
        stimulus = nengo.Node(nengo.processes.PresentInput(rates, dt))
        neurons = nengo.Ensemble(
            400,
            1,
            neuron_type=nengo.SpikingRectifiedLinear(),
            gain=np.ones(400),
            bias=np.zeros(400),
            encoders=np.ones((400, 1)),
        )
        nengo.Connection(stimulus, neurons, synapse=None)
        probe = nengo.Probe(neurons.neurons)
    with nengo.Simulator(network, dt=dt, progress_bar=False) as sim:
        sim.run_steps(3000)
    spikes = synapse.filt(sim.data[probe], dt=dt, y0=0)
    measured = np.mean(spikes[1000:].var(axis=1))
    rng = np.random.RandomState(0)
    every = np.repeat(rates[:, np.newaxis], 400, axis=1)
    expected = integrated_variance(every, synapse, dt, 1000, rng)
    assert expected.mean() == pytest.approx(measured, rel=0.05)
    steady = spike_variance(nengo.SpikingRectifiedLinear(), rates[1000:], synapse, dt)
    assert (expected.mean() > 2 * steady.mean()) == silent


def test_integrated_variance_at_constant_rates_is_that_of_a_rhythm():
    synapse, rates = nengo.Lowpass(0.05), np.array([3.0, 17.0, 61.0])
    many = np.tile(np.repeat(rates, 50), (3000, 1))
    expected = integrated_variance(many, synapse, 0.001, 1000, np.random.RandomState(0))
    expected = expected.reshape(3, 50).mean(axis=1)
    rhythm = spike_variance(nengo.SpikingRectifiedLinear(), rates, synapse, 0.001)
    assert np.allclose(expected, rhythm, rtol=0.05)


@pytest.mark.parametrize("hidden", ["poisson", "regular"])
def test_a_spiking_network_has_the_error_that_the_theory_expects(hidden):
    """When the beginning is over, in two sequences of 200 samples.

    The readout's noise lasts for some 6 samples, so that there are some 60 independent
    ones: their root mean square has a standard deviation of a tenth. The bounds are
    three of them and a tenth for a theory that is linear.
    """
    few = FEW | {"n_tested": 300}
    settings = SpikingSettings(n_neurons=300, hidden=hidden, units=100, **few)
    result = measure_spiking(settings)
    ratio = result["settled"] / result["expected"]["settled"]
    assert 0.6 < ratio < 1.4
    assert result["expected"]["settled"] > result["silent"]["settled"]
    assert result["all"] < 0.4
    assert 100 < result["spikes_per_sample"] < 0.05 * 2 * 220 * 400


def test_fast_units_are_twice_as_fast_as_regular_ones():
    data = mackey_glass.load(0, FEW["sizes"])
    regular, fast = (
        SpikingPredictor(SpikingSettings(units=10, hidden=hidden, **FEW), data)
        for hidden in ("regular", "fast")
    )
    rates = [
        one.features(data.test.x[0, :150])[1] * one.lmu.unit for one in (regular, fast)
    ]
    assert np.allclose(rates[1], 2 * rates[0]) and rates[0].max() > 100


def test_units_see_the_state_as_it_is():
    rng = np.random.RandomState(0)
    m = rng.standard_normal((4000, 2)) * [10.0, 0.1]
    kernel, bias = draw_units(m, 200, rng)
    given = m @ kernel.T
    assert np.allclose(given.std(axis=0), 1)
    active = np.mean(given + bias > 0, axis=0)
    assert active.min() == pytest.approx(0.05, abs=0.01)
    assert active.max() == pytest.approx(0.7, abs=0.01)
    # nearly all see what is large
    assert np.median(np.abs(kernel[:, 0] * 10)) > 0.99


def test_a_reservoir_follows_its_equation():
    reservoir = Reservoir(30, np.random.RandomState(0), radius=0.9, leak=0.4, gain=1.5)
    W = reservoir._W.toarray()  # there is no other way to see its radius
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.9, rel=1e-3)
    x = np.random.RandomState(1).standard_normal((3, 50, 1))
    found = reservoir.features(x)
    state = found[:, 20, :30]
    given = state @ W.T + x[:, 21] * reservoir._w_in[:, 0] + reservoir._b[:, 0]
    assert np.allclose(found[:, 21, :30], 0.6 * state + 0.4 * np.tanh(given))
    assert np.array_equal(found[..., 30], x[..., 0]) and (found[..., 31] == 1).all()


@pytest.mark.slow
def test_an_echo_state_network_learns_the_series():
    """Better than the best linear prediction from the last 20 samples, 0.47."""
    result = measure_echo_state(EchoSettings(units=100, **FEW))
    assert result["settled"] < 0.1 and result["all"] < 0.47
    assert result["parameters"] == 102


@pytest.mark.slow
def test_the_command_of_spikes_says_the_same_from_its_records(tmp_path, capsys):
    arguments = "train mackey-glass-spikes --quick --seeds 1 --workers 1".split()
    arguments += ["--units", "30", "50", "--echo-units", "40", "--n-neurons", "60"]
    arguments += ["--out", str(tmp_path)]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "50 regular" in text and "echo state" in text
    assert max(map(len, text.replace(str(tmp_path), "").splitlines())) <= 80
    files = tmp_path / "train-mackey-glass-spikes"
    assert files.with_suffix(".png").stat().st_size > 10_000
    record = json.loads(files.with_suffix(".json").read_text())
    assert main([*arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["rows"] == record["rows"]
    assert again["echo_state"] == record["echo_state"]


# --- the command


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--models", "rnn"], ["--models", "'rnn'", "one of lstm, lmu, hybrid, paper"]),
        (["--seeds", "0"], ["--seeds", "'0'", "from 1 to 100000"]),
        (["--epochs", "-1"], ["--epochs", "'-1'", "at least 1"]),
        (["--out", __file__], ["--out", "is a file", "give a folder"]),
    ],
)
def test_bad_arguments_are_one_line(arguments, words, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["train", "mackey-glass", *arguments])
    assert exit.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert all(word in err for word in words)


@pytest.mark.slow
def test_the_command_says_the_same_from_its_checkpoints(tmp_path, capsys):
    """It says the same again from its checkpoints, without training."""
    arguments = "train mackey-glass --quick --models lmu --seeds 1".split()
    arguments += ["--out", str(tmp_path)]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "17,930" in text and "0.5 ms" in text
    assert max(map(len, text.replace(str(tmp_path), "").splitlines())) <= 80
    assert (tmp_path / "train-mackey-glass.png").stat().st_size > 10_000
    record = json.loads((tmp_path / "train-mackey-glass.json").read_text())
    assert record["versions"]["nengo"] == nengo.__version__
    (network,) = record["networks"]
    assert network["seeds"][0].pop("in_time") < 1e-4

    assert main([*arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    again["networks"][0]["seeds"][0].pop("in_time")  # rounding, not always the same
    assert again["networks"] == record["networks"]
    assert again["scaled"] == record["scaled"]


@pytest.mark.slow
def test_lmu_learns_the_series():
    """A quarter of the sequences and of the epochs.

    Half the error of the best linear prediction from the last 20 samples, 0.47. The
    full training comes to 0.034.
    """
    settings = Settings(sizes=(8, 2, 8), epochs=10, minibatch=8)
    data, predictor = settings.data(), Predictor(settings)
    train(predictor, data, show_progress=False)
    error = mackey_glass.nrmse(predictor.predict(data.test.x), data.test.y)
    assert error < 0.47 / 2
