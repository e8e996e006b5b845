"""The accounts that wxbus serves, read from a file."""
