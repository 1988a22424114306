"""What a memory, or a network of the user's own, needs and spends on Loihi."""

import runpy
import sys
from dataclasses import dataclass
from pathlib import Path

import nengo
from nengo.exceptions import BuildError

from nengo_lmu.analysis.memory import Setting
from nengo_lmu.analysis.stimuli import white_noise
from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.options import file, seconds, whole_number
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.networks import LMU

# A memory has so many for each dimension.
PER_DIMENSION = 100

# Only a memory has these fields.
_OF_A_MEMORY = ("theta", "d", "n_neurons", "units", "tau")


@dataclass(frozen=True)
class Resources(Experiment):
    """What a network needs on Loihi, and what it spends there.

    Prints how many cores of the chip a Legendre memory takes, or a network of your
    own, and how full they are. Then it runs on the emulator: from its spikes and
    synaptic operations follows the least energy that the cores take.

      nengo-lmu loihi resources --theta 1 --d 6 --n-neurons 600
      nengo-lmu loihi resources --theta 1 --d 6 --units 50 --no-run
      nengo-lmu loihi resources --network mine.py
    """

    name = "loihi resources"
    always_kept = False

    theta: float = option(1.0, seconds, "window, in seconds", "S")
    d: int = option(6, whole_number(1), "order of the memory", "D")
    n_neurons: int | None = option(
        None,
        whole_number(2),
        f"neurons of the memory (default: {PER_DIMENSION} for each of the d "
        "dimensions)",
        "M",
        formerly=("--neurons",),
    )
    units: int = option(
        0, whole_number(0), "hidden units that read it, with random weights"
    )
    tau: float | None = option(
        None,
        seconds,
        "time constant of the synapse, in seconds (default: the quietest)",
        "S",
    )
    network: Path | None = option(
        None,
        file,
        "instead of a memory, the nengo.Network that this file defines as net",
        "FILE.py",
    )
    seed: int | None = option(
        None,
        whole_number(0, 2**31 - 2),
        "of the memory and its input (default: 0), or of the simulator of your own "
        "network",
    )
    dt: float = option(0.001, seconds, "time step, in seconds", "S")
    seconds: float = option(
        5.0,
        seconds,
        "how long to run it on the emulator; a memory's first window is not counted",
        "S",
    )
    no_run: bool = switch("print only what the network needs")

    def __post_init__(self):
        super().__post_init__()
        if self.network is not None:
            self.refuse_with("--network", _OF_A_MEMORY, "that is for a memory")
            return
        if self.n_neurons is None:
            object.__setattr__(self, "n_neurons", PER_DIMENSION * self.d)
        if self.seed is None:
            object.__setattr__(self, "seed", 0)

    def measure(self, run):
        """Count what the network needs, and run it if it fits.

        Returns
        -------
        measured : dict
            ``tau`` of the memory's synapse (None for a network of one's own);
            ``resources``, as `nengo_lmu.loihi.resources` has them; ``activity``, as
            `nengo_lmu.analysis.activity.measure_activity` has it, where the network
            fits and is run.
        """
        from nengo_lmu.analysis.activity import measure_activity
        from nengo_lmu.loihi import resources

        tau, warm_up, seed = None, 0.0, self.seed
        if self.network is None:
            network, tau = self.memory()
            # Neurons of a memory that is still empty spike less.
            warm_up, seed = self.theta, None
        else:
            network = network_of(self.network)
        needed = resources(network, dt=self.dt)
        result = {"tau": tau, "resources": needed.as_record()}
        if needed.fits and not self.no_run:
            activity = measure_activity(
                network, self.seconds, warm_up=warm_up, seed=seed, dt=self.dt
            )
            result["activity"] = activity.as_record()
        return result

    def memory(self):
        """Make a memory, or a full cell, with the white noise it is designed for.

        Returns
        -------
        network : nengo.Network
        tau : float
            Of its synapse (seconds).

        Raises
        ------
        nengo_lmu.legendre.ArgumentError, nengo.exceptions.ValidationError
            For what cannot be built, naming the argument and the remedy.
        """
        setting = Setting(
            self.theta, self.d, self.n_neurons, self.tau, seed=self.seed, dt=self.dt
        )
        with nengo.Network(seed=self.seed) as network:
            noise = white_noise(
                setting.rms, setting.input_bandwidth, setting.n_steps * setting.dt
            )
            lmu = LMU(
                self.theta,
                self.d,
                units=self.units,
                n_neurons=self.n_neurons,
                synapse=self.tau,
                dt=self.dt,
            )
            nengo.Connection(nengo.Node(noise), lmu.input, synapse=None)
        return network, lmu.memory.synapse.tau

    table = shown_by("experiments.on_chip.report.resources_tables")

    @classmethod
    def run_command(cls, arguments):
        """Run the command, print what came out, and fail where a network does not fit.

        Raises
        ------
        nengo.exceptions.BuildError
            With the first problem and its remedy.
        """
        record = super().run_command(arguments)
        for problem in record["resources"]["problems"]:
            raise BuildError(problem)


def network_of(path):
    """Return the network that a Python file defines as ``net``.

    Parameters
    ----------
    path : str or Path
        The file is run, but not as the main program: what is under
        ``if __name__ == "__main__"`` is left out.

    Returns
    -------
    network : nengo.Network

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
    sys.path.insert(0, str(path.resolve().parent))  # Python does so for a script
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
    return network
