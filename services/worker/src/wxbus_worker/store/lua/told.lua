-- Notes that a lane was told that its reply is late: only if that came to nothing, it is told again. May be repeated.
-- KEYS: late. ARGV: member, time after which it is told again (ms).
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[1])
