"""A client of the HTTP API of WeChat."""
