"""What the command says of what befalls it while it is still being imported.

Importing Nengo and SciPy takes a second or so, in which nothing of the command is there
yet that could catch an interrupt. Programs that import nengo_lmu are left alone.
"""

import os
import signal
import sys

PROG = "nengo-lmu"
INTERRUPTED = 130  # as shells have it: 128 and the number of the signal


def begin():
    """Watch over the imports, if it is the command that is started."""
    if not _is_command():
        return
    try:
        os.getcwd()
    except OSError:
        print(
            f"{PROG}: the working directory does not exist any more; change to one "
            "that does",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)


def end():
    """Leave interrupts to whoever catches them from now on."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_command():
    if sys.argv[:1] == ["-m"]:  # until Python has found the module
        command = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
        return command[:1] == ["nengo_lmu"]
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return os.path.splitext(name)[0] in (PROG, f"{PROG}-script")


def _stop(signum, frame):
    # not as an exception, which modules that are half imported may take for another
    os.write(2, f"\n{PROG}: interrupted\n".encode())
    os._exit(INTERRUPTED)
