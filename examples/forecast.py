# %% [markdown]
# # Forecast your own series
# `forecast` takes a series, and returns a spiking network that predicts it. It chooses
# the window, the order and the scale within the training data. To use it, replace `x`
# by your data; here it is a pendulum that is pushed at random and measured with noise.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from nengo_lmu.analysis.style import STYLE
from nengo_lmu.series import evaluate_forecast, forecast

rng = np.random.RandomState(0)
x = np.zeros(600)
for i in range(2, len(x)):  # sampled ten times an oscillation
    x[i] = 1.6 * x[i - 1] - 0.98 * x[i - 2] + 0.1 * rng.randn()
x += 0.05 * rng.randn(len(x))
START, AHEAD = 450, 2

quiet = {"seed": 0, "show_progress": False}
model = forecast(x[:START], horizon=AHEAD, n_neurons=300, **quiet)
print(*map(textwrap.fill, model.choice.reasons), sep="\n")

# %%
result = evaluate_forecast(model, x, START, "nengo", **quiet)
held = np.sqrt(np.mean((x[START:] - x[START - AHEAD : -AHEAD]) ** 2)) / x[START:].std()
print(f"error in spikes: {result.nrmse:.2f} of the series' standard deviation")
print(f"with the last value as the forecast: {held:.2f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (7, 3)})
samples = np.arange(START, len(x))
plt.plot(samples, x[START:], "k", lw=3, alpha=0.3, label="series")
label = f"forecast from spikes, {AHEAD} samples ahead"
plt.plot(samples, result.predicted, "C0", label=label)
plt.xlabel("sample")
plt.ylabel("series")
plt.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.tight_layout()
plt.show()
