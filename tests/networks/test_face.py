"""What networks say of themselves, and of arguments that they do not have."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_lmu import LMU, LegendreMemory


@pytest.fixture(autouse=True)
def network():
    with nengo.Network(seed=0) as net:
        yield net


def test_repr_says_what_it_is():
    lmu = LMU(0.5, 4, n_neurons=80)
    text = repr(lmu)
    error = lmu.memory.predicted_error.window
    tau = lmu.memory.synapse.tau
    assert text == (
        f"<LMU: theta=0.5 s, d=4, 80 neurons ({lmu.memory.neuron_type}), "
        f"tau={tau:g} s, predicted window error {error:.2g}>"
    )
    assert str(lmu) == text
    assert repr(lmu.memory) == text.replace("<LMU:", "<LegendreMemory 'memory':")


def test_other_memories_say_what_they_are():
    cell = LMU(0.5, 4, size_in=3, n_neurons=0, units=5, label="cell")
    assert repr(cell) == (
        "<LMU 'cell': theta=0.5 s, d=4, 3 signals, ideal, without neurons, "
        "5 hidden units>"
    )
    # the theory says nothing of these neurons
    lif = repr(LegendreMemory(0.5, 4, n_neurons=80, neuron_type=nengo.LIF()))
    assert "LIF" in lif and "predicted" not in lif


def test_repr_while_it_is_made():
    half_made = object.__new__(LegendreMemory)
    nengo.Network.__init__(half_made, label="half")
    assert "half" in repr(half_made)


def test_d_dt_and_synapse_are_the_memorys():
    lmu = LMU(0.5, 4, n_neurons=80, dt=0.002, synapse=0.1)
    assert (lmu.d, lmu.dt, lmu.synapse) == (4, 0.002, nengo.Lowpass(0.1))
    assert LMU(0.5, 4, n_neurons=0).synapse is None


@pytest.mark.parametrize("size_memory, rows", [(None, 1), (1, 1), (3, 3)])
def test_a_distribution_makes_as_many_signals_as_asked(size_memory, rows):
    lmu = LMU(
        0.5,
        4,
        size_in=16,
        n_neurons=0,
        input_encoders=nengo.dists.Uniform(-1, 1),
        size_memory=size_memory,
    )
    assert lmu.memory.size_in == rows
    encoders = lmu.input_encoders.transform.init
    assert encoders.shape == (rows, 16)
    # each of the signals is another mixture
    assert len(np.unique(encoders, axis=0)) == rows


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"size_memory": 2}, "must be 3, .* but 2 was given; leave it out"),
        ({"size_memory": 0}, "at least 1, but 0 was given"),
        ({"size_memory": 2, "input_encoders": np.ones((1, 3))}, "must be 1,"),
    ],
)
def test_signals_that_cannot_be(options, problem):
    with pytest.raises(ValidationError, match=problem):
        LMU(0.5, 4, size_in=3, n_neurons=0, **options)


@pytest.mark.parametrize(
    "name, hint",
    [
        ("n_neuron", "did you mean 'n_neurons'"),
        ("max_rate", "did you mean 'max_rates'"),
        ("hidden_kernels", "did you mean 'hidden_kernel'"),
        ("xyz", "see its help"),
    ],
)
def test_unknown_arguments_are_those_of_the_class_called(name, hint):
    with pytest.raises(TypeError, match=rf"^LMU\(\) has no argument '{name}'.*{hint}"):
        LMU(0.5, 4, **{name: 1})


def test_arguments_of_the_memory_pass():
    lmu = LMU(0.5, 4, n_neurons=16, max_rates=np.full(16, 100.0), reset=True)
    assert lmu.memory.max_rate == 100 and lmu.memory.reset is not None
