"""What the token service keeps in Redis: records, grants, authorizers, counts of requests."""
