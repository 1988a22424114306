# %% [markdown]
# # Time as an input
# With `largest_speed`, a memory has an input for the speed of its time. A speed of 0
# holds the window, as in working memory, and one of 0.5 makes it twice as long. Here it
# is held for half a second, and later runs at half speed.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(3, high=2, rms=0.3, y0=0))
    memory = LegendreMemory(theta=0.5, d=6, largest_speed=1.0)
    nengo.Connection(stim, memory.input, synapse=None)
    speed = nengo.Node(lambda t: 0.0 if 1 < t < 1.5 else 1.0 if t < 2 else 0.5)
    nengo.Connection(speed, memory.speed, synapse=None)
    state = nengo.Probe(memory.output)
    end = nengo.Probe(memory.add_window([1.0]))
    signal = nengo.Probe(stim)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(3)

# %%
held = sim.data[state][1005:1500]
drift = np.abs(held - held[0]).max() / np.abs(held[0]).max()
print(f"drift in half a second of holding: {100 * drift:.1f} % of the state")
# from 3 s back to 1 s ago: in the second since 2 s, the window moved half a second
u = sim.data[signal][:, 0]
print(f"end of the window: {sim.data[end][-1, 0]:.3f}, input at 2 s: {u[1999]:.3f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3.6)})
figure, axes = plt.subplots(2, 1, sharex=True, layout="constrained")
axes[0].plot(sim.trange(), u, "0.6", label="signal")
axes[0].plot(sim.trange(), sim.data[end], "C0", label="end of the window")
axes[0].set_ylabel("signal")
axes[1].plot(sim.trange(), sim.data[state], lw=1)
axes[1].set(xlabel="time (s)", ylabel="state")
for ax in axes:
    ax.axvspan(1, 1.5, color="C1", alpha=0.15, label="held")
    ax.axvspan(2, 3, color="C2", alpha=0.15, label="half speed")
axes[0].legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.25))
plt.show()
