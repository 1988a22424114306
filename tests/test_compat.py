"""NengoDL and NengoLoihi in any import order, without noise, and what they then do.

What depends on the state of a fresh interpreter runs in one of its own.
"""

import compileall
import gc
import importlib
import importlib.util
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import types
import warnings
from importlib import metadata
from importlib.machinery import SourceFileLoader

import nengo
import numpy as np
import pytest
import scipy.linalg
from nengo.exceptions import ValidationError

import _nengo_lmu_hook as hook
from nengo_lmu import LegendreMemory, compat

ROOT = os.path.dirname(os.path.abspath(hook.__file__))
HAS = {
    name: importlib.util.find_spec(name) is not None
    for name in ("nengo_dl", "nengo_extras", "nengo_loihi", "tensorflow", "tf_keras")
}
needs_dl = pytest.mark.skipif(not HAS["nengo_dl"], reason="NengoDL is not installed")
needs_loihi = pytest.mark.skipif(
    not HAS["nengo_loihi"], reason="NengoLoihi is not installed"
)
needs_extras = pytest.mark.skipif(
    not HAS["nengo_extras"], reason="nengo-extras is not installed"
)


def tensorflow_version():
    return tuple(map(int, metadata.version("tensorflow").split(".")[:2]))


def run_python(code, *options, hooked=True, **env):
    """Run code in a fresh interpreter, hooked as by the start-up file or not at all."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_", "KERAS_", "NENGO_LMU_"))
    }
    start = "__import__('_nengo_lmu_hook').install()\n" if hooked else ""
    return subprocess.run(
        [sys.executable, *options, "-c", start + textwrap.dedent(code)],
        env={**ours, "PYTHONPATH": ROOT, "NENGO_LMU_NO_HOOK": "1", **env},
        cwd=tempfile.gettempdir(),  # "-c" looks for modules here first
        capture_output=True,
        text=True,
        timeout=600,
    )


# --- the finder


def test_targets_are_those_of_compat():
    assert hook.TARGETS == {*compat.AROUND, *compat.IMPORTS, *compat.AFTER}


def test_finder_is_installed_once():
    finders = [f for f in sys.meta_path if type(f).__name__ == "MendingFinder"]
    assert len(finders) == 1
    hook.install()
    assert [f for f in sys.meta_path if f in finders] == finders


def test_finder_leaves_other_modules_alone():
    find_spec = hook.MendingFinder.find_spec
    assert find_spec("json") is None
    assert find_spec("nengo") is None
    assert find_spec("nengo_dl_and_more") is None


def test_what_is_not_there_is_not_found(monkeypatch):
    monkeypatch.setattr(hook, "TARGETS", {"no_such_module"})
    assert hook.MendingFinder.find_spec("no_such_module") is None
    assert importlib.util.find_spec("no_such_module") is None
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        importlib.import_module("no_such_module")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A module that the hook and compat take for one of their targets."""
    name = "nengo_loihi_toy_target"
    (tmp_path / f"{name}.py").write_text(
        "import json\ncount = globals().get('count', 0) + 1\n"
        "def late():\n    import json\n    return json\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(hook, "TARGETS", {name})
    monkeypatch.setattr(compat, "needs_mending", lambda name: True)
    yield name
    sys.modules.pop(name, None)


def test_find_spec_imports_nothing(toy):
    spec = importlib.util.find_spec(toy)
    assert spec.origin.endswith(f"{toy}.py")
    assert toy not in sys.modules
    # and the loader still answers for its file
    assert "count" in spec.loader.get_source(toy)


def test_module_has_its_own_loader_after_the_import(toy):
    module = importlib.import_module(toy)
    assert type(module.__loader__) is SourceFileLoader
    assert module.__spec__.loader is module.__loader__


def test_mends_are_applied_on_import_and_on_reload(toy, monkeypatch):
    seen = []
    monkeypatch.setitem(compat.AFTER, toy, lambda module: seen.append(module.count))
    module = importlib.import_module(toy)
    importlib.reload(module)
    assert seen == [1, 2]


@needs_dl
@needs_loihi
def test_mends_do_not_pile_up():
    interface = importlib.import_module("nengo_loihi.emulator.interface")
    builders = importlib.import_module("nengo_dl.process_builders")

    def mends():
        return (
            builders.LinearFilterBuilder.build_pre,
            interface.CompartmentState.__init__,
            interface.NoiseState.__init__,
        )

    before = mends()
    assert all(hasattr(mend, "__wrapped__") for mend in before)
    compat.mend_loaded()
    assert mends() == before
    assert not any(hasattr(mend.__wrapped__, "__wrapped__") for mend in mends())


def test_answers_to_imports_are_private(toy, monkeypatch):
    import json

    answer = types.ModuleType("answer")
    monkeypatch.setitem(compat.IMPORTS, toy, lambda: {"json": answer})
    module = importlib.import_module(toy)
    assert module.json is answer
    assert sys.modules["json"] is json
    assert importlib.import_module("json") is json
    assert module.__builtins__ is not None
    exec("import json", vars(module))  # code added later gets the real one
    assert module.json is json


def test_failing_mend_warns_and_does_not_fail_the_import(toy, monkeypatch):
    def fail(module):
        raise KeyError("gone")

    monkeypatch.setitem(compat.AFTER, toy, fail)
    with pytest.warns(RuntimeWarning, match=f"could not adapt {toy}.*KeyError: 'gone'"):
        assert importlib.import_module(toy).count == 1


def test_imports_work_without_the_package(toy, monkeypatch):
    """What is left of a half removed installation breaks nobody's import."""
    monkeypatch.setattr(hook, "load_compat", lambda: None)
    assert importlib.import_module(toy).count == 1


def test_compat_is_nothing_where_its_file_is_gone(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, hook.COMPAT)
    monkeypatch.delitem(sys.modules, "nengo_lmu")
    monkeypatch.setattr(hook, "__file__", str(tmp_path / "_nengo_lmu_hook.py"))
    assert hook.load_compat() is None


@pytest.mark.parametrize(
    "package, last",
    [
        ("nengo", compat.LAST_NENGO),
        ("nengo-dl", compat.LAST_NENGO_DL),
        ("nengo-loihi", compat.LAST_NENGO_LOIHI),
        ("nengo-extras", compat.LAST_NENGO_EXTRAS),
    ],
)
def test_later_releases_are_left_alone(package, last, monkeypatch):
    module = package.replace("-", "_") + ".compat"
    assert compat.needs_mending(module)  # the installed one, or none
    version = ".".join(map(str, (*last[:2], last[2] + 1)))
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert not compat.needs_mending(module)


# --- start-up

# An installed start-up file is kept off; then its line is run, with the choice SWITCH.
START_UP = f"""
import os, sys
os.environ["NENGO_LMU_NO_HOOK"] = os.environ["SWITCH"]
before = set(sys.modules)
finders = list(sys.meta_path)
lines = open({os.path.join(ROOT, "nengo_lmu_hook.pth")!r}).read().splitlines()
assert len(lines) == 1 and lines[0].startswith("import ")
exec(lines[0])
new = set(sys.modules) - before
"""


def test_start_up_file_imports_the_hook_alone():
    result = run_python(
        START_UP + "print(new, [type(f).__name__ for f in sys.meta_path][0])",
        hooked=False,
        SWITCH="0",
    )
    assert result.stderr == ""
    assert result.stdout == "{'_nengo_lmu_hook'} MendingFinder\n"


def test_start_up_file_can_be_switched_off():
    result = run_python(
        START_UP + "print(new, sys.meta_path == finders)",
        hooked=False,
        SWITCH="1",
    )
    assert (result.stdout, result.stderr) == ("set() True\n", "")


def test_start_up_file_fails_quietly(tmp_path):
    (tmp_path / "_nengo_lmu_hook.py").write_text("1 / 0")
    result = run_python(
        START_UP + "print(new)",
        hooked=False,
        SWITCH="0",
        PYTHONPATH=str(tmp_path),
    )
    assert (result.stdout, result.stderr) == ("set()\n", "")


def test_importing_the_package_installs_the_finder_and_no_backend():
    result = run_python(
        """
        import sys, nengo_lmu
        print(type(sys.meta_path[0]).__name__)
        print({"tensorflow", "nengo_dl", "nengo_loihi", "matplotlib"} & {*sys.modules})
        """,
        hooked=False,
    )
    assert (result.stdout, result.stderr) == ("MendingFinder\nset()\n", "")


# --- import orders

CHECKS = """
import subprocess, sys
class Popen(subprocess.Popen):
    def __init__(self, args, *rest, **kwargs):
        command = str(args).replace(sys.executable, "")  # a folder may be called so
        assert "tensorflow" not in command, "a second TensorFlow process"
        super().__init__(args, *rest, **kwargs)
subprocess.Popen = Popen

{imports}

import os
import nengo_dl
import tensorflow as tf
from tensorflow.keras.layers import Dense
assert issubclass(Dense, tf.keras.layers.Layer)
assert nengo_dl.compat.Functional.__module__.endswith("engine.functional")
assert issubclass(nengo_dl.tensor_graph.TensorGraph, tf.keras.layers.Layer)
assert nengo_dl.utils.tf_gpu_installed == bool(tf.config.list_physical_devices("GPU"))
assert "TF_USE_LEGACY_KERAS" not in os.environ  # nor in that of child processes
assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"  # as nengo_dl sets it
if {loihi}:
    import nengo_loihi
    assert nengo_loihi.compat.HAS_DL and nengo_loihi.neurons.HAS_DL
    nengo_loihi.LoihiLIF()
    impl = nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL
    if {extras}:
        builder = impl[nengo_loihi.LoihiLIF]
        assert issubclass(builder, nengo_dl.neuron_builders.LIFBuilder)
print("ok")
"""


def check_order(imports, *options, hooked=True, **env):
    code = CHECKS.format(
        imports=textwrap.dedent(imports),
        loihi=HAS["nengo_loihi"],
        extras=HAS["nengo_extras"],
    )
    return run_python(code, *options, hooked=hooked, **env)


# nengo itself reads np.core while it is imported; nothing else may warn
STRICT = ("-W", "error", "-W", "ignore:numpy.core is deprecated:DeprecationWarning")
if HAS["tensorflow"] and tensorflow_version() < (2, 18):
    STRICT = ("-W", "error", "-W", "ignore::DeprecationWarning")  # its own, of Python


@needs_dl
@pytest.mark.parametrize(
    "imports, hooked",
    [
        ("import nengo_dl", True),
        ("import nengo_lmu, nengo_dl", False),
        pytest.param("import nengo_lmu.dl", False, marks=pytest.mark.slow),
        pytest.param("import nengo_loihi", True, marks=needs_loihi),
        pytest.param(
            "import nengo_extras.neurons", True, marks=[needs_extras, pytest.mark.slow]
        ),
    ],
)
def test_any_import_order_works(imports, hooked):
    result = check_order(imports, *STRICT, hooked=hooked)
    assert (result.stdout, result.stderr) == ("ok\n", "")


@needs_dl
def test_tensorflow_may_be_imported_first():
    # it talks while it is imported
    result = check_order("import tensorflow", *STRICT)
    assert result.stdout == "ok\n", result.stderr


@needs_dl
@needs_loihi
@pytest.mark.slow
def test_threads_may_import():
    result = check_order(
        """
        import threading
        from importlib import import_module
        import nengo  # its circular imports do not stand threads
        names = "nengo_loihi", "nengo_dl", "nengo_lmu.dl"
        threads = [threading.Thread(target=import_module, args=(n,)) for n in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        *STRICT,
    )
    assert (result.stdout, result.stderr) == ("ok\n", "")


@needs_dl
@needs_loihi
def test_nengo_loihi_may_be_imported_before_the_hook():
    """It believes that there is no NengoDL (on newer TensorFlow), until there is."""
    result = check_order(
        """
        call = subprocess.call
        subprocess.call = lambda *args, **kwargs: 1  # nengo_dl's question for a GPU
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nengo_loihi
        subprocess.call = call
        import numpy
        assert nengo_loihi.block.np is numpy
        import nengo_lmu
        assert numpy.__version__ < "2" or nengo_loihi.block.np is not numpy
        """,
        hooked=False,
    )
    assert result.stdout == "ok\n", result.stderr


# compat is loaded alone, since its package imports nengo_dl
WITHOUT_TF_KERAS = """
import _nengo_lmu_hook
compat = _nengo_lmu_hook.load_compat()
there = compat.is_installed
compat.is_installed = lambda name: name != "tf_keras" and there(name)
"""


@needs_dl
@pytest.mark.skipif(
    not HAS["tf_keras"] or tensorflow_version() < (2, 16),
    reason="tf.keras is Keras 2 here in any case",
)
@pytest.mark.parametrize(
    "before, env, remedy",
    [
        (
            "import tensorflow as tf; tf.keras.Sequential",
            {},
            "already been used as Keras 3 in this process: start Python again and",
        ),
        pytest.param(
            "",
            {"TF_USE_LEGACY_KERAS": "0"},
            "set it to 1 and start Python again",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            WITHOUT_TF_KERAS, {}, "pip install 'tf-keras==", marks=pytest.mark.slow
        ),
    ],
)
def test_keras_3_is_told_of_with_a_remedy(before, env, remedy):
    result = run_python(
        before
        + """
import os
legacy = os.environ.get("TF_USE_LEGACY_KERAS")
try:
    import nengo_dl
except ImportError as error:
    print(str(error).replace(chr(10), "<newline>"))
    print(error.name, os.environ.get("TF_USE_LEGACY_KERAS") == legacy)
""",
        **env,
    )
    message, rest = result.stdout.splitlines()
    assert message.startswith("NengoDL needs Keras 2, and ")
    assert remedy in message
    assert "newline" not in message
    assert rest == "nengo_dl True"


@needs_dl
@needs_loihi
@pytest.mark.slow
def test_nengo_loihi_works_without_a_usable_nengo_dl():
    if tensorflow_version() < (2, 16):
        pytest.skip("NengoDL is usable here in any case")
    result = run_python(
        "import nengo_loihi; print(nengo_loihi.compat.HAS_DL)",
        TF_USE_LEGACY_KERAS="0",
    )
    assert result.stdout == "False\n", result.stderr


@needs_dl
@pytest.mark.slow
def test_log_level_of_the_user_is_kept():
    result = run_python(
        "import os, nengo_dl; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])",
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    assert result.stdout == "3\n"
    assert result.stderr == ""  # what asks for less does not get more


# --- what TensorFlow says while it is loaded


@pytest.mark.parametrize(
    "line, dropped",
    [
        ("WARNING: All log messages before absl::InitializeLog() is called ..", "yes"),
        ("I0000 00:00:1795258186.2486 2632 port.cc:153] oneDNN custom ..", "yes"),
        ("2024-11-21 10:00:00.123456: I tensorflow/core/util/port.cc:153] ..", "yes"),
        ("To enable the following instructions: AVX2 FMA, in other ..", "yes"),
        ("E0000 00:00:17 26 cuda_fft.cc:477] Unable to register cuFFT factory", "yes"),
        ("E0000 00:00:17 26 cuda_platform.cc:52] failed call to cuInit: ..", "no GPU"),
        ("Skipping registering GPU devices...", "no GPU"),
        ("E0000 00:00:17 26 other.cc:52] something that matters", "no"),
        ("W0000 00:00:17 26 other.cc:52] something that matters", "no"),
        ("Traceback (most recent call last):", "no"),
        ("ImportError: nothing else", "no"),
    ],
)
@pytest.mark.parametrize("gpu", [False, True])
def test_chatter_is_recognized(line, dropped, gpu):
    expected = {"yes": True, "no": False, "no GPU": not gpu}[dropped]
    assert bool(re.match(compat.chatter(gpu), line)) == expected


def test_what_is_not_chatter_is_written(capfd):
    with pytest.raises(ZeroDivisionError), compat.without_chatter():
        os.write(2, b"I0000 00:00:17 26 port.cc:153] oneDNN\nkept 1\nkept 2\n")
        raise ZeroDivisionError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "kept 1\nkept 2\nafter\n"


def test_a_filter_that_goes_on_is_not_warned_of(capfd):
    """It hears whoever was started meanwhile, for as long as that one speaks."""
    late = (
        "import time, os; time.sleep(1.5); os.write(2, b'I0000 a.cc:1] no\\nlate\\n')"
    )
    with compat.without_chatter():
        speaker = subprocess.Popen([sys.executable, "-I", "-S", "-c", late])
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        gc.collect()
    assert record == []
    assert speaker.wait(timeout=60) == 0
    deadline, heard = time.monotonic() + 60, ""
    while not heard.endswith("\n") and time.monotonic() < deadline:
        time.sleep(0.02)
        heard += capfd.readouterr().err
    assert heard == "late\n"


# --- NengoDL does what it says


def small_network(synapse=0.005):
    with nengo.Network(seed=0) as net:
        net.stim = nengo.Node([0.5])
        neurons = nengo.RectifiedLinear(amplitude=0.01)
        ens = nengo.Ensemble(20, 1, neuron_type=neurons)
        out = nengo.Node(size_in=1)
        nengo.Connection(net.stim, ens, synapse=None)
        nengo.Connection(ens, out, synapse=synapse)  # a probe's would not be trained
        net.probe = nengo.Probe(out)
    return net


@pytest.fixture
def nengo_dl():
    return pytest.importorskip("nengo_dl")


def dl_simulator(nengo_dl, net, **kwargs):
    return nengo_dl.Simulator(net, progress_bar=False, **kwargs)


@needs_dl
def test_nengo_dl_runs_as_nengo(nengo_dl, allclose):
    net = small_network()
    with dl_simulator(nengo_dl, net) as sim:
        sim.run_steps(50)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(50)
    assert allclose(sim.data[net.probe], reference.data[net.probe], atol=1e-5)


@needs_dl
def test_networks_are_trained_frozen_saved_and_loaded(nengo_dl, tmp_path, allclose):
    net = small_network(synapse=None)
    x = {net.stim: np.linspace(-1, 1, 64).reshape(64, 1, 1)}
    y = {net.probe: 1 - x[net.stim]}
    with dl_simulator(nengo_dl, net, minibatch_size=8) as sim:
        sim.compile(optimizer="adam", loss="mse")
        before = sim.evaluate(x, y, verbose=0)["loss"]
        sim.fit(x, y, epochs=20, verbose=0)
        after = sim.evaluate(x, y, verbose=0)["loss"]
        assert after < 0.5 * before
        trained = sim.predict(x, verbose=0)[net.probe]
        sim.save_params(tmp_path / "params")
        sim.freeze_params(net)

    net.stim.output = np.array([x[net.stim][3, 0, 0]])
    with nengo.Simulator(net, progress_bar=False) as frozen:
        frozen.run_steps(1)
    assert allclose(frozen.data[net.probe][0], trained[3, 0], atol=1e-4)

    again = small_network(synapse=None)
    with dl_simulator(nengo_dl, again, minibatch_size=8) as sim:
        sim.load_params(tmp_path / "params")
        loaded = sim.predict({again.stim: x[net.stim]}, verbose=0)[again.probe]
    assert allclose(loaded, trained, atol=1e-6)


@needs_dl
@pytest.mark.parametrize(
    "num, den",
    [
        ([2.0], [1.0]),  # D alone
        ([0.01, 1.0], [0.02, 1.0]),  # one state and D
        ([1e-4, 0.01, 1.0], [2e-4, 0.02, 1.0]),  # two states and D
        ([1.0], [0.02, 1.0]),  # no D
    ],
)
def test_linear_filters_are_nengos(nengo_dl, num, den, allclose):
    synapse = nengo.LinearFilter(num, den)
    with nengo.Network(seed=0) as net:
        stim = nengo.Node(lambda t: [np.sin(20 * t), np.cos(30 * t)])
        probe = nengo.Probe(stim, synapse=synapse)
    with dl_simulator(nengo_dl, net) as sim:
        sim.run_steps(100)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(100)
    assert allclose(sim.data[probe], reference.data[probe], atol=1e-5)


@needs_dl
@pytest.mark.parametrize("gpu", [False, True])
def test_no_gpu_is_not_missed_for_a_memory(gpu, nengo_dl, monkeypatch):
    """NengoDL's warning stays for all other networks, as does where it comes from."""
    if compat.gpu_driver_present():
        pytest.skip("there is one")
    monkeypatch.setattr(nengo_dl.utils, "tf_gpu_installed", gpu)
    monkeypatch.delitem(sys.modules, "nengo_lmu.analysis", raising=False)
    with nengo.Network() as ours:
        with nengo.Network():
            LegendreMemory(0.1, 2, n_neurons=0)
    for net, warned in ((small_network(), not gpu), (ours, False)):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            dl_simulator(nengo_dl, net).close()
        found = [one for one in record if "No GPU support" in str(one.message)]
        assert len(found) == warned
        assert all(one.filename == nengo_dl.simulator.__file__ for one in found)


@needs_dl
@pytest.mark.parametrize("verb", ["compile", "fit", "evaluate", "predict"])
def test_closed_simulator_says_so(verb, nengo_dl):
    sim = dl_simulator(nengo_dl, small_network())
    sim.close()
    with pytest.raises(nengo.exceptions.SimulatorClosed, match=f"Cannot call {verb}"):
        getattr(sim, verb)()


# --- NengoLoihi


def loihi_network():
    at_rest = {"voltage": nengo.dists.Choice([0])}
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.LIF(initial_state=at_rest)
        stim = nengo.Node(0.5)
        pre = nengo.Ensemble(40, 1)
        post = nengo.Ensemble(40, 1)
        nengo.Connection(stim, pre)
        nengo.Connection(pre, post)
        net.probe = nengo.Probe(post, synapse=0.02)
    return net


@needs_loihi
@pytest.mark.parametrize("target", ["sim", "simreal"])
def test_the_emulator_runs_without_a_warning(target):
    nengo_loihi = pytest.importorskip("nengo_loihi")
    net = loihi_network()
    with nengo_loihi.Simulator(net, target=target, progress_bar=False) as sim:
        sim.run_steps(200)
    assert np.mean(sim.data[net.probe][100:]) == pytest.approx(0.5, abs=0.15)


@needs_loihi
def test_neurons_of_nengo_loihi_run_in_nengo_dl(nengo_dl):
    nengo_loihi = pytest.importorskip("nengo_loihi")
    pytest.importorskip("nengo_extras")
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(10, 1, neuron_type=nengo_loihi.LoihiLIF())
        probe = nengo.Probe(ens.neurons)
    with dl_simulator(nengo_dl, net) as sim:
        sim.run_steps(100)
    assert np.any(sim.data[probe] > 0)


@needs_loihi
@pytest.mark.parametrize("copy", [True, False])
def test_functions_of_numpy_1_are_there(copy):
    nengo_loihi = pytest.importorskip("nengo_loihi")
    old = nengo_loihi.block.np
    assert np.array_equal(old.array([1, 2], dtype=np.float32, copy=copy), [1, 2])
    same = np.zeros(3)
    assert np.shares_memory(old.array(same, copy=copy), same) == (not copy)
    assert old.float64 is np.float64
    if int(np.__version__.split(".")[0]) >= 2:
        assert old.asfarray([1, 2]).dtype == np.float64
        assert np.array_equal(old.fromstring(b"\1\2", np.uint8), [1, 2])
        assert np.array_equal(old.fromstring("3 4", sep=" "), [3, 4])
        assert not hasattr(np, "asfarray")


@needs_loihi
def test_numbers_become_integers_where_they_are():
    discretize = pytest.importorskip("nengo_loihi.builder.discretize")
    row = np.array([[1.4, -2.6, 7.0]], dtype=np.float32)
    slice_ = row[:, :2]
    for array, value, expected in [
        (slice_, 2 * slice_, [[3, -5]]),
        (row.copy(), -4.5, [[-4, -4, -4]]),
    ]:
        discretize.array_to_int(array, value)
        assert array.dtype == np.int32 and np.array_equal(array, expected)
        array += 1  # it may be written to
    with pytest.raises(AssertionError):
        discretize.array_to_int(array, 1.0)


@needs_extras
def test_spikes_are_plotted_on_numpy_2():
    plot_spikes = pytest.importorskip("nengo_extras.plot_spikes")
    spikes = np.eye(20)[:, :4]
    t = 0.001 * np.arange(20)
    _, merged = plot_spikes.merge(t, spikes, num=2)
    assert merged.shape[1] == 2
    _, sampled = plot_spikes.sample_by_variance(t, spikes, 2, filter_width=0.005)
    assert sampled.shape == (20, 2)


@pytest.mark.parametrize("make", [np.asarray, list])
@pytest.mark.parametrize("options", [{}, {"filtfilt": True}, {"axis": -1, "y0": 0.5}])
def test_synapses_filter_one_signal_as_a_column(make, options, rng):
    x = rng.randn(100)
    column = x[:, np.newaxis]
    for synapse in (nengo.Lowpass(0.01), nengo.Alpha(0.02)):
        (filtered,) = synapse.filt(column, **{**options, "axis": 0}).T
        assert np.array_equal(synapse.filt(make(x), **options), filtered)
    expected = nengo.Lowpass(0.01).filt(column)[:, 0]
    in_place = nengo.Lowpass(0.01).filt(x, copy=False)
    assert np.shares_memory(in_place, x) and np.array_equal(x, expected)


def test_synapses_refuse_an_axis_that_is_not_there():
    with pytest.raises(ValueError, match="axis 1"):
        nengo.Lowpass(0.01).filt(np.ones(3), axis=1)


def test_large_systems_are_discretized(rng):
    """Nengo estimates norms from 200 dimensions on, with a function of NumPy 1."""
    a = rng.randn(200, 200)
    system = (a, np.ones((200, 1)), np.ones((1, 200)), np.zeros((1, 1)))
    discrete = nengo.utils.filter_design.cont2discrete(system, 0.001)[0]
    assert np.allclose(discrete, scipy.linalg.expm(0.001 * a), rtol=0, atol=1e-12)


# --- a package that is broken, zipped or compiled breaks nobody's import


def copied(folder):
    """Copy the hook and the package, without data, into a folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(os.path.join(ROOT, "_nengo_lmu_hook.py"), folder)
    shutil.copytree(
        os.path.join(ROOT, "nengo_lmu"),
        folder / "nengo_lmu",
        ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.json"),
    )
    return folder


# A module that the hook takes for a target, on its own, so that nothing else is needed.
# (protobuf < 5 warns on Python >= 3.12 wherever TensorFlow is imported.)
IMPORT_TARGETS = """
import sys, types, warnings
sys.path.insert(0, {stubs!r})
warnings.simplefilter("always")
warnings.filterwarnings("ignore", "Type google._upb", DeprecationWarning)
import nengo_extras.plot_spikes
import nengo_extras.reqs
compat = sys.modules.get("nengo_lmu.compat")
print(nengo_extras.reqs.here, compat and compat.__file__.rpartition(".")[2])
"""


def import_targets(tmp_path, package):
    """Import two modules that are called as targets are, hooked by a copy of ours."""
    stubs = tmp_path / "stubs"
    (stubs / "nengo_extras").mkdir(parents=True)
    (stubs / "nengo_extras" / "__init__.py").touch()
    (stubs / "nengo_extras" / "plot_spikes.py").write_text("import numpy as np")
    (stubs / "nengo_extras" / "reqs.py").write_text("here = True")
    code = IMPORT_TARGETS.format(stubs=str(stubs))
    return run_python(code, PYTHONPATH=str(package))


@pytest.mark.parametrize("fault", ["syntax", "unreadable", "raises"])
def test_broken_package_warns_once(fault, tmp_path):
    package = copied(tmp_path)
    compat_file = package / "nengo_lmu" / "compat.py"
    if fault == "syntax":
        compat_file.write_text("def (")
    elif fault == "raises":
        compat_file.write_text("raise OSError('gone')")
    else:
        compat_file.write_bytes(b"x = '\xff'")
    result = import_targets(tmp_path, package)
    assert result.stdout == "True None\n", result.stderr
    assert result.stderr.count("nengo_lmu is installed but cannot be read") == 1
    assert "Traceback" not in result.stderr


def test_half_removed_package_is_quiet(tmp_path):
    package = copied(tmp_path)
    (package / "nengo_lmu" / "compat.py").unlink()
    result = import_targets(tmp_path, package)
    assert (result.stdout, result.stderr) == ("True None\n", "")


def test_a_zipped_package_works(tmp_path):
    archive = shutil.make_archive(
        str(tmp_path / "all"), "zip", copied(tmp_path / "unpacked")
    )
    result = import_targets(tmp_path, archive)
    assert (result.stdout, result.stderr) == ("True py\n", "")


def test_a_compiled_package_works(tmp_path):
    package = copied(tmp_path / "compiled")
    compileall.compile_dir(package, legacy=True, quiet=2, maxlevels=3)
    for path in package.rglob("*.py"):
        path.unlink()
    result = import_targets(tmp_path, package)
    assert (result.stdout, result.stderr) == ("True pyc\n", "")


def test_mends_that_cannot_be_loaded_fail_no_import(toy, monkeypatch):
    """Neither what surrounds an import, nor what we teach, may."""
    monkeypatch.setitem(compat.IMPORTS, toy, lambda: 1 / 0)
    monkeypatch.setitem(compat.TAUGHT, toy, "nengo_lmu.no_such_module")
    with pytest.warns(RuntimeWarning) as record:
        assert importlib.import_module(toy).count == 1
    first, second = [str(warning.message) for warning in record]
    assert "ZeroDivisionError" in first and "no_such_module" in second


# --- only the packages that are known


def another_nengo_dl(folder):
    """Write a package of that name which has nothing to do with TensorFlow."""
    (folder / "nengo_dl").mkdir(parents=True)
    for name in ("__init__", "simulator", "tensor_graph", "utils", "version"):
        (folder / "nengo_dl" / f"{name}.py").write_text(
            "import subprocess, warnings, logging\n"
            "def late():\n    import json\n    return json\n"
        )
    return folder


def test_another_nengo_dl_is_left_alone(tmp_path):
    folder = another_nengo_dl(tmp_path)
    result = run_python(
        """
        import builtins, logging, os, subprocess, sys, warnings
        before = dict(os.environ)
        from nengo_dl import simulator, tensor_graph, utils, version
        assert simulator.warnings is version.warnings is warnings
        assert tensor_graph.logging is logging and utils.subprocess is subprocess
        assert not {"tensorflow", "nengo_lmu", "nengo_lmu.dl.fast"} & {*sys.modules}
        assert dict(os.environ) == before
        import nengo_lmu
        assert not hasattr(simulator, "Simulator")
        try:
            import nengo_lmu.dl
        except ImportError as error:
            print(error)
        """,
        PYTHONPATH=os.pathsep.join([str(folder), ROOT]),
    )
    assert result.stdout.startswith("nengo_lmu.dl needs NengoDL 3.6"), result.stderr
    assert result.stderr == ""


@needs_dl
def test_a_later_nengo_dl_is_taught_nothing(nengo_dl, monkeypatch):
    from nengo_lmu.dl import fast

    hook.uninstall()
    try:
        for name in compat.UNTIL:
            if name.partition(".")[0] == "nengo_dl":
                monkeypatch.setitem(compat.UNTIL, name, (3, 5, 9))
        fast.install()
        compat.mend_loaded()
        assert not hasattr(nengo_dl.Simulator.compile, "is_ours")
        assert not hasattr(nengo_dl.simulator.Simulator.compile, "refuses_keras_3")
    finally:
        monkeypatch.undo()
        hook.install()
    assert hasattr(nengo_dl.Simulator.compile, "is_ours")


# --- what is left behind


REPLACED = """
import sys, types
def state():
    '''All that there is in these packages, by name, and TensorFlow's own path.'''
    found = {}
    for name, module in sys.modules.items():
        if name.partition(".")[0] in ("nengo", "nengo_dl", "nengo_loihi"):
            for key, value in vars(module).items():
                if not key.startswith("__"):
                    found[name, key] = value
                if isinstance(value, type) and value.__module__ == name:
                    found |= {(name, key, k): v for k, v in vars(value).items()}
    registered = sys.modules["nengo_loihi.builder"].Builder.builders
    return found | {("loihi", key): value for key, value in registered.items()}
"""


@needs_dl
@needs_loihi
def test_uninstall_restores_everything():
    """All attributes of all modules and classes are as they are after the import.

    What is ours must have been there in between, and a second time afterwards.
    """
    result = run_python(
        REPLACED
        + """
import nengo_dl, nengo_loihi.simulator, nengo_loihi.dvs, nengo_loihi.passthrough
import _nengo_lmu_hook as hook, nengo, nengo_lmu
hook.uninstall()
hook.uninstall()
clean = state()
def differences():
    now = state()
    return {key for key in {*clean, *now} if clean.get(key) is not now.get(key)}
assert not any(type(f).__name__ == "MendingFinder" for f in sys.meta_path)
import numpy, logging, warnings
assert nengo_loihi.block.np is numpy and nengo_dl.simulator.warnings is warnings
assert nengo_dl.tensor_graph.logging is logging
ours = {
    key
    for key, value in clean.items()
    if str(getattr(value, "__module__", "")).startswith("nengo_lmu")
}
assert ours == set(), ours
for _ in range(2):
    hook.install()
    assert numpy.__version__ < "2" or nengo_loihi.block.np is not numpy
    found = {".".join(key[1:]) for key in differences() if isinstance(key[1], str)}
    assert {
        "Simulator.compile",
        "TensorGraph._build_loop",
        "LinearFilterBuilder.build_pre",
        "Cluster.generate_from",
        "Synapse.filt",
        "CompartmentState",
        "split_model",
    } <= found, found
    assert ("loihi", nengo.PoissonSpiking) in differences()
    nengo_lmu.uninstall()
    assert differences() == set(), differences()
print("ok")
""",
    )
    assert result.stdout == "ok\n", result.stderr


def test_what_others_have_replaced_since_stays():
    owner = types.ModuleType("owner")
    owner.first = owner.second = "theirs"
    before = list(compat.PATCHES)
    compat.PATCHES.clear()
    try:
        for name in ("first", "second", "third"):
            compat.patch(owner, name, "ours")
        owner.second = "another's"
        compat.restore()
        assert (owner.first, owner.second) == ("theirs", "another's")
        assert not hasattr(owner, "third")
    finally:
        compat.PATCHES.extend(before)
        compat.mend_loaded()


@needs_dl
@needs_loihi
def test_functions_have_the_real_builtins(nengo_dl):
    """What a module gets for its own imports does not stay with its functions."""
    importlib.import_module("nengo_loihi")
    import builtins

    names = [n for n in sys.modules if n.startswith(("nengo_dl", "nengo_loihi"))]
    functions = [
        value
        for name in names
        for value in vars(sys.modules[name]).values()
        if isinstance(value, types.FunctionType)
    ]
    assert len(functions) > 100
    assert all(f.__builtins__ is vars(builtins) for f in functions)
    assert type(builtins.__import__) is types.BuiltinFunctionType


@needs_loihi
def test_nengo_loihi_warns_of_a_nengo_that_is_newer_still(monkeypatch):
    version = importlib.import_module("nengo_loihi.version")
    monkeypatch.setattr(nengo.version, "version_info", (99, 0, 0))
    with pytest.warns(UserWarning, match="has not been tested"):
        version.check_nengo_version()


# --- Keras 2 and 3


@needs_dl
@needs_loihi
@pytest.mark.skipif(
    not HAS["tf_keras"] or tensorflow_version() < (2, 16),
    reason="tf.keras is Keras 2 here in any case",
)
def test_nengo_loihi_alone_leaves_keras_alone():
    """And neurons that were made before NengoDL came are known to it then."""
    result = run_python(
        """
        import os
        before = dict(os.environ)
        import nengo_loihi
        neurons = nengo_loihi.LoihiLIF()
        names = "TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL"
        assert not {*names} & {*os.environ}
        assert not nengo_loihi.compat.HAS_DL
        import subprocess, sys
        import nengo_dl
        print(type(neurons) in
              nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL)
        import tensorflow as tf
        for one in (tf.keras.layers.Dense, tf.losses.MeanSquaredError,
                    tf.optimizers.Adam, tf.compat.v1.keras.layers.Dense):
            assert one.__module__.startswith("tf_keras"), one
        code = "import os; print('TF_USE_LEGACY_KERAS' in os.environ)"
        subprocess.run([sys.executable, "-c", code])
        """
    )
    assert (result.stdout, result.stderr) == ("True\nFalse\n", "")
    result = run_python(
        "import nengo_loihi, tensorflow as tf; print(tf.keras.layers.Dense.__module__)"
    )
    assert result.stdout.startswith("keras."), result.stderr


@pytest.fixture
def keras():
    if tensorflow_version() < (2, 16):
        pytest.skip("tf.keras is Keras 2 here in any case")
    return pytest.importorskip("keras")


@needs_dl
@pytest.mark.parametrize(
    "argument, make, remedy",
    [
        ("layer_func", lambda k: k.layers.Dense(3), "use tf_keras.layers.Dense"),
        ("layer_func", lambda k: k.layers.Dense, "use tf_keras.layers.Dense"),
        (
            "layer_func",
            lambda k: type("Own", (k.layers.Layer,), {})(),
            "Own .* derive it from tf_keras.layers.Layer",
        ),
        ("tensor_func", lambda k: k.layers.Dense(3), "use tf_keras.layers.Dense"),
        ("model", lambda k: k.Sequential([]), "use tf_keras.models.Sequential"),
        ("optimizer", lambda k: k.optimizers.Adam(), "use tf_keras.optimizers.Adam"),
        ("loss", lambda k: k.losses.mean_squared_error, "tf_keras.losses.mean_squared"),
        ("loss", lambda k: {"a": k.losses.Huber()}, "use tf_keras.losses.Huber"),
        ("metrics", lambda k: [[k.metrics.AUC()]], "use tf_keras.metrics.AUC"),
        (
            "callbacks",
            lambda k: [k.callbacks.EarlyStopping()],
            "callbacks.EarlyStopping",
        ),
    ],
)
def test_keras_3_is_refused(argument, make, remedy, nengo_dl, keras):
    """One clear error, where NengoDL would not train or fail with AttributeErrors."""
    value = make(keras)
    with dl_simulator(nengo_dl, small_network()) as sim:
        calls = {
            "layer_func": lambda: nengo_dl.Layer(value),
            "tensor_func": lambda: nengo_dl.TensorNode(value, shape_in=(2,)),
            "model": lambda: nengo_dl.Converter(value),
            "optimizer": lambda: sim.compile(value, loss="mse"),
            "loss": lambda: sim.compile("adam", loss=value),
            "metrics": lambda: sim.compile("adam", loss="mse", metrics=value),
            "callbacks": lambda: sim.fit(n_steps=2, callbacks=value),
        }
        with nengo.Network(), pytest.raises(ValidationError, match=remedy) as error:
            calls[argument]()
    assert error.value.attr == argument


@needs_dl
@pytest.mark.parametrize("package", ["optimizers", "optimizers.legacy"])
def test_schedules_of_keras_3_are_refused(package, nengo_dl, keras):
    """At the latest when they are to be trained with."""
    optimizers = importlib.import_module(f"tf_keras.{package}")
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    remedy = "use tf_keras.optimizers.schedules.CosineDecay"
    with dl_simulator(nengo_dl, small_network()) as sim:
        with pytest.raises(ValidationError, match=remedy):
            sim.compile(optimizers.Adam(schedule), loss="mse")


@needs_dl
def test_keras_2_is_not_refused(nengo_dl):
    import tensorflow as tf

    net = small_network(synapse=None)
    with net:
        layer = nengo_dl.Layer(tf.keras.layers.Dense(2))(net.probe.target)
        probe = nengo.Probe(layer)
    with dl_simulator(nengo_dl, net) as sim:
        loss = {probe: tf.losses.MeanSquaredError(), net.probe: "mse"}
        schedule = tf.optimizers.schedules.CosineDecay(0.1, 10)
        for package in (tf.optimizers, tf.optimizers.legacy):
            for rate in (0.1, schedule):
                sim.compile(package.Adam(rate), loss=loss)


# --- what is written to stderr


# stands for TensorFlow: what is written before it is aborted must not be lost
ABORTING = """
import os
assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"  # warnings are written
os.write(2, b"I0000 00:00:17 26 port.cc:153] chatter\\nW0000 warning\\nF0000 fatal")
os.abort()
"""


@needs_dl
@pytest.mark.parametrize("release", [(2, 18, 0), (2, 19, 0), None])
def test_keras_is_seeded_and_asks_for_whole_numbers(release, monkeypatch):
    """As tf-keras asks before 2.19, which Python 3.12 refuses its own generator."""
    pytest.importorskip("nengo_dl")  # makes tf.keras Keras 2
    tf_keras = pytest.importorskip("tf_keras")
    generators = tf_keras.src.backend._SEED_GENERATOR
    monkeypatch.setattr(compat, "_installed", lambda distribution: release)
    monkeypatch.setattr(generators, "generator", None, raising=False)
    compat.set_random_seed(3)
    ours, theirs = generators.generator, random.Random(3)
    largest = 1e9 if release == (2, 18, 0) else 10**9
    for _ in range(3):
        assert ours.randint(1, largest) == theirs.randint(1, 10**9)
    assert random.random() == random.Random(3).random()
    assert np.random.random() == np.random.RandomState(3).random_sample()


@needs_dl
def test_the_last_words_of_tensorflow_are_heard(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(ABORTING)
    folders = os.pathsep.join([str(tmp_path), ROOT])
    result = run_python("import nengo_dl", PYTHONPATH=folders)
    assert result.returncode == -signal.SIGABRT
    assert result.stderr.startswith("W0000 warning\nF0000 fatal")


def test_nothing_is_filtered_where_no_filter_can_be_started(capfd, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with compat.without_chatter():
        os.write(2, b"I0000 00:00:17 26 port.cc:153] oneDNN\n")
    assert capfd.readouterr().err == "I0000 00:00:17 26 port.cc:153] oneDNN\n"


@needs_dl
def test_first_run_is_quiet(tmp_path):
    """Nengo logs an error where it finds no decoder cache, for its own use.

    Of the root logger, `logging.debug` makes one that writes all to stderr.
    """
    result = run_python(
        """
        import nengo, nengo_dl
        from nengo_lmu import LMU
        with nengo.Network(seed=0) as net:
            nengo.Probe(LMU(0.1, 2, n_neurons=10).output, synapse=0.01)
        for backend in (nengo_dl, nengo):
            with backend.Simulator(net, progress_bar=False) as sim:
                sim.run_steps(2)
        import logging
        print(logging.root.handlers)
        """,
        HOME=str(tmp_path),
        USERPROFILE=str(tmp_path),
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")
