# %% [markdown]
# # Read the whole window
# A memory holds its input at every point of the window, not only at the end. Here 50
# points of a window of half a second are decoded at each time step.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory, legendre
from nengo_lmu.analysis.style import STYLE

THETA, D = 0.5, 8
points = np.linspace(0, 1, 50)  # 0 is now, 1 is theta ago

with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(3, high=2.5, rms=0.3, y0=0))
    memory = LegendreMemory(THETA, D, n_neurons=800)
    nengo.Connection(stim, memory.input, synapse=None)
    window = nengo.Probe(memory.add_window(points))
    signal = nengo.Probe(stim)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(3)

# %% [markdown]
# The ideal memory, which has no neurons, has the same window without the noise of
# spikes.

# %%
states = legendre.simulate(sim.data[signal][:, 0], THETA, D)
ideal = states @ legendre.readout(D, points).T
noise = np.sqrt(np.mean((sim.data[window] - ideal)[500:] ** 2)) / 0.3
expected = memory.predicted_error.window
print(f"noise of the window: {noise:.4f}, expected {expected:.4f} of the signal's rms")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3.2)})
figure, axes = plt.subplots(1, 2, layout="constrained", width_ratios=[1.3, 1])
extent = [0, 3, THETA, 0]
image = axes[0].imshow(sim.data[window].T, "PuOr", aspect="auto", extent=extent)
figure.colorbar(image, label="decoded input")
axes[0].set(xlabel="time (s)", ylabel="time ago (s)")
axes[1].plot(THETA * points, ideal[2000], "k", lw=3, alpha=0.3, label="ideal")
axes[1].plot(THETA * points, sim.data[window][2000], "C0", label="from spikes")
axes[1].set(xlabel="time ago (s)", ylabel="input", title="the window at 2 s")
axes[1].legend()
plt.show()
