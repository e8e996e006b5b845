-- Binds a signature to the first message that came with it. May be repeated.
-- KEYS: signature. ARGV: dedup_key of the message, time to live (ms).
-- Returns the dedup_key of the message that the signature is bound to.
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
