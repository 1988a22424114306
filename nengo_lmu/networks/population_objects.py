"""The neurons of a memory and what joins them to its state, and how Nengo builds them.

Each neuron takes part in one dimension only, so the matrices between the neurons and
the state are mostly zeros. They are stored, and `nengo.Simulator` multiplies by them,
in memory and time proportional to the number of neurons; the other backends see
ordinary dense matrices.
"""

import nengo
import numpy as np
import scipy.sparse
from nengo.builder import Builder, Model
from nengo.builder.connection import BuiltConnection, build_connection
from nengo.builder.ensemble import (
    BuiltEnsemble,
    build_ensemble,
    gen_eval_points,
    get_gain_bias,
)
from nengo.builder.operator import Copy, Reset, SparseDotInc
from nengo.builder.signal import Signal
from nengo.dists import Distribution
from nengo.exceptions import BuildError, ValidationError
from nengo.params import BoolParam, NdarrayParam
from nengo.transforms import Transform

from nengo_lmu.networks.apart import set_apart
from nengo_lmu.networks.operators import DecodeInc, Encode
from nengo_lmu.networks.poisson import build_poisson
from nengo_lmu.networks.populations import one_hot


class PopulationEncoders(Distribution):
    """Encoders of neurons that each take part in one dimension.

    A distribution to Nengo, since those are not stored as matrices; it has one sample.

    Parameters
    ----------
    counts : (n_dims,) array_like of int
        Neurons in each dimension, in their order.
    values : (n_neurons,) array_like
        +1 or -1, of each neuron in its dimension.
    """

    counts = NdarrayParam("counts", shape=("*",), dtype=np.int64)
    values = NdarrayParam("values", shape=("*",))

    def __init__(self, counts, values):
        super().__init__()
        self.counts = counts
        self.values = values

    def sample(self, n, d=None, rng=np.random):
        """Return the ``(n_neurons, n_dims)`` matrix."""
        matrix = one_hot(self.counts, self.values)
        if (n, d) != matrix.shape:
            raise ValidationError(
                f"are those of {matrix.shape[0]} neurons in {matrix.shape[1]} "
                f"dimensions, but {n} neurons in {d} dimensions were asked for; give "
                "the ensemble encoders of its own",
                attr="encoders",
                obj=self,
            )
        return matrix


class PopulationTransform(nengo.Dense):
    """A matrix between neurons and the dimensions that each takes part in.

    Parameters
    ----------
    counts : (n_dims,) array_like of int
        Neurons in each dimension, in their order.
    values : (n_neurons,) array_like
    encodes : bool
        Whether it leads from dimensions to neurons; otherwise, from neurons to
        dimensions.
    """

    counts = NdarrayParam("counts", shape=("*",), dtype=np.int64)
    values = NdarrayParam("values", shape=("*",))
    encodes = BoolParam("encodes")

    def __init__(self, counts, values, encodes):
        # The initializer of nengo.Dense would store the matrix.
        Transform.__init__(self)
        self.counts = counts
        self.values = values
        self.encodes = encodes
        shape = (len(self.values), len(self.counts))
        self.shape = shape if encodes else shape[::-1]

    @property
    def init(self):
        """(ndarray) The matrix, made each time that it is asked for."""
        matrix = one_hot(self.counts, self.values)
        return matrix if self.encodes else matrix.T

    @property
    def init_shape(self):
        """(tuple of int) The shape of the matrix."""
        return self.shape

    def sample(self, rng=np.random):
        """Return the matrix."""
        return self.init


class PopulationEnsemble(nengo.Ensemble):
    """Neurons that each take part in one dimension."""


class PopulationConnection(nengo.Connection):
    """A connection between neurons and the one dimension that each takes part in.

    Its transform is a `PopulationTransform` or, once NengoDL has stored what it
    trained, a dense array. It has no slices, function or synapse; either end is the
    ``neurons`` of a `PopulationEnsemble`, the other is a node.
    """


class BuiltPopulation(BuiltEnsemble):
    """Parameters of a `PopulationEnsemble`, with encoders made when asked for."""

    __slots__ = ()

    @property
    def population(self):
        """(tuple of ndarray) Neurons in each dimension, and the sign of each neuron."""
        return super().encoders

    @property
    def encoders(self):
        """((n_neurons, n_dims) ndarray) One sign a row."""
        return one_hot(*super().encoders)

    @property
    def scaled_encoders(self):
        """((n_neurons, n_dims) ndarray) One gain with its sign a row."""
        return one_hot(*super().scaled_encoders)


def refuse_functions(network, ens):
    """Refuse connections that are to decode a function from neurons of a memory.

    Each neuron takes part in one coordinate, so that what they can say of two is a sum;
    and the coordinates are the theory's, not the state's.

    Parameters
    ----------
    network : nengo.Network
        All that is built.
    ens : PopulationEnsemble

    Raises
    ------
    nengo.exceptions.BuildError
        With the remedy.
    """
    for connection in network.all_connections:
        if connection.pre_obj is ens and connection.function is not None:
            raise BuildError(
                f"{connection}: a function cannot be decoded from the neurons of a "
                "memory, each of which knows one coordinate of a basis of its own; use "
                "memory.add_window(points, function, n_neurons=...), or connect "
                "memory.output, which is the state, to an ensemble of yours"
            )


@Builder.register(PopulationEnsemble)
def build_population_ensemble(model, ens):
    """Build a `PopulationEnsemble` as Nengo builds ensembles, with faster steps.

    Nengo multiplies what arrives at an ensemble by all its encoders, which takes more
    time than all the rest if there are many dimensions. Poisson neurons are stepped by
    `nengo_lmu.networks.poisson`.

    Backends with a model class of their own, such as NengoDL, get Nengo's ordinary
    dense product, which they know how to batch and differentiate.
    """
    if model.toplevel is not None:
        refuse_functions(model.toplevel, ens)
    population = (
        None if _is_ordinary(model, ens) else _population(ens.encoders, encodes=True)
    )
    if population is None:
        build_ensemble(model, ens)
    else:
        _build_sparsely(model, ens, *population)
    set_apart(model, ens.neurons)


def _build_sparsely(model, ens, counts, signs):
    dtype = nengo.rc.float_dtype
    rng = np.random.RandomState(model.seeds[ens])
    eval_points = gen_eval_points(ens, ens.eval_points, rng=rng, dtype=dtype)
    gain, bias, max_rates, intercepts = get_gain_bias(ens, rng, dtype=dtype)
    weights = gain / ens.radius * signs

    state = model.sig[ens]["in"] = Signal(shape=ens.dimensions, name=f"{ens}.signal")
    model.add_op(Reset(state))
    sig = model.sig[ens.neurons]
    sig["in"] = Signal(shape=ens.n_neurons, name=f"{ens}.neuron_in")
    sig["out"] = Signal(shape=ens.n_neurons, name=f"{ens}.neuron_out")
    sig["bias"] = _constant(f"{ens}.bias", bias)
    model.add_op(
        Encode(
            counts,
            _constant(f"{ens}.weights", weights),
            sig["bias"] if np.any(bias) else None,
            state,
            sig["in"],
            tag=f"{ens} encoding",
        )
    )
    if type(ens.neuron_type) is nengo.PoissonSpiking:
        build_poisson(model, ens.neuron_type, ens.neurons)
    else:
        model.build(ens.neuron_type, ens.neurons)
    if ens.noise is not None:
        model.build(ens.noise, sig_out=sig["in"], mode="inc")
    model.sig[ens]["out"] = sig["out"]
    model.params[ens] = BuiltPopulation(
        eval_points=eval_points,
        encoders=(counts, signs),
        intercepts=intercepts,
        max_rates=max_rates,
        scaled_encoders=(counts, weights),
        gain=gain,
        bias=bias,
    )


@Builder.register(PopulationConnection)
def build_population_connection(model, conn):
    """Build a `PopulationConnection` as a product that skips the zeros.

    What leads to neurons needs no product of its own, if it is the same as that of
    their ensemble.
    """
    if type(model) is not Model:
        build_connection(model, conn)
        return

    sig_in = model.sig[conn.pre_obj]["out"]
    sig_out = model.sig[conn.post_obj]["in"]
    encodes = isinstance(conn.post_obj, nengo.ensemble.Neurons)
    population = _population(conn.transform, encodes)
    matrix = _sparse(conn.transform, population, encodes)
    if encodes and _same(population, model.params[conn.post_obj.ensemble]):
        model.add_op(Copy(sig_in, model.sig[conn.post_obj.ensemble]["in"], inc=True))
    elif not encodes and population is not None:
        counts, values = population
        signal = _constant(f"{conn}.weights", values)
        model.add_op(DecodeInc(counts, signal, sig_in, sig_out, tag=f"{conn}"))
    else:
        # After training, any neuron may take part in any dimension.
        scaled = matrix
        if encodes:
            gain = model.params[conn.post_obj.ensemble].gain
            scaled = (scipy.sparse.diags(gain) @ matrix).tocsr()
        signal = _constant(f"{conn}.weights", scaled)
        model.add_op(SparseDotInc(signal, sig_in, sig_out, tag=f"{conn}"))
    model.sig[conn]["in"] = sig_in
    model.sig[conn]["out"] = sig_out
    model.params[conn] = BuiltConnection(
        eval_points=None, solver_info=None, transform=conn.transform, weights=matrix
    )


def _is_ordinary(model, ens):
    """Return whether an ensemble has to be built in the ordinary way.

    So it is in other backends, where its encoders are learned or probed, and where it
    is not known whether they are.
    """
    network = model.toplevel
    if type(model) is not Model or network is None or ens.normalize_encoders:
        return True
    return any(
        conn.post_obj is ens and conn.learning_rule_type is not None
        for conn in network.all_connections
    ) or any(
        probe.obj is ens and probe.attr == "scaled_encoders"
        for probe in network.all_probes
    )


def _population(weights, encodes):
    """Return the neurons in each dimension, and the value of each neuron.

    Parameters
    ----------
    weights : PopulationEncoders, PopulationTransform, Dense, Distribution or ndarray
        Matrices that NengoDL has stored are arrays, of the same structure unless they
        were trained.
    encodes : bool
        Whether the neurons are the rows.

    Returns
    -------
    population : tuple of ndarray or None
        ``(counts, values)``, or None for any other matrix.
    """
    if isinstance(weights, (PopulationEncoders, PopulationTransform)):
        return weights.counts, weights.values
    array = getattr(weights, "init", weights)
    if isinstance(array, Distribution):
        return None
    array = array if encodes else array.T
    neurons, dims = np.nonzero(array)
    counts = np.bincount(dims, minlength=array.shape[1])
    each_once = np.array_equal(neurons, np.arange(len(array)))
    if not each_once or np.any(np.diff(dims) < 0) or not np.all(counts):
        return None
    return counts, array[neurons, dims]


def _same(population, built):
    """Return whether a matrix is that of the encoders of an ensemble."""
    if population is None or not isinstance(built, BuiltPopulation):
        return False
    counts, signs = built.population
    return np.array_equal(counts, population[0]) and np.allclose(
        # NengoDL stores in single precision
        signs,
        population[1],
        rtol=1e-6,
        atol=0,
    )


def _sparse(transform, population, encodes):
    """Return the matrix of a transform in memory proportional to its nonzeros."""
    if population is None:
        return scipy.sparse.csr_matrix(transform.init)
    counts, values = population
    # SciPy would make such indices of longer ones
    dims = np.arange(len(counts), dtype=np.int32)
    neurons = np.arange(len(values) + 1, dtype=np.int32)
    if encodes:
        parts, shape = (np.repeat(dims, counts), neurons), (len(values), len(counts))
    else:
        ends = np.append(0, np.cumsum(counts))
        parts, shape = (neurons[:-1], ends), (len(counts), len(values))
    return scipy.sparse.csr_matrix((values, *parts), shape=shape)


def _constant(name, values):
    values = values.astype(nengo.rc.float_dtype, copy=False)
    return Signal(values, name=name, readonly=True)
