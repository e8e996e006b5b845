"""The token service on a real Redis."""
