"""Runs the business's handlers, each user's messages in order, effectively once."""
