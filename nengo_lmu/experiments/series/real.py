"""Real series, one command each, beside what simpler methods make of them."""

from dataclasses import dataclass, replace

from nengo_lmu.experiments.experiment import Experiment, option, switch
from nengo_lmu.experiments.options import number_of_runs, one_of
from nengo_lmu.series.network import SIMULATORS


@dataclass(frozen=True)
class RealSeries(Experiment):
    """What the commands of real series have in common.

    Attributes
    ----------
    series : str
        Of `nengo_lmu.experiments.series.measures.MEASURES`.
    package : str
        That brings the series.
    published : tuple
        Pairs of a name and what was published by it.
    """

    series = None
    package = None
    published = ()

    keeps = "record and figure"
    processes = "here"
    resumes = True
    loads = "TensorFlow"

    seeds: int = option(3, number_of_runs, "of the folds, the weights and the spikes")
    simulators: tuple = option(
        ("ideal", "nengo", "emulator"),
        one_of(SIMULATORS),
        f"of {', '.join(SIMULATORS)}",
        "SIMULATOR",
    )
    quick: bool = switch("a short training and a few test data, to see that it works")

    def measure(self, run):
        """Train a network for each seed, and measure it in each simulator.

        Returns
        -------
        measured : dict
            ``series``, ``measure`` (what the values are), ``published``, ``baselines``
            and ``seeds``, of each what
            `nengo_lmu.experiments.series.measures.measure` returns.
        """
        from nengo_lmu.experiments.series import measures
        from nengo_lmu.tasks.series import is_installed

        if not is_installed(self.package):
            raise ImportError(
                f"the series comes with {self.package}; install it with pip install "
                "'nengo-lmu[data]'"
            )
        first = measures.Setting(self.series, tuple(self.simulators), quick=self.quick)
        (record,) = run.sweep(measures.measure, [first], description="first seed")
        # what validation has chosen there is not chosen again
        memory = measures.chosen_memory(record["result"])
        others = [
            replace(first, memory=memory, seed=seed) for seed in range(1, self.seeds)
        ]
        records = run.sweep(measures.measure, others, description="other seeds")
        results = [one["result"] for one in [record, *records]]
        return {
            "series": self.series,
            "published": [
                {"name": name, "value": value} for name, value in self.published
            ],
            "baselines": self.baselines(results),
            "seeds": results,
        }

    def baselines(self, results):
        """Return what simpler methods make of the series."""
        raise NotImplementedError

    def table(self, record):
        """Return how networks and others did."""
        from nengo_lmu.experiments.series import report

        return report.table(record)

    def figure(self, record):
        """Draw what the first network said, and how all did."""
        from nengo_lmu.experiments.series import report

        return report.draw(record)


class Classes(RealSeries):
    """What series with classes have in common."""

    def baselines(self, results):
        """Return the accuracy of classifiers of all samples at once."""
        from nengo_lmu.experiments.series import baselines, measures

        data = measures.LABELLED[self.series]()
        return baselines.classifiers(data, self.seeds)


@dataclass(frozen=True)
class Speakers(Classes):
    """Tell nine speakers by how they say two vowels: JapaneseVowels.

    270 utterances of 7 to 26 frames of 12 cepstral coefficients are for training,
    370 of up to 29 frames are read once, as a stream without resets: by an ideal
    memory, in spikes and on the Loihi emulator. The package aeon brings them
    (pip install 'nengo-lmu[data]').
    """

    name = "train speakers"
    series = "speakers"
    package = "aeon"
    # Zerveas et al. 2021 (KDD), table 5; Bagnall et al. 2018 (arXiv 1811.00075)
    published = (("transformer, pretrained", 0.997), ("dynamic time warping", 0.949))


@dataclass(frozen=True)
class Motions(Classes):
    """Tell four activities by the motion of a wrist, as a stream: BasicMotions.

    40 recordings of 10 s, six channels each, are for training, and 40 are read
    once, one after another: every sample is given a class, and scores are averaged
    over a recording. The package aeon brings them (pip install 'nengo-lmu[data]').
    """

    name = "train motions"
    series = "motions"
    package = "aeon"
    # Bagnall et al. 2018, of each channel by itself and of all at once
    published = (
        ("time warping of each channel", 1.0),
        ("dynamic time warping", 0.975),
    )


class Forecasts(RealSeries):
    """What series that are forecast have in common."""

    def baselines(self, results):
        """Return the errors of autoregression, and of the sample before."""
        from nengo_lmu.experiments.series import measures

        return measures.forecast_baselines(self.series)


@dataclass(frozen=True)
class Sunspots(Forecasts):
    """Forecast the number of sunspots a year ahead.

    The years from 1700 to 1920 are for training, 1921 to 2008 are forecast once.
    The error is the root mean square one over the standard deviation of those
    years. The package statsmodels brings them (pip install 'nengo-lmu[data]').
    """

    name = "train sunspots"
    series = "sunspots"
    package = "statsmodels"


@dataclass(frozen=True)
class ECG(Forecasts):
    """Forecast an electrocardiogram by its next sample, in about real time.

    Twenty seconds of the MIT-BIH Arrhythmia Database, at 120 samples a second: the
    first half is for training, the second is forecast once. The error is the root
    mean square one over the standard deviation. The package sktime brings the
    series (pip install 'nengo-lmu[data]').
    """

    name = "train ecg"
    series = "ecg"
    package = "sktime"


@dataclass(frozen=True)
class Pressure(RealSeries):
    """Find a short anomaly in arterial pressure by the error of a forecast.

    InternalBleeding16 of the UCR anomaly archive: 1200 samples are for training,
    6301 are watched, sample by sample, in bounded memory. The table has the largest
    score near the anomaly over the largest elsewhere, above 1 where the anomaly
    stands out most; the area under the receiver operating characteristic; and false
    alarms above the largest score of the training. The package aeon brings the
    series (pip install 'nengo-lmu[data]').
    """

    name = "train pressure"
    series = "pressure"
    package = "aeon"

    def baselines(self, results):
        """Return how well errors of simple forecasts tell the anomaly."""
        from nengo_lmu.experiments.series import measures

        smoothing = results[0]["network"]["smoothing"]
        return measures.anomaly_baselines(self.series, smoothing)
