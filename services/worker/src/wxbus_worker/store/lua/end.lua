-- Forgets the runs of a message: one has come to an end. May be repeated.
-- KEYS: starts.
return redis.call('DEL', KEYS[1])
