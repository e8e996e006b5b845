-- Delete the record of a removed account, and draw a fence, so that a fetch under way stores nothing. May be repeated.
-- KEYS: record, fence of the lock
redis.call('INCR', KEYS[2])
redis.call('DEL', KEYS[1])
