"""Handles a callback, from the request to the published envelope."""
