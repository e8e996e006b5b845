-- Forget a record for good: its account was removed. A fetch that is under way is late by that. May be repeated.
-- KEYS: record, fence of the lock
redis.call('INCR', KEYS[2])
redis.call('DEL', KEYS[1])
