"""Write memories as NIR graphs, and run them in Sinabs, which reads these.

    python docs/nir_readers.py [FOLDER]

The table has the error of the window that each simulator decodes. Without Sinabs (pip
install sinabs; it brings PyTorch) it has Nengo's only.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import nengo
import nir
import numpy as np

from nengo_lmu import LegendreMemory, legendre
from nengo_lmu.nir import from_nir, to_nir

regular = nengo.SpikingRectifiedLinear(
    initial_state={"voltage": nengo.dists.Choice([0])}
)
MEMORIES = {
    "ideal": {"n_neurons": 0},
    "regular, always on": {
        "neuron_type": regular,
        "intercepts": nengo.dists.Choice([-1]),
    },
    "regular, on and off": {"neuron_type": regular},
    "Poisson": {},
}
u = nengo.processes.WhiteSignal(10, high=1, rms=0.3, y0=0, seed=1).run_steps(5000)
window = legendre.readout(6, np.linspace(0, 1, 50)).T
ideal = legendre.simulate(u[:, 0], theta=1.0, d=6)


def in_nengo(path):
    network = from_nir(path, seed=0)
    with network:
        stimulus = nengo.Node(nengo.processes.PresentInput(u, 0.001))
        nengo.Connection(stimulus, network.input, synapse=None)
        probe = nengo.Probe(network.output)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(len(u))
    late = 1 if network.cell.ensembles else 0  # Nengo's synapses take a step
    return sim.data[probe][late:], ideal[: len(u) - late]


def in_sinabs(path):
    import torch
    from sinabs.nir import from_nir

    network, state, states = from_nir(nir.read(path), batch_size=1), None, []
    with torch.no_grad():
        for row in torch.tensor(u[:, np.newaxis]).float():
            values, state = network(row, state)
            states.append(values.numpy()[0].copy())
    return np.array(states), ideal


folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp())
folder.mkdir(parents=True, exist_ok=True)
simulators = {"Nengo": in_nengo} | (
    {"Sinabs": in_sinabs} if find_spec("sinabs") else {}
)
print(f"{'window error':<21}" + "".join(f"{name:>9}" for name in simulators))
for name, options in MEMORIES.items():
    memory = LegendreMemory(theta=1.0, d=6, add_to_container=False, **options)
    path = folder / f"{name.replace(',', '').replace(' ', '_')}.nir"
    nir.write(path, to_nir(memory, reader="sinabs", lossy=True))
    line = f"{name:<21}"
    for run in simulators.values():
        states, expected = run(path)
        difference = (states - expected) @ window
        line += f"{np.sqrt(np.mean(difference**2) / np.mean(u**2)):9.2g}"
    print(line)
