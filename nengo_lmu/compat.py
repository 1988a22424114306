"""Let Nengo 4.1, NengoDL 3.6.0 and NengoLoihi 1.1.0 run on today's packages.

Nothing of theirs is edited on disk, and nothing is changed for any other module: where
one of their modules needs another `subprocess` or `keras` than the real one while it is
imported, only that module is given it, as the answer to its own ``import`` statements.
What is replaced in a module after its import is written down, and `restore` undoes it.

The one thing that others notice is `tf.keras`: it is Keras 2 from the first ``import
nengo_dl`` on, in this process, since NengoDL and all that is given to it need that.

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
import logging
import os
import random
import re
import subprocess
import sys
import threading
import types
import warnings
from importlib import metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec

__all__ = [
    "execute",
    "is_for_tensorflow",
    "is_known",
    "mend_loaded",
    "patch",
    "restore",
    "set_random_seed",
]

# Later releases than these are not known to need the mends. Nengo's is the one to come,
# as its main branch was in May 2026.
LAST_NENGO = (4, 1, 1)
LAST_NENGO_DL = (3, 6, 0)
LAST_NENGO_LOIHI = (1, 1, 0)
LAST_NENGO_EXTRAS = (0, 5, 0)


# These packages learn of this one, from a module of it each.
TAUGHT = {"nengo_dl": "nengo_lmu.dl.fast", "nengo_loihi": "nengo_lmu.loihi"}

# These hold what mends modules, by their names: around their import, as what they get
# for their own imports, and after it. Each mend is declared where it is, with the last
# release that needs it; its docstring says what it does, and why.
AROUND, IMPORTS, AFTER = {}, {}, {}
UNTIL = {}


def mends(when, *modules, until):
    """Declare what mends modules of a package.

    Parameters
    ----------
    when : dict
        `AROUND`, `IMPORTS` or `AFTER`.
    *modules : str
    until : tuple of int
        The last release that needs it.
    """

    def declare(function):
        when.update(dict.fromkeys(modules, function))
        UNTIL.update(dict.fromkeys(modules, until))
        return function

    return declare


# --- the machinery


def execute(module, loader):
    """Run the code of one of the hook's targets with its mends around it."""
    name = module.__name__
    if not needs_mending(name):
        loader.exec_module(module)
    else:
        _execute_mended(module, loader)
    _teach(name)


def _execute_mended(module, loader):
    name = module.__name__
    with contextlib.ExitStack() as stack:
        if name in AROUND:
            stack.enter_context(AROUND[name]())
        answers = _careful(name, IMPORTS[name]) if name in IMPORTS else None
        with _answering(module, answers or {}):
            loader.exec_module(module)
    _mend(module)


def mend_loaded():
    """Mend what was imported before the hook was there, as far as that goes."""
    for name in AFTER:
        module = _complete(name)
        if module is not None and needs_mending(name):
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
    """Register our build functions with it, if somebody has asked for this package.

    A module of ours that is on its way, for which the other is imported now, registers
    them by itself at its end.
    """
    if name not in TAUGHT or "nengo_lmu" not in sys.modules or not needs_mending(name):
        return
    ours = TAUGHT[name]
    if ours not in sys.modules or _complete(ours) is not None:
        _careful(name, lambda: importlib.import_module(ours).install())


def _mend(module):
    """Do what is to be done to a complete module."""
    name = module.__name__
    if name in AFTER:
        _careful(name, lambda: AFTER[name](module))


def _careful(name, function):
    """Call a function, and never fail the import of a module by it."""
    try:
        return function()
    except Exception as error:
        warnings.warn(
            f"nengo_lmu could not adapt {name} to this environment "
            f"({type(error).__name__}: {error})",
            RuntimeWarning,
            stacklevel=2,
        )


# Modules that are being executed get these answers to their imports, by namespace.
_ANSWERS = {}
_ANSWERS_LOCK = threading.Lock()


@contextlib.contextmanager
def _answering(module, answers):
    """Make ``import name`` in this module give ``answers[name]``; None stands for none.

    The function behind ``import`` is another one meanwhile, which answers no other
    module. A `__builtins__` of its own would stay with the module's functions for ever.
    """
    if not answers:
        yield
        return
    namespace = id(vars(module))
    with _ANSWERS_LOCK:
        if not _ANSWERS:
            _import.real, builtins.__import__ = builtins.__import__, _import
        _ANSWERS[namespace] = answers
    try:
        yield
    finally:
        with _ANSWERS_LOCK:
            del _ANSWERS[namespace]
            if not _ANSWERS and builtins.__import__ is _import:
                builtins.__import__ = _import.real


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    answers = _ANSWERS.get(id(globals), {}) if level == 0 else {}
    if name not in answers:
        return _import.real(name, globals, locals, fromlist, level)
    if answers[name] is None:
        raise ModuleNotFoundError(f"{name} has not been imported yet", name=name)
    return answers[name]


# Each patch is an owner, a name, what was there and what is there now.
PATCHES = []
_ABSENT = object()


def patch(owner, name, value):
    """Replace an attribute of another package's module or class, until `restore`.

    Parameters
    ----------
    owner : module or type
    name : str
    value : object
    """
    PATCHES.append((owner, name, vars(owner).get(name, _ABSENT), value))
    setattr(owner, name, value)


def restore():
    """Give other packages back what was replaced in them, in reverse order.

    What somebody else has replaced since then is left alone.
    """
    for name in TAUGHT.values():
        uninstall = getattr(sys.modules.get(name), "uninstall", None)
        if uninstall is not None:
            uninstall()
    while PATCHES:
        owner, name, original, value = PATCHES.pop()
        if vars(owner).get(name, _ABSENT) is not value:
            continue
        if original is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _stand_in(module, **replaced):
    """Return a copy of a module's namespace in which some names mean another thing."""
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update(vars(module))
    copy.__dict__.update(replaced)
    return copy


def needs_mending(name):
    """Is the installed release of this module's package one that needs the mends?"""
    package = name.partition(".")[0]
    installed = _installed(package.replace("_", "-"))
    # A module that is not mended itself is as the rest of its package.
    until = UNTIL.get(name) or max(
        release
        for module, release in UNTIL.items()
        if module.partition(".")[0] == package
    )
    if installed is not None and installed > until:
        return False
    return package != "nengo_dl" or is_for_tensorflow()


def is_known():
    """Is the NengoDL that is installed the one that this package is written for?"""
    return needs_mending("nengo_dl")


def is_for_tensorflow():
    """Is nengo_dl, if there is one, NengoDL?

    Rewrites without TensorFlow bear its name.
    """
    package = sys.modules.get("nengo_dl")
    try:
        spec = find_spec("nengo_dl") if package is None else package.__spec__
        if spec is None:
            return True
        graph = PathFinder.find_spec(
            "nengo_dl.tensor_graph", spec.submodule_search_locations or []
        )
        return "tensorflow" in graph.loader.get_code(graph.name).co_names
    except (AttributeError, ImportError, ValueError):
        return False


def _installed(distribution):
    """Return the installed version as a tuple of numbers; None where it is unknown."""
    try:
        release = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
    return tuple(int(part) for part in re.findall(r"\d+", release)[:3])


def is_installed(name):
    """Can this top-level module be imported?  (A module put in by hand has no spec.)"""
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


# --- NumPy


def numpy_release():
    """Return the first two numbers of NumPy's version."""
    import numpy as np

    return tuple(int(part) for part in np.__version__.split(".")[:2])


@mends(AFTER, "nengo.synapses", until=LAST_NENGO)
def mend_filt(synapses):
    """``synapse.filt`` of one signal, where NumPy makes no number of an array of one.

    Nengo <= 4.1 filters it as an array of shape (1,) a step, and assigns that to a
    number: NumPy >= 1.25 warns, and 2.4 refuses it. As a column it is filtered well.
    """
    filt = synapses.Synapse.filt
    if numpy_release() < (1, 25) or hasattr(filt, "__wrapped__"):
        return

    @functools.wraps(filt)
    def mended(self, x, dt=None, axis=0, y0=0, copy=True, filtfilt=False):
        import numpy as np

        x = np.asarray(x)
        if x.ndim != 1 or axis not in (0, -1):
            return filt(self, x, dt, axis, y0, copy, filtfilt)
        return filt(self, x[:, np.newaxis], dt, 0, y0, copy, filtfilt)[:, 0]

    patch(synapses.Synapse, "filt", mended)


@mends(AFTER, "nengo._vendor.scipy.sparse.linalg_onenormest", until=LAST_NENGO)
@mends(AFTER, "nengo_extras.plot_spikes", until=LAST_NENGO_EXTRAS)
@mends(
    AFTER,
    "nengo_loihi.block",
    "nengo_loihi.dvs",
    "nengo_loihi.neurons",
    until=LAST_NENGO_LOIHI,
)
def mend_numpy_1(module):
    """Give a module the NumPy 1 functions it was written with.

    NumPy 2.0 made ``array(copy=False)`` an error where a copy is needed and removed
    ``asfarray``; NumPy 2.3 removed ``fromstring`` for binary data, and NumPy 2.4
    ``in1d``.
    """
    import numpy as np

    if numpy_release() < (2, 0) or module.np is not np:
        return

    def array(*args, copy=True, **kwargs):
        return np.array(*args, copy=copy or None, **kwargs)

    def asfarray(a, dtype=np.float64):
        return np.asarray(a, dtype=dtype)

    def fromstring(string, dtype=float, count=-1, *, sep="", **kwargs):
        if sep:
            return np.fromstring(string, dtype, count, sep=sep, **kwargs)
        return np.frombuffer(string, dtype, count).copy()

    def in1d(*args, **kwargs):
        return np.isin(*args, **kwargs).ravel()

    functions = (array, asfarray, fromstring, in1d)
    replaced = {function.__name__: function for function in functions}
    patch(module, "np", _stand_in(np, **replaced))


# --- TensorFlow


@mends(AROUND, "nengo_dl", until=LAST_NENGO_DL)
@contextlib.contextmanager
def prepare_tensorflow():
    """Make tf.keras Keras 2 before nengo_dl is imported, and its log a quiet one.

    NengoDL <= 3.6.0 is written against Keras 2, and so is what users give it.  Since
    TensorFlow 2.16 tf.keras is Keras 3 unless tf-keras is installed and
    TF_USE_LEGACY_KERAS is set while tf.keras is first used: only then, so no child
    process inherits it.  nengo_dl sets TF_CPP_MIN_LOG_LEVEL, whatever the user chose.
    """
    _forget_failed_import("nengo_dl")
    if is_installed("tensorflow"):  # nengo_dl's own error says it best otherwise
        with quietly():
            _use_keras_2()
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    try:
        yield
    finally:
        if level is not None:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = level


@mends(AROUND, "nengo_extras.reqs", until=LAST_NENGO_EXTRAS)
@mends(AROUND, "nengo_loihi.compat", until=LAST_NENGO_LOIHI)
@contextlib.contextmanager
def import_tensorflow_quietly():
    """Import TensorFlow before those who would, and go on if there is none."""
    if is_installed("tensorflow"):
        with contextlib.suppress(Exception), quietly():
            importlib.import_module("tensorflow")
    yield


@contextlib.contextmanager
def quietly():
    """Import TensorFlow with NengoDL's log level, unless the user has chosen one.

    Whoever has chosen to see everything, level 0, does so: it is the default, but
    nobody sets a default for nothing.
    """
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    with contextlib.ExitStack() as stack:
        if level is None:
            stack.enter_context(_environment("TF_CPP_MIN_LOG_LEVEL", "1"))
        if level != "0":
            # TensorFlow's first lines are written before it looks at the level.
            stack.enter_context(without_chatter())
        yield


@contextlib.contextmanager
def _environment(name, value):
    """Have a variable in the environment for a while that is not there otherwise."""
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


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
    setting = os.environ.get("TF_USE_LEGACY_KERAS")
    with contextlib.ExitStack() as stack:
        if setting is None and is_installed("tf_keras"):
            stack.enter_context(_environment("TF_USE_LEGACY_KERAS", "1"))
        import tensorflow as tf

        origin = _keras_origin(tf)
        if origin is None:
            raise ImportError(
                f"NengoDL needs Keras 2, and {_remedy(tf, setting)}", name="nengo_dl"
            )
        if origin.startswith("tf_keras"):
            _load_all_of_keras()
            _put_tf_keras_on_path(tf)
    # Physical devices are listed sooner or later; what that prints belongs to here.
    tf.config.list_physical_devices("GPU")


def _remedy(tf, setting):
    """Say how tf.keras can be Keras 2, given what TF_USE_LEGACY_KERAS was."""
    version = ".".join(tf.__version__.split(".")[:2])
    if not is_installed("tf_keras"):
        return (
            f"TensorFlow {version} has it in a package of its own: "
            f"pip install 'tf-keras=={version}.*'"
        )
    if setting not in (None, "1", "true", "True"):
        return (
            f"TF_USE_LEGACY_KERAS={setting} in the environment says Keras 3: set it "
            "to 1 and start Python again"
        )
    return (
        "tf.keras has already been used as Keras 3 in this process: start "
        "Python again and import nengo_dl (or nengo_lmu.dl) before tf.keras is "
        "used, or set TF_USE_LEGACY_KERAS=1 in the environment"
    )


def _load_all_of_keras():
    """Let all that TensorFlow would load of Keras later be Keras 2 too.

    tf.losses, tf.optimizers, tf.compat.v1.keras and so on each look for the variable on
    their own when they are first used.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "tensorflow":
            for value in list(getattr(module, "__dict__", {}).values()):
                if type(value).__name__ == "KerasLazyLoader":
                    dir(value)


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
            patch(tf, "__path__", [folder, *tf.__path__])


def set_random_seed(seed: int) -> None:
    """Seed Python, NumPy, TensorFlow and Keras, as `tf.keras.utils.set_random_seed`.

    That makes layers fail on Python 3.12 with TensorFlow before 2.19: tf-keras asks its
    generator for whole numbers up to ``1e9``, a float, which Python 3.12 refuses and
    3.10 deprecates. This one takes it, and gives the numbers that it always gave.

    Parameters
    ----------
    seed : int
    """
    tf = importlib.import_module("tensorflow")
    tf.keras.utils.set_random_seed(seed)
    if (_installed("tf-keras") or (2, 19)) < (2, 19):
        backend = importlib.import_module("tf_keras.src.backend")
        backend._SEED_GENERATOR.generator = _WholeNumbers(seed)


class _WholeNumbers(random.Random):
    """Python's generator, with bounds that may be floats."""

    def randint(self, a, b):
        return super().randint(int(a), int(b))


@mends(IMPORTS, "nengo_dl.compat", until=LAST_NENGO_DL)
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


@mends(IMPORTS, "nengo_dl.utils", until=LAST_NENGO_DL)
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


@mends(AFTER, "nengo_dl.utils", until=LAST_NENGO_DL)
def mend_utils(utils):
    """Give it back the real `subprocess`: it has asked its question."""
    utils.subprocess = subprocess


# TensorFlow and XLA write this to the C stderr while they load, before they look at
CHATTER = (
    r"WARNING: All log messages before absl::InitializeLog"
    r"|(?:I\d{4} |\S+ \S+: I )\S*.*\.cc:\d+\]"
    r"|To enable the following instructions:"
    r"|.*Unable to register cu\w+ (?:factory|plugin)"
    r"|.*computation placer already registered"
)
# They are chatter only where there is no GPU: with one, something can be put right.
NO_GPU_CHATTER = (
    r".*failed call to cuInit"
    r"|.*Could not find (?:cuda drivers|TensorRT)"
    r"|.*Cannot dlopen some GPU libraries"
    r"|Skipping registering GPU devices"
)


def gpu_driver_present():
    """Is there a GPU that TensorFlow could use (NVIDIA, AMD, Windows' through WSL)?"""
    return any(map(os.path.exists, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")))


def chatter(with_gpu):
    """Return what lines begin with that are of no use to anybody here."""
    patterns = [CHATTER] if with_gpu else [CHATTER, NO_GPU_CHATTER]
    return "|".join(patterns)


# The filter is another process, so that nothing is lost when this one is aborted. It
# ignores Ctrl-C, which reaches it too.
FILTER = """
import re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
is_chatter = re.compile(sys.argv[1].encode()).match
with open(2, "wb", 0) as stderr:
    for line in sys.stdin.buffer:
        if not is_chatter(line):
            stderr.write(line)
"""
_FILTERING = threading.Lock()


@contextlib.contextmanager
def without_chatter():
    """Send what is written to stderr, by C too, through a filter that drops chatter."""
    is_python = sys.executable and not getattr(sys, "frozen", False)
    if not is_python or not _FILTERING.acquire(blocking=False):
        yield  # another thread has a filter in place
        return
    try:
        dropped = chatter(gpu_driver_present())
        command = [sys.executable, "-I", "-S", "-c", FILTER, dropped]
        stderr = os.dup(2)
        chatter_filter = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
    except OSError:  # there is no stderr, or there are no more processes
        _FILTERING.release()
        yield
        return
    _flush_stderr()
    os.dup2(chatter_filter.stdin.fileno(), 2)
    try:
        yield
    finally:
        _flush_stderr()
        os.dup2(stderr, 2)
        os.close(stderr)
        chatter_filter.stdin.close()
        # It goes on for as long as a process started meanwhile writes to it.
        try:
            chatter_filter.wait(timeout=1)
        except subprocess.TimeoutExpired:
            # Otherwise Python would warn of it, as soon as it is nobody's any more.
            threading.Thread(target=chatter_filter.wait, daemon=True).start()
        _FILTERING.release()


def _flush_stderr():
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


# --- warnings that a user can do nothing about


def _warnings_without(pattern, applies=lambda: True):
    """Return the `warnings` module, for one importer, without one of its warnings."""

    def warn(message, category=None, stacklevel=1, source=None, **kwargs):
        if not (applies() and re.search(pattern, str(message))):
            warnings.warn(message, category, stacklevel + 1, source, **kwargs)

    return _stand_in(warnings, warn=warn)


NEWER_NENGO = "has not been tested"


@mends(IMPORTS, "nengo_dl.version", until=LAST_NENGO_DL)
def no_version_warning():
    """Both packages warn of every Nengo after 3.2.0; the tests here say it works."""
    return {"warnings": _warnings_without(NEWER_NENGO)}


@mends(AFTER, "nengo_dl.version", until=LAST_NENGO_DL)
def mend_version(version):
    """NengoDL warns while this module is imported, and not after it."""
    version.warnings = warnings


@mends(AROUND, "nengo_loihi", until=LAST_NENGO_LOIHI)
@contextlib.contextmanager
def no_loihi_version_warning():
    """NengoLoihi warns while it is imported, and not after it."""
    yield
    sys.modules["nengo_loihi.version"].warnings = warnings


@mends(AFTER, "nengo_loihi.version", until=LAST_NENGO_LOIHI)
def mend_loihi_version(version):
    """Keep it quiet for as long as `no_loihi_version_warning` says."""
    if _complete("nengo_loihi") is None:
        version.warnings = _warnings_without(NEWER_NENGO)


# --- NengoDL


@mends(AFTER, "nengo_dl", until=LAST_NENGO_DL)
def mend_nengo_dl(nengo_dl):
    """Tell those who were imported before NengoDL that it is here now.

    nengo_loihi and nengo_extras take any failure of ``import nengo_dl`` to mean that
    there is none, and nengo_extras gives its builders another base class then.
    """
    import tensorflow as tf

    if _keras_origin(tf).startswith("tf_keras"):
        optimizer = tf.keras.optimizers.Optimizer
        refuse_keras_3(optimizer, "_build_learning_rate", "learning_rate")
    reqs = _complete("nengo_extras.reqs")
    if reqs is not None and not reqs.HAS_NENGO_DL:
        patch(reqs, "HAS_TENSORFLOW", True)
        patch(reqs, "HAS_NENGO_DL", True)
        if _complete("nengo_extras.loihi_training") is not None:
            importlib.reload(sys.modules["nengo_extras.loihi_training"])
    compat = _complete("nengo_loihi.compat")
    neurons = _complete("nengo_loihi.neurons")
    if compat is None or neurons is None or compat.HAS_DL:
        return
    for module in (compat, neurons):
        for name, value in {"nengo_dl": nengo_dl, "tf": tf}.items():
            patch(module, name, value)
        patch(module, "HAS_DL", True)
        patch(module, "HAS_TF", True)
    if is_installed("nengo_extras"):
        training = importlib.import_module("nengo_extras.loihi_training")
        for name in ("LoihiLIFBuilder", "LoihiSpikingRectifiedLinearBuilder"):
            patch(neurons, name, getattr(training, name))
    # It does so as neurons are made, and some may have been made already.
    neurons.install_dl_builders()


@mends(AFTER, "nengo_loihi", until=LAST_NENGO_LOIHI)
def mend_nengo_loihi(nengo_loihi):
    """Tell it of a NengoDL that another thread has imported meanwhile."""
    nengo_dl = sys.modules.get("nengo_dl")
    if hasattr(nengo_dl, "tensor_layer"):  # it imports this last
        mend_nengo_dl(nengo_dl)


@mends(AFTER, "nengo_dl.tensor_graph", until=LAST_NENGO_DL)
def mend_tensor_graph(tensor_graph):
    """Keep `logging.debug` from giving the root logger a handler.

    With one, all that any package logs for its own use is written to stderr: Nengo's
    traceback where it finds no decoder cache, for one.
    """
    if tensor_graph.logging is logging:
        quiet = _stand_in(logging, debug=logging.root.debug)
        patch(tensor_graph, "logging", quiet)


@mends(AFTER, "nengo_dl.process_builders", until=LAST_NENGO_DL)
def mend_linear_filter(process_builders):
    """A LinearFilter with a passthrough: Nengo >= 4 has D of shape (1, 1), not (1,)."""
    builder = process_builders.LinearFilterBuilder
    build_pre = builder.build_pre
    if hasattr(build_pre, "__wrapped__"):
        return  # it is done already

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

    patch(builder, "build_pre", mended)


@mends(AFTER, "nengo_dl.simulator", until=LAST_NENGO_DL)
def mend_simulator(simulator):
    """Set Nengo's precision back, refuse Keras 3, and do not miss a GPU there is not.

    nengo_dl <= 3.6.0 sets nengo.rc to single precision while it builds a network, and
    leaves it there if that raises an error: all later simulators are less precise. It
    warns that there is no GPU support where there is no GPU, of other people's networks
    still, but neither of those with a memory nor in our own experiments.
    """
    if hasattr(simulator.Simulator.__init__, "__wrapped__"):
        return  # it is done already
    init = simulator.Simulator.__init__
    construction = threading.local()  # of this thread's simulator

    @functools.wraps(init)
    def mended(self, network, *args, **kwargs):
        rc = simulator.nengo_rc
        precision = rc.get("precision", "bits")
        construction.network = network
        try:
            init(self, network, *args, **kwargs)
        finally:
            construction.network = None
            rc.set("precision", "bits", precision)

    patch(simulator.Simulator, "__init__", mended)
    refuse_keras_3(simulator.Simulator, "compile", "optimizer")
    for name in ("fit", "evaluate", "predict"):
        refuse_keras_3(simulator.Simulator, name)
    if not gpu_driver_present():

        def is_ours():
            experiment = "nengo_lmu.analysis" in sys.modules
            return experiment or has_memory(getattr(construction, "network", None))

        quiet = _warnings_without("No GPU support detected", is_ours)
        patch(simulator, "warnings", quiet)


def has_memory(network):
    """Is there a Legendre memory in a network?"""
    package = sys.modules.get("nengo_lmu")
    memory = getattr(package, "LegendreMemory", ())
    networks = [network, *getattr(network, "all_networks", [])]
    return any(isinstance(part, memory) for part in networks)


class _Like:
    """An object's stand-in, in which some attributes are other ones."""

    def __init__(self, original, **replaced):
        self._original = original
        self.__dict__.update(replaced)

    def __getattr__(self, name):
        return getattr(self._original, name)


# --- Keras 3, which NengoDL would not train, or fail with


@mends(AFTER, "nengo_dl.tensor_node", until=LAST_NENGO_DL)
def mend_tensor_node(tensor_node):
    """Refuse layers of Keras 3, the weights of which NengoDL would not see."""
    refuse_keras_3(tensor_node.Layer, "__init__", "layer_func")
    refuse_keras_3(tensor_node.TensorNode, "__init__", "tensor_func")


@mends(AFTER, "nengo_dl.converter", until=LAST_NENGO_DL)
def mend_converter(converter):
    """Refuse models of Keras 3, of which no layer would be known."""
    refuse_keras_3(converter.Converter, "__init__", "model")


def refuse_keras_3(cls, name, first=None):
    """Make a method refuse what is of Keras 3.

    Parameters
    ----------
    cls : type
    name : str
        Of the method.
    first : str, optional
        What its first argument is called, if that may be of Keras 3.
    """
    method = vars(cls)[name]
    if hasattr(method, "refuses_keras_3"):
        return  # it is done already

    @functools.wraps(method)
    def refusing(self, *args, **kwargs):
        arguments = dict(kwargs)
        if first is not None and args:
            arguments[first] = args[0]
        for argument, values in arguments.items():
            for value in _parts(values):
                _refuse_if_keras_3(value, argument, cls)
        # It is bound as an attribute is, since Nengo's decorators depend on that.
        return method.__get__(self, type(self))(*args, **kwargs)

    refusing.refuses_keras_3 = True
    patch(cls, name, refusing)


def _parts(values):
    """Yield what is in lists, dictionaries (metrics by probe) and old optimizers."""
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _parts(value)
    else:
        yield values
        # It may be a schedule; newer optimizers refuse it when they are made.
        yield from getattr(values, "_hyper", {}).values()


def _refuse_if_keras_3(value, argument, cls):
    keras = sys.modules.get("keras")
    if not getattr(keras, "__version__", "2").startswith("3."):
        return  # it is either not there or tf.keras itself
    kind = value if isinstance(value, type) else type(value)
    own = (value,) if isinstance(value, types.FunctionType) else kind.__mro__
    bases = [base for base in own if base.__module__.partition(".")[0] == "keras"]
    if bases:
        from nengo.exceptions import ValidationError

        name = _keras_2_name(bases[0])
        remedy = f"use {name}" if bases[0] is own[0] else f"derive it from {name}"
        raise ValidationError(
            f"{own[0].__name__} is of Keras 3, which NengoDL cannot train with; "
            f"{remedy} (tf.keras is tf_keras as soon as nengo_dl is imported)",
            attr=argument,
            obj=cls,
        )


def _keras_2_name(obj):
    """Return where Keras 2 has a class or function of Keras 3."""
    # It is as in keras.src.optimizers.schedules.learning_rate_schedule.
    _, _, kind, *_ = [*obj.__module__.split("."), "", ""]
    for place in (f"tf_keras.{kind}", f"tf_keras.{kind}.schedules"):
        with contextlib.suppress(ImportError):
            if hasattr(importlib.import_module(place), obj.__name__):
                return f"{place}.{obj.__name__}"
    return "tf_keras.Model" if kind == "models" else f"tf_keras.{kind}"


# --- NengoLoihi


@mends(AFTER, "nengo_loihi.passthrough", until=LAST_NENGO_LOIHI)
def mend_cluster(passthrough):
    """Let a probed passthrough node that leads nowhere else have its input.

    NengoLoihi <= 1.1.0 drops it where it merges passthrough nodes: it looks at what
    comes after a node before it looks at the node's probe.
    """
    generate_from = passthrough.Cluster.generate_from
    if hasattr(generate_from, "__wrapped__"):
        return  # it is done already

    @functools.wraps(generate_from)
    def mended(self, obj, outputs, previous=None):
        if obj in self.probed_objs:
            outputs.setdefault(obj, set())
        return generate_from(self, obj, outputs, previous=previous)

    patch(passthrough.Cluster, "generate_from", mended)


@mends(IMPORTS, "nengo_extras.reqs", until=LAST_NENGO_EXTRAS)
@mends(IMPORTS, "nengo_loihi.compat", until=LAST_NENGO_LOIHI)
def nengo_dl_if_imported():
    """Let others go without NengoDL until somebody imports it.

    As released they import it if it is there, whoever needs it, and with it all of
    Keras 2. `mend_nengo_dl` tells them when it is there.
    """
    if _complete("nengo_dl") is not None or not needs_mending("nengo_dl"):
        return {}
    return {"nengo_dl": None, "nengo_dl.neuron_builders": None}


@mends(AFTER, "nengo_loihi.emulator.interface", until=LAST_NENGO_LOIHI)
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
            patch(state, "__init__", without_cast_warning(state.__init__))


@mends(AFTER, "nengo_loihi.builder.discretize", until=LAST_NENGO_LOIHI)
def mend_array_to_int(discretize):
    """Integers in the place of an array's numbers, whose type NumPy >= 2.5 keeps.

    NengoLoihi <= 1.1.0 sets the type, which is deprecated. An array that is given a new
    state, as if it were unpickled, has the type of that.
    """
    if numpy_release() < (2, 5) or hasattr(discretize.array_to_int, "__wrapped__"):
        return
    import numpy as np

    @functools.wraps(discretize.array_to_int)
    def array_to_int(array, value):
        assert array.dtype == np.float32
        new = np.empty(array.shape, np.int32)
        new[:] = np.round(value)
        array.__setstate__((1, new.shape, new.dtype, False, new.tobytes()))

    patch(discretize, "array_to_int", array_to_int)
