"""The token service's data in Redis: records, grants, authorizers, counts of requests."""
