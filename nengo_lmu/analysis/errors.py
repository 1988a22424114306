"""What can be wrong with an experiment that its user asked for."""

from nengo.exceptions import BuildError, ValidationError

from nengo_lmu.legendre import ArgumentError

# Errors whose message names the argument, its value and the remedy.
USER_ERRORS = (ArgumentError, BuildError, OSError, ValidationError)
