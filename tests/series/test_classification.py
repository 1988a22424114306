"""Classes of sequences."""

import numpy as np
import pytest

pytest.importorskip("nengo_dl")

from nengo_lmu.legendre import ArgumentError, simulate
from nengo_lmu.series import (
    Settings,
    classify,
    evaluate_classes,
    load,
    pad,
    save,
    stream,
)
from nengo_lmu.series.states import ideal_states, states_to_read


def chirps(n, seed):
    """Return sequences of 10 to 15 samples, of one of two frequencies."""
    rng = np.random.RandomState(seed)
    labels = np.arange(n) % 2
    x = [
        np.sin((0.3 + 0.5 * label) * np.arange(rng.randint(10, 16)) + 7 * rng.rand())
        for label in labels
    ]
    return x, np.array(["slow", "fast"])[labels]


@pytest.fixture(scope="module")
def model():
    x, labels = chirps(48, seed=0)
    return classify(
        x, labels, d=4, units=60, folds=2, epochs=8, sample_time=0.01, seed=1
    )


def test_two_frequencies_are_told_apart_by_ideal_memory_spikes_and_the_file(
    model, tmp_path
):
    x, labels = chirps(40, seed=1)
    for simulator in ("ideal", "nengo"):
        result = evaluate_classes(model, x, labels, simulator)
        # 31 of 40 would be far from chance (p < 0.001)
        assert result.accuracy >= 0.8
        assert set(result.guesses) <= {"slow", "fast"}
    save(model, tmp_path / "network.npz")
    again = load(tmp_path / "network.npz")
    same = evaluate_classes(again, x, labels)
    assert np.array_equal(same.guesses, result.guesses)


def test_the_emulator_tells_them_apart_too(model):
    pytest.importorskip("nengo_loihi")
    x, labels = chirps(24, seed=2)
    assert evaluate_classes(model, x, labels, "emulator").accuracy >= 0.75


def test_the_model_says_what_was_chosen_and_why(model):
    assert model.choice.value.d == 4 and model.choice.value.theta == 15
    assert "the longest sequence" in model.choice.reasons[0]
    assert model.choice.reasons[1] == "d is 4, as was asked for"
    assert "by validation in 2 folds" in model.choice.reasons[-1]


def test_labels_that_were_not_trained_on_are_refused(model):
    with pytest.raises(ArgumentError, match="label 0 is 'medium'"):
        evaluate_classes(model, [np.ones(5)], ["medium"])
    with pytest.raises(ArgumentError, match="must have 1 features, but has 2"):
        evaluate_classes(model, [np.ones((5, 2))], ["slow"])


def test_a_class_of_one_sequence_is_refused():
    with pytest.raises(ArgumentError, match="class b has one sequence only"):
        classify([np.ones(4)] * 3, ["a", "a", "b"])


def settings(**changes):
    given = dict(task="classify", features=2, outputs=2, theta=6, d=3, n_neurons=0)
    return Settings(**given | changes)


def test_states_at_the_ends_are_those_of_the_ideal_memory_in_a_stream(rng):
    parts = [rng.standard_normal((n, 2)) for n in (4, 7, 5)]
    s = settings(readout_tau=1e-6)
    m, owner = states_to_read(parts, s, np.random.RandomState(3))
    order = np.random.RandomState(3).permutation(3)
    together = stream(parts, 6, order)
    wanted = simulate(together.samples, 6.0, 3, 1.0).reshape(-1, 6)[together.ends]
    assert np.allclose(m, wanted[owner])
    assert np.bincount(owner).tolist() == [8, 8, 8]


def test_states_of_every_sample_are_owned_by_its_sequence(rng):
    parts = [rng.standard_normal((n, 2)) for n in (4, 7)]
    m, owner = states_to_read(parts, settings(read="every"), rng)
    assert len(m) == 11 and np.bincount(owner).tolist() == [4, 7]


def test_states_within_samples_are_those_of_the_held_input(rng):
    u = rng.standard_normal((9, 2))
    fine = simulate(np.repeat(u, 4, axis=0), 6.0, 3, 0.25).reshape(-1, 6)
    assert np.allclose(ideal_states(u, settings(), every=4), fine)


def test_padding_in_front_changes_nothing_of_the_state_at_the_end(rng):
    parts = [rng.standard_normal((n, 2)) for n in (4, 9)]
    padded, mask = pad(parts)
    for row, part in zip(padded, parts):
        states = [ideal_states(u, settings())[-1] for u in (row, part)]
        assert np.allclose(*states)
