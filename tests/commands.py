"""Commands that refuse what they are given, in one line."""

import re

from nengo_lmu.cli import main


def assert_refused(argv, problem, capsys, folder, monkeypatch):
    """Assert that a command says what is wrong in a line, and writes nothing.

    ``precious`` is a file in the folder that the command is run in.
    """
    monkeypatch.chdir(folder)
    (folder / "precious").write_text("mine")
    try:
        status = main(argv)
    except SystemExit as exit_:
        status = exit_.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and re.search(problem, err)
    assert [path.name for path in folder.iterdir()] == ["precious"]
