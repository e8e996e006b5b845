"""Lua scripts of WebSockets."""
