"""Encodes requests, answers and errors."""
