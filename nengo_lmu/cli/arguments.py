"""Types of arguments that say what they take."""

import argparse


def whole_number(low, high=None):
    """Return a type for whole numbers of at least ``low`` and at most ``high``."""
    wanted = f"a whole number of at least {low}"
    if high is not None:
        wanted = f"a whole number from {low} to {high}"

    def convert(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text!r} was given; give {wanted}")
        return value

    return convert
