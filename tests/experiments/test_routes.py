"""``nengo-lmu loihi routes``: ways to get a memory's recurrence onto the chip."""

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest

from nengo_lmu.cli import main
from nengo_lmu.legendre import ArgumentError, readout, simulate, state_space
from nengo_lmu.legendre.noise import WINDOW_POINTS

nengo_loihi = pytest.importorskip("nengo_loihi")

from nengo_loihi.block import MAX_IN_AXONS  # noqa: E402
from nengo_loihi.builder import network as network_builder  # noqa: E402
from nengo_loihi.builder.split_blocks import (  # noqa: E402
    split_model as split_as_nengo_loihi,
)

from nengo_lmu.analysis.memory import window_errors  # noqa: E402
from nengo_lmu.experiments.on_chip import report, route_memories, routes  # noqa: E402
from nengo_lmu.experiments.on_chip.route_memories import (  # noqa: E402
    Route,
    blocks,
    count,
    measure,
    own_weights,
    predict,
)
from nengo_lmu.experiments.on_chip.routes import Routes  # noqa: E402
from nengo_lmu.loihi.builder import layout  # noqa: E402

BASE = Route(n_neurons=600, tau=0.1, neuron_type="stochastic", windows=4)
CHIP = replace(BASE, simulator="fixed point")


# --- what they need


def test_shared_rows_grow_in_proportion_and_own_weights_do_not():
    """Twice the neurons take twice the cores, or four times with weights of their own.

    But for what is rounded up to whole cores and units of memory.
    """
    small, large = (replace(CHIP, n_neurons=m) for m in (1200, 2400))
    shared = [count(route)["cores"] for route in (small, large)]
    own = [own_weights(route, 1.0)["cores"] for route in (small, large)]
    assert shared[1] <= 2 * shared[0] < own[0] / 2
    assert own[1] / own[0] == pytest.approx(4, rel=0.1)


def test_own_weights_are_what_nengo_loihi_counts(monkeypatch):
    """Its cores, which follow from the bits that the memory would take in one piece.

    Those are rounded up to units of memory at the end of each piece. The axons of the
    input are some more.
    """
    bits = []

    def split(model):
        bits.extend(s.bits() for block in model.blocks for s in block.synapses)
        return split_as_nengo_loihi(model)

    monkeypatch.setattr(network_builder, "split_model", split)
    built, counted = count(CHIP), own_weights(CHIP, 1.0)
    assert built["cores"] == counted["cores"]
    assert counted["synapse_bits"] == pytest.approx(sum(bits), rel=0.05)
    assert built["input_axons"] >= counted["input_axons"] == 600


def test_own_weights_end_at_the_axons_of_a_core():
    most = replace(CHIP, n_neurons=MAX_IN_AXONS)
    assert own_weights(most, 1.0)["cores"] > 0
    more = replace(CHIP, n_neurons=MAX_IN_AXONS + 1)
    assert own_weights(more, 1.0)["cores"] is None


def test_copies_are_counted(monkeypatch):
    """As many as are asked for, or as many as axons make necessary."""
    route = replace(CHIP, d=2, n_neurons=240)
    assert count(route)["copies"] == 1
    assert count(replace(route, copies=4))["copies"] == 4
    monkeypatch.setattr(layout, "MAX_IN_AXONS", 140)
    assert count(route)["copies"] == 2
    assert count(route) == count(replace(route, copies=2))


# --- how accurate they are


def test_the_mean_of_copies_is_as_accurate_as_the_theory_says():
    """A run of four windows scatters by some 15 %.

    By theory, the mean of copies is hardly worse than one memory. Each of their spikes
    does a fourth of the synaptic operations.
    """
    copies = replace(CHIP, copies=4)
    one, four = measure(CHIP), measure(copies)
    assert four["window"] / predict(copies, 4) == pytest.approx(1, abs=0.4)
    assert 1 < predict(copies, 4) / predict(CHIP) < 1.05
    key = "synaptic_operations_per_second"
    assert four[key] / one[key] == pytest.approx(1 / 4, rel=0.25)


@pytest.mark.parametrize("d", [5, 6, 12])
def test_blocks_act_on_themselves_only(d):
    T = blocks(replace(BASE, d=d))
    A = np.linalg.solve(T, state_space(BASE.theta, d)[0] @ T)
    sizes = np.diff(_block_edges(A))
    assert sizes.sum() == d and np.all(sizes <= 2)


def _block_edges(A):
    """Return where the blocks of a matrix begin, and the end of the last."""
    small = np.abs(A) < 1e-6 * np.abs(A).max()
    return [
        i for i in range(len(A) + 1) if np.all(small[:i, i:]) and np.all(small[i:, :i])
    ]


def test_blocks_are_noisier_than_the_balanced_basis():
    """By theory, and as measured, where one run scatters by some 15 %."""
    modal = replace(BASE, route="blocks")
    assert predict(modal) > 4 * predict(BASE)
    assert measure(modal)["window"] / predict(modal) == pytest.approx(1, abs=1 / 2)


def test_relays_add_their_noise_and_nothing_else(monkeypatch):
    """Neurons without noise are as exact as the ideal memory: no step is lost.

    With noise, the error is that of the theory, within the 15 % that a run scatters by
    and the spikes that the noise of relays causes.
    """
    relays = replace(BASE, route="relays", relays=20)
    assert predict(BASE) < predict(replace(relays, relays=100)) < predict(relays)
    assert measure(relays)["window"] / predict(relays) == pytest.approx(1, abs=1 / 3)
    monkeypatch.setitem(
        route_memories.NEURON_TYPES, "stochastic", nengo.RectifiedLinear()
    )
    assert measure(relays)["window"] < 1e-6


@pytest.mark.parametrize("late", [0, 1, 2])
def test_the_error_is_that_of_the_window_whatever_the_delay(late):
    """States that are a tenth too large are wrong by a tenth of the ideal window."""
    u = np.random.RandomState(0).uniform(-1, 1, size=BASE.n_steps)
    ideal = simulate(u, BASE.theta, BASE.d, dt=BASE.dt)
    states = 1.1 * np.concatenate([np.zeros((late, BASE.d)), ideal[: len(u) - late]])
    warm = BASE.warm_steps
    window = ideal[warm - late : len(u) - late] @ readout(BASE.d, WINDOW_POINTS).T
    wanted = 0.1 * np.sqrt(np.mean(window**2) / np.mean(u[warm:] ** 2))
    errors = window_errors(BASE, u, states, lags=[0, 1, 2])
    assert errors[late] == min(errors) == pytest.approx(wanted)


# --- the command


def test_a_plan_has_all_sizes_and_routes(monkeypatch):
    monkeypatch.setattr(routes, "SIZES", ((6, 600), (6, 9600), (24, 2400)))
    plan = Routes()
    chip = [(r.d, r.n_neurons, r.copies) for r in plan.on_chip()]
    assert chip == [
        (6, 600, None),
        (6, 600, 4),
        (6, 9600, None),
        (24, 2400, None),
        (24, 2400, 4),
    ]
    ideas = [(r.d, r.n_neurons, r.route, r.relays) for r in plan.ideas()]
    assert ideas == [
        (6, 600, "memory", None),
        (6, 600, "relays", 20),
        (6, 600, "relays", 100),
        (6, 600, "blocks", None),
        (24, 2400, "memory", None),
        (24, 2400, "relays", 20),
        (24, 2400, "relays", 100),
    ]
    assert {r.simulator for r in plan.on_chip()} == {"fixed point"}
    assert {r.simulator for r in plan.ideas()} == {"reference"}


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"route": "ring"}, "route"),
        ({"copies": 0}, "copies"),
        ({"route": "relays"}, "relays"),
    ],
)
def test_unknown_routes_are_refused(fields, named):
    with pytest.raises(ArgumentError, match=named):
        replace(BASE, **fields)


def test_tables_and_record_have_all_in_their_places(tmp_path, monkeypatch, capsys):
    """All in their places, and measured only once."""
    monkeypatch.setattr(routes, "NEURONS", 10)
    out = tmp_path / "out"
    argv = ["loihi", "routes", "--n-neurons", "60", "--seconds", "2", "--seeds", "2"]
    argv += ["--workers", "1", "--out", str(out)]
    assert main(argv) == 0
    text = capsys.readouterr().out
    *lines, where = text.splitlines()
    assert all(len(line) <= 80 for line in lines) and str(out) in where
    record = json.loads((out / "loihi-routes.json").read_text())
    own, shared, copies = record["on_chip"]
    assert "chip" not in own and own["weights"] == "own"
    assert (own["copies"], shared["copies"], copies["copies"]) == (1, 1, 4)
    for row in (shared, copies, *record["ideas"]):
        error = row.get("chip", row["reference"])
        assert f"{error['mean']:.4f} +- {error['standard_error']:.4f}" in text
        assert f"{row['theory']:.4f}" in text
    large = {"d": 24, "n_neurons": 9600, "input_axons": 4096, "synapse_bits": 10**8}
    large |= {"synaptic_operations_per_second": 9e9}
    table = report.on_chip_table([own | large | {"cores": None}, copies | large])
    assert all(len(line) <= 80 for line in table.splitlines())
    # of the copies and the memory itself in the reference, the same runs
    assert shared["reference"] == copies["reference"]
    times = {path: path.stat().st_mtime_ns for path in out.rglob("records/*")}
    assert len(times) == 2 + 2 * (2 + 1 + len(record["ideas"]) - 1)
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["on_chip"] == record["on_chip"]
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("records/*")}


@pytest.mark.parametrize(
    "argv, named",
    [
        (["--n-neurons", "6"], "--n-neurons: must be at least 12"),
        (["--seconds", "1"], "--seconds: must be a whole number of windows"),
        (["--theta", "2"], "unrecognized arguments: --theta"),
        (["--seed", "0"], "--seed"),
        (["--units", "5"], "unrecognized arguments: --units"),
    ],
)
def test_bad_arguments_are_one_line(argv, named, capsys):
    try:
        status = main(["loihi", "routes", *argv])
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and named in err
