"""Adam in one operation for each variable.

Keras' Adam is some ten operations a variable, which takes longer than the rest of a
minibatch of a small network. TensorFlow has the same step as one operation.
"""

import tensorflow as tf

# What makes Keras do more than Adam's step, and the values with which it does not.
_MORE = {
    "amsgrad": False,
    "adaptive_epsilon": False,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "weight_decay": None,
}


def minimize(optimizer, loss, variables, tape):
    """Do what ``optimizer.minimize`` does, in fewer operations where it is Adam.

    Parameters
    ----------
    optimizer : tf.keras.optimizers.Optimizer
        Built for the variables.
    loss : () tensor
    variables : list of tf.Variable
    tape : tf.GradientTape
        With which the loss was computed.

    Examples
    --------
    >>> x, optimizer = tf.Variable([1.0, -2.0]), tf.keras.optimizers.Adam(0.1)
    >>> optimizer.build([x])
    >>> with tf.GradientTape() as tape:
    ...     loss = tf.reduce_sum(x**2)
    >>> minimize(optimizer, loss, [x], tape)
    >>> x.numpy(), int(optimizer.iterations)
    (array([ 0.9, -1.9], dtype=float32), 1)
    """
    if not _is_adam_alone(optimizer):
        optimizer.minimize(loss, variables, tape=tape)
        return
    gradients = tape.gradient(loss, variables)
    if not all(map(_is_dense, gradients, variables)):
        optimizer.apply_gradients(zip(gradients, variables))
        return
    # The rate of a schedule is kept in a variable, from which it is read here, too.
    optimizer._compute_current_learning_rate()
    step = optimizer.iterations + 1
    for gradient, variable in zip(gradients, variables):
        number = optimizer._index_dict[optimizer._var_key(variable)]
        dtype = variable.dtype

        def cast(x):
            return tf.cast(x, dtype)  # noqa: B023  it is called before the next one

        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[number].handle,
            v=optimizer._velocities[number].handle,
            beta1_power=tf.pow(cast(optimizer.beta_1), cast(step)),
            beta2_power=tf.pow(cast(optimizer.beta_2), cast(step)),
            lr=cast(optimizer.learning_rate),
            beta1=cast(optimizer.beta_1),
            beta2=cast(optimizer.beta_2),
            epsilon=cast(optimizer.epsilon),
            grad=gradient,
        )
    optimizer.iterations.assign(step)


def _is_adam_alone(optimizer):
    """Return whether an optimizer is Keras' Adam, and does nothing more than that."""
    return type(optimizer) is tf.keras.optimizers.Adam and all(
        # older releases do not have all of them
        getattr(optimizer, name, without) in (without, 0)
        for name, without in _MORE.items()
    )


def _is_dense(gradient, variable):
    return isinstance(gradient, tf.Tensor) and variable.constraint is None
