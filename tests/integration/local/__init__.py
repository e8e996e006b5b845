"""The local stack against running services."""
