# %% [markdown]
# # Neurons that hear their error
# Each population of a memory is told how far its spikes of the last step were off,
# and takes that back in the next one. Without (`error_feedback=0`), the same neurons
# have ten times the error, at the same rates.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

memories, windows, trains = {}, {}, {}
with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(4, high=1, rms=0.3, y0=0))
    ideal = LegendreMemory(1.0, 6, n_neurons=0)
    for name, gain in {"deaf": 0, "hearing": None}.items():  # None: the best gain
        memories[name] = LegendreMemory(1.0, 6, n_neurons=300, error_feedback=gain)
    for name, memory in {"ideal": ideal, **memories}.items():
        nengo.Connection(stim, memory.input, synapse=None)
        windows[name] = nengo.Probe(memory.add_window(np.linspace(0, 1, 20)))
        trains[name] = [nengo.Probe(e.neurons) for e in memory.ensembles]

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(4)

# %%
for name, memory in memories.items():
    noise = (sim.data[windows[name]] - sim.data[windows["ideal"]])[1000:]
    count = sum(np.count_nonzero(sim.data[probe]) for probe in trains[name])
    print(
        f"{name}: error {np.sqrt(np.mean(noise**2)) / 0.3:.4f}, expected "
        f"{memory.predicted_error.window:.4f}, {count / 4000:.1f} thousand spikes a s"
    )

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
for name, colour in {"deaf": "C1", "hearing": "C0"}.items():
    plt.plot(sim.trange(), sim.data[windows[name]][:, -1], colour, lw=1, label=name)
plt.plot(sim.trange(), sim.data[windows["ideal"]][:, -1], "k--", lw=1, label="ideal")
plt.xlabel("time (s)")
plt.ylabel("input a second ago")
plt.legend(ncols=3)
plt.tight_layout()
plt.show()
