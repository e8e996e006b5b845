-- Makes a signature good for the first message that it came with. May be repeated.
-- KEYS: signature. ARGV: marker of the message, time to live (ms).
-- Returns the marker of the message that it is good for.
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
