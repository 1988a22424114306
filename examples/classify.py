# %% [markdown]
# # Classify your own sequences
# `classify` takes sequences of any length with their labels, and trains a spiking
# network that reads the classes. It chooses window and order by validation, and says
# why. To use it, replace `x` and `labels` by your data.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from nengo_lmu.analysis.style import STYLE
from nengo_lmu.series import classify, evaluate_classes

rng = np.random.RandomState(0)
labels = rng.choice(["slow", "fast"], size=60)
speed = np.where(labels == "slow", 0.3, 0.6)
x = [np.sin(s * np.arange(rng.randint(12, 20)) + 7 * rng.rand()) for s in speed]
x = [sequence + 0.2 * rng.randn(len(sequence)) for sequence in x]
train, test = slice(0, 40), slice(40, 60)

quiet = {"seed": 0, "show_progress": False}
model = classify(x[train], labels[train], d=(3, 6), n_neurons=300, **quiet)
print(*map(textwrap.fill, model.choice.reasons), sep="\n")

# %%
results = {}
for simulator in ("ideal", "nengo"):
    results[simulator] = evaluate_classes(
        model, x[test], labels[test], simulator, **quiet
    )
    accuracy, error = results[simulator].accuracy, results[simulator].standard_error
    print(f"{simulator}: {100 * accuracy:.0f} +- {100 * error:.0f} % right")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
for i in range(6):
    right = results["nengo"].guesses[i] == labels[test][i]
    colour = "C0" if labels[test][i] == "slow" else "C1"
    line = "-" if right else ":"
    plt.plot(2.5 * i + x[test][i], colour + line, label=f"{labels[test][i]}")
handles, names = plt.gca().get_legend_handles_labels()
shown = dict(zip(names, handles))
above = {"loc": "upper center", "bbox_to_anchor": (0.5, 1.15)}
plt.legend(shown.values(), shown.keys(), ncols=2, **above)
plt.xlabel("sample")
plt.yticks([])
plt.ylabel("six test sequences\n(dotted: wrong class)")
plt.tight_layout()
plt.show()
