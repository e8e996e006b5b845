"""Requests and answers as bytes, and errors as problem documents."""
