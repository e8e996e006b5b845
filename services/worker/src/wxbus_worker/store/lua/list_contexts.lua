-- Lists contexts of a shard. May be repeated.
-- KEYS: context_expiries. ARGV: cursor ('0' = from the start), about how many.
-- Returns {next cursor ('0' = that was all), lane, time of its expiry (ms), lane, time, ...}; a lane may come twice.
local found = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local listed = found[2]
table.insert(listed, 1, found[1])
return listed
