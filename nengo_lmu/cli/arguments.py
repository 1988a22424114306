"""Types of arguments that say what they take."""

import argparse
import math


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


def above_zero(what):
    """Return a type for numbers greater than 0, of which the user is told what."""

    def convert(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise argparse.ArgumentTypeError(
                f"{text!r} was given; give {what} greater than 0"
            )
        return value

    return convert


positive_number = above_zero("a number")
seconds = above_zero("a number of seconds")


def one_of(choices):
    """Return a type for one of some words."""

    def convert(text):
        if text not in choices:
            raise argparse.ArgumentTypeError(
                f"{text!r} was given; give one of {', '.join(choices)}"
            )
        return text

    return convert
