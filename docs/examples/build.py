"""Make notebooks, pages and a gallery of the examples.

::

    python docs/examples/build.py [--again]

Each script of ``examples/`` in which cells are marked (jupytext's percent format)
becomes a notebook that has been run, a page of what it says, does and draws, and a
picture in the gallery, all in this folder. A notebook is kept for as long as its
script, the package and the versions of what is installed are the same; ``--again`` runs
all of them. An example that fails, or prints anything beside its results, ends the
build. Needs the extras ``all`` and ``docs``.
"""

import base64
import functools
import hashlib
import os
import re
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path

import nengo_lmu
from nengo_lmu.utils.files import write_atomically

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "examples"
PACKAGE = Path(nengo_lmu.__file__).parent
SECONDS = 300  # that a cell may take on a slow machine

# The gallery, in the order of a reader's questions, with what each figure shows.
GROUPS = {
    "Remember": {
        "delay": "Spikes of a memory, and the signal of a second ago read from them",
        "window": "The last half second of a signal, in colours and at one moment",
        "stack": "The signal of 0.5, 0.75 and 1 s ago, read from two memories in a row",
        "pointers": "Similarity of a remembered semantic pointer to three words",
    },
    "Read, learn and forecast": {
        "readout": "A signal, what it is 30 ms later, and a forecast from spikes",
        "window_function": "A product of two past values, by a node and by neurons",
        "learn_online": "A readout that learns a delay, and then has no teacher",
        "classify": "Six test sequences of two classes, in the colour of their class",
        "forecast": "A noisy oscillation, and its forecast from spikes",
    },
    "Accuracy": {
        "error_feedback": "Error of a delay, from neurons with and without feedback",
        "neurons_for_error": "Error against neurons, by theory and in simulations",
        "plan": "Two signals delayed by 0.4 s, beside what they should be",
    },
    "Time": {
        "trials": "The input of 0.15 s ago over four trials, with and without resets",
        "speed": "A window that is held for half a second and then slowed down",
    },
    "Train, and run on a chip": {
        "train": "A product that trained spiking units compute, beside the exact one",
        "learn_theta": "The length of a window against the epochs of its training",
        "loihi": "A delay on Loihi's emulator and in Nengo, beside the exact one",
    },
}
CAPTIONS = {name: text for group in GROUPS.values() for name, text in group.items()}


def examples():
    """Return the scripts with cells by their names."""
    files = sorted(SCRIPTS.glob("*.py"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {name: text for name, text in texts.items() if text.startswith("# %%")}


@functools.cache
def installation():
    """Return a digest of what the outputs of all scripts depend on."""
    installed = sorted(f"{d.name} {d.version}" for d in distributions())
    digest = hashlib.sha256("\n".join([sys.version, *installed]).encode())
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix in (".py", ".npz", ".json"):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def origin(text):
    """Return a digest of what the outputs of a script depend on."""
    return hashlib.sha256(f"{installation()}\n{text}".encode()).hexdigest()


def executed(name, text, again=False):
    """Return the notebook of a script, with its outputs."""
    import jupytext
    import nbformat

    path, source = HERE / f"{name}.ipynb", origin(text)
    if path.exists() and not again:
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get("origin") == source:
            return notebook
    started = time.perf_counter()
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    run(notebook)
    refuse_chatter(name, notebook)
    notebook.metadata["origin"] = source
    write_atomically(path, lambda file: nbformat.write(notebook, file))
    print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    return notebook


def run(notebook):
    """Run a notebook in this Python, with no settings of its user's."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    # With no folder to look for kernels in, "python3" is the one of this Python.
    kernel = AsyncKernelManager(
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        transport_encryption="auto",  # the kernel warns of a connection without
    )
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=SECONDS,
        coalesce_streams=True,
        resources={"metadata": {"path": str(SCRIPTS)}},
    )
    with tempfile.TemporaryDirectory() as profile:
        settings = {
            "IPYTHONDIR": profile,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow tells what the machine has
        }
        client.execute(cleanup_kc=True, env=os.environ | settings)


def refuse_chatter(name, notebook):
    """Raise an error if a notebook has other outputs than printed lines and figures."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            printed = output.get("name") == "stdout"
            if not printed and "image/png" not in output.get("data", {}):
                text = output.get("text") or output.get("data", {}).get("text/plain")
                raise ValueError(f"examples/{name}.py has an output of its own: {text}")


def title_of(notebook):
    """Return the heading of the first cell."""
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def page(name, notebook):
    """Return the page of a notebook, and write its picture."""
    parts, pictures = [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(prose(cell.source))
            continue
        parts.append(block(".. code-block:: python", cell.source))
        for output in cell.outputs:
            if output.output_type == "stream":
                parts.append(block(".. code-block:: none", output.text.rstrip()))
            else:
                pictures.append(base64.b64decode(output.data["image/png"]))
                parts.append(f".. image:: {name}.png\n   :alt: {CAPTIONS[name]}")
    if len(pictures) != 1:
        raise ValueError(
            f"examples/{name}.py draws {len(pictures)} figures, and the gallery shows "
            "one: let it draw one"
        )
    write_atomically(HERE / f"{name}.png", lambda f: f.write(*pictures), mode="wb")
    parts.append(
        f"Download this example as a :download:`notebook <{name}.ipynb>` or as a "
        f":download:`script <../../examples/{name}.py>`."
    )
    return "\n\n".join(parts) + "\n"


def prose(text):
    """Return a cell's Markdown, of which there is a heading and code, for Sphinx."""
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)
    return re.sub(
        r"^# (.*)$", lambda m: f"{m[1]}\n{'=' * len(m[1])}\n", text, flags=re.M
    )


def block(directive, text):
    """Return a directive with its content."""
    return directive + "\n\n" + re.sub("^(?=.)", "   ", text, flags=re.MULTILINE)


def gallery(titles):
    """Return the page on which all examples are."""
    parts = ["********\nExamples\n********"]
    parts.append(
        "Each example is a script of fewer than 60 lines in the folder ``examples``. "
        "It was run as a notebook when these pages were built: its page shows the code "
        "with its results, and has both the script and the notebook for download."
    )
    for group, captions in GROUPS.items():
        parts.append(f"{group}\n{'=' * len(group)}")
        parts.append(".. grid:: 1 2 3 3\n   :gutter: 3\n   :class-container: gallery")
        parts += [
            f"   .. grid-item-card:: {titles[name]}\n"
            f"      :img-top: {name}.png\n"
            f"      :img-alt: {caption}\n"
            f"      :link: {name}\n"
            "      :link-type: doc\n"
            "\n"
            f"      {caption}."
            for name, caption in captions.items()
        ]
    parts.append(".. toctree::\n   :hidden:\n\n   " + "\n   ".join(CAPTIONS))
    return "\n\n".join(parts) + "\n"


def build(again=False):
    """Make all of it."""
    import matplotlib.font_manager  # noqa: F401 - tells here that it makes its cache

    titles = {}
    for name, text in examples().items():
        notebook = executed(name, text, again)
        titles[name] = title_of(notebook)
        content = page(name, notebook)
        write_atomically(HERE / f"{name}.rst", lambda f, text=content: f.write(text))
    write_atomically(HERE / "index.rst", lambda file: file.write(gallery(titles)))


if __name__ == "__main__":
    build(again="--again" in sys.argv[1:])
