# %% [markdown]
# # Compute a function of the window in neurons
# The product of the input at two past moments is not a linear function of the memory's
# state. Neurons beside the memory compute it: in spikes, and in any simulator.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE


def product(window):
    return window[0] * window[1]


with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(4, high=2, rms=0.4, y0=0))
    memory = LegendreMemory(theta=0.5, d=6, n_neurons=600)
    nengo.Connection(stim, memory.input, synapse=None)
    exact = nengo.Probe(memory.add_window([0.5, 1.0], product))  # by a node
    neurons = nengo.Probe(memory.add_window([0.5, 1.0], product, n_neurons=400))
    signal = nengo.Probe(stim)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(4)

# %%
u = sim.data[signal][:, 0]
wanted = np.zeros(len(u))
wanted[500:] = u[250:-250] * u[:-500]
for name, probe in {"a node": exact, "neurons": neurons}.items():
    error = np.sqrt(np.mean((sim.data[probe][600:, 0] - wanted[600:]) ** 2))
    print(f"{name}: error {error / wanted.std():.3f} of the product's deviation")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
t = sim.trange()
plt.plot(t, wanted, "k", lw=3, alpha=0.3, label="wanted")
plt.plot(t, sim.data[exact], "C0", label="by a node")
plt.plot(t, sim.data[neurons], "C3", label="by 400 neurons")
plt.xlabel("time (s)")
plt.ylabel("u(t - 0.25 s) u(t - 0.5 s)")
plt.legend(ncols=3)
plt.tight_layout()
plt.show()
