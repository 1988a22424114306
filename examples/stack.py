# %% [markdown]
# # A stack of memories
# The end of the first window is the input of the second memory. So two memories of half
# a second remember a whole second. Both can be read at any point of their windows.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LMU
from nengo_lmu.analysis.style import STYLE

with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(6, high=1, rms=0.3, y0=0))
    first, second = (LMU(theta=0.5, d=6, n_neurons=600) for _ in range(2))
    nengo.Connection(stim, first.input, synapse=None)
    between = first.memory.add_window([1.0])
    nengo.Connection(between, second.input, synapse=None)
    signal = nengo.Probe(stim)
    probes = {
        0.5: nengo.Probe(between),
        0.75: nengo.Probe(second.memory.add_window([0.5])),
        1.0: nengo.Probe(second.memory.add_window([1.0])),
    }

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(6)

# %%
u = sim.data[signal][:, 0]
plt.rcParams.update(STYLE | {"figure.figsize": (7, 4)})
figure, axes = plt.subplots(3, 1, sharex=True, layout="constrained")
for ax, (delay, probe) in zip(axes, probes.items()):
    steps = round(1000 * delay)
    wanted, decoded = u[:-steps], sim.data[probe][steps:, 0]
    error = np.sqrt(np.mean((decoded - wanted)[500:] ** 2)) / 0.3
    print(f"{delay} s ago: error {100 * error:.1f} % of the signal's rms")
    ax.plot(sim.trange()[steps:], wanted, "k", lw=3, alpha=0.3, label="wanted")
    ax.plot(sim.trange()[steps:], decoded, "C0", lw=1, label="from spikes")
    ax.set_ylabel(f"{delay} s ago")
axes[0].legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.4))
axes[-1].set_xlabel("time (s)")
plt.show()
