"""What simulators take of the computer's memory; each in a process of its own."""

import numpy as np
import pytest
from peaks import OMEGA, STEPS, D, of_a_stream, of_neurons

from nengo_lmu.analysis.timing import in_a_process
from nengo_lmu.legendre import discretize, state_space


def sine_response(t):
    """Return the states that the ideal memory has of ``sin(OMEGA t)`` in the end."""
    A, B = discretize(*state_space(1.0, D), 0.001)
    z = np.exp(1j * OMEGA * 0.001)
    response = np.linalg.solve(np.eye(D) - A / z, B).ravel()
    return np.imag(np.exp(1j * OMEGA * t)[:, np.newaxis] * response)


@pytest.mark.slow
@pytest.mark.parametrize("n_neurons", [0, 300])
def test_a_million_steps_leave_neither_history_nor_drift(n_neurons):
    """Not one number a step: the 990,000 steps between the peaks grow by less.

    The probe keeps 10,000 arrays of 6 numbers, with some 190 bytes for each: 2 MB. A
    number a step, as 8 bytes alone, would be 8 MB.

    The error of the ideal memory is that of rounding. That of spikes, over 190 windows
    at the beginning and as many at the end, is the same but for chance: with some 190
    independent values for each of the dimensions, which the first ones dominate, the
    ratio of two rms errors has a standard deviation of 0.05 or so.
    """
    (first, last), t, states = in_a_process(of_a_stream, n_neurons)
    assert last - first < 8 * (STEPS[1] - STEPS[0])
    # the synapse of a memory with neurons takes a step
    right = sine_response(t - (0.001 if n_neurons else 0))
    errors = states - right
    settled = t > 10.0  # many windows
    if n_neurons == 0:
        assert np.abs(errors[settled]).max() < 1e-9 * np.abs(right).max()
        return
    begin = np.sqrt(np.mean(errors[settled & (t < 200)] ** 2))
    end = np.sqrt(np.mean(errors[t > t[-1] - 190] ** 2))
    assert begin < 0.1 * np.sqrt(np.mean(right**2))
    assert 0.75 < end / begin < 1.33


def test_neurons_take_what_parameters_and_state_need():
    """At most half as much again, with what the packages need.

    A neuron has a gain, a bias, a sign and a weight; in the simulator an input, a rate
    and an output, and two constants of the products.
    """
    m = 300_000
    needed = 9 * 8 * m
    packages, peak = in_a_process(of_neurons, m)
    assert needed < peak - packages
    assert peak < 1.5 * (packages + needed)
