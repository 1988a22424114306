# %% [markdown]
# # On Loihi
# A network with a memory runs on the chip or, without a chip, on its emulator.
# `resources` says beforehand what it needs there. On the chip, neurons cannot receive
# their own error, so this memory has `error_feedback=0` in both simulators.

# %%
import matplotlib.pyplot as plt
import nengo
import nengo_loihi
import numpy as np

from nengo_lmu import LMU
from nengo_lmu.analysis.style import STYLE
from nengo_lmu.loihi import resources

with nengo.Network(seed=0) as net:
    stim = nengo.Node(nengo.processes.WhiteSignal(4, high=1, rms=0.3, y0=0, seed=0))
    lmu = LMU(theta=1.0, d=6, synapse=0.2, error_feedback=0)
    nengo.Connection(stim, lmu.input, synapse=None)
    delayed = nengo.Probe(lmu.memory.add_window([1.0]))
    signal = nengo.Probe(stim)
print(resources(net))

# %%
runs = {}
with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(4)
runs["nengo.Simulator"] = sim.data[delayed][:, 0]
with nengo_loihi.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(4)
runs["Loihi's emulator"], u = sim.data[delayed][:, 0], sim.data[signal][:, 0]

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
t = sim.trange()[1000:]
plt.plot(t, u[:-1000], "k", lw=3, alpha=0.3, label="input of a second ago")
for (name, decoded), colour in zip(runs.items(), ["C0", "C1"]):
    error = np.sqrt(np.mean((decoded[1000:] - u[:-1000]) ** 2)) / 0.3
    print(f"{name}: error of the delay {error:.3f} of the signal's rms")
    plt.plot(t, decoded[1000:], colour, lw=1, label=name)
plt.xlabel("time (s)")
plt.ylabel("input")
plt.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
