"""What users configure for their own objects does not change those of a memory."""

import nengo
import numpy as np
import pytest
from nengo.config import Config

from nengo_lmu import LMU, LegendreMemory

# valid, and not what anybody wants of a memory
STRANGE = {
    nengo.Connection: {
        "eval_points": [[0.5]],
        "function_info": np.sin,
        "label": "strange",
        "learning_rule_type": nengo.PES(),
        "scale_eval_points": False,
        "seed": 5,
        "solver": nengo.solvers.LstsqL2(weights=True),
        "synapse": nengo.Alpha(0.1),
        "transform": 2.0,
    },
    nengo.Ensemble: {
        "bias": nengo.dists.Choice([3.0]),
        "encoders": nengo.dists.Choice([[-1.0]]),
        "eval_points": nengo.dists.Choice([[0.5]]),
        "gain": nengo.dists.Choice([3.0]),
        "intercepts": nengo.dists.Choice([0.9]),
        "label": "strange",
        "max_rates": nengo.dists.Choice([20.0]),
        "n_eval_points": 3,
        "neuron_type": nengo.LIF(),
        "noise": nengo.processes.WhiteNoise(),
        "normalize_encoders": False,
        "radius": 3.0,
        "seed": 5,
    },
    nengo.Node: {
        "label": "strange",
        "output": [5.0],
        "seed": 5,
        "size_in": 5,
        "size_out": 5,
    },
    nengo.Probe: {
        "attr": "output",
        "label": "strange",
        "sample_every": 0.007,
        "seed": 5,
        "solver": nengo.solvers.Lstsq(),
        "synapse": nengo.Alpha(0.1),
    },
}

# the documented ones, which arguments take the place of
ARGUMENTS = {
    "neuron_type": nengo.PoissonSpiking(nengo.RectifiedLinear()),
    "max_rates": nengo.dists.Uniform(210, 230),
    "intercepts": nengo.dists.Choice([0.0]),
    "encoders": np.tile([[1.0], [-1.0]], (20, 1)),
}


def run(cls=None, **defaults):
    """Return what memories and cells of all kinds give, where defaults are configured.

    Simulated without Nengo's optimizer, whose order of additions, and so the rounding,
    is another in each build.
    """
    with nengo.Network(seed=0) as net:
        u = nengo.Node(lambda t: np.cos(40 * t), label="signal")
        with nengo.Network(seed=1) as inner:
            if cls is not None:
                inner.config[cls].update(defaults)
            spiking = {"theta": 0.1, "d": 2, "n_neurons": 40, **ARGUMENTS}
            # these take time to choose
            spiking |= {"synapse": 0.05, "error_feedback": 0.5}
            ideal = {**spiking, "n_neurons": 0}
            made = [
                LegendreMemory(**spiking, feedback_delay=0.001),
                LegendreMemory(**spiking, trainable_theta=True),
                LegendreMemory(**ideal),
                LMU(**ideal, units=2, hidden_bias=0.1, trainable_theta=True),
                LMU(
                    **spiking,
                    size_in=2,
                    units=2,
                    input_encoders=[[0.5, 0.5]],
                    hidden_encoders=0.1 * np.ones((1, 2)),
                    memory_encoders=0.1 * np.ones((1, 2)),
                    hidden_bias=0.1,
                    hidden_neuron_type=nengo.SpikingRectifiedLinear(),
                ),
            ]
            memories = [getattr(one, "memory", one) for one in made]
            ends = [
                (
                    one.output,
                    memory.decoded,
                    memory.add_window([0, 1]),
                    memory.add_window([0, 1], function=np.square),
                )
                for one, memory in zip(made, memories)
            ]
            entries = [memory.add_feedback() for memory in memories]
        for entry in [*(one.input for one in made), *entries]:
            transform = np.ones((entry.size_in, 1))
            nengo.Connection(u, entry, transform=transform, synapse=None)
        probes = [[nengo.Probe(end) for end in of_one] for of_one in ends]
    with nengo.Simulator(net, optimize=False, progress_bar=False) as sim:
        sim.run_steps(40)
    return [np.hstack([sim.data[probe] for probe in of_one]) for of_one in probes]


@pytest.fixture(scope="module")
def untouched():
    return run()


@pytest.mark.parametrize("cls", STRANGE)
def test_nothing_is_left_out(cls):
    """Each parameter that Nengo lets users configure is among the strange ones."""
    params = Config(cls)[cls].params
    configurable = {name for name in params if getattr(cls, name).configurable}
    assert set(STRANGE[cls]) == configurable


@pytest.mark.parametrize(
    "cls, name", [(cls, name) for cls, values in STRANGE.items() for name in values]
)
def test_defaults_are_those_of_the_users_objects(cls, name, untouched):
    """Bit for bit, but for the maximum rates of hidden units, as documented."""
    *memories, cell = map(
        np.array_equal, untouched, run(cls, **{name: STRANGE[cls][name]})
    )
    assert all(memories)
    assert cell == (name != "max_rates")


def test_what_users_make_in_a_memory_has_their_defaults():
    with nengo.Network() as net:
        net.config[nengo.Connection].synapse = nengo.Alpha(0.1)
        net.config[nengo.Ensemble].radius = 3.0
        lmu = LMU(0.1, 2, n_neurons=0, units=2)
        for network in (lmu, lmu.memory):
            with network:
                ensemble = nengo.Ensemble(10, 2)
                conn = nengo.Connection(network.output, ensemble)
            assert conn.synapse == nengo.Alpha(0.1)
            assert ensemble.radius == 3.0
        lmu.memory.config[nengo.Connection].synapse = None
        with lmu.memory:
            assert nengo.Connection(lmu.memory.output, ensemble).synapse is None
