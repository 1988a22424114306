"""Run the tests of Nengo, NengoDL and NengoLoihi with and without nengo_lmu.

::

    python tests/upstream.py FOLDER [SUITE ...]

Suites are ``nengo``, ``nengo_dl`` and ``nengo_loihi``, and Nengo's backend tests on the
simulators of the other two, ``nengo_on_dl`` and ``nengo_on_loihi``; by default all of
them, which takes hours. Their source distributions and a pytest that they can use are
downloaded into FOLDER first, where all results stay too; what has been run is not run
again.

Each suite is run with nengo_lmu ``absent`` (Nengo alone can be), ``hooked`` (installed,
not imported) and ``imported``. A table tells how many tests passed, failed and were
skipped, and below it is each test that came out otherwise than in the first of these.
The exit status is 1 if there are any.
"""

import os
import subprocess
import sys
import tarfile
from collections import Counter
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

# of each suite: the distribution with its settings, its tests, and where it can be run
EVERYWHERE = ("absent", "hooked", "imported")
MENDED = ("hooked", "imported")
SUITES = {
    "nengo": ("nengo", ["nengo"], EVERYWHERE),
    "nengo_dl": ("nengo-dl", ["nengo_dl"], MENDED),
    "nengo_loihi": ("nengo-loihi", ["nengo_loihi"], MENDED),
    "nengo_on_dl": ("nengo-dl", ["--pyargs", "nengo"], MENDED),
    "nengo_on_loihi": ("nengo-loihi", ["--pyargs", "nengo"], MENDED),
}
START = {
    "absent": "",
    "hooked": "import _nengo_lmu_hook; _nengo_lmu_hook.install()",
    "imported": "import nengo_lmu",
}
# what a report calls an outcome, and what we do; one may have failed in several ways
KINDS = {"error": "failed", "failure": "failed", "skipped": "skipped"}
# NengoDL's and NengoLoihi's tests call ``pytest.warns(None)``, which pytest 8 refuses
TOOLS = ["pytest<8", "pytest-allclose", "pytest-plt", "pytest-rng"]


def pip(*arguments):
    """Run pip, quietly."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments, "--quiet", "--no-deps"], check=True)


def tools(folder):
    """Return where pytest is, as Nengo's plugin needs it."""
    target = folder / "tools"
    if not target.exists():
        pip("install", "--target", str(target), *TOOLS)
    return target


def sources(folder, distribution):
    """Return the unpacked source distribution of what is installed."""
    version = metadata.version(distribution)
    unpacked = folder / f"{distribution}-{version}"
    if not unpacked.exists():
        download = ["download", "--no-binary", ":all:", "--no-build-isolation"]
        pip(*download, "--dest", str(folder), f"{distribution}=={version}")
        with tarfile.open(f"{unpacked}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return unpacked


def run(folder, suite, presence):
    """Run a suite, unless it has been, and return the outcomes by test."""
    distribution, tests, _ = SUITES[suite]
    where = sources(folder, distribution)
    report = folder / f"{suite}-{presence}.xml"
    if not report.exists():
        home = folder / "home" / report.stem  # neither settings nor a decoder cache
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TF_", "KERAS_", "NENGO_"))
        } | {
            "HOME": str(home),
            # tests start processes, and an installed nengo_lmu is hooked in those
            "NENGO_LMU_NO_HOOK": "1" if presence == "absent" else "0",
            "PYTHONPATH": os.pathsep.join(map(str, (tools(folder), ROOT, HERE))),
        }
        code = f"{START[presence]}\nimport sys, pytest\nsys.exit(pytest.main())"
        options = ["-q", "-p", "bygone", "-p", "no:cacheprovider"]
        options += ["--continue-on-collection-errors", f"--junitxml={report}"]
        with open(report.with_suffix(".log"), "w", encoding="utf-8") as log:
            subprocess.run(
                [sys.executable, "-c", code, *tests, *options],
                cwd=where,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if not report.exists():
            sys.exit(f"{suite} {presence} came to no end; see {log.name}")
    return outcomes(report)


def outcomes(report):
    """Return what became of each test in a report: passed, failed or skipped."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        # what a test that passed has is its output and its properties only
        marks = {child.tag for child in case} & KINDS.keys()
        kind = KINDS[min(marks)] if marks else "passed"
        found[f"{case.get('classname')}::{case.get('name')}"] = kind
    return found


def main(folder, *suites):
    """Run suites and print the table; return whether anything differs."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    differences = []
    print(f"{'suite':<16}{'nengo_lmu':<12}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for suite in suites or SUITES:
        first = None
        for presence in SUITES[suite][2]:
            found = run(folder, suite, presence)
            count = Counter(found.values())
            print(
                f"{suite:<16}{presence:<12}{count['passed']:>8}"
                f"{count['failed']:>8}{count['skipped']:>9}",
                flush=True,
            )
            first = first or found
            differences += [
                f"{suite} {presence}: {test} {first.get(test)} -> {found.get(test)}"
                for test in sorted({*first, *found})
                if first.get(test) != found.get(test)
            ]
    for difference in differences:
        print(difference)
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
