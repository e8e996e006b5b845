"""Installs what wxbus needs on this machine; runs with the system's Python, so it imports no other package."""
