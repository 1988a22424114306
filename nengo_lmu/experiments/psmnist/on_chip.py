"""psMNIST on Loihi's emulator: a network that is chosen for the chip.

Neurons cannot hear their error there, and spike at most once a step. So those of the
memory are staggered (`nengo_lmu.loihi.add_params`), which leaves less noise than any
number of Poisson neurons that the emulator could take. Digits follow one another
without a pause, so that what is left of the one before is learned as well.
"""

import time
import warnings

import numpy as np

from nengo_lmu.experiments.classifier.network import progress
from nengo_lmu.experiments.classifier.row import Row
from nengo_lmu.experiments.psmnist.reading import Reading
from nengo_lmu.experiments.psmnist.spiking import Settings, SpikingClassifier
from nengo_lmu.experiments.psmnist.without_time import train_on_states
from nengo_lmu.legendre import last_step
from nengo_lmu.series.states import correlated_noise
from nengo_lmu.tasks.mnist import N_PIXELS

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

        def states(pixels, rng):
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

    def read(self, split, n_digits, reading=None, show_progress=None):
        """Classify digits on the emulator, in streams that each begin at rest.

        Parameters
        ----------
        split : nengo_lmu.tasks.digits.Split
            Its first digits are read.
        n_digits : int
        reading : nengo_lmu.experiments.psmnist.reading.Reading, optional
            Which goes on where it was stopped, with streams in the place of
            minibatches.
        show_progress : bool, optional
            By default on terminals.

        Returns
        -------
        row : nengo_lmu.experiments.classifier.row.Row
        told : list of str
            What the simulator has warned of.
        """
        reading = Reading() if reading is None else reading
        unread = reading.unread(n_digits, STREAM)
        for _, part in progress(unread, "Loihi emulator", "stream", show_progress):
            seed = self.settings.seed + int(part[0])
            reading.add(**self._read_stream(split.pixels[part], seed))
        data = reading.arrays
        row = Row.from_guesses(
            "Loihi emulator",
            data["guesses"],
            split.labels[:n_digits],
            float(data["spikes"].mean()),
            float(data["seconds"].mean()),
        )
        told = {text for texts in data["warnings"] for text in texts.splitlines()}
        return row, sorted(told)

    def _read_stream(self, pixels, seed):
        """Read digits that follow one another: arrays, with a row for each."""
        import nengo_loihi

        s, rows = self.settings, []
        with (
            self.presented(pixels),
            nengo_loihi.Simulator(
                self.network, dt=s.dt, seed=seed, target="sim", progress_bar=False
            ) as sim,
        ):
            for _ in pixels:
                started = time.perf_counter()
                with warnings.catch_warnings(record=True) as told:
                    warnings.simplefilter("always")
                    sim.run_steps(s.n_steps)
                rows.append(
                    {
                        "guesses": int(sim.data[self.scores][-1].argmax()),
                        "spikes": float(sim.data[self.spikes][-1, 0]),
                        "seconds": time.perf_counter() - started,
                        "warnings": "\n".join(_lines(told)),
                    }
                )
                sim.clear_probes()
        # Spikes are counted from the beginning of the stream.
        counts = np.diff([row["spikes"] for row in rows], prepend=0)
        return {k: np.array([row[k] for row in rows]) for k in rows[0]} | {
            "spikes": counts
        }


def _lines(told):
    """Return what warnings say, each in a line."""
    return sorted({" ".join(str(warning.message).split()) for warning in told})
