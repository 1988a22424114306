"""What figures of the network have in common."""

import numpy as np

from nengo_lmu.analysis.style import CLASS_COLOURS

# The spikes of so many neurons of a population are drawn.
N_DRAWN = 100


def draw_spikes(axes, t, spikes, colour, size):
    """Draw spikes of some neurons, evenly chosen, and return how many these are.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    t : (n_steps,) ndarray
        Seconds.
    spikes : (n_steps, n_neurons) ndarray
    colour : str
    size : float
        Of a spike, as for `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    n_drawn : int
    """
    n_neurons = spikes.shape[1]
    n_drawn = min(N_DRAWN, n_neurons)
    neurons = np.linspace(0, n_neurons - 1, n_drawn).astype(int)
    step, neuron = np.nonzero(spikes[:, neurons])
    axes.scatter(t[step], neuron, s=size, color=colour, linewidths=0, rasterized=True)
    axes.set_ylabel("neuron")
    return n_drawn


def draw_scores(axes, t, scores, width):
    """Draw the score of each class in its colour, and name the axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    t : (n_steps,) ndarray
        Seconds.
    scores : (n_steps, n_classes) ndarray
    width : float
        Of lines.
    """
    n_colours = len(CLASS_COLOURS)
    for label, score in enumerate(scores.T):
        axes.plot(
            t,
            score,
            color=CLASS_COLOURS[label % n_colours],
            ls="-" if label < n_colours else "--",
            lw=width,
            label=str(label),
        )
    axes.set_ylabel("class score")
    axes.set_xlabel("time (s)")
