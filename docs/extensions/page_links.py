"""Links to pages as a code host follows them, ``text <page.rst>``, work here too.

A link to a page, or to a heading of one, that is not there is a warning.
"""

import posixpath
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import make_refnode

LINK = re.compile(r"(?!\w+:)(?P<page>[^#]+)\.rst(#(?P<heading>.+))?")


class PageLinks(SphinxTransform):
    """Make references between pages of links to files."""

    default_priority = 5

    def apply(self):
        here = posixpath.dirname(self.env.docname)
        for node in list(self.document.findall(nodes.reference)):
            link = LINK.fullmatch(node.get("refuri", ""))
            if link is None:
                continue
            reference = addnodes.pending_xref(
                node.rawsource,
                nodes.inline(node.rawsource, node.astext()),
                heading=link["heading"] or "",
                refdoc=self.env.docname,
                refdomain="",
                refexplicit=True,
                reftarget=posixpath.normpath(posixpath.join(here, link["page"])),
                reftype="page",
                refwarn=True,
            )
            reference.source, reference.line = node.source, node.line
            node.replace_self(reference)


def resolve(app, env, node, content):
    """Return the reference to a page and its heading, or None where there is none."""
    if node["reftype"] != "page":
        return None
    page, heading = node["reftarget"], node["heading"]
    if page not in env.found_docs:
        return None
    if heading and heading not in env.get_doctree(page).ids:
        return None
    return make_refnode(app.builder, node["refdoc"], page, heading, content)


def setup(app):
    app.add_transform(PageLinks)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
