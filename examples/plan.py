# %% [markdown]
# # Plan a delay line
# The task is to delay two signals of up to 1.5 Hz by 0.4 s, with an error of 5 %. The
# plan chooses the window, the order, the neurons and the synapse, and predicts the
# error.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE
from nengo_lmu.legendre import plan_delay

plan = plan_delay(error=0.05, delay=0.4, bandwidth=1.5, size_in=2)
print(f"theta={plan.theta:.2f} s, d={plan.d}, {plan.n_neurons} neurons")

# %%
signals = nengo.processes.WhiteSignal(10, high=1.5, rms=0.3, y0=0)
with nengo.Network(seed=0) as net:
    stim = nengo.Node(signals, size_out=2)
    memory = LegendreMemory(
        plan.theta,
        plan.d,
        size_in=plan.size_in,
        n_neurons=plan.n_neurons,
        synapse=plan.tau,
        error_feedback=plan.error_feedback,
        input_range=plan.populations.statistics,
    )
    nengo.Connection(stim, memory.input, synapse=None)
    delayed = nengo.Node(size_in=2)
    nengo.Connection(memory.output, delayed, transform=plan.transform, synapse=None)
    presented, read = nengo.Probe(stim), nengo.Probe(delayed)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(10)

# %%
wanted, decoded = sim.data[presented][600:-400], sim.data[read][1000:]
error = np.sqrt(np.mean((decoded - wanted) ** 2) / np.mean(wanted**2))
print(f"error: planned {plan.error:.4f}, measured {error:.4f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
t = sim.trange()[1000:5000]
for i, colour in enumerate(["C0", "C3"]):
    plt.plot(t, wanted[:4000, i], "k", lw=3, alpha=0.3, label=None if i else "wanted")
    plt.plot(t, decoded[:4000, i], colour, lw=1, label=f"signal {i + 1}, delayed")
plt.xlabel("time (s)")
plt.ylabel("input of 0.4 s ago")
plt.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
