"""Real series, where their packages are, and their files in packages that are not."""

import sys

import numpy as np
import pytest

from nengo_lmu.tasks import series

# packages, each with the names of what it brings
BROUGHT = {
    "aeon": ("japanese_vowels", "basic_motions", "internal_bleeding"),
    "statsmodels": ("sunspots",),
    "sktime": ("electrocardiogram",),
}


def needs(package):
    return pytest.mark.skipif(
        not series.is_installed(package), reason=f"{package} is not installed"
    )


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Packages with files in them, that cannot be imported."""
    for name in BROUGHT:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_sequences_are_read_of_a_package_without_importing_it(packages):
    folder = packages / "aeon/datasets/data/JapaneseVowels"
    folder.mkdir(parents=True)
    head = "# text\n@problemName x\n@classLabel true 1 2\n@data\n"
    (folder / "JapaneseVowels_TRAIN.ts").write_text(head + "1,2,3:4,5,6:1\n7:8:2\n")
    (folder / "JapaneseVowels_TEST.ts").write_text(head + "\n9,1:2,3:2\n")
    data = series.japanese_vowels()
    assert data.x[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert data.x[1].tolist() == [[7, 8]] and data.labels.tolist() == ["1", "2"]
    assert data.x_test[0].tolist() == [[9, 2], [1, 3]]


def test_an_electrocardiogram_is_of_means(packages):
    folder = packages / "sktime/datasets/data/mitdb"
    folder.mkdir(parents=True)
    (folder / "mitdb.csv").write_text("data,label\n1,0\n2,0\n3,0\n4,0\n6,1\n9,0\n0,0\n")
    data = series.electrocardiogram(every=2)
    assert data.x.tolist() == [1.5, 3.5, 7.5]
    assert data.anomaly.tolist() == [False, False, True] and data.n_train == 1


@pytest.mark.parametrize("name", sum(BROUGHT.values(), ()))
def test_a_missing_package_is_named_with_the_extra(monkeypatch, name):
    monkeypatch.setattr(series, "find_spec", lambda package: None)
    with pytest.raises(ImportError, match=r"nengo-lmu\[data\]"):
        getattr(series, name)()


@needs("aeon")
def test_the_utterances_are_those_of_the_archive():
    data = series.japanese_vowels()
    assert (len(data.x), len(data.x_test)) == (270, 370)
    lengths = [len(one) for one in data.x + data.x_test]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert {one.shape[1] for one in data.x} == {12}
    assert np.unique(data.labels).tolist() == [str(k) for k in range(1, 10)]


@needs("aeon")
def test_the_motions_are_those_of_the_archive():
    data = series.basic_motions()
    assert {one.shape for one in data.x + data.x_test} == {(100, 6)}
    assert np.unique(data.labels, return_counts=True)[1].tolist() == [10] * 4


@needs("aeon")
def test_the_pressure_has_its_anomaly_where_its_name_says():
    data = series.internal_bleeding()
    at = np.flatnonzero(data.anomaly)
    assert len(data.x) == 7501 and (at[0], at[-1]) == (4187, 4198)
    assert not data.anomaly[: data.n_train].any()


@needs("statsmodels")
def test_the_sunspots_are_those_from_1700_to_2008():
    years, numbers = series.sunspots()
    assert np.array_equal(years, np.arange(1700, 2009))
    assert years[series.SUNSPOT_YEARS] == 1921 and numbers.max() == 190.2


@needs("sktime")
def test_the_electrocardiogram_has_a_premature_beat_in_its_second_half():
    data = series.electrocardiogram()
    assert len(data.x) == 2500
    assert np.flatnonzero(data.anomaly)[0] > data.n_train
