"""Lua scripts of the overflow; each checks first and writes after, and may be repeated."""
