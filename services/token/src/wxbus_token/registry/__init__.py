"""Accounts and API keys: those of files and those registered while the service runs."""
