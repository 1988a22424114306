"""Functions of single values that whole sequences know, with their gradients.

Neurons without a state, TensorNodes and Keras layers apply them. A gradient is that of
the input, for the output and the gradient of the output, so that a recurrence has to
keep no more than its outputs.
"""

import functools

import nengo
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo_dl.tensor_node import SimTensorNode

GRADIENTS = {
    tf.tanh: lambda y, dy: tf.raw_ops.TanhGrad(y=y, dy=dy),
    tf.sigmoid: lambda y, dy: tf.raw_ops.SigmoidGrad(y=y, dy=dy),
    tf.nn.relu: lambda y, dy: tf.raw_ops.ReluGrad(gradients=dy, features=y),
    tf.nn.elu: lambda y, dy: tf.raw_ops.EluGrad(gradients=dy, outputs=y),
    tf.nn.selu: lambda y, dy: tf.raw_ops.SeluGrad(gradients=dy, outputs=y),
}

# Keras has names of its own for them.
_KERAS = {
    tf.keras.activations.tanh: tf.tanh,
    tf.keras.activations.sigmoid: tf.sigmoid,
    tf.keras.activations.relu: tf.nn.relu,
    tf.keras.activations.elu: tf.nn.elu,
    tf.keras.activations.selu: tf.nn.selu,
}

# Neurons have a function, and a factor for its values.
NEURONS = {
    nengo.Tanh: (tf.tanh, lambda neurons: 1 / neurons.tau_ref),
    nengo.Sigmoid: (tf.sigmoid, lambda neurons: 1 / neurons.tau_ref),
    nengo.RectifiedLinear: (tf.nn.relu, lambda neurons: neurons.amplitude),
}


def nonlinearity(op):
    """Return the function of single values that an operator applies, if it is known.

    Parameters
    ----------
    op : nengo.builder.Operator

    Returns
    -------
    function, gradient : callable or None
        What makes an output of an input, and the gradient of the input of the output
        and its gradient. None and None for any other operator.
    """
    function, factor = None, 1.0
    if type(op) is SimNeurons and type(op.neurons) in NEURONS:
        function, factor_of = NEURONS[type(op.neurons)]
        factor = factor_of(op.neurons)
    elif type(op) is SimTensorNode:
        function = op.func
        if type(function) is tf.keras.layers.Activation:
            function = function.activation
        function = _known(function)
    if function is None:
        return None, None
    return (
        functools.partial(_value, function, factor),
        functools.partial(_gradient, GRADIENTS[function], factor),
    )


def _known(function):
    """Return the function of `GRADIENTS` that this is, or None."""
    # What is no key, since it cannot be hashed, is none of them either.
    names = [*GRADIENTS, *_KERAS]
    same = next((name for name in names if name is function), None)
    return _KERAS.get(same, same)


def _value(function, factor, J):
    return _scaled(function(J), factor)


def _gradient(gradient, factor, h, dh):
    return gradient(_scaled(h, 1 / factor), _scaled(dh, factor))


def _scaled(x, factor):
    return x if factor == 1 else factor * x
