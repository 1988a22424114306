"""What networks do with their arguments: validation, defaults, seeds."""

import numbers
from contextlib import contextmanager

import nengo
import numpy as np
from nengo.config import Config
from nengo.dists import Distribution
from nengo.exceptions import ValidationError

from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import finite_array, positive


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


def random_state(seed):
    """Return the generator for what is sampled while a network is made.

    With a seed, or inside of a network that has one, the samples are reproducible, and
    different for each subnetwork of the same network; otherwise they are not, as
    everywhere in Nengo.
    """
    context = nengo.Network.context
    if seed is None:
        for depth, network in reversed(list(enumerate(context))):
            if network.seed is not None:
                places = [len(parent.networks) for parent in list(context)[depth:]]
                seed = [network.seed, *places]
                break
    if seed is None:
        return np.random.RandomState(np.random.randint(nengo.utils.numpy.maxint))
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


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
        value = value.sample(shape[0], shape[1], rng=rng)
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
            f"must be a neuron type, but {value!r} was given; use an instance of one, "
            "such as nengo.LIF()",
            attr=name,
            obj=obj,
        )
    return value


def lowpass(name, synapse, obj):
    """Return a synapse as an `nengo.Lowpass`, which is what Principle 3 maps onto."""
    if isinstance(synapse, numbers.Real) and not isinstance(synapse, bool):
        with validated(obj):
            synapse = nengo.Lowpass(positive(name, synapse, "of seconds"))
    if type(synapse) is not nengo.Lowpass or not synapse.tau > 0:
        raise ValidationError(
            "the recurrent synapse must be an nengo.Lowpass with a time constant "
            f"greater than 0, but {synapse!r} was given; use nengo.Lowpass(0.1), or "
            "n_neurons=0 for a memory without synapses",
            attr=name,
            obj=obj,
        )
    return synapse
