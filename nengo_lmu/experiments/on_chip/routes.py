"""Ways to get the recurrence of a memory onto the chip, and what each of them costs.

All neurons of a memory act on all others. Weights of its own for each neuron, which is
what NengoLoihi makes of that, are counted; rows of weights that neurons share, and
copies of the memory whose mean is decoded, which are the ways of
`nengo_lmu.loihi.builder.layout`, are built and run on the emulator. Two ideas of how
neurons could do with fewer axons and weights are compared with our memory in the
reference simulator (`nengo_lmu.experiments.on_chip.route_memories`).
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
from nengo_loihi.block import (
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_SYNAPSE_BITS,
    Synapse,
)

from nengo_lmu.analysis import sweep
from nengo_lmu.analysis.memory import counted_windows
from nengo_lmu.analysis.records import versions
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.on_chip.route_memories import Route, count, measure, predict
from nengo_lmu.legendre.checks import whole

THETA = 1.0

# What a neuron of the chip is. Those of the reference are the same, so that the chip's
# whole numbers are all that differs.
NEURON_TYPE = "stochastic"

# which are compared with one, for memories that need no copies
COPIES = 4

# for each dimension of the state
RELAYS = (20, 100)

# of each dimension of the memories that relays and blocks are compared with
NEURONS = 100

# The modal form of higher orders cannot be told from rounding errors: its condition
# number grows exponentially.
LAST_ORDER_OF_BLOCKS = 12


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    sizes : tuple of (d, m)
        Order and number of neurons of the memories on the chip.
    tau : float
        Time constant of the synapse (seconds).
    seeds : int
        How many times each is measured, with another input and other neurons.
    seconds : float
        Length of a measurement, in whole windows; the first is not counted.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For a plan that cannot be measured.
    """

    sizes: tuple = (
        (6, 600),
        (6, 1200),
        (6, 2400),
        (6, 4800),
        (6, 9600),
        (12, 2400),
        (24, 2400),
    )
    tau: float = 0.1
    seeds: int = 5
    seconds: float = 6.0

    def __post_init__(self):
        whole("seeds", self.seeds, 1)
        self.on_chip()  # refuse what they refuse

    def on_chip(self):
        """Return what is run on the emulator.

        Returns
        -------
        routes : list of Route
            With seed 0. The first of each size has as many copies as it needs.
        """
        return [
            self._route(d, m, simulator="fixed point", copies=copies)
            for d, m in self.sizes
            for copies in (None, COPIES)[: 1 + (2 * d * COPIES <= m <= MAX_IN_AXONS)]
        ]

    def ideas(self):
        """Return what is compared in the reference simulator.

        Returns
        -------
        routes : list of Route
            With seed 0. The first of each order is our memory.
        """
        ours = [
            self._route(d, NEURONS * d) for d in dict.fromkeys(d for d, _ in self.sizes)
        ]
        return [
            replace(route, **idea)
            for route in ours
            for idea in (
                {},
                *({"route": "relays", "relays": relays} for relays in RELAYS),
                *[{"route": "blocks"}] * (route.d <= LAST_ORDER_OF_BLOCKS),
            )
        ]

    def _route(self, d, m, **fields):
        return Route(
            theta=THETA,
            d=d,
            n_neurons=m,
            tau=self.tau,
            neuron_type=NEURON_TYPE,
            windows=counted_windows(self.seconds, THETA),
            **fields,
        )


def run(plan, folder=None, workers=None, show_progress=None):
    """Count and measure what is planned.

    Parameters
    ----------
    plan : Plan
    folder, workers, show_progress
        As for `nengo_lmu.analysis.sweep.run`.

    Returns
    -------
    record : dict
        ``on_chip`` and ``ideas``, lists of dict, ``plan`` and ``versions``. Window
        errors are ``chip``, on the emulator in fixed point, and ``reference``, each
        with ``mean`` and ``standard_error`` over the seeds, and ``theory``. Rows of
        ``on_chip`` with ``weights`` of their own are counted only.

    Raises
    ------
    nengo_lmu.analysis.errors.MeasurementError
        If some failed.
    """
    options = {
        "folder": folder,
        "workers": workers,
        "cost": lambda route: route.cost,
        "show_progress": show_progress,
    }
    on_chip, ideas = plan.on_chip(), plan.ideas()
    reference = [replace(r, simulator="reference", copies=None) for r in on_chip]
    needs = sweep.run(count, on_chip, description="resources", **options)
    every = list(dict.fromkeys([*on_chip, *reference, *ideas]))
    results = sweep.run_seeds(
        measure, every, plan.seeds, description="routes", **options
    )

    def values(route, key):
        return [result[key] for result in results[route]]

    def error(route):
        return mean_and_error(values(route, "window"))

    rows = []
    for route, same, need in zip(on_chip, reference, needs):
        size = {"d": route.d, "m": route.n_neurons}
        if route.copies is None:
            spikes = np.mean(values(route, "spikes_per_second"))
            rows.append(size | {"weights": "own"} | own_weights(route, spikes))
        operations = np.mean(values(route, "synaptic_operations_per_second"))
        rows.append(
            size
            | {"weights": "shared"}
            | need["result"]
            | {
                "synaptic_operations_per_second": float(operations),
                "chip": error(route),
                "reference": error(same),
                "theory": predict(route, need["result"]["copies"]),
            }
        )
    return {
        "plan": asdict(plan),
        "on_chip": rows,
        "ideas": [
            {
                "d": route.d,
                "m": route.n_neurons,
                "route": route.route,
                "relays": route.relays,
                "reference": error(route),
                "theory": predict(route),
            }
            for route in ideas
        ],
        "versions": versions(),
    }


def own_weights(route, spikes_per_second):
    """Count what a memory needs whose neurons have weights of their own each.

    Parameters
    ----------
    route : Route
    spikes_per_second : float
        Of all of its neurons.

    Returns
    -------
    needed : dict
        As that of `route_memories.count`, for as few cores as possible, with
        ``synaptic_operations_per_second``. There is no number of cores where each would
        have too many axons. Those of the input are left out.
    """
    m = route.n_neurons
    row = Synapse(1)
    row.set_weights(np.ones((1, MAX_COMPARTMENTS)))  # a format without indices
    row_bits = map(row.synapse_cfg.bits_per_axon, range(MAX_COMPARTMENTS + 1))
    bits = m * np.fromiter(row_bits, int)
    most = np.flatnonzero(bits <= MAX_SYNAPSE_BITS)[-1]
    cores = math.ceil(m / most)
    sizes = [len(piece) for piece in np.array_split(np.arange(m), cores)]
    return {
        "copies": 1,
        "cores": cores if m <= MAX_IN_AXONS else None,
        "synapse_bits": int(bits[sizes].sum()),
        "input_axons": m,
        "synaptic_operations_per_second": m * float(spikes_per_second),
    }
