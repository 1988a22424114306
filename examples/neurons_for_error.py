# %% [markdown]
# # How many neurons an error takes
# The theory predicts the error of a memory before it is built, and simulations agree.

# %%
import matplotlib.pyplot as plt

from nengo_lmu import legendre, plots
from nengo_lmu.analysis import Setting, measure
from nengo_lmu.analysis.style import STYLE

THETA, D = 0.5, 6
needed = legendre.neurons_for_error(0.01, THETA, D)
print(f"an error of 1 % takes {needed} neurons")

# %%
measured = {}
for n_neurons in (24, needed, 600):
    settings = [Setting(THETA, D, n_neurons, seed=seed) for seed in range(3)]
    measured[n_neurons] = [measure(setting)["window"] for setting in settings]
    predicted = legendre.predicted_error(THETA, D, n_neurons).window
    mean = sum(measured[n_neurons]) / 3
    print(f"{n_neurons} neurons: predicted {predicted:.4f}, measured {mean:.4f}")

# %%
plt.rcParams.update(STYLE | {"figure.figsize": (5, 3)})
plots.error(THETA, D, [20, 50, 100, 200, 500, 1000], measured)
plt.show()
