"""Graphs in simulators of others that read NIR, where these are installed."""

import nengo
import numpy as np
import pytest

from nengo_lmu import LegendreMemory
from nengo_lmu.legendre import readout, simulate

pytest.importorskip("nir", reason="the package nir is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from nir_steps import Steps  # noqa: E402

from nengo_lmu.nir import to_nir  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # they have some, of their own

DT = 0.001
POINTS = readout(4, np.linspace(0, 1, 50)).T
AT_REST = nengo.SpikingRectifiedLinear(
    initial_state={"voltage": nengo.dists.Choice([0])}
)
LOSSLESS = {"neuron_type": AT_REST, "intercepts": nengo.dists.Choice([-1])}


def simulated(network, u):
    """Return the output of a network of nirtorch, which is called for each step."""
    state, output = None, []
    with torch.no_grad():
        for row in u:
            y, state = network(torch.tensor(row[np.newaxis]).float(), state)
            output.append(y.numpy().ravel().copy())
    return np.array(output)


@pytest.fixture(scope="module")
def u():
    process = nengo.processes.WhiteSignal(10, high=1, rms=0.3, seed=1, y0=0)
    return process.run_steps(2000)


def in_nengo(u, **options):
    """Return a memory, and its states in Nengo."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, DT))
        memory = LegendreMemory(theta=0.5, d=4, **options)
        nengo.Connection(stimulus, memory.input, synapse=None)
        probe = nengo.Probe(memory.output)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(len(u))
    return memory, sim.data[probe]


def window_error(states, ideal, u):
    return np.sqrt(np.mean(((states - ideal) @ POINTS) ** 2) / np.mean(u**2))


def in_sinabs(memory, u, **options):
    sinabs = pytest.importorskip("sinabs.nir", reason="Sinabs is not installed")
    graph = to_nir(memory, reader="sinabs", **options)
    return simulated(sinabs.from_nir(graph, batch_size=1), u)


def test_sinabs_runs_ideal_memories(u):
    """In single precision."""
    memory, expected = in_nengo(u, n_neurons=0)
    states = in_sinabs(memory, u)
    assert np.abs(states - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    "options, lossy, factor",
    [
        (LOSSLESS, (), 1.5),
        # its voltages end at -1 below, where Nengo's neurons keep what they have
        ({"neuron_type": AT_REST}, ["negative currents"], 3.0),
    ],
)
def test_sinabs_runs_memories_with_neurons(u, options, lossy, factor):
    """With the error feedback: 0.4 % of the window in both."""
    memory, states = in_nengo(u, n_neurons=300, **options)
    ideal = simulate(u[:, 0], 0.5, 4)
    nengos = window_error(states[1:], ideal[:-1], u)
    theirs = window_error(in_sinabs(memory, u, lossy=lossy), ideal, u)
    assert memory.error_feedback > 0.5 and nengos < 0.01
    assert theirs < factor * nengos


def test_norse_runs_the_recurrent_form(u):
    """As NIR's equations in Euler's steps say, to single precision.

    A spike of which rounding decides whether it is in this step or the next adds a
    little.
    """
    norse = pytest.importorskip("norse.torch", reason="Norse is not installed")
    from norse.torch.functional.reset import reset_subtract

    memory, _ = in_nengo(u, n_neurons=100, error_feedback=0, **LOSSLESS)
    graph = to_nir(memory, form="recurrent", reader="euler")
    theirs = simulated(norse.from_nir(graph, dt=DT, reset_method=reset_subtract), u)
    ours = Steps(graph, DT, euler=True).run(u)["output"]
    synapse = nengo.Lowpass(0.02)
    theirs, ours, ideal = (
        synapse.filt(x, dt=DT, y0=0) for x in (theirs, ours, simulate(u[:, 0], 0.5, 4))
    )
    error = window_error(ours, ideal, u)
    assert error < 0.3
    assert window_error(theirs, ours, u) < 0.05 * error
