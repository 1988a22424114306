"""What networks do with their arguments: validation, defaults, seeds."""

import difflib
import inspect
import numbers
from contextlib import contextmanager
from functools import wraps

import nengo
import numpy as np
from nengo.config import Config
from nengo.dists import Distribution
from nengo.exceptions import ValidationError

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import (
    LONGEST_WINDOW,
    finite_array,
    flag,
    positive,
    shown,
    whole,
)

# Nengo's own discretization of shorter synapses is not a number, from 1e-4 time steps;
# one of a hundredth lets through all but exp(-100) of a step as it is.
_SHORTEST_SYNAPSE = 0.01


@contextmanager
def validated(obj, **names):
    """Turn the mathematics' `ArgumentError` into Nengo's `ValidationError`.

    Parameters
    ----------
    obj : object
        Whose argument it is.
    **names
        What ``obj`` calls arguments that have another name in the mathematics.
    """
    try:
        yield
    except ArgumentError as error:
        raise ValidationError(
            error.problem, attr=names.get(error.name, error.name), obj=obj
        ) from None


def all_or_nothing(init):
    """Make ``__init__`` of a network take it out of its parent again if it fails.

    Whoever mends an argument in a notebook and makes the network once more, with the
    same parent, has one of them and no half of another.
    """

    @wraps(init)
    def wrapped(self, *args, **kwargs):
        parents = list(nengo.Network.context)
        try:
            init(self, *args, **kwargs)
        except BaseException:
            for parent in parents[-1:]:
                parent.networks[:] = [net for net in parent.networks if net is not self]
            raise

    return wrapped


def configured(name, recipe):
    """Return the user's default for an `nengo.Ensemble` parameter, or ours.

    Parameters
    ----------
    name : str
        A parameter of `nengo.Ensemble`.
    recipe : object
        What to use where no network around us sets it in its config.
    """
    parameter = getattr(nengo.Ensemble, name)
    for config in reversed(Config.context):
        if nengo.Ensemble in config.params and config[nengo.Ensemble] in parameter:
            return getattr(config[nengo.Ensemble], name)
    return recipe


@contextmanager
def nengos_defaults():
    """Make objects with Nengo's own defaults, whatever the networks around configure.

    For what a network is made of itself: a default that the user has for connections of
    their own, such as a transform, would change what ours compute. What `configured`
    returns has to be asked for outside. It can decorate a function too.
    """
    with _NENGOS_DEFAULTS:
        yield


def _all_defaults(*classes):
    """Return a config that sets each parameter to its class's own default."""
    config = Config(*classes)
    for cls in classes:
        for name in config[cls].default_params:
            parameter = getattr(cls, name)
            if parameter.configurable:
                setattr(config[cls], name, parameter.default)
    return config


_NENGOS_DEFAULTS = _all_defaults(
    nengo.Connection, nengo.Ensemble, nengo.Node, nengo.Probe
)


def random_state(seed, obj):
    """Return the generator for what is sampled while a network is made.

    With a seed, or inside of a network that has one, the samples are reproducible, and
    different for each subnetwork of the same network; otherwise they are not, as
    everywhere in Nengo.

    Parameters
    ----------
    seed : int or None
    obj : object
        Whose argument it is.
    """
    context = nengo.Network.context
    if seed is not None:
        seed = _checked_seed(seed, obj)
    else:
        for depth, network in reversed(list(enumerate(context))):
            if network.seed is not None:
                places = [len(parent.networks) for parent in list(context)[depth:]]
                seed = [_checked_seed(network.seed, network), *places]
                break
    if seed is None:
        return np.random.RandomState(np.random.randint(nengo.utils.numpy.maxint))
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def _checked_seed(seed, obj):
    with validated(obj):
        return whole("seed", seed, 0, 2**32 - 1)


def sampled(name, distribution, n, d, rng, obj=None):
    """Return samples of a distribution, ``(n,)`` or, unless ``d`` is None, ``(n, d)``.

    Parameters
    ----------
    name : str
        The argument.
    distribution : nengo.dists.Distribution
    n : int
    d : int or None
    rng : numpy.random.RandomState
    obj : object
        Whose argument it is.
    """
    shape = (n,) if d is None else (n, d)
    # some distributions have numbers, as others have vectors of one
    for size in {1: (1, None), None: (None, 1)}.get(d, (d,)):
        try:
            samples = distribution.sample(n, size, rng=rng)
            problem = f"samples of shape {np.shape(samples)}"
        except Exception as error:  # a distribution of the user's may raise anything
            samples, problem = None, f"{type(error).__name__}: {error}"
        if np.shape(samples) in (shape, (n,) if size is None else (n, size)):
            return np.reshape(samples, shape)
    raise ValidationError(
        f"must give samples of shape {shape}, but {shown(distribution)} gave "
        f"{problem}; give a distribution of that size, or an array",
        attr=name,
        obj=obj,
    )


def is_true(name, value, obj):
    """Return a bool, if it is one."""
    with validated(obj):
        return flag(name, value)


def named(network):
    """Return the label of a network as its name in a text, if it has one."""
    return "" if network.label is None else f" {network.label!r}"


def refuse_unknown(keywords, cls, *others):
    """Raise a TypeError for keywords that a class has not, with those it has.

    Parameters
    ----------
    keywords : dict
    cls : type
        The class that was called with them.
    *others : type
        Whose initializers they are passed on to.
    """
    names = {
        name
        for one in (cls, *others)
        for name, parameter in inspect.signature(one).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    for name in keywords:
        if name not in names:
            close = difflib.get_close_matches(name, sorted(names), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ", see its help"
            raise TypeError(f"{cls.__name__}() has no argument {name!r}{hint}")


def matrix(name, value, shape, rng, obj):
    """Return a transform as an array of the given shape.

    Parameters
    ----------
    name : str
        The argument.
    value : float, array_like or nengo.dists.Distribution
        A scalar stands for a multiple of the identity, as in Nengo, so it must be 0
        where the shape is not square.
    shape : tuple of int
        ``(size_out, size_in)``.
    rng : numpy.random.RandomState
    obj : object
        Whose argument it is.
    """
    if isinstance(value, Distribution):
        value = sampled(name, value, *shape, rng, obj)
    with validated(obj):
        array = finite_array(name, value)
    if array.ndim == 0 and (shape[0] == shape[1] or array == 0):
        return array * np.eye(*shape)
    if array.shape != shape:
        raise ValidationError(
            f"must have shape {shape}, outputs by inputs, but {array.shape} was given; "
            "give an array of that shape, 0, or a distribution to sample it from",
            attr=name,
            obj=obj,
        )
    return array


def checked_neuron_type(name, value, obj):
    """Return a neuron type, if it is one."""
    if not isinstance(value, nengo.neurons.NeuronType):
        raise ValidationError(
            f"must be a neuron type, but {shown(value)} was given; use an "
            "instance of one, such as nengo.LIF()",
            attr=name,
            obj=obj,
        )
    return value


def lowpass(name, synapse, dt, obj):
    """Return a synapse as an `nengo.Lowpass`, which is what Principle 3 maps onto."""
    number = isinstance(synapse, (numbers.Real, np.ndarray))
    if number and not isinstance(synapse, bool):
        with validated(obj):
            synapse = nengo.Lowpass(positive(name, synapse, "of seconds"))
    if type(synapse) is not nengo.Lowpass or not synapse.tau > 0:
        raise ValidationError(
            "the recurrent synapse must be an nengo.Lowpass with a time constant "
            f"greater than 0, but {shown(synapse)} was given; use "
            "nengo.Lowpass(0.1), or n_neurons=0 for a memory without synapses",
            attr=name,
            obj=obj,
        )
    if not _SHORTEST_SYNAPSE * dt <= synapse.tau <= LONGEST_WINDOW * dt:
        raise ValidationError(
            f"must be from {_SHORTEST_SYNAPSE * dt:g} to {LONGEST_WINDOW * dt:g} s "
            f"where dt={dt:g} s, but {synapse.tau:g} s was given; use None for the "
            "best one",
            attr=name,
            obj=obj,
        )
    return synapse
