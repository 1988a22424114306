"""Networks without a memory, to be the same whether nengo_lmu is there or not.

As a script, run one of them, or all one after another, and print what comes of it::

    python bystanders.py {absent,hooked,imported} {nengo,dl,loihi} [NAME]

with nengo_lmu out of sight, installed but not imported, or imported. A line of JSON for
each has a digest of all data (or the error) and the operators that are executed.
"""

import hashlib
import itertools
import json
import re
import sys
import warnings
from collections import Counter

import nengo
import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import NengoException

STEPS = {"nengo": 100, "dl": 20, "loihi": 40}
# on the chip, NengoLoihi knows these only
CHIP = (nengo.LIF, nengo.SpikingRectifiedLinear)

MODELS = {}


def model(function):
    """Remember a function that makes a network; it returns what is to be probed."""
    MODELS[function.__name__] = function
    return function


def make(name):
    """Return a network and its probes."""
    with nengo.Network(seed=1) as net:
        probes = [nengo.Probe(obj, synapse=0.01) for obj in MODELS[name]()]
    return net, probes


def sine():
    """Return a node."""
    return nengo.Node(lambda t: np.sin(20 * t))


def chain(neuron_type, **kwargs):
    """Return an ensemble that hears another one, and itself."""
    first = nengo.Ensemble(30, 1, neuron_type=neuron_type, **kwargs)
    second = nengo.Ensemble(20, 1, neuron_type=neuron_type, **kwargs)
    nengo.Connection(sine(), first)
    nengo.Connection(first, second, function=np.square)
    nengo.Connection(second, second, transform=0.5, synapse=0.05)
    return second


def output_of_an_array(neuron_type):
    array = nengo.networks.EnsembleArray(20, 12, neuron_type=neuron_type)
    nengo.Connection(nengo.Node(np.linspace(-1, 1, 12)), array.input)
    return [array.output]


@model
def poisson_array():
    return output_of_an_array(nengo.PoissonSpiking(nengo.RectifiedLinear()))


@model
def stochastic_array():
    return output_of_an_array(nengo.StochasticSpiking(nengo.LIFRate()))


@model
def poisson_beside_others():
    types = nengo.PoissonSpiking(nengo.Sigmoid()), nengo.LIF(), nengo.RegularSpiking
    ensembles = [chain(types[0]), chain(types[1]), chain(types[0])]
    return [*ensembles, ensembles[0].neurons]


@model
def leaky_spikes():
    return [chain(nengo.LIF())]


@model
def regular_spikes():
    return [chain(nengo.RegularSpiking(nengo.LIFRate())), chain(nengo.LIFRate())]


@model
def adaptive_spikes():
    return [chain(nengo.AdaptiveLIF()), chain(nengo.Izhikevich())]


@model
def rates():
    kinds = nengo.Tanh(), nengo.Sigmoid(), nengo.RectifiedLinear()
    return [chain(kind) for kind in kinds]


@model
def rectified_spikes():
    return [chain(nengo.SpikingRectifiedLinear())]


@model
def noisy_oscillator():
    ens = nengo.Ensemble(50, 2, noise=nengo.processes.WhiteNoise(seed=3))
    turn = [[1, 0.2], [-0.2, 1]]
    nengo.Connection(ens, ens, transform=turn, synapse=0.1)
    nengo.Connection(nengo.Node(lambda t: [t < 0.05, 0]), ens)
    return [ens]


@model
def error_learned():
    pre, post, error = (nengo.Ensemble(30, 1) for _ in range(3))
    nengo.Connection(sine(), pre)
    learned = nengo.Connection(
        pre, post, function=lambda x: 0, learning_rule_type=nengo.PES()
    )
    nengo.Connection(post, error)
    nengo.Connection(pre, error, transform=-1)
    nengo.Connection(error, learned.learning_rule)
    return [post]


@model
def encoders_learned():
    pre, post = nengo.Ensemble(30, 1), nengo.Ensemble(20, 1)
    nengo.Connection(sine(), pre)
    nengo.Connection(pre, post, learning_rule_type=nengo.Voja())
    return [post]


@model
def weights_learned():
    pre, post = nengo.Ensemble(30, 1), nengo.Ensemble(20, 1)
    nengo.Connection(sine(), pre)
    for rule in (nengo.BCM(), nengo.Oja()):
        nengo.Connection(
            pre,
            post,
            solver=nengo.solvers.LstsqL2(weights=True),
            learning_rule_type=rule,
        )
    return [post]


@model
def processes():
    signal = nengo.Node(nengo.processes.WhiteSignal(1, high=10, seed=2), size_out=2)
    shown = nengo.Node(nengo.processes.PresentInput(np.eye(2), 0.02))
    ens = nengo.Ensemble(40, 2)
    nengo.Connection(signal, ens, synapse=nengo.Alpha(0.02))
    nengo.Connection(shown, ens, synapse=nengo.LinearFilter([1], [0.02, 1]))
    return [ens]


@model
def sparse_weights():
    pre, post = nengo.Ensemble(30, 1), nengo.Ensemble(30, 1)
    nengo.Connection(sine(), pre)
    sparse = nengo.Sparse((30, 30), indices=[[i, i] for i in range(30)], init=0.01)
    nengo.Connection(pre.neurons, post.neurons, transform=sparse)
    return [post]


@model
def convolution():
    weights = nengo.Convolution(2, (6, 6, 1), init=nengo.dists.Uniform(-0.1, 0.1))
    layer = nengo.Ensemble(
        weights.output_shape.size,
        1,
        gain=nengo.dists.Choice([1]),
        bias=nengo.dists.Choice([2]),
    )
    image = nengo.Node(np.linspace(-1, 1, 36))
    nengo.Connection(image, layer.neurons, transform=weights)
    return [layer.neurons]


@model
def direct():
    ens = nengo.Ensemble(1, 2, neuron_type=nengo.Direct())
    out = nengo.Ensemble(30, 1)
    nengo.Connection(sine(), ens[0])
    nengo.Connection(sine(), ens[1], transform=0.5)
    nengo.Connection(ens, out, function=lambda x: x[0] * x[1])
    return [out]


@model
def product():
    product = nengo.networks.Product(30, 3)
    nengo.Connection(nengo.Node([0.1, 0.5, -1]), product.input_a)
    nengo.Connection(nengo.Node([0.3, -0.5, 1]), product.input_b)
    return [product.output]


@model
def basal_ganglia():
    ganglia = nengo.networks.BasalGanglia(3)
    thalamus = nengo.networks.Thalamus(3)
    nengo.Connection(nengo.Node([0.2, 0.8, 0.4]), ganglia.input)
    nengo.Connection(ganglia.output, thalamus.input)
    return [thalamus.output]


def simulated(kind, net):
    """Return a simulator, and a function that tells what it executes."""
    if kind == "nengo":
        sim = nengo.Simulator(net, progress_bar=False)
        return sim, lambda: Counter(type(op).__name__ for op in sim.step_order)
    if kind == "dl":
        import nengo_dl

        sim = nengo_dl.Simulator(net, progress_bar=False, seed=1)
        return sim, lambda: [
            f"{type(ops[0]).__name__} {len(ops)}" for ops in sim.tensor_graph.plan
        ]
    import nengo_loihi

    nengo_loihi.add_params(net)
    for ens in net.all_ensembles:
        if type(ens.neuron_type) not in CHIP or ens.noise is not None:
            net.config[ens].on_chip = False
    with net:  # a simulator refuses networks of which nothing is on the chip
        nengo.Ensemble(10, 1, seed=0)
    sim = nengo_loihi.Simulator(net, progress_bar=False)
    blocks = sim.model.blocks
    return sim, lambda: sorted(len(block.compartment.bias) for block in blocks)


def run(kind, name):
    """Run a network and return what comes of it."""
    net, probes = make(name)
    digest = hashlib.sha256()
    try:
        sim, executed = simulated(kind, net)
    except (NengoException, NotImplementedError) as error:
        # some have the addresses of objects in them
        return {"name": name, "error": re.sub("0x[0-9a-f]+", "", repr(error))}
    with sim:
        sim.run_steps(STEPS[kind])
        for probe in probes:
            digest.update(np.ascontiguousarray(sim.data[probe]).tobytes())
        return {"name": name, "digest": digest.hexdigest(), "executed": executed()}


def fix_order():
    """Make sets of operators and signals go in the order in which they were made.

    They go by addresses in Nengo, and with them what its optimizer merges: even without
    nengo_lmu, no two processes agree on the last bit.
    """
    serial = itertools.count()

    def number(self):
        return self.__dict__.setdefault("_serial", next(serial))

    Operator.__hash__ = Signal.__hash__ = number


def main(presence, kind, *names):
    """Run networks and print a line of each."""
    warnings.simplefilter("ignore")
    if presence == "hooked":
        __import__("_nengo_lmu_hook").install()
    elif presence == "imported":
        __import__("nengo_lmu")
    fix_order()
    nengo.rc.set("decoder_cache", "enabled", "False")
    for name in names or MODELS:
        print(json.dumps(run(kind, name)))
    assert ("nengo_lmu" in sys.modules) == (presence == "imported")


if __name__ == "__main__":
    main(*sys.argv[1:])
