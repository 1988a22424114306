"""How class scores are trained."""


def compile_arguments(rate, steps=None, **kwargs):
    """Return how a simulator of a network with class scores is compiled.

    Parameters
    ----------
    rate : float
        The learning rate of Adam.
    steps : int, optional
        Minibatches in which the rate falls to 0 along a cosine; by default it stays.
    **kwargs
        More for Adam.

    Returns
    -------
    arguments : dict
        ``optimizer``, ``loss`` (of scores that are logits, and labels) and ``metrics``.
    """
    import tensorflow as tf

    if steps is not None:
        rate = tf.optimizers.schedules.CosineDecay(rate, steps)
    return {
        "optimizer": tf.optimizers.Adam(rate, **kwargs),
        "loss": tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }
