"""Remember a second in Poisson neurons: a delay, and the rms of the window.

Takes some seconds. Draws ``figures/delay.png`` where Matplotlib is installed.
"""

from importlib.util import find_spec
from pathlib import Path

import nengo
import numpy as np
from spiking_lmu import LegendreMemory


def rms(window):
    return np.sqrt(np.mean(window**2))


def main():
    with nengo.Network(seed=0) as model:
        stimulus = nengo.Node(nengo.processes.WhiteSignal(10, high=1, rms=0.3, y0=0))
        memory = LegendreMemory(theta=1.0, d=6)  # 600 Poisson neurons
        nengo.Connection(stimulus, memory.input, synapse=None)
        # what was a second ago is a linear function of the state ...
        delayed = memory.add_window(points=[1.0])
        # ... and what is not linear has neurons of its own
        points = np.linspace(0, 1, 20)
        loudness = memory.add_window(points, rms, n_neurons=500)
        signal, spikes = nengo.Probe(stimulus), nengo.Probe(memory.ensembles[0].neurons)
        probes = nengo.Probe(delayed), nengo.Probe(loudness)

    with nengo.Simulator(model, seed=0, progress_bar=False) as sim:
        sim.run(10)

    u = sim.data[signal][:, 0]
    passed = np.concatenate([np.zeros(1000), u])
    wanted = passed[: len(u)], [rms(passed[t : t + 1000]) for t in range(len(u))]
    decoded = [sim.data[probe][:, 0] for probe in probes]
    for name, ours, truth in zip(("delay", "rms"), decoded, wanted):
        error = np.sqrt(np.mean((ours - truth)[1000:] ** 2)) / 0.3
        print(f"error of the {name}: {100 * error:.1f} % of the signal's rms")
    if find_spec("matplotlib"):
        draw(sim.trange(), u, sim.data[spikes], decoded, wanted)


def draw(t, u, spikes, decoded, wanted):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    some = spikes[:, ::10] > 0
    times, neurons = np.nonzero(some)
    figure, axes = plt.subplots(3, 1, figsize=(8, 6), sharex=True, layout="constrained")
    axes[0].plot(t[times], neurons * 10, "|", color="0.2", markersize=3)
    axes[0].set_ylabel("neuron")
    axes[1].plot(t, u, color="0.7", label="input")
    for ax, ours, truth, label in zip(
        axes[1:], decoded, wanted, ("a second ago", "rms of the last second")
    ):
        ax.plot(t, truth, color="#0072b2", lw=3, alpha=0.4, label=label)
        ax.plot(t, ours, color="#d55e00", lw=1, label="decoded from spikes")
        ax.set_ylabel("value")
        ax.legend(loc="upper left", ncols=3, frameon=False)
    axes[2].set_xlabel("time (s)")
    folder = Path(__file__).resolve().parents[1] / "figures"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / "delay.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
