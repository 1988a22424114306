"""Draw the figures of docs/how_to/plots.rst.

    python examples/plots.py [FOLDER]

A memory of half a second in 300 Poisson neurons: its basis, its window over time, its
spikes with what is decoded from them, its tuning curves, and its error against the
number of neurons, predicted and measured.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory, legendre, plots
from nengo_lmu.analysis import Setting, measure
from nengo_lmu.analysis.style import STYLE, save

THETA, D = 0.5, 6

with nengo.Network(seed=0) as net:
    stimulus = nengo.Node(nengo.processes.WhiteSignal(4, high=2, rms=0.3, y0=0, seed=1))
    memory = LegendreMemory(THETA, D, n_neurons=300)
    nengo.Connection(stimulus, memory.input, synapse=None)
    delayed = memory.add_window(points=[1.0])
    state = nengo.Probe(memory.output)
    decoded = nengo.Probe(delayed)
    signal = nengo.Probe(stimulus)
    neurons = nengo.Probe(memory.ensembles[0].neurons)
with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(4.0)

steps = int(THETA / sim.dt)
wanted = np.concatenate([np.zeros(steps), sim.data[signal][:-steps, 0]])
measured = {
    n: [measure(Setting(THETA, D, n, seed=seed))["window"] for seed in range(3)]
    for n in (30, 100, 300, 1000)
}
folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
with plt.rc_context(STYLE | {"figure.figsize": (5, 3)}):
    figures = {
        "basis": plots.basis(D, THETA),
        "window": plots.window(sim.data[state], THETA),
        "spikes": plots.spikes_and_window(
            sim.trange(), sim.data[neurons], sim.data[decoded], wanted
        )[0],
        "tuning": plots.tuning(memory),
        "error": plots.error(THETA, D, [20, 50, 100, 300, 1000, 2000], measured),
    }
    for name, ax in figures.items():
        save(ax.figure, folder / f"plot_{name}.png")
for n, errors in measured.items():
    predicted = legendre.predicted_error(THETA, D, n).window
    print(f"{n} neurons: predicted {predicted:.4f}, measured {np.mean(errors):.4f}")
