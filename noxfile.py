"""Run the tests on other versions: Python, TensorFlow and NumPy, and the next Nengo.

::

    pip install nox
    nox --list
    nox -s "core-3.14(nengo='released', numpy='newest')"
    nox -s core-3.13 -- tests/legendre    # with each Nengo and NumPy that it can have
    nox -s "train-3.11(numpy='1', tensorflow='oldest')"

Arguments after ``--`` go to pytest, and so does PYTEST_ADDOPTS. A Python that is not
installed is skipped. NEXT_NENGO in the environment is what pip takes for the next Nengo
in place of its repository, such as ``nengo @ file:///home/me/nengo``. What came out
here, and when, is in docs/platforms.rst.
"""

import os

import nox

nox.options.sessions = ["core", "train", "oldest", "pinned", "types"]
nox.options.error_on_missing_interpreters = False

# the core, and what tests it; NengoLoihi has no binary parts, so that it is everywhere
CORE = ".[loihi,demo,tests]"
# what trains, or measures what is trained; some of it could do without
TRAINED = ["benchmarks", "dl", "experiments"]
CORE_TESTS = ["tests", *(f"--ignore=tests/{folder}" for folder in TRAINED)]

NUMPY = {"1": "numpy==1.26.*", "2": "numpy==2.*,<2.4", "newest": "numpy>=2.5,<2.6"}
TENSORFLOW = {"oldest": "2.16", "newest": "2.21"}
OLDEST = [
    "joblib==1.4.*",
    "matplotlib==3.6.*",
    "nengo==4.1.*",
    "numpy==1.24.*",
    "scipy==1.9.*",
    "tqdm==4.64.*",
    "scikit-learn==1.2.*",
    "nir==1.0.8",
    "pyparsing==3.0.*",  # of the age of this Matplotlib, which newer ones warn
]
NENGO = {
    "released": "nengo==4.1.0",
    "next": os.environ.get("NEXT_NENGO", "nengo @ git+https://github.com/nengo/nengo"),
}

# pairs that their own packages rule out, with the reason
IMPOSSIBLE = {
    ("oldest", "2"): "TensorFlow 2.16 and 2.17 ask for NumPy 1",
    ("oldest", "newest"): "TensorFlow 2.16 and 2.17 ask for NumPy 1",
}


def run_tests(session, *chosen):
    """Run some of the tests in a session, or those that are asked for."""
    session.run("pytest", "-q", *(session.posargs or chosen))


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
@nox.parametrize("numpy", list(NUMPY))
@nox.parametrize("nengo", list(NENGO))
def core(session, numpy, nengo):
    """Test all that needs no TensorFlow."""
    version = tuple(int(part) for part in session.python.split("."))
    if numpy == "1" and version > (3, 12):
        session.skip("NumPy 1.26 has no wheel for Python 3.13 and newer")
    if numpy == "newest" and version < (3, 12):
        session.skip("NumPy 2.5 needs Python 3.12 or newer")
    if numpy == "2" and version > (3, 13):
        session.skip("NumPy before 2.4 is tested on Python 3.13 and older")
    session.install(CORE, NUMPY[numpy], NENGO[nengo])
    run_tests(session, *CORE_TESTS)


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
@nox.parametrize("tensorflow", list(TENSORFLOW))
@nox.parametrize("numpy", list(NUMPY))
def train(session, tensorflow, numpy):
    """Test training, and everything else."""
    if (tensorflow, numpy) in IMPOSSIBLE:
        session.skip(IMPOSSIBLE[tensorflow, numpy])
    if session.python == "3.13" and tensorflow == "oldest":
        session.skip("TensorFlow before 2.20 has no wheel for Python 3.13")
    if session.python in ("3.10", "3.11") and numpy == "newest":
        session.skip("NumPy 2.5 needs Python 3.12 or newer")
    release = TENSORFLOW[tensorflow]
    session.install("setuptools<81", "wheel")
    session.install(
        "--no-build-isolation",
        ".[all,tests]",
        NUMPY[numpy],
        *(f"{name}=={release}.*" for name in ("tensorflow", "tf-keras")),
    )
    run_tests(session)


@nox.session(python=["3.10"])
def oldest(session):
    """Test all that needs no TensorFlow, with the oldest packages of setup.cfg."""
    session.install(CORE, *OLDEST)
    run_tests(session, *CORE_TESTS)


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def pinned(session):
    """Install by README.rst's own lines, with the versions of constraints.txt."""
    versions = ["-c", "constraints.txt"]
    if session.python == "3.14":
        session.install(*versions, CORE)
    else:
        session.install(*versions, "setuptools<81", "wheel")
        session.install("--no-build-isolation", *versions, ".[all,tests,docs]")
    session.run("python", "-m", "pip", "check")
    session.run("nengo-lmu", "plan", "--theta", "1", "--d", "6", "--error", "0.05")


@nox.session(python=["3.12"])
def types(session):
    """Check the types of the public faces."""
    session.install(".[tests]")
    session.run("mypy")
