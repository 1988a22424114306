# %% [markdown]
# # Remember a second
# A memory of 600 Poisson neurons holds the last second of a signal. The input of a
# second ago is decoded from it, as a linear function of its state.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LMU, plots
from nengo_lmu.analysis.style import STYLE

with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(10, high=1, rms=0.3, y0=0))
    lmu = LMU(theta=1.0, d=6)  # 600 Poisson neurons
    nengo.Connection(stim, lmu.input, synapse=None)
    delayed = lmu.memory.add_window(points=[1.0])  # the input a second ago
    probe = nengo.Probe(delayed)
    signal = nengo.Probe(stim)
    spikes = nengo.Probe(lmu.memory.ensembles[0].neurons)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(10)

# %%
theta_steps = 1000
wanted = np.concatenate([np.zeros(theta_steps), sim.data[signal][:-theta_steps, 0]])
decoded = sim.data[probe][:, 0]
error = np.sqrt(np.mean((decoded - wanted)[theta_steps:] ** 2)) / 0.3
print(f"error of the delay: {100 * error:.1f} % of the signal's rms")

# %%
plt.rcParams.update(STYLE | {"font.size": 9})
options = {"sharex": True, "layout": "constrained", "height_ratios": [1, 1.4]}
figure, axes = plt.subplots(2, 1, figsize=(7, 4.2), **options)
_, below = plots.spikes_and_window(
    sim.trange(), sim.data[spikes], decoded, wanted, axes=axes
)
below.plot(sim.trange(), sim.data[signal], "0.7", lw=1.2, label="signal", zorder=0)
below.set_xlim(0, 10)
below.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
plt.show()
