"""Prediction of the Mackey-Glass series."""
