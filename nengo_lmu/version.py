"""The version of nengo_lmu (read by setup.cfg without importing the package)."""

version = "0.1.0"
__version__ = version
