"""Training with the memory's noise: ``nengo-lmu train noise``."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("nengo_dl")

from nengo_lmu.analysis import sweep  # noqa: E402
from nengo_lmu.cli import main  # noqa: E402
from nengo_lmu.experiments.digits import noise as noise_training  # noqa: E402
from nengo_lmu.experiments.digits.network import DigitClassifier  # noqa: E402
from nengo_lmu.tasks.digits import load_digits  # noqa: E402

SMALL = replace(
    noise_training.SETTINGS, steps_per_pixel=2, tau=0.03, d=4, units=10, epochs=2
)


def result(**spiking):
    return {
        "digits": 300,
        **{
            way: {"spiking": spiking.get(way, 0.5), "ideal": 0.9}
            for way in noise_training.WAYS
        },
    }


def test_summary_pairs_the_seeds():
    """Seeds differ by far more than the ways of training do."""
    base = [0.2, 0.5, 0.8]
    row = noise_training.summary(
        [
            result(rates=b, covariance=b + 0.1 + e, spikes=b + e, uncorrelated=b)
            for b, e in zip(base, (-0.01, 0.0, 0.01))
        ]
    )
    assert row["digits"] == 300
    assert row["rates"]["spiking"]["mean"] == pytest.approx(0.5)
    assert row["rates"]["spiking"]["standard_error"] == pytest.approx(0.3 / 3**0.5)
    assert "gain" not in row["rates"]
    gain = row["covariance"]["gain"]
    assert gain["mean"] == pytest.approx(0.1)
    assert gain["standard_error"] == pytest.approx(0.01 / 3**0.5)
    # t = 10 sqrt(3) with 2 degrees of freedom: p = 1 - t / sqrt(t^2 + 2)
    t = 10 * 3**0.5
    assert gain["p_value"] == pytest.approx(1 - t / (t**2 + 2) ** 0.5)
    assert row["spikes"]["gain"]["p_value"] == pytest.approx(1)
    assert row["uncorrelated"]["gain"]["p_value"] is None


def states(way, n_neurons=60):
    classifier = DigitClassifier(
        replace(
            SMALL,
            n_neurons=n_neurons,
            copies=2,
            d=4,
            steps_per_pixel=4,
            error_feedback=0.0,
        )
    )
    rng = np.random.RandomState(0)
    m, labels = noise_training.noisy_states(
        classifier, classifier.digits.train, way, rng, seed=0
    )
    return classifier, m, labels


@pytest.mark.parametrize("way", noise_training.WAYS)
def test_the_noise_of_the_states_has_its_covariance(way):
    """Its covariance, by what is left once the states without noise are taken off.

    All draw the same digits to come before first, so those are known. But for the
    spikes: there the covariance of all states is that of clean ones and the noise's.
    """
    classifier, m, labels = states(way)
    assert len(m) == len(labels) == 2 * len(classifier.digits.train)
    known = classifier.lmu.memory.noise_covariance
    if way == "spikes":
        order = np.random.RandomState(0).permutation(len(classifier.digits.train))
        assert np.array_equal(
            labels[: len(order)], classifier.digits.train.labels[order]
        )
        spread = np.cov(m.T) - np.cov(states("rates")[1].T)
        # sampling errors of the digits' own covariance come on top of the theory's 15 %
        assert np.trace(spread) == pytest.approx(np.trace(known), rel=0.4)
        return
    assert np.array_equal(labels, np.tile(classifier.digits.train.labels, 2))
    noise = m - states("rates")[1]
    wanted = {
        "rates": 0 * known,
        "uncorrelated": np.eye(4) * np.trace(known) / 4,
        "covariance": known,
        "hidden": known,
    }[way]
    # 2157 samples: standard errors of 3 % of the variances
    assert np.allclose(np.cov(noise.T), wanted, atol=0.15 * np.abs(known).max())


def test_half_of_the_copies_are_for_the_chip():
    """One has the noise of neurons that hear their error, one of those that do not.

    1078 samples each: standard errors of 4 % of the variances.
    """
    classifier = DigitClassifier(replace(SMALL, n_neurons=60, d=4, steps_per_pixel=4))
    split, memory = classifier.digits.train, classifier.lmu.memory
    clean, noisy = (
        classifier.states(split, 2, np.random.RandomState(0), covariance=covariance)[0]
        for covariance in (np.zeros((4, 4)), None)
    )
    chip = memory.filtered_noise(chip=True)
    assert np.trace(chip) > 4 * np.trace(memory.noise_covariance)
    noise = np.split(noisy - clean, 2)
    for found, wanted in zip(noise, (memory.noise_covariance, chip)):
        assert np.allclose(np.cov(found.T), wanted, atol=0.2 * np.abs(wanted).max())


def test_the_command_says_the_same_from_its_records(tmp_path, monkeypatch, capsys):
    """Tables, record and figure; the second time from the records alone."""
    monkeypatch.setattr(noise_training, "SETTINGS", SMALL)
    argv = ["train", "noise", "--n-neurons", "60", "44", "--seeds", "1"]
    argv += ["--digits", "9", "--workers", "1", "--out", str(tmp_path)]
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert "Neurons without feedback" in printed and "Neurons with feedback" in printed
    widths = [len(line) for line in printed.splitlines() if str(tmp_path) not in line]
    assert max(widths) <= 80
    record = json.loads((tmp_path / "train-noise.json").read_text())
    whose = [(row["feedback"], row["n_neurons"]) for row in record["rows"]]
    assert whose == [(name, m) for name in ("without", "with") for m in (44, 60)]
    assert record["rows"][0]["digits"] == 9
    assert record["network"]["d"] == 4
    assert (tmp_path / "train-noise.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(sweep, "attempt", None)
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == record["rows"]


def test_command_refuses_fewer_neurons_than_the_memory_needs(capsys):
    with pytest.raises(SystemExit) as error:
        main(["train", "noise", "--n-neurons", "43"])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert "--n-neurons" in printed and "'43'" in printed and "44" in printed


def test_seeds_split_the_digits_anew():
    """What is learned from and what is read are never the same, whatever the seed."""
    for seed in (0, 1):
        digits = load_digits(seed)
        parts = [digits.train, digits.validation, digits.test]
        assert [len(part) for part in parts] == [1078, 179, 540]
    assert not np.array_equal(load_digits(0).test.labels, load_digits(1).test.labels)


@pytest.mark.slow
def test_knowing_the_noise_wins_at_few_neurons():
    """At 100 neurons, at least 15 points more than by rates alone, in each of 2 seeds.

    They do not hear their error: with feedback, 100 have little noise.

    Measured: some 30 points, with a standard deviation of a few over seeds. At 1600
    neurons, where there is little noise, it does no harm: each accuracy is of 320
    digits, with a standard error of 1.5 points, and 4 are allowed.
    """
    network = replace(noise_training.SETTINGS, error_feedback=0.0)
    for seed in (0, 1):
        few = noise_training.measure(
            noise_training.Setting(100, 320, seed, network=network)
        )
        for way in ("covariance", "spikes"):
            assert few[way]["spiking"] > few["rates"]["spiking"] + 0.15
    many = noise_training.measure(noise_training.Setting(1600, 320, network=network))
    assert many["covariance"]["spiking"] > many["rates"]["spiking"] - 0.04
