"""Lua scripts of the context store."""
