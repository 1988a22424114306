"""The network for series: errors as they come due, runs, and files of it."""

from dataclasses import replace

import nengo
import numpy as np
import pytest

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.series import (
    ForecastError,
    Scaling,
    SeriesNetwork,
    Settings,
    detect,
    evaluate_forecast,
    forecast,
    load,
    nrmse,
    save,
)
from nengo_lmu.series.forecasting import _regularized
from nengo_lmu.series.states import (
    ideal_states,
    noise_of_units,
    random_units,
    states_and_activity,
)


def wave(n, period=20.0):
    return np.sin(2 * np.pi * np.arange(n) / period)


@pytest.fixture(scope="module")
def forecaster():
    return forecast(wave(240), theta=20, d=6, n_neurons=600, sample_time=0.01, folds=2)


def test_the_error_is_that_of_the_forecast_which_is_due(rng):
    horizon, window, k, n = 3, 4, 5, 30
    x, predicted = rng.standard_normal((2, n, 2))
    process = ForecastError(2, k, horizon, window, typical=(0.5, 2.0))
    with nengo.Network() as net:
        held = nengo.Node(
            nengo.processes.PresentInput(np.hstack([x, predicted]), k * 0.001)
        )
        node = nengo.Node(process)
        nengo.Connection(held, node, synapse=None)
        probe = nengo.Probe(node)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n * k)
    error = sim.data[probe][k - 1 :: k, 0]
    late = np.concatenate([np.zeros((horizon, 2)), predicted])[:n]
    wanted = np.sqrt(np.mean(((x - late) / [0.5, 2.0]) ** 2, axis=1))
    wanted[: window + horizon] = 0
    assert np.allclose(error, wanted)


def test_nrmse_is_1_for_the_mean_and_0_for_the_series(rng):
    x = rng.standard_normal((50, 2)) + 5
    assert nrmse(x, x) == 0
    assert np.isclose(nrmse(np.tile(x.mean(axis=0), (50, 1)), x), 1)


def test_a_wave_is_forecast_in_spikes_as_by_the_ideal_memory(forecaster):
    # the theory's NRMSE is 0.01 for the noise, and the wave itself is linear
    ideal = evaluate_forecast(forecaster, wave(300), 240, "ideal")
    spikes = evaluate_forecast(forecaster, wave(300), 240)
    assert len(spikes.predicted) == 60
    assert ideal.nrmse < 0.03 and spikes.nrmse < 0.05
    assert ideal.outcome.spikes_per_second == 0 < spikes.outcome.spikes_per_second
    assert any("as was asked for" in reason for reason in forecaster.choice.reasons)


def test_a_stream_gives_what_a_run_gives_a_sample_at_a_time(forecaster):
    x = wave(30)[:, np.newaxis]
    run = forecaster.in_units(forecaster.run(x).outputs)
    stream = np.array(list(forecaster.stream(iter(x))))
    np.testing.assert_allclose(stream, run, rtol=0, atol=1e-9)  # but for rounding


def test_a_stream_keeps_nothing_of_what_has_passed(forecaster):
    with forecaster._running("nengo", None) as present:
        sizes = []
        for value in wave(20):
            present(np.array([[value]]))
            cells = [cell.cell_contents for cell in present.__closure__]
            (sim,) = [cell for cell in cells if isinstance(cell, nengo.Simulator)]
            sizes.append(len(sim.data[forecaster.output]))
    assert set(sizes) == {0}


def test_a_run_leaves_the_network_as_it_was(forecaster):
    seed, output = forecaster.network.seed, forecaster.stimulus.output
    forecaster.run(wave(5)[:, np.newaxis], seed=7)
    assert forecaster.network.seed == seed
    assert np.array_equal(forecaster.stimulus.output, output)


def test_nengo_dl_runs_the_same_network(forecaster):
    pytest.importorskip("nengo_dl")
    x = wave(60)
    result = evaluate_forecast(forecaster, x, 40, "nengo_dl")
    assert result.nrmse < 0.05


def test_the_emulator_runs_the_same_network(forecaster):
    pytest.importorskip("nengo_loihi")
    # its neurons do not hear their error: of that noise, the theory's NRMSE is 0.1
    result = evaluate_forecast(forecaster, wave(100), 40, "emulator")
    assert result.nrmse < 0.25


def test_a_network_comes_back_from_its_file_as_it_was(forecaster, tmp_path):
    save(forecaster, tmp_path / "network.npz")
    again = load(tmp_path / "network.npz")
    x = wave(40)[:, np.newaxis]
    outputs = [model.run(x).outputs for model in (again, forecaster)]
    np.testing.assert_allclose(*outputs, rtol=0, atol=1e-9)  # but for rounding
    assert again.settings == forecaster.settings
    with np.load(tmp_path / "network.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


@pytest.mark.parametrize("damage", ["none", "empty", "text", "half", "other arrays"])
def test_a_file_of_no_network_is_named(forecaster, tmp_path, damage):
    path = tmp_path / "network.npz"
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("x")
    elif damage == "half":
        save(forecaster, path)
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "other arrays":
        np.savez(path, x=[1.0])
    with pytest.raises(ArgumentError) as error:
        load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_weights_that_are_missing_or_not_finite_are_refused(forecaster, tmp_path):
    save(forecaster, tmp_path / "network.npz")
    with np.load(tmp_path / "network.npz") as file:
        arrays = dict(file)
    name = "matrix direct"
    for changed in (
        {key: value for key, value in arrays.items() if key != name},
        arrays | {name: np.full_like(arrays[name], np.nan)},
        arrays | {name: arrays[name][:, :-1]},
    ):
        np.savez(tmp_path / "bad.npz", **changed)
        with pytest.raises(ArgumentError, match="bad.npz"):
            load(tmp_path / "bad.npz")


def test_the_noise_on_the_chip_is_larger_than_that_of_neurons_that_hear_their_error():
    settings = Settings(
        task="forecast", features=1, outputs=1, theta=20, d=4, n_neurons=200
    )
    sample = wave(60)[:, np.newaxis]
    model = SeriesNetwork(settings, Scaling.fit([sample]), sample)
    on_chip, elsewhere = (np.trace(model.noise_covariance(b)) for b in (True, False))
    assert on_chip > 4 * elsewhere > 0
    assert np.all(model.ideal().noise_covariance() == 0)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"task": "guess"}, "task: must be one of"),
        ({"read": "first"}, "read: must be one of"),
        ({"sample_time": 0.0001}, "sample_time: must be a time step"),
        ({"horizon": 0}, "horizon: must be a whole number"),
        ({"readout_tau": -1.0}, "readout_tau"),
    ],
)
def test_settings_out_of_range_are_named(change, words):
    settings = Settings(
        task="forecast", features=1, outputs=1, theta=20, d=4, n_neurons=0
    )
    with pytest.raises(ArgumentError) as error:
        replace(settings, **change)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"theta": 500}, "theta: must be a whole number of at most 200"),
        ({"theta": 10, "d": 20}, "d: must be at most theta"),
        ({"horizon": 100}, "horizon: must be a whole number of at most 50"),
        ({"transform": "log"}, "transform: must be of none, sqrt"),
        ({"folds": 1}, "folds"),
        ({"theta": 40, "folds": 5}, "a window of 40 samples, but has 200"),
    ],
)
def test_forecasts_that_cannot_be_made_are_named(options, words):
    with pytest.raises(ArgumentError) as error:
        forecast(wave(200), **options)
    assert words in str(error.value), error.value


def test_an_unknown_simulator_is_named(forecaster):
    with pytest.raises(ArgumentError, match="one of 'ideal', 'nengo'"):
        forecaster.run(np.zeros((2, 1)), "neuron")


def test_the_window_and_order_with_the_least_error_in_validation_are_chosen(rng):
    # of a wave in noise, a longer window tells more
    x = wave(400, period=8) + 0.5 * rng.standard_normal(400)
    model = forecast(x, theta=(3, 32), d=(2, 12), n_neurons=2400, folds=3)
    scores = model.choice.scores
    assert len(scores) == 3  # order 12 does not fit into 3 samples
    assert min(scores, key=scores.get) == str(model.choice.value) == "theta 32, d 12"


def test_hidden_units_forecast_what_is_not_linear():
    # of the next value, the last tells all, and nothing linearly
    x = np.empty(500)
    x[0] = 0.3
    for t in range(499):
        x[t + 1] = 1 - 2 * x[t] ** 2
    options = {"theta": 2, "d": 2, "n_neurons": 0, "folds": 2, "transform": "none"}
    options["readout_tau"] = 0.1  # or what units say of the sample before counts too
    errors = {
        units: evaluate_forecast(
            forecast(x[:400], units=units, **options), x, 400, "ideal"
        ).nrmse
        for units in (0, 100)
    }
    assert errors[100] < 0.1 and errors[0] > 0.9


def test_a_readout_of_few_samples_is_fitted_for_more_than_the_noise(rng):
    # 40 samples of 30 features, of which one counts; the noise hardly does
    weights = np.eye(30)[:1]
    m, new = rng.standard_normal((2, 40, 30))
    target = m @ weights.T + 0.5 * rng.standard_normal((40, 1))
    covariance = 1e-2 * np.eye(30)
    fits = {factor: _regularized(m, target, covariance, factor) for factor in (1, 30)}
    missed = {
        factor: np.mean((new @ (fit.weights - weights).T) ** 2)
        for factor, fit in fits.items()
    }
    assert missed[30] < missed[1]
    assert fits[30].error < fits[1].error
    for fit in fits.values():  # of the noise that there is
        noise = fit.weights @ covariance @ fit.weights.T
        assert np.allclose(fit.noise**2, np.diag(noise))


def test_the_noise_of_units_is_what_spikes_have(rng):
    x = wave(200)[:, np.newaxis]
    settings = Settings(
        task="forecast",
        features=1,
        outputs=1,
        theta=20,
        d=2,
        units=30,
        n_neurons=400,
        readout_tau=2.0,
        sample_time=0.01,
    )
    model = SeriesNetwork(settings, Scaling.fit([x]), x)
    m = ideal_states(x, settings)[40:]
    kernel, bias = random_units(m, 30, rng)
    assert np.allclose((m @ kernel.T).std(axis=0), 1)
    model.lmu.memory_kernel.transform = kernel
    model.lmu.hidden_bias.transform = bias[:, np.newaxis]
    features = states_and_activity(model, x)[40:]
    covariance = noise_of_units(model, features, np.zeros((2, 2)))
    with model.network:
        probe = nengo.Probe(model.lmu.output, synapse=0.02)
    held = np.repeat(x, 10, axis=0)
    model.stimulus.output = nengo.processes.PresentInput(held, 0.001)
    with nengo.Simulator(model.network, progress_bar=False) as sim:
        sim.run_steps(2000)
    missed = sim.data[probe][9::10][40:] - features[:, 2:]
    # 160 samples of about 30 units, correlated over two: a few percent, and what the
    # memory's own noise adds
    ratio = np.mean(missed**2) / np.mean(np.diag(covariance)[2:])
    assert 0.8 < ratio < 1.3


def test_a_detector_tells_what_departs_from_the_training():
    x = wave(500)
    model = detect(x[:300], theta=20, d=6, n_neurons=600, sample_time=0.01, folds=2)
    assert model.settings.horizon == 1
    x[400:410] = 0.9
    scores = model.run(x[:, np.newaxis]).outputs[:, 0]
    # threefold, since scores are about 1 and their largest about 2
    assert scores[400:420].max() > 3 * model.threshold
    assert scores[:400].max() < 1.5 * model.threshold
