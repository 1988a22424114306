"""How the error of spiking memories scales: measured, fitted, drawn."""

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest
from commands import assert_continued, assert_measured_once, printed_by

from nengo_lmu.analysis import memory as memory_error
from nengo_lmu.analysis import published as baselines
from nengo_lmu.analysis import simulators, sweep
from nengo_lmu.analysis.errors import MeasurementError
from nengo_lmu.analysis.memory import Setting, measure
from nengo_lmu.analysis.theory import fit_exponents, floor, predict
from nengo_lmu.cli import main
from nengo_lmu.experiments.scaling import experiment as scaling
from nengo_lmu.experiments.scaling.channel import ChannelSetting, measure_channel
from nengo_lmu.experiments.scaling.experiment import Scaling
from nengo_lmu.legendre import ArgumentError

# A window of 0.2 s is 200 steps, so that ten of them take a quarter of a second; the
# error depends on theta only through the number of steps.
QUICK = Setting(theta=0.2, d=3, n_neurons=200)

TIMES = {"build_seconds", "run_seconds"}


def errors_of(settings, function=measure):
    """Return the window errors of settings, measured on all cores."""
    records = sweep.run(function, settings)
    return np.array([record["result"]["window"] for record in records])


# --- one measurement


def test_a_measurement_is_that_of_its_seed():
    first, again = measure(QUICK), measure(QUICK)
    other = measure(replace(QUICK, seed=1))
    for name in first.keys() - TIMES:
        # but for the last digits: sums of arrays depend on where they lie in memory
        assert np.isclose(first[name], again[name], rtol=1e-9)
    assert not np.isclose(first["window"], other["window"], rtol=1e-3)
    assert all(type(value) in (float, int) for value in first.values())


def test_without_spikes_there_is_no_error(monkeypatch):
    """Rates instead of spikes make the ideal memory, one step late: all is aligned."""
    monkeypatch.setitem(simulators.NEURON_TYPES, "regular", nengo.RectifiedLinear())
    result = measure(replace(QUICK, neuron_type="regular"))
    assert result["window"] < 1e-6 and result["delay"] < 1e-6


def test_spikes_are_counted(monkeypatch):
    """As many as by probing the neurons themselves."""
    made = {}
    original = memory_error.make_memory

    def with_probe(setting):
        memory, tau = original(setting)
        made["probe"] = nengo.Probe(memory.ensembles[0].neurons)
        return memory, tau

    simulator = nengo.Simulator

    class Kept(simulator):
        def __exit__(self, *args):
            made["spikes"] = np.array(self.data[made["probe"]])
            return super().__exit__(*args)

    monkeypatch.setattr(memory_error, "make_memory", with_probe)
    monkeypatch.setattr(nengo, "Simulator", Kept)
    result = measure(QUICK)
    steps = int(round(QUICK.theta / QUICK.dt))
    # the sum is one step late
    spikes = made["spikes"][steps - 1 : -1].sum() * QUICK.dt
    seconds = QUICK.windows * QUICK.theta
    assert np.isclose(result["spikes_per_second"], spikes / seconds, rtol=2e-3)


@pytest.mark.parametrize("theta, d", [(0.1, 3), (0.1, 24), (10.0, 3)])
@pytest.mark.parametrize("recipe", ["default", "usual"])
def test_extremes_can_be_measured(theta, d, recipe):
    result = measure(
        Setting(theta=theta, d=d, n_neurons=40 * d, recipe=recipe, windows=1)
    )
    assert all(np.isfinite(value) for value in result.values())
    assert result["window"] > 0 and result["spikes_per_second"] > 0


@pytest.mark.parametrize("name", simulators.NEURON_TYPES)
def test_all_types_of_neurons_can_be_measured(name):
    result = measure(replace(QUICK, neuron_type=name))
    assert 0 < result["window"] < 0.5
    # of neurons that do not spike, none are counted
    spikes = result["spikes_per_second"]
    assert spikes is None if name in ("sigmoid", "tanh") else spikes > 0


@pytest.mark.parametrize("gain", [None, 0.0])
def test_poisson_errors_are_those_of_the_theory(gain):
    """Within 12 %: one measurement scatters by some 12 %, the mean of 10 by 4 %.

    With other input than the default's too: the memory is then designed for it. With
    feedback it scatters by some 5 %.
    """
    fed = replace(QUICK, error_feedback=gain)
    for start in (fed, replace(fed, rms=0.1, bandwidth=1.0)):
        errors = errors_of([replace(start, seed=seed) for seed in range(10)])
        assert np.isclose(errors.mean(), predict(start), rtol=0.12)


@pytest.mark.parametrize("gain", [None, 0.0])
def test_rates_and_tau_are_those_asked_for(gain):
    start = replace(QUICK, tau=0.1, max_rates=(50.0, 60.0), error_feedback=gain)
    result = measure(start)
    assert result["tau"] == 0.1
    # a quarter of the default's rates, so a quarter of the spikes
    other = replace(QUICK, error_feedback=gain)
    ratio = result["spikes_per_second"] / measure(other)["spikes_per_second"]
    assert np.isclose(ratio, 1 / 4, rtol=0.15)
    assert predict(start) > 1.5 * predict(QUICK)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"n_neurons": 11}, "n_neurons: must be at least 12, .* d = 6 .* 11 was given"),
        ({"theta": 0.0}, "theta: .* 0.0 was given"),
        ({"theta": 0.001}, "theta: must be at least 0.002 s"),
        ({"d": 2.5}, "d: .* 2.5 was given"),
        ({"tau": -1.0}, "tau: .* -1.0 was given"),
        ({"neuron_type": "lifelike"}, "neuron_type: .*'poisson-lif'.* 'lifelike'"),
        ({"recipe": "best"}, "recipe: .* 'best' was given"),
        ({"windows": 0}, "windows: .* 0 was given"),
        ({"max_rates": (0, 1)}, "max_rates: .* 0 was given"),
    ],
)
def test_settings_that_cannot_be_measured_are_refused(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        Setting(**wrong)


# --- what it is compared with


def test_the_usual_recipe_is_a_memory_too():
    """Noisier than ours by a factor of about 3 with the same neurons, tau and rates."""
    settings = [replace(QUICK, recipe="usual", seed=seed) for seed in range(4)]
    usual = errors_of(settings).mean()
    assert 2 < usual / predict(replace(QUICK, error_feedback=0.0)) < 6
    with nengo.Network(seed=0):
        memory = baselines.usual_memory(1.0, 4, 42)
    assert [ens.n_neurons for ens in memory.all_ensembles] == [10] * 4
    assert memory.input.size_out == 1 and memory.output.size_out == 4


def test_the_channel_falls_as_one_over_the_square_root():
    """The published line is ``5 / sqrt(m)`` for the rms error of a sine wave.

    The error scatters by some 15 % a seed, so by 6 % for 6 seeds; the exponent over
    a range of 30 by 0.02.
    """
    settings = [ChannelSetting(m, seed=k) for m in (100, 550, 3000) for k in range(6)]
    errors = errors_of(settings, measure_channel)
    m = np.array([setting.n_neurons for setting in settings])
    exponent = fit_exponents(errors, {"m": m})["m"]
    assert abs(exponent.value + 0.5) < 0.06
    factor = np.exp(np.mean(np.log(errors * np.sqrt(0.5) * np.sqrt(m))))
    assert 4 < factor < 6.5


# --- the fit


def test_known_exponents_are_found():
    m, d = (np.ravel(x) for x in np.meshgrid([100, 300, 1000], [3, 6, 12]))
    block = np.arange(len(m)) % 2
    errors = (2 + block) * m**-0.5 * d**1.25
    found = fit_exponents(errors, {"m": m, "d": d}, blocks=block)
    for name, exponent in (("m", -0.5), ("d", 1.25)):
        assert np.isclose(found[name].value, exponent)
        assert np.isclose(found[name].low, found[name].high)


def test_intervals_cover_at_their_rate(rng):
    """Over 1000 draws, 95 % intervals cover with a standard error of 0.7 %."""
    m = np.repeat([100.0, 300.0, 1000.0, 3000.0], 3)
    theta = np.tile([0.1, 1.0, 10.0], 4)
    seed = np.tile([0, 1, 2], 4)
    factors = {"m": m, "theta": rng.permutation(theta)}
    covered = np.zeros((1000, 2))
    for draw in covered:
        inputs = rng.standard_normal(3)[seed]  # scatter that seeds have in common
        errors = m**-0.5 * np.exp(0.1 * rng.standard_normal(len(m)) + inputs)
        found = fit_exponents(errors, factors, blocks=seed)
        draw[0] = found["m"].low < -0.5 < found["m"].high
        draw[1] = found["theta"].low < 0 < found["theta"].high
    assert np.all(np.abs(covered.mean(axis=0) - 0.95) < 0.025)


@pytest.mark.parametrize(
    "factors",
    [
        {"m": [1, 1, 1, 1]},
        {"m": [1, 2, 3, 4], "d": [1, 4, 9, 16]},
        {"m": [1, 2, 3, 4], "d": [1, 1, 2, 1], "theta": [1, 2, 1, 1]},
    ],
)
def test_factors_that_cannot_be_told_apart_are_refused(factors):
    with pytest.raises(ArgumentError, match="vary each factor by itself"):
        fit_exponents([4.0, 3.0, 2.0, 1.0], factors)


# --- the experiment


def measured_exponent(axis, values, **fields):
    """The exponent of 8 seeds of each value, and the theory's over the same range."""
    start = replace(QUICK, **fields)
    one_of_each = [replace(start, **{axis: value}) for value in values]
    settings = [replace(one, seed=k) for one in one_of_each for k in range(8)]
    found = fit_exponents(
        errors_of(settings),
        {axis: [getattr(setting, axis) for setting in settings]},
        blocks=[setting.seed for setting in settings],
    )[axis]
    predicted = [predict(one) for one in one_of_each]
    return found, np.polyfit(np.log(values), np.log(predicted), 1)[0]


def test_the_error_falls_as_one_over_the_square_root_of_m():
    """-0.5 within 0.05, in a real sweep.

    One error scatters by some 12 % (it is the mean over ten windows of a noise that
    lasts for about one), so the exponent of 32 errors over a range of 64 by 0.014.
    """
    sizes = (50, 200, 800, 3200)
    found, _ = measured_exponent("n_neurons", sizes, error_feedback=0.0)
    assert abs(found.value + 0.5) < 0.05
    assert found.low < -0.5 < found.high


@pytest.mark.parametrize(
    "axis, values, expected",
    [
        ("n_neurons", (800, 3200, 12800), -0.5),
        ("theta", (0.1, 0.2, 0.4, 0.8), -1.0),
        ("dt", (0.0005, 0.001, 0.002, 0.004), 0.5),
    ],
)
def test_exponents_with_feedback_are_the_theorys(axis, values, expected):
    """As ``sqrt(dt / m) / theta`` within 0.05, and as the theory says within 0.03.

    A single error scatters by some 4 %, so that an exponent of 24 errors over a range
    of 8 or more does by 0.01 at most. With as many neurons, the best gain is nearly
    that with which errors are gone at once.
    """
    found, theory = measured_exponent(
        axis, values, **{"n_neurons": 4800, axis: values[0]}
    )
    assert abs(found.value - expected) < 0.05
    assert abs(found.value - theory) < 0.03


def test_feedback_changes_exponents():
    """Without, the error goes as theta to the -1/2 and does not depend on dt.

    As for the exponent of m: by 0.03 over a range of 8, of which 0.1 is three.
    """
    for axis, values, expected in (
        ("theta", (0.1, 0.2, 0.8), -0.5),
        ("dt", (0.0005, 0.001, 0.004), 0.0),
    ):
        found, theory = measured_exponent(axis, values, error_feedback=0.0)
        assert abs(found.value - expected) < 0.1
        assert abs(theory - expected) < 0.02


def test_the_theory_says_where_it_ends():
    assert predict(replace(QUICK, neuron_type="lif")) is None
    assert predict(replace(QUICK, recipe="usual")) is None
    regular = replace(QUICK, neuron_type="regular")
    assert 0 < predict(regular) < predict(QUICK)
    # and where there is no floor
    assert 0 < floor(QUICK) < predict(QUICK)
    for other in (regular, replace(QUICK, error_feedback=0.0)):
        assert floor(other) is None


def test_the_theory_of_the_chip_is_without_feedback():
    """And of at most one spike a step, with room for inputs of any band."""
    chip = predict(replace(QUICK, simulator="fixed point"))
    same = replace(QUICK, neuron_type="stochastic", error_feedback=0.0)
    assert 1 < chip / predict(same) < 1.06


def test_a_plan_varies_one_thing_at_a_time():
    plan = Scaling(
        n_neurons=(400, 100, 200, 400),
        d=(6, 3),
        theta=(1.0,),
        tau=(0.1, 0.2),
        dt=(0.001,),
        neuron_types=("regular", "lif"),
    )
    assert plan.base == Setting(theta=1.0, d=3, n_neurons=200, neuron_type="regular")
    series = [
        (axis, settings[0].neuron_type, settings[0].recipe, len(settings))
        for axis, settings in plan.series()
    ]
    assert series == [
        ("m", "regular", "default", 3),
        ("m", "lif", "default", 3),
        ("m", "regular", "default", 3),
        ("m", "regular", "usual", 3),
        *[("d", "regular", "default", 2)] * 2,
        *[("tau", "regular", "default", 2)] * 2,
        ("d", "regular", "usual", 2),
    ]
    # and what neurons hear
    gains = [settings[0].error_feedback for _, settings in plan.series()]
    assert gains == [None, None, 0, None, None, 0, None, 0, None]
    for axis, settings in plan.series():
        field = {"m": "n_neurons"}.get(axis, axis)
        # what takes longer to tell is measured for longer
        assert len({replace(one, **{field: 100}, windows=1) for one in settings}) == 1
    # the only one that is given is used everywhere
    assert replace(plan, tau=(0.1,)).base.tau == 0.1


def test_every_panel_and_every_exponent_is_there_by_default():
    plan = Scaling()
    assert {axis for axis, _ in plan.series()} == {"m", "d", "theta", "tau", "dt"}
    assert set(plan.neuron_types) < set(simulators.NEURON_TYPES)
    assert plan.base.theta == 1.0 and plan.base.d == 6 and plan.base.tau is None
    assert plan.base.dt == 0.001


def test_windows_are_as_many_as_it_takes():
    for _, settings in Scaling().series():
        for one in settings:
            hears = one.recipe == "default" and one.error_feedback is None
            expected = memory_error.windows_for(one.theta, one.d) if hears else 10
            assert one.windows == expected
    assert {one.windows for _, some in Scaling(windows=3).series() for one in some} == {
        3
    }


# --- the command

COMMAND = "scaling --theta 0.1 --windows 1 --seeds 2 --workers 2".split()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small sweep: its arguments, its folder, and what was printed."""
    out = tmp_path_factory.mktemp("scaling") / "out"
    argv = [*COMMAND, *"--n-neurons 50 100 --d 2 3 --neuron-type poisson lif".split()]
    argv += ["--tau", "0.05", "--dt", "0.001", "0.002", "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaling, "CHANNEL_SIZES", (100, 300))
        return argv, out, printed_by(argv)


def test_scaling_writes_a_table_records_and_a_figure(small):
    _, out, printed = small
    lines = [line for line in printed.splitlines() if str(out) not in line]
    assert max(len(line) for line in lines) <= 80
    assert "poisson, usual" in printed and "Exponents" in printed
    record = json.loads((out / "scaling.json").read_text())
    assert (
        record["settings"]["n_neurons"] == [50, 100] and record["base"]["tau"] == 0.05
    )
    assert record["versions"]["nengo"] == nengo.__version__
    assert (out / "scaling.png").read_bytes().startswith(b"\x89PNG")
    first = record["series"][0]
    assert [len(point["errors"]) for point in first["points"]] == [2, 2]
    assert first["curve"]["x"][0] == 50 and first["curve"]["x"][-1] == 100
    # as printed
    point = first["points"][0]
    row = next(line for line in lines if line.split()[:2] == ["poisson", "50"])
    assert row.split()[2:] == [
        f"{point['mean']:.6f}",
        "+-",
        f"{point['standard_error']:.6f}",
        f"{point['predicted']:.6f}",
        f"{point['floor']:.6f}",
    ]
    assert first["curve"]["floor"] == [one["floor"] for one in first["points"]]
    assert "poisson, no feedback" in printed
    # m of five series; d and dt of three and two
    axes = [found["axis"] for found in record["exponents"]]
    assert sorted(axes) == ["d"] * 3 + ["dt"] * 2 + ["m"] * 5
    # one record a measurement, and two for the channel: 4 series of m, and 3 of d and
    # 2 of dt that share a point with them
    measured = len(list((out / "records").glob("*.json")))
    assert measured == 2 * (2 + 4 * 2 + 3 + 2)


def test_the_same_command_again_measures_nothing(small, monkeypatch):
    argv, out, _ = small
    record = json.loads((out / "scaling.json").read_text())
    monkeypatch.setattr(scaling, "CHANNEL_SIZES", (100, 300))
    assert_measured_once(argv, record, monkeypatch)


def test_an_interrupted_sweep_says_how_to_continue(small, capsys, monkeypatch):
    argv, out, _ = small
    assert_continued(argv, out, capsys, monkeypatch)


def test_a_measurement_that_fails_is_one_line(small, capsys, monkeypatch):
    argv, *_ = small

    def fail(*args, **kwargs):
        raise MeasurementError([(QUICK, "MemoryError: no", "Traceback")], 7)

    monkeypatch.setattr(sweep, "run", fail)
    assert main(argv) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "1 of 7" in err and "theta=0.2" in err


@pytest.mark.parametrize(
    "argv, named",
    [
        (["--n-neurons", "1"], "'1' was given; give a whole number of at least 2"),
        (["--n-neurons"], "--n-neurons: expected at least one argument"),
        (["--d", "0"], "--d: '0' was given"),
        (["--theta", "-1"], "--theta: '-1' was given; give a number of seconds"),
        (["--theta", "nan"], "--theta: 'nan' was given"),
        (["--tau", "0"], "--tau: '0' was given"),
        (["--dt", "0"], "--dt: '0' was given"),
        (["--neuron-type", "lifelike"], "--neuron-type: 'lifelike' was given; give"),
        (["--seeds", "0"], "--seeds: '0' was given"),
        (["--windows", "half"], "--windows: 'half' was given"),
        (["--workers", "0"], "--workers: '0' was given"),
    ],
)
def test_bad_arguments_exit_with_one_line(argv, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["scaling", *argv])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert named in err


@pytest.mark.parametrize(
    "argv, named",
    [
        (
            ["--n-neurons", "10", "--d", "6"],
            "argument --n-neurons: must be at least 12",
        ),
        (
            ["--n-neurons", "100", "--d", "6", "12", "99"],
            "argument --n-neurons: must be at least 198",
        ),
        (["--theta", "0.001", "--d", "6"], "argument --theta: must be at least 0.002"),
    ],
)
def test_what_cannot_be_measured_is_refused_first(argv, named, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["scaling", *argv, "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and named in err and "was given" in err
    assert not out.exists()


def test_a_cluster_that_does_not_answer_is_told_of(tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep, "TIMEOUT", 0.5)
    argv = ["--dask", "tcp://127.0.0.1:1", "--out", str(tmp_path / "out")]
    assert main(["scaling", *argv]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "argument --dask: no scheduler answers" in err


def test_an_earlier_spelling_works_and_is_told_of(capsys):
    """For a release; what is wrong is called by today's name."""
    argv = "scaling --theta 0.1 --windows 1 --seeds 1 --d 3 --m 2".split()
    assert main(argv) == 2
    renamed, wrong = capsys.readouterr().err.splitlines()
    assert "--m is --n-neurons now" in renamed
    assert "argument --n-neurons: must be at least 6" in wrong
