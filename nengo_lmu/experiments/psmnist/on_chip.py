"""psMNIST on Loihi's emulator: a network that is chosen for the chip.

Neurons cannot hear their error there, and spike at most once a step. So those of the
memory are staggered (`nengo_lmu.loihi.add_params`), which leaves less noise than any
number of Poisson neurons that the emulator could take. Digits follow one another
without a pause, so that what is left of the one before is learned as well.
"""

import json
import time
import warnings
import zlib
from pathlib import Path

import numpy as np

from nengo_lmu.experiments.classifier.network import progress
from nengo_lmu.experiments.classifier.row import Row
from nengo_lmu.experiments.psmnist.distortion import distorted
from nengo_lmu.experiments.psmnist.spiking import Settings, SpikingClassifier
from nengo_lmu.experiments.psmnist.without_time import train_on_states
from nengo_lmu.legendre import last_step
from nengo_lmu.series.states import correlated_noise
from nengo_lmu.tasks.mnist import N_PIXELS
from nengo_lmu.utils.files import write_atomically

SETTINGS = Settings(
    d=96,
    n_neurons=1600,
    # One spike a step is the most: the range ends a little below that.
    max_rate=900.0,
    # The chip has none.
    error_feedback=0.0,
    units=600,
    hidden="regular",
    hidden_rate=400.0,
    steps_per_pixel=4,
    # With longer synapses, single weights of the chip count for less.
    tau=12.0,
    state_tau=0.0,
    design_tau=0.0,
    readout_tau=0.75,
    last_pixels=N_PIXELS,
    basis="balanced",
    largest_rate=None,
    epochs=20,
)

# So many digits are read in one run of the emulator, which begins at rest. What was
# read in a run is kept once it has ended, so that it does not depend on interruptions.
STREAM = 20

# Scores are low-pass filtered: training takes states at so many quantiles of that.
_DELAYS = 8


class ChipClassifier(SpikingClassifier):
    """The network, whose memory is staggered on the chip.

    Parameters
    ----------
    settings : nengo_lmu.experiments.psmnist.spiking.Settings
    mnist : nengo_lmu.tasks.mnist.Mnist
    """

    def __init__(self, settings, mnist):
        from nengo_lmu.loihi import add_params

        super().__init__(settings, mnist)
        memory = self.lmu.memory
        add_params(self.network)
        memory.config[memory.ensembles[0]].staggered = True
        # No pixel is beyond this; those of the digits of the design may be.
        memory.input.radius = float(max(self.mean.max(), 1 - self.mean.min()))
        # The host would work out the window in each step.
        self.network.probes.remove(self.window)
        memory.take_out([self.window.target])
        self.window = None

    def train(self, checkpoint=None, show_progress=None):
        """Train on states of a digit after another, with the noise on the chip.

        Parameters
        ----------
        checkpoint : str or Path, optional
            File from which a training that was stopped goes on.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        history : dict from str to list of float
            As of `nengo_lmu.experiments.psmnist.without_time.train_on_states`.
        """
        s = self.settings
        matrices = [
            last_step(
                2 * N_PIXELS, s.theta, s.d, s.dt, s.steps_per_pixel, delay=int(delay)
            )
            .astype(np.float32)
            .reshape(2, N_PIXELS, s.d)
            for delay in s.delays(_DELAYS)
        ]
        covariance = self.lmu.memory.filtered_noise(chip=True)

        def states(split, rng):
            pixels = split.pixels
            if split is not self.digits.validation:
                pixels = distorted(pixels, rng)
            pixels = pixels - self.mean
            before = pixels[rng.permutation(len(pixels))]
            m = correlated_noise(covariance, len(pixels), rng, np.float32)
            # Each digit has another delay than the next.
            for k, (of_before, of_digit) in enumerate(matrices):
                part = slice(k, None, _DELAYS)
                m[part] += before[part] @ of_before + pixels[part] @ of_digit
            return m

        return train_on_states(
            self,
            self.digits,
            states,
            None,
            epochs=s.epochs,
            checkpoint=checkpoint,
            description="psMNIST for the chip",
            show_progress=show_progress,
        )

    def read(self, split, n_digits, record=None, show_progress=None):
        """Classify digits on the emulator, in streams that each begin at rest.

        Parameters
        ----------
        split : nengo_lmu.tasks.digits.Split
            Its first digits are read.
        n_digits : int
        record : str or Path, optional
            File with the streams that have ended, from which a run that was stopped
            goes on.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        told : list of str
            What the simulator has warned of.
        """
        streams = self._ended(record)
        starts = list(range(0, n_digits, STREAM))
        for start in progress(starts, "Loihi emulator", "stream", show_progress):
            pixels = split.pixels[start : min(start + STREAM, n_digits)]
            key = f"{start}, {len(pixels)}"
            if key in streams:
                continue
            streams[key] = self._read_stream(pixels, self.settings.seed + start)
            if record is not None:
                kept = {"network": self._mark, "streams": streams}
                write_atomically(record, lambda file, kept=kept: json.dump(kept, file))
        read = [
            streams[f"{start}, {min(STREAM, n_digits - start)}"] for start in starts
        ]
        row = Row.from_guesses(
            "Loihi emulator",
            [guess for stream in read for guess in stream["guesses"]],
            split.labels[:n_digits],
            sum(stream["spikes"] for stream in read) / n_digits,
            sum(stream["seconds"] for stream in read) / n_digits,
        )
        return row, sorted({text for stream in read for text in stream["warnings"]})

    def _ended(self, record):
        """Return the streams of a file that this same network has read."""
        if record is None or not Path(record).exists():
            return {}
        kept = json.loads(Path(record).read_text(encoding="utf-8"))
        return kept["streams"] if kept["network"] == self._mark else {}

    @property
    def _mark(self):
        """(str) Of the settings and the weights: another network has another one."""
        mark = zlib.crc32(repr(self.settings).encode())
        for values in self.matrices.values():
            mark = zlib.crc32(values.tobytes(), mark)
        return f"{mark:08x}"

    def _read_stream(self, pixels, seed):
        """Read digits that follow one another."""
        import nengo_loihi

        s, guesses = self.settings, []
        with (
            self.presented(pixels),
            nengo_loihi.Simulator(
                self.network, dt=s.dt, seed=seed, target="sim", progress_bar=False
            ) as sim,
        ):
            started = time.perf_counter()
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                for _ in pixels:
                    sim.run_steps(s.n_steps)
                    guesses.append(int(sim.data[self.scores][-1].argmax()))
                    spikes = float(sim.data[self.spikes][-1, 0])
                    sim.clear_probes()
            seconds = time.perf_counter() - started
        return {
            "guesses": guesses,
            "spikes": spikes,
            "seconds": seconds,
            "warnings": sorted({str(warning.message) for warning in told}),
        }
