-- Returns the answer of a message that was committed before, and extends the deadline of its pending replies. May be repeated.
-- KEYS: pending, reply_deadlines. ARGV: member of reply_deadlines, time for which they stay pending at least (ms).
-- Returns the answer, or false if there is none any more.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('HGET', KEYS[1], 'state') == 'pending' then
  local due = math.max(tonumber(redis.call('HGET', KEYS[1], 'due')), now + tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 'due', string.format('%.0f', due))
  redis.call('ZADD', KEYS[2], 'GT', due, ARGV[1])
end
return redis.call('HGET', KEYS[1], 'answer')
