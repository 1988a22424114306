"""The experiment of readouts that learn."""

import numpy as np
import pytest

from nengo_lmu.experiments.learning.experiment import (
    AHEAD,
    DT,
    RMS,
    THETA,
    Learning,
    signals,
)


def test_what_is_to_be_learned_is_of_the_right_time():
    u, delay = signals("delay", 4.0, seed=0)
    given, prediction = signals("prediction", 4.0, seed=0)
    _, product = signals("product", 4.0, seed=0)
    half, ahead = int(THETA / 2 / DT), int(AHEAD / DT)
    assert np.array_equal(delay[half:], u[:-half])
    assert np.array_equal(prediction, u)
    assert np.array_equal(given[ahead:], u[:-ahead])
    first, last = u[2 * half - half : -half], u[: -2 * half]
    assert np.allclose(product[2 * half :], first * last / RMS)


def test_a_run_has_parts_a_table_and_a_figure(tmp_path):
    pytest.importorskip("matplotlib")
    experiment = Learning(tasks=("delay",), seconds=2.0, units=50, seeds=1)
    record = experiment.run(tmp_path, workers=1)
    (row,) = record["rows"]
    first, *_, last = (part["mean"] for part in row["learned"])
    # It begins with nothing, which is an error of about one, and is far from done.
    assert row["solved"]["mean"] < last < first
    assert 0 < row["held"]["mean"] < 1
    table = experiment.table(record)
    assert "delay, reference" in table and f"{100 * first:.1f}" in table
    assert (tmp_path / "learning.png").exists()
