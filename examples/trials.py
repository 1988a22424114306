# %% [markdown]
# # Clear the memory between trials
# A memory forgets slowly: what was before a trial is in its state for some windows
# after. `reset=True` gives it a node that clears it, neurons and synapses, at once.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

TRIAL = 300  # steps
trials = np.random.RandomState(0).uniform(-1, 1, size=(4, TRIAL // 3))


def step(t):
    return round(t / 0.001) - 1


def shown(t):
    return trials[step(t) // TRIAL, step(t) % TRIAL // 3]


memories, probes = {}, {}
with nengo.Network(seed=0) as net:
    stim = nengo.Node(shown)
    begins = nengo.Node(lambda t: float(step(t) % TRIAL == 0))
    for name in ("kept", "cleared"):
        memory = LegendreMemory(theta=0.3, d=6, reset=name == "cleared")
        nengo.Connection(stim, memory.input, synapse=None)
        memories[name], probes[name] = memory, nengo.Probe(memory.output)
    nengo.Connection(begins, memories["cleared"].reset, synapse=None)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run_steps(4 * TRIAL)

# %%
print(f"1 % is left after {memories['kept'].forgetting_time(0.01):.2f} s by itself")
for name, probe in probes.items():
    before, after = np.abs(sim.data[probe][[TRIAL, TRIAL + 1]]).max(axis=1)
    print(f"{name}: largest coefficient {before:.2f}, a step later {after:.2f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3.6)})
figure, axes = plt.subplots(2, 1, sharex=True, sharey=True, layout="constrained")
for ax, (name, probe) in zip(axes, probes.items()):
    ax.plot(sim.trange(), sim.data[probe], lw=1)
    ax.set_ylabel(f"state, {name}")
axes[-1].set_xlabel("time (s)")
plt.show()
