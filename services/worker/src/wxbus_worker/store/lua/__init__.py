"""Lua scripts of the worker."""
