"""Networks without a memory are the same whether nengo_lmu is there or not.

The same to the last bit, and by the same operators, so at the same speed.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import bystanders
import nengo
import numpy as np
import pytest

from nengo_lmu import LMU
from nengo_lmu.networks.apart import LoneNeurons

HERE = Path(__file__).parent
# Without our mends, neither NengoDL nor NengoLoihi run on today's TensorFlow and NumPy.
PRESENCES = {
    "nengo": ("absent", "hooked", "imported"),
    "dl": ("hooked", "imported"),
    "loihi": ("hooked", "imported"),
}


def outcomes(presence, kind, *names):
    """Run networks in a fresh interpreter; return what came of each, by name."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_", "KERAS_", "NENGO_LMU_"))
    }
    result = subprocess.run(
        [sys.executable, HERE / "bystanders.py", presence, kind, *names],
        env={**environment, "PYTHONPATH": str(HERE.parent), "NENGO_LMU_NO_HOOK": "1"},
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    rows = map(json.loads, result.stdout.splitlines())
    return {row.pop("name"): row for row in rows}


def test_networks_of_nengo_do_not_notice():
    """All of them, one after another."""
    first, *others = [outcomes(presence, "nengo") for presence in PRESENCES["nengo"]]
    assert len(first) == 18 and not any("error" in row for row in first.values())
    assert len({row["digest"] for row in first.values()}) == 18
    for other in others:
        assert other == first


@pytest.mark.slow
@pytest.mark.parametrize("name", bystanders.MODELS)
@pytest.mark.parametrize("kind", PRESENCES)
def test_no_network_notices(kind, name):
    """Each in a process of its own."""
    if kind != "nengo":
        pytest.importorskip(f"nengo_{kind}")
    rows = [outcomes(presence, kind, name)[name] for presence in PRESENCES[kind]]
    assert all(row == rows[0] for row in rows)


# --- networks with a memory


def poisson_array():
    return nengo.networks.EnsembleArray(
        20, 5, neuron_type=nengo.PoissonSpiking(nengo.RectifiedLinear())
    )


def spikes_of_memory(beside, **kwargs):
    """Return the spikes of an LMU's memory and hidden units, and the simulator."""
    with nengo.Network(seed=0) as net:
        lmu = LMU(
            0.2, 3, units=4, input_kernel=np.ones((4, 1)), coupling="full", **kwargs
        )
        nengo.Connection(nengo.Node(0.5), lmu.input, synapse=None)
        probes = [nengo.Probe(lmu.memory.ensembles[0].neurons)]
        probes += [nengo.Probe(lmu.hidden.neurons)]
        for make in beside:
            make()
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(50)
    return [sim.data[probe] for probe in probes], sim


def operators(sim, cls):
    return [op for op in sim.step_order if type(op) is cls]


@pytest.mark.parametrize(
    "neuron_type",
    [
        nengo.PoissonSpiking(nengo.RectifiedLinear()),
        nengo.StochasticSpiking(nengo.RectifiedLinear()),
    ],
    ids=lambda neuron_type: type(neuron_type).__name__,
)
def test_memories_spike_alike_whatever_is_beside_them(neuron_type):
    """Nengo would warn of what it does to them, and a warning is an error here."""
    kwargs = {"neuron_type": neuron_type, "hidden_neuron_type": neuron_type}
    alone, sim = spikes_of_memory([], **kwargs)
    assert len(operators(sim, LoneNeurons)) == 2
    other = lambda: LMU(0.2, 3, units=4, coupling="full", seed=1, **kwargs)  # noqa: E731
    beside, sim = spikes_of_memory([other, other], **kwargs)
    assert len(operators(sim, LoneNeurons)) == 6
    for one, same in zip(alone, beside):
        assert np.any(one) and np.array_equal(one, same)


@pytest.mark.filterwarnings("ignore:Extra state has been modified")  # as Nengo says
def test_others_beside_a_memory_are_merged():
    alone, _ = spikes_of_memory([])
    beside, sim = spikes_of_memory([poisson_array])
    ordinary = operators(sim, nengo.builder.neurons.SimNeurons)
    (merged,) = [op for op in ordinary if op.state_extra]
    assert merged.output.size == 100
    for one, same in zip(alone, beside):
        assert np.array_equal(one, same)


@pytest.mark.skipif(find_spec("nengo_dl") is None, reason="NengoDL is not installed")
def test_nengo_dl_builds_ordinary_neurons():
    """It knows operators by their type."""
    nengo_dl = pytest.importorskip("nengo_dl")
    with nengo.Network(seed=0) as net:
        LMU(0.2, 3, units=4)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        kinds = {type(op) for ops in sim.tensor_graph.plan for op in ops}
    assert LoneNeurons not in kinds


def test_nengo_loihi_says_what_it_says_without_us():
    """What else we know of it follows."""
    nengo_loihi = pytest.importorskip("nengo_loihi")
    still = {"voltage": nengo.dists.Choice([0.0])}  # as all neurons on the chip begin
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.LIF(initial_state=still)
        pre = nengo.Ensemble(10, 1)
        post = nengo.Ensemble(5, 1, gain=np.ones(5), bias=np.full(5, 1e4))
        nengo.Connection(pre, post, transform=1e-3)
    words = "Could not find appropriate weight exponent: the largest weight"
    with pytest.raises(nengo.exceptions.BuildError, match=words):
        nengo_loihi.Simulator(net, progress_bar=False)
