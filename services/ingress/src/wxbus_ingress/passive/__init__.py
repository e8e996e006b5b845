"""Passive replies: the callback waits for a worker's answer."""
