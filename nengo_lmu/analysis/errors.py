"""What can be wrong with an experiment that its user asked for."""

from nengo.exceptions import BuildError, ValidationError

from nengo_lmu.legendre import ArgumentError

# Errors whose message names the argument, its value and the remedy.
USER_ERRORS = (ArgumentError, BuildError, OSError, ValidationError)


class Terminated(KeyboardInterrupt):
    """The process is told to end, as by ``kill``, and not by its user's Ctrl-C."""


class MeasurementError(RuntimeError):
    """Measurements of a sweep that failed.

    Attributes
    ----------
    failures : list of (setting, summary, traceback)
    """

    def __init__(self, failures, total):
        setting, summary, _ = failures[0]
        super().__init__(
            f"{len(failures)} of {total} measurements failed, the others are kept; "
            f"the first that failed: {setting}: {summary}"
        )
        self.failures = failures
