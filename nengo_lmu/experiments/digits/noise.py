"""What it is worth to know the noise of spikes in training.

The same network learns handwritten digits from states of its memory with different
noise, and then reads the same Poisson spikes: of a memory that hears its error, and of
one that does not, as on the chip. The noise of the hidden neurons' own spikes only one
of the ways of training knows.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.classifier.streams import classify, memory_states
from nengo_lmu.experiments.digits.network import DigitClassifier, Settings
from nengo_lmu.experiments.digits.options import N_TEST
from nengo_lmu.experiments.experiment import Experiment, option, shown_by
from nengo_lmu.experiments.options import number_of_runs, whole_number

# The ways differ in what noise there is in the states that are learned from. All are
# compared with the first.
WAYS = {
    "rates": "none",
    "uncorrelated": "uncorrelated",
    "covariance": "covariance",
    "hidden": "and hidden",
    "spikes": "own spikes",
}

# Gains with which the memory's neurons hear their error: not at all, as on the chip,
# and what the theory chooses.
FEEDBACK = {"without": 0.0, "with": None}

# Digits are a third as long as the demo's, so that noise matters at more neurons; the
# larger minibatches make little difference but to the time that training takes.
SETTINGS = Settings(
    steps_per_pixel=8,
    tau=0.1,
    units=200,
    hidden_rate=200.0,
    readout_tau=0.03,
    copies=16,
    epochs=30,
    minibatch_size=512,
    learning_rate=5e-3,
)


@dataclass(frozen=True)
class TrainNoise(Experiment):
    """Train with the noise of spikes, and without.

    The same network learns handwritten digits from states of its memory, as
    nengo-lmu demo does, with five kinds of noise: none (the neurons' rates); as
    much as the neurons have, but uncorrelated; noise of the covariance that the
    theory knows; that and the noise of the hidden neurons' spikes; and that of the
    memory's neurons themselves, from a simulation. All then read the same Poisson
    spikes in the reference simulator, for several numbers of neurons, of a memory
    that hears its error and of one that does not, as on the chip.

    Tables go to the screen; the record (train-noise.json), a figure
    (train-noise.png) and a record of each measurement to a folder. When it was
    interrupted, the same command continues where it was.
    """

    name = "train noise"
    keeps = "records and figure"
    processes = "anywhere"
    resumes = True

    n_neurons: tuple = option(
        (100, 200, 400, 800, 1600), whole_number(44), "neurons of the memory", "M"
    )
    seeds: int = option(
        5,
        number_of_runs,
        "how often each is measured, with other digits, weights and spikes",
    )
    digits: int = option(
        320, whole_number(1, N_TEST), "how many of the test set each time"
    )

    def measure(self, run):
        """Measure for all numbers of neurons, and compare the ways of training.

        Returns
        -------
        measured : dict
            ``network``, the settings that all have in common; ``ways``, and ``rows``,
            of `summary`, for each number of neurons ``without`` feedback and ``with``
            it.
        """
        settings = [
            Setting(m, self.digits, network=replace(SETTINGS, error_feedback=gain))
            for gain in FEEDBACK.values()
            for m in sorted(set(self.n_neurons))
        ]
        results = run.sweep_seeds(
            measure,
            settings,
            self.seeds,
            cost=lambda setting: 1000 + setting.n_neurons,
            description="trainings",
        )
        return {
            "network": asdict(SETTINGS),
            "ways": WAYS,
            "rows": [
                {
                    "feedback": feedback,
                    "n_neurons": setting.n_neurons,
                    **summary(results[setting]),
                }
                for setting in settings
                for feedback, gain in FEEDBACK.items()
                if gain == setting.network.error_feedback
            ],
        }

    table = shown_by("experiments.digits.report.noise_tables")
    figure = shown_by("experiments.digits.report.draw_noise_training")


@dataclass(frozen=True)
class Setting:
    """One memory, for which all ways of training are compared."""

    n_neurons: int
    digits: int
    seed: int = 0
    network: Settings = SETTINGS

    @property
    def settings(self):
        """(nengo_lmu.experiments.digits.network.Settings) Of the network."""
        return replace(self.network, n_neurons=self.n_neurons, seed=self.seed)


def measure(setting):
    """Train a network in all ways, and let them read the same spikes.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    result : dict
        For each way, ``spiking`` and ``ideal``: the fractions of test digits that were
        classified correctly, in Poisson spikes and by an ideal memory and rates. And
        ``digits``, how many.
    """
    classifiers = {way: _train(setting.settings, way) for way in WAYS}
    classifier = classifiers["rates"]
    test = classifier.digits.test
    labels = test.labels[: setting.digits]
    guesses = classify(
        classifier,
        [reader.matrices for reader in classifiers.values()],
        test.pixels[: setting.digits],
        seed=3 * setting.seed + 2,  # "spikes" learns from others
        show_progress=False,
    )
    return {
        "digits": len(labels),
        **{
            way: {
                "spiking": float(np.mean(classes == labels)),
                "ideal": reader.ideal().accuracy,
            }
            for (way, reader), classes in zip(classifiers.items(), guesses)
        },
    }


def _train(settings, way):
    """Return the network, trained on states with one kind of noise."""
    from nengo_lmu.dl import SpikeNoise

    classifier = DigitClassifier(settings)
    rng = np.random.RandomState(settings.seed)
    digits = classifier.digits
    parts = [
        noisy_states(classifier, split, way, rng, 3 * settings.seed + i)
        for i, split in enumerate((digits.train, digits.validation))
    ]
    layer = None
    if way == "hidden":
        layer = SpikeNoise(classifier.lmu.unit, settings.readout_tau)
    classifier.train(*parts, layer=layer, show_progress=False)
    return classifier


def noisy_states(classifier, split, way, rng, seed):
    s = classifier.settings
    if way == "spikes":
        order = rng.permutation(len(split))
        delays = s.delays(s.copies)
        m = memory_states(classifier, split.pixels[order], delays, seed, False)
        return m.reshape(-1, s.d), np.tile(split.labels[order], s.copies)
    noise = classifier.lmu.memory.noise_covariance
    covariance = {
        "rates": np.zeros_like(noise),
        "uncorrelated": np.eye(s.d) * np.trace(noise) / s.d,
        "covariance": noise,
        "hidden": noise,
    }[way]
    return classifier.states(split, s.copies, rng, covariance=covariance)


def summary(results):
    """Compare the ways of training over seeds.

    Parameters
    ----------
    results : list of dict
        Of `measure`, one for each seed.

    Returns
    -------
    row : dict
        ``digits`` a seed, and for each way ``spiking`` and ``ideal``, each a ``mean``
        and a ``standard_error``; for all but the first also ``gain``, in spikes over
        the first, paired by seed, with a ``p_value`` (two-sided paired t-test).
    """
    baseline = next(iter(WAYS))
    row = {"digits": results[0]["digits"]}
    for way in WAYS:
        row[way] = {
            kind: mean_and_error([result[way][kind] for result in results])
            for kind in ("spiking", "ideal")
        }
        if way != baseline:
            gain = mean_and_error(
                [
                    result[way]["spiking"] - result[baseline]["spiking"]
                    for result in results
                ]
            )
            row[way]["gain"] = gain | {"p_value": _p_value(**gain, n=len(results))}
    return row


def _p_value(mean, standard_error, n):
    """Return the probability of a mean of n values this far from 0 by chance."""
    if not standard_error:  # one seed, or seeds that are all alike, tell nothing
        return None
    from scipy.stats import t  # --help does not need it

    return float(2 * t.sf(abs(mean) / standard_error, n - 1))
