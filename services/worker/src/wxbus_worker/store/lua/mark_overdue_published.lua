-- Records that the note about a passed deadline is published: it is due again only after a time. May be repeated.
-- KEYS: reply_deadlines. ARGV: member, that time (ms).
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[1])
