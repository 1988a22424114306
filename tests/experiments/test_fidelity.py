"""``nengo-lmu loihi fidelity``: memories on the emulator, ours and others'."""

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest

from nengo_lmu.analysis import memory as memory_error
from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import Setting, measure
from nengo_lmu.analysis.published import (
    example_memory,
    notebook_memory,
    usual_memory,
)
from nengo_lmu.analysis.simulators import SIMULATORS
from nengo_lmu.analysis.theory import predict
from nengo_lmu.cli import main
from nengo_lmu.experiments.on_chip import fidelity
from nengo_lmu.experiments.on_chip.fidelity import CONSTRUCTIONS, Fidelity
from nengo_lmu.legendre import ArgumentError, principle3, state_space

nengo_loihi = pytest.importorskip("nengo_loihi")

QUICK = Fidelity(n_neurons=60, seeds=1, seconds=2.0)


def build(setting):
    """Return what a setting builds: ensembles, connections among them, and to them."""
    network = nengo.Network(seed=0)
    with network:
        memory, _ = memory_error.make_memory(setting)
        nengo.Connection(nengo.Node(0), memory.input, synapse=None)
    model = nengo.builder.Model(dt=setting.dt)
    with nengo.Simulator(network, model=model, progress_bar=False) as sim:
        return memory, [sim.data[ensemble] for ensemble in memory.all_ensembles]


# --- what is compared


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_all_have_the_same_neurons_rates_and_synapse(construction):
    settings = {
        simulator: setting
        for name, simulator, setting in Fidelity(n_neurons=120, tau=0.07).memories()
        if name == construction
    }
    assert set(settings) == set(SIMULATORS)
    for setting in settings.values():
        memory, built = build(setting)
        assert memory.n_neurons == 120
        rates = np.concatenate([one.max_rates for one in built])
        assert len(rates) == 120
        assert rates.min() >= 100 and rates.max() <= 120
        filters = {
            conn.synapse.tau
            for conn in memory.all_connections
            if conn.synapse is not None
        }
        assert filters == {0.07}
        assert setting.input_bandwidth == 1.0 and setting.rms == 0.3
    assert len({replace(one, simulator="reference") for one in settings.values()}) == 1


@pytest.mark.parametrize("make", [example_memory, notebook_memory])
def test_the_published_memories_are_mapped_as_they_say(make):
    """The recurrent connections, of Principle 3 in continuous and in discrete time."""
    memory = make(1.0, 4, 80, synapse=0.1)
    recurrent = {
        (conn.pre_obj, conn.post_obj): conn
        for conn in memory.all_connections
        if isinstance(conn.post_obj, nengo.Ensemble)
        and isinstance(conn.pre_obj, nengo.Ensemble)
    }
    found = [
        [recurrent[pre, post].transform.init for pre in memory.ensembles]
        for post in memory.ensembles
    ]
    A, B = state_space(1.0, 4)
    wanted = {
        example_memory: 0.1 * A + np.eye(4),
        notebook_memory: principle3(A, B, 0.1, 0.001)[0],
    }[make]
    assert np.allclose(found, wanted, rtol=1e-12)
    full = {conn.solver.weights for conn in recurrent.values()}
    assert full == {make is notebook_memory}


def test_the_notebook_filters_its_input_once():
    """In a connection for Nengo; on the chip, and not before, for NengoLoihi."""

    def synapses(memory):
        return {
            conn.synapse
            for conn in memory.all_connections
            if conn.pre_obj is memory.input and conn.post_obj in memory.ensembles
        }

    assert synapses(notebook_memory(1.0, 4, 80, on_chip=False)) == {nengo.Lowpass(0.1)}
    assert synapses(notebook_memory(1.0, 4, 80)) == {None}

    setting = Setting(
        n_neurons=60, tau=0.1, recipe="notebook", simulator="floating point"
    )
    with nengo.Network(seed=0) as network:
        memory, tau = memory_error.make_memory(setting)
        nengo.Connection(nengo.Node(np.sin), memory.input, synapse=None)
        nengo.Probe(memory.output)
    with memory_error.make_simulator(setting, network, tau, seed=0) as sim:
        decays = [
            block.compartment.decay_u
            for ensemble in memory.ensembles
            for block in sim.model.objs[ensemble]["in"]
        ]
        assert np.allclose(decays, -np.expm1(-0.01))


def test_in_the_reference_the_published_memories_beat_random_spikes():
    """The usual recipe has Poisson neurons; theirs are the same, but deterministic.

    Deterministic neurons have 0.3 times the error there; single runs of either scatter
    by less than a third.
    """
    base = Setting(n_neurons=600, tau=0.1, max_rates=(100.0, 120.0), windows=2)
    usual, example, notebook = (
        measure(replace(base, recipe=recipe))["window"]
        for recipe in ("usual", "example", "notebook")
    )
    assert 0.1 < example / usual < 0.7
    assert 0.1 < notebook / usual < 0.7


# --- how it is measured


def test_the_delay_is_found(monkeypatch):
    """A state that is 7 steps late has the error that it has without the delay."""
    late = 7

    class Delayed:
        def __init__(self, sim):
            self.sim = sim
            self.data = {}

        def __enter__(self):
            self.sim.__enter__()
            return self

        def __exit__(self, *args):
            self.sim.__exit__(*args)

        def run_steps(self, n):
            self.sim.run_steps(n)
            for probe in self.sim.model.probes:
                values = self.sim.data[probe]
                pad = np.zeros((late, values.shape[1]))
                self.data[probe] = np.concatenate([pad, values])[: len(values)]

    setting = Setting(
        n_neurons=60, tau=0.1, neuron_type="regular", windows=2, bandwidth=1.0
    )
    plain = measure(setting)
    make = memory_error.make_simulator
    monkeypatch.setattr(
        memory_error, "make_simulator", lambda *args: Delayed(make(*args))
    )
    delayed = measure(setting)
    assert delayed["lag"] == plain["lag"] + late
    assert delayed["window"] > plain["window"]
    # over a measurement that ends 7 of 2000 steps earlier
    assert delayed["aligned"] == pytest.approx(plain["aligned"], rel=0.02)
    assert plain["aligned"] <= plain["window"]


@pytest.mark.parametrize("simulator", ["floating point", "fixed point"])
def test_our_memory_on_the_emulator_is_what_the_theory_says(simulator):
    """Within a third: one run of a few windows scatters by some 10 %."""
    setting = Setting(
        n_neurons=600, tau=0.1, windows=4, simulator=simulator, error_feedback=0
    )
    result = measure(setting)
    assert result["aligned"] / predict(setting) == pytest.approx(1, abs=1 / 3)
    # the neurons of a state that is small most of the time: well below their maxima
    assert 0 < result["spikes_per_second"] < 600 * 240


def test_table_and_record_have_all_in_their_places(tmp_path, monkeypatch, capsys):
    """All in their places, and measured only once."""
    compared = {name: CONSTRUCTIONS[name] for name in list(CONSTRUCTIONS)[::3]}
    monkeypatch.setattr(fidelity, "CONSTRUCTIONS", compared)
    out = tmp_path / "out"
    argv = ["loihi", "fidelity", "--n-neurons", "60", "--seconds", "2"]
    argv += ["--seeds", "2", "--workers", "1", "--out", str(out)]
    assert main(argv) == 0
    table = capsys.readouterr().out
    *lines, where = table.splitlines()
    assert all(len(line) <= 80 for line in lines) and str(out) in where
    record = json.loads((out / "loihi-fidelity.json").read_text())
    asked = {"n_neurons": 60, "tau": 0.1, "seeds": 2, "seconds": 2.0}
    assert record["settings"] == asked
    rows = {(row["construction"], row["simulator"]): row for row in record["rows"]}
    assert set(rows) == {(c, s) for c in compared for s in SIMULATORS}
    for row in rows.values():
        cell = f"{row['mean']:.3f} +- {row['standard_error']:.3f}"
        assert cell in table and row["construction"] in table
    measured = {path.name: path.stat().st_mtime_ns for path in out.rglob("records/*")}
    assert len(measured) == 2 * len(rows)

    # goes on: one is lost, and is all that is measured again
    lost = sorted(measured)[0]
    (out / "records" / lost).unlink()
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == record["rows"]
    again = {path.name: path.stat().st_mtime_ns for path in out.rglob("records/*")}
    assert again.pop(lost) > measured.pop(lost)
    assert again == measured


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    memories = QUICK.memories()[:3]
    monkeypatch.setattr(Fidelity, "memories", lambda self: memories)
    argv = ["loihi", "fidelity", "--n-neurons", "60", "--seconds", "2"]
    assert main([*argv, "--seeds", "1", "--workers", "1"]) == 0
    table = capsys.readouterr().out
    assert "ours, Poisson" in table and "+-" not in table
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv, named",
    [
        (["--n-neurons", "100"], "--n-neurons: must be a multiple of 6"),
        (["--n-neurons", "6"], "--n-neurons: must be at least 12"),
        (["--seconds", "1"], "--seconds: must be a whole number of windows"),
        (["--seconds", "2.5"], "but 2.5 was given; use 3"),
        (["--theta", "2"], "unrecognized arguments: --theta"),
        (["--seed", "0"], "--seed"),
        (["--d", "6"], "unrecognized arguments: --d"),
        (["--units", "5"], "unrecognized arguments: --units"),
        (["--network", "mine.py"], "unrecognized arguments: --network"),
    ],
)
def test_bad_arguments_are_one_line(argv, named, capsys):
    try:
        status = main(["loihi", "fidelity", *argv])
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and named in err


@pytest.mark.parametrize(
    "before, now",
    [
        ("loihi --fidelity", "loihi fidelity"),
        ("loihi --routes", "loihi routes"),
        ("loihi", "loihi resources"),
    ],
)
def test_earlier_spellings_work_and_are_told_of(before, now, capsys):
    """For a release; what is wrong is called by today's name."""
    assert main([*before.split(), "--neurons", "6"]) == 2
    command, option, wrong = capsys.readouterr().err.splitlines()
    assert f"{before} is {now} now" in command
    assert f"nengo-lmu {now}: --neurons is --n-neurons now" in option
    assert "argument --n-neurons: must be at least 12" in wrong


def test_an_unknown_simulator_is_refused():
    with pytest.raises(ArgumentError, match="simulator"):
        Setting(simulator="board")


@pytest.mark.slow
def test_ours_is_the_most_accurate_on_the_emulator():
    """Poisson neurons of ours, against all else in fixed point, on the same input.

    Over 20 inputs the mean error is 0.088 for ours and 0.103 for the published
    notebook, the next best; single runs scatter by 0.009 and by 0.036. The mean over 5
    of the difference would be below 0 once in 6 times if these were others than they
    are: the seeds are fixed. All else has at least 1.5 times the error of ours.
    """
    settings = [
        s for _, simulator, s in Fidelity().memories() if simulator == "fixed point"
    ]
    results = sweep.run_seeds(measure, settings, 5)
    ours, regular, lif, example, notebook = (
        np.mean([result["aligned"] for result in results[setting]])
        for setting in settings
    )
    assert ours < notebook
    assert ours < min(regular, lif, example) / 1.5


def test_plans_have_a_setting_for_each_cell():
    settings = Fidelity().memories()
    assert [name for name, *_ in settings[::3]] == list(CONSTRUCTIONS)
    assert len({setting for *_, setting in settings}) == len(settings)
    for _, simulator, setting in settings:
        assert setting.simulator == simulator
        assert setting.n_steps == 11_000 and setting.warm_steps == 1000


def test_what_is_compared_has_the_rates_of_the_usual_recipe():
    """The published memories differ from it in their neurons and connections only."""
    for make in (usual_memory, example_memory, notebook_memory):
        memory = make(1.0, 6, 60)
        assert [ens.n_neurons for ens in memory.all_ensembles] == [10] * 6
        for ensemble in memory.all_ensembles:
            assert ensemble.max_rates == nengo.dists.Uniform(100, 120)
            assert ensemble.intercepts == nengo.dists.Uniform(-1, 0.5)
            assert ensemble.radius == 1
    assert fidelity.MAX_RATES == (100, 120)
