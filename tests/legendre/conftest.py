"""What several tests of the mathematics share."""

import nengo
import pytest


@pytest.fixture(scope="package")
def noise():
    """Return white noise of 1 Hz and an rms of 0.3, in steps of 5 ms for 200 s."""
    process = nengo.processes.WhiteSignal(200, high=1, rms=0.3, seed=0)
    signal = process.run(200, dt=0.005)[:, 0]
    signal.flags.writeable = False
    return signal
