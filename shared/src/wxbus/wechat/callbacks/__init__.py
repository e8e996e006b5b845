"""Callback requests: verified, decrypted and answered."""
