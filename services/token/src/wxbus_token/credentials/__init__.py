"""Keeps each credential valid: in memory, in Redis, and by fetches from WeChat under a lock."""
