"""The capacity task: its data, its readouts, and memory that does not grow with T."""

import json
import tracemalloc
from dataclasses import replace

import nengo
import numpy as np
import pytest

from nengo_lmu.analysis import sweep
from nengo_lmu.cli import main
from nengo_lmu.experiments.capacity import memory as capacity
from nengo_lmu.experiments.capacity.experiment import PUBLISHED
from nengo_lmu.experiments.capacity.lstm import LSTMSetting, measure_lstm
from nengo_lmu.experiments.capacity.memory import Setting, measure
from nengo_lmu.experiments.capacity.readout import TYPICAL_RMS, fitted_readout
from nengo_lmu.experiments.capacity.spiking import best_choice, slope, spiking_memory
from nengo_lmu.legendre import ArgumentError, readout, simulate
from nengo_lmu.tasks.capacity import WhiteNoise, delays, sequences


def noise(length, seed=0):
    return WhiteNoise(length, np.random.RandomState(seed))


# --- the data


def test_noise_is_band_limited_and_starts_near_zero():
    signal = noise(1000)
    u = signal.at(np.arange(signal.n_steps))[:, 0]
    assert signal.n_steps == 2500
    assert np.abs(u).max() == pytest.approx(1)
    assert np.abs(u[0]) == np.abs(u).min()
    power = np.abs(np.fft.rfft(u)) ** 2
    frequency = np.fft.rfftfreq(len(u), 1 / 1000)
    inside = (frequency > 0) & (frequency < 10.2)
    assert np.all(power[inside] > 0)
    assert power[~inside].max() < 1e-20 * power.sum()


def test_noise_of_another_length_is_the_same_signal():
    """Sampled ten times as finely, it starts a fraction of a coarse step elsewhere."""
    coarse, fine = (
        noise(length).at(np.arange(int(2.5 * length)))[:, 0] for length in (100, 1000)
    )
    spectra = [np.abs(np.fft.rfft(u))[:26] for u in (coarse, fine)]
    coarse, fine = (spectrum / np.linalg.norm(spectrum) for spectrum in spectra)
    np.testing.assert_allclose(coarse, fine, atol=1e-12)


def test_targets_are_what_was_presented():
    signal = noise(100)
    steps, lags = np.arange(250), delays(100)
    np.testing.assert_array_equal(lags, [0, 25, 50, 75, 100])
    u, targets = signal.at(steps)[:, 0], signal.at(steps, lags)
    for k, lag in enumerate(lags):
        assert np.all(targets[:lag, k] == 0)
        np.testing.assert_allclose(targets[lag:, k], u[: 250 - lag], atol=1e-12)
    # in pieces, and again after the end of the sequence
    np.testing.assert_allclose(signal.at([300, 7], lags)[1], targets[7], atol=1e-12)
    np.testing.assert_allclose(signal.at([300])[0], u[50], atol=1e-12)


def test_sequences_differ_and_are_those_of_their_seed():
    x, y = sequences(40, 3, seed=1)
    assert x.shape == (3, 100, 1) and y.shape == (3, 100, 5)
    np.testing.assert_array_equal(x[..., 0], y[..., 0])
    assert not np.allclose(x[0], x[1])
    np.testing.assert_array_equal(sequences(40, 3, seed=1)[0], x)


def test_too_few_steps_are_refused():
    for make in (noise, Setting):
        with pytest.raises(ArgumentError, match="length"):
            make(20)


# --- the memory


def test_fitted_readout_has_the_least_error():
    """At most twice that of a readout fitted to 20 sequences, tried on others."""
    length, d = 60, 32
    theta, lags = (length + 0.5) / length, delays(60)

    def states_and_targets(seeds):
        signals = [noise(length, seed) for seed in seeds]
        steps = np.arange(signals[0].n_steps)
        y = np.stack([signal.at(steps, lags) for signal in signals])
        m = simulate(y[..., 0].T, theta, d, dt=1 / length).transpose(1, 0, 2)
        return m[:, length:].reshape(-1, d), y[:, length:].reshape(-1, len(lags))

    m, y = states_and_targets(range(20))
    best, *_ = np.linalg.lstsq(m, y, rcond=None)
    m, y = states_and_targets(range(100, 120))
    readouts = {
        "sampled": best.T,
        "fitted": fitted_readout(length, d, theta, lags).weights,
        "Legendre": readout(d, (lags + 0.5) / (length + 0.5)),
    }
    error = {name: np.mean((m @ D.T - y) ** 2) for name, D in readouts.items()}
    assert error["fitted"] < 2 * error["sampled"]
    assert error["fitted"] < 0.1 * error["Legendre"]


@pytest.mark.parametrize("length", [100, 1000])
def test_errors_are_below_the_published_ones(length):
    """And those of the published window and readout are the published ones.

    Theirs are means of 100 sequences, ours of one: within a factor of 2.
    """
    mse = measure(Setting(length))["mse"]
    smallest, largest = PUBLISHED[length]
    again = mse["published"][1:]  # the figure has no delay of 0
    assert smallest / 2 < min(again) < max(again) < 2 * largest
    assert max(mse["Legendre"]) < smallest / 10
    assert max(mse["fitted"]) < 8e-9  # the least of the published ones for any length


def test_pieces_do_not_show(monkeypatch):
    """Up to rounding, which is relative to the signal and not to what is left of it.

    Squared errors are down to 1e-16 of a signal of about 0.1 in the mean square; a
    step that were lost between two pieces would cost more than 1e-6.
    """
    whole = measure(Setting(100))
    u = noise(100).at(np.arange(250))
    monkeypatch.setattr(capacity, "CHUNK", 7)
    parts = measure(Setting(100))
    for kind in ("mse", "settled"):
        for name, values in whole[kind].items():
            np.testing.assert_allclose(
                parts[kind][name], values, rtol=1e-9, atol=1e-12 * np.mean(u**2)
            )


def test_memory_does_not_grow_with_the_length(monkeypatch):
    """Five times as many steps, of which a fixed number is kept at a time."""
    monkeypatch.setattr(capacity, "CHUNK", 500)
    monkeypatch.setattr("nengo_lmu.tasks.capacity.PIECE", 500)
    measure(Setting(30))  # what is made once
    peaks = []
    for length in (300, 1500):
        tracemalloc.start()
        measure(Setting(length))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.05 * peaks[0]


@pytest.mark.parametrize("length", [100, 1000])
def test_a_spiking_memory_has_the_error_that_the_theory_expects(length):
    """When the start is forgotten, over three sequences.

    The noise lasts a small part of a window, so that a window of a sequence holds some
    dozens of independent samples of each delay, and sequences differ in power by a
    fourth: the mean of three is within a third of what is expected of a typical one.
    """
    setting = Setting(length, n_neurons=1000)
    expected = best_choice(length, 1000).readout
    found = [
        np.mean(measure(replace(setting, seed=seed))["settled"]["spiking"])
        for seed in range(3)
    ]
    assert np.mean(found) == pytest.approx(expected.settled, rel=1 / 3)
    assert expected.settled < expected.error


def test_memories_that_are_weighed_are_not_simulated():
    """What is measured is the same whether the theory's choice was made before."""
    setting = Setting(100, n_neurons=60)
    best_choice.cache_clear()
    first, again = measure(setting), measure(setting)
    assert first["mse"].keys() == again["mse"].keys()
    for name, errors in first["mse"].items():  # but for rounding
        np.testing.assert_allclose(again["mse"][name], errors, rtol=1e-9)
    assert first["spikes_per_step"] == again["spikes_per_step"]


def test_noise_falls_with_the_root_of_the_neurons_for_one_readout():
    """By the theory, which simulations are compared with, at 10^4 steps.

    A little more than that, since more neurons hear their error with a larger gain.
    """
    m, roots = (1000, 3000, 10_000), []
    for n in m:
        with nengo.Network():
            memory = spiking_memory(10_000, 36, n)
        D = memory.decode(delays(10_000) / 10_000)
        roots.append(np.sqrt(np.trace(D @ memory.noise_covariance @ D.T)))
    assert -0.6 < slope(m, roots) < -0.5
    assert best_choice(100, 1000).d < best_choice(10_000, 1000).d


def test_the_expected_error_of_a_readout_is_that_of_sequences():
    """Of what it misses, what is left of the start, and the noise of the state."""
    length, d, lags, n = 60, 16, delays(60), 200
    noise = 1e-4 * np.eye(d)
    readout = fitted_readout(length, d, 1.0, lags, noise)
    rng = np.random.RandomState(0)
    squares = []
    for _ in range(n):
        signal = WhiteNoise(length, rng)
        y = signal.at(np.arange(signal.n_steps), lags)
        m = simulate(y[:, 0], 1.0, d, dt=1 / length)
        m += rng.multivariate_normal(np.zeros(d), noise, len(m))
        error = (m @ readout.weights.T - y) ** 2
        power = np.mean(y[:, 0] ** 2) / TYPICAL_RMS**2
        squares.append(error[length:].mean() / power)
    # Sequences are divided by their largest value, which noise is not: so it counts
    # the more in those that have less power. Both are within a tenth.
    assert np.mean(squares) == pytest.approx(readout.error, rel=0.1)


# --- the LSTM, and the command


def test_lstm_learns():
    pytest.importorskip("nengo_dl")
    setting = LSTMSetting(25, epochs=20, units=20)
    found = measure_lstm(setting)
    assert len(found["loss"]) == len(found["val_loss"]) == 20
    assert found["loss"][-1] < 0.98 * found["loss"][0]
    # what is of now comes first
    assert np.argmin(found["mse"]["LSTM"]) == 0


def test_an_lstm_goes_on_after_a_kill(tmp_path, monkeypatch):
    """Through the sweep, which keeps the checkpoint until there is a record."""
    pytest.importorskip("nengo_dl")
    from nengo_lmu.dl import training

    setting = LSTMSetting(25, epochs=3, units=8)
    whole = measure_lstm(setting)

    def train():
        (record,) = sweep.run(
            measure_lstm, [setting], tmp_path, workers=1, checkpoints=True
        )
        return record["result"]

    after, count = training._AfterBatch.minibatch, [0]

    def killed(self, batch, logs=None):
        after(self, batch, logs)
        count[0] += 1
        if count[0] == 4:  # the last of the second epoch
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "INTERVAL", 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._AfterBatch, "minibatch", killed)
        train()
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1

    monkeypatch.setattr(training._AfterBatch, "minibatch", killed)
    result = train()
    assert count == [6]  # minibatches of 50 and 30, no more than without the kill
    assert list((tmp_path / "checkpoints").iterdir()) == []
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(result[name], whole[name], rtol=1e-5)
    for kind in ("mse", "settled"):
        np.testing.assert_allclose(result[kind]["LSTM"], whole[kind]["LSTM"], rtol=1e-5)


def test_the_command_writes_table_record_and_figure(tmp_path, capsys):
    pytest.importorskip("nengo_dl")
    command = [
        *("train", "capacity", "--lengths", "100", "30", "--seeds", "2"),
        *("--n-neurons", "200", "100", "--lstm-lengths", "25", "--lstm-epochs", "1"),
        *("--workers", "1", "--out", str(tmp_path)),
    ]
    assert main(command) == 0
    table = capsys.readouterr().out
    for name in ("published", "Legendre", "fitted", "100 neurons", "200 neurons"):
        assert table.count(f"LMU, {name}") == 2 + ("neurons" in name) * 2
    assert table.count("to the power") == 2
    assert "7e-03 to 2e-02" in table and "LSTM, 1 epochs" in table
    assert max(map(len, table.splitlines()[:-1])) <= 80
    record = json.loads((tmp_path / "train-capacity.json").read_text())
    assert {row["length"] for row in record["rows"]} == {25, 30, 100}
    assert (tmp_path / "train-capacity.png").stat().st_size > 10_000

    # once more, from the records alone: with the same times of computing
    assert main([*command, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    for part in ("rows", "runs", "slopes", "lstm"):
        assert again[part] == record[part]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--no-lstm", "--lstm-epochs", "3"], "together with --lstm-epochs"),
        (["--lengths", "20"], "a whole number of at least 21"),
        (["--seeds", "0"], "--seeds"),
        (["--n-neurons", "23"], "a whole number of at least 24"),
    ],
)
def test_the_command_refuses_bad_arguments(arguments, message, capsys):
    try:
        status = main(["train", "capacity", *arguments])
    except SystemExit as error:
        status = error.code
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.slow
def test_a_hundred_thousand_steps_take_less_than_a_minute():
    """In under a minute, with errors of the paper's or less, and little memory."""
    found = measure(Setting(100_000))
    assert found["seconds"] < 60
    smallest, largest = PUBLISHED[100_000]
    assert max(found["mse"]["Legendre"]) < largest
    assert max(found["mse"]["fitted"]) < smallest


@pytest.mark.slow
def test_a_million_steps_have_the_errors_of_fewer():
    """The errors are those of fewer steps: the memory neither drifts nor fills up."""
    found = measure(Setting(400_000))
    assert max(found["mse"]["fitted"]) < 2e-8
    assert np.mean(found["settled"]["Legendre"]) < 1e-9
