"""The users of Mini Programs, in a database."""
