"""The HTTP port of Mini Programs."""
