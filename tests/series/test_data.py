"""Arrays, their checks, padding and streams; scaling; windows."""

import numpy as np
import pytest

from nengo_lmu.legendre import ArgumentError, pade_error
from nengo_lmu.series import (
    Scaling,
    bandwidth,
    choose_window,
    folds_of_groups,
    folds_of_time,
    labels_of,
    one_series,
    pad,
    sequences,
    stream,
    zero_of_autocorrelation,
)
from nengo_lmu.series.choice import memories, tried
from nengo_lmu.series.window import DELAY_ERROR


@pytest.mark.parametrize(
    "x",
    [
        np.arange(12.0).reshape(2, 3, 2),
        [np.ones((3, 2)), np.ones((5, 2))],
        [[[1, 2], [3, 4]], [[5, 6]]],
    ],
)
def test_sequences_of_any_form_are_arrays_of_samples_and_features(x):
    arrays = sequences("x", x)
    assert [array.shape for array in arrays] == [np.shape(one) for one in x]
    assert all(array.dtype == np.float64 for array in arrays)


def test_sequences_of_one_feature_need_no_axis_for_it():
    assert [one.shape for one in sequences("x", [[1, 2, 3], [4]])] == [(3, 1), (1, 1)]


@pytest.mark.parametrize(
    "x, words",
    [
        (3, ["x", "list"]),
        ([], ["x", "list"]),
        ("abc", ["x", "list"]),
        ([np.ones((2, 2)), np.ones((2, 3))], ["x[1]", "2 features", "has 3"]),
        ([np.ones(3), np.ones((0, 1))], ["x[1]", "(0, 1)"]),
        ([np.ones((2, 2, 2))], ["x[0]", "(2, 2, 2)"]),
        ([[1.0, 2.0], [3.0, np.nan, 4.0]], ["x[1]", "NaN", "sample 1, feature 0"]),
        ([[1.0, np.inf]], ["x[0]", "sample 1"]),
        ([["a"]], ["x[0]", "numbers"]),
    ],
)
def test_bad_sequences_are_named_in_one_line(x, words):
    with pytest.raises(ArgumentError) as error:
        sequences("x", x)
    text = str(error.value)
    assert "\n" not in text and all(word in text for word in words), text


def test_a_series_of_other_features_than_those_of_the_training_is_refused():
    with pytest.raises(ArgumentError, match="must have 2 features, but has 3"):
        one_series("x", np.ones((4, 3)), n_features=2)
    with pytest.raises(ArgumentError, match="shape is \\(2, 2, 2\\)"):
        one_series("x", np.ones((2, 2, 2)))


def test_labels_are_numbers_of_sorted_classes():
    numbers, classes = labels_of("labels", ["b", "a", "b"], 3)
    assert numbers.tolist() == [1, 0, 1] and classes.tolist() == ["a", "b"]
    again, _ = labels_of("labels", ["a"], 1, classes)
    assert again.tolist() == [0]


@pytest.mark.parametrize(
    "labels, n, classes, words",
    [
        ([1, 2], 3, None, "must be 3 labels"),
        ([1, 1], 2, None, "two classes"),
        ([1.0, np.nan], 2, None, "label 1 is NaN"),
        ([1, 7], 2, np.array([1, 2]), "label 1 is 7"),
        ([[1], [2]], 2, None, "shape (2, 1)"),
        ([None, 1], 2, None, "numbers or strings"),
    ],
)
def test_bad_labels_are_named(labels, n, classes, words):
    with pytest.raises(ArgumentError) as error:
        labels_of("labels", labels, n, classes)
    assert words in str(error.value)


def test_padding_is_in_front_and_the_mask_tells_where(rng):
    parts = [rng.standard_normal((n, 2)) for n in (3, 5)]
    x, mask = pad(parts, 6)
    assert x.shape == (2, 6, 2)
    for row, kept, part in zip(x, mask, parts):
        assert np.array_equal(row[kept], part)
        assert np.all(row[~kept] == 0) and np.all(np.diff(kept.astype(int)) >= 0)


def test_a_stream_leaves_a_window_from_end_to_end_and_knows_whose_samples_are_whose(
    rng,
):
    parts = [rng.standard_normal((n, 1)) for n in (3, 9, 1, 6)]
    together = stream(parts, 6, order=[2, 0, 3, 1])
    for i, part in enumerate(parts):
        assert np.array_equal(together.samples[together.owner == i], part)
        assert together.owner[together.ends[i]] == i
        before = together.samples[: together.ends[i] + 1][-6:]
        assert np.array_equal(before[-len(part) :], part[-6:])
        assert np.all(before[: -len(part)] == 0)
    assert np.all(together.samples[together.owner < 0] == 0)


def test_scaling_is_of_the_training_data_and_can_be_undone(rng):
    train = [rng.standard_normal((20, 2)) * [3, 0.1] + [10, -1] for _ in range(3)]
    scaling = Scaling.fit(train)
    scaled = np.concatenate([scaling.apply(one) for one in train])
    assert np.allclose(np.abs(scaled).max(axis=0), 1)
    assert np.allclose(scaled.mean(axis=0), 0)
    other = rng.standard_normal((5, 2)) * 100
    assert np.allclose(scaling.invert(scaling.apply(other)), other)


def test_scaling_leaves_what_does_not_vary_at_0():
    scaling = Scaling.fit([np.full((4, 1), 7.0)])
    assert np.array_equal(scaling.apply(np.full((2, 1), 7.0)), np.zeros((2, 1)))


def test_the_square_root_is_undone_and_refused_below_0():
    x = np.array([[0.0], [1.0], [9.0]])
    scaling = Scaling.fit([x], "sqrt")
    assert np.allclose(scaling.invert(scaling.apply(x)), x)
    assert np.allclose(np.diff(scaling.apply(x)[:, 0]), np.array([1, 2]) / (5 / 3))
    with pytest.raises(ArgumentError, match="'sqrt'.*-1"):
        scaling.apply(np.array([[-1.0]]))
    with pytest.raises(ArgumentError, match="one of 'none', 'sqrt'"):
        Scaling.fit([x], "log")


@pytest.mark.parametrize("period", [12, 40, 100])
def test_the_window_of_a_wave_is_about_its_period(period):
    x = np.sin(2 * np.pi * np.arange(20 * period) / period)[:, np.newaxis]
    lag = zero_of_autocorrelation([x])
    assert abs(lag - period / 4) <= 1
    window = choose_window([x])
    assert abs(window.theta - period) <= 4
    assert f"{window.theta} samples" in window.reasons[0]
    assert f"d is {window.d}" in window.reasons[1]


def test_the_window_of_what_is_read_last_is_the_longest_sequence(rng):
    parts = [rng.standard_normal((n, 3)) for n in (7, 31, 12)]
    assert choose_window(parts, read="last").theta == 31


def test_a_series_whose_autocorrelation_does_not_fall_says_so():
    window = choose_window([np.zeros((40, 1))])
    assert window.theta == 10 and "does not fall" in window.reasons[0]


@pytest.mark.parametrize("frequency", [0.05, 0.2])
def test_the_bandwidth_of_a_wave_is_its_frequency(frequency):
    x = np.sin(2 * np.pi * frequency * np.arange(400))[:, np.newaxis]
    # a window of Hann's shape spreads a line over a few of the 1/400
    assert abs(bandwidth([x]) - frequency) <= 2 / 400


def test_the_order_is_the_lowest_that_delays_the_bandwidth():
    x = np.sin(2 * np.pi * np.arange(600) / 30)[:, np.newaxis]
    window = choose_window([x], theta=60)
    errors = [
        pade_error(60.0, d, bandwidth([x])) for d in range(window.d - 1, window.d + 1)
    ]
    assert errors[1] <= DELAY_ERROR < errors[0]


def test_orders_above_the_window_are_left_out():
    pairs = [(one.theta, one.d) for one in memories([4, 16], [3, 8])]
    assert pairs == [(4, 3), (16, 3), (16, 8)]
    with pytest.raises(ArgumentError, match="d: must be at most theta"):
        memories([4], [8])


def test_folds_share_out_each_class(rng):
    groups = rng.permutation(np.repeat([0, 1, 2], [30, 12, 6]))
    parts = folds_of_groups(groups, 3, seed=1)
    left_out = np.concatenate([part for _, part in parts])
    assert np.array_equal(np.sort(left_out), np.arange(48))
    for kept, part in parts:
        assert np.bincount(groups[part]).tolist() == [10, 4, 2]
        assert len(np.intersect1d(kept, part)) == 0


def test_folds_of_a_series_keep_away_from_what_they_are_validated_on():
    parts = folds_of_time(100, 4, gap=10)
    assert np.array_equal(np.concatenate([part for _, part in parts]), np.arange(100))
    for kept, part in parts:
        distances = np.abs(kept[:, np.newaxis] - part).min(axis=1)
        assert distances.min() == 11


def test_a_choice_says_which_values_were_tried_and_why():
    assert tried("d", [8]) == "d is 8, as was asked for"
    assert tried("d", [8, 4]) == "d is one of 8, 4, as was asked for"
    assert tried("d", [8], "d is 8, since") == "d is 8, since"
    assert tried("d", [8, 4], "d is 8, since") == "d is 8, since; 8, 4 are tried"
