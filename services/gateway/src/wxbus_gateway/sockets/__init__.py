"""WebSockets of Mini Programs."""
