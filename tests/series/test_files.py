"""Files with somebody's series."""

import numpy as np
import pytest

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.series import read


def test_an_npz_of_padded_sequences_has_their_lengths(tmp_path, rng):
    x = rng.standard_normal((3, 5, 2))
    x[1, 3:] = np.nan  # padding need not be clean
    np.savez(tmp_path / "s.npz", x=x, lengths=[5, 3, 4], labels=["a", "b", "a"])
    train, test = read(tmp_path / "s.npz")
    assert test is None and train.labels.tolist() == ["a", "b", "a"]
    assert [len(one) for one in train.x] == [5, 3, 4]
    assert np.array_equal(train.x[1], x[1, :3])


def test_an_npz_of_sequences_one_after_another_is_split(tmp_path):
    x = np.arange(10.0)[:, np.newaxis]
    np.savez(tmp_path / "s.npz", x=x, lengths=[4, 6], x_test=x[:3], lengths_test=[3])
    train, test = read(tmp_path / "s.npz")
    assert np.array_equal(np.concatenate(train.x), x)
    assert len(train.x[1]) == 6 and len(test.x[0]) == 3


def test_an_npz_of_one_series_is_one_sequence(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.arange(5.0))
    train, _ = read(tmp_path / "s.npz")
    assert [one.shape for one in train.x] == [(5, 1)]


def test_a_csv_has_sequences_labels_and_parts(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "part,sequence,label,u,v\n"
        "train,1,a,0,1\ntrain,1,a,2,3\ntrain,2,b,4,5\ntest,1,b,6,7\n"
    )
    train, test = read(path)
    assert [one.tolist() for one in train.x] == [[[0, 1], [2, 3]], [[4, 5]]]
    assert train.labels.tolist() == ["a", "b"]
    assert test.x[0].tolist() == [[6, 7]] and test.labels.tolist() == ["b"]


def test_a_csv_of_numbers_alone_is_one_series(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("u\n1\n2.5\n")
    train, test = read(path)
    assert train.x[0].tolist() == [[1], [2.5]] and train.labels is None and test is None


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["no samples"]),
        ("u\n", ["no samples"]),
        ("u,v\n1,2\n3\n", ["row 3", "1 cells"]),
        ("u\n1\nabc\n", ["row 3", "'abc'", "column u"]),
        ("u\n1\nnan\n", ["row 3", "'nan'"]),
        ("label\na\n", ["no column of a feature"]),
        ("part,u\nvalidate,1\n", ["row 2", "'validate'"]),
        ("part,u\ntest,1\n", ["part train"]),
        ("sequence,u\n1,0\n2,0\n1,0\n", ["row 4", "'1'"]),
        ("sequence,label,u\n1,a,0\n1,b,0\n2,a,0\n", ["several labels", "sequence 0"]),
    ],
)
def test_a_bad_csv_is_named_with_its_row(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    _refused(path, words)


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"y": [1.0]}, ["no array x", "y"]),
        ({"x": [1.0], "z": [1.0]}, ["array z"]),
        ({"x": [[1.0], [np.nan]]}, ["x", "sample 1"]),
        ({"x": np.ones((2, 3, 1)), "lengths": [3, 4]}, ["lengths", "at most 3"]),
        ({"x": np.ones((2, 3, 1)), "lengths": [3, 0]}, ["lengths", "at least 1"]),
        ({"x": np.ones((2, 3, 1)), "lengths": [3.0, 1.0]}, ["lengths", "whole"]),
        ({"x": np.ones((5, 1)), "lengths": [3, 3]}, ["lengths", "5 samples", "6"]),
        ({"x": [1.0], "labels_test": ["a"]}, ["no array x_test"]),
        ({"x": np.array([None, 1])}, ["no npz file"]),
        ({"x": np.ones((1, 1, 1, 1))}, ["x[0]", "(1, 1, 1)"]),
    ],
)
def test_a_bad_npz_is_named_with_its_array(tmp_path, arrays, words):
    np.savez(tmp_path / "bad.npz", **arrays)
    _refused(tmp_path / "bad.npz", words)


def test_files_of_no_use_are_named(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 and nothing else")
    _refused(tmp_path / "bad.npz", ["no npz file"])
    (tmp_path / "bad.csv").write_bytes(b"u\n\xff\xfe\n")
    _refused(tmp_path / "bad.csv", ["no csv file"])
    _refused(tmp_path / "bad.txt", [".npz, .csv"])
    _refused(tmp_path / "none.csv", ["No such file"])
    _refused(tmp_path / "none.npz", ["No such file"])


def _refused(path, words):
    with pytest.raises(ArgumentError) as error:
        read(path)
    text = str(error.value)
    assert path.name in text and "\n" not in text
    assert all(word in text for word in words), text
