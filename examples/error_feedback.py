# %% [markdown]
# # Neurons that hear their own error
# Each population of a memory receives the error of its spikes in the last time step,
# and corrects it in the next one. Without this feedback (`error_feedback=0`), the same
# neurons have ten times the error, at the same rates.

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
    for name, gain in {"without": 0, "with": None}.items():  # None: the best gain
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
        f"{name} feedback: error {np.sqrt(np.mean(noise**2)) / 0.3:.4f}, expected "
        f"{memory.predicted_error.window:.4f}, {count / 4000:.1f} thousand spikes/s"
    )

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
for name, colour in {"without": "C1", "with": "C0"}.items():
    error = (sim.data[windows[name]] - sim.data[windows["ideal"]])[:, -1] / 0.3
    plt.plot(sim.trange(), 100 * error, colour, lw=1, label=f"{name} feedback")
plt.xlabel("time (s)")
plt.ylabel("error of the delay by 1 s\n(% of the input's rms)")
plt.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.15))
plt.tight_layout()
plt.show()
