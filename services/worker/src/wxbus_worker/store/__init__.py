"""The worker's state in Redis: contexts, dedup keys, outboxes, pending replies and unfinished attempts."""
