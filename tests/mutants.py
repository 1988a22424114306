"""Change the mathematics and the networks a little, and see whether a test notices.

::

    python tests/mutants.py [--mutants 100] [--seed 0] [--jobs 2] [PYTEST OPTION ...]

A mutant has one thing changed, drawn at random: a comparison, an operator, a number, a
condition, what is returned or a call. The tests of its module run on a copy of the
package, the quickest first, until one fails. Those mutants that no test notices are
printed: each is a missing test, or the same program written otherwise. The exit status
is 1 if there are any. What people read (docstrings, messages, ``__repr__``) is left
alone.
"""

import argparse
import ast
import multiprocessing
import os
import queue
import random
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("legendre", "networks")

# the tests of each module, quickest first; all others have those of their part
TESTS = {
    "legendre/feedback.py": ["legendre/test_noise", "networks/test_error_feedback"],
    "legendre/planner.py": ["legendre/test_planner", "legendre/test_limits"],
    "legendre/realization.py": ["legendre/test_realization", "legendre/test_limits"],
    "legendre/speed.py": ["networks/test_time"],
    "legendre/spikes.py": ["legendre/test_spikes", "legendre/test_noise"],
    "legendre/statistics.py": ["legendre/test_statistics", "legendre/test_limits"],
    "legendre/system.py": ["legendre/test_system", "legendre/test_limits"],
    "legendre/window.py": ["legendre/test_window", "legendre/test_limits"],
    "networks/lmu.py": [
        "networks/test_operators",
        "networks/test_networks",
        "networks/test_bad_input",
    ],
    "networks/memory.py": [
        "networks/test_operators",
        "networks/test_networks",
        "networks/test_time",
    ],
    "networks/objects.py": [
        "networks/test_bad_input",
        "networks/test_time",
        "networks/test_networks",
    ],
    "networks/operators.py": [
        "networks/test_operators",
        "networks/test_bad_input",
        "networks/test_time",
    ],
    "networks/poisson.py": ["networks/test_operators", "dl/test_poisson"],
}
TESTS_OF_PARTS = {
    "legendre": ["legendre/test_system", "legendre/test_noise", "legendre/test_limits"],
    "networks": ["networks/test_operators", "networks/test_networks"],
}
# what a part's other tests say, for those that are still alive
LAST = {
    "legendre": ["legendre/test_properties", "networks/test_networks"],
    "networks": [
        "networks/test_config",
        "networks/test_error_feedback",
        "loihi/test_on_chip",
    ],
}
TIMEOUT = 600  # seconds; a mutant may never end

# importing what mutants share takes longer than most of the tests
PROCESSES = multiprocessing.get_context("forkserver")
SHARED = ["nengo", "scipy.linalg", "scipy.signal", "scipy.special", "pytest"]

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
UNREAD = {"__repr__", "__str__", "_descstr"}


def read(node):
    """Yield the nodes of a program, but for what only people read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.JoinedStr, ast.Raise, ast.arg)):
            continue
        if isinstance(child, ast.FunctionDef) and child.name in UNREAD:
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func) == "warnings.warn":
            continue
        yield child
        yield from read(child)


def changes(node):
    """Yield functions that change a node each in its own way."""

    def put(**fields):
        return lambda: [setattr(node, name, value) for name, value in fields.items()]

    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                yield put(ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield put(left=node.right, right=node.left)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        yield put(op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield put(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield (
            put(op=ast.UAdd())
            if isinstance(node.op, ast.USub)
            else put(op=ast.Not(), operand=ast.UnaryOp(ast.Not(), node.operand))
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield put(value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield put(value=node.value + 1)
        yield put(value=2 * node.value or -1)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield put(test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield put(value=ast.Constant(None))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield put(value=ast.Constant(None))


def every_change(path):
    """Return the places in a module that can be changed: a node, and how."""
    nodes = read(ast.parse(path.read_text(encoding="utf-8")))
    return [(i, j) for i, node in enumerate(nodes) for j, _ in enumerate(changes(node))]


def mutate(path, place):
    """Return the text of a mutant, and what is changed, for people."""
    i, j = place
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = list(read(tree))[i]
    before = ast.unparse(node)
    list(changes(node))[j]()
    after = ast.unparse(ast.fix_missing_locations(node))
    first = [text.splitlines()[0] for text in (before, after)]
    return ast.unparse(tree), f"line {node.lineno}: {first[0]}  ->  {first[1]}"


def tests_of(module):
    """Return the files with the tests of a module, in the order to run them."""
    part = module.split("/")[0]
    names = [*TESTS.get(module, TESTS_OF_PARTS[part]), *LAST[part]]
    return [f"tests/{name}.py" for name in dict.fromkeys(names)]


def copy():
    """Return a folder with a copy of the package and its tests."""
    folder = Path(tempfile.mkdtemp(prefix="nengo-lmu-mutants-"))
    for name in ("nengo_lmu", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("setup.cfg", "_nengo_lmu_hook.py", "README.rst"):
        shutil.copy(ROOT / name, folder)
    return folder


def run_tests(folder, arguments, log):
    """Run pytest in a folder: a process that has been forked with all else imported."""
    with open(log, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)  # of what tests start
    sys.path.insert(0, str(folder))
    import pytest

    sys.exit(pytest.main(arguments))


def passes(folder, files, options):
    """Whether the tests in some files pass, one file after the other, and why not."""
    log = folder / "log"
    every = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *options]
    every += ["-W", "ignore:Module already imported"]
    for file in files:
        tests = PROCESSES.Process(target=run_tests, args=(folder, [*every, file], log))
        tests.start()
        tests.join(TIMEOUT)
        if tests.exitcode is None:
            tests.kill()
            tests.join()
            return False, f"{file}: no end"
        if tests.exitcode:
            lines = log.read_text(encoding="utf-8").splitlines()
            failed = [x for x in lines if x.startswith(("FAILED", "ERROR"))]
            return False, failed[0] if failed else f"{file}: {tests.exitcode}"
    return True, ""


def main(arguments):
    """Make mutants and print those that are alive; return whether there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("mutants", 100), ("seed", 0), ("jobs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given, options = parser.parse_known_args(arguments)
    # a mutant may be as long and as old as another, so nothing is kept of them
    once = ("PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    os.environ.update(dict.fromkeys(once, "1"))
    PROCESSES.set_forkserver_preload(SHARED)
    package = ROOT / "nengo_lmu"
    modules = [path for part in PARTS for path in sorted((package / part).glob("*.py"))]
    every = [(path, place) for path in modules for place in every_change(path)]
    drawn = random.Random(given.seed).sample(every, min(given.mutants, len(every)))

    files = dict.fromkeys(
        file
        for path, _ in drawn
        for file in tests_of(path.relative_to(package).as_posix())
    )
    folders = queue.SimpleQueue()
    copies = [copy() for _ in range(given.jobs)]
    for folder in copies:
        folders.put(folder)

    @contextmanager
    def a_copy():
        folder = folders.get()
        try:
            yield folder
        finally:
            folders.put(folder)

    def fails_anyway(file):
        with a_copy() as folder:
            _, why = passes(folder, [file], options)
        return why

    def is_alive(mutant):
        path, place = mutant
        module = path.relative_to(package).as_posix()
        text, what = mutate(path, place)
        with a_copy() as folder:
            changed = folder / "nengo_lmu" / module
            changed.write_text(text, encoding="utf-8")
            alive, why = passes(folder, tests_of(module), options)
            shutil.copy(path, changed)
        print(f"{'ALIVE' if alive else 'noticed'}  {module} {what}  {why}", flush=True)
        return alive

    try:
        with ThreadPoolExecutor(given.jobs) as pool:
            failures = [why for why in pool.map(fails_anyway, files) if why]
            if failures:
                failures = "\n".join(failures)
                sys.exit(f"without a mutant; mend or deselect them:\n{failures}")
            print(f"{len(drawn)} of {len(every)} mutants", flush=True)
            alive = sum(pool.map(is_alive, drawn))
    finally:
        for folder in copies:
            shutil.rmtree(folder)
    print(f"{alive} of {len(drawn)} mutants are alive")
    return alive > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
