"""Equations as MathML, which browsers draw themselves: no script, and no network."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def drawn(code, as_block=False):
    """Return MathML of LaTeX.

    Without a font for mathematics, browsers draw what is an accent into its letter.
    What stands over a letter they draw above it.
    """
    return tex2mathml(code, as_block=as_block).replace(' accent="true"', "")


def inline(translator, node):
    translator.body.append(drawn(node.astext()))
    raise nodes.SkipNode


def block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(drawn(node.astext(), as_block=True))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
