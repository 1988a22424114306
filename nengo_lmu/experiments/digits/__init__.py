"""Handwritten digits, pixel by pixel, in spikes."""
