"""How well a memory recalls what was presented up to T steps ago, for long T.

The capacity task of the paper: see `nengo_lmu.tasks.capacity`. Its LMU is a memory of
order 100 with a readout that is known beforehand, so nothing is trained. The LSTM that
it is compared with is trained.
"""

from dataclasses import asdict, dataclass

import numpy as np

from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.capacity.lstm import LSTMSetting, measure_lstm
from nengo_lmu.experiments.capacity.memory import Setting, measure
from nengo_lmu.experiments.capacity.spiking import FEWEST_NEURONS, best_choice, slope
from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.options import number_of_runs, whole_number

# Test errors of the paper's LMU, for the smallest and the largest of its delays
# (Voelker, Kajić & Eliasmith, 2019, figure 2).
PUBLISHED = {
    100: (7e-3, 2e-2),
    1000: (7e-5, 2e-4),
    10_000: (8e-7, 3e-6),
    100_000: (8e-9, 1e-6),
}

# A second needs so many steps, to sample 10 Hz.
SHORTEST = 21

# Spikes are measured for so many steps at most.
_LONGEST_SPIKING = 10_000


@dataclass(frozen=True)
class Capacity(Experiment):
    """Recall what was presented up to T steps ago: the capacity task.

    The input is white noise up to 10 Hz, a window of one second in T steps, and
    what was presented at 5 moments of it, from 0 to T steps ago, is to be told at
    every step. The Legendre memory of order 100 needs no training for it; it runs
    in the reference simulator. So do memories of Poisson neurons at steps of a
    millisecond, whose order and readout are chosen by the theory of their noise,
    with the error that it expects beside what is measured. An LSTM of 100 units
    is trained, for as long as T and the epochs allow.

    Readouts of the ideal memory: "published" is the paper's, half a step off;
    "Legendre" reads in the middle of the steps; "fitted" is the best linear readout
    of the discrete memory, in closed form.

    A table goes to the screen; the record (train-capacity.json), a figure
    (train-capacity.png) and a record of each measurement to a folder. When it was
    interrupted, the same command continues where it was.
    """

    name = "train capacity"
    keeps = "records and figure"
    processes = "here"
    resumes = True

    lengths: tuple = option(
        tuple(PUBLISHED),
        whole_number(SHORTEST),
        "steps in the window of the LMU",
        "T",
    )
    seeds: int = option(3, number_of_runs, "sequences for the LMU")
    n_neurons: tuple = option(
        (300, 1000, 3000, 10_000, 30_000),
        whole_number(FEWEST_NEURONS),
        f"of the spiking memories, each for all T up to {_LONGEST_SPIKING}",
        "M",
        nargs="*",
    )
    lstm_lengths: tuple = option(
        (100, 200, 400),
        whole_number(SHORTEST),
        "steps in the window of the LSTM",
        "T",
    )
    lstm_epochs: int = option(
        500,
        whole_number(1),
        "of its training; 500, as in the paper, take some ten minutes of a core for "
        "three lengths",
    )
    no_lstm: bool = switch("leave it out")

    def __post_init__(self):
        super().__post_init__()
        if self.no_lstm:
            self.refuse_with(
                "--no-lstm",
                ("lstm_lengths", "lstm_epochs"),
                "there is no LSTM to train",
            )

    def measure(self, run):
        """Measure memories and LSTMs.

        Returns
        -------
        measured : dict
            ``rows`` (a list of dict with ``length``, ``name``, ``n_neurons``, ``mse``,
            ``best``, ``worst`` and ``settled``, each of those with ``values`` of the
            seeds, ``mean`` and ``standard_error``: mean over the delays, the best and
            the worst of them, and mean over the delays from 1.5 T on; and
            ``predicted``, None or the theory's ``mse`` and ``settled``), ``runs`` (a
            list of dict with ``length``, ``n_neurons``, ``d``, ``spikes_per_step``,
            ``seconds`` and ``peak_mib``), ``slopes`` (a list of dict with ``length``,
            ``measured`` and ``predicted``: powers of the number of neurons with which
            the root of ``settled`` changes, measured for each seed), ``lstm`` (a list
            of dict with ``setting``, ``loss``, ``val_loss`` and ``seconds``) and
            ``published``.
        """
        lengths = sorted(set(self.lengths))
        settings = [Setting(length) for length in lengths]
        settings += [
            Setting(length, m)
            for length in lengths
            for m in sorted(set(self.n_neurons))
            if length <= _LONGEST_SPIKING
        ]
        # These come first, while workers have not loaded TensorFlow, since what memory
        # they take is recorded.
        memories = run.sweep_seeds(measure, settings, self.seeds, description="LMU")
        trained = [
            LSTMSetting(length, self.lstm_epochs)
            for length in sorted(set(() if self.no_lstm else self.lstm_lengths))
        ]
        records = run.sweep(measure_lstm, trained, checkpoints=True, description="LSTM")
        lstm = {setting: record["result"] for setting, record in zip(trained, records)}

        rows = []
        for setting, results in memories.items():
            rows += _rows(setting, results)
        for setting, result in lstm.items():
            rows += _rows(setting, [result])
        return {
            "rows": sorted(rows, key=lambda row: row["length"]),
            "slopes": _slopes(rows),
            "runs": [
                {
                    "length": setting.length,
                    "n_neurons": setting.n_neurons,
                    "d": results[0]["d"],
                    "spikes_per_step": float(
                        np.mean([row["spikes_per_step"] for row in results])
                    ),
                    "seconds": float(np.mean([row["seconds"] for row in results])),
                    "peak_mib": max((row["peak_mib"] or 0.0) for row in results)
                    or None,
                }
                for setting, results in memories.items()
            ],
            "lstm": [
                {
                    "setting": asdict(setting),
                    **{name: result[name] for name in ("loss", "val_loss", "seconds")},
                }
                for setting, result in lstm.items()
            ],
            "published": {str(length): bounds for length, bounds in PUBLISHED.items()},
        }

    def table(self, record):
        """Return errors, and what they cost."""
        from nengo_lmu.experiments.capacity import report

        return (
            f"{report.title(record)}\n\n{report.error_table(record)}\n\n"
            f"{report.spiking_table(record)}"
            "Processor time of a sequence of 2.5 T steps, or of training, and the "
            "most\nmemory that the process had taken by then:\n\n"
            f"{report.cost_table(record)}"
        )

    figure = shown_by("experiments.capacity.report.draw_capacity")


def _rows(setting, results):
    """Return a row for each readout."""

    def summary(kind, name, over):
        values = [float(over(result[kind][name])) for result in results]
        return {"values": values, **mean_and_error(values)}

    n_neurons, predicted = getattr(setting, "n_neurons", None), None
    if n_neurons:
        readout = best_choice(setting.length, n_neurons).readout
        predicted = {"mse": readout.error, "settled": readout.settled}
    return [
        {
            "length": setting.length,
            "name": name,
            "n_neurons": n_neurons,
            "mse": summary("mse", name, np.mean),
            "best": summary("mse", name, np.min),
            "worst": summary("mse", name, np.max),
            "settled": summary("settled", name, np.mean),
            "predicted": predicted,
        }
        for name in results[0]["mse"]
    ]


def _slopes(rows):
    """Return how errors of spiking memories change with their neurons, for each T."""
    slopes = []
    for length in sorted({row["length"] for row in rows}):
        spiking = [row for row in rows if row["length"] == length and row["predicted"]]
        if len(spiking) < 2:
            continue
        m = [row["n_neurons"] for row in spiking]
        seeds = np.transpose([row["settled"]["values"] for row in spiking])
        predicted = [row["predicted"]["settled"] for row in spiking]
        slopes.append(
            {
                "length": length,
                "measured": [slope(m, np.sqrt(errors)) for errors in seeds],
                "predicted": slope(m, np.sqrt(predicted)),
            }
        )
    return slopes
