"""Lua scripts of the credential store and the registry."""
