# %% [markdown]
# # Remember semantic pointers
# This memory holds NengoSPA's semantic pointers of 16 dimensions, and says what was
# seen 0.3 s ago. It is connected by `>>` like any other part of a model. The example
# needs NengoSPA (`pip install nengo-spa`).

# %%
import matplotlib.pyplot as plt
import nengo
import nengo_spa as spa
import numpy as np

from nengo_lmu import LMU
from nengo_lmu.analysis.style import STYLE

vocab = spa.Vocabulary(16, pointer_gen=np.random.RandomState(0))
vocab.populate("CAT; DOG; BIRD")
with spa.Network(seed=0) as model:
    seen = spa.Transcode(
        lambda t: ["CAT", "DOG", "BIRD"][int(t / 0.4) % 3], output_vocab=vocab
    )
    lmu = LMU(theta=0.3, d=4, size_in=16)
    model.declare_input(lmu.input, vocab)
    seen >> lmu
    delayed = lmu.memory.add_window(points=[1.0])
    model.declare_output(delayed, vocab)
    before = spa.State(vocab)
    delayed >> before
    now = nengo.Probe(seen.output, synapse=0.02)
    probe = nengo.Probe(before.output, synapse=0.02)

with nengo.Simulator(model, seed=0, progress_bar=False) as sim:
    sim.run(1.2)

# %%
names = list(vocab)
remembered = spa.similarity(sim.data[probe], vocab)
for t in (0.65, 1.05):
    is_seen = names[spa.similarity(sim.data[now], vocab)[round(1000 * t)].argmax()]
    is_remembered = names[remembered[round(1000 * t)].argmax()]
    print(f"at {t} s: sees {is_seen}, remembers {is_remembered}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
plt.plot(sim.trange(), remembered, label=names)
for i, name in enumerate(["CAT", "DOG", "BIRD"]):
    plt.text(0.4 * i + 0.01, 1.15, f"sees {name}")
    plt.axvline(0.4 * i, color="0.8", zorder=0)
plt.xlabel("time (s)")
plt.ylabel("similarity of\nthe remembered pointer")
plt.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
