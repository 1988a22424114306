# %% [markdown]
# # Learn while it runs
# A readout learns by PES from a teacher, which shows the signal of 0.1 s ago. In the
# last half second it works without the teacher. Such a readout learns on Loihi too.

# %%
import matplotlib.pyplot as plt
import nengo
import numpy as np

from nengo_lmu import LegendreMemory
from nengo_lmu.analysis.style import STYLE

u = nengo.processes.WhiteSignal(3, high=5, rms=0.3, seed=0).run(3, dt=0.001)
with nengo.Network(seed=0) as net:
    signal = nengo.Node(nengo.processes.PresentInput(u, 0.001))
    teacher = nengo.Node(nengo.processes.PresentInput(np.roll(u, 100, axis=0), 0.001))
    memory = LegendreMemory(theta=0.2, d=6, n_neurons=300)
    nengo.Connection(signal, memory.input, synapse=None)
    learned = memory.add_learned_readout(n_neurons=200)
    nengo.Connection(teacher, learned.target, synapse=None)
    exam = nengo.Node(lambda t: float(t > 2.5))
    nengo.Connection(exam, learned.hold, synapse=None)
    error = nengo.Probe(learned.error)  # output minus teacher
    output = nengo.Probe(learned.node)

with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run(3)

# %%
for name, part in {
    "first half second": slice(0, 500),
    "exam": slice(2500, 3000),
}.items():
    size = np.sqrt(np.mean(sim.data[error][part] ** 2)) / u.std()
    print(f"{name}: error {size:.2f} of the signal's standard deviation")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
plt.plot(sim.trange(), np.roll(u, 100), "k", lw=3, alpha=0.3, label="0.1 s ago")
plt.plot(sim.trange(), sim.data[output], "C0", lw=1, label="learned readout")
plt.axvspan(2.5, 3, color="C1", alpha=0.15, label="without teacher")
plt.xlabel("time (s)")
plt.ylabel("signal")
plt.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
