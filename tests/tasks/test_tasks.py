import numpy as np
import pytest

from nengo_lmu.legendre import simulate
from nengo_lmu.tasks import digits


def test_scan_order_never_jumps():
    order = digits.scan_order()
    assert sorted(order) == list(range(64))
    rows, columns = np.divmod(order, 8)
    steps = np.abs(np.diff(rows)) + np.abs(np.diff(columns))
    assert np.all(steps == 1)


def test_to_image_undoes_the_scan():
    image = np.arange(64.0)
    scanned = image[digits.scan_order()]
    assert np.array_equal(digits.to_image(scanned), image.reshape(8, 8))
    assert digits.to_image(np.stack([scanned] * 3)).shape == (3, 8, 8)


def test_digits_are_loaded_whole():
    pytest.importorskip("sklearn")
    loaded = digits.load_digits(seed=0)
    parts = (loaded.train, loaded.validation, loaded.test)
    assert [len(part) for part in parts] == [1078, 179, 540]
    for part in parts:
        assert part.pixels.shape == (len(part), 64)
        assert part.pixels.min() == pytest.approx(-0.3)
        assert part.pixels.max() == pytest.approx(0.7)
        assert set(part.labels) == set(range(10))
    # no digit is in two parts (two people may have drawn the same one: allow a few)
    known = {row.tobytes() for row in loaded.train.pixels}
    assert sum(row.tobytes() in known for row in loaded.test.pixels) < 5
    # another seed is another split, the same seed the same
    assert np.array_equal(digits.load_digits(0).test.labels, loaded.test.labels)
    assert not np.array_equal(digits.load_digits(1).test.labels, loaded.test.labels)


@pytest.mark.parametrize("delay", (0, 7))
def test_stream_states_are_those_of_the_simulated_stream(delay):
    rng = np.random.RandomState(0)
    before, pixels = rng.uniform(-0.3, 0.7, size=(2, 3, 64))
    p, dt, d = 2, 0.001, 5
    theta = 64 * p * dt
    states = digits.stream_states(pixels, before, theta, d, p, dt, delay=delay)
    for k in range(3):
        stream = np.repeat(np.concatenate([before[k], pixels[k]]), p)
        m = simulate(stream, theta, d, dt)
        assert np.allclose(states[k], m[-1 - delay], atol=1e-12)
