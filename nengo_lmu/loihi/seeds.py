"""The seed of a simulator, for what runs beside the chip too.

NengoLoihi gives it to the chip alone, so that what is on the host, such as white noise
without a seed of its own, differs from run to run.
"""

import functools

import numpy as np
from nengo.utils.numpy import maxint

from nengo_lmu.networks import LegendreMemory
from nengo_lmu.networks.members import members

_ON_HOST = ("host_pre", "host")


def seeding(init):
    """Return `nengo_loihi.Simulator.__init__` that seeds the host of memories.

    As for the chip, the seed is the simulator's, or follows from that of the network;
    without either, the host's is random.

    Parameters
    ----------
    init : callable
    """

    @functools.wraps(init)
    def init_and_seed(self, network, *args, **kwargs):
        init(self, network, *args, **kwargs)
        seed = self.seed
        if seed is None and network.seed is not None:
            seed = network.seed + 1
        if seed is None or not members(network, LegendreMemory):
            return
        # The chip draws from the seed itself, and nothing else may draw the same.
        seeds = np.random.RandomState(seed).randint(maxint, size=len(_ON_HOST))
        for name, host_seed in zip(_ON_HOST, seeds):
            if name in self.sims:
                self.sims[name].reset(seed=int(host_seed))
        # The runner holds steps of the simulators, which are new.
        self._runner = type(self._runner)(
            self.model, self.sims, self.precompute, self.timers
        )

    init_and_seed.is_ours = True
    return init_and_seed
