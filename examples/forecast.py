# %% [markdown]
# # Forecast your own series
# A series goes in, a spiking network that forecasts it comes out. The window, the
# order and the scale are chosen within the training data. `x` is all that has to be
# replaced by your data; here it is a pendulum that is pushed and measured with noise.

# %%
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

model = forecast(x[:START], horizon=AHEAD, n_neurons=300, seed=0)
print(*model.choice.reasons, sep="\n")

# %%
result = evaluate_forecast(model, x, START, "nengo", seed=0)
held = np.sqrt(np.mean((x[START:] - x[START - AHEAD : -AHEAD]) ** 2)) / x[START:].std()
print(f"error in spikes: {result.nrmse:.2f} of the series' deviation")
print(f"the last value as the forecast: {held:.2f}")

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
