"""Ways to get the recurrence of a memory onto the chip, and what each of them costs.

All neurons of a memory act on all others. Weights of its own for each neuron, which is
what NengoLoihi makes of that, are counted; rows of weights that neurons share, and
copies of the memory whose mean is decoded, which are the ways of
`nengo_lmu.loihi.builder.layout`, are built and run on the emulator. Two ideas of how
neurons could do with fewer axons and weights are compared with our memory in the
reference simulator (`nengo_lmu.experiments.on_chip.route_memories`).
"""

from dataclasses import dataclass, replace

import numpy as np

from nengo_lmu.analysis.memory import counted_windows
from nengo_lmu.analysis.summary import mean_and_error
from nengo_lmu.experiments.experiment import option, shown_by
from nengo_lmu.experiments.on_chip.options import THETA, OnChip, measured_for
from nengo_lmu.experiments.options import whole_number

# Memories on the chip have these orders and numbers of neurons.
SIZES = (
    (6, 600),
    (6, 1200),
    (6, 2400),
    (6, 4800),
    (6, 9600),
    (12, 2400),
    (24, 2400),
)

# The only memory has this, where a number of neurons is asked for.
ORDER = 6

# Neurons of the chip are of this type. Those of the reference are the same, so that the
# chip's whole numbers are all that differs.
NEURON_TYPE = "stochastic"

# So many are compared with one, for memories that need no copies.
COPIES = 4

# Each dimension of the state has so many.
RELAYS = (20, 100)

# Memories that relays and blocks are compared with have so many in each dimension.
NEURONS = 100

# The modal form of higher orders cannot be told from rounding errors: its condition
# number grows exponentially.
LAST_ORDER_OF_BLOCKS = 12


@dataclass(frozen=True)
class Routes(OnChip):
    """Compare ways to get the recurrence of a memory onto the chip.

    Their error, cores and synapses, for memories of 1 s, of several sizes and
    orders, or of --n-neurons and order 6.

    Tables go to the screen; with --out, the record and one of each measurement to
    a folder, and the same command continues where it was interrupted. Some 5
    minutes on two cores.
    """

    name = "loihi routes"
    n_neurons: int | None = option(
        None,
        whole_number(2),
        f"neurons of a memory of order {ORDER} (default: memories of several orders, "
        "with 600 to 9600 neurons)",
        "M",
        formerly=("--neurons",),
    )
    seconds: float = measured_for(6.0)

    def __post_init__(self):
        super().__post_init__()
        self.on_chip()  # it refuses what cannot be measured

    @property
    def sizes(self):
        """(tuple) Orders and numbers of neurons, ``(d, m)``, on the chip."""
        return SIZES if self.n_neurons is None else ((ORDER, self.n_neurons),)

    def on_chip(self):
        """Return what is run on the emulator.

        Returns
        -------
        routes : list of Route
            With seed 0. The first of each size has as many copies as it needs.
        """
        from nengo_loihi.block import MAX_IN_AXONS  # --help does not need it

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
        from nengo_lmu.experiments.on_chip.route_memories import Route

        return Route(
            theta=THETA,
            d=d,
            n_neurons=m,
            tau=self.tau,
            neuron_type=NEURON_TYPE,
            windows=counted_windows(self.seconds, THETA),
            **fields,
        )

    def measure(self, run):
        """Count and measure what is planned.

        Returns
        -------
        measured : dict
            ``on_chip`` and ``ideas``, lists of dict. Window errors are ``chip``, on the
            emulator in fixed point, and ``reference``, each with ``mean`` and
            ``standard_error`` over the seeds, and ``theory``. Rows of ``on_chip`` with
            ``weights`` of their own are counted only.
        """
        from nengo_lmu.experiments.on_chip.route_memories import (
            count,
            measure,
            own_weights,
            predict,
        )

        on_chip, ideas = self.on_chip(), self.ideas()
        reference = [replace(r, simulator="reference", copies=None) for r in on_chip]
        needs = run.sweep(count, on_chip, description="resources")
        routes = list(dict.fromkeys([*on_chip, *reference, *ideas]))
        results = run.sweep_seeds(measure, routes, self.seeds, description="routes")

        def values(route, key):
            return [result[key] for result in results[route]]

        def error(route):
            return mean_and_error(values(route, "window"))

        rows = []
        for route, same, need in zip(on_chip, reference, needs):
            size = {"d": route.d, "n_neurons": route.n_neurons}
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
            "on_chip": rows,
            "ideas": [
                {
                    "d": route.d,
                    "n_neurons": route.n_neurons,
                    "route": route.route,
                    "relays": route.relays,
                    "reference": error(route),
                    "theory": predict(route),
                }
                for route in ideas
            ],
        }

    table = shown_by("experiments.on_chip.report.routes_tables")
