"""Readouts that are learned while the memory runs."""
