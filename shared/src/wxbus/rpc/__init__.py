"""Declare a service once, serve it and call it typed."""
