"""The reference of the command line, made of the parsers themselves.

``.. commands::`` is a section for each command, with what ``--help`` prints.
"""

import os
from argparse import RawDescriptionHelpFormatter
from unittest import mock

from docutils import nodes
from docutils.parsers.rst import Directive

from nengo_lmu.cli import COMMANDS, Parser
from nengo_lmu.utils.lazy import load

WIDTH = {"COLUMNS": "80"}  # of the terminal that the help is for


def leaves(commands, before=("nengo-lmu",)):
    """Yield the words, the line of help and the class of all commands."""
    for name, (summary, content) in commands.items():
        words = (*before, name)
        if isinstance(content, dict):
            yield from leaves(content, words)
        else:
            yield words, summary, load(content)


class Commands(Directive):
    """Sections for all commands."""

    def run(self):
        return [self.section(*leaf) for leaf in leaves(COMMANDS)]

    def section(self, words, summary, experiment):
        title = " ".join(words)
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        self.state.document.note_explicit_target(section)
        parser = Parser(prog=title, formatter_class=RawDescriptionHelpFormatter)
        experiment.add_arguments(parser)
        with mock.patch.dict(os.environ, WIDTH):
            help = parser.format_help()
        section += nodes.title(title, title)
        section += nodes.paragraph(summary, f"{summary[0].upper()}{summary[1:]}.")
        section += nodes.literal_block(help, help, language="text")
        return section


def setup(app):
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
