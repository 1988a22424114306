"""Names between single backticks: links where there is a page, checked where not.

Docstrings name what they are about, ours as well as Nengo's. What has a page in
the reference is linked by Sphinx. Of the rest, a name within this package has to exist,
or the build warns; the names of other packages, and arguments, are printed as code.
"""

from importlib import import_module

from docutils import nodes

PACKAGE = "nengo_lmu."


def exists(name):
    """Return whether a dotted name can be imported."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:n]))
        except ImportError:
            continue
        try:
            for part in parts[n:]:
                thing = getattr(thing, part)
        except AttributeError:
            return False
        return True
    return False


def as_code(app, env, node, content):
    """Print a name that has no page as code, unless it should exist and does not."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    if name.startswith(PACKAGE) and not exists(name.removesuffix("()")):
        return None
    return nodes.literal("", node.astext())


def setup(app):
    app.connect("missing-reference", as_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
