# %% [markdown]
# # Clear the memory between trials
# A memory forgets slowly: a trial remains in its state for more than a window after its
# end. With `reset=True` a memory has an input that clears its state at once. Here one
# memory is cleared at the beginning of each trial, and another one is not.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

TRIAL = 300  # steps
HEIGHTS = (1.0, -0.4, 0.7, 0.3)  # of the waves that the trials show


def step(t):
    return round(t / 0.001) - 1


def shown(t):
    return HEIGHTS[step(t) // TRIAL] * np.sin(np.pi * (step(t) % TRIAL) / TRIAL)


memories, states, middles = {}, {}, {}
with nengo.Network(seed=0) as net:
    stim = nengo.Node(shown)
    begins = nengo.Node(lambda t: float(step(t) % TRIAL == 0))
    for name in ("kept", "cleared"):
        memory = LegendreMemory(theta=0.3, d=6, reset=name == "cleared")
        nengo.Connection(stim, memory.input, synapse=None)
        memories[name], states[name] = memory, nengo.Probe(memory.output)
        middles[name] = nengo.Probe(memory.add_window([0.5]))  # 0.15 s ago
    nengo.Connection(begins, memories["cleared"].reset, synapse=None)
    signal = nengo.Probe(stim)
with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run_steps(4 * TRIAL)

# %%
seconds = memories["kept"].forgetting_time(0.01)
print(f"without a reset, 1 % is left after {seconds:.2f} s")
for name, probe in states.items():
    before, after = np.abs(sim.data[probe][[TRIAL, TRIAL + 1]]).max(axis=1)
    print(f"{name}: largest coefficient {before:.2f}, a step later {after:.2f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
plt.plot(sim.trange(), sim.data[signal], "0.7", label="input")
for name, colour in {"kept": "C1", "cleared": "C0"}.items():
    plt.plot(sim.trange(), sim.data[middles[name]], colour, label=f"0.15 s ago, {name}")
for t in (0.3, 0.6, 0.9):
    plt.axvline(t, color="k", ls=":", lw=1, label="new trial" if t == 0.3 else None)
plt.xlabel("time (s)")
plt.ylabel("signal")
plt.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
