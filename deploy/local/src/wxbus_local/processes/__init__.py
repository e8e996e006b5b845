"""Processes of a run, and the guard that ends them with the run."""
