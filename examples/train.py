# %% [markdown]
# # Train a spiking cell with NengoDL
# Hidden units that spike read the memory. NengoDL's own `fit` trains them; then the
# same network runs in Nengo, spike by spike. The task is the product of the present
# input and the input of 0.1 s ago, which is not a linear function of the window.

# %%
import matplotlib.pyplot as plt
import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from nengo_lmu import LMU
from nengo_lmu.analysis.style import STYLE

waves = nengo.processes.WhiteSignal(16, high=2, rms=0.5, seed=0)
u = waves.run(16, dt=0.001).reshape(40, 400, 1)
y = np.zeros_like(u)
y[:, 100:] = u[:, 100:] * u[:, :-100]
y = nengo.Lowpass(0.02).filt(y, axis=1)  # as late as spikes are read

with nengo.Network(seed=0) as net:
    nengo_dl.configure_settings(stateful=False)
    x = nengo.Node([0.0])
    lmu = LMU(theta=0.1, d=4, units=200, hidden_bias=0)
    nengo.Connection(x, lmu.input, synapse=None)
    out = nengo.Node(size_in=1)
    nengo.Connection(lmu.output, out, synapse=0.02, transform=np.full((1, 200), 0.005))
    probe = nengo.Probe(out)

# %%
with nengo_dl.Simulator(net, minibatch_size=8, seed=0, progress_bar=False) as sim:
    sim.compile(optimizer=tf.optimizers.Adam(0.01), loss="mse")
    history = sim.fit({x: u[:32]}, {probe: y[:32]}, epochs=30, verbose=0)
    sim.freeze_params(net)
losses = history.history["loss"]
print(f"squared error: {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} at last")

# %% [markdown]
# Eight sequences that were not used in training are presented one after the other.

# %%
test, wanted = u[32:].reshape(-1, 1), y[32:].reshape(-1)
x.output = nengo.processes.PresentInput(test, 0.001)
with nengo.Simulator(net, seed=0, progress_bar=False) as sim:
    sim.run_steps(len(test))
scored = np.arange(len(test)) % 400 >= 200  # the window is within a sequence
error = np.std((sim.data[probe][:, 0] - wanted)[scored]) / wanted[scored].std()
print(f"error in spikes: {error:.2f} of the product's standard deviation")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
plt.plot(sim.trange(), wanted, "k", lw=3, alpha=0.3, label="wanted")
plt.plot(sim.trange(), sim.data[probe], "C0", lw=1, label="from spikes")
plt.xlabel("time (s)")
plt.ylabel("u(t) u(t - 0.1 s)")
plt.legend(ncols=2)
plt.show()
