-- Claims messages whose time has come; after the claim they are due again, and cannot be cancelled. May be repeated.
-- KEYS: times, publishing, bodies. ARGV: limit, claim (ms for which no other process gets them).
-- Returns {member, body, member, body, ...}, the earliest first.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local members = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
local left = tonumber(ARGV[1]) - #members
if left > 0 then
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, left)) do
    redis.call('ZREM', KEYS[1], member)
    table.insert(members, member)
  end
end
local claimed = {}
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), member)
  table.insert(claimed, member)
  table.insert(claimed, redis.call('HGET', KEYS[3], member))
end
return claimed
