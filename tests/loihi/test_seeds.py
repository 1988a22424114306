"""The seed of a simulator reaches what runs on the host, too."""

import nengo
import numpy as np
import pytest

pytest.importorskip("nengo_loihi")

import nengo_loihi
from nengo_loihi.simulator import Simulator

import nengo_lmu.loihi
from nengo_lmu import LMU


def on_host(network_seed, simulator_seed=None, precompute=False, theta=0.1):
    """Return what two processes on the host came to in some steps.

    What a memory makes of them has to have arrived there.
    """
    with nengo.Network(seed=network_seed) as net:
        noise = nengo.Node(nengo.processes.WhiteNoise(seed=None))
        other = nengo.Node(nengo.processes.WhiteNoise(seed=None))
        if theta is not None:
            lmu = LMU(theta, 2, n_neurons=20)
            nengo.Connection(noise, lmu.input, synapse=None)
            state = nengo.Probe(lmu.memory.decoded)
        probes = [nengo.Probe(noise), nengo.Probe(other)]
        ensemble = nengo.Ensemble(5, 1)  # something has to be on the chip
        nengo.Connection(noise, ensemble)
    with nengo_loihi.Simulator(
        net, seed=simulator_seed, precompute=precompute, progress_bar=False
    ) as sim:
        sim.run_steps(50)
        assert theta is None or np.any(sim.data[state])
        return np.hstack([sim.data[probe] for probe in probes])


@pytest.mark.parametrize("precompute", [False, True])
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_equal_seeds_give_equal_processes_on_the_host(precompute):
    values = on_host(0, precompute=precompute)
    np.testing.assert_array_equal(values, on_host(0, precompute=precompute))
    assert np.all(values[:, 0] != values[:, 1])
    assert np.all(values != on_host(0, 5, precompute))
    # the simulator's seed is what counts, if there is one
    np.testing.assert_array_equal(on_host(0, 1, precompute), values)
    np.testing.assert_array_equal(on_host(None, 1, precompute), values)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_hosts_without_a_seed_or_a_memory_are_random_as_ever():
    assert np.all(on_host(None) != on_host(None))
    assert np.all(on_host(0, theta=None) != on_host(0, theta=None))


def test_simulator_is_nengo_loihis_own_after_uninstall():
    wrapped = Simulator.__init__
    try:
        nengo_lmu.loihi.uninstall()
        assert Simulator.__init__ is wrapped.__wrapped__
    finally:
        nengo_lmu.loihi.install()
    assert Simulator.__init__.__wrapped__ is wrapped.__wrapped__
