"""What the release before called otherwise: it works for this one, with a word."""

import sys


def say_renamed(prog, before, now):
    """Tell who writes what was called otherwise in the release before.

    Parameters
    ----------
    prog : str
        The command.
    before, now : str
        What is written, and what stands in its place from the next release on.
    """
    print(
        f"{prog}: {before} is {now} now, and will not be understood any more by the "
        "next release",
        file=sys.stderr,
    )
