"""Tasks: arrays in, arrays out."""
