"""Code of the documentation's pages, and what they say that it prints."""

import contextlib
import io
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent

# A block of code, or of what the one before it prints. With options, such as a caption,
# it is somebody else's code or a file, and is not run.
BLOCK = re.compile(r"\.\. code-block:: (python|text)\n\n((?:   .*\n|\n)+)")

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def blocks(page, language="python"):
    """Return the code of a page, or all that is of another language, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [textwrap.dedent(b) for kind, b in BLOCK.findall(text) if kind == language]


def run(page, replacements=()):
    """Run the code of a page from its top to its end.

    Parameters
    ----------
    page : str or Path
        From the root of the repository.
    replacements : sequence of (str, str)
        In the code, such as shorter runs.

    Returns
    -------
    names : dict
        What the code defines.
    printed : list of (str, str)
        For each block with an output on the page: what the page says, and what came.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    names, printed, output = {"__name__": "__main__"}, [], ""
    for kind, block in BLOCK.findall(text):
        block = textwrap.dedent(block)
        if kind == "text":
            printed.append((block.strip(), output.strip()))
            output = ""
            continue
        for before, after in replacements:
            block = block.replace(before, after)
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(block, str(page), "exec"), names)  # noqa: S102
        output = stream.getvalue()
    return names, printed


def alike(said, printed, rtol):
    """Return whether two outputs are the same words, and nearly the same numbers."""
    if NUMBER.sub("0", said).split() != NUMBER.sub("0", printed).split():
        return False
    pairs = zip(NUMBER.findall(said), NUMBER.findall(printed))
    return all(abs(float(a) - float(b)) <= rtol * abs(float(a)) for a, b in pairs)
