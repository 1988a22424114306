"""What all commands do: print, measure once, go on after an interrupt, refuse."""

import contextlib
import io
import json
import re

from nengo_lmu.analysis import sweep
from nengo_lmu.cli import main


def printed_by(argv):
    """Run a command that succeeds, and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(argv) == 0
    return printed.getvalue()


def assert_measured_once(argv, record, monkeypatch):
    """Assert that the same command again has the same record, and measures nothing."""
    monkeypatch.setattr(sweep, "attempt", None)
    again = json.loads(printed_by([*argv, "--json"]))
    assert again == record | {"seconds": again["seconds"]}


def assert_continued(argv, out, capsys, monkeypatch):
    """Assert that a command that is interrupted says how to continue."""

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "run", interrupted)
    assert main(argv) == 130
    err = capsys.readouterr().err
    assert f"interrupted; the same command continues from the records in {out}" in err


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
