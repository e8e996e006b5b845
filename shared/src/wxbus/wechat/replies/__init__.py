"""Replies that handlers return, and their encodings for WeChat."""
