"""What is built has what the package needs and no more, and works where it is put."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata

import pytest
from packaging.metadata import Metadata
from pages import ROOT

import nengo_lmu


def has_setuptools(release):
    """Return whether there is a setuptools of this release or a newer one."""
    try:
        return int(metadata.version("setuptools").partition(".")[0]) >= release
    except metadata.PackageNotFoundError:
        return False


pytestmark = [
    pytest.mark.skipif(
        not (ROOT / ".git").exists() or shutil.which("git") is None,
        reason="only a checkout tells which files are the package's",
    ),
    pytest.mark.skipif(
        not has_setuptools(77), reason="older ones, or none, write other metadata"
    ),
]

# of use in a checkout alone
LEFT_OUT = ".gitignore"
# what setuptools adds to a source distribution
ADDED = {"PKG-INFO"}
EGG_INFO = "nengo_lmu.egg-info/"

BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


def build(kind, source, folder):
    """Build a distribution as pip and others do, and return its path.

    Parameters
    ----------
    kind : str
        "sdist" or "wheel".
    source, folder : Path
        What is built, and where it is written to.
    """
    done = subprocess.run(
        [sys.executable, "-c", BUILD, f"build_{kind}", str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def tracked():
    """Return the names of all files of the repository, as they are in the work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = listed.stdout.rstrip("\0").split("\0")
    return {name for name in names if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def distributions(tracked, tmp_path_factory):
    """Return the source distribution, the wheel, and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("packaging")
    checkout, unpacked = folder / "checkout", folder / "unpacked"
    for name in tracked:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    for path in ("dist", "again"):
        (folder / path).mkdir()
    sdist = build("sdist", checkout, folder / "dist")
    wheel = build("wheel", checkout, folder / "dist")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return sdist, wheel, build("wheel", source, folder / "again")


def test_the_source_distribution_has_all_files(distributions, tracked):
    """Tests and documentation too, so that others can run and build them."""
    with tarfile.open(distributions[0]) as archive:
        members = [member.name for member in archive if member.isfile()]
    names = {name.partition("/")[2] for name in members}
    names = {name for name in names if not name.startswith(EGG_INFO)}
    expected = {name for name in tracked if not name.endswith(LEFT_OUT)}
    assert names == expected | ADDED


def test_the_wheel_has_the_package_and_the_hook_alone(distributions, tracked):
    """Networks that are trained, the marker of types, and no test."""
    package = {name for name in tracked if name.startswith("nengo_lmu/")}
    assert len(package) > 100 and "nengo_lmu/py.typed" in package
    with zipfile.ZipFile(distributions[1]) as archive:
        names = set(archive.namelist())
    described = {name for name in names if ".dist-info/" in name}
    hook = {"_nengo_lmu_hook.py", "nengo_lmu_hook.pth"}
    assert names - described == package | hook
    assert {name.rpartition("/")[2] for name in described} == {
        *("METADATA", "RECORD", "WHEEL", "LICENSE", "entry_points.txt"),
        "top_level.txt",
    }


def test_the_source_distribution_makes_the_same_wheel(distributions):
    _, wheel, again = distributions
    assert (
        wheel.name
        == again.name
        == f"nengo_lmu-{nengo_lmu.__version__}" + ("-py3-none-any.whl")
    )
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {name: one.read(name) for name in sorted(one.namelist())} == {
            name: other.read(name) for name in sorted(other.namelist())
        }


def test_metadata_are_valid(distributions):
    """As what uploads packages would have them; Nengo's licence is the package's."""
    with zipfile.ZipFile(distributions[1]) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        ours = Metadata.from_email(archive.read(name), validate=True)
    assert (ours.name, str(ours.version)) == ("nengo-lmu", nengo_lmu.__version__)
    assert ours.license == "GPL-2.0-only"
    assert ours.description == (ROOT / "README.rst").read_text(encoding="utf-8")
    assert ours.description_content_type == "text/x-rst"
    assert {"all", "dl", "loihi"} <= set(ours.provides_extra)


# An installed start-up file is kept off; then the folder is as site-packages, and what
# its own start-up file says is done.
INSTALLED = """
import os, site, sys
del os.environ["NENGO_LMU_NO_HOOK"]
folder = sys.argv[1]
sys.path.insert(0, folder)
site.addsitedir(folder)
print([type(finder).__name__ for finder in sys.meta_path].count("MendingFinder"))
import nengo_lmu
from nengo_lmu.experiments import pretrained
files = nengo_lmu.__file__, sys.modules["_nengo_lmu_hook"].__file__
print(*(os.path.relpath(file, folder) for file in files))
for name in ("digits", "psmnist"):
    print(type(pretrained.load(name).model).__name__)
"""


def test_the_wheel_works_where_nothing_else_of_it_is(distributions, tmp_path):
    """Its start-up file, its networks and its command, in an empty folder."""
    folder, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHONPATH", "NENGO_LMU_"))
    }

    def printed(*arguments, **more):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=environment | more,
            cwd=empty,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    here = ("--no-deps", "--no-index", "--no-compile", "--target", folder)
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    printed("-m", "pip", "install", "-qq", *here, distributions[1], **quiet)
    assert printed("-c", INSTALLED, folder, NENGO_LMU_NO_HOOK="1") == [
        "1",
        f"nengo_lmu{os.sep}__init__.py _nengo_lmu_hook.py",
        "DigitClassifier",
        "Classifier",
    ]
    command = folder / "bin" / "nengo-lmu"
    version = printed(command, "--version", PYTHONPATH=str(folder))
    assert version == [nengo_lmu.__version__]
