"""Processes of a run, and how none outlives it."""
