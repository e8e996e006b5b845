-- Claims pending replies whose deadline has passed. May be repeated: they are due again after the claim.
-- KEYS: reply_deadlines. ARGV: limit, claim (ms for which no other process gets them).
-- Returns the members that are due.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local members = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), member)
end
return members
