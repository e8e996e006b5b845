"""A sample bot: every kind of handler in one short module."""
