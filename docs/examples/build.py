"""Make notebooks, pages and a gallery of the examples.

::

    python docs/examples/build.py [--again]

Each script of ``examples/`` in which cells are marked (jupytext's percent format)
becomes a notebook that has been run, a page of what it says, does and draws, and a
picture in the gallery, all in this folder. What has not changed since it was last run
is not run again; ``--again`` runs everything. Needs jupytext, nbclient and ipykernel,
and what the examples import.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "examples"
SECONDS = 300  # that an example may take on a slow machine

# of the gallery, in the order of a reader's questions
GROUPS = {
    "Remember": ("delay", "window", "stack", "pointers"),
    "Read, learn and forecast": (
        *("readout", "window_function", "learn_online", "classify", "forecast"),
    ),
    "Accuracy": ("error_feedback", "neurons_for_error", "plan"),
    "Time": ("trials", "speed"),
    "Train, and run on a chip": ("train", "learn_theta", "loihi"),
}


def examples():
    """Return the scripts with cells by their names."""
    files = sorted(SCRIPTS.glob("*.py"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {name: text for name, text in texts.items() if text.startswith("# %%")}


def executed(name, text, again=False):
    """Return the notebook of a script, with its outputs."""
    import jupytext
    import nbclient
    import nbformat

    path = HERE / f"{name}.ipynb"
    source = hashlib.sha256(text.encode()).hexdigest()
    if path.exists() and not again:
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get("source") == source:
            return notebook
    print(f"running {name}", flush=True)
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbclient.NotebookClient(
        notebook, timeout=SECONDS, resources={"metadata": {"path": str(SCRIPTS)}}
    ).execute()
    notebook.metadata["source"] = source
    nbformat.write(notebook, path)
    return notebook


def title_of(notebook):
    """Return the heading of the first cell."""
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def page(name, notebook):
    """Return the page of a notebook, and write its pictures."""
    title, n_pictures, parts = title_of(notebook), 0, []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(prose(cell.source))
            continue
        parts.append(block(".. code-block:: python", cell.source))
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stdout":
                parts.append(block(".. code-block:: none", output.text.rstrip()))
            if "image/png" in output.get("data", {}):
                picture = HERE / f"{name}_{n_pictures}.png"
                picture.write_bytes(base64.b64decode(output.data["image/png"]))
                parts.append(f".. image:: {picture.name}\n   :alt: {title}, a figure")
                n_pictures += 1
    if n_pictures == 0:
        raise ValueError(
            f"examples/{name}.py draws no figure, and the gallery shows it"
        )
    parts.append(f":download:`{name}.ipynb`, and ``examples/{name}.py``")
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
        "Each of these is a script of ``examples/`` with fewer than 60 lines, and a "
        "notebook that was run as this page was made."
    )
    for group, names in GROUPS.items():
        parts.append(f"{group}\n{'=' * len(group)}")
        parts.append(".. grid:: 1 2 3 3")
        parts += [
            f"   .. grid-item-card:: {titles[name]}\n"
            f"      :img-top: {name}_0.png\n"
            f"      :link: {name}\n"
            "      :link-type: doc"
            for name in names
        ]
    names = "\n   ".join(name for names in GROUPS.values() for name in names)
    parts.append(f".. toctree::\n   :hidden:\n\n   {names}")
    return "\n\n".join(parts) + "\n"


def build(again=False):
    """Make all of it."""
    titles = {}
    for name, text in examples().items():
        notebook = executed(name, text, again)
        titles[name] = title_of(notebook)
        (HERE / f"{name}.rst").write_text(page(name, notebook), encoding="utf-8")
    (HERE / "index.rst").write_text(gallery(titles), encoding="utf-8")


if __name__ == "__main__":
    build(again="--again" in sys.argv[1:])
