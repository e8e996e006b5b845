"""A user's conversation as a handler sees it."""
