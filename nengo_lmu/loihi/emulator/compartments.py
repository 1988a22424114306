"""The emulator's compartments, updated with fewer passes over their arrays."""

import functools

import numpy as np
from nengo_loihi.builder.discretize import Q_BITS, U_BITS
from nengo_loihi.emulator.interface import CompartmentState

# One step in so many is looked at for neurons at their limit, which takes a pass.
_LOOK_EVERY = 16


class FastCompartments(CompartmentState):
    """Compartments with the same states as NengoLoihi's, to the last bit.

    NengoLoihi 1.1.0 wraps all values as if they overflowed, adds noise through masks
    even where there is none, and decays by an integer product, a shift and a sign.

    Attributes
    ----------
    n_looks : int
        Steps that were looked at for neurons at their limit.
    at_limit : (n_compartments,) ndarray of int
        In how many of these each neuron that draws its spikes was to spike with a
        probability of more than 1.
    """

    n_steps = n_looks = 0

    # These are not in __init__, which stays the one that `nengo_lmu.compat` has mended.
    @functools.cached_property
    def _constants(self):
        """Return where input and current get noise, and the factors of the decays."""
        noise = self.noise
        at_q = _where(noise.enabled & ~noise.target_u)
        at_u = _where(noise.enabled & noise.target_u)
        if self.dtype != np.int32:
            return at_q, at_u, None, None
        # Factors are whole multiples of 2^-12, as in `decay_int`.
        keep_u = (2**12 - 1 - self.decay_u) / 2**12
        keep_v = (2**12 - self.decay_v) / 2**12
        return at_q, at_u, keep_u, keep_v

    @functools.cached_property
    def at_limit(self):
        return np.zeros(self.n_compartments, dtype=int)

    @functools.cached_property
    def _limits(self):
        """Return the largest sums of current and bias, or None where nobody has any."""
        fully = self.decay_v == (2**12 - 1 if self.dtype == np.int32 else 1)
        drawn = self.noise.enabled & self.noise.target_u & fully
        if not np.any(drawn):
            return None
        # Of whole numbers the noise is up to 127, and a neuron spikes above its
        # threshold: half of that is on each side.
        largest = self.noise.mult * (127.5 if self.dtype == np.int32 else 1)
        return np.where(drawn, self.vth + largest, np.inf)

    @functools.cached_property
    def _refractory(self):
        """Return whether any period is longer than the 1 that ends with the step."""
        return bool(np.any(self.ref > 1))

    def update(self, rng):
        """Advance all compartments by a step.

        Parameters
        ----------
        rng : numpy.random.RandomState
        """
        at_q, at_u, keep_u, keep_v = self._constants
        noise = self.noise.sample(rng)
        q0 = self.input[0]
        _add(q0, noise, at_q)
        self._wrap(q0, Q_BITS, "q0")

        if self.dtype == np.int32:
            decay_by(self.current, keep_u)
            self.current += q0
        else:
            self.current[:] = self._decay_current(self.current, q0)
        self._wrap(self.current, U_BITS, "current")
        u2 = self.current + self.bias
        self.n_steps += 1
        if self._limits is not None and self.n_steps % _LOOK_EVERY == 0:
            self.n_looks += 1
            self.at_limit += u2 > self._limits
        _add(u2, noise, at_u)
        self._wrap(u2, U_BITS, "u2")

        if self.dtype == np.int32:
            decay_by(self.voltage, keep_v)
            self.voltage += u2
        else:
            self.voltage[:] = self._decay_voltage(self.voltage, u2)
        np.maximum(self.voltage, self.vmin, out=self.voltage)
        np.minimum(self.voltage, self.vmax, out=self.voltage)
        if self._refractory:
            self.voltage[self.ref_count > 0] = 0

        np.greater(self.voltage, self.vth, out=self.spiked)
        spiked = self.spiked.nonzero()[0]
        self.voltage[spiked] = 0
        self.spike_count[spiked] += 1
        if self._refractory:
            self.ref_count[spiked] = self.ref[spiked]
            self.ref_count -= 1
            np.maximum(self.ref_count, 0, out=self.ref_count)

    def _wrap(self, x, bits, name):
        """Wrap values that overflow, and warn of it; there are none but for errors."""
        limit = 2**bits
        if self.dtype == np.int32 and (x.max() >= limit or x.min() < -limit):
            self._overflow(x, bits=bits, name=name)


def _where(mask):
    """Return True for all, False for none, or the mask."""
    return bool(mask[0]) if np.all(mask == mask[0]) else mask


def _add(x, noise, where):
    if where is not False:
        np.add(x, noise, out=x, where=where)


def decay_by(x, factor):
    """Multiply integers in place, and round towards zero.

    Products of 32 and 12 bits are exact in double precision, as in `decay_int`.
    """
    np.copyto(x, x * factor, casting="unsafe")
