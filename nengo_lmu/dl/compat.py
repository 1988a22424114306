"""Let NengoDL 3.6.0 and NengoLoihi 1.1.0 run on today's TensorFlow and NumPy.

Nothing of theirs is edited on disk, and nothing is changed for any other module: where
one of their modules needs another `subprocess`, `warnings` or `keras` than the real
one, only that module is given it, as the answer to its own ``import`` statements.

``_nengo_lmu_hook`` calls `execute` in place of running a module's code, so each mend
takes effect whatever is imported first.  Every mend says why it is needed and up to
which version; for a later version it does nothing.

This module is loaded before the packages around it.  It may import the standard library
only, and the rest inside functions.
"""

import builtins
import contextlib
import functools
import importlib
import os
import re
import subprocess
import sys
import tempfile
import types
import warnings
from importlib import metadata
from importlib.util import find_spec

__all__ = ["execute", "mend_loaded"]

# The newest releases known to need these mends.
LAST_NENGO_DL = (3, 6, 0)
LAST_NENGO_LOIHI = (1, 1, 0)
LAST_NENGO_EXTRAS = (0, 5, 0)


# --- the machinery


def execute(module, loader):
    """Run the code of one of the hook's targets with its mends around it."""
    name = module.__name__
    if not _needs_mending(name):
        loader.exec_module(module)
    else:
        _execute_mended(module, loader)
    _teach(name)


def _execute_mended(module, loader):
    name = module.__name__
    with contextlib.ExitStack() as around:
        if name in AROUND:
            around.enter_context(AROUND[name]())
        answers = IMPORTS[name]() if name in IMPORTS else {}
        _run(module, loader, answers)
    _mend(module)


def mend_loaded():
    """Mend what was imported before the hook was there, as far as that goes."""
    for name in AFTER:
        module = _complete(name)
        if module is not None and _needs_mending(name):
            _mend(module)
    for name in TAUGHT:
        if _complete(name) is not None:
            _teach(name)


def _complete(name):
    """Return a module; None where it is absent, or on its way in another thread."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return None if getattr(spec, "_initializing", spec is None) else module


def _teach(name):
    """Register our build functions with it, if somebody has asked for this package."""
    if name in TAUGHT and "nengo_lmu" in sys.modules:
        importlib.import_module(TAUGHT[name])


def _mend(module):
    """Do what is to be done to a complete module; never fail its import."""
    mend = AFTER.get(module.__name__)
    if mend is None:
        return
    try:
        mend(module)
    except Exception as error:
        warnings.warn(
            f"nengo_lmu could not adapt {module.__name__} to this environment "
            f"({type(error).__name__}: {error})",
            RuntimeWarning,
            stacklevel=2,
        )


def _run(module, loader, answers):
    """Run a module's code; its ``import name`` gives ``answers[name]`` where given."""
    if not answers:
        loader.exec_module(module)
        return

    def import_(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and name in answers:
            return answers[name]
        return builtins.__import__(name, globals, locals, fromlist, level)

    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_}
    try:
        loader.exec_module(module)
    finally:
        module.__dict__["__builtins__"] = builtins


def _stand_in(module, **replaced):
    """Return a copy of a module's namespace in which some names mean another thing."""
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update(vars(module))
    copy.__dict__.update(replaced)
    return copy


def _needs_mending(name):
    """Is the installed release of this module's package one that needs the mends?"""
    package = name.partition(".")[0]
    last = {
        "nengo_dl": LAST_NENGO_DL,
        "nengo_loihi": LAST_NENGO_LOIHI,
        "nengo_extras": LAST_NENGO_EXTRAS,
    }[package]
    installed = _installed(package.replace("_", "-"))
    return installed is None or installed <= last


def _installed(distribution):
    """Return the installed version as a tuple of numbers; None where it is unknown."""
    try:
        found = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
    return tuple(int(part) for part in re.findall(r"\d+", found)[:3])


def _is_installed(name):
    """Can this top-level module be imported?  (A module put in by hand has no spec.)"""
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


# --- TensorFlow


@contextlib.contextmanager
def prepare_tensorflow():
    """Make tf.keras Keras 2 while nengo_dl is imported, and its log a quiet one.

    NengoDL <= 3.6.0 is written against Keras 2.  Since TensorFlow 2.16 tf.keras is
    Keras 3 unless tf-keras is installed and TF_USE_LEGACY_KERAS is set before tf.keras
    is first used.  nengo_dl also sets TF_CPP_MIN_LOG_LEVEL, whatever the user chose.
    """
    _forget_failed_import("nengo_dl")
    if _is_installed("tensorflow"):  # else nengo_dl's own error says it best
        own_choice = "TF_CPP_MIN_LOG_LEVEL" in os.environ
        if not own_choice:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
        with contextlib.nullcontext() if own_choice else _without_chatter():
            _use_keras_2()
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    try:
        yield
    finally:
        if level is not None:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = level


def _forget_failed_import(name):
    """Remove what an import that failed half way has left of a package.

    Its submodules stay in sys.modules, unmended, and a second import takes them without
    making them attributes of the new package.
    """
    if hasattr(sys.modules.get(name), "__version__"):
        return  # it is complete and is being reloaded
    for submodule in [m for m in sys.modules if m.startswith(name + ".")]:
        del sys.modules[submodule]


def _use_keras_2():
    """Import TensorFlow with Keras 2 as tf.keras, or raise a helpful ImportError."""
    chosen = os.environ.get("TF_USE_LEGACY_KERAS")
    if chosen is None and _is_installed("tf_keras"):
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf

    origin = _keras_origin(tf)
    if origin is None:
        version = ".".join(tf.__version__.split(".")[:2])
        if not _is_installed("tf_keras"):
            remedy = (
                f"TensorFlow {version} has it in a package of its own: "
                f"pip install 'tf-keras=={version}.*'"
            )
        elif chosen not in (None, "1", "true", "True"):
            remedy = (
                f"TF_USE_LEGACY_KERAS={chosen} in the environment says Keras 3: set it "
                "to 1 and start Python again"
            )
        else:
            remedy = (
                "tf.keras has already been used as Keras 3 in this process: start "
                "Python again and import nengo_dl (or nengo_lmu.dl) before tf.keras is "
                "used, or set TF_USE_LEGACY_KERAS=1 in the environment"
            )
        if chosen is None:
            os.environ.pop("TF_USE_LEGACY_KERAS", None)
        raise ImportError(f"NengoDL needs Keras 2, and {remedy}", name="nengo_dl")
    if origin.startswith("tf_keras"):
        _put_tf_keras_on_path(tf)
    # Physical devices are listed sooner or later; what that prints belongs to here.
    tf.config.list_physical_devices("GPU")


def _keras_origin(tf):
    """Return the package tf.keras comes from if that is Keras 2, else None.

    It is "keras" up to TensorFlow 2.12, then "keras.src", and "tf_keras.src" from
    2.16.  (Keras 3 has no "engine".)
    """
    origin, engine, _ = tf.keras.Model.__module__.partition(".engine.")
    return origin if engine else None


def _put_tf_keras_on_path(tf):
    """Let ``import tensorflow.keras.layers`` find Keras 2 as ``tf.keras`` does.

    TensorFlow arranges that while it is imported, from TF_USE_LEGACY_KERAS as it is
    then: too early where tensorflow was imported before nengo_dl.
    """
    with contextlib.suppress(ImportError):
        keras = importlib.import_module("tf_keras.api._v2.keras")
        folder = os.path.dirname(os.path.dirname(keras.__file__))
        if folder not in tf.__path__:
            tf.__path__.insert(0, folder)


def keras_2_for_compat():
    """``keras.engine``, which Keras 2.13 has moved and Keras 3 has not got."""
    import tensorflow as tf

    origin = _keras_origin(tf)
    if origin in (None, "keras"):
        return {}
    return {
        "keras." + name: importlib.import_module(f"{origin}.{name}")
        for name in ("engine.functional", "layers")
    }


def gpu_question_for_utils():
    """Answer nengo_dl.utils' question for a GPU without a second TensorFlow.

    It starts another Python that imports TensorFlow (about 10 s on a CPU) so as not to
    fix this process's device settings; listing the devices does not fix them.
    """
    import tensorflow as tf

    def call(args, *rest, **kwargs):
        if "list_physical_devices" in str(args):
            return int(not tf.config.list_physical_devices("GPU"))
        return subprocess.call(args, *rest, **kwargs)

    return {"subprocess": _stand_in(subprocess, call=call)}


# What TensorFlow and XLA write to the C stderr while they load, before they look at
# TF_CPP_MIN_LOG_LEVEL: "I0000 00:00 123 file.cc:1] ..", "2026-.. 10:00:00.0: I file.cc"
CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|(?:I\d{4} |\S+ \S+: I )\S*.*\.cc:\d+\]"
    rb"|To enable the following instructions:"
    rb"|.*Unable to register cu\w+ (?:factory|plugin)"
    rb"|.*computation placer already registered"
)
# Only where there is no GPU: with one, these are about something that can be put right.
NO_GPU_CHATTER = re.compile(
    rb".*failed call to cuInit"
    rb"|.*Could not find (?:cuda drivers|TensorRT)"
    rb"|.*Cannot dlopen some GPU libraries"
    rb"|Skipping registering GPU devices"
)


def _gpu_driver_present():
    """Is there a GPU that TensorFlow could use (NVIDIA, AMD, Windows' through WSL)?"""
    return any(map(os.path.exists, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")))


@contextlib.contextmanager
def _without_chatter():
    """Hold back what is written to stderr, and then write what is not chatter."""
    try:
        stderr = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    with tempfile.TemporaryFile() as held:
        _flush_stderr()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            _flush_stderr()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _is_chatter(line):
                    with contextlib.suppress(OSError):
                        os.write(2, line)


def _is_chatter(line):
    if CHATTER.match(line):
        return True
    return bool(NO_GPU_CHATTER.match(line)) and not _gpu_driver_present()


def _flush_stderr():
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


# --- warnings that a user can do nothing about


def _warnings_without(pattern):
    """Return the `warnings` module, for one importer, without one of its warnings."""

    def warn(message, category=None, stacklevel=1, source=None, **kwargs):
        if not re.search(pattern, str(message)):
            warnings.warn(message, category, stacklevel + 1, source, **kwargs)

    return {"warnings": _stand_in(warnings, warn=warn)}


def no_version_warning():
    """Both packages warn of every Nengo after 3.2.0; the tests here say it works."""
    return _warnings_without("has not been tested")


def no_gpu_warning():
    """nengo_dl.Simulator warns that there is no GPU support where there is no GPU."""
    return {} if _gpu_driver_present() else _warnings_without("No GPU support detected")


# --- NengoDL


def mend_nengo_dl(nengo_dl):
    """Tell a nengo_loihi that was imported without NengoDL that it is here now.

    nengo_loihi takes any failure of ``import nengo_dl`` to mean that there is none,
    and nengo_extras gives the builders another base class then.
    """
    compat = _complete("nengo_loihi.compat")
    neurons = _complete("nengo_loihi.neurons")
    if compat is None or neurons is None or compat.HAS_DL:
        return
    import tensorflow as tf

    for module in (compat, neurons):
        module.nengo_dl, module.HAS_DL = nengo_dl, True
        module.tf, module.HAS_TF = tf, True
    if _is_installed("nengo_extras"):
        reqs = importlib.import_module("nengo_extras.reqs")
        training = importlib.import_module("nengo_extras.loihi_training")
        if not reqs.HAS_NENGO_DL:
            reqs.HAS_TENSORFLOW = reqs.HAS_NENGO_DL = True
            training = importlib.reload(training)
        for name in ("LoihiLIFBuilder", "LoihiSpikingRectifiedLinearBuilder"):
            setattr(neurons, name, getattr(training, name))


def mend_linear_filter(process_builders):
    """A LinearFilter with a passthrough: Nengo >= 4 has D of shape (1, 1), not (1,)."""
    builder = process_builders.LinearFilterBuilder
    build_pre = builder.build_pre
    if hasattr(build_pre, "__wrapped__"):
        return  # done already

    def with_flat_d(process):
        def make_step(*args, **kwargs):
            step = process.make_step(*args, **kwargs)
            if getattr(step, "D", None) is not None:
                step.D = step.D.ravel()
            return step

        return _Like(process, make_step=make_step)

    @functools.wraps(build_pre)
    def mended(self, signals, config):
        ops = self.ops
        self.ops = [_Like(op, process=with_flat_d(op.process)) for op in ops]
        try:
            return build_pre(self, signals, config)
        finally:
            self.ops = ops

    builder.build_pre = mended


def mend_simulator(simulator):
    """Set Nengo's precision back where a network cannot be built.

    nengo_dl <= 3.6.0 sets nengo.rc to single precision while it builds a network, and
    leaves it there if that raises an error: all later simulators are less precise.
    """
    init = simulator.Simulator.__init__
    if hasattr(init, "__wrapped__"):
        return  # done already

    @functools.wraps(init)
    def mended(self, *args, **kwargs):
        rc = simulator.nengo_rc
        precision = rc.get("precision", "bits")
        try:
            init(self, *args, **kwargs)
        finally:
            rc.set("precision", "bits", precision)

    simulator.Simulator.__init__ = mended


class _Like:
    """An object's stand-in, in which some attributes are other ones."""

    def __init__(self, original, **replaced):
        self._original = original
        self.__dict__.update(replaced)

    def __getattr__(self, name):
        return getattr(self._original, name)


# --- NengoLoihi


def mend_cluster(passthrough):
    """Let a probed passthrough node that leads nowhere else have its input.

    NengoLoihi <= 1.1.0 drops it where it merges passthrough nodes: it looks at what
    comes after a node before it looks at the node's probe.
    """
    generate_from = passthrough.Cluster.generate_from
    if hasattr(generate_from, "__wrapped__"):
        return  # done already

    @functools.wraps(generate_from)
    def mended(self, obj, outputs, previous=None):
        if obj in self.probed_objs:
            outputs.setdefault(obj, set())
        return generate_from(self, obj, outputs, previous=previous)

    passthrough.Cluster.generate_from = mended


@contextlib.contextmanager
def nengo_dl_first():
    """Import nengo_dl before those who take a failure to mean that there is none."""
    if _is_installed("nengo_dl"):
        with contextlib.suppress(Exception):  # they try again themselves, and log it
            importlib.import_module("nengo_dl")
    yield


def mend_numpy_1(module):
    """Give a module the NumPy 1 functions it was written with.

    NumPy 2.0 made ``array(copy=False)`` an error where a copy is needed and removed
    ``asfarray``; NumPy 2.3 removed ``fromstring`` for binary data.
    """
    import numpy as np

    if int(np.__version__.split(".")[0]) < 2:
        return

    def array(*args, copy=True, **kwargs):
        return np.array(*args, copy=copy or None, **kwargs)

    def asfarray(a, dtype=np.float64):
        return np.asarray(a, dtype=dtype)

    def fromstring(string, dtype=float, count=-1, *, sep="", **kwargs):
        if sep:
            return np.fromstring(string, dtype, count, sep=sep, **kwargs)
        return np.frombuffer(string, dtype, count).copy()

    module.np = _stand_in(np, array=array, asfarray=asfarray, fromstring=fromstring)


def mend_emulator(interface):
    """NaN as "not set yet" in integer arrays: NumPy >= 1.24 warns of the cast.

    The emulator fills those arrays right after.
    """
    import numpy as np

    def without_cast_warning(init):
        @functools.wraps(init)
        def quiet(*args, **kwargs):
            with np.errstate(invalid="ignore"):
                return init(*args, **kwargs)

        return quiet

    for state in (interface.CompartmentState, interface.NoiseState):
        if not hasattr(state.__init__, "__wrapped__"):
            state.__init__ = without_cast_warning(state.__init__)


# --- which mend goes where

# who learns of this package, from which of its modules
TAUGHT = {"nengo_dl": "nengo_lmu.dl.fast", "nengo_loihi": "nengo_lmu.loihi"}

# around the import of a module
AROUND = {
    "nengo_dl": prepare_tensorflow,
    "nengo_loihi": nengo_dl_first,
    "nengo_extras.reqs": nengo_dl_first,
}

# what a module gets for its own imports
IMPORTS = {
    "nengo_dl.compat": keras_2_for_compat,
    "nengo_dl.simulator": no_gpu_warning,
    "nengo_dl.utils": gpu_question_for_utils,
    "nengo_dl.version": no_version_warning,
    "nengo_loihi.version": no_version_warning,
}

# what is done to a module after it
AFTER = {
    "nengo_dl": mend_nengo_dl,
    "nengo_dl.process_builders": mend_linear_filter,
    "nengo_dl.simulator": mend_simulator,
    "nengo_extras.plot_spikes": mend_numpy_1,
    "nengo_loihi.block": mend_numpy_1,
    "nengo_loihi.dvs": mend_numpy_1,
    "nengo_loihi.emulator.interface": mend_emulator,
    "nengo_loihi.neurons": mend_numpy_1,
    "nengo_loihi.passthrough": mend_cluster,
}
