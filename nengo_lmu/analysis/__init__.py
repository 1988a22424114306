"""Experiments: measurements, records and figures."""
