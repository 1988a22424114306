"""Recall of what was presented up to 100,000 time steps ago."""
