# %% [markdown]
# # Learn the length of the window
# With `trainable_theta=True` the length of the window is one trainable number. Here it
# is twice too long at first. Training finds the right length from examples, in which
# the target is the input of 50 ms ago.

# %%
import matplotlib.pyplot as plt
import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from nengo_lmu import LMU
from nengo_lmu.analysis.style import STYLE

DELAY, SEQUENCES = 0.05, 16
waves = nengo.processes.WhiteSignal(16, high=2, rms=0.5, seed=0)
u = waves.run(0.4 * SEQUENCES, dt=0.001).reshape(SEQUENCES, 400, 1)
steps = round(DELAY / 0.001)
y = np.concatenate([np.zeros_like(u[:, :steps]), u[:, :-steps]], axis=1)

with nengo.Network(seed=0) as net:
    nengo_dl.configure_settings(stateful=False, learning_phase=True)
    stim = nengo.Node([0.0])
    lmu = LMU(theta=2 * DELAY, d=4, n_neurons=200, trainable_theta=True)
    nengo.Connection(stim, lmu.input, synapse=None)
    probe = nengo.Probe(lmu.memory.add_window(1.0))
    # nothing but the window's length is trained
    net.config[nengo.Connection].set_param(
        "trainable", nengo.params.BoolParam("trainable", default=False)
    )

# %%
lengths = [1000 * lmu.theta]
with nengo_dl.Simulator(net, minibatch_size=16, seed=0, progress_bar=False) as sim:
    sim.compile(optimizer=tf.optimizers.Adam(0.03, beta_2=0.9), loss="mse")
    for _ in range(60):
        sim.fit({stim: u}, {probe: y}, epochs=1, verbose=0)
        sim.freeze_params(net)
        lengths.append(1000 * lmu.theta)
print(f"theta: {lengths[0]:.0f} ms before, {lengths[-1]:.1f} ms learned")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (5, 3)})
plt.plot(lengths, label="learned theta")
plt.axhline(1000 * DELAY, color="k", ls="--", lw=1, label="delay of the examples")
plt.xlabel("epoch")
plt.ylabel("theta (ms)")
plt.legend()
plt.tight_layout()
plt.show()
