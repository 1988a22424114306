"""How long a minibatch of psMNIST takes: our networks, and those of others.

Other work on the same computer disturbs times: all take turns, and what is compared is
compared within a round. Memory is measured in a process of its own for each.
"""

import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata

import numpy as np
from tqdm import tqdm

from nengo_lmu.analysis.errors import ArgumentError
from nengo_lmu.analysis.summary import quartiles
from nengo_lmu.analysis.timing import in_a_process, peak_resident
from nengo_lmu.benchmarks.contenders import (
    MINIBATCH,
    InNengoDL,
    WithoutTime,
    keras_lmu_cell,
    keras_lmu_feedforward,
    lstm,
)
from nengo_lmu.benchmarks.memories import measured_times
from nengo_lmu.benchmarks.networks import Sizes, example, ours
from nengo_lmu.experiments.experiment import Experiment, option, shown_by, switch
from nengo_lmu.experiments.options import one_of, whole_number
from nengo_lmu.experiments.psmnist.in_time import LAST

# NengoDL's example is unrolled by so many steps where it is.
UNROLLED = 16
BY_16 = "NengoDL example, by 16"

# Hidden units are followed over the last steps of a digit in this contender.
ENDS = f"ours recurrent, last {LAST}"

# These are a coupling of our network, and a plan for it.
FORWARD, STEPPED = "feed-forward", "stepwise"

# Each contender trains for so long in a round (seconds), if a minibatch takes less.
ROUND = 3.0

# The first word of a contender's name says whose it is.
CONTENDERS = {
    "ours recurrent": lambda s: InNengoDL(ours(s, "recurrent"), s),
    "ours recurrent, stepped": lambda s: InNengoDL(ours(s, "recurrent", STEPPED), s),
    ENDS: lambda s: InNengoDL(ours(s, "recurrent", last=LAST), s),
    "ours full": lambda s: InNengoDL(ours(s, "full"), s),
    "ours full, stepped": lambda s: InNengoDL(ours(s, "full", STEPPED), s),
    "ours feed-forward": lambda s: InNengoDL(ours(s, FORWARD), s),
    "ours feed-forward, stepped": lambda s: InNengoDL(ours(s, FORWARD, STEPPED), s),
    "ours without time": WithoutTime,
    "ours every step": lambda s: InNengoDL(ours(s, FORWARD), s, True),
    "ours every step, stepped": lambda s: InNengoDL(ours(s, FORWARD, STEPPED), s, True),
    "NengoDL example": lambda s: InNengoDL(example(s), s),
    BY_16: lambda s: InNengoDL(example(s), s, unroll=UNROLLED),
    "NengoDL example, our plan": lambda s: InNengoDL(example(s, "planner"), s),
    "NengoDL every step": lambda s: InNengoDL(example(s), s, True),
    "keras-lmu recurrent": lambda s: keras_lmu_cell(s, full=False),
    "keras-lmu full": lambda s: keras_lmu_cell(s, full=True),
    "keras-lmu fft": lambda s: keras_lmu_feedforward(s, "fft"),
    "keras-lmu raw": lambda s: keras_lmu_feedforward(s, "raw"),
    "LSTM": lstm,
}

# Contenders of a kind are compared: ratios are to the first one.
KINDS = {
    "recurrent": [
        "ours recurrent",
        "ours recurrent, stepped",
        ENDS,
        "NengoDL example",
        BY_16,
        "NengoDL example, our plan",
        "keras-lmu recurrent",
        "LSTM",
    ],
    "full": ["ours full", "ours full, stepped", "keras-lmu full", "LSTM"],
    "feed-forward": [
        "ours feed-forward",
        "ours feed-forward, stepped",
        "NengoDL example",
        "keras-lmu fft",
        "keras-lmu raw",
    ],
    "without-time": [
        "ours without time",
        "ours feed-forward",
        "NengoDL example",
        "keras-lmu fft",
        "keras-lmu raw",
    ],
    "every-step": [
        "ours every step",
        "ours every step, stepped",
        "NengoDL every step",
    ],
}


@dataclass(frozen=True)
class Training(Experiment):
    """Time of a minibatch of psMNIST: 100 digits of 784 steps.

    Our networks of the paper's size in NengoDL, as they come and step by step, the
    LMU of NengoDL's documentation with NengoDL's plan and ours, the layers of
    keras-lmu where that is installed, and a Keras LSTM of about as many
    parameters. --kinds chooses:

      recurrent      W_x, W_h and W_m trained; also with hidden units that are
                     followed over the last 112 steps
      full           e_h and e_m trained, too
      feed-forward   hidden units read nothing but the memory
      without-time   the same from states that one matrix computes, in epochs of
                     60,000
      every-step     feed-forward, with a target at every step and not at the last
                     one only

    Times are medians over rounds in which all take turns. Ratios are to the first
    of a kind, within a round, with their quartiles. The first minibatch includes
    tracing.

    Some 10 minutes, most of them for NengoDL's example.
    """

    name = "bench training"
    keeps = "record and figure"
    always_kept = False

    d: int = option(Sizes.d, whole_number(1), "order of the memory", "D")
    units: int = option(Sizes.units, whole_number(1), "hidden units")
    n_steps: int = option(
        Sizes.n_steps, whole_number(2), "pixels of a digit", flag="--steps"
    )
    kinds: tuple = option(
        tuple(KINDS), one_of(tuple(KINDS)), "what to compare, see above", "KIND"
    )
    unrolled: bool = switch(
        "NengoDL's example unrolled by 16 steps, too, which takes long to trace"
    )
    peak_memory: bool = switch(
        "peak memory, too, each in a process of its own; some 10 minutes more",
        formerly=("--memory",),
    )
    rounds: int = measured_times(5)

    def measure(self, run):
        """Measure training and inference.

        Returns
        -------
        measured : dict
            ``rows``, one for each contender: its ``parameters``; ``build``, the seconds
            of making the network and the simulator; ``first``, those of the first
            minibatch, which include tracing, to ``train`` and to ``infer``; ``start``,
            those until it has trained for the first time; then, of a minibatch, seconds
            to ``train`` and to ``infer``, as median and quartiles over rounds, and
            ``cpu``, those of all processors, as medians; of how many ``minibatches`` a
            round; ``peak`` memory, in bytes beyond the libraries', or None.
            ``kinds``, one for each kind: its ``rows`` have the ratios to its first
            row's of ``start``, ``train`` and ``infer``, the latter within rounds.
            ``left_out``: contenders that there are not, and the reason. ``keras_lmu``:
            its version. How many ``digits`` are in a ``minibatch``, and in an epoch.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If memory cannot be measured on this computer.
        """
        if self.peak_memory and peak_resident() is None:
            raise ArgumentError(
                "peak_memory", "cannot be measured on this computer; leave it out"
            )
        import nengo_dl  # noqa: F401  before TensorFlow, which has another Keras then

        sizes = Sizes(self.d, self.units, self.n_steps)
        kinds = [kind for kind in KINDS if kind in self.kinds]
        names = {name for kind in kinds for name in KINDS[kind]}
        if not self.unrolled:
            names.discard(BY_16)
        reasons = {name: missing(name, sizes) for name in CONTENDERS if name in names}
        rows = [{"name": name} for name, reason in reasons.items() if reason is None]

        total = len(rows) * (self.peak_memory + 1 + self.rounds)
        with (
            tqdm(total=total, desc=self.name, disable=None) as bar,
            ExitStack() as stack,
            _quiet_about_tracing(),
        ):
            for row in rows:
                row["peak"] = None
                if self.peak_memory:
                    row["peak"] = in_a_process(footprint, row["name"], sizes)
                    bar.update()
            _warm_up()
            contenders = []
            for row in rows:
                seconds, contender = _seconds(partial(CONTENDERS[row["name"]], sizes))
                contenders.append(stack.enter_context(closing(contender)))
                row |= {"parameters": contender.parameters, "build": seconds}
                row |= _started(contender)
                row["start"] = row["build"] + row["first"]["train"]
                bar.update()
            times = np.empty((self.rounds, len(rows), 2, 2))
            for i in range(self.rounds):
                for j, contender in enumerate(contenders):
                    for k, function in enumerate((contender.train, contender.infer)):
                        times[i, j, k] = _seconds_of_both(function)
                    bar.update()
        for j, row in enumerate(rows):
            times[:, j] /= row["minibatches"]
            row["train"], row["infer"] = (quartiles(times[:, j, k, 0]) for k in (0, 1))
            train, infer = np.median(times[:, j, :, 1], axis=0).tolist()
            row["cpu"] = {"train": train, "infer": infer}
        return {
            "rows": rows,
            "kinds": [compare_kind(kind, rows, times[..., 0]) for kind in kinds],
            "left_out": [
                {"name": name, "reason": reason}
                for name, reason in reasons.items()
                if reason is not None
            ],
            "digits": sizes.digits,
            "minibatch": MINIBATCH,
            "keras_lmu": keras_lmu_version(),
        }

    table = shown_by("benchmarks.report.training_tables")
    figure = shown_by("benchmarks.report.draw_training")


def missing(name, sizes):
    """Say why there is no such contender, if there is none.

    Parameters
    ----------
    name : str
        Of `CONTENDERS`.
    sizes : Sizes

    Returns
    -------
    reason : str or None
    """
    if name.startswith("keras-lmu") and keras_lmu_version() is None:
        return "keras-lmu is not installed"
    if name == ENDS and sizes.n_steps < LAST:
        return f"digits have no {LAST} steps"
    if name == BY_16 and sizes.n_steps % UNROLLED:
        return f"{sizes.n_steps} steps are no multiple of {UNROLLED}"
    return None


def keras_lmu_version():
    """Return the version of keras-lmu, or None where it cannot be imported."""
    try:
        import keras_lmu  # noqa: F401
    except ImportError:
        return None
    return metadata.version("keras-lmu")


def footprint(name, sizes):
    """Measure the memory that it takes to make, train and run a contender.

    Parameters
    ----------
    name : str
        Of `CONTENDERS`.
    sizes : Sizes

    Returns
    -------
    peak : int
        Bytes beyond what the process had for the packages and for small networks.
    """
    _warm_up()
    before = peak_resident()
    with closing(CONTENDERS[name](sizes)) as contender:
        for _ in range(2):
            contender.train()
            contender.infer()
    return peak_resident() - before


def _warm_up():
    """Train small networks, so that what is only done once is not the first one's."""
    small = Sizes(d=2, units=2, n_steps=2)
    for name in ("ours feed-forward", "keras-lmu recurrent"):
        if missing(name, small) is None:
            with closing(CONTENDERS[name](small)) as contender:
                contender.train()
                contender.infer()


@contextmanager
def _quiet_about_tracing():
    """Keep TensorFlow from advising against what is done here: tracing many models."""
    import tensorflow as tf

    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _started(contender):
    """Return the times of the first minibatches, and let it have more a call.

    Just so many that a call takes `ROUND`, for what a call takes by itself to matter
    as little as it does in an epoch.
    """
    first = {
        "train": _seconds(contender.train)[0],
        "infer": _seconds(contender.infer)[0],
    }
    minibatches = contender.minibatches
    if minibatches is None:
        seconds, _ = _seconds(contender.train)
        minibatches = max(1, round(ROUND / seconds))
    if minibatches > 1:
        contender.take(minibatches)
        contender.train()  # it traces once more, where that depends on the number
        contender.infer()
    return {"first": first, "minibatches": minibatches}


def compare_kind(kind, rows, times):
    """Return the ratios of a kind; those of times are within rounds."""
    index = {row["name"]: j for j, row in enumerate(rows)}
    names = [name for name in KINDS[kind] if name in index]
    j0 = index[names[0]]
    compared = []
    for name in names:
        j = index[name]
        ratios = times[:, j] / times[:, j0]
        compared.append(
            {
                "name": name,
                "start": rows[j]["start"] / rows[j0]["start"],
                "train": quartiles(ratios[:, 0]),
                "infer": quartiles(ratios[:, 1]),
            }
        )
    return {"kind": kind, "rows": compared}


def _seconds(function):
    """Return how long a function takes, and what it returns."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def _seconds_of_both(function):
    """Return how long a function takes, by the clock and of all processors."""
    started = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - started[0], time.process_time() - started[1]
