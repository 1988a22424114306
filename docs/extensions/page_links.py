"""Links to pages as a code host follows them, ``text <page.rst>``, work here too.

A link to a page that is not there is a warning, as for ``:doc:``.
"""

import posixpath
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

LINK = re.compile(r"(?!\w+:)(?P<page>[^#]+)\.rst(#.*)?")


class PageLinks(SphinxTransform):
    """Make references between pages of links to files."""

    default_priority = 5

    def apply(self):
        for node in list(self.document.findall(nodes.reference)):
            link = LINK.fullmatch(node.get("refuri", ""))
            if link is None:
                continue
            here = posixpath.dirname(self.env.docname)
            page = posixpath.normpath(posixpath.join(here, link["page"]))
            reference = addnodes.pending_xref(
                node.rawsource,
                nodes.inline(node.rawsource, node.astext()),
                refdoc=self.env.docname,
                refdomain="std",
                refexplicit=True,
                reftarget=f"/{page}",
                reftype="doc",
                refwarn=True,
            )
            reference.source, reference.line = node.source, node.line
            node.replace_self(reference)


def setup(app):
    app.add_transform(PageLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
