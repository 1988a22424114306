# %% [markdown]
# # Fit a readout to data
# This readout forecasts a signal. It is fitted in closed form, with the noise of the
# spikes taken into account, and its error is known beforehand. There is no training,
# and no parameter to tune.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

AHEAD = 30  # steps, of a millisecond each
u = np.sin(2 * np.pi * np.arange(2800) / 400) ** 3
target = np.roll(u, -AHEAD)

with nengo.Network(seed=0) as net:
    signal = nengo.Node(nengo.processes.PresentInput(u[:, np.newaxis], 0.001))
    memory = LegendreMemory(theta=0.2, d=6, n_neurons=600, input_range=u)
    nengo.Connection(signal, memory.input, synapse=None)
    readout = memory.fit_readout(u, target, washout=400)
    probe = nengo.Probe(readout.node)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(2.8)

# %%
missed = (sim.data[probe][:, 0] - target)[400:]
error, expected = np.sqrt(np.mean(missed**2)), readout.predicted_error[0]
held = np.sqrt(np.mean((u - target)[400:] ** 2))
print(f"forecast, {AHEAD} ms ahead: error {error:.4f}, expected {expected:.4f}")
print(f"with the present value as the forecast: error {held:.4f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
t = sim.trange()
plt.plot(t, u, "0.7", lw=1.5, label="signal")
plt.plot(t, target, "k", lw=3, alpha=0.3, label=f"signal in {AHEAD} ms")
plt.plot(t, sim.data[probe], "C0", lw=1, label="forecast from spikes")
plt.xlim(0.8, 1.8)
plt.xlabel("time (s)")
plt.ylabel("signal")
plt.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
