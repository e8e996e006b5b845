"""Keeps each credential valid: cache, Redis, and the fetch from WeChat under the lock."""
