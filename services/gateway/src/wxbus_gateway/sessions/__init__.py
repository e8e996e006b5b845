"""Sessions of users: tokens, and records in Redis."""
