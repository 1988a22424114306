"""Processes of their own, to see what they take of the computer's memory."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from pathlib import Path

# Linux tells the most memory that a process has had here.
_STATUS = Path("/proc/self/status")


def in_a_process(function, *arguments):
    """Call a function in a new process, which shares no memory with this one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except KeyboardInterrupt:
            for process in active_children():  # the pool would wait for it
                process.kill()
            raise


def peak_resident():
    """Return the most memory that this process has had.

    Returns
    -------
    peak : int or None
        In bytes; None where the computer does not tell.
    """
    if _STATUS.exists():
        # `resource` would begin with that of the process that started this one
        (line,) = (
            line
            for line in _STATUS.read_text().splitlines()
            if line.startswith("VmHWM:")
        )
        return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
