"""The networks that ``nengo-lmu loihi`` looks at: a memory, or the user's own."""

import runpy
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nengo

from nengo_lmu.analysis.activity import measure_activity
from nengo_lmu.analysis.memory import Setting
from nengo_lmu.analysis.stimuli import white_noise
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.loihi import resources
from nengo_lmu.networks import LMU


@dataclass(frozen=True)
class Subject:
    """A network, and how it is to be run.

    Attributes
    ----------
    network : nengo.Network
    dt : float
        Time step (seconds).
    warm_up : float
        How long it takes until its activity is that of later times (seconds).
    seed : int or None
        Of the simulator.
    settings : dict
        What was asked for, as JSON can hold it.
    """

    network: nengo.Network
    dt: float
    warm_up: float = 0.0
    seed: int | None = None
    settings: dict = field(default_factory=dict)

    def resources(self):
        """Return what it needs on Loihi, as `nengo_lmu.loihi.resources` does."""
        return resources(self.network, dt=self.dt)

    def activity(self, seconds):
        """Run it, and return what `nengo_lmu.analysis.activity` says it did."""
        return measure_activity(
            self.network, seconds, warm_up=self.warm_up, seed=self.seed, dt=self.dt
        )


def memory(theta=1.0, d=6, n_neurons=None, units=0, tau=None, seed=0, dt=0.001):
    """Return a memory, or a full cell, that gets the white noise it is designed for.

    Parameters
    ----------
    theta, d, n_neurons, units
        As for `nengo_lmu.LMU`. The weights of hidden units are random.
    tau : float, optional
        Time constant of the synapse (seconds).
    seed : int
        Of the network.
    dt : float
        Time step (seconds).

    Returns
    -------
    subject : Subject
        Neurons of a memory that is still empty spike less: the warm-up takes ``theta``.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError, nengo.exceptions.ValidationError
        For what cannot be built, naming the argument and the remedy.
    """
    if n_neurons is None:
        n_neurons = 100 * d
    setting = Setting(theta, d, n_neurons, tau, seed=seed, dt=dt)
    with nengo.Network(seed=seed) as network:
        noise = white_noise(
            setting.rms, setting.input_bandwidth, setting.n_steps * setting.dt
        )
        lmu = LMU(theta, d, units=units, n_neurons=n_neurons, synapse=tau, dt=dt)
        nengo.Connection(nengo.Node(noise), lmu.input, synapse=None)
    settings = {
        "theta": theta,
        "d": d,
        "n_neurons": n_neurons,
        "units": units,
        "tau": lmu.memory.synapse.tau,
        "seed": seed,
        "dt": dt,
    }
    return Subject(network, dt, warm_up=theta, settings=settings)


def from_file(path, seed=None, dt=0.001):
    """Return the network that a Python file defines as ``net``.

    Parameters
    ----------
    path : str or Path
        The file is run, but not as the main program: what is under
        ``if __name__ == "__main__"`` is left out.
    seed : int, optional
        Of the simulator.
    dt : float
        Time step (seconds).

    Returns
    -------
    subject : Subject

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If there is no such file, or no network in it.
    """
    path = Path(path)
    if not path.is_file():
        raise ArgumentError(
            "network", f"must be a Python file, but there is no file {str(path)!r}"
        )
    sys.path.insert(0, str(path.resolve().parent))  # as for a script that Python runs
    try:
        network = runpy.run_path(str(path)).get("net")
    finally:
        del sys.path[0]
    if not isinstance(network, nengo.Network):
        raise ArgumentError(
            "network",
            f"must define a nengo.Network called net, but in {str(path)!r} net is "
            f"{network!r}",
        )
    settings = {"network": str(path), "seed": seed, "dt": dt}
    return Subject(network, dt, seed=seed, settings=settings)
