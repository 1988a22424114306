"""Training that TensorFlow traces once.

TensorFlow traces a function a second time if it has made variables in the first. Where
training starts, those are the optimizer's and the mean of the loss, since Keras makes
them as late as that. Making them when a simulator is compiled spares a trace, which
takes longer than all the rest until training starts.
"""

import functools


def make_variables(model):
    """Make the variables that training needs, where that does not depend on the data.

    Parameters
    ----------
    model : tf.keras.Model
        Compiled.
    """
    # optimizers of before TensorFlow 2.11 do that by themselves only
    if hasattr(model.optimizer, "build"):
        model.optimizer.build(model.trainable_variables)
    if model.compiled_loss is not None and not model.compiled_loss.built:
        model.compiled_loss.build(model.output)


def traced_once(compile, applies):
    """Return `nengo_dl.Simulator.compile` with `make_variables` behind it.

    Parameters
    ----------
    compile : callable
    applies : callable
        Whether to do so, for a `nengo_dl.Simulator`.
    """

    @functools.wraps(compile)
    def compile_and_make(self, *args, **kwargs):
        # Nengo's decorators need it bound as an attribute is.
        compile.__get__(self, type(self))(*args, **kwargs)
        if applies(self):
            make_variables(self.keras_model)

    compile_and_make.is_ours = True
    return compile_and_make
