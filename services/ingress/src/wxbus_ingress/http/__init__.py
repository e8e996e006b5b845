"""Limits and serves HTTP requests of the public port."""
