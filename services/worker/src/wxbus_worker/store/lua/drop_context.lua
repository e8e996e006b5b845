-- Drops a context without an event. May be repeated.
-- KEYS: context, context_expiries. ARGV: lane.
-- Returns 1 if there was one, else 0.
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
