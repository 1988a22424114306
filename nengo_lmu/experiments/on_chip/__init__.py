"""Memories on Loihi."""
