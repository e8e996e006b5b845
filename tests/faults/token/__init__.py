"""Fault tests of the token service: its processes are killed and frozen."""
