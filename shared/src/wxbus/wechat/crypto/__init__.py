"""Signatures and encryption that WeChat defines."""
